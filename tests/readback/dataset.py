"""Reads a dataset with Python libraries, and writes the same rows as datasets of these libraries.

    python dataset.py DATASET FOLDER

DATASET is the folder that datasets.rs has written. The datasets for it to read are written to FOLDER.
"""

import pathlib
import sys

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.compute
import pyarrow.dataset

EXPECTED = [(1, 2023, "Zürich / 1"), (2, 2024, None), (3, 2024, "a b=c")]


def check(by, rows):
    rows = sorted(rows)
    if rows != EXPECTED:
        sys.exit(f"{by} reads {rows} instead of {EXPECTED}")


def of_columns(columns):
    return list(zip(columns["n"], columns["year"], columns["city"]))


def read(path):
    table = pyarrow.dataset.dataset(path, partitioning="hive").to_table()
    check("pyarrow", of_columns(table.to_pydict()))
    # By default, partition columns are dictionaries, which pyarrow cannot unify if one has a null.
    hive = pyarrow.dataset.HivePartitioning.discover(infer_dictionary=False)
    frame = pandas.read_parquet(path, partitioning=hive)
    check(
        "pandas",
        [
            (int(n), int(year), None if pandas.isna(city) else str(city))
            for n, year, city in zip(frame["n"], frame["year"], frame["city"])
        ],
    )
    frame = polars.scan_parquet(path, hive_partitioning=True).select("n", "year", "city").collect()
    check("polars", frame.rows())
    rows = duckdb.sql(
        f"select n, year, city from read_parquet('{path}/**/*.parquet', hive_partitioning = true)"
    )
    check("duckdb", rows.fetchall())


def write(folder):
    n, year, city = (list(column) for column in zip(*EXPECTED))
    table = pyarrow.table({"n": n, "year": pyarrow.array(year, pyarrow.int32()), "city": city})
    columns = ["year", "city"]
    pyarrow.dataset.write_dataset(
        table, folder / "pyarrow", format="parquet", partitioning=columns, partitioning_flavor="hive"
    )
    table.to_pandas().to_parquet(folder / "pandas", partition_cols=columns)
    known = table.filter(pyarrow.compute.is_valid(table["city"]))
    database = duckdb.connect()
    database.register("known", known)
    database.execute(
        f"copy (select * from known) to '{folder / 'duckdb'}' (format parquet, partition_by (year, city))"
    )


if __name__ == "__main__":
    read(sys.argv[1])
    write(pathlib.Path(sys.argv[2]))
