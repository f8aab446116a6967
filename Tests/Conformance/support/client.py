"""The official JavaScript client's browser builds."""

import os
from pathlib import Path

from .server import REPOSITORY


def client_script(version="4"):
    """That of a major version, where `Samples/run --prepare` put it, or Tests/run for what is older."""
    suffix = "" if version == "4" else f"-{version}"
    given = os.environ.get(f"SOCKET_IO{suffix.replace('-', '_')}_CLIENT")
    script = Path(given) if given else REPOSITORY / ".cache" / "vendor" / f"socket.io{suffix}.min.js"
    assert script.exists(), f"{script} is missing: Tests/run installs it"
    return script


def old_python():
    """The interpreter whose python-socketio speaks Engine.IO 3."""
    given = os.environ.get("PYTHON_EIO3")
    program = Path(given) if given else REPOSITORY / ".venv-eio3" / "bin" / "python"
    assert program.exists(), f"{program} is missing: Tests/run installs it"
    return program
