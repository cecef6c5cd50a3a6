"""Reads outputs with common Python libraries, and compares them with the written values.

    python read.py FOLDER

FOLDER contains an expected.json, written by main.rs. It is a list of readings: a file, a reader of
the table READERS, and the expected result: a type and the values of each column, or one value.

Values are described in a common form, which also represents values that JSON cannot:

    null, true, false   themselves
    {"int": "1"}        decimal digits
    {"float": "..."}    the eight bytes of a double in hexadecimal, or "nan"
    {"text": "a"}       text
    {"bytes": "00ff"}   bytes in hexadecimal
    {"decimal": "1.20"} digits, including those after the point
    {"date": "..."}     year, month and day
    {"time": "1"}       nanoseconds since 1970 in UTC; the zone is part of the column's type
    {"clock": "1"}      nanoseconds since midnight
    {"list": [...]}     values
    {"map": [...]}      pairs, in order
"""

import datetime
import decimal
import importlib.util
import json
import pathlib
import re
import struct
import sys

import duckdb
import msgpack
import openpyxl
import pandas
import polars
import polars.testing
import pyarrow
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

NAN = {"float": "nan"}
EPOCH = datetime.datetime(1970, 1, 1)


def plain(value):
    """Describes a Python value."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return NAN if value != value else {"float": struct.pack(">d", value).hex()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, decimal.Decimal):
        return {"decimal": format(value, "f")}
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return {"time": str((value - EPOCH) // datetime.timedelta(microseconds=1) * 1000)}
    if isinstance(value, datetime.date):
        return {"date": value.isoformat()}
    if isinstance(value, datetime.time):
        since = datetime.datetime.combine(EPOCH, value.replace(tzinfo=None)) - EPOCH
        return {"clock": str(since // datetime.timedelta(microseconds=1) * 1000)}
    if isinstance(value, (list, tuple)):
        return {"list": [plain(item) for item in value]}
    if isinstance(value, dict):
        return {"map": [[plain(key), plain(item)] for key, item in value.items()]}
    raise TypeError(f"no description for {type(value)}")


def scalar(value):
    """Describes a pyarrow scalar by its type."""
    kind = value.type
    if not value.is_valid:
        return None
    if pyarrow.types.is_dictionary(kind):
        return scalar(value.dictionary[value.index.as_py()])
    if pyarrow.types.is_timestamp(kind) or pyarrow.types.is_time(kind):
        factor = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit]
        name = "time" if pyarrow.types.is_timestamp(kind) else "clock"
        return {name: str(value.value * factor)}
    if pyarrow.types.is_map(kind):
        pairs = [(entry["key"], entry["value"]) for entry in value.values]
        return {"map": [[scalar(key), scalar(item)] for key, item in pairs]}
    if pyarrow.types.is_list(kind):
        return {"list": [scalar(item) for item in value.values]}
    if pyarrow.types.is_struct(kind):
        return {"map": [[{"text": name}, scalar(item)] for name, item in value.items()]}
    return plain(value.as_py())


def pandas_value(value):
    """Describes a value of a pandas column, where missing values and NaN are the same."""
    if isinstance(value, pandas.Timestamp):
        return {"time": str(value.as_unit("ns").value)}
    if value is None or value is pandas.NA or value is pandas.NaT or value != value:
        return None
    return plain(value.item() if hasattr(value, "item") else value)


def by_pyarrow(table):
    for name, column in zip(table.column_names, table.columns):
        # The text of a map type read from Parquet also contains the name of its entries.
        kind = re.sub(r" \('\w+'\)", "", str(column.type))
        yield name, kind, [scalar(value) for value in column]


def by_pandas(table):
    for name in table.columns:
        kind = re.sub(r" \('\w+'\)", "", str(table[name].dtype))
        if isinstance(table[name].dtype, pandas.ArrowDtype):
            yield name, kind, [scalar(value) for value in pyarrow.array(table[name].array)]
        else:
            yield name, kind, [pandas_value(value) for value in table[name]]


def by_polars(table):
    for name in table.columns:
        yield name, str(table[name].dtype), [plain(value) for value in table[name].to_list()]


def by_duckdb(path, _):
    database = duckdb.connect()
    database.execute("set TimeZone = 'UTC'")
    rows = database.execute(f"select * from read_parquet('{path}')")
    columns = rows.description
    values = rows.fetchall()
    for place, column in enumerate(columns):
        yield column[0], str(column[1]), [plain(row[place]) for row in values]


def arrow(path, _):
    with pyarrow.memory_map(str(path)) as source:
        return by_pyarrow(pyarrow.ipc.open_file(source).read_all())


def csv_of_pyarrow(path, given):
    types = {name: getattr(pyarrow, kind)() for name, kind in given.items()}
    return by_pyarrow(
        pyarrow.csv.read_csv(
            path,
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    )


def csv_of_pandas(path, given):
    return by_pandas(
        pandas.read_csv(
            path,
            keep_default_na=False,
            # A column with "NaN" is only read as floats if "NaN" counts as missing.
            na_values=["NA", "NaN"],
            parse_dates=given.get("dates", []),
        )
    )


def excel_cells(path, _):
    book = openpyxl.load_workbook(path)
    rows = list(book.worksheets[0].iter_rows())
    for column in zip(*rows):
        formats = {cell.number_format for cell in column[1:] if cell.value is not None}
        values = []
        for cell in column[1:]:
            value = cell.value
            # A float without a fraction is stored without a point, and read as an integer.
            if cell.number_format == "General" and type(value) is int:
                value = float(value)
            if type(value) is datetime.datetime and cell.number_format == "yyyy-mm-dd":
                value = value.date()
            values.append(plain(value))
        yield column[0].value, " ".join(sorted(formats)), values


def by_module(path, given):
    """Loads an output through the module that an export has written."""
    spec = importlib.util.spec_from_file_location("flow_outputs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    value = module.load(given["task"], given.get("parameters"))
    return by_pandas(value) if isinstance(value, pandas.DataFrame) else one(plain(value))


def by_package(path, given):
    """Loads an output of a store through the Python package, with pandas, polars and pyarrow.

    The frame of polars must equal the table of pyarrow, whether polars reads the file itself or not.
    """
    sys.path.insert(0, given["package"])
    import flow_outputs

    output = flow_outputs.Store(path).output(given["task"])
    load = lambda frame: output.load(as_=frame, description=given.get("description"))
    value = load(given["as"])
    if not isinstance(value, (pandas.DataFrame, pyarrow.Table)):
        return one(plain(value))
    if given["as"] == "pandas":
        return by_pandas(value)
    compare = lambda frame: polars.testing.assert_frame_equal(
        frame, polars.from_arrow(value), check_exact=True, categorical_as_str=True
    )
    compare(load("polars"))
    formats = flow_outputs.formats
    has, formats._has = formats._has, lambda package: False
    try:
        compare(load("polars"))
    finally:
        formats._has = has
    return by_pyarrow(value)


def history(path, given):
    """Reads the instances of a run from the history of a store."""
    lines = pandas.read_json(path, lines=True, dtype=False, precise_float=True)
    return by_pandas(lines[lines["kind"] == "instance"][given["columns"]])


def one(value):
    return [("value", "", [value])]


READERS = {
    "pyarrow.parquet": lambda path, _: by_pyarrow(pyarrow.parquet.read_table(path)),
    "pandas.read_parquet": lambda path, _: by_pandas(pandas.read_parquet(path)),
    "pyarrow.ipc": arrow,
    "polars.read_parquet": lambda path, _: by_polars(polars.read_parquet(path)),
    "polars.read_ipc": lambda path, _: by_polars(polars.read_ipc(path)),
    "duckdb": by_duckdb,
    "pandas.read_feather": lambda path, _: by_pandas(pandas.read_feather(path)),
    "pyarrow.csv": csv_of_pyarrow,
    "pandas.read_csv": csv_of_pandas,
    "openpyxl": excel_cells,
    "pandas.read_excel": lambda path, _: by_pandas(pandas.read_excel(path)),
    "pandas by flow_outputs": by_module,
    "pandas by Store": by_package,
    "pyarrow by Store": by_package,
    "pandas.read_json": history,
    "json": lambda path, _: one(plain(json.loads(path.read_bytes()))),
    "msgpack": lambda path, _: one(
        plain(msgpack.unpackb(path.read_bytes(), strict_map_key=False))
    ),
}


def differences(expected, found, at):
    """Yields the differences of two described values as text."""
    if type(expected) is type(found) is dict and expected.keys() == found.keys():
        for key in expected:
            yield from differences(expected[key], found[key], at)
    elif type(expected) is type(found) is list and len(expected) == len(found):
        for i, pair in enumerate(zip(expected, found)):
            yield from differences(*pair, f"{at}[{i}]")
    elif expected != found or type(expected) is not type(found):
        yield f"{at}: {json.dumps(found)} instead of {json.dumps(expected)}"


def as_pandas(value, kind):
    """Converts an expected value to its form in pandas: NaN is missing, dates are times."""
    if value == NAN:
        return None
    if isinstance(value, dict) and "int" in value and kind == "float64":
        return plain(float(value["int"]))
    if isinstance(value, dict) and "date" in value and kind.startswith("datetime64"):
        return plain(datetime.datetime.fromisoformat(value["date"]))
    return value


def check(folder, reading):
    """Yields the differences between a file and its reading."""
    reader = reading["reader"]
    found = list(READERS[reader](folder / reading["file"], reading.get("given", {})))
    names = [name for name, _, _ in found]
    expected_names = [column["name"] for column in reading["columns"]]
    if names != expected_names:
        yield f"columns {names} instead of {expected_names}"
        return
    for column, (name, kind, values) in zip(reading["columns"], found):
        if kind != column["type"]:
            yield f"column {name}: type {kind!r} instead of {column['type']!r}"
        expected = column["values"]
        if reader.startswith("pandas"):
            expected = [as_pandas(value, kind) for value in expected]
        yield from differences(expected, values, f"column {name}")


def main(folder):
    readings = json.loads((folder / "expected.json").read_text("utf-8"))
    wrong = 0
    values = 0
    for reading in readings:
        values += sum(len(column["values"]) for column in reading["columns"])
        for difference in check(folder, reading):
            print(f"{reading['file']}, read by {reading['reader']}: {difference}")
            wrong += 1
    print(f"{len(readings)} readings of {values} values, {wrong} differences")
    return 1 if wrong or not values else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
