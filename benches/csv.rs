//! Measures how fast a large table is saved as CSV and loaded, compared with arrow's own code.
//!
//! The table has five million rows of an `i64`, two `f64`, an `i64` with a thousand distinct
//! values, and a short text. Both write and read the same bytes, with the same options and a given
//! schema, on one thread. The target also hashes what it writes, as a store does. Loading returns
//! one `RecordBatch`; arrow's reader returns batches of 8,192 rows, which are concatenated for the
//! same result. `inferred` loads without a schema, which both infer in a pass over the whole file.
//! `stream` compares [`Streaming`] with arrow's batches, each of which is dropped before the next
//! one.
//!
//! `RESULT csv load ratio=... mb_per_s=...`: the median of the ratios of the target's time to
//! arrow's, of pairs that were measured one after the other, and the speed of the target in
//! millions of bytes of the file per second.

use std::fs::{self, File};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::csv::reader::Format;
use arrow::csv::{ReaderBuilder, WriterBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use flow::Target;
use flow::prelude::*;
use flow::target::{Sink, Source, Streaming};
use tempfile::TempDir;

const ROWS: i64 = 5_000_000;
const PAIRS: usize = 7;

fn main() {
    let table = table();
    let schema = table.schema();
    let target = <Csv<RecordBatch>>::default().schema(schema.clone());
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let (ours, theirs) = (folder.path().join("ours.csv"), folder.path().join("theirs.csv"));

    // Both write the same bytes.
    save(&target, &table, &ours);
    save_directly(&table, &theirs);
    assert!(fs::read(&ours).expect("ours") == fs::read(&theirs).expect("theirs"), "other bytes");
    let source = Source::file(&ours);
    assert!(target.load(&source).expect("ours") == table, "another table");
    assert!(load_directly(&schema, &ours) == table, "another table of arrow's");

    let bytes = fs::metadata(&ours).expect("ours").len();
    compare("save", bytes, || save(&target, &table, &ours), || save_directly(&table, &theirs));
    compare(
        "load",
        bytes,
        || drop(black_box(target.load(&source).expect("ours"))),
        || drop(black_box(load_directly(&schema, &ours))),
    );
    let untyped = <Csv<RecordBatch>>::default();
    compare(
        "inferred",
        bytes,
        || drop(black_box(untyped.load(&source).expect("ours"))),
        || drop(black_box(load_directly(&inferred_directly(&ours), &ours))),
    );
    compare(
        "stream",
        bytes,
        || target.stream(&source).expect("ours").for_each(|batch| drop(batch.expect("ours"))),
        || batches_directly(&schema, &ours).for_each(|batch| drop(black_box(batch))),
    );
}

fn compare(what: &str, bytes: u64, ours: impl Fn(), theirs: impl Fn()) {
    let seconds = |call: &dyn Fn()| {
        let begun = Instant::now();
        call();
        begun.elapsed().as_secs_f64()
    };
    let (mut ratios, mut times) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let (a, b) = (seconds(&ours), seconds(&theirs));
        println!("{what}: {a:.3} s, arrow's {b:.3} s");
        ratios.push(a / b);
        times.push(a);
    }
    let mb_per_s = bytes as f64 / 1e6 / median(times);
    println!("RESULT csv {what} ratio={:.3} mb_per_s={mb_per_s:.0}", median(ratios));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn save(target: &Csv<RecordBatch>, table: &RecordBatch, path: &Path) {
    let mut file = File::create(path).expect("a new file");
    target.save(table, &mut Sink::new(&mut file)).expect("a table that CSV keeps");
}

fn save_directly(table: &RecordBatch, path: &Path) {
    let file = File::create(path).expect("a new file");
    let file = std::io::BufWriter::with_capacity(64 * 1024, file);
    WriterBuilder::new().build(file).write(table).expect("a table that CSV keeps");
}

fn batches_directly(schema: &SchemaRef, path: &Path) -> impl Iterator<Item = RecordBatch> {
    let file = File::open(path).expect("the file just written");
    let reader = ReaderBuilder::new(schema.clone()).with_header(true).with_batch_size(8192);
    reader.build(file).expect("a reader").map(|batch| batch.expect("a batch"))
}

fn load_directly(schema: &SchemaRef, path: &Path) -> RecordBatch {
    let batches: Vec<_> = batches_directly(schema, path).collect();
    concat_batches(schema, &batches).expect("batches of one schema")
}

fn inferred_directly(path: &Path) -> SchemaRef {
    let file = File::open(path).expect("the file just written");
    let format = Format::default().with_header(true);
    Arc::new(format.infer_schema(file, None).expect("a schema").0)
}

fn table() -> RecordBatch {
    let mut state = 0_u64;
    // SplitMix64.
    let mut random = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut unit = { move || (random() >> 11) as f64 / (1_u64 << 53) as f64 };
    let ids: Vec<i64> = (0..ROWS).collect();
    let changes: Vec<f64> = ids.iter().map(|_| unit() - 0.5).collect();
    let prices: Vec<f64> = ids.iter().map(|_| (unit() * 1e6).round() / 100.0).collect();
    let groups: Vec<i64> = ids.iter().map(|_| (unit() * 1000.0) as i64).collect();
    let names: Vec<String> =
        ids.iter().map(|_| format!("item-{}", (unit() * 1e5) as u32)).collect();
    let field = |name: &str, data_type| Field::new(name, data_type, false);
    let schema = Schema::new(vec![
        field("id", DataType::Int64),
        field("change", DataType::Float64),
        field("price", DataType::Float64),
        field("group", DataType::Int64),
        field("name", DataType::Utf8),
    ]);
    RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(Int64Array::from(ids)),
            Arc::new(Float64Array::from(changes)),
            Arc::new(Float64Array::from(prices)),
            Arc::new(Int64Array::from(groups)),
            Arc::new(StringArray::from(names)),
        ],
    )
    .expect("columns of one length")
}
