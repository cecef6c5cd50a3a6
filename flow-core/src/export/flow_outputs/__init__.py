"""Loads the outputs of a typed-flow store in Python, and runs programs that have a command line of typed-flow.

    from flow_outputs import Program, Store

    store = Store("data")
    store.list("Train")                            # what is stored, each with its parameters
    store.load("Train", model="gbm")               # a pandas DataFrame or a Python value
    store.load("Train", model="gbm", as_="polars") # or "pyarrow"
    store.meta("Train", model="gbm")               # the metadata that the task recorded
    store.path("Report")                           # the path of the file

    train = Program("./train")
    train.run("Train", model="gbm")                # runs what is not complete, and returns what it did
    train.load("Train", model="gbm")               # the output of the present code and parameters

A `Store` reads the records of a store, and nothing else: it needs no program, writes nothing, and follows no links. It
does not know whether an output is complete: the code may have changed since. A `Program` does.

# Parameters

A name refers to a parameter of the task or, if it has none of this name, to one of an upstream task. If several upstream
tasks have one, with different values, the name is ambiguous: pass the qualified name. Pass qualified names, and names
that are not valid in Python, in a dict:

    store.load("Train", {"class": "a", "Preprocess.scale": False})

Values are Python values: lists and tuples, dicts, `None`, numbers, dates and times, paths, and values of numpy. `True` and
`1` differ, `1` and `1.0` are equal. A record shortens values upstream that are longer than 1 KiB: such a value matches if
its beginning and end do.

# Values

| target | value |
| --- | --- |
| `Parquet`, `ArrowIpc`, `Csv`, `CsvGz`, `Excel` | a table, as `as_` says: "pandas", "polars" or "pyarrow" |
| `Json`, `Pickle` | dicts, lists, texts, numbers, `None` |
| `Text` | `str` |
| `Bytes` | `bytes` |
| `File`, folders, targets of users with another extension | a `pathlib.Path` |
| several outputs | a dict of all parts, or with `part="left"` one part |

A column has the same values and type whichever format it was read from. CSV files and workbooks do not contain the types
of their columns. A `Program` knows them; a `Store` infers them from the text, by the rules of `Csv<RecordBatch>`: so an
`n: u8` of a row is loaded as `int64`.

# Packages

"pandas" needs pandas and pyarrow, "pyarrow" needs pyarrow, and "polars" needs only polars. Workbooks need pyarrow and
openpyxl, too. Everything else needs nothing. Python 3.9 or newer.

Written by the verb `python` of a program. Writing it again replaces the files.
"""

from .errors import Ambiguous, Damaged, DamagedRecord, NotFound, ProgramError, RunFailed
from .program import Program
from .store import Output, Store

__all__ = [
    "Ambiguous",
    "Damaged",
    "DamagedRecord",
    "NotFound",
    "Output",
    "Program",
    "ProgramError",
    "RunFailed",
    "Store",
]
