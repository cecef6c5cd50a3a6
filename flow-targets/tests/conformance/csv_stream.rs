//! CSV, by batches and by columns.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::serde::{Deserialize, Serialize};
use anyhow::{Result, bail};
use arrow::array::*;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use flow_core::{Columnar, Pieces, Sink, Source, Streaming, Target};
use flow_targets::{BatchStream, Csv, CsvGz};
use tempfile::NamedTempFile;

use crate::harness::{bytes, refusal};
use crate::tables;

type Whole = Csv<RecordBatch>;
type Streams = Csv<BatchStream>;

/// Creates a file with this content, and returns it with its source.
fn file(content: &[u8]) -> (NamedTempFile, Source) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let source = Source::file(file.path());
    (file, source)
}

fn joined(schema: &SchemaRef, batches: Pieces<RecordBatch>) -> RecordBatch {
    concat_batches(schema, &batches.collect::<Result<Vec<_>>>().unwrap()).unwrap()
}

/// Returns a batch as a stream of its rows, with empty batches between them.
fn stream_of(batch: &RecordBatch) -> BatchStream {
    let rows: Vec<_> = (0..batch.num_rows())
        .flat_map(|row| [Ok(batch.slice(row, 1)), Ok(batch.slice(row, 0))])
        .collect();
    BatchStream::new(batch.schema(), rows)
}

/// Returns a table of `id`, `price` and `name`, with quoted cells, nulls and text of several lines.
fn table(rows: i64) -> RecordBatch {
    let name = |i: i64| match i % 5 {
        0 => None,
        1 => Some(String::new()),
        2 => Some(format!("\"{i}\",\r\nü🌲")),
        _ => Some(format!("name {i}")),
    };
    let prices = (0..rows).map(|i| (i % 7 != 0).then_some(i as f64 / 8.0));
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from_iter_values(0..rows)) as ArrayRef, true),
        ("price", Arc::new(prices.collect::<Float64Array>()), true),
        ("name", Arc::new((0..rows).map(name).collect::<StringArray>()), true),
    ])
    .unwrap()
}

#[test]
fn streams_of_every_type_survive_a_round_trip() {
    for (name, batch) in tables::flat() {
        println!("{name}");
        let (whole, streams) = (Whole::default().null("NA"), Streams::default().null("NA"));
        let schema = batch.schema();
        let given = (whole.clone().schema(schema.clone()), streams.clone().schema(schema));
        for (whole, streams) in [(whole, streams), given] {
            let Ok(written) = bytes(&whole, &batch) else {
                assert!(refusal(&streams, &stream_of(&batch)).contains("which its text does not"));
                continue;
            };
            assert_eq!(bytes(&streams, &stream_of(&batch)).unwrap(), written);

            let (_file, source) = file(&written);
            let (whole, stream) = (whole.load(&source).unwrap(), streams.load(&source).unwrap());
            assert_eq!(stream.schema(), &whole.schema());
            for _ in 0..2 {
                assert_eq!(joined(stream.schema(), stream.batches().unwrap()), whole);
            }
            // A loaded stream is saved again.
            assert_eq!(bytes(&streams, &stream).unwrap(), written);
        }
    }
}

#[test]
fn many_rows_are_read_in_batches() {
    let table = table(100_000);
    let plain = bytes(&Whole::default(), &table).unwrap();
    let (_file, source) = file(&plain);
    let stream = Streams::default().load(&source).unwrap();
    let lengths: Vec<_> =
        stream.batches().unwrap().map(|batch| batch.unwrap().num_rows()).collect();
    assert_eq!(lengths[..12], [8192; 12]);
    assert_eq!((lengths.len(), lengths[12]), (13, 100_000 - 12 * 8192));
    assert_eq!(joined(&table.schema(), stream.batches().unwrap()), table);
    assert_eq!(Whole::default().load(&source).unwrap(), table);

    let packed = bytes(&<CsvGz<BatchStream>>::default(), &stream).unwrap();
    assert!(packed.len() < plain.len() / 2);
    let (_file, source) = file(&packed);
    let stream = <CsvGz<BatchStream>>::default().load(&source).unwrap();
    assert_eq!(joined(&table.schema(), stream.batches().unwrap()), table);
}

#[test]
fn long_lines_yield_short_batches() {
    let long = "x".repeat(1 << 20);
    let (_file, source) = file(format!("a\n{}", format!("{long}\n").repeat(20)).as_bytes());
    let batches: Vec<_> = Whole::default().stream(&source).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 20);
    assert!(batches.len() >= 4, "{}", batches.len());
}

#[test]
fn streaming_and_loading_yield_equal_rows() {
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Row {
        n: i64,
        text: Option<String>,
    }
    let rows: Vec<Row> =
        (0..20_000).map(|n| Row { n, text: (n % 3 > 0).then(|| format!("{}", n % 3)) }).collect();
    let (_file, source) = file(&bytes(&<Csv<Vec<Row>>>::default(), &rows).unwrap());
    let whole = Whole::default().load(&source).unwrap();
    let of_rows = <Csv<Vec<Row>>>::default();
    assert_eq!(joined(&whole.schema(), of_rows.stream(&source).unwrap()), whole);
    let of_list = <Csv<Vec<RecordBatch>>>::default();
    assert_eq!(joined(&whole.schema(), of_list.stream(&source).unwrap()), whole);
    assert_eq!(whole.column(0).as_ref(), &Int64Array::from_iter_values(0..20_000));

    // Without rows there are no batches, and only the types that are known.
    let (_file, source) = file(b"n,text\n");
    assert_eq!(of_rows.stream(&source).unwrap().count(), 0);
    let stream = Streams::default().load(&source).unwrap();
    assert_eq!((stream.schema().fields().len(), stream.batches().unwrap().count()), (2, 0));
}

#[test]
fn columns_equal_those_of_the_whole_table() {
    let table = table(20_000);
    let targets = [
        Whole::default(),
        Whole::default().schema(table.schema()),
        Whole::default().schema(table.schema()).header(false),
    ];
    for target in targets {
        let (_file, source) = file(&bytes(&target, &table).unwrap());
        for (names, indices) in [
            (&["id"][..], &[0][..]),
            (&["name", "id"], &[2, 0]),
            (&["price", "id", "name"], &[1, 0, 2]),
            (&[], &[]),
        ] {
            let columns = target.load_columns(&source, names).unwrap();
            assert_eq!(columns, table.project(indices).unwrap());
        }
        let error = |names: &[&str]| {
            let error = target.load_columns(&source, names).unwrap_err();
            format!("{error:#}")
        };
        let unknown = error(&["id", "prize"]);
        assert!(unknown.contains("no column `prize`, but `id`, `price`, `name`"), "{unknown}");
        assert!(error(&["id", "id"]).contains("column `id` is asked for twice"));
    }
    let packed = <CsvGz<RecordBatch>>::default();
    let (_file, source) = file(&bytes(&packed, &table).unwrap());
    assert_eq!(packed.load_columns(&source, &["name"]).unwrap(), table.project(&[2]).unwrap());
}

#[test]
fn only_requested_columns_are_parsed() {
    let field = |name| Field::new(name, DataType::Int64, true);
    let target = Whole::default().schema(Schema::new(vec![field("a"), field("b")]));
    let (_file, source) = file(b"a,b\n1,x\n2,y\n");
    assert!(target.load(&source).is_err());
    let a = target.load_columns(&source, &["a"]).unwrap();
    assert_eq!(a.column(0).as_ref(), &Int64Array::from(vec![1, 2]));

    let (_file, source) = file(b"a,b,a\n1,2,3\n");
    let error = format!("{:#}", Whole::default().load_columns(&source, &["a"]).unwrap_err());
    assert!(error.contains("several columns `a`"), "{error}");
    assert!(Whole::default().load_columns(&source, &["b"]).is_ok());

    let (_file, source) = file(b"1,x\n2,y\n");
    let unnamed = Whole::default().header(false);
    assert_eq!(unnamed.load_columns(&source, &["column_2"]).unwrap().num_rows(), 2);
}

#[test]
fn an_iterator_that_fails_fails_the_save() {
    let batch = table(10);
    let failing = || {
        let batch = batch.clone();
        let next = move |i| if i < 3 { Ok(batch.clone()) } else { bail!("the mill has stopped") };
        BatchStream::new(table(0).schema(), (0..).map(next))
    };
    assert!(refusal(&Streams::default(), &failing()).contains("the mill has stopped"));
    let packed = <CsvGz<BatchStream>>::default();
    assert!(refusal(&packed, &failing()).contains("the mill has stopped"));

    let other = tables::column(Int64Array::from(vec![1]));
    let mixed = BatchStream::new(batch.schema(), [Ok(batch.clone()), Ok(other)]);
    assert!(refusal(&Streams::default(), &mixed).contains("batch 1 of the stream has another"));
    let read = stream_of(&batch);
    bytes(&Streams::default(), &read).unwrap();
    assert!(refusal(&Streams::default(), &read).contains("is read once"));
}

#[test]
fn a_refused_value_is_named_by_its_row_in_the_stream() {
    let batch = tables::column(Int64Array::from(vec![1, 2, -999]));
    let target = Streams::default().null("-999");
    let error = refusal(&target, &stream_of(&batch));
    assert!(error.contains("column `column`, row 2: the value -999"), "{error}");
}

/// Each batch is written before many further batches are produced.
#[test]
fn batches_are_written_as_they_are_produced() {
    struct Counted(Arc<AtomicUsize>);

    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.fetch_add(bytes.len(), Ordering::Relaxed);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let table = table(8192);
    let size = bytes(&Whole::default().header(false), &table).unwrap().len();
    let written = Arc::new(AtomicUsize::new(0));
    let (seen, schema) = (written.clone(), table.schema());
    let batches = (0..50).map(move |i| {
        let missing = (i * size).saturating_sub(seen.load(Ordering::Relaxed));
        assert!(missing < 1 << 20, "{missing} bytes of the batches before {i} are not written");
        Ok(table.clone())
    });
    let stream = BatchStream::new(schema, batches);
    Streams::default().save(&stream, &mut Sink::new(&mut Counted(written.clone()))).unwrap();
    assert!(written.load(Ordering::Relaxed) > 50 * size);
}

#[test]
fn a_stream_of_a_truncated_file_is_an_error_at_its_end() {
    let table = table(20);
    let written = bytes(&Whole::default(), &table).unwrap();
    for length in 0..written.len() {
        let (_file, source) = file(&written[..length]);
        let target = Streams::default().schema(table.schema());
        let rest = target.load(&source).and_then(|stream| {
            stream.batches()?.try_fold(0, |rows, batch| Ok(rows + batch?.num_rows()))
        });
        match rest {
            Ok(rows) => assert!(written[..length].ends_with(b"\n") && rows < 20),
            Err(error) => {
                let error = format!("{error:#}");
                assert!(
                    error.starts_with("cannot read /") && error.contains("was cut off")
                        || length == 0,
                    "{error}"
                );
            }
        }
    }
    let (_file, source) = file(b"id,price,name\n1,1,a\nx,1,b\n2,2,c\n");
    let stream = Streams::default().schema(table.schema()).load(&source).unwrap();
    let batches: Vec<_> = stream.batches().unwrap().collect();
    assert_eq!(batches.len(), 1, "nothing follows an error");
    let error = format!("{:#}", batches[0].as_ref().unwrap_err());
    assert!(error.contains("line 3, column `id`: \"x\" is no Int64"), "{error}");
}
