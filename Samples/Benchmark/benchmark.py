"""Measures Parley against the floor and whatever peers are here, and prints a table.

Every row runs its servers in turn, several rounds over, each on one core with the load on another; the figures are medians, and
ratios compare what ran in the same rounds. A run with a reply that is wrong, lost or doubled fails.

    Samples/run benchmark                        all rows, five rounds
    Samples/run benchmark --rounds 3 --only echo rows whose name contains "echo"
    Samples/run benchmark --install-peers        installs the peers first (Debian, PyPI)
    Samples/run benchmark --floor "./server {port}"   another floor, such as a server of yours
"""

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from measuring import rows, servers  # noqa: E402
from measuring.rounds import Bench  # noqa: E402
from measuring.table import head, show  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True, help="the folder of the built programs")
    parser.add_argument("--peers", type=Path, help="a Python environment with python-socketio")
    parser.add_argument("--floor", help="the command of another floor; {port} stands for its port")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run, behind a warm-up of half a second")
    parser.add_argument("--only", action="append", default=[], help="rows whose name contains this")
    parser.add_argument("--server", action="append", default=[], help="only these servers")
    parser.add_argument("--json", type=Path, help="writes the figures to this file")
    parser.add_argument("--list", action="store_true", help="lists rows and servers, and ends")
    return parser.parse_args()


def main():
    options = arguments()
    found = servers.find(options)
    if options.server:
        found = [server for server in found if server.name in options.server]
    chosen = [row for row in rows.ROWS if not options.only or any(part in row.name for part in options.only)]
    if options.list:
        print("servers:", ", ".join(server.name for server in found))
        for row in chosen:
            print(f"  {row.name}")
        return 0
    bench = Bench(options, found)
    results, missed = [], []
    head(bench.cores)
    for row in chosen:
        result = bench.measure(row)
        missed += show(result)
        results.append(result)
    for line in missed:
        print(f"missed: {line}")
    if options.json:
        options.json.write_text(json.dumps([result.plain() for result in results], indent=1))
    return 1 if missed else 0


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    sys.exit(main())
