"""The types of columns, as the targets of the library describe them.

A target describes how Python reads a file by an expression, such as

    _frame(_csv(path, pyarrow.schema([pyarrow.field("n", pyarrow.uint8(), nullable=False)]), delimiter=";"))

The expression is parsed and never evaluated: only the columns and options are taken from it.
"""

import ast
import typing

from .errors import Damaged

# The types of columns of CSV files and workbooks, as pyarrow names them.
KINDS = {
    "null", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
    "float64", "date32", "string", "large_string", "string_view", "time32", "time64", "duration", "timestamp",
    "decimal128", "decimal256", "dictionary",
}  # fmt: skip

# The options of CSV files.
OPTIONS = {"delimiter": str, "header": bool, "null": str}

# The readers of files whose columns have no types.
READERS = {"_csv", "_excel"}


class Column(typing.NamedTuple):
    """A column: its name and type, such as `("timestamp", "us", "UTC")`, and whether it may have nulls."""

    name: str
    kind: tuple
    nullable: bool = True


class Reading(typing.NamedTuple):
    """The columns of a file, and the options of its text."""

    columns: list
    options: dict


def parse(expression):
    """Returns the reading that an expression describes; `None` if the file itself has the types of its columns."""
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Damaged(f"the description of a file is wrong: {error}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READERS:
            return _reading(node)
    return None


def _reading(call):
    if len(call.args) != 2:
        raise _wrong(call)
    name, arguments = _call(call.args[1])
    if name != "schema" or len(arguments) != 1 or not isinstance(arguments[0], ast.List):
        raise _wrong(call)
    fields = arguments[0]
    options = {}
    for keyword in call.keywords:
        value = _literal(keyword.value)
        if keyword.arg not in OPTIONS or not isinstance(value, OPTIONS[keyword.arg]):
            raise _wrong(call)
        options[keyword.arg] = value
    return Reading([_column(field) for field in fields.elts], options)


def _column(node):
    name, arguments = _call(node, keywords=True)
    if name != "field" or len(arguments) != 2:
        raise _wrong(node)
    nullable = all(_literal(keyword.value) is not False for keyword in node.keywords)
    return Column(_literal(arguments[0]), _kind(arguments[1]), nullable)


def _kind(node):
    name, arguments = _call(node)
    if name not in KINDS:
        raise _wrong(node)
    return (name, *(_kind(one) if isinstance(one, ast.Call) else _literal(one) for one in arguments))


def _call(node, keywords=False):
    # Returns the name and the arguments of a call `pyarrow.name(...)`.
    is_call = (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "pyarrow"
        and (keywords or not node.keywords)
    )
    if not is_call:
        raise _wrong(node)
    return node.func.attr, node.args


def _literal(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _wrong(node) from None


def _wrong(node):
    return Damaged(f"the description of a file is wrong at character {node.col_offset}")


def schema(columns):
    """Returns columns as a schema of pyarrow."""
    import pyarrow

    return pyarrow.schema([pyarrow.field(name, _arrow(kind), nullable=nullable) for name, kind, nullable in columns])


def _arrow(kind):
    import pyarrow

    name, *arguments = kind
    return getattr(pyarrow, name)(*(_arrow(one) if isinstance(one, tuple) else one for one in arguments))
