"""python-socketio behind uvicorn, with the load generator's contract."""

import sys

import socketio
import uvicorn
from engineio.payload import Payload

Payload.max_decode_packets = 10_000
port, flags = int(sys.argv[1]), sys.argv[2:]
server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*", logger=False, engineio_logger=False)


@server.event
async def echo(sid, payload):
    if "--emit" in flags:
        await server.emit("echo", payload, to=sid)
        return None
    return payload


@server.event
async def broadcast(sid, payload):
    await server.emit("broadcast", payload)


@server.event
async def join(sid, room):
    await server.enter_room(sid, room)
    return ()


@server.on("to-room")
async def to_room(sid, room, payload):
    await server.emit("room", payload, room=room)


uvicorn.run(socketio.ASGIApp(server), host="127.0.0.1", port=port, log_level="error", access_log=False)
