//! One test suite for all columnar formats.

use std::sync::Arc;

use anyhow::{Result, bail};
use arrow::array::*;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use flow_core::{Columnar, Source, Streaming, Target};
use flow_targets::{ArrowIpc, BatchStream, Parquet};

use crate::harness::{bytes, complaint, conforms, conforms_as, file, refusal, reloaded, value};
use crate::streams::{InPieces, Streamed, joined};
use crate::tables::{self, Tables, column};
use crate::{rows, shapes};

/// Writes the suite once for each format.
macro_rules! suite {
    ($($format:ident: $target:ident),*) => {
        $(mod $format {
            use super::*;

            fn one() -> $target<RecordBatch> {
                <$target<RecordBatch>>::default()
            }

            fn several() -> $target<Vec<RecordBatch>> {
                <$target<Vec<RecordBatch>>>::default()
            }

            fn stream() -> $target<BatchStream> {
                <$target<BatchStream>>::default()
            }

            #[test]
            fn every_type_survives_a_round_trip() {
                super::every_type_survives_a_round_trip(&one());
            }

            #[test]
            fn a_stream_survives_a_round_trip_or_fails() {
                super::some_types_survive_a_round_trip(&Streamed(stream()));
            }

            #[test]
            fn pieces_survive_a_round_trip_or_fail() {
                super::some_types_survive_a_round_trip(&InPieces(one()));
            }

            #[test]
            fn a_list_of_batches_survives_a_round_trip() {
                super::a_list_of_batches_survives_a_round_trip(&several());
            }

            #[test]
            fn rows_survive_a_round_trip() {
                conforms(&<$target<Vec<rows::Trade>>>::default(), &rows::trades());
                conforms(&<$target<Vec<rows::Nested>>>::default(), &rows::nested());
                conforms(&<$target<Vec<rows::Trade>>>::default(), &vec![]);
            }

            #[test]
            fn a_table_loads_equally_in_every_way() {
                super::a_table_loads_equally_in_every_way(&one(), &several(), &stream());
            }

            #[test]
            fn columns_are_found_by_name() {
                super::columns_are_found_by_name(&one());
            }

            #[test]
            fn pieces_have_a_limited_number_of_rows() {
                super::pieces_have_a_limited_number_of_rows(&one(), &several(), &stream());
            }

            #[test]
            fn equal_batches_give_equal_bytes() {
                super::equal_batches_give_equal_bytes(&one());
            }

            #[test]
            fn a_stream_that_fails_is_not_saved() {
                super::a_stream_that_fails_is_not_saved(&stream());
            }

            #[test]
            fn a_stream_reads_its_file_lazily() {
                super::a_stream_reads_its_file_lazily(&stream());
            }

            #[test]
            fn batches_of_several_schemas_are_refused() {
                super::batches_of_several_schemas_are_refused(&several(), &stream());
            }

            #[test]
            fn foreign_files_are_errors() {
                super::foreign_files_are_errors(&one(), &several(), &stream());
            }

            #[test]
            fn damaged_files_cause_no_panic() {
                super::damaged_files_cause_no_panic(&one(), &several());
            }
        })*
    };
}

suite!(parquet: Parquet, arrow_ipc: ArrowIpc);

fn all() -> Tables {
    [tables::flat(), tables::nested(), shapes::shapes()].concat()
}

fn every_type_survives_a_round_trip(target: &impl Target<Value = RecordBatch>) {
    for (name, batch) in all() {
        println!("{name}");
        conforms_as(target, &batch, |a, b| a == b);
        let slice = batch.slice(batch.num_rows().min(1), batch.num_rows().saturating_sub(1));
        assert_eq!(reloaded(target, &slice).unwrap(), slice, "a slice of {name}");
    }
}

/// A truncated file is detected when it is read in parts, too.
/// [`a_table_loads_equally_in_every_way`] checks that tables of all types load equally in parts.
fn some_types_survive_a_round_trip(target: &impl Target<Value = RecordBatch>) {
    let names = ["f64", "text views", "a dictionary of text", "maps", "lists of structs"];
    let some = all().into_iter().filter(|(name, _)| names.contains(name));
    for (name, batch) in some.chain(shapes::shapes()) {
        println!("{name}");
        conforms_as(target, &batch, |a, b| a == b);
    }
}

fn a_list_of_batches_survives_a_round_trip(target: &impl Target<Value = Vec<RecordBatch>>) {
    let batch = |from: i64, to| column(Int64Array::from_iter_values(from..to));
    let lists = [
        vec![],
        vec![batch(0, 0)],
        vec![batch(0, 5)],
        vec![batch(0, 5), batch(5, 5), batch(5, 6), batch(6, 1000)],
        (0..50).map(|i| batch(i, i + 1)).collect(),
    ];
    for list in lists {
        conforms_as(target, &list, |a, b| a == b);
    }
    let long = vec![batch(0, 70_000), batch(0, 70_000), batch(0, 1)];
    assert_eq!(reloaded(target, &long).unwrap(), long);
    for (name, batch) in all() {
        println!("{name}");
        let list = vec![batch.clone(), batch.slice(0, 0), batch];
        assert_eq!(reloaded(target, &list).unwrap(), list);
    }
}

/// A table loads equally as a batch, a list, a stream, in pieces and by column, whichever of these
/// kinds of values it was saved as.
fn a_table_loads_equally_in_every_way<O, S, B>(one: &O, several: &S, stream: &B)
where
    O: Target<Value = RecordBatch>
        + Streaming<Piece = RecordBatch>
        + Columnar<Columns = RecordBatch>,
    S: Target<Value = Vec<RecordBatch>> + Streaming<Piece = RecordBatch>,
    B: Target<Value = BatchStream>,
{
    for (name, batch) in all() {
        println!("{name}");
        let schema = batch.schema();
        let list = vec![batch.clone(), batch.slice(0, batch.num_rows() / 2), batch.clone()];
        let whole = concat_batches(&schema, &list).unwrap();
        let streamed = BatchStream::new(schema.clone(), list.clone().into_iter().map(Ok));
        let files = [
            bytes(one, &whole).unwrap(),
            bytes(several, &list).unwrap(),
            bytes(stream, &streamed).unwrap(),
        ];
        for (content, by) in files.iter().zip(["a batch", "a list", "a stream"]) {
            println!("- saved as {by}");
            let (_file, source) = file(content).unwrap();
            assert_eq!(one.load(&source).unwrap(), whole);
            let batches = several.load(&source).unwrap();
            assert_eq!(joined(&schema, batches.into_iter().map(Ok)).unwrap(), whole);
            let batches = stream.load(&source).unwrap();
            assert_eq!(joined(batches.schema(), batches.batches().unwrap()).unwrap(), whole);
            assert_eq!(joined(&schema, several.stream(&source).unwrap()).unwrap(), whole);
            columns_agree(one, &source, &whole);
        }
    }
}

fn columns_agree<G>(target: &G, source: &Source, whole: &RecordBatch)
where
    G: Columnar<Columns = RecordBatch>,
{
    let schema = whole.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let none = target.load_columns(source, &[]).unwrap();
    assert_eq!((none.num_columns(), none.num_rows()), (0, whole.num_rows()));
    assert_eq!(none.schema().metadata(), schema.metadata());
    for (i, name) in names.iter().enumerate() {
        let found = target.load_columns(source, &[name]);
        if names.iter().filter(|other| *other == name).count() > 1 {
            let error = format!("{:#}", found.unwrap_err());
            assert!(error.ends_with(&format!("several columns are called `{name}`")), "{error}");
        } else {
            assert_eq!(found.unwrap(), whole.project(&[i]).unwrap());
        }
    }
}

fn columns_are_found_by_name<G>(target: &G)
where
    G: Columnar<Columns = RecordBatch> + Target<Value = RecordBatch>,
{
    // Columns with several buffers and children come first, and are skipped.
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    let tables = [tables::texts(), tables::nested()].concat();
    let rows = 2;
    for (name, batch) in &tables {
        columns.push((name, batch.column(0).slice(0, rows)));
    }
    columns.push(("price", Arc::new(Float64Array::from(vec![1.5, f64::NAN]))));
    columns.push(("volume", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let (_file, source) = file(&bytes(target, &batch).unwrap()).unwrap();
    columns_agree(target, &source, &batch);

    let index = |name| batch.schema().index_of(name).unwrap();
    for names in [["volume", "lists"], ["price", "maps"], ["text views", "a dictionary of text"]] {
        let expected = batch.project(&names.map(index)).unwrap();
        assert_eq!(target.load_columns(&source, &names).unwrap(), expected);
    }
    let mut names: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
    names.extend(["price", "volume"]);
    names.reverse();
    let at: Vec<usize> = names.iter().map(|name| index(name)).collect();
    assert_eq!(target.load_columns(&source, &names).unwrap(), batch.project(&at).unwrap());

    let error = |names: &[&str]| format!("{:#}", target.load_columns(&source, names).unwrap_err());
    let near = error(&["price", "volumes"]);
    assert!(near.contains("cannot read /"), "the file is named: {near}");
    assert!(near.ends_with("there is no column `volumes`: did you mean `volume`?"), "{near}");
    let far = error(&["qqq"]);
    assert!(far.contains("there is no column `qqq`: there are `text`, "), "{far}");
    assert!(far.ends_with("`price`, `volume`"), "{far}");
    let twice = error(&["price", "volume", "price"]);
    assert!(twice.ends_with("column `price` is asked for twice"), "{twice}");

    let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
    let (_file, source) = file(&bytes(target, &nothing).unwrap()).unwrap();
    let error = format!("{:#}", target.load_columns(&source, &["price"]).unwrap_err());
    assert!(error.contains("there is no column `price`: the table has no columns"), "{error}");
}

fn pieces_have_a_limited_number_of_rows<O, S, B>(one: &O, several: &S, stream: &B)
where
    O: Target<Value = RecordBatch> + Streaming<Piece = RecordBatch>,
    S: Target<Value = Vec<RecordBatch>>,
    B: Target<Value = BatchStream>,
{
    let numbers = |from: i64, to| column(Int64Array::from_iter_values(from..to));
    let whole = numbers(0, 150_000);
    let list: Vec<_> = (0..1500).map(|i| numbers(i * 100, (i + 1) * 100)).collect();
    let schema = whole.schema();
    let streamed = BatchStream::new(schema.clone(), list.clone().into_iter().map(Ok));
    let files = [
        bytes(one, &whole).unwrap(),
        bytes(several, &list).unwrap(),
        bytes(stream, &streamed).unwrap(),
    ];
    assert_eq!(value(several, &files[1]).unwrap(), list);
    for content in &files {
        let (_file, source) = file(content).unwrap();
        let pieces: Vec<_> = one.stream(&source).unwrap().map(Result::unwrap).collect();
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.num_rows() <= 65_536));
        assert_eq!(concat_batches(&schema, &pieces).unwrap(), whole);
    }
}

/// Metadata is an unordered map; its order must not change the bytes.
fn equal_batches_give_equal_bytes(target: &impl Target<Value = RecordBatch>) {
    let batch = || {
        let metadata = || (0..20).map(|i| (format!("key {i}"), i.to_string()));
        let field = Field::new("a", DataType::Int64, false)
            .with_metadata(metadata().collect::<std::collections::HashMap<_, _>>());
        let schema = Schema::new(vec![field])
            .with_metadata(metadata().collect::<std::collections::HashMap<_, _>>());
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from(vec![1]))]).unwrap()
    };
    let first = bytes(target, &batch()).unwrap();
    for _ in 0..10 {
        assert_eq!(bytes(target, &batch()).unwrap(), first);
    }
}

fn a_stream_that_fails_is_not_saved(target: &impl Target<Value = BatchStream>) {
    let batch = column(Int64Array::from_iter_values(0..1000));
    let batches = |i| match i {
        3 => bail!("the line is down"),
        _ => Ok(column(Int64Array::from_iter_values(0..1000))),
    };
    let stream = BatchStream::new(batch.schema(), (0..5).map(batches));
    assert!(refusal(target, &stream).ends_with("the line is down"));
    assert!(refusal(target, &stream).contains("is read once"));

    let of = batch.clone();
    let produced = BatchStream::produced(batch.schema(), move |out| {
        out.send(of)?;
        bail!("the thread is gone")
    });
    assert!(refusal(target, &produced).ends_with("the thread is gone"));
}

fn a_stream_reads_its_file_lazily(target: &impl Target<Value = BatchStream>) {
    let batch = column(Int64Array::from_iter_values(0..1000));
    let kept = BatchStream::new(batch.schema(), [Ok(batch.clone())]);
    let (file, source) = file(&bytes(target, &kept).unwrap()).unwrap();
    let stream = target.load(&source).unwrap();
    // Two readers of one stream are independent.
    let (mut a, mut b) = (stream.batches().unwrap(), stream.batches().unwrap());
    assert_eq!(a.next().unwrap().unwrap(), batch);
    assert_eq!(b.next().unwrap().unwrap(), batch);
    // A loaded stream can be saved, which writes the file anew.
    assert_eq!(bytes(target, &stream).unwrap(), std::fs::read(file.path()).unwrap());
    let path = file.path().display().to_string();
    drop(file);
    let Err(gone) = stream.batches() else { panic!("there is no file to read") };
    assert!(format!("{gone:#}").contains(&path), "{gone:#}");
}

fn batches_of_several_schemas_are_refused(
    several: &impl Target<Value = Vec<RecordBatch>>,
    stream: &impl Target<Value = BatchStream>,
) {
    let list = vec![column(Int64Array::from(vec![1])), column(Int32Array::from(vec![2]))];
    assert!(refusal(several, &list).contains("batch 1 has another schema"));
    let streamed = BatchStream::new(list[0].schema(), list.into_iter().map(Ok));
    assert!(refusal(stream, &streamed).contains("batch 1 of the stream has another schema"));
}

fn foreign_files_are_errors<O, S, B>(one: &O, several: &S, stream: &B)
where
    O: Target<Value = RecordBatch>
        + Streaming<Piece = RecordBatch>
        + Columnar<Columns = RecordBatch>,
    S: Target<Value = Vec<RecordBatch>>,
    B: Target<Value = BatchStream>,
{
    let foreign =
        [&b""[..], b"PAR1", b"PAR1PAR1", b"ARROW1", b"ARROW1\0\0ARROW1", b"a,b\n1,2\n", &[0; 4096]];
    for content in foreign {
        complaint(one, content);
        complaint(several, content);
        complaint(stream, content);
        let (_file, source) = file(content).unwrap();
        let errors = [one.stream(&source).err(), one.load_columns(&source, &[]).err()];
        for error in errors {
            assert!(format!("{:#}", error.unwrap()).contains("cannot read /"));
        }
    }
}

/// The checksum of the store detects damage. Here, reading a damaged file in any way must not
/// panic.
fn damaged_files_cause_no_panic<O, S>(one: &O, several: &S)
where
    O: Target<Value = RecordBatch>
        + Streaming<Piece = RecordBatch>
        + Columnar<Columns = RecordBatch>,
    S: Target<Value = Vec<RecordBatch>>,
{
    let texts = StringArray::from_iter_values((0..100).map(|i| i.to_string()));
    let keys: DictionaryArray<arrow::datatypes::Int8Type> =
        (0..100).map(|i| if i % 3 == 0 { "a" } else { "b" }).collect();
    let columns = [("text", Arc::new(texts) as ArrayRef), ("key", Arc::new(keys))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let whole = bytes(several, &vec![batch.clone(), batch]).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        let (_file, source) = file(&damaged).unwrap();
        let _ = several.load(&source);
        let _ = one.stream(&source).map(|pieces| pieces.count());
        let _ = one.load_columns(&source, &["key"]);
    }
}
