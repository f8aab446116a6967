"""Prints the figures."""

import platform


def show(results, cores):
    """Prints the table; returns whether a bar was missed."""
    print(f"{platform.machine()}, {processor()}; server on core {cores[0]}, load on core {cores[-1]}; medians\n")
    missed = []
    for result in results:
        row = result.row
        print(f"{row.name} ({row.unit})")
        for server in result.figures:
            line = f"  {server:<16} {result.median(server):>12,.0f}"
            cost = result.cost(server)
            line += f" {cost:>8.2f} us" if cost else " " * 12
            if server != "parley":
                ratio = result.ratio(server)
                line += f"   parley is {ratio:.2f} times that"
                bar = row.bars.get(server)
                if bar and ratio < bar:
                    missed.append(f"{row.name}: {ratio:.2f} of {server}, the bar is {bar}")
                    line += f"  BELOW THE BAR of {bar}"
            print(line)
        print()
    for line in missed:
        print(f"missed: {line}")
    return bool(missed)


def processor():
    try:
        with open("/proc/cpuinfo") as information:
            for line in information:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown processor"
