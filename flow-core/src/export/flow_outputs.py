"""Loads the outputs in this folder, by task and parameters.

    import flow_outputs

    flow_outputs.load("Train", model="Logistic")        # a pandas DataFrame or a Python value
    flow_outputs.load("Split", part="train")            # one part of several outputs
    flow_outputs.meta("Train", model="Logistic")        # the metadata that the task recorded
    flow_outputs.path("Report")                         # the path of the file
    flow_outputs.read("Report/model=Logistic.parquet")  # like load, by the path of the file in this folder
    flow_outputs.outputs("Train")                       # all outputs of a task, as in the manifest

A parameter may also be one of an upstream task:

    flow_outputs.load("Backtest", symbols=["AAPL", "MSFT"])  # a parameter of Prices, which Backtest requires

If the task has a parameter of that name, the name refers to this one. If several upstream tasks have one, with
different values, the name is ambiguous: pass a qualified name such as `Prices.symbols`. Pass qualified names, and
names that are not valid in Python, in a dict:

    flow_outputs.load("Train", {"class": "a", "Preprocess.scale": False})

A tuple equals a list of the same items, and numbers are equal if their values are, such as 1 and 1.0. The manifest
abbreviates values of upstream tasks that are longer than 1 KiB: find such an output by its other parameters or its
path.

A table is loaded as a pandas DataFrame with the same values and column types for every format: see `_frame`.
This needs pyarrow and pandas, and openpyxl for workbooks.

Loading a file with another size than was exported is an error. Digests are not compared: `flow.import` verifies
them.

Written by an export of typed-flow, together with the manifest. The next export replaces this file.
"""

import datetime
import decimal
import json
import math
import os
import pathlib
import stat

FOLDER = pathlib.Path(__file__).resolve().parent

# The maximal size of a manifest, in bytes.
LARGEST_MANIFEST = 256 << 20


def outputs(task=None, parameters=None, /, **named):
    """Returns all outputs, or those of a task with these parameters, as dicts of the manifest.

    Without a task, a name refers to a parameter of the task of an output, and not to one of an upstream task.
    """
    listed = [output for output in _manifest()["outputs"] if task is None or output["task"] == task]
    wanted = {**(parameters or {}), **named}
    wanted = [(_full_names(task, listed, name), _plain(value)) for name, value in wanted.items()]

    def has(output, names, value):
        values = output["parameters"]
        return any(name in values and _same(values[name], value) for name in names)

    return [output for output in listed if all(has(output, names, value) for names, value in wanted)]


def load(task, parameters=None, /, *, part=None, **named):
    """Loads the only output of a task with these parameters: its value, one part, or a dict of all parts."""
    output = _one(task, parameters, named)
    if part is None and [file.get("part", "") for file in output["files"]] != [""]:
        return {file["part"]: _read(output, file) for file in _files(output)}
    return _read(output, _file(output, part))


def path(task, parameters=None, /, *, part=None, **named):
    """Returns the path of the only output of a task with these parameters."""
    output = _one(task, parameters, named)
    return _locate(_file(output, part))


def read(path):
    """Loads the output in the file with this path, which is relative to this folder."""
    for output in outputs():
        for file in output["files"]:
            if file["path"] == path:
                return _read(output, file)
    raise LookupError(f"no output has the file {path}")


def meta(task, parameters=None, /, **named):
    """Returns the metadata that the task recorded for that output, by name."""
    return _one(task, parameters, named).get("meta", {})


def _full_names(task, listed, name):
    # Returns the names in the manifest that a name refers to: the name of a parameter of the task or, if the task
    # has none of this name, the qualified names of those of its upstream tasks. `listed` are its outputs.
    parameters = [output["parameters"] for output in listed]
    if task is None or any(name in values for values in parameters):
        return [name]
    names = sorted({full for values in parameters for full in values if full.rpartition(".")[2] == name})
    for values in parameters:
        first, *others = [values[full] for full in names if full in values] or [None]
        if not all(_same(first, other) for other in others):
            raise LookupError(
                f"cannot find an output of {task} by {name}: several upstream tasks have a parameter of this name,"
                f" with different values; pass one of these names in a dict: {', '.join(names)}"
            )
    return names


def _plain(value):
    # Converts a value to its form in the manifest. Some numbers are text there, because JSON has no infinities
    # and no large integers.
    if hasattr(value, "tolist"):  # numpy
        value = value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value).replace(os.sep, "/")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, (list, tuple, range)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        name = lambda key: key if isinstance(key, str) else json.dumps(_plain(key))
        return {name(key): _plain(item) for key, item in value.items()}
    return value


def _same(value, wanted):
    # Compares two values of the manifest. In Python, True equals 1; here it does not.
    if isinstance(value, bool) != isinstance(wanted, bool):
        return False
    if isinstance(value, list) and isinstance(wanted, list):
        return len(value) == len(wanted) and all(map(_same, value, wanted))
    if isinstance(value, dict) and isinstance(wanted, dict):
        return value.keys() == wanted.keys() and all(_same(value[name], wanted[name]) for name in value)
    return value == wanted


def _one(task, parameters, named):
    found = outputs(task, parameters, **named)
    if len(found) == 1:
        return found[0]
    if found:
        listed = "\n  ".join(output["instance"] for output in found)
        raise LookupError(f"{len(found)} outputs match: give more parameters\n  {listed}")
    every = outputs(task)
    listed = "\n  ".join(output["instance"] for output in every) or "no output of that task"
    unknown = [name for name in {**(parameters or {}), **named} if every and not _full_names(task, every, name)]
    unknown = f" (unknown: {', '.join(unknown)})" if unknown else ""
    raise LookupError(f"no output of {task} with these parameters{unknown}; the export has\n  {listed}")


def _manifest():
    path = FOLDER / "manifest.json"
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is not a regular file")
    if status.st_size > LARGEST_MANIFEST:
        raise ValueError(f"{path} is larger than {LARGEST_MANIFEST >> 20} MiB")
    return json.loads(path.read_bytes())


def _locate(file):
    # Returns the path of a file that the manifest names. It must be below this folder, without links.
    name = file["path"]
    path = FOLDER
    for part in name.split("/"):
        if part in ("", ".", "..") or any(sign in part for sign in ("\\", ":", "\0")):
            raise ValueError(f"manifest.json names {name!r}, which is outside its folder")
        path = path / part
        _refuse_link(path)
    if path.is_dir():
        for folder, folders, files in os.walk(path):
            for inner in (*folders, *files):
                _refuse_link(pathlib.Path(folder, inner))
    elif path.exists() and not path.is_file():
        raise ValueError(f"{path} is neither a file nor a folder")
    return path


def _refuse_link(path):
    if path.is_symlink():
        raise ValueError(f"{path} is a link, which is not followed")


def _files(output):
    if not output["files"]:
        raise LookupError(f"{output['instance']} was in memory, and has no file")
    return output["files"]


def _file(output, part):
    files = _files(output)
    for file in files:
        if file.get("part", "") == (part or ""):
            return file
    parts = ", ".join(file.get("part", "") or "no part" for file in files)
    raise LookupError(f"{output['instance']} has {parts}")


def _read(output, file):
    reader = file.get("python", {}).get("expression")
    path = _locate(file)
    if not isinstance(reader, str) or reader not in _READERS:
        # There is no reader for this format.
        return path
    size = path.stat().st_size
    if "within" not in file and size != file["bytes"]:
        raise ValueError(f"{path} is not what was exported: it has {size} bytes instead of {file['bytes']}")
    return _READERS[reader](str(path))


def _frame(table):
    # Converts a pyarrow table to a DataFrame without changing a value. All formats use this function, so that a
    # column has the same values and type whichever format it was read from.
    #
    # Integers and booleans that may be null get the nullable types of pandas, because its plain types convert
    # them to floats and objects. Times of day, durations that pandas cannot hold, lists, structs and maps
    # keep their pyarrow types. In floats, null becomes NaN, as pandas users expect.
    import pandas
    import pyarrow
    from pyarrow import types

    with_nulls = {
        pyarrow.bool_(): pandas.BooleanDtype(),
        pyarrow.int8(): pandas.Int8Dtype(),
        pyarrow.int16(): pandas.Int16Dtype(),
        pyarrow.int32(): pandas.Int32Dtype(),
        pyarrow.int64(): pandas.Int64Dtype(),
        pyarrow.uint8(): pandas.UInt8Dtype(),
        pyarrow.uint16(): pandas.UInt16Dtype(),
        pyarrow.uint32(): pandas.UInt32Dtype(),
        pyarrow.uint64(): pandas.UInt64Dtype(),
    }
    # Text columns have the type `str`, also if all values are null. Before pandas 3 they are objects.
    text = pandas.Series(dtype="str").dtype
    plain = {kind: text for kind in (pyarrow.string(), pyarrow.large_string()) if text != object}

    def series(column, field):
        kind = field.type
        if types.is_time(kind) or types.is_nested(kind):
            return column.to_pandas(types_mapper=pandas.ArrowDtype)
        nulls = with_nulls if field.nullable or column.null_count else {}
        return column.to_pandas(types_mapper={**plain, **nulls}.get)

    columns = {place: series(table.column(place), field) for place, field in enumerate(table.schema)}
    frame = pandas.DataFrame(columns, index=pandas.RangeIndex(table.num_rows))
    frame.columns = table.column_names
    return frame


def _parquet(path):
    # Reads a Parquet file as a table. The format stores times in seconds as numbers; their types are in the
    # Arrow schema that the writer has added.
    import base64

    import pyarrow
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    table = file.read()
    written = (file.metadata.metadata or {}).get(b"ARROW:schema")
    if written is None:
        return table
    written = pyarrow.ipc.read_schema(pyarrow.py_buffer(base64.b64decode(written)))
    for place, (field, kind) in enumerate(zip(table.schema, written.types)):
        if pyarrow.types.is_temporal(kind) and kind != field.type:
            column = table.column(place).cast(kind)
            table = table.set_column(place, field.with_type(kind), column)
    return table


def _csv(path, schema, delimiter=",", header=True, null=""):
    # Reads a CSV file as a table. Unquoted text is null if it equals `null`; quoted text never is.
    import pyarrow
    from pyarrow import csv, types

    # Columns are read by index, because names may be duplicate. Some types are cast from text.
    names = [str(place) for place in range(len(schema))]
    as_text = lambda kind: types.is_string_view(kind) or types.is_decimal256(kind) or types.is_float16(kind)
    read = lambda kind: kind.value_type if types.is_dictionary(kind) else pyarrow.string() if as_text(kind) else kind
    if os.path.getsize(path) == 0:
        return schema.empty_table()
    block = 1 << 20
    while True:
        try:
            table = csv.read_csv(
                path,
                read_options=csv.ReadOptions(
                    column_names=names, skip_rows_after_names=1 if header else 0, block_size=block
                ),
                parse_options=csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False
                ),
                convert_options=csv.ConvertOptions(
                    column_types=dict(zip(names, map(read, schema.types))),
                    null_values=[null],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    true_values=["true"],
                    false_values=["false"],
                ),
            )
            break
        except pyarrow.ArrowInvalid as error:
            # A line may be longer than a block.
            if "straddling" not in str(error) or block >= 1 << 30:
                raise
            block *= 8
    return _typed(table.columns, schema)


def _excel(path, schema):
    # Reads the first sheet of a workbook as a table. Its first row has the names of the columns.
    import pyarrow
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    rows = book.worksheets[0].iter_rows(min_row=2)
    columns = [[] for _ in schema]
    for row in rows:
        for place, (column, kind) in enumerate(zip(columns, schema.types)):
            column.append(_cell(row[place], kind) if place < len(row) else None)
    book.close()
    values = lambda kind: kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    arrays = [pyarrow.array(column, values(kind)) for column, kind in zip(columns, schema.types)]
    return _typed(arrays, schema)


def _typed(columns, schema):
    # Casts columns to the types of a schema and returns them as a table.
    import pyarrow

    cast = [column.cast(kind) for column, kind in zip(columns, schema.types)]
    return pyarrow.table(cast, schema=schema)


def _cell(cell, kind):
    # Converts a cell to the type of its column. Values that Excel has no number for are stored as text.
    from pyarrow import types

    value = cell.value
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        # A blank cell with the format "Text" is an empty text; another blank cell is null.
        empty = "" if getattr(cell, "number_format", None) == "@" else None
        return empty if value is None else str(value)
    if value is None:
        return None
    if types.is_time(kind):
        return _clock(str(value), kind)
    if types.is_decimal(kind):
        return decimal.Decimal(str(value))
    if isinstance(value, str):
        return _parsed(value, kind)
    if types.is_integer(kind):
        return int(value)
    if types.is_floating(kind):
        return float(value)
    if types.is_date(kind):
        return value.date() if isinstance(value, datetime.datetime) else value
    if types.is_timestamp(kind) and kind.tz:
        return value.replace(tzinfo=datetime.timezone.utc)
    return value


def _parsed(text, kind):
    # Parses the text of a cell. A timestamp becomes a number in the unit of its type.
    import pyarrow
    from pyarrow import types

    if types.is_boolean(kind):
        return text == "true"
    value = pyarrow.array([text]).cast(kind)
    if types.is_timestamp(kind):
        value = value.cast(pyarrow.int64())
    return value[0].as_py()


def _clock(text, kind):
    # Parses a time of day as a number in the unit of its type.
    hours, minutes, seconds = text.split(":")
    second, _, fraction = seconds.partition(".")
    nanoseconds = ((int(hours) * 60 + int(minutes)) * 60 + int(second)) * 10**9 + int(fraction.ljust(9, "0"))
    return nanoseconds // {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit]
