/// How Socket.IO packets are written (Socket.IO's option `parser`). A client with another parser than the server's is
/// disconnected by its first packet.
public enum PacketParser: Sendable {
    /// Text with the binary behind it in messages of its own: what clients do unless they are told otherwise.
    case json
    /// One MessagePack message a packet, binary within: smaller where there are many numbers or much binary. The clients'
    /// side is `socket.io-msgpack-parser` for JavaScript and `serializer="msgpack"` for python-socketio.
    case messagePack
}
