//! The Python module of an export returns the exported values, by task and parameters.

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::*;
use flow::File;
use flow::targets::Bytes;
use std::path::PathBuf;

/// Has one output for each setting.
#[derive(Task)]
#[task(target = Json<Vec<u64>>)]
struct Powers {
    base: u64,
    #[param(default = true)]
    whole: bool,
}

#[tracked]
impl Run for Powers {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
        cx.meta("base", self.base)?;
        Ok((0..3).map(|n| self.base.pow(n)).collect())
    }
}

#[derive(Outputs)]
struct Sides {
    #[output(Text)]
    left: String,
    #[output(Bytes)]
    right: Vec<u8>,
    #[output(File(extension = "x"))]
    other: PathBuf,
}

#[derive(Task)]
#[task(outputs = Sides)]
struct Both;

#[tracked]
impl Run for Both {
    fn run(&self, cx: &Cx<Self>) -> Result<Sides> {
        let other = cx.out_path_of(Sides::OTHER)?;
        std::fs::write(&other, "?")?;
        Ok(Sides { left: "größer\r\n".to_owned(), right: vec![255, 0], other })
    }
}

/// Parameters whose values JSON cannot represent, or whose names are special in Python.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Odd {
    #[param(default = f64::NAN)]
    nan: f64,
    #[param(default = f64::NEG_INFINITY)]
    least: f64,
    #[param(default = 0.1)]
    share: f32,
    #[param(default = i128::MIN)]
    huge: i128,
    #[param(default = u64::MAX)]
    most: u64,
    #[param(default = None)]
    none: Option<u8>,
    #[param(default = "a/b")]
    path: PathBuf,
    #[param(default = "it's \"q\" \\ \n ü 🌲")]
    text: String,
    #[param(default = 1)]
    class: u8,
    #[param(default = 2)]
    part: u8,
    #[param(default = 3)]
    task: u8,
    #[param(default = Nested { list: vec![Some(1), None], pair: ("x".to_owned(), true) })]
    nested: Nested,
    #[param(default = BTreeMap::from([(1, "a".to_owned())]))]
    by: BTreeMap<u8, String>,
    #[param(default = Kind::Box { width: 1.5 })]
    kind: Kind,
    #[param(default = jiff::civil::date(2024, 2, 29))]
    day: jiff::civil::Date,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Nested {
    list: Vec<Option<u8>>,
    pair: (String, bool),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kind {
    Box { width: f64 },
}

#[tracked]
impl Run for Odd {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(7)
    }
}

/// A task with a parameter of the same name as [`Volumes`], upstream of [`Backtest`].
#[derive(Task)]
#[task(target = Json<u64>)]
struct Prices {
    symbols: Vec<String>,
    #[param(default = (1, 2.5))]
    window: (u8, f64),
    #[param(default = 1)]
    lag: u8,
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Volumes {
    symbols: Vec<String>,
    #[param(default = 2)]
    lag: u8,
    #[param(default = 5)]
    cash: u8,
}

/// A task that is found by parameters of its upstream tasks.
#[derive(Task)]
#[task(requires(Prices, Volumes), target = Json<u64>)]
struct Backtest {
    #[param(default = 7, local)]
    cash: u8,
}

#[tracked]
impl Run for Prices {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.symbols.len() as u64 + u64::from(self.lag))
    }
}

#[tracked]
impl Run for Volumes {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.symbols.len() as u64 + u64::from(self.lag + self.cash))
    }
}

#[tracked]
impl Run for Backtest {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let (prices, volumes) = cx.input();
        Ok(*prices.load()? + *volumes.load()? + u64::from(self.cash))
    }
}

/// Returns the values that the module must return.
pub(crate) fn readings(flow: &Flow, folder: &Path) -> Result<Vec<Value>> {
    flow.run::<(ParquetFlat, ArrowFlat, CsvPlain, CsvNull, CsvPacked, JsonValue, PickleValue)>()?;
    flow.export::<(ParquetFlat, ArrowFlat, CsvPlain, CsvNull, CsvPacked)>(folder)?;
    flow.run::<ExcelSheet>()?;
    flow.export::<(JsonValue, PickleValue, ExcelSheet)>(folder)?;
    type Every = (EveryParquet, EveryArrow, EveryCsv, EveryPacked, EveryExcel);
    type Rows = (RowsParquet, RowsArrow, RowsCsv, RowsExcel);
    type Odd = (OneColumn, OneText, NoRows, Long, Huge, ParquetNested, ArrowPacked);
    flow.run::<Every>()?;
    flow.export::<Every>(folder)?;
    flow.run::<Rows>()?;
    flow.export::<Rows>(folder)?;
    flow.run::<Odd>()?;
    flow.export::<Odd>(folder)?;
    let mut all = Vec::new();
    let mut add = |task: &str, columns: Value| {
        let file = folder.join("flow_outputs.py");
        let given = json!({ "task": task });
        all.push(json!({
            "file": file, "reader": "pandas by flow_outputs", "given": given, "columns": columns,
        }));
    };
    for task in ["ParquetFlat", "ArrowFlat"] {
        add(task, columns(&tables::flat()));
    }
    for task in ["CsvPlain", "CsvNull", "CsvPacked"] {
        add(task, columns(&tables::csv()));
    }
    add("ExcelSheet", columns(&tables::excel()));
    for task in ["EveryParquet", "EveryArrow", "EveryCsv", "EveryExcel"] {
        add(task, columns(&tables::every()));
    }
    // Without a header, the module takes the column names from the manifest.
    add("EveryPacked", columns(&tables::every()));
    for task in ["RowsParquet", "RowsArrow", "RowsCsv", "RowsExcel"] {
        add(task, columns(&tables::ids(&ids())));
    }
    add("NoRows", columns(&tables::ids(&[])));
    add("OneColumn", columns(&tables::one_column()));
    add("OneText", columns(&tables::one_text()));
    add("Long", columns(&tables::long()));
    for task in ["ParquetNested", "ArrowPacked"] {
        add(task, columns(&tables::nested()));
    }
    let one = |value| json!([{ "name": "value", "type": "", "values": [value] }]);
    add("JsonValue", one(described(&measured(1.5))));
    add("PickleValue", one(described(&measured(f64::NAN))));
    add("Huge", one(list(HUGE.map(int))));
    Ok(all)
}

/// Describes the columns, with the types that the module assigns in every format.
pub(crate) fn columns(table: &Typed) -> Value {
    let columns = table.batch.columns().iter().zip(table.batch.schema_ref().fields());
    let columns = columns.zip(&table.types).map(|((values, field), types)| {
        let kind = pandas(field, types.first().copied().unwrap_or_default());
        json!({ "name": field.name(), "type": kind, "values": column(values) })
    });
    columns.collect()
}

/// Returns the type of a column in the module's data frame; `arrow` is pyarrow's name of the type.
fn pandas(field: &Field, arrow: &str) -> String {
    let either = |with_nulls: &str, plain: &str| {
        if field.is_nullable() { with_nulls.to_owned() } else { plain.to_owned() }
    };
    match field.data_type() {
        DataType::Boolean => either("boolean", "bool"),
        integer if integer.is_unsigned_integer() => {
            let plain = integer.to_string().to_lowercase();
            either(&plain.replace("uint", "UInt"), &plain)
        }
        integer if integer.is_signed_integer() => {
            let plain = integer.to_string().to_lowercase();
            either(&plain.replace("int", "Int"), &plain)
        }
        DataType::Float32 => "float32".to_owned(),
        DataType::Float64 => "float64".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 => "str".to_owned(),
        DataType::Dictionary(..) => "category".to_owned(),
        DataType::Binary | DataType::Date32 | DataType::Decimal128(..) => "object".to_owned(),
        DataType::Timestamp(unit, zone) => {
            let unit = match unit {
                TimeUnit::Second => "s",
                TimeUnit::Millisecond => "ms",
                TimeUnit::Microsecond => "us",
                TimeUnit::Nanosecond => "ns",
            };
            let zone = zone.as_deref().map(|zone| format!(", {zone}")).unwrap_or_default();
            format!("datetime64[{unit}{zone}]")
        }
        // For types that pandas has no values for, the type is that of pyarrow.
        _ => format!("{arrow}[pyarrow]"),
    }
}

const SCRIPT: &str = r#"
import datetime
import math
import pathlib
import sys

import numpy

sys.path.insert(0, sys.argv[1])
import flow_outputs

assert flow_outputs.load("Powers", base=2) == [1, 2, 4]
assert flow_outputs.read("Powers/base=2,whole=true.json") == [1, 2, 4]
assert flow_outputs.load("Powers", {"base": 3}, whole=True) == [1, 3, 9]
assert flow_outputs.meta("Powers", base=3) == {"base": 3}
assert flow_outputs.path("Powers", base=3) == pathlib.Path(sys.argv[1]).resolve() / "Powers/base=3,whole=true.json"
assert len(flow_outputs.outputs("Powers")) == 2 and len(flow_outputs.outputs()) == 6
both = flow_outputs.load("Both")
assert both["left"] == "größer\r\n" and both["right"] == b"\xff\0"
assert both["other"] == flow_outputs.path("Both", part="other") and both["other"].read_text() == "?"
assert flow_outputs.load("Both", part="right") == b"\xff\0"


def refused(call, *words):
    try:
        call()
    except LookupError as error:
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError(words)


refused(lambda: flow_outputs.load("Powers"), "2 outputs", "Powers {base: 2, whole: true}")
# In Python True equals 1, but not as a parameter.
refused(lambda: flow_outputs.load("Powers", base=2, whole=1), "no output of Powers", "base: 3")
refused(lambda: flow_outputs.load("Other"), "no output of Other")
refused(lambda: flow_outputs.read("../data/x.json"), "no output has the file")

# Values that JSON cannot represent, values of other Python types, and reserved names.
odd = {
    "nan": math.nan, "least": -math.inf, "share": 0.1, "huge": -(2**127), "most": 2**64 - 1, "none": None,
    "path": pathlib.Path("a/b"), "text": "it's \"q\" \\ \n ü 🌲", "class": 1, "part": 2, "task": 3,
    "nested": {"list": [1, None], "pair": ("x", True)}, "by": {1: "a"}, "kind": {"Box": {"width": 1.5}},
    "day": datetime.date(2024, 2, 29),
}
for name, value in odd.items():
    assert len(flow_outputs.outputs("Odd", {name: value})) == 1, name
    refused(lambda: flow_outputs.load("Odd", {name: "another"}), "no output of Odd")
assert flow_outputs.load("Odd", odd) == 7
assert flow_outputs.load("Odd", share=numpy.float64(0.1), nan=numpy.nan, by={1: numpy.str_("a")}) == 7
# True differs from 1 in nested values, too.
refused(lambda: flow_outputs.load("Odd", nested={"list": [1, None], "pair": ["x", 1]}), "no output of Odd")
refused(lambda: flow_outputs.load("Odd", {"class": True}), "no output of Odd")
refused(lambda: flow_outputs.load("Both", part="up"), "left, right, other")

# A name refers to a parameter of the task, or else to that of its upstream tasks.
one = flow_outputs.load("Backtest", symbols=["A"])
two = flow_outputs.load("Backtest", symbols=("A", "B"))
assert (one, two) == (17, 19), (one, two)
assert flow_outputs.load("Backtest", symbols=numpy.array(["A", "B"])) == two
assert flow_outputs.load("Backtest", {"Prices.symbols": ["A"]}, cash=7) == one
assert flow_outputs.load("Backtest", symbols=["A"], window=[1, 2.5]) == one
assert flow_outputs.load("Backtest", symbols=["A"], window=(1.0, 2.5)) == one
assert flow_outputs.load("Backtest", {"Volumes.cash": 5, "Prices.lag": 1}, symbols=["A"]) == one
assert flow_outputs.outputs("Backtest", cash=5) == [] == flow_outputs.outputs(symbols=["A"])
refused(lambda: flow_outputs.load("Backtest", symbols="A"), "no output of Backtest")
refused(lambda: flow_outputs.load("Backtest", symbols=["B", "A"]), "no output of Backtest")
refused(lambda: flow_outputs.load("Backtest", symbol=["A"]), "no output of Backtest", "(unknown: symbol)")
refused(lambda: flow_outputs.load("Backtest", window=(1, 2.5)), "2 outputs match")
# Two upstream tasks have other values of `lag`.
refused(lambda: flow_outputs.load("Backtest", lag=1, symbols=["A"]), "by lag", "Prices.lag, Volumes.lag")

# A modified file is not loaded as an output.
with open(flow_outputs.path("Powers", base=2), "a") as file:
    file.write(" ")
try:
    flow_outputs.load("Powers", base=2)
except ValueError as error:
    assert "is not what was exported" in str(error), error
else:
    raise AssertionError("it has another size")
"#;

/// Runs the tasks of this module, several of them with several settings.
pub(crate) fn run_all(flow: &Flow) -> Result<()> {
    for base in [2u64, 3] {
        flow.with(Powers::BASE, base).run::<Powers>()?;
    }
    for symbols in [vec!["A"], vec!["A", "B"]] {
        flow.with_named("symbols", symbols).run::<Backtest>()?;
    }
    flow.run::<(Both, Odd)>()?;
    Ok(())
}

#[test]
#[ignore = "it needs a Python: see the head of tests/readback/main.rs"]
fn outputs_are_found_by_task_and_parameters() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let flow = Flow::open(folder.path().join("data"))?.quiet();
    let to = folder.path().join("handed");
    for base in [2u64, 3] {
        let flow = flow.with(Powers::BASE, base);
        flow.run::<Powers>()?;
        flow.export::<Powers>(&to)?;
    }
    for symbols in [vec!["A"], vec!["A", "B"]] {
        let flow = flow.with_named("symbols", symbols);
        flow.run::<Backtest>()?;
        flow.export::<Backtest>(&to)?;
    }
    flow.run::<(Both, Odd)>()?;
    flow.export::<(Both, Odd)>(&to)?;
    let python = std::env::var("READBACK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).args(["-c", SCRIPT]).arg(&to).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
