"""The servers that can be measured: Parley's, the floor, and the peers that are installed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

PEERS = Path(__file__).parent.parent / "Peers"


@dataclass(frozen=True)
class Server:
    name: str
    # The command, from the port, the row's flags and the folder for files.
    command: Callable[[int, tuple, Path], list]
    # What the load generator has to know of it.
    load: tuple = ()


def find(options):
    server, floor = options.bin / "BenchmarkServer", options.bin / "BenchmarkFloor"
    found = [
        Server("parley", lambda port, flags, files: [server, "--port", port, "--files", files, *flags]),
        Server("floor", lambda port, flags, files: (
            options.floor.format(port=port).split() if options.floor else [floor, port])),
    ]
    return found + list(installed(options))


def installed(options):
    if has_node_ws():
        yield Server("node-ws", lambda port, flags, files: ["node", PEERS / "node-ws.js", port])
    uwebsockets = options.peers and options.peers / "uwebsockets"
    if uwebsockets and uwebsockets.exists():
        yield Server("uWebSockets", lambda port, flags, files: [uwebsockets, port])
    python = options.peers and options.peers / "bin" / "python"
    if python and python.exists():
        yield Server("python-socketio", lambda port, flags, files: [
            python, PEERS / "python_socketio.py", port, *flags], load=("--post-ok", "OK"))
    if nginx := program("nginx"):
        yield Server("nginx", lambda port, flags, files: nginx_command(nginx, port, files))
    if nghttpd := program("nghttpd"):
        yield Server("nghttpd", lambda port, flags, files: [
            nghttpd, "--no-tls", "-d", files, "-n", "1", port])


def program(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def has_node_ws():
    if not shutil.which("node"):
        return False
    return subprocess.run(["node", "-e", "require('ws')"], capture_output=True,
                          env={"PATH": "/usr/bin:/usr/local/bin", "NODE_PATH": "/usr/share/nodejs"}).returncode == 0


def nginx_command(nginx, port, files):
    folder = files.parent / f"nginx-{port}"
    folder.mkdir(exist_ok=True)
    configuration = folder / "nginx.conf"
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n"
                        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration.write_text(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; sendfile on; open_file_cache max=100; {temporary}
types {{ text/plain txt; }}
server {{ listen 127.0.0.1:{port};
location = /hello {{ default_type text/plain; return 200 "Hello, world!"; }}
location /files/ {{ alias {files}/; }} }} }}
""")
    return [nginx, "-p", folder, "-c", configuration]
