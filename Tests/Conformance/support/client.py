"""The official JavaScript client's browser builds."""

import os
from pathlib import Path

from .server import REPOSITORY


def client_script():
    """Where `Samples/run --prepare` put it."""
    given = os.environ.get("SOCKET_IO_CLIENT")
    script = Path(given) if given else REPOSITORY / ".cache" / "vendor" / "socket.io.min.js"
    assert script.exists(), f"{script} is missing: Samples/run --prepare fetches it"
    return script


def old_client_script():
    """The 2.x client, where `Samples/run --prepare` put it."""
    given = os.environ.get("SOCKET_IO_2_CLIENT")
    script = Path(given) if given else REPOSITORY / ".cache" / "vendor" / "socket.io-2.min.js"
    assert script.exists(), f"{script} is missing: Tests/run installs it"
    return script


def old_python():
    """The interpreter whose python-socketio speaks Engine.IO 3."""
    given = os.environ.get("PYTHON_EIO3")
    program = Path(given) if given else REPOSITORY / ".venv-eio3" / "bin" / "python"
    assert program.exists(), f"{program} is missing: Tests/run installs it"
    return program
