//! Datasets: the types and values of partition columns, and the files of tables and of streams.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use arrow::compute::concat_batches;
use arrow::datatypes::*;
use flow_core::target::{Partition, SinkFolder};
use flow_core::{Columnar, Sink, Source, Streaming, Target};
use flow_targets::{BatchStream, Dataset, Parquet};
use serde::{Deserialize, Serialize};

fn save<T: Send + Sync + 'static>(target: &Dataset<T>, value: &T, to: &Path) -> anyhow::Result<()> {
    target.save_folder(value, &mut SinkFolder::new(to)?)
}

/// Returns the table with a column of these values, and one of the positions of rows.
fn with_positions(values: &ArrayRef) -> RecordBatch {
    let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(0..values.len() as i64));
    let fields = vec![
        Field::new("value", values.data_type().clone(), true),
        Field::new("row", DataType::Int64, false),
    ];
    let schema =
        Schema::new(fields).with_metadata(HashMap::from([("kept".to_owned(), "yes".to_owned())]));
    RecordBatch::try_new(Arc::new(schema), vec![values.clone(), rows]).unwrap()
}

/// Returns the rows in the order of their positions.
fn sorted(batch: &RecordBatch) -> RecordBatch {
    let rows = batch.column_by_name("row").unwrap();
    let order = arrow::compute::sort_to_indices(rows, None, None).unwrap();
    arrow::compute::take_record_batch(batch, &order).unwrap()
}

/// Returns values of each type of a partition column.
fn partition_values() -> Vec<ArrayRef> {
    let text = [
        "",
        "a",
        "__x",
        "50%",
        "%41",
        "a/b\\c:d",
        "ü 東京",
        "x=y&z",
        ".",
        "..",
        "a.",
        "\n\t\"'",
        "NULL",
        "null",
    ];
    let dictionary: DictionaryArray<Int8Type> = text.into_iter().map(Some).chain([None]).collect();
    let instants = [0, 1, -1, 1_709_164_800_123_456, -62_000_000_000_000];
    vec![
        Arc::new(StringArray::from_iter_values(text)),
        Arc::new(LargeStringArray::from_iter_values(text)),
        Arc::new(StringViewArray::from_iter_values(text)),
        Arc::new(dictionary),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)])),
        Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)])),
        Arc::new(Int16Array::from(vec![i16::MIN, 0, 0, i16::MAX])),
        Arc::new(Int32Array::from(vec![Some(2024), Some(-2024), None])),
        Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, 7])),
        Arc::new(UInt8Array::from(vec![0, 255])),
        Arc::new(UInt16Array::from(vec![0, u16::MAX])),
        Arc::new(UInt32Array::from(vec![0, u32::MAX])),
        Arc::new(UInt64Array::from(vec![0, u64::MAX])),
        Arc::new(Date32Array::from(vec![Some(0), Some(19_782), None, Some(-1)])),
        Arc::new(
            Decimal128Array::from(vec![Some(-12_345), None, Some(0)])
                .with_precision_and_scale(9, 2)
                .unwrap(),
        ),
        Arc::new(TimestampMicrosecondArray::from(instants.to_vec())),
        Arc::new(TimestampMicrosecondArray::from(instants.to_vec()).with_timezone("UTC")),
        Arc::new(TimestampSecondArray::from(vec![Some(1_709_164_800), None])),
        Arc::new(TimestampNanosecondArray::from(vec![1_709_164_800_123_456_789])),
        new_null_array(&DataType::Int32, 3),
    ]
}

#[test]
fn every_type_of_a_partition_column_comes_back() {
    let target = <Dataset<RecordBatch>>::default().partition_by(["value"]);
    for values in partition_values() {
        let of = values.data_type();
        let folder = tempfile::tempdir().unwrap();
        let (path, table) = (folder.path().join("table"), with_positions(&values));
        save(&target, &table, &path).unwrap_or_else(|error| panic!("{of}: {error:?}"));
        let source = Source::file(&path);
        let loaded = target.load(&source).unwrap_or_else(|error| panic!("{of}: {error:?}"));
        assert_eq!(loaded.schema(), table.schema(), "{of}");
        assert_eq!(sorted(&loaded), table, "{of}");
        let streamed: Vec<_> = target.stream(&source).unwrap().map(Result::unwrap).collect();
        assert_eq!(concat_batches(&table.schema(), &streamed).unwrap(), loaded, "{of}");
        let columns = target.load_columns(&source, &["row", "value"]).unwrap();
        assert_eq!(columns.column(1), loaded.column(0), "{of}");
        let only = target.load_columns(&source, &["value"]).unwrap();
        assert_eq!(only.column(0), loaded.column(0), "{of}");
        assert_eq!(target.load_columns(&source, &[]).unwrap().num_rows(), table.num_rows());
        // Each partition is one file, without the partition column.
        let file = Source::file(path.join(&source.files().unwrap()[0]));
        let columns = <Parquet<RecordBatch>>::default().load(&file).unwrap();
        assert_eq!(columns.schema().fields().len(), 1, "{of}");
    }
}

#[test]
fn other_types_and_values_are_refused() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.5]));
    let null: ArrayRef = Arc::new(StringArray::from(vec!["__HIVE_DEFAULT_PARTITION__"]));
    let target = <Dataset<RecordBatch>>::default().partition_by(["value"]);
    for (values, said) in [(floats, "is of type Float64"), (null, "stands for null")] {
        let folder = tempfile::tempdir().unwrap();
        let error =
            save(&target, &with_positions(&values), &folder.path().join("table")).unwrap_err();
        assert!(format!("{error:#}").contains(said), "{error:#}");
    }
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let table = with_positions(&one);
    let folder = tempfile::tempdir().unwrap();
    let all = target.clone().partition_by(["value", "row"]);
    let error = save(&all, &table, &folder.path().join("all")).unwrap_err();
    assert!(format!("{error:#}").contains("no column is left for the files"), "{error:#}");
    assert!(target.save(&table, &mut Sink::new(&mut Vec::<u8>::new())).is_err());
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    n: u32,
    station: Option<String>,
    degrees: f64,
}

fn reading(n: u32, station: Option<&str>) -> Reading {
    Reading { n, station: station.map(str::to_owned), degrees: f64::from(n) / 2.0 }
}

#[test]
fn rows_come_back_partition_by_partition() {
    let target = <Dataset<Vec<Reading>>>::default().partition_by(["station"]);
    target.check_type().unwrap();
    let rows: Vec<_> =
        (0..40_000).map(|n| reading(n, [None, Some("b"), Some("a")][n as usize % 3])).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    save(&target, &rows, &path).unwrap();
    let source = Source::file(&path);
    let names = ["__HIVE_DEFAULT_PARTITION__", "a", "b"]
        .map(|name| format!("station={name}/part-0.parquet"));
    assert_eq!(source.files().unwrap(), names);
    let mut loaded = target.load(&source).unwrap();
    assert!(loaded[..13_000].iter().all(|row| row.station.is_none()));
    loaded.sort_by_key(|row| row.n);
    assert_eq!(loaded, rows);

    // A table without rows has its columns.
    let path = folder.path().join("none");
    save(&target, &Vec::new(), &path).unwrap();
    assert_eq!(target.load(&Source::file(&path)).unwrap(), []);
    let batches = <Dataset<RecordBatch>>::default();
    assert_eq!(batches.load(&Source::file(&path)).unwrap().num_columns(), 3);
    let error = target.load(&Source::file(folder.path().join("nothing"))).unwrap_err();
    assert!(format!("{error:#}").contains("nothing"), "{error:#}");
}

#[test]
fn a_stream_has_few_open_files_and_loses_no_row() {
    let field = |name| Field::new(name, DataType::Int64, false);
    let schema: SchemaRef = Arc::new(Schema::new(["key", "row"].map(field).to_vec()));
    let stream = |keys: fn(i64) -> i64| {
        let of = schema.clone();
        let batch = move |n: i64| {
            let rows = n * 300..(n + 1) * 300;
            let key: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.clone().map(keys)));
            let row: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
            Ok(RecordBatch::try_new(of.clone(), vec![key, row])?)
        };
        BatchStream::new(schema.clone(), (0..4).map(batch))
    };
    let target = <Dataset<BatchStream>>::default().partition_by(["key"]);
    let folder = tempfile::tempdir().unwrap();
    // Sorted: one file for each. Mixed: rows follow after files were closed.
    type Value = fn(i64) -> i64;
    let cases: [(&str, Value, usize); 2] =
        [("sorted", |row| row / 4, 300), ("mixed", |row| row % 300, 4 * 300)];
    for (name, keys, files) in cases {
        let path = folder.path().join(name);
        save(&target, &stream(keys), &path).unwrap();
        let source = Source::file(&path);
        assert_eq!(source.files().unwrap().len(), files, "{name}");
        let again = folder.path().join(format!("{name} again"));
        save(&target, &stream(keys), &again).unwrap();
        let mut rows = Vec::new();
        for batch in target.load(&source).unwrap().batches().unwrap() {
            let batch = batch.unwrap();
            let column = |at: usize| batch.column(at).as_primitive::<Int64Type>().values().to_vec();
            rows.extend(column(1).into_iter().zip(column(0)));
        }
        rows.sort_unstable();
        assert_eq!(rows, (0..1200).map(|row| (row, keys(row))).collect::<Vec<_>>());
        for name in source.files().unwrap() {
            let same = fs::read(path.join(&name)).unwrap() == fs::read(again.join(&name)).unwrap();
            assert!(same, "{name}");
        }
    }
}

#[test]
fn folders_of_other_programs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, columns: Vec<(&str, ArrayRef)>| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::File::create(path).unwrap();
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        <Parquet<RecordBatch>>::default().save(&batch, &mut Sink::new(&mut file)).unwrap();
    };
    let numbers = |n: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![n])) };
    write("year=2024/month=01/x.parquet", vec![("n", numbers(1)), ("m", numbers(10))]);
    write("year=2024/month=12/x.parquet", vec![("m", numbers(20)), ("n", numbers(2))]);
    fs::write(folder.path().join("_SUCCESS"), "").unwrap();
    let source = Source::file(folder.path());
    let target = <Dataset<RecordBatch>>::default();
    let loaded = target.load(&source).unwrap();
    let names: Vec<_> = loaded.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["n", "m", "year", "month"]);
    let column = |at: usize| loaded.column(at).as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(
        [column(0), column(1), column(2), column(3)],
        [[1, 2], [10, 20], [2024, 2024], [1, 12]]
    );

    /// The types of the fields count, not the texts of the folders.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Typed {
        month: String,
        year: Option<u16>,
        n: i64,
    }
    let rows = <Dataset<Vec<Typed>>>::default().load(&source).unwrap();
    assert_eq!(rows[1], Typed { month: "12".to_owned(), year: Some(2024), n: 2 });

    write("year=2025/month=1/x.parquet", vec![("n", numbers(3))]);
    let error = format!("{:#}", target.load(&source).unwrap_err());
    assert!(error.contains("the files have different columns: there is no column `m`"), "{error}");
    write("year=2025/x.parquet", vec![("n", numbers(3)), ("m", numbers(3))]);
    let error = format!("{:#}", target.load(&source).unwrap_err());
    assert!(error.contains("the files have different partition columns"), "{error}");
    assert_eq!(Partition::of_path("a/b=%20/c").text("b"), Some(Some(" ")));
}

#[cfg(feature = "polars")]
#[test]
fn a_scan_has_the_rows_and_types_of_a_load() {
    use polars::prelude::{DataFrame, LazyFrame, col, lit};

    let target = <Dataset<RecordBatch>>::default().partition_by(["value"]);
    for values in partition_values() {
        let of = values.data_type();
        let folder = tempfile::tempdir().unwrap();
        // Neither this folder nor its name are part of the dataset.
        let path = folder.path().join("value=9").join("table[1]");
        fs::create_dir(folder.path().join("value=9")).unwrap();
        save(&target, &with_positions(&values), &path).unwrap();
        let source = Source::file(&path);
        let loaded = <Dataset<DataFrame>>::default().load(&source).unwrap();
        let scan = <Dataset<LazyFrame>>::default().load(&source).unwrap();
        let scanned = scan.clone().collect().unwrap();
        assert_eq!(scanned.schema(), loaded.schema(), "{of}");
        assert!(scanned.equals_missing(&loaded), "{of}: {scanned:?} instead of {loaded:?}");
        // Null is neither equal to a value nor to another one.
        let nulls = loaded.column("value").unwrap().null_count();
        let of_value = |is_null: bool| {
            let value = col("value");
            let filter = if is_null { value.is_null() } else { value.is_not_null() };
            scan.clone().filter(filter).collect().unwrap().height()
        };
        assert_eq!((of_value(true), of_value(false)), (nulls, loaded.height() - nulls), "{of}");
        let equal = scan.clone().filter(col("value").eq(col("value"))).collect().unwrap();
        assert_eq!(equal.height(), loaded.height() - nulls, "{of}");
        let first = scan.filter(col("row").eq(lit(0))).select([col("row"), col("value")]);
        assert_eq!(first.collect().unwrap().shape(), (1, 2), "{of}");
    }
}

/// Counts the batches that are in memory when the next one is computed.
#[test]
fn a_stream_is_written_a_batch_at_a_time() {
    let field = |name, of| Field::new(name, of, false);
    let fields = vec![field("part", DataType::Int64), field("n", DataType::Int64)];
    let schema = Arc::new(Schema::new(fields));
    for columns in [&["part"][..], &[]] {
        let most = Arc::new(std::sync::Mutex::new(0));
        let (counted, of) = (Arc::clone(&most), Arc::clone(&schema));
        let mut before: Vec<std::sync::Weak<Int64Array>> = Vec::new();
        let batches = (0..200_i64).map(move |batch| {
            let alive = before.iter().filter(|array| array.strong_count() > 0).count();
            let mut most = counted.lock().unwrap();
            *most = alive.max(*most);
            let n = Arc::new(Int64Array::from_iter_values(batch * 1000..(batch + 1) * 1000));
            let part = Int64Array::from_iter_values((0..1000).map(|row| (row + batch) % 100));
            before.push(Arc::downgrade(&n));
            Ok(RecordBatch::try_new(Arc::clone(&of), vec![Arc::new(part), n])?)
        });
        let stream = BatchStream::new(Arc::clone(&schema), batches);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        let target = <Dataset<BatchStream>>::default().partition_by(columns.iter().copied());
        save(&target, &stream, &path).unwrap();
        assert!(*most.lock().unwrap() <= 1, "{columns:?}: {most:?}");
        let rows = target.stream(&Source::file(&path)).unwrap();
        let rows: usize = rows.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows, 200_000, "{columns:?}");
    }
}
