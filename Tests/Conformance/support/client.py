"""The official JavaScript client's browser build."""

import os
from pathlib import Path

from .server import REPOSITORY


def client_script():
    """Where Tests/run put it."""
    given = os.environ.get("SOCKET_IO_CLIENT")
    script = Path(given) if given else REPOSITORY / ".venv" / "client" / "socket.io.min.js"
    assert script.exists(), f"{script} is missing: Tests/run takes it out of a wheel"
    return script
