"""The analyses of flights.py, with pandas and with polars. It prints a `PEER` line with the time and the peak of the memory.

    flights_in_python.py pandas FOLDER DATA
    flights_in_python.py polars FOLDER DATA
"""

import json
import math
import sys
import time
from pathlib import Path

COLUMNS = {
    "flights": [
        "year",
        "month",
        "day",
        "hour",
        "dep_delay",
        "arr_delay",
        "air_time",
        "carrier",
        "tailnum",
        "origin",
    ],
    "airlines": ["carrier", "name"],
    "planes": ["tailnum", "manufacturer", "seats"],
    "weather": ["origin", "year", "month", "day", "hour", "temp"],
}
HOUR = ["origin", "year", "month", "day", "hour"]


def with_pandas(folder, data):
    import pandas
    import pyarrow.parquet  # which pandas would import later

    begun = time.perf_counter()
    for name, columns in COLUMNS.items():
        frame = pandas.read_csv(data / f"{name}.csv", usecols=columns)
        frame.to_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=1)
    tables = {name: pandas.read_parquet(folder / f"{name}.parquet") for name in COLUMNS}

    def grouped(other, on, by, first, second):
        joined = tables["flights"].merge(tables[other], on=on)
        groups = joined.groupby(by)
        return pandas.DataFrame({"n": groups.size(), "a": first(groups), "b": second(groups)}).reset_index()

    def mean(name):
        return lambda groups: groups[name].mean()

    results = [
        ("airlines", ["name"], grouped("airlines", ["carrier"], ["name"], mean("dep_delay"), mean("arr_delay"))),
        (
            "planes",
            ["manufacturer"],
            grouped(
                "planes",
                ["tailnum"],
                ["manufacturer"],
                lambda groups: groups["seats"].sum(),
                mean("air_time"),
            ),
        ),
        ("weather", ["origin", "month"], grouped("weather", HOUR, ["origin", "month"], mean("temp"), mean("dep_delay"))),
    ]
    answers = [
        answer(analysis, keys, row) for analysis, keys, frame in results for row in frame.to_dict("records")
    ]
    return begun, answers


def with_polars(folder, data):
    import polars
    from polars import col

    begun = time.perf_counter()
    numbers = {name: polars.Float64 for name in ["dep_delay", "arr_delay", "air_time", "temp"]}
    tables = {}
    for name, columns in COLUMNS.items():
        types = {column: numbers[column] for column in columns if column in numbers}
        frame = polars.scan_csv(data / f"{name}.csv", null_values="NA", schema_overrides=types).select(columns)
        path = folder / f"{name}.parquet"
        frame.sink_parquet(path, compression="zstd", compression_level=1)
        tables[name] = polars.scan_parquet(path)

    def grouped(other, on, by, first, second):
        joined = tables["flights"].join(tables[other], on=on)
        return joined.group_by(by).agg(polars.len().alias("n"), first.alias("a"), second.alias("b")).collect()

    results = [
        (
            "airlines",
            ["name"],
            grouped("airlines", ["carrier"], ["name"], col("dep_delay").mean(), col("arr_delay").mean()),
        ),
        (
            "planes",
            ["manufacturer"],
            grouped("planes", ["tailnum"], ["manufacturer"], col("seats").sum(), col("air_time").mean()),
        ),
        (
            "weather",
            ["origin", "month"],
            grouped("weather", HOUR, ["origin", "month"], col("temp").mean(), col("dep_delay").mean()),
        ),
    ]
    answers = [answer(analysis, keys, row) for analysis, keys, frame in results for row in frame.to_dicts()]
    return begun, answers


def answer(analysis, keys, row):
    def number(value):
        return None if value is None or math.isnan(value) else float(value)

    key = " ".join(str(row[key]) for key in keys)
    return {
        "analysis": analysis,
        "key": key,
        "count": int(row["n"]),
        "first": number(row["a"]),
        "second": number(row["b"]),
    }


def peak():
    """Returns the peak of the memory that this process had in RAM, in bytes, as the benchmarks in Rust do."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return math.nan


if __name__ == "__main__":
    variant, folder, data = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    begun, answers = {"pandas": with_pandas, "polars": with_polars}[variant](folder, data)
    (folder / "answers.json").write_text(json.dumps(answers))
    seconds = time.perf_counter() - begun
    print("PEER", json.dumps({"seconds": seconds, "peak_bytes": peak()}))
