"""Loads the outputs of a typed-flow store in Python, and runs programs that have a command line of typed-flow.

    from flow_outputs import Program, Store

    store = Store("data")
    store.list("Train")                            # the stored outputs, each with its parameters
    store.load("Train", model="gbm")               # a pandas DataFrame or a Python value
    store.load("Train", model="gbm", as_="polars") # or "pyarrow"
    store.meta("Train", model="gbm")               # the metadata that the task recorded
    store.path("Report")                           # the path of the file

    train = Program("./train")
    train.run("Train", model="gbm")                # runs tasks that are not complete, and returns the result
    train.load("Train", model="gbm")               # the output of the current code and parameters

A `Store` only reads a store: it needs no program, writes nothing, and follows no links. It does not know whether an output
is complete, because the code may have changed since. A `Program` knows it.

# Parameters

A name refers to a parameter of the task or, if it has none of this name, to one of an upstream task. If several upstream
tasks have one, with different values, the name is ambiguous: pass the qualified name. Pass qualified names, and names
that are not valid in Python, in a dict:

    store.load("Train", {"class": "a", "Preprocess.scale": False})

Values are Python values: lists and tuples, dicts, `None`, numbers, dates and times, paths, and values of numpy. `True` and
`1` differ, `1` and `1.0` are equal. A record shortens values of upstream tasks that are longer than 1 KiB. Such a value
matches if its beginning and its end match.

# Values

| target | value |
| --- | --- |
| `Parquet`, `ArrowIpc`, `Csv`, `CsvGz`, `Excel` | a table of the kind that `as_` selects: "pandas", "polars" or "pyarrow" |
| `Json`, `Pickle` | dicts, lists, texts, numbers, `None` |
| `Text` | `str` |
| `Bytes` | `bytes` |
| `File`, folders, your own targets with another extension | a `pathlib.Path` |
| several outputs | a dict of all parts, or with `part="left"` one part |

A column has the same values and the same type for every format. CSV files and Excel workbooks do not contain the types of
their columns. A `Program` knows the types. A `Store` infers them: for CSV by the rules of `Csv<RecordBatch>`, for workbooks
by the formats of the cells. So it loads a column `n: u8` as `int64`.

# Packages

"pandas" needs pandas and pyarrow, "pyarrow" needs pyarrow, and "polars" needs only polars. Workbooks also need pyarrow and
openpyxl. All other formats need no package. Python 3.9 or newer is required.

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
