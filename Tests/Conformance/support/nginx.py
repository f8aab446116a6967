"""nginx as a process of its own, with its own configuration and folders; the system's service is left alone."""

import os
import shutil
import socket
import subprocess
import time

CONFIGURATION = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    types {{
        text/html html; text/css css; text/javascript js; text/plain txt; image/png png; application/gzip gz;
    }}
    default_type application/octet-stream;
    charset utf-8;
    charset_types text/html text/css text/javascript text/plain;
    gzip off;
    gzip_vary on;
    {paths}
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location /variants/ {{ alias {root}/; gzip_static on; }}
    }}
}}
"""
PATHS = ["client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"]


class Nginx:
    """Serves the files of a folder, at `/` as they are and at `/variants/` with gzip_static."""

    def __init__(self, root, folder):
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
        assert program, "no nginx: Tests/run installs it"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        folder.mkdir()
        paths = "".join(f"{name} {folder}/{name};" for name in PATHS)
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(folder=folder, root=root, port=self.port, paths=paths))
        # As root its worker would be another user, who can't read the tests' folders.
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [program, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf", *user],
            stdin=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 10
        while True:
            assert self.process.poll() is None, "nginx did not start"
            try:
                return self.connect().close()
            except OSError:
                assert time.monotonic() < deadline, "nginx does not listen"
                time.sleep(0.02)

    def connect(self, timeout=5, protocol=None):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
