//! Scans of CSV files, which have the values and types of a load.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, StringArray};
use arrow::datatypes::{DataType as Arrow, Field, Int32Type, Schema};
use flow::frames::{COLUMNS_READ, columns_read};
use flow::polars::prelude::{AnyValue, DataFrame, DataType, LazyFrame, col, lit};
use flow::prelude::*;
use serde_json::{Value, json};

use crate::{flow, message, ran};

/// A row whose texts look like numbers and nulls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct City {
    name: String,
    zip: String,
    height: Option<f64>,
    people: u32,
}

#[task(target = CsvGz<Vec<City>>(delimiter = ';', null = "NA"))]
fn cities() -> Vec<City> {
    let city = |name: &str, zip: &str, height, people| City {
        name: name.to_owned(),
        zip: zip.to_owned(),
        height,
        people,
    };
    vec![
        city("Ulm; Donau", "089073", Some(478.0), 127_000),
        city("", "1", None, 7),
        city("NA", "true", Some(-0.5), 12),
    ]
}

/// Returns a column as text.
fn texts(frame: &DataFrame, name: &str) -> Result<Vec<Option<String>>> {
    let column = frame.column(name)?.cast(&DataType::String)?;
    Ok(column.str()?.iter().map(|text| text.map(str::to_owned)).collect())
}

#[test]
fn a_scan_has_the_values_and_types_of_the_rows() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<cities>()?;
    let mut scan = flow.output::<cities>()?.scan()?;
    let types: Vec<_> = scan.collect_schema()?.iter_values().cloned().collect();
    let expected = [DataType::String, DataType::String, DataType::Float64, DataType::UInt32];
    assert_eq!(types, expected);
    let all = scan.clone().collect()?;
    let rows = flow.load::<cities>()?;
    for (name, of) in [("name", 0), ("zip", 1)] {
        let loaded = rows.iter().map(|row| Some([&row.name, &row.zip][of].clone()));
        assert_eq!(texts(&all, name)?, loaded.collect::<Vec<_>>());
    }
    assert_eq!(
        all.column("height")?.f64()?.iter().collect::<Vec<_>>(),
        [Some(478.0), None, Some(-0.5)]
    );
    assert_eq!(all.column("people")?.u32()?.get(0), Some(127_000));
    let large = scan.filter(col("people").gt(lit(10))).select([col("zip")]);
    assert_eq!(large.collect()?.height(), 2);
    Ok(())
}

/// The copy has a name nowhere, and the query is stored by the streaming engine.
#[derive(Task)]
#[task(requires = cities, target = Parquet<LazyFrame>)]
struct People;

#[tracked]
impl Run for People {
    fn run(&self, cx: &Cx<Self>) -> Result<LazyFrame> {
        let people = cx.input().scan()?.filter(col("height").is_not_null()).select([col("people")]);
        cx.record_columns(&people)?;
        Ok(people)
    }
}

#[derive(Task)]
#[task(requires(towns = cities), target = Parquet<LazyFrame>)]
struct Queried;

#[tracked]
impl Run for Queried {
    fn run(&self, cx: &Cx<Self>) -> Result<LazyFrame> {
        Ok(cx.sql("select sum(people) as people from towns where zip <> '1'")?)
    }
}

#[test]
fn queries_over_a_csv_file_are_stored_and_record_their_columns() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<(People, Queried)>()?;
    let people = flow.load::<People>()?.into_owned().collect()?;
    assert_eq!(
        people.column("people")?.u32()?.iter().collect::<Vec<_>>(),
        [Some(127_000), Some(12)]
    );
    let read: Value = flow.output::<People>()?.meta(COLUMNS_READ)?;
    assert_eq!(read, json!({ "cities": ["height", "people"] }));
    let sum = flow.load::<Queried>()?.into_owned().collect()?;
    assert_eq!(texts(&sum, "people")?, [Some("127012".to_owned())]);

    let of_file = columns_read(&flow.output::<cities>()?.scan_columns(&["zip", "name"])?);
    let of_file = of_file.context("a known file")?;
    assert_eq!(of_file[0].path, flow.output::<cities>()?.path()?);
    assert_eq!(of_file[0].columns, ["zip", "name"]);
    let error = flow.output::<cities>()?.scan_columns(&["town"]).err().context("no column")?;
    assert!(format!("{:#}", flow::anyhow::Error::new(error)).contains("`town`"));
    Ok(())
}

/// A file of another program.
#[derive(Task)]
#[task(external, path = &self.file, target = Csv<RecordBatch>(null = "NA"))]
struct Given {
    file: PathBuf,
}

#[task(requires = Given, target = Json<String>)]
fn first_zip(given: &Input<Given>) -> Result<String> {
    let zips = given.scan_columns(&["zip"])?.collect()?;
    texts(&zips, "zip")?.remove(0).context("no null")
}

#[test]
fn types_are_inferred_from_all_cells_of_a_file() -> Result<()> {
    let (flow, folder) = flow();
    let file = folder.path().join("given.csv");
    let flow = flow.with(Given::FILE, file.as_path());
    // A sample of the first lines would show integers.
    let mut lines = "zip,day,n,note\n".to_owned();
    lines.push_str(&"1,2024-02-29,NA,\"NA\"\n".repeat(20_000));
    lines.push_str("089073,2024-03-01,1.5,\n");
    fs::write(&file, &lines)?;
    assert_eq!(*flow.get::<first_zip>()?, "1");
    let all = flow.output::<Given>()?.scan()?.collect()?;
    let types: Vec<_> = all.columns().iter().map(|column| column.dtype().clone()).collect();
    assert_eq!(types, [DataType::String, DataType::Date, DataType::Float64, DataType::String]);
    assert_eq!(all.height(), 20_001);
    // A quoted `NA` is a text, and so is an empty cell where `NA` is null.
    let notes = texts(&all, "note")?;
    assert_eq!((notes[0].as_deref(), notes[20_000].as_deref()), (Some("NA"), Some("")));
    assert_eq!(all.column("n")?.null_count(), 20_000);

    // Other columns do not concern the reader of one.
    fs::write(&file, lines.replace("1.5", "2.5"))?;
    assert!(ran(&flow.run::<first_zip>()?).is_empty());
    fs::write(&file, "zip,day,n,note\n1,2024\n")?;
    let error = message(flow.run::<first_zip>().unwrap_err());
    assert!(error.contains("given.csv as CSV"), "{error}");
    Ok(())
}

/// A row of a file of another program, whose codes look like numbers.
#[derive(Serialize, Deserialize)]
struct Item {
    code: String,
    n: i64,
}

#[derive(Task)]
#[task(external, path = &self.file, target = Csv<Vec<Item>>)]
struct Items {
    file: PathBuf,
}

#[task(requires = Items, target = Json<String>)]
fn first_code(items: &Input<Items>) -> Result<String> {
    let codes = items.scan_columns(&["code"])?.collect()?;
    texts(&codes, "code")?.remove(0).context("no null")
}

#[test]
fn another_text_of_the_same_number_runs_the_readers_of_the_text() -> Result<()> {
    let (flow, folder) = flow();
    let file = folder.path().join("items.csv");
    let flow = flow.with(Items::FILE, file.as_path());
    fs::write(&file, "code,n\n1.0,1\n")?;
    assert_eq!(*flow.get::<first_code>()?, "1.0");
    fs::write(&file, "code,n\n1.0,2\n")?;
    assert!(ran(&flow.run::<first_code>()?).is_empty());
    fs::write(&file, "code,n\n1.00,2\n")?;
    assert_eq!(*flow.get::<first_code>()?, "1.00");
    Ok(())
}

fn priced() -> Arc<Schema> {
    let sides = Arrow::Dictionary(Box::new(Arrow::Int32), Box::new(Arrow::Utf8));
    let fields = vec![
        Field::new("side", sides, true),
        Field::new("price", Arrow::Float64, true),
        Field::new("amount", Arrow::Decimal128(10, 2), true),
    ];
    Arc::new(Schema::new(fields))
}

#[task(target = Csv<RecordBatch>(schema = priced()))]
fn trades() -> Result<RecordBatch> {
    let sides: DictionaryArray<Int32Type> = ["buy", "sell", "buy"].into_iter().collect();
    let prices = Float64Array::from(vec![Some(1.5), None, Some(2.0)]);
    let amounts: ArrayRef = Arc::new(StringArray::from(vec!["1.50", "2.25", "3.00"]));
    let amounts = arrow::compute::cast(&amounts, &Arrow::Decimal128(10, 2))?;
    Ok(RecordBatch::try_new(priced(), vec![Arc::new(sides), Arc::new(prices), amounts])?)
}

#[test]
fn a_scan_has_the_types_of_the_schema() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<trades>()?;
    let all = flow.output::<trades>()?.scan()?.collect()?;
    assert!(matches!(all.column("side")?.dtype(), DataType::Categorical(..)), "{:?}", all.schema());
    assert_eq!(texts(&all, "side")?[1].as_deref(), Some("sell"));
    assert!(matches!(all.column("amount")?.dtype(), DataType::Decimal(..)), "{:?}", all.schema());
    assert!(matches!(all.column("price")?.get(1)?, AnyValue::Null));
    Ok(())
}

#[task(target = Csv<Vec<City>>)]
fn no_cities() -> Vec<City> {
    Vec::new()
}

#[test]
fn a_file_without_rows_has_the_columns_of_the_rows() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<no_cities>()?;
    let none = flow.output::<no_cities>()?.scan()?.collect()?;
    assert_eq!((none.height(), none.width()), (0, 4));
    assert_eq!(*none.column("people")?.dtype(), DataType::UInt32);
    Ok(())
}
