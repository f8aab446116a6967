"""Type-checks the Swift snippets of README and the guides against the built modules.

The snippets of one page belong together: they are joined, in their order, into one main.swift.
Usage: python3 Tests/snippets.py <build directory, such as .build/debug>
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```swift\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def testing_arguments() -> list[str]:
    """Where the toolchain keeps Swift Testing, which SwiftPM knows by itself."""
    info = json.loads(subprocess.run(["swiftc", "-print-target-info"], capture_output=True, check=True).stdout)
    resources = pathlib.Path(info["paths"]["runtimeResourcePath"])
    arguments = ["-plugin-path", str(resources / "host/plugins/testing")]
    if sys.platform == "darwin":
        platform = subprocess.run(["xcrun", "--show-sdk-platform-path"], capture_output=True, text=True, check=True)
        arguments += ["-F", f"{platform.stdout.strip()}/Developer/Library/Frameworks"]
    return arguments


def check(page: pathlib.Path, build: pathlib.Path) -> bool:
    snippets = FENCE.findall(page.read_text())
    if not snippets:
        return True
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "main.swift")
        source.write_text("\n".join(snippets))
        command = ["swiftc", "-typecheck", "-swift-version", "6", "-warnings-as-errors", "-I", str(build / "Modules")]
        if "import Testing\n" in source.read_text():
            command += testing_arguments()
        for library in ("CUV", "CNGHTTP2", "COpenSSL", "CZlib"):
            command += ["-Xcc", f"-fmodule-map-file={ROOT}/Sources/{library}/module.modulemap"]
        result = subprocess.run([*command, str(source)], capture_output=True, text=True)
    name = page.relative_to(ROOT)
    print(f"{name}: {len(snippets)} snippets {'type-check' if result.returncode == 0 else 'FAIL'}")
    if result.returncode != 0:
        print(result.stderr)
    return result.returncode == 0


def main() -> int:
    build = (ROOT / sys.argv[1]).resolve()
    pages = [ROOT / "README.md", *sorted((ROOT / "Documentation").rglob("*.md"))]
    results = [check(page, build) for page in pages]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
