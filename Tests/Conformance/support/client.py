"""The official JavaScript client's browser build."""

import os
from pathlib import Path

from .server import REPOSITORY


def client_script():
    """Where `Samples/run --prepare` put it."""
    given = os.environ.get("SOCKET_IO_CLIENT")
    script = Path(given) if given else REPOSITORY / ".cache" / "vendor" / "socket.io.min.js"
    assert script.exists(), f"{script} is missing: Samples/run --prepare fetches it"
    return script
