#!/usr/bin/env python3
"""Runs a benchmark and prints its `RESULT` lines as tables for docs/performance.md.

    python3 benches/figures.py cargo bench -p flow-benches --bench overhead -- --large

The output begins with the command, the commit and the machine. Everything that the command prints is shown on the
standard error while it runs.
"""

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

WORKSPACE = Path(__file__).resolve().parent.parent


def main():
    command = sys.argv[1:]
    if not command:
        sys.exit(__doc__)
    results = run(command)
    if not results:
        sys.exit("the command printed no RESULT line")
    print(f"`{' '.join(command)}`, {datetime.date.today()}, commit {commit()}, {machine()}:\n")
    print("\n\n".join(tables(results)))


def run(command):
    """Runs a command, and returns (benchmark, case, figures) of each line."""
    results = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=WORKSPACE) as running:
        for line in running.stdout:
            sys.stderr.write(line)
            if line.startswith("RESULT "):
                _, bench, case, *figures = line.split()
                results.append((bench, case, dict(figure.split("=", 1) for figure in figures)))
    if running.returncode != 0:
        sys.exit(f"{' '.join(command)} failed")
    return results


def tables(results):
    """Returns a table for each run of lines with the same benchmark and the same figures."""
    rows, before = [], None
    for bench, case, figures in results:
        shape = (bench, *figures)
        if shape != before:
            if rows:
                yield "\n".join(rows)
            rows = [f"| {bench} | {' | '.join(figures)} |", f"| --- |{' ---: |' * len(figures)}"]
            before = shape
        rows.append(f"| `{case}` | {' | '.join(figures.values())} |")
    yield "\n".join(rows)


def commit():
    """Returns the commit of the workspace, and whether it has changes."""
    git = ["git", "-C", str(WORKSPACE), "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    return subprocess.run(git, capture_output=True, text=True).stdout.strip() or "unknown"


def machine():
    """Returns the processor, the memory and the system in words."""
    parts = [f"{os.cpu_count()} cores"]
    try:
        cpus = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in cpus if line.startswith("model name")]
        parts[0] += f" of {names[0]}" if names else ""
        kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
        parts.append(f"{kilobytes / 1e6:.0f} GB of memory")
    except OSError:
        pass
    parts.append(f"{platform.system()} {platform.release()}")
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()
    parts += [f"rustc {rustc[1]}"] if len(rustc) > 1 else []
    return ", ".join(parts)


if __name__ == "__main__":
    main()
