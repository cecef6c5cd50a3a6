//! Reads outputs with other programs: pandas, polars, pyarrow, openpyxl and msgpack.
//!
//! A flow writes tables and values that are hard to store exactly. The test describes them in a form
//! of its own, and `read.py` compares this description with the values that Python libraries read
//! from the files, value by value and type by type.
//!
//! The test needs a Python with the packages of `requirements.txt`, and so only runs on request:
//!
//! ```text
//! python3 -m venv venv && venv/bin/pip install -r tests/readback/requirements.txt
//! READBACK_PYTHON=venv/bin/python cargo test -p flow-readback -- --ignored
//! ```

#![allow(clippy::print_stdout)]

mod datasets;
mod history;
mod hostile;
mod module;
mod package;
mod tables;
mod typed;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use describe::{column, float, int, list, map, text};
use flow::Output;
use flow::prelude::*;
use serde_json::{Value, json};
use tables::Typed;

/// Defines a task for each output.
macro_rules! outputs {
    ($($task:ident: ($($target:tt)*) = $value:expr;)*) => {
        $(
            #[derive(Task)]
            #[task(target = $($target)*)]
            struct $task;

            #[tracked]
            impl Run for $task {
                fn run(&self, _cx: &Cx<Self>) -> Result<Output<Self>> {
                    Ok($value)
                }
            }
        )*
    };
}

outputs! {
    ParquetFlat: (Parquet<RecordBatch>) = tables::flat().batch;
    ParquetNested: (Parquet<Vec<RecordBatch>>(compression = Snappy)) = vec![tables::nested().batch];
    ArrowFlat: (ArrowIpc<RecordBatch>) = tables::flat().batch;
    ArrowPacked: (ArrowIpc<Vec<RecordBatch>>(compression = Zstd(3))) = vec![tables::nested().batch];
    CsvPlain: (Csv<RecordBatch>) = tables::csv().batch;
    CsvEmpties: (Csv<RecordBatch>) = tables::empties().batch;
    CsvNull: (Csv<RecordBatch>(null = "NA")) = tables::csv().batch;
    CsvPacked: (CsvGz<RecordBatch>(null = "NA")) = tables::csv().batch;
    ExcelSheet: (Excel<RecordBatch>(schema = tables::excel().batch.schema())) =
        tables::excel().batch;
    JsonValue: (Json<Measured>) = measured(1.5);
    PickleValue: (Pickle<Measured>) = measured(f64::NAN);
    EveryParquet: (Parquet<RecordBatch>) = tables::every().batch;
    EveryArrow: (ArrowIpc<RecordBatch>(compression = Lz4)) = tables::every().batch;
    EveryCsv: (Csv<RecordBatch>(schema = tables::every().batch.schema())) = tables::every().batch;
    EveryPacked: (
        CsvGz<RecordBatch>(
            schema = tables::every().batch.schema(), delimiter = ';', header = false, null = "NA"
        )
    ) = tables::every().batch;
    EveryExcel: (Excel<RecordBatch>(schema = tables::every().batch.schema())) =
        tables::every().batch;
    RowsParquet: (Parquet<Vec<Id>>) = ids();
    RowsArrow: (ArrowIpc<Vec<Id>>) = ids();
    RowsCsv: (Csv<Vec<Id>>) = ids();
    RowsExcel: (Excel<Vec<Id>>) = ids();
    OneColumn: (Csv<Vec<One>>) = [Some(1), None, Some(3), None].map(|v| One { v }).to_vec();
    OneText: (Csv<RecordBatch>) = tables::one_text().batch;
    NoRows: (Csv<Vec<Id>>) = Vec::new();
    Long: (Csv<RecordBatch>) = tables::long().batch;
    Huge: (Json<Vec<i128>>) = HUGE.to_vec();
    TypedParquet: (Parquet<Vec<typed::Trade>>) = typed::trades();
    TypedArrow: (ArrowIpc<Vec<typed::Trade>>) = typed::trades();
    TypedNone: (Parquet<Vec<typed::Trade>>) = Vec::new();
}

const HUGE: [i128; 3] = [i128::MIN, u64::MAX as i128 + 1, i128::MAX];

/// Rows with integers that a float cannot hold.
#[derive(Clone, Serialize, Deserialize)]
struct Id {
    id: Option<i64>,
    n: u8,
    buy: Option<bool>,
}

#[derive(Clone, Serialize, Deserialize)]
struct One {
    v: Option<i64>,
}

fn ids() -> Vec<Id> {
    let ids = [Some(1_577_134_800_018_226_901), None, Some(i64::MIN)];
    ids.map(|id| Id { id, n: 255, buy: id.map(|id| id > 0) }).to_vec()
}

/// A value for formats that store any value.
#[derive(Serialize, Deserialize)]
struct Measured {
    least: i64,
    most: u64,
    zero: f64,
    shares: Vec<Option<f64>>,
    note: Option<String>,
    name: String,
    by_name: BTreeMap<String, Shape>,
}

#[derive(Serialize, Deserialize)]
enum Shape {
    Point,
    Box { width: f64, height: f64 },
}

fn measured(odd: f64) -> Measured {
    Measured {
        least: i64::MIN,
        most: u64::MAX,
        zero: -0.0,
        shares: vec![Some(0.1 + 0.2), None, Some(5e-324), Some(odd)],
        note: None,
        name: "Zürich 🌲 \"東京\"\n\0".to_owned(),
        by_name: BTreeMap::from([
            (String::new(), Shape::Point),
            ("ü".to_owned(), Shape::Box { width: 1e23, height: 1.0 }),
        ]),
    }
}

fn described(value: &Measured) -> Value {
    let shape = |shape: &Shape| match shape {
        Shape::Point => text("Point"),
        Shape::Box { width, height } => {
            map([("Box", map([("width", float(*width)), ("height", float(*height))]))])
        }
    };
    map([
        ("least", int(value.least)),
        ("most", int(value.most)),
        ("zero", float(value.zero)),
        ("shares", list(value.shares.iter().map(|share| share.map_or(Value::Null, float)))),
        ("note", value.note.as_deref().map_or(Value::Null, text)),
        ("name", text(&value.name)),
        ("by_name", map(value.by_name.iter().map(|(name, value)| (name.as_str(), shape(value))))),
    ])
}

/// The outputs, and how each is read: by which reader, with which of the types of its columns.
struct Readings {
    flow: Flow,
    all: Vec<Value>,
}

impl Readings {
    fn table<T: Task>(
        &mut self,
        table: &Typed,
        by: &str,
        types: usize,
        given: Value,
    ) -> Result<()> {
        let columns: Vec<Value> = (0..table.batch.num_columns())
            .map(|i| {
                json!({
                    "name": table.batch.schema_ref().field(i).name(),
                    "type": table.types[i][types],
                    "values": column(table.batch.column(i)),
                })
            })
            .collect();
        self.push::<T>(by, given, json!(columns))
    }

    fn value<T: Task>(&mut self, value: Value, by: &str) -> Result<()> {
        let columns = json!([{ "name": "value", "type": "", "values": [value] }]);
        self.push::<T>(by, json!({}), columns)
    }

    fn push<T: Task>(&mut self, by: &str, given: Value, columns: Value) -> Result<()> {
        self.flow.run::<T>()?;
        let path = self.flow.output::<T>()?.path()?;
        self.all.push(json!({ "file": path, "reader": by, "given": given, "columns": columns }));
        Ok(())
    }
}

/// Returns every output with every reader of it.
///
/// To add a target: add an output above, a reading here, and a reader in `read.py` unless an
/// existing one reads it.
fn readings(folder: &Path) -> Result<Vec<Value>> {
    let mut of = Readings { flow: Flow::open(folder)?, all: Vec::new() };
    let none = || json!({});

    of.table::<ParquetFlat>(&tables::flat(), "pyarrow.parquet", 0, none())?;
    of.table::<ParquetFlat>(&tables::flat(), "pandas.read_parquet", 1, none())?;
    of.table::<ParquetNested>(&tables::nested(), "pyarrow.parquet", 0, none())?;

    of.table::<ArrowFlat>(&tables::flat(), "pyarrow.ipc", 0, none())?;
    of.table::<ArrowFlat>(&tables::flat(), "pandas.read_feather", 1, none())?;
    of.table::<ArrowPacked>(&tables::nested(), "pyarrow.ipc", 0, none())?;

    // pyarrow takes every integer column for signed 64-bit integers.
    let unsigned = json!({ "u64": "uint64" });
    of.table::<CsvPlain>(&tables::csv(), "pyarrow.csv", 0, unsigned)?;
    of.table::<CsvEmpties>(&tables::empties(), "pyarrow.csv", 0, none())?;
    let dates = json!({ "dates": ["date", "plain time", "time in UTC"] });
    of.table::<CsvNull>(&tables::csv(), "pandas.read_csv", 1, dates.clone())?;
    of.table::<CsvPacked>(&tables::csv(), "pandas.read_csv", 1, dates)?;

    of.table::<ExcelSheet>(&tables::excel(), "openpyxl", 0, none())?;
    of.table::<ExcelSheet>(&tables::excel(), "pandas.read_excel", 1, none())?;

    of.value::<JsonValue>(described(&measured(1.5)), "json")?;
    of.value::<PickleValue>(described(&measured(f64::NAN)), "msgpack")?;
    of.table::<TypedParquet>(&typed::expected(3), "pyarrow.parquet", 0, none())?;
    of.table::<TypedParquet>(&typed::expected(3), "pandas.read_parquet", 1, none())?;
    of.table::<TypedParquet>(&typed::expected(3), "polars.read_parquet", 2, none())?;
    of.table::<TypedParquet>(&typed::expected(3), "duckdb", 3, none())?;
    of.table::<TypedArrow>(&typed::expected(3), "pyarrow.ipc", 0, none())?;
    of.table::<TypedArrow>(&typed::expected(3), "polars.read_ipc", 2, none())?;
    of.table::<TypedNone>(&typed::expected(0), "pyarrow.parquet", 0, none())?;
    of.table::<TypedNone>(&typed::expected(0), "polars.read_parquet", 2, none())?;
    let by_module = module::readings(&of.flow, &folder.join("handed"))?;
    of.all.extend(by_module);
    let by_package = package::readings(&of.flow, folder)?;
    of.all.extend(by_package);
    of.all.push(history::reading(&folder.join("recorded"))?);
    Ok(of.all)
}

/// Returns what `read.py` printed, and whether the values are equal.
fn read(python: &str, folder: &Path, readings: &[Value]) -> Result<(bool, String)> {
    std::fs::write(folder.join("expected.json"), serde_json::to_vec_pretty(readings)?)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("read.py");
    let output = Command::new(python).arg(script).arg(folder).output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
#[ignore = "it needs a Python with pandas: see the head of tests/readback/main.rs"]
fn python_libraries_read_equal_values() -> Result<()> {
    let Ok(python) = std::env::var("READBACK_PYTHON") else {
        bail!(
            "READBACK_PYTHON is not set: it names a Python with the packages of \
             tests/readback/requirements.txt"
        );
    };
    let folder = tempfile::tempdir()?;
    let mut readings = readings(folder.path())?;
    let (same, said) = read(&python, folder.path(), &readings)?;
    println!("{said}");
    ensure!(same, "other programs read something else:\n{said}");

    // The comparison notices differences of types and of values.
    for at in ["type", "values"] {
        let column = &mut readings[0]["columns"][3];
        let before = column[at].clone();
        column[at] =
            if at == "type" { json!("float") } else { json!([float(0.3), float(0.0), null]) };
        let (same, said) = read(&python, folder.path(), &readings)?;
        ensure!(!same && said.contains("column f64"), "it overlooks a difference:\n{said}");
        readings[0]["columns"][3][at] = before;
    }
    Ok(())
}
