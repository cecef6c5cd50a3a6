#!/usr/bin/env python3
"""Measures typed-flow beside d6tflow and doit, in turns.

It installs the two (requirements.txt) in an environment of their own, builds `ours.rs` with optimization, and
runs the same pipelines with each:

- `fan`: tasks that write a number as JSON each, and one that adds them up, in a new folder;
- `noop`: the same again, in a new process, where nothing has to run;
- `parquet_save`, `parquet_load`: a table of five million rows, as Parquet with the same codec. doit has no formats.

Each measurement is a process of its own, with one worker. Each program takes the time of its call that runs the
pipeline, so starting the process and importing modules do not count. typed-flow makes outputs durable, the others do
not. The disk is synced before each measurement, so that none writes what another has left.

`RESULT peers fan_1000 us_per_task=... doit_us_per_task=... doit_ratio=...`: medians of the times, and the median over
all rounds of the other's time divided by typed-flow's in the same round.

    python3 benches/peers/compare.py [--sizes 300,1000,3000] [--rows 5000000] [--rounds 5]

`--rows 0` leaves Parquet out.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKSPACE = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or "target")
TARGET = TARGET if TARGET.is_absolute() else WORKSPACE / TARGET


def main():
    arguments = argparse.ArgumentParser(description="Measures typed-flow beside d6tflow and doit.")
    arguments.add_argument("--sizes", default="300,1000,3000", help="numbers of tasks in a fan")
    arguments.add_argument("--rows", type=int, default=5_000_000, help="rows of the table; 0 for none")
    arguments.add_argument("--rounds", type=int, default=5, help="how often everything is measured")
    given = arguments.parse_args()
    sizes = [int(size) for size in given.sizes.split(",") if size]

    python, environment = install()
    # Packages that were compiled when they were installed are not written again, and neither is anything here.
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    programs = {
        "ours": [str(build())],
        "doit": [python, str(HERE / "with_doit.py")],
        "d6tflow": [python, str(HERE / "with_d6tflow.py")],
    }
    # On the disk where cargo builds: a temporary folder may be in memory.
    root = Path(tempfile.mkdtemp(prefix="peers-", dir=TARGET))
    try:
        bench = Bench(programs, environment, root, given.rounds)
        for size in sizes:
            bench.fan(size)
        if given.rows > 0:
            bench.parquet(given.rows)
    finally:
        shutil.rmtree(root, ignore_errors=True)


class Bench:
    def __init__(self, programs, environment, root, rounds):
        self.programs = programs
        self.environment = environment
        self.root = root
        self.rounds = rounds
        self.folders = 0

    def fan(self, tasks):
        """Runs a fan of this many tasks with each program, and then again."""
        first, again = Times(self.programs), Times(self.programs)
        for _, program, folder in self.turns(self.programs):
            ran = self.measure(program, "fan", folder, tasks)
            assert ran["ran"] == tasks + 1, f"{program} ran {ran['ran']} tasks"
            first.add(program, ran)
            ran = self.measure(program, "fan", folder, tasks)
            assert ran["ran"] == 0, f"{program} ran {ran['ran']} tasks again"
            again.add(program, ran)
        first.report(f"fan_{tasks}", "us_per_task", 1e6 / tasks)
        again.report(f"noop_{tasks}", "us_per_task", 1e6 / tasks)

    def parquet(self, rows):
        """Saves and loads a table with each program that has the format."""
        programs = [program for program in self.programs if program != "doit"]
        save, load = Times(programs), Times(programs)
        for _, program, folder in self.turns(programs):
            saved = self.measure(program, "parquet_save", folder, rows)
            save.add(program, saved)
            load.add(program, self.measure(program, "parquet_load", folder, rows))
            # A round writes some hundred megabytes.
            shutil.rmtree(folder)
        save.report("parquet_save", "ms", 1e3, f" rows={rows}")
        load.report("parquet_load", "ms", 1e3, f" rows={rows}")

    def turns(self, programs):
        """Yields each program once a round, each round from another one on, with a new folder."""
        programs = list(programs)
        for turn in range(self.rounds):
            at = turn % len(programs)
            for program in programs[at:] + programs[:at]:
                self.folders += 1
                folder = self.root / f"{program}-{self.folders}"
                folder.mkdir()
                yield turn, program, folder

    def measure(self, program, what, folder, size):
        """Runs a program once, and returns what its `PEER` line says."""
        os.sync()
        command = [*self.programs[program], what, str(folder), str(size)]
        done = subprocess.run(
            command, env=self.environment, cwd=self.root, capture_output=True, text=True
        )
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        lines = [line for line in done.stdout.splitlines() if line.startswith("PEER ")]
        return json.loads(lines[-1].removeprefix("PEER "))


class Times:
    """The seconds of each program, by round."""

    def __init__(self, programs):
        self.seconds = {program: [] for program in programs}
        self.bytes = {}

    def add(self, program, measured):
        self.seconds[program].append(measured["seconds"])
        if "bytes" in measured:
            self.bytes[program] = measured["bytes"]

    def report(self, case, unit, scale, more=""):
        ours = self.seconds["ours"]
        line = f"RESULT peers {case} {unit}={statistics.median(ours) * scale:.1f}"
        for program, theirs in self.seconds.items():
            if program == "ours":
                continue
            ratios = [their / our for their, our in zip(theirs, ours)]
            line += f" {program}_{unit}={statistics.median(theirs) * scale:.1f}"
            line += f" {program}_ratio={statistics.median(ratios):.2f}"
        for program, size in self.bytes.items():
            prefix = "" if program == "ours" else f"{program}_"
            line += f" {prefix}megabytes={size / 1e6:.1f}"
        print(line + more, flush=True)


def install(name="peers", requirements=HERE / "requirements.txt"):
    """Installs the peers, and returns the Python that has them, with its environment variables."""
    folder = TARGET / name
    environment = dict(os.environ)
    venv, packages, installed = folder / "venv", folder / "packages", folder / "installed.txt"
    wanted = f"{sys.executable} {sys.version}\n{requirements.read_text()}"
    is_installed = installed.exists() and installed.read_text() == wanted
    if not is_installed:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)]
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = is_installed and python.exists()
    if not is_installed:
        made = subprocess.run([sys.executable, "-m", "venv", str(venv)]).returncode == 0
    if made:
        python = str(python)
    else:
        # A Python without ensurepip makes no environments.
        python = sys.executable
        environment["PYTHONPATH"] = str(packages)
        shutil.rmtree(venv, ignore_errors=True)
        pip += ["--target", str(packages)]
    if not is_installed:
        subprocess.run([python, *pip], check=True)
        installed.write_text(wanted)
    return python, environment


def build(bench="peers", *options):
    """Builds `ours.rs`, or another benchmark, and returns the path of the program."""
    command = ["cargo", "bench", "-p", "flow-benches", "--bench", bench, "--no-run", *options]
    command += ["--message-format", "json-render-diagnostics"]
    built = subprocess.run(command, cwd=WORKSPACE, stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        sys.exit("typed-flow was not built")
    messages = (json.loads(line) for line in built.stdout.splitlines() if line.startswith("{"))
    for message in messages:
        is_artifact = message.get("reason") == "compiler-artifact"
        if is_artifact and message["target"]["name"] == bench and message.get("executable"):
            return message["executable"]
    sys.exit(f"cargo named no program `{bench}`")


if __name__ == "__main__":
    main()
