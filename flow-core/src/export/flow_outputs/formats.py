"""Reads the file of an output: which reader, with which options, as which kind of frame."""

import importlib.util
import json
import pathlib
import re

from . import cells, expressions, messagepack, polars_frame, tables

FRAMES = ("pandas", "polars", "pyarrow")

# The target of a file or folder that a task wrote itself, which may have any extension.
OWN_FILE = re.compile(r"^(?:\w+\s*::\s*)*File\b")

# The options of a `Csv` target, as Rust source.
DELIMITER = re.compile(r"\bdelimiter\s*=\s*b?'((?:[^'\\]|\\.))'", re.DOTALL)
HEADER = re.compile(r"\bheader\s*=\s*(true|false)\b")
NULL = re.compile(r'\bnull\s*=\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def checked(frame):
    """Returns the name of a kind of frame, or raises an error if there is no such kind."""
    if frame not in FRAMES:
        raise ValueError(f"as_ is {frame!r}, and must be one of {', '.join(map(repr, FRAMES))}")
    return frame


def read(path, extension, frame, target="", description=None):
    """Reads a file.

    `target` is the target of the output as Rust source. `description` is that of the file, from the program; without
    it, the types of columns of CSV files and workbooks are inferred.
    """
    reader = None if OWN_FILE.match(target) else READERS.get(extension)
    if reader is None:
        # There is no reader for this format.
        return pathlib.Path(path)
    return reader(str(path), frame, target, _reading(description))


def _reading(description):
    # Returns the columns and options that a description has, if any.
    python = (description or {}).get("python")
    expression = python.get("expression") if isinstance(python, dict) else None
    return expressions.parse(expression) if isinstance(expression, str) else None


def _bytes(path, *_):
    return pathlib.Path(path).read_bytes()


def _text(path, *_):
    return pathlib.Path(path).read_bytes().decode("utf-8")


def _json(path, *_):
    return json.loads(pathlib.Path(path).read_bytes())


def _message_pack(path, *_):
    return messagepack.unpack(pathlib.Path(path).read_bytes())


def _parquet(path, frame, *_):
    return polars_frame.parquet(path) if frame == "polars" else _converted(tables._parquet(path), frame)


def _arrow(path, frame, *_):
    if frame == "polars":
        return polars_frame.arrow(path)
    import pyarrow.feather

    return _converted(pyarrow.feather.read_table(path), frame)


def _csv(path, frame, target, reading):
    options = csv_options(target) if reading is None else reading.options
    # Python splits the text into cells if the types are unknown, or if there is no pyarrow.
    alone = frame == "polars" and not _has("pyarrow")
    text = cells.text_of(path) if reading is None or alone else ""
    columns = cells.infer(text, **options) if reading is None else reading.columns
    if alone:
        return polars_frame.csv(text, columns, **options)
    return _converted(tables._csv(path, expressions.schema(columns), **options), frame)


def _has(package):
    return importlib.util.find_spec(package) is not None


def _excel(path, frame, _, reading):
    columns = infer_workbook(path) if reading is None else reading.columns
    return _converted(tables._excel(path, expressions.schema(columns)), frame)


READERS = {
    "parquet": _parquet,
    "arrow": _arrow,
    "csv": _csv,
    "csv.gz": _csv,
    "xlsx": _excel,
    "json": _json,
    "msgpack": _message_pack,
    "txt": _text,
    "bin": _bytes,
}


def _converted(table, frame):
    # Converts a table of pyarrow.
    if frame == "pandas":
        return tables._frame(table)
    if frame == "polars":
        import polars

        return polars.from_arrow(table)
    return table


def csv_options(target):
    """Returns the options in the source of a `Csv` target, such as `Csv<Vec<Row>>(null = "NA")`."""
    options = {}
    if found := DELIMITER.search(target):
        options["delimiter"] = _unescaped(found.group(1))
    if found := HEADER.search(target):
        options["header"] = found.group(1) == "true"
    if found := NULL.search(target):
        options["null"] = _unescaped(found.group(1))
    return options


def _unescaped(text):
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found.group(1), found.group(1)), text, flags=re.DOTALL)


def infer_workbook(path):
    """Returns the columns of the first sheet of a workbook, by the number formats of their cells."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    rows = book.worksheets[0].iter_rows()
    names = [str(cell.value) for cell in next(rows, ())]
    kinds = [set() for _ in names]
    for row in rows:
        for kind, cell in zip(kinds, row):
            kind.add(_kind_of_cell(cell))
    book.close()
    return [expressions.Column(name, _kind_of_cells(kind - {None})) for name, kind in zip(names, kinds)]


def _kind_of_cell(cell):
    # Returns the type of a cell; `None` if it is blank.
    value, form = cell.value, getattr(cell, "number_format", None) or "General"
    if value is None:
        return ("string",) if form == "@" else None
    if isinstance(value, bool):
        return ("bool_",)
    if isinstance(value, (int, float)):
        return ("int64",) if form == "0" and isinstance(value, int) else ("float64",)
    if isinstance(value, str):
        # Numbers that Excel does not have.
        return ("odd",) if value in ("NaN", "inf", "-inf") else ("string",)
    if "h" not in form.lower():
        return ("date32",)
    return ("timestamp", "us", "UTC") if '"Z"' in form else ("timestamp", "us")


def _kind_of_cells(kinds):
    # Returns the type of a column with cells of these types.
    if kinds <= {("int64",), ("float64",), ("odd",)} and ("float64",) in kinds:
        return ("float64",)
    if len(kinds) == 1 and kinds != {("odd",)}:
        return next(iter(kinds))
    return ("string",) if kinds else ("null",)
