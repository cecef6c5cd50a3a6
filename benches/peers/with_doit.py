"""The fan of compare.py, in doit. Each call prints its time as a `PEER` line.

    with_doit.py fan FOLDER TASKS    runs a fan, or finds it up to date
"""

import json
import sys
import time
from pathlib import Path

from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
from doit.tools import config_changed

what, folder, size = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if what != "fan":
    sys.exit(f"unknown measurement {what}")
(folder / "leaf").mkdir(parents=True, exist_ok=True)

ran = 0


def leaf_path(n):
    return folder / "leaf" / f"{n}.json"


def write_leaf(n):
    global ran
    ran += 1
    leaf_path(n).write_text(json.dumps(n))


def write_sum():
    global ran
    ran += 1
    numbers = (json.loads(leaf_path(n).read_text()) for n in range(size))
    (folder / "sum.json").write_text(json.dumps(sum(numbers)))


def task_leaf():
    for n in range(size):
        yield {
            "name": str(n),
            "actions": [(write_leaf, [n])],
            "targets": [str(leaf_path(n))],
            # Without this, doit runs a task that has no files to depend on each time.
            "uptodate": [config_changed({"n": n})],
        }


def task_sum():
    return {
        "actions": [write_sum],
        "file_dep": [str(leaf_path(n)) for n in range(size)],
        "targets": [str(folder / "sum.json")],
    }


begun = time.perf_counter()
tasks = {
    "DOIT_CONFIG": {
        "dep_file": str(folder / ".doit.db"),
        "default_tasks": ["sum"],
        "reporter": "zero",
    },
    "task_leaf": task_leaf,
    "task_sum": task_sum,
}
status = DoitMain(ModuleTaskLoader(tasks)).run([])
seconds = time.perf_counter() - begun
assert status == 0, f"doit failed: {status}"
assert json.loads((folder / "sum.json").read_text()) == size * (size - 1) // 2, "another sum"
print("PEER " + json.dumps({"seconds": seconds, "ran": ran}))
