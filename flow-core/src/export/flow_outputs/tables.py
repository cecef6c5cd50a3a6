"""Reads the files of tables with pyarrow, and converts tables to frames of pandas.

The module of an export contains the functions of this file, too. Each function imports the packages that it needs, so
that the others work without them.
"""

import datetime
import decimal
import os


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
