//! The Python package loads outputs of a store with equal values and types, by task and parameters.

use arrow::datatypes::{DataType, Field, TimeUnit};
use flow::export::PYTHON_PACKAGE;
use flow::target::Description;

use super::*;

/// Writes the package into a folder.
fn write_package(folder: &Path) -> Result<()> {
    let package = folder.join("flow_outputs");
    std::fs::create_dir_all(&package)?;
    for (name, text) in PYTHON_PACKAGE {
        std::fs::write(package.join(name), text)?;
    }
    Ok(())
}

/// Returns the description of the only file of a complete output, as `describe --json` prints it.
fn describe<T: Task>(flow: &Flow) -> Result<BTreeMap<&'static str, Description>> {
    let instances = flow.graph::<T>().instances()?;
    let instance = instances.first().context("an instance")?;
    Ok(instance.describe()?)
}

/// Returns the values that the package must return for the outputs in the store of the flow.
///
/// All tasks have run before.
pub(crate) fn readings(flow: &Flow, folder: &Path) -> Result<Vec<Value>> {
    let package = folder.join("python");
    write_package(&package)?;
    let mut all = Vec::new();
    let mut add = |task: &str, description: Value, table: Option<&Typed>, values: Value| {
        for frame in ["pandas", "pyarrow"] {
            let columns = match table {
                Some(table) if frame == "pandas" => module::columns(table),
                Some(table) => columns(table),
                None => values.clone(),
            };
            all.push(json!({
                "file": "",
                "reader": format!("{frame} by Store"),
                "given": {
                    "task": task, "as": frame, "package": package, "description": description,
                },
                "columns": columns,
            }));
        }
    };
    macro_rules! tables {
        ($($task:ident: $table:expr;)*) => {
            $(
                let description = json!(describe::<$task>(flow)?);
                add(stringify!($task), description, Some(&$table), Value::Null);
            )*
        };
    }
    tables! {
        ParquetFlat: tables::flat();
        ArrowFlat: tables::flat();
        ParquetNested: tables::nested();
        ArrowPacked: tables::nested();
        EveryParquet: tables::every();
        EveryArrow: tables::every();
        EveryCsv: tables::every();
        EveryPacked: tables::every();
        EveryExcel: tables::every();
        RowsParquet: tables::ids(&ids());
        RowsArrow: tables::ids(&ids());
        RowsCsv: tables::ids(&ids());
        RowsExcel: tables::ids(&ids());
        ExcelSheet: tables::excel();
        CsvPlain: tables::csv();
        NoRows: tables::ids(&[]);
    }
    // Without a description, the types of CSV files are inferred as the target infers them.
    for task in ["CsvPlain", "CsvNull", "CsvPacked"] {
        add(task, Value::Null, Some(&tables::csv()), Value::Null);
    }
    add("OneColumn", Value::Null, Some(&tables::one_column()), Value::Null);
    add("OneText", Value::Null, Some(&tables::one_text()), Value::Null);
    add("Long", Value::Null, Some(&tables::long()), Value::Null);
    let one = |value| json!([{ "name": "value", "type": "", "values": [value] }]);
    add("JsonValue", Value::Null, None, one(described(&measured(1.5))));
    add("PickleValue", Value::Null, None, one(described(&measured(f64::NAN))));
    add("Huge", Value::Null, None, one(list(HUGE.map(int))));
    Ok(all)
}

/// Describes the columns, with their types in pyarrow.
fn columns(table: &Typed) -> Value {
    let columns = table.batch.columns().iter().zip(table.batch.schema_ref().fields());
    let columns = columns.zip(&table.types).map(|((values, field), types)| {
        let kind = pyarrow(field, types.first().copied().unwrap_or_default());
        json!({ "name": field.name(), "type": kind, "values": column(values) })
    });
    columns.collect()
}

/// Returns the type of a column in pyarrow; `given` is that of the tables, for types that are not listed here.
fn pyarrow(field: &Field, given: &str) -> String {
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    };
    match field.data_type() {
        DataType::Boolean => "bool".to_owned(),
        integer if integer.is_integer() => integer.to_string().to_lowercase(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 => "string".to_owned(),
        DataType::LargeUtf8 => "large_string".to_owned(),
        DataType::Dictionary(..) => {
            "dictionary<values=string, indices=int32, ordered=0>".to_owned()
        }
        DataType::Binary => "binary".to_owned(),
        DataType::Date32 => "date32[day]".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal128({precision}, {scale})"),
        DataType::Timestamp(of, None) => format!("timestamp[{}]", unit(of)),
        DataType::Timestamp(of, Some(zone)) => format!("timestamp[{}, tz={zone}]", unit(of)),
        _ => given.to_owned(),
    }
}

/// Runs a script with the package, the store and an empty folder as arguments.
fn run(script: &str, package: &Path, store: &Path, empty: &Path) -> Result<()> {
    let python = std::env::var("READBACK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let output =
        Command::new(python).arg("-B").arg(script).args([package, store, empty]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
#[ignore = "it needs a Python: see the head of tests/readback/main.rs"]
fn a_store_is_read_by_task_and_parameters() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (package, store) = (folder.path().join("python"), folder.path().join("data"));
    let flow = Flow::open(&store)?.quiet();
    module::run_all(&flow)?;
    flow.namespace("prod").run::<Huge>()?;
    write_package(&package)?;
    run("store.py", &package, &store, &folder.path().join("empty"))
}

#[test]
#[ignore = "it needs a Python: see the head of tests/readback/main.rs"]
fn a_damaged_or_hostile_store_is_ignored_with_a_warning() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (package, store) = (folder.path().join("python"), folder.path().join("data"));
    let flow = Flow::open(&store)?.quiet();
    module::run_all(&flow)?;
    write_package(&package)?;
    run("hostile_store.py", &package, &store, &folder.path().join("empty"))
}
