"""nginx and haproxy in front of the server under test: processes of a test's own, never the system's services."""

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess

from .server import wait_until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name):
    """Debian keeps servers where only root looks."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is missing: Tests/run installs it"
    return found


class Front:
    """A proxy's process with a configuration file of its own. Clients that take a server take it, too."""

    context = None

    def __init__(self, server, folder, port):
        self.server, self.folder, self.port = server, folder, port
        self.process = None

    def run(self, *line):
        self.log = open(self.folder / "log", "w+")
        self.process = subprocess.Popen(
            list(map(str, line)), stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        wait_until(self.answers, 10, "the proxy does not listen")
        return self

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def connect(self, timeout=5, protocol=None):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def __getattr__(self, name):
        # What is asked of the server behind it: stats, disconnect_reason, check.
        return getattr(self.server, name)


NGINX = """
daemon off; pid {folder}/pid; worker_processes 1; user {user} {group};
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream app {{ server {upstream}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        {more}
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


def nginx(server, folder, upstream, more=""):
    """A reverse proxy as its documentation has it: connections kept alive, WebSockets passed on."""
    front = Front(server, folder, free_port())
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    text = NGINX.format(folder=folder, upstream=upstream, port=front.port, more=more, user=user, group=group)
    (folder / "nginx.conf").write_text(text)
    return front.run(program("nginx"), "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf")


HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend clients
    bind 127.0.0.1:{port} {bind}
    default_backend app
backend app
    {backend}
    server app {upstream} {options}
"""


def haproxy(server, folder, upstream, options, bind="", backend=""):
    """A balancer that passes bytes on, and says whose they are."""
    front = Front(server, folder, free_port())
    (folder / "haproxy.cfg").write_text(HAPROXY.format(
        port=front.port, bind=bind, backend=backend, upstream=upstream, options=options))
    return front.run(program("haproxy"), "-db", "-f", folder / "haproxy.cfg")


HAPROXY_HTTP2 = """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
    option abortonclose
frontend clients
    bind 127.0.0.1:{port}
    default_backend app
backend app
    server app {upstream} proto h2 ws h2
"""


def haproxy_to_http2(server, folder, upstream):
    """A proxy that takes HTTP/1.1 and asks by HTTP/2, also for WebSockets (RFC 8441)."""
    front = Front(server, folder, free_port())
    (folder / "haproxy.cfg").write_text(HAPROXY_HTTP2.format(port=front.port, upstream=upstream))
    return front.run(program("haproxy"), "-db", "-f", folder / "haproxy.cfg")
