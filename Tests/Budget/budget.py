"""Counts what one piece of each kind of work costs, in instructions and allocations, and compares it with the baseline.

    budget.py BUDGET            fails where a cost is above its budget: a quarter more than the baseline
    budget.py BUDGET --update   writes the baseline anew, for a change that is worth its cost

Valgrind counts; the machine's speed and what else it does don't matter. Each work is done so many times and three times as
often: the difference is its cost, without the program's start.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

BASELINE = Path(__file__).parent / "baseline.json"
TOLERANCE = 1.25
# How often each is done; multiples of 100, the size of the audience, and of 16, that of a burst.
COUNTS = {"echo": 1600, "burst": 1600, "suspendable": 1600, "binary": 800, "broadcast": 8000, "hello": 800, "connect": 100,
          "polling": 800, "polling-connect": 100}


def valgrind(program, work, count, *arguments):
    command = ["valgrind", *arguments, str(program), work, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0 or done.stdout:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stderr


def instructions(program, work, count):
    output = valgrind(program, work, count, "--tool=callgrind", "--callgrind-out-file=/dev/null")
    return int(re.search(r"Collected : (\d+)", output)[1])


def allocations(program, work, count):
    output = valgrind(program, work, count, "--tool=memcheck", "--leak-check=no", "--undef-value-errors=no")
    return int(re.search(r"total heap usage: ([\d,]+) allocs", output)[1].replace(",", ""))


def cost(program, work):
    count = COUNTS[work]
    def each(measure):
        return (measure(program, work, 3 * count) - measure(program, work, count)) / (2 * count)
    return {"instructions": round(each(instructions)), "allocations": round(each(allocations), 2)}


def is_within(measured, budget):
    # Half an allocation more is none in most pieces.
    return (measured["instructions"] <= budget["instructions"] * TOLERANCE
            and measured["allocations"] <= max(budget["allocations"] * TOLERANCE, budget["allocations"] + 0.5))


def main():
    program, update = Path(sys.argv[1]), "--update" in sys.argv
    costs = {work: cost(program, work) for work in COUNTS}
    if update:
        BASELINE.write_text(json.dumps(costs, indent=4) + "\n")
    baseline = json.loads(BASELINE.read_text())
    failed = False
    print(f"{'':16}{'instructions':>14}{'baseline':>10}{'allocations':>14}{'baseline':>10}")
    for work, measured in costs.items():
        budget, fits = baseline[work], is_within(measured, baseline[work])
        failed |= not fits
        print(f"{work:16}{measured['instructions']:>14,}{budget['instructions']:>10,}"
              f"{measured['allocations']:>14}{budget['allocations']:>10}{'' if fits else '   ABOVE THE BUDGET'}")
    return 1 if failed else 0


sys.exit(main())
