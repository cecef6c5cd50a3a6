//! Measures rows with dates that derive `Row`, compared with arrays that are built by hand.
//!
//! Both save and load five million rows of six columns, two of them of times, through the same target. By hand, the rows
//! become a `RecordBatch` by the builders of arrow-rs, and the batch becomes rows by its arrays. CSV has no builders: there
//! the floor is the crate `csv` with serde. Excel has too few rows in a sheet for a floor of this size, so that it has
//! fewer rows.
//!
//! `RESULT rows parquet_save ratio=... rows_per_s=...`: the median, over all rounds, of the time of rows divided by that
//! of the floor in the same round, and the rows in a second.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Builder, DictionaryArray, Float64Builder, Int32Builder,
    Int64Builder, LargeStringBuilder, RecordBatch, StringArray, TimestampNanosecondBuilder,
};
use arrow::datatypes::{
    DataType, Date32Type, Field, Float64Type, Int32Type, Int64Type, Schema, TimeUnit,
    TimestampNanosecondType,
};
use flow::jiff::civil::Date;
use flow::jiff::{SignedDuration, Timestamp};
use flow::prelude::*;
use flow::target::{Sink, Source};
use kit::median;
use kit::rounds::rounds;

const ROWS: usize = 5_000_000;
/// The rows of a sheet, which has a million at most, and holds each cell in memory.
const SHEET: usize = 50_000;
const ROUNDS: usize = 5;
/// The rows of a batch, as the target cuts rows.
const CHUNK: usize = 16 * 1024;

#[derive(Clone, Debug, PartialEq, Row, Serialize, Deserialize)]
struct Trade {
    day: Date,
    at: Timestamp,
    side: Side,
    symbol: String,
    price: Option<f64>,
    size: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Row, Serialize, Deserialize)]
enum Side {
    Bid,
    Ask,
}

fn main() -> Result<()> {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (ours, floor) = (folder.path().join("ours"), folder.path().join("floor"));
    let rows = trades(ROWS)?;

    let (typed, plain) = (<Parquet<Vec<Trade>>>::default(), <Parquet<Vec<RecordBatch>>>::default());
    compare("parquet", &rows, (&typed, &ours), (&plain, &floor))?;
    let (typed, plain) =
        (<ArrowIpc<Vec<Trade>>>::default(), <ArrowIpc<Vec<RecordBatch>>>::default());
    compare("arrow", &rows, (&typed, &ours), (&plain, &floor))?;

    let csv = <Csv<Vec<Trade>>>::default();
    let save = rounds(
        ROUNDS,
        || csv.save(&rows, &mut Sink::new(&mut File::create(&ours)?)),
        || {
            let mut writer = csv::Writer::from_path(&floor)?;
            rows.iter().try_for_each(|row| writer.serialize(row))?;
            Ok(writer.flush()?)
        },
    )?;
    report("csv_save", ROWS, &save);
    let source = Source::file(&ours);
    ensure!(csv.load(&source)? == rows, "other rows come back from CSV");
    let load = rounds(
        ROUNDS,
        || csv.load(&source).map(drop),
        || {
            let mut reader = csv::Reader::from_path(&floor)?;
            let rows = reader.deserialize().collect::<Result<Vec<Trade>, _>>()?;
            ensure!(rows.len() == ROWS, "{} rows", rows.len());
            Ok(())
        },
    )?;
    report("csv_load", ROWS, &load);

    let few = rows[..SHEET].to_vec();
    let typed = <Excel<Vec<Trade>>>::default();
    let plain = <Excel<RecordBatch>>::default().schema(schema());
    let save = rounds(
        ROUNDS,
        || typed.save(&few, &mut Sink::new(&mut File::create(&ours)?)),
        || plain.save(&built(&few)?, &mut Sink::new(&mut File::create(&floor)?)),
    )?;
    report("excel_save", SHEET, &save);
    let load = rounds(
        ROUNDS,
        || typed.load(&Source::file(&ours)).map(drop),
        || taken(&plain.load(&Source::file(&floor))?, &mut Vec::new()),
    )?;
    report("excel_load", SHEET, &load);
    Ok(())
}

/// Compares rows with batches in one format.
fn compare<G, H>(
    name: &str,
    rows: &Vec<Trade>,
    (typed, ours): (&G, &Path),
    (plain, floor): (&H, &Path),
) -> Result<()>
where
    G: Target<Value = Vec<Trade>>,
    H: Target<Value = Vec<RecordBatch>>,
{
    let save = rounds(
        ROUNDS,
        || typed.save(rows, &mut Sink::new(&mut File::create(ours)?)),
        || {
            let batches = rows.chunks(CHUNK).map(built).collect::<Result<Vec<_>>>()?;
            plain.save(&batches, &mut Sink::new(&mut File::create(floor)?))
        },
    )?;
    report(&format!("{name}_save"), rows.len(), &save);

    let by_hand = || -> Result<Vec<Trade>> {
        let mut rows = Vec::new();
        for batch in plain.load(&Source::file(floor))? {
            taken(&batch, &mut rows)?;
        }
        Ok(rows)
    };
    ensure!(typed.load(&Source::file(ours))? == *rows, "other rows come back from {name}");
    ensure!(by_hand()? == *rows, "other rows come back by hand");
    let load =
        rounds(ROUNDS, || typed.load(&Source::file(ours)).map(drop), || by_hand().map(drop))?;
    report(&format!("{name}_load"), rows.len(), &load);
    Ok(())
}

fn trades(count: usize) -> Result<Vec<Trade>> {
    let first = Date::new(2000, 1, 1)?;
    let mut at = Timestamp::from_second(946_684_800)?;
    let mut trades = Vec::with_capacity(count);
    for n in 0..count {
        at = at.checked_add(SignedDuration::from_nanos(137_000_001))?;
        trades.push(Trade {
            day: first.checked_add(SignedDuration::from_hours(24 * (n as i64 / 1000)))?,
            at,
            side: if n % 3 == 0 { Side::Bid } else { Side::Ask },
            symbol: format!("S{}", n % 500),
            price: (n % 11 > 0).then_some(n as f64 * 0.25),
            size: n as i64 % 10_000,
        });
    }
    Ok(trades)
}

fn schema() -> Schema {
    let side = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let at = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    Schema::new(vec![
        Field::new("day", DataType::Date32, false),
        Field::new("at", at, false),
        Field::new("side", side, false),
        Field::new("symbol", DataType::LargeUtf8, false),
        Field::new("price", DataType::Float64, true),
        Field::new("size", DataType::Int64, false),
    ])
}

/// Builds a batch by hand.
fn built(rows: &[Trade]) -> Result<RecordBatch> {
    let epoch = Date::new(1970, 1, 1)?;
    let mut day = Date32Builder::with_capacity(rows.len());
    let mut at = TimestampNanosecondBuilder::with_capacity(rows.len());
    let mut side = Int32Builder::with_capacity(rows.len());
    let mut symbol = LargeStringBuilder::with_capacity(rows.len(), rows.len() * 4);
    let mut price = Float64Builder::with_capacity(rows.len());
    let mut size = Int64Builder::with_capacity(rows.len());
    for row in rows {
        day.append_value(i32::try_from(row.day.duration_since(epoch).as_hours() / 24)?);
        at.append_value(i64::try_from(row.at.as_nanosecond())?);
        side.append_value(row.side as i32);
        symbol.append_value(&row.symbol);
        price.append_option(row.price);
        size.append_value(row.size);
    }
    let names: ArrayRef = Arc::new(StringArray::from(vec!["Bid", "Ask"]));
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(day.finish()),
        Arc::new(at.finish().with_timezone("UTC")),
        Arc::new(DictionaryArray::<Int32Type>::try_new(side.finish(), names)?),
        Arc::new(symbol.finish()),
        Arc::new(price.finish()),
        Arc::new(size.finish()),
    ];
    Ok(RecordBatch::try_new(Arc::new(schema()), arrays)?)
}

/// Takes the rows out of a batch by hand.
fn taken(batch: &RecordBatch, rows: &mut Vec<Trade>) -> Result<()> {
    let epoch = Date::new(1970, 1, 1)?;
    let day = batch.column(0).as_primitive::<Date32Type>();
    let at = batch.column(1).as_primitive::<TimestampNanosecondType>();
    let side = batch.column(2).as_dictionary::<Int32Type>();
    let names = side.values().as_string::<i32>();
    let symbol = batch.column(3).as_string::<i64>();
    let price = batch.column(4).as_primitive::<Float64Type>();
    let size = batch.column(5).as_primitive::<Int64Type>();
    rows.reserve(batch.num_rows());
    for row in 0..batch.num_rows() {
        let days = SignedDuration::from_hours(24 * i64::from(day.value(row)));
        rows.push(Trade {
            day: epoch.checked_add(days)?,
            at: Timestamp::from_nanosecond(at.value(row).into())?,
            side: match names.value(usize::try_from(side.keys().value(row))?) {
                "Bid" => Side::Bid,
                _ => Side::Ask,
            },
            symbol: symbol.value(row).to_owned(),
            price: price.is_valid(row).then(|| price.value(row)),
            size: size.value(row),
        });
    }
    Ok(())
}

fn report(what: &str, rows: usize, times: &[(f64, f64)]) {
    let ratio = median(&times.iter().map(|(ours, floor)| ours / floor).collect::<Vec<_>>());
    let speed = rows as f64 / median(&times.iter().map(|(ours, _)| *ours).collect::<Vec<_>>());
    println!("RESULT rows {what} ratio={ratio:.3} rows_per_s={speed:.0}");
}
