"""Prints the figures."""

import platform


def head(cores):
    print(f"{platform.machine()}, {processor()}; server on core {cores[0]}, load on core {cores[-1]}; medians, "
          "with the server's processor time for one\n")


def show(result):
    """Prints a row; returns what missed its bar."""
    row, missed = result.row, []
    print(f"{row.name} ({row.unit})")
    for server in result.figures:
        line = f"  {server:<16} {result.median(server):>12,.0f}"
        cost = result.cost(server)
        line += f" {cost:>8.2f} us" if cost else " " * 12
        if server != "parley":
            ratio, bar = result.ratio(server), row.bars.get(server)
            line += f"   parley: {ratio:.2f}"
            if bar:
                line += f" (bar {bar})" if ratio >= bar else f" BELOW THE BAR of {bar}"
                if ratio < bar:
                    missed.append(f"{row.name}: {ratio:.2f} of {server}, the bar is {bar}")
        print(line)
    for server in row.bars.keys() - result.figures.keys():
        print(f"  {server} isn't here: its bar of {row.bars[server]} was not measured")
    if row.most and result.median("parley") > row.most:
        missed.append(f"{row.name}: {result.median('parley'):,.0f}, the bar is {row.most:,} at most")
    if row.costs_more is not None and "without" in result.figures:
        more = result.cost("parley") - result.cost("without")
        print(f"  {more:+.2f} us for {' '.join(row.flags)} (bar {row.costs_more})")
        if more > row.costs_more:
            missed.append(f"{row.name}: {more:+.2f} us, the bar is {row.costs_more}")
    print(flush=True)
    return missed


def processor():
    try:
        with open("/proc/cpuinfo") as information:
            for line in information:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown processor"
