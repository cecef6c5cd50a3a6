"""The pipelines of compare.py, in d6tflow. Each call does one thing and prints its time as a `PEER` line.

    with_d6tflow.py fan FOLDER TASKS          runs a fan, or finds it complete
    with_d6tflow.py parquet_save FOLDER ROWS  runs a task whose output is a table
    with_d6tflow.py parquet_load FOLDER ROWS  loads that table
"""

import json
import sys
import time
from pathlib import Path

import d6tflow
import luigi

what, folder, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
d6tflow.set_dir(folder)
d6tflow.settings.log_level = "ERROR"
d6tflow.settings.execution_summary = False

ran = 0
table_made = None


class Leaf(d6tflow.tasks.TaskJson):
    n = luigi.IntParameter()

    def run(self):
        global ran
        ran += 1
        self.save(self.n)


class Sum(d6tflow.tasks.TaskJson):
    n = luigi.IntParameter()

    def requires(self):
        return [Leaf(n=n) for n in range(self.n)]

    def run(self):
        global ran
        ran += 1
        self.save(sum(self.inputLoad()))


class Table(d6tflow.tasks.TaskPqPandas):
    rows = luigi.IntParameter()

    def run(self):
        global ran, table_made
        import table

        ran += 1
        frame = table.frame(self.rows)
        table_made = time.perf_counter()
        # The codec of typed-flow. That of d6tflow, gzip, takes several times as long.
        self.save(frame, compression="zstd", compression_level=1, index=False)


def report(seconds, **more):
    print("PEER " + json.dumps({"seconds": seconds, **more}))


if what == "fan":
    begun = time.perf_counter()
    flow = d6tflow.Workflow(Sum, {"n": size})
    flow.run(workers=1)
    seconds = time.perf_counter() - begun
    assert flow.outputLoad() == size * (size - 1) // 2, "another sum"
    report(seconds, ran=ran)
elif what == "parquet_save":
    flow = d6tflow.Workflow(Table, {"rows": size})
    flow.run(workers=1)
    seconds = time.perf_counter() - table_made
    (file,) = Path(folder).rglob("*.parquet")
    report(seconds, ran=ran, bytes=file.stat().st_size)
elif what == "parquet_load":
    # pandas imports this with the first call, which is not what is measured.
    import pyarrow.parquet  # noqa: F401

    flow = d6tflow.Workflow(Table, {"rows": size})
    begun = time.perf_counter()
    frame = flow.outputLoad()
    seconds = time.perf_counter() - begun
    assert int(frame["id"].sum()) == size * (size - 1) // 2, "another table"
    report(seconds, ran=ran)
else:
    sys.exit(f"unknown measurement {what}")
