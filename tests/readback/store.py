"""Loads outputs of a store through the Python package: python store.py PACKAGE STORE EMPTY."""

import contextlib
import datetime
import math
import pathlib
import sys

package, folder, empty = map(pathlib.Path, sys.argv[1:])
sys.path.insert(0, str(package))

import flow_outputs
from flow_outputs import Ambiguous, Damaged, NotFound, Store, cells, expressions, formats, messagepack, names


@contextlib.contextmanager
def refused(kind, *words):
    try:
        yield
    except kind as error:
        assert type(error) is kind, type(error)
        for word in words:
            assert word in str(error), f"{word!r} is not in: {error}"
    else:
        raise AssertionError(f"no error with {words}")


before = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}
store = Store(folder)

# Outputs are found by task and parameters.
assert store.load("Powers", base=2) == [1, 2, 4]
assert store.load("Powers", {"base": 3}, whole=True) == [1, 3, 9]
assert store.load("Powers", base=2.0) == [1, 2, 4]
assert store.meta("Powers", base=3) == {"base": 3}
assert store.path("Powers", base=3).read_text() == "[1,3,9]"
assert store.path("Powers", base=3).parent.parent == folder.absolute() / "Powers"
powers = store.list("Powers")
assert [output.instance for output in powers] == ["Powers {base: 2, whole: true}", "Powers {base: 3, whole: true}"]
assert powers == store.list("Powers"), "records that did not change are not parsed again"
assert [output.load() for output in powers] == [[1, 2, 4], [1, 3, 9]]
assert store.tasks() == ["Backtest", "Both", "Odd", "Powers", "Prices", "Volumes"]
assert [output.task for output in store.list(base=2)] == ["Powers"]

# An output says where it comes from.
one = store.output("Powers", base=2)
assert repr(one) == "<Powers {base: 2, whole: true}>" and len(one.key) == 32
assert one.target == "Json<Vec<u64>>" and one.parts == [""] and one.bytes == 7
age = datetime.datetime.now(datetime.timezone.utc) - one.started
assert datetime.timedelta(0) <= age < datetime.timedelta(hours=1) and one.seconds >= 0 and one.host

# Several outputs, text, bytes, and a file that the task wrote itself.
both = store.load("Both")
assert both["left"] == "größer\r\n" and both["right"] == b"\xff\0"
assert both["other"] == store.path("Both", part="other") and both["other"].read_text() == "?"
assert store.load("Both", part="right") == b"\xff\0"
with refused(NotFound, "no part 'up'", "left, right, other"):
    store.load("Both", part="up")
with refused(NotFound, "no part 'up'", "no parts"):
    store.load("Powers", base=2, part="up")

# Errors list the candidates, and name the nearest.
with refused(Ambiguous, "2 outputs match", "they differ in base", "Powers {base: 2, whole: true}"):
    store.load("Powers")
with refused(NotFound, "no output of Powers with these parameters", "base: 3"):
    store.load("Powers", base=4)
with refused(NotFound, "no output of Power", "did you mean Powers?", "Backtest, Both"):
    store.load("Power")
with refused(NotFound, "it has no parameter bas (did you mean base?)"):
    store.load("Powers", bas=2)
# In Python True equals 1, but not as a parameter.
with refused(NotFound, "no output of Powers"):
    store.load("Powers", base=2, whole=1)
with refused(NotFound, "does not exist"):
    Store(empty)
with refused(ValueError, "'pandas', 'polars', 'pyarrow'"):
    store.load("Powers", base=2, as_="numpy")

# A folder without outputs is a store without outputs.
empty.mkdir()
assert Store(empty).list() == [] and Store(empty).tasks() == []
with refused(NotFound, "the store has no outputs"):
    Store(empty).load("Powers")

# Values that JSON cannot represent, values of other Python types, and reserved names.
odd = {
    "nan": math.nan, "least": -math.inf, "share": 0.1, "huge": -(2**127), "most": 2**64 - 1, "none": None,
    "path": pathlib.Path("a/b"), "text": "it's \"q\" \\ \n ü 🌲", "class": 1, "part": 2, "task": 3,
    "nested": {"list": [1, None], "pair": ("x", True)}, "by": {1: "a"}, "kind": {"Box": {"width": 1.5}},
    "day": datetime.date(2024, 2, 29),
}  # fmt: skip
for name, value in odd.items():
    assert len(store.list("Odd", {name: value})) == 1, name
    with refused(NotFound, "no output of Odd"):
        store.load("Odd", {name: "another"})
assert store.load("Odd", odd) == 7
assert store.load("Odd", day="2024-02-29") == 7
assert "\n" not in store.output("Odd").instance

# Dates and times are compared by what they are.
stamp = datetime.datetime(2024, 2, 29, 12, 0, 0, 500_000, datetime.timezone(datetime.timedelta(hours=1)))
for stored, wanted in [
    ("2024-02-29T12:00:00.5", datetime.datetime(2024, 2, 29, 12, 0, 0, 500_000)),
    ("2024-02-29T11:00:00.5Z", stamp),
    ("12:30:00", datetime.time(12, 30)),
    (["2024-02-29"], [datetime.date(2024, 2, 29)]),
]:
    assert names.matches(stored, wanted), stored
assert not names.matches("2024-02-29T12:00:00.5Z", stamp)
# A record shortens long values.
assert names.matches("aaa…zzz #1f0a99c2", "aaa" + "b" * 100 + "zzz")
assert not names.matches("aaa…zzz #1f0a99c2", "aab" + "b" * 100 + "zzz")
assert not names.matches("aaa…zzz #1f0a99c2", "aaazzz")
long = list(range(500))
shortened = "[0, 1, 2, 3, 4…96, 497, 498, 499] #1f0a99c2"
assert names.matches(shortened, long)
for other in (long[1:], long[:-1], [1, *long], [True] * 500, [0, 1, 2, 499]):
    assert not names.matches(shortened, other), other[:5]
assert names.matches('["a b", Some(1.5), none, tr…se, {x: 2}] #1f0a99c2', ["a b", 1.5, None, True] * 9 + [False, {"x": 2.0}])

# A name refers to a parameter of the task, or else to that of its upstream tasks.
one = store.load("Backtest", symbols=["A"])
two = store.load("Backtest", symbols=("A", "B"))
assert (one, two) == (17, 19), (one, two)
assert store.load("Backtest", {"Prices.symbols": ["A"]}, cash=7) == one
assert store.load("Backtest", symbols=["A"], window=(1.0, 2.5)) == one
assert store.load("Backtest", {"Volumes.cash": 5, "Prices.lag": 1}, symbols=["A"]) == one
assert store.list("Backtest", cash=5) == []
with refused(NotFound, "no output of Backtest"):
    store.load("Backtest", symbols=["B", "A"])
with refused(Ambiguous, "by lag", "Prices.lag, Volumes.lag"):
    store.load("Backtest", lag=1, symbols=["A"])

# A namespace is a store of its own.
assert Store(folder, namespace="prod").tasks() == ["Huge"]
assert Store(folder / "env=prod").load("Huge")[1] == 2**64
with refused(NotFound, "does not exist"):
    Store(folder, namespace="test")
with refused(NotFound, "cannot be derived", "env=prod"):
    Store(folder, namespace="Prod!")

# Nothing was written.
assert {path: path.lstat().st_mtime_ns for path in folder.rglob("*")} == before

# The text of CSV files: cells, and the types of columns.
rows = lambda text, **options: [[cell for cell, _ in row] for row in cells.rows(text, **options)]
assert rows('a,b\r\n"x,""y""\n",\n') == [["a", "b"], ['x,"y"\n', ""]]
assert rows("a;b\n1;\n2;") == [["a;b"], ["1;"], ["2;"]]
assert rows("a;b\n1;\n2;", delimiter=";") == [["a", "b"], ["1", ""], ["2", ""]]
assert rows("") == [] and rows("v\n\n3\n") == [["v"], [""], ["3"]]
with refused(ValueError, "malformed at character 2"):
    rows('a\n"b\n')
for values, kind in [
    ("true\nfalse\n", ("bool_",)),
    ("1\n-9223372036854775808\n", ("int64",)),
    ("1\n18446744073709551615\n", ("uint64",)),
    ("-1\n18446744073709551615\n", ("string",)),
    ("1\n0.5\n", ("float64",)),
    ("9007199254740993\n0.5\n", ("string",)),
    ("NaN\n-inf\n1e5\n", ("float64",)),
    ("-0\n", ("string",)),
    ("007\n", ("string",)),
    ('"1"\n', ("string",)),
    ("1e999\n", ("string",)),
    ("2024-02-29\n", ("date32",)),
    ("2024-02-30\n", ("string",)),
    ("2024-02-29\n2024-02-29T12:00:00.5\n", ("timestamp", "us")),
    ("2024-02-29T12:00:00.123456789Z\n", ("timestamp", "ns", "UTC")),
    ("9999-01-01T00:00:00.123456789\n", ("string",)),
    ("\n", ("null",)),
    ("1\n\n2\n", ("int64",)),
]:
    assert [column.kind for column in cells.infer("v\n" + values)] == [kind], values
assert [column.name for column in cells.infer("1,2\n", header=False)] == ["column_1", "column_2"]
assert cells.infer("v\nNA\n1\n", null="NA")[0].kind == ("int64",)
options = formats.csv_options("CsvGz<RecordBatch>(schema = a(), delimiter = ';', header = false, null = \"N\\\"A\")")
assert options == {"delimiter": ";", "header": False, "null": 'N"A'}
assert formats.csv_options("Csv<RecordBatch>(delimiter = b'\\t')") == {"delimiter": "\t"}

# Descriptions are parsed, and never evaluated.
columns = 'pyarrow.schema([pyarrow.field("n", pyarrow.uint8(), nullable=False), pyarrow.field("t", pyarrow.timestamp("us", "UTC"))])'
reading = expressions.parse(f'_frame(_csv(path, {columns}, delimiter=";", header=False))')
assert reading.columns == [("n", ("uint8",), False), ("t", ("timestamp", "us", "UTC"), True)]
assert reading.options == {"delimiter": ";", "header": False}
assert expressions.parse("_frame(_parquet(path))") is None
for evil in [
    "_csv(path, pyarrow.schema([pyarrow.field('n', pyarrow.open('x'))]))",
    "_csv(path, os.system('x'))",
    "_csv(path, pyarrow.schema([]), delimiter=open('x'))",
    "_csv(path, pyarrow.schema([]), quote='x')",
    "_csv(path",
]:
    with refused(Damaged, "description of a file is wrong"):
        expressions.parse(evil)

# MessagePack without a package.
packed = bytes.fromhex("83a161c0a162c3a163cb3ff8000000000000")
assert messagepack.Reader(packed).whole() == {"a": None, "b": True, "c": 1.5}
numbers = bytes.fromhex(
    "9a 7f ff ccff cdffff ceffffffff cfffffffffffffffff d080 d18000 d280000000 d38000000000000000"
)
assert messagepack.Reader(numbers).whole() == [
    127, -1, 255, 2**16 - 1, 2**32 - 1, 2**64 - 1, -128, -(2**15), -(2**31), -(2**63),
]  # fmt: skip
assert messagepack.Reader(b"\xc4\x02\xff\x00").whole() == b"\xff\0"
assert messagepack.Reader(b"\xd9\x03\xc3\xbcx").whole() == "üx"
for broken in (b"", b"\x92\x01", b"\xc1", b"\x01\x02", b"\x91" * 1000 + b"\x01"):
    with refused(ValueError, "the MessagePack value"):
        messagepack.Reader(broken).whole()

assert sorted(flow_outputs.__all__) == flow_outputs.__all__
