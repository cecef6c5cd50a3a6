"""The cells of CSV files: how text is split into cells, and which types columns have.

The rules are those of the target `Csv`: a quoted cell is text, and an unquoted one is null if it equals the text for null.
The type of a column is that of all its unquoted cells.
"""

import datetime
import gzip
import math
import re

from .expressions import Column

INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)$", re.ASCII)
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$", re.ASCII)
DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})$", re.ASCII)
TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.([0-9]{1,9}))?(Z?)$", re.ASCII
)

EPOCH = datetime.date(1970, 1, 1)


def text_of(path):
    """Returns the text of a CSV file, which may be compressed."""
    opened = gzip.open(path, "rb") if str(path).endswith(".gz") else open(path, "rb")
    with opened as file:
        return file.read().decode("utf-8")


def rows(text, delimiter=","):
    """Yields the rows of a text. Each cell is a pair: its text, and whether it is quoted."""
    stop = re.escape(delimiter)
    cell = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^{stop}"\r\n][^{stop}\r\n]*|))({stop}|\r?\n|\Z)')
    row, at, end = [], 0, len(text)
    while at < end:
        found = cell.match(text, at)
        if found is None:
            raise ValueError(f"the CSV file is malformed at character {at}")
        quoted, bare, stopped_by = found.groups()
        row.append((bare, False) if quoted is None else (quoted.replace('""', '"'), True))
        at = found.end()
        if stopped_by == delimiter and at < end:
            continue
        if stopped_by == delimiter:
            row.append(("", False))
        yield row
        row = []


def infer(text, delimiter=",", header=True, null=""):
    """Returns the columns of a text, as the target infers them for a `RecordBatch`."""
    lines = rows(text, delimiter)
    names = None
    if header:
        names = [name for name, _ in next(lines, [])]
    kinds = [None] * len(names or ())
    for row in lines:
        kinds.extend([None] * (len(row) - len(kinds)))
        for place, (cell, is_quoted) in enumerate(row):
            if kinds[place] == TEXT or (cell == null and not is_quoted):
                continue
            kinds[place] = _and(kinds[place], TEXT if is_quoted else _kind_of(cell))
    if names is None:
        names = [f"column_{place + 1}" for place in range(len(kinds))]
    return [Column(name, _type(kind)) for name, kind in zip(names, kinds)]


# The kinds of cells: ("integer", negative, large, exact), ("date", near), ("time", utc, nanoseconds, near), and:
TEXT, BOOLEAN, FLOAT = ("text",), ("boolean",), ("float",)


def _kind_of(cell):
    if cell in ("true", "false"):
        return BOOLEAN
    if cell in ("NaN", "inf", "-inf"):
        return FLOAT
    if cell[4:5] == "-" and cell[:1].isdigit():
        return _kind_of_time(cell)
    if INTEGER.match(cell) and len(cell) <= 20:
        number = int(cell)
        if cell[0] == "-" and number == 0 or not -(2**63) <= number < 2**64:
            return TEXT
        return ("integer", number < 0, number >= 2**63, _is_exact(number))
    digits = cell[1:] if cell[:1] == "-" else cell
    is_number = digits[:1].isdigit() and digits[-1:].isdigit() and NUMBER.match(cell)
    return FLOAT if is_number and math.isfinite(float(cell)) else TEXT


def _is_exact(number):
    # Whether a float holds an integer without rounding.
    return int(float(number)) == number


def _kind_of_time(cell):
    time = TIME.match(cell)
    date = time.group(1) if time else cell
    if not DATE.match(date):
        return TEXT
    try:
        days(date)
    except ValueError:
        return TEXT
    near = -(2**63) <= instant(cell) < 2**63
    if time is None:
        return ("date", near)
    return _time(bool(time.group(4)), len(time.group(3) or "") > 6, near)


def _time(utc, nanoseconds, near):
    return ("time", utc, nanoseconds, near) if near or not nanoseconds else TEXT


def _and(one, other):
    # Returns the kind of a column that has cells of both kinds.
    if one is None or one == other:
        return other
    kinds = {one[0], other[0]}
    if kinds == {"integer"}:
        negative, large, exact = one[1] or other[1], one[2] or other[2], one[3] and other[3]
        return TEXT if negative and large else ("integer", negative, large, exact)
    if kinds == {"integer", "float"}:
        integer = one if one[0] == "integer" else other
        return FLOAT if integer[3] and not integer[2] else TEXT
    if kinds == {"date"}:
        return ("date", one[1] and other[1])
    if kinds == {"date", "time"}:
        date, time = (one, other) if one[0] == "date" else (other, one)
        return TEXT if time[1] else _time(False, time[2], date[1] and time[3])
    if kinds == {"time"} and one[1] == other[1]:
        return _time(one[1], one[2] or other[2], one[3] and other[3])
    return TEXT


def _type(kind):
    if kind is None:
        return ("null",)
    if kind[0] == "integer":
        return ("uint64",) if kind[2] else ("int64",)
    if kind[0] == "time":
        unit = "ns" if kind[2] else "us"
        return ("timestamp", unit, "UTC") if kind[1] else ("timestamp", unit)
    return {"text": ("string",), "boolean": ("bool_",), "float": ("float64",), "date": ("date32",)}[kind[0]]


def nanoseconds(text):
    """Parses a time of day as nanoseconds since midnight."""
    hours, minutes, seconds = text.split(":")
    second, _, fraction = seconds.partition(".")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(second)) * 10**9 + int(fraction.ljust(9, "0"))


def days(text):
    """Parses a date as days since 1970."""
    return (datetime.date.fromisoformat(text) - EPOCH).days


def instant(text):
    """Parses a point in time, without a zone or in UTC, as nanoseconds since 1970."""
    date, _, time = text.partition("T")
    time = time[:-1] if time.endswith("Z") else time
    return days(date) * 86_400 * 10**9 + (nanoseconds(time) if time else 0)
