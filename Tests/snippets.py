"""Type-checks the Swift snippets of README and the guides against the built modules.

The snippets of one page belong together: they are joined, in their order, into one main.swift.
Usage: python3 Tests/snippets.py <build directory, such as .build/debug> [<that of the samples, .build-samples/release>]

The second one has the packages that only samples depend on; pages that import one of them are checked against it.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES_ONLY = ("JWTKit",)
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


def modules(source: str, build: pathlib.Path, samples: pathlib.Path) -> pathlib.Path:
    imports_samples = any(f"import {module}\n" in source for module in SAMPLES_ONLY)
    return (samples if imports_samples else build) / "Modules"


def check(page: pathlib.Path, build: pathlib.Path, samples: pathlib.Path) -> bool:
    snippets = FENCE.findall(page.read_text())
    if not snippets:
        return True
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "main.swift")
        source.write_text("\n".join(snippets))
        command = ["swiftc", "-typecheck", "-swift-version", "6", "-warnings-as-errors"]
        command += ["-I", str(modules(source.read_text(), build, samples))]
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
    build, samples = ((ROOT / folder).resolve() for folder in [*sys.argv[1:], ".build-samples/release"][:2])
    pages = [ROOT / "README.md", *sorted((ROOT / "Documentation").rglob("*.md"))]
    results = [check(page, build, samples) for page in pages]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
