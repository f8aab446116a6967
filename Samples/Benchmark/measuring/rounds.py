"""Runs a row's servers in turn and collects what they did."""

import json
import math
import os
import re
import resource
import socket
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Result:
    row: object
    # By server: the figure of each round, and the microseconds of the server's processor time for one of them.
    figures: dict = field(default_factory=dict)
    costs: dict = field(default_factory=dict)

    def median(self, server):
        return statistics.median(self.figures[server])

    def cost(self, server):
        return statistics.median(self.costs[server]) if self.costs.get(server) else None

    def ratio(self, server):
        """How many times the server's figure Parley's is, round by round."""
        pairs = zip(self.figures["parley"], self.figures[server])
        return statistics.median(mine / theirs for mine, theirs in pairs)

    def plain(self):
        return {"row": self.row.name, "unit": self.row.unit, "figures": self.figures, "cpu_us": self.costs}


class Bench:
    def __init__(self, options, servers):
        self.options, self.servers = options, servers
        self.cores = sorted(os.sched_getaffinity(0))[:2]
        self.folder = Path(tempfile.mkdtemp(prefix="parley-benchmark-"))
        # Servers that drop their rights read them, too.
        self.folder.chmod(0o755)
        (self.folder / "files").mkdir()
        (self.folder / "files" / "10k.txt").write_bytes(b"x" * 10240)
        (self.folder / "files" / "hello").write_text("Hello, world!")
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def measure(self, row):
        taking_part = [server for server in self.servers if server.name == "parley" or server.name in row.against]
        if row.costs_more is not None:
            taking_part += [plain(server) for server in taking_part if server.name == "parley"]
        result = Result(row)
        for _ in range(row.rounds or self.options.rounds):
            for server in taking_part:
                figure, cost = self.run(row, server)
                result.figures.setdefault(server.name, []).append(figure)
                result.costs.setdefault(server.name, []).append(cost)
        return result

    def run(self, row, server):
        port = free_port()
        command = [str(part) for part in server.command(port, row.flags, self.folder / "files")]
        environment = dict(os.environ, NODE_PATH="/usr/share/nodejs")
        with open(self.folder / "log", "w") as log:
            process = subprocess.Popen(self.pinned(0, command), stdout=log, stderr=log, env=environment)
        try:
            wait_for(port, process, self.folder / "log")
            return self.load(row, server, port, process.pid)
        finally:
            process.terminate()
            process.wait()

    def pinned(self, which, command):
        return ["taskset", "-c", str(self.cores[min(which, len(self.cores) - 1)]), *command]

    def load(self, row, server, port, pid):
        """The figure, and the server's microseconds of processor time for one."""
        if row.key in ("wrk", "h2load"):
            return self.web_load(row, f"http://127.0.0.1:{port}{row.load[0]}", pid)
        command = [str(self.options.bin / "BenchmarkLoad"), "--port", str(port), *row.load, *server.load]
        command += ["--pid", ",".join(map(str, [pid, *children(pid)]))]
        if row.unit == "bytes":
            command += ["--duration", "1"]
        else:
            command += ["--duration", str(self.options.seconds), "--warmup", "0.5"]
        output = subprocess.run(self.pinned(1, command), capture_output=True, text=True)
        if output.returncode != 0:
            raise SystemExit(f"{row.name}: {output.stderr}\n{output.stdout}")
        figures = json.loads(output.stdout)
        cost = figures["server_cpu"] / figures[row.key] * 1e6 if row.unit.endswith("/s") else None
        return figures[row.key], cost

    def web_load(self, row, url, pid):
        before, start = processor_time(pid), time.monotonic()
        figure = self.wrk(url) if row.key == "wrk" else self.h2load(url)
        spent = processor_time(pid) - before
        return figure, spent / (figure * (time.monotonic() - start)) * 1e6

    def wrk(self, url):
        command = ["wrk", "-t", "1", "-c", "64", "-d", f"{math.ceil(self.options.seconds)}s", url]
        output = subprocess.run(self.pinned(1, command), capture_output=True, text=True).stdout
        if "Non-2xx" in output or "Socket errors" in output:
            raise SystemExit(f"{url}: {output}")
        return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])

    def h2load(self, url):
        command = ["h2load", "-c", "10", "-m", "100", "-D", str(math.ceil(self.options.seconds)), url]
        output = subprocess.run(self.pinned(1, command), capture_output=True, text=True).stdout
        status = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
        if not status or any(int(count) for count in status.groups()[1:]):
            raise SystemExit(f"{url}: {output}")
        return float(re.search(r"([\d.]+) req/s", output)[1])


def plain(server):
    """The same server without a row's flags."""
    return replace(server, name="without", command=lambda port, flags, files: server.command(port, (), files))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, log):
    for _ in range(500):
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended: {log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"{process.args} does not listen: {log.read_text()}")


def processor_time(pid):
    """Seconds of a process and its children."""
    total = 0
    for entry in [pid, *children(pid)]:
        fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def children(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
