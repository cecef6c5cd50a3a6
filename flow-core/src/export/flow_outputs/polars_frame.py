"""Reads the files of tables with polars alone."""

import decimal

from . import cells

# Nanoseconds of a unit. polars has no seconds: pyarrow, too, converts them to milliseconds for it.
UNITS = {"s": ("ms", 10**6), "ms": ("ms", 10**6), "us": ("us", 10**3), "ns": ("ns", 1)}


def parquet(path):
    import polars

    # A file that is open is neither a pattern nor part of a partitioned data set.
    with open(path, "rb") as file:
        return polars.read_parquet(file)


def arrow(path):
    import polars

    with open(path, "rb") as file:
        return polars.read_ipc(file)


def csv(text, columns, delimiter=",", header=True, null=""):
    """Returns the text of a CSV file as a frame with these columns."""
    import polars

    texts = [[] for _ in columns]
    lines = cells.rows(text, delimiter)
    if header:
        next(lines, None)
    for row in lines:
        if len(row) != len(columns):
            raise ValueError(f"a line of the CSV file has {len(row)} cells, and the file has {len(columns)} columns")
        for column, (cell, is_quoted) in zip(texts, row):
            column.append(None if cell == null and not is_quoted else cell)
    series = [_series(column, values) for column, values in zip(columns, texts)]
    return polars.DataFrame(series)


def _series(column, texts):
    # Converts the texts of a column to its type. Times are numbers first, because Python has no nanoseconds.
    import polars

    name, *arguments = column.kind
    if name == "dictionary":
        return polars.Series(column.name, texts, dtype=polars.String).cast(polars.Categorical)
    parse, plain, kind = _conversion(name, arguments)
    values = texts if parse is None else [None if text is None else parse(text) for text in texts]
    series = polars.Series(column.name, values, dtype=plain)
    return series if kind is None else series.cast(kind)


def _conversion(name, arguments):
    # Returns the parser of a text, the type of what it returns, and the type of the column if that differs.
    import polars

    numbers = {
        "int8": polars.Int8, "int16": polars.Int16, "int32": polars.Int32, "int64": polars.Int64,
        "uint8": polars.UInt8, "uint16": polars.UInt16, "uint32": polars.UInt32, "uint64": polars.UInt64,
    }  # fmt: skip
    if name in numbers:
        return int, numbers[name], None
    if name in ("float16", "float32"):
        return float, polars.Float32, None
    if name == "float64":
        return float, polars.Float64, None
    if name == "bool_":
        return lambda text: text == "true", polars.Boolean, None
    if name == "date32":
        return cells.days, polars.Int32, polars.Date
    if name in ("time32", "time64"):
        return cells.nanoseconds, polars.Int64, polars.Time
    if name == "timestamp":
        unit, factor = UNITS[arguments[0]]
        zone = arguments[1] if len(arguments) > 1 else None
        return lambda text: cells.instant(text) // factor, polars.Int64, polars.Datetime(unit, zone)
    if name in ("decimal128", "decimal256") and arguments[1] >= 0:
        return decimal.Decimal, polars.Decimal(arguments[0], arguments[1]), None
    if name == "null":
        return None, polars.Null, None
    return None, polars.String, None
