//! Arrow IPC: guarantees beyond those of the suite for columnar formats.

use std::sync::Arc;

use ::serde::{Deserialize, Serialize};
use arrow::array::*;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::*;
use arrow::ipc::reader::FileReader;
use flow_core::{Columnar, Streaming, Target};
use flow_targets::{ArrowIpc, BatchStream, Lz4, Snappy, Uncompressed, Zstd};

use crate::harness::{bytes, conforms, conforms_as, file, refusal, reloaded, value};
use crate::tables::{self, Tables, column};

fn one() -> ArrowIpc<RecordBatch> {
    <ArrowIpc<RecordBatch>>::default()
}

fn several() -> ArrowIpc<Vec<RecordBatch>> {
    <ArrowIpc<Vec<RecordBatch>>>::default()
}

#[test]
fn rare_types_survive_a_round_trip() {
    for (name, batch) in [tables::rare(), odd()].concat() {
        println!("{name}");
        // Arrow cannot compare all of these types, so their `Debug` text is compared.
        conforms(&one(), &batch);
        let rows = batch.num_rows();
        let slice = batch.slice(rows.min(1), rows.saturating_sub(1));
        let back = reloaded(&one(), &slice).unwrap();
        // Runs are printed with values around the slice, and unions can only be compared as text.
        let shown = format!("{back:?}") == format!("{slice:?}");
        assert!(back == slice || shown, "a slice of {name}: {back:?} of {slice:?}");
        let (_file, source) = file(&bytes(&one(), &batch).unwrap()).unwrap();
        let columns = one().load_columns(&source, &["column"]).unwrap();
        assert_eq!(format!("{columns:?}"), format!("{batch:?}"));
    }
}

/// Types that only this format stores.
fn odd() -> Tables {
    let mut dense = UnionBuilder::new_dense();
    dense.append::<Int32Type>("number", 1).unwrap();
    dense.append::<Float64Type>("other", -0.0).unwrap();
    dense.append_null::<Float64Type>("other").unwrap();
    let mut sparse = UnionBuilder::new_sparse();
    sparse.append::<Int32Type>("number", 1).unwrap();
    sparse.append::<Float64Type>("other", f64::NAN).unwrap();
    sparse.append::<Int32Type>("number", i32::MIN).unwrap();
    let words = ["x", "x", "y"].into_iter().collect::<DictionaryArray<Int8Type>>();
    let ordered = Field::new("column", words.data_type().clone(), true).with_dict_is_ordered(true);
    let ordered = Arc::new(Schema::new(vec![ordered]));
    vec![
        ("a dense union", column(dense.build().unwrap())),
        ("a sparse union", column(sparse.build().unwrap())),
        ("an ordered dictionary", RecordBatch::try_new(ordered, vec![Arc::new(words)]).unwrap()),
    ]
}

#[test]
fn every_compression_keeps_the_value() {
    let all = [tables::flat(), tables::nested(), tables::rare(), odd()].concat();
    for target in [one().compression(Lz4), one().compression(Zstd(1)), one().compression(Zstd(22))]
    {
        for (name, batch) in &all {
            println!("{target:?}: {name}");
            let back = reloaded(&target, batch).unwrap();
            assert_eq!(format!("{back:?}"), format!("{batch:?}"));
        }
        let batch = column(Int64Array::from_iter_values((0..5000).map(|i| i % 7)));
        conforms_as(&target, &batch, |a, b| a == b);
        let plain = bytes(&one().compression(Uncompressed), &batch).unwrap();
        assert_eq!(plain, bytes(&one(), &batch).unwrap());
        assert!(bytes(&target, &batch).unwrap().len() < plain.len() / 2);
    }
}

#[test]
fn invalid_compressions_are_refused() {
    let batch = column(Int64Array::from(vec![1]));
    let error = refusal(&one().compression(Snappy), &batch);
    assert!(error.ends_with("Snappy: an Arrow file can be compressed by `Lz4` or `Zstd(level)`"));
    for level in [0, -1, 23] {
        let error = refusal(&one().compression(Zstd(level)), &batch);
        assert!(error.ends_with(&format!("Zstd({level}): levels go from 1 to 22")), "{error}");
    }
}

// On other systems, nothing is known to be local.
#[cfg(any(target_os = "linux", target_os = "macos"))]
#[test]
fn loaded_arrays_are_views_of_the_mapped_file() {
    let numbers = || Arc::new(Int64Array::from_iter_values(0..100_000)) as ArrayRef;
    let texts = StringArray::from_iter_values((0..100_000).map(|i| i.to_string()));
    let decimals = Decimal256Array::from_iter_values((0..100_000).map(i256::from_i128));
    let columns = [
        ("a", numbers()),
        ("text", Arc::new(texts)),
        ("decimal", Arc::new(decimals)),
        ("b", numbers()),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let (file, source) = file(&bytes(&one(), &batch).unwrap()).unwrap();
    let length = std::fs::metadata(file.path()).unwrap().len() as usize;
    // Returns the addresses of the buffers of all columns.
    let places = |batch: &RecordBatch| -> Vec<usize> {
        let buffers = |column: &ArrayRef| column.to_data().buffers().to_vec();
        let buffers = batch.columns().iter().flat_map(buffers);
        buffers.map(|buffer| buffer.as_ptr() as usize).collect()
    };
    for loaded in
        [one().load(&source).unwrap(), one().load_columns(&source, &["b", "text"]).unwrap()]
    {
        let places = places(&loaded);
        let (first, last) = (places.iter().min().unwrap(), places.iter().max().unwrap());
        // All buffers are in one memory mapping, and not in allocated memory.
        assert!(last - first < length);
        assert!(loaded.get_array_memory_size() >= length, "each counts the whole file");
    }
    // The file may be removed while its mapping is in use.
    let loaded = one().load(&source).unwrap();
    drop(file);
    assert_eq!(loaded, batch);
}

#[test]
fn other_arrow_readers_load_the_file() {
    let batch = tables::numbers()[4].1.clone();
    let content = bytes(&several(), &vec![batch.clone(), batch.clone()]).unwrap();
    let reader = FileReader::try_new(std::io::Cursor::new(content), None).unwrap();
    assert_eq!(reader.map(Result::unwrap).collect::<Vec<_>>(), [batch.clone(), batch]);
}

fn words<K: ArrowDictionaryKeyType>(words: &[Option<&str>]) -> RecordBatch {
    column(words.iter().copied().collect::<DictionaryArray<K>>())
}

/// Like [`words`], in a column of lists.
fn lists_of_words(words: &[Option<&str>]) -> RecordBatch {
    let mut lists = ListBuilder::new(StringDictionaryBuilder::<Int8Type>::new());
    for word in words {
        lists.values().append_option(*word);
        lists.append(true);
    }
    column(lists.finish())
}

#[test]
fn dictionaries_of_batches_are_merged() {
    for batch in [words::<Int16Type>, lists_of_words] {
        let list = vec![
            batch(&[Some("a"), Some("b"), None]),
            batch(&[Some("b"), Some("c")]),
            batch(&[None, None]),
            batch(&[Some("b"), Some("c")]).slice(1, 1),
            batch(&[Some("a"), Some("b"), Some("c"), Some("d")]),
            batch(&[]),
            batch(&[Some(""), Some("b"), Some("a")]),
        ];
        conforms_as(&several(), &list, |a, b| a == b);
        let content = bytes(&several(), &list).unwrap();
        let whole = concat_batches(&list[0].schema(), &list).unwrap();
        assert_eq!(value(&one(), &content).unwrap(), whole);
        let streamed = BatchStream::new(list[0].schema(), list.clone().into_iter().map(Ok));
        let streamed = bytes(&<ArrowIpc<BatchStream>>::default(), &streamed).unwrap();
        assert_eq!(streamed, content);
        let (_file, source) = file(&content).unwrap();
        let pieces: Vec<_> = several().stream(&source).unwrap().map(Result::unwrap).collect();
        assert_eq!(pieces, list);
        // Another reader loads equal batches.
        let reader = FileReader::try_new(std::io::Cursor::new(content), None).unwrap();
        assert_eq!(reader.map(Result::unwrap).collect::<Vec<_>>(), list);
    }
}

#[test]
fn dictionaries_of_every_type_are_merged() {
    for (name, batch) in [tables::numbers(), tables::texts(), tables::times()].concat() {
        let values = batch.column(0);
        if let DataType::Dictionary(..) = values.data_type() {
            continue;
        }
        println!("{name}");
        let dictionary = |values: &ArrayRef| {
            let keys = Int32Array::from_iter_values((0..values.len() as i32).rev());
            column(DictionaryArray::try_new(keys, values.clone()).unwrap())
        };
        let rest = values.slice(1, values.len() - 1);
        let first = values.slice(0, 2.min(values.len()));
        let list = vec![dictionary(&rest), dictionary(&first), dictionary(values)];
        let back = reloaded(&several(), &list).unwrap();
        for (back, batch) in back.iter().zip(&list) {
            let plain = |batch: &RecordBatch| cast(batch.column(0), values.data_type()).unwrap();
            assert_eq!(format!("{:?}", plain(back)), format!("{:?}", plain(batch)));
        }
    }
}

#[test]
fn a_dictionary_with_more_values_than_keys_is_refused() {
    let batch = |from: u32| {
        let texts: Vec<_> = (from..from + 100).map(|i| i.to_string()).collect();
        words::<UInt8Type>(&texts.iter().map(|text| Some(text.as_str())).collect::<Vec<_>>())
    };
    let fits = vec![batch(0), batch(100), batch(50)];
    assert_eq!(reloaded(&several(), &fits).unwrap(), fits);
    let error = refusal(&several(), &vec![batch(0), batch(100), batch(200)]);
    assert!(error.contains("column `column`: the dictionaries of its batches have 300 values"));
    assert!(error.contains("more than there are keys of type UInt8"), "{error}");
}

#[test]
fn a_dictionary_of_dictionaries_is_refused() {
    let inner = ["a", "b"].into_iter().collect::<DictionaryArray<Int8Type>>();
    let outer = DictionaryArray::try_new(Int8Array::from(vec![1, 0]), Arc::new(inner)).unwrap();
    assert!(refusal(&one(), &column(outer)).contains("dictionary-of-dictionary"));
}

#[test]
fn rows_of_enums_with_data_survive_a_round_trip() {
    #[derive(Serialize, Deserialize, Debug)]
    enum Shape {
        Circle(f64),
        Rectangle { width: f64, height: f64 },
        Point,
    }
    #[derive(Serialize, Deserialize, Debug)]
    struct Drawn {
        name: String,
        shape: Shape,
    }
    let drawn = |shape| Drawn { name: "ü".to_owned(), shape };
    let rows = vec![
        drawn(Shape::Point),
        drawn(Shape::Rectangle { width: -0.0, height: f64::NAN }),
        drawn(Shape::Circle(1.0)),
    ];
    conforms(&<ArrowIpc<Vec<Drawn>>>::default(), &rows);
    conforms(&<ArrowIpc<Vec<Drawn>>>::default(), &vec![]);
}

#[test]
fn streams_of_other_programs_are_read_like_files() {
    use ::arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let texts: DictionaryArray<::arrow::datatypes::Int32Type> =
        ["a", "b", "a"].into_iter().collect();
    let texts: ArrayRef = Arc::new(texts);
    let batch = RecordBatch::try_from_iter([("n", numbers), ("text", texts)]).unwrap();
    for compression in [None, Some(::arrow::ipc::CompressionType::ZSTD)] {
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let schema = batch.schema();
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch.slice(1, 2)).unwrap();
        let file = writer.into_inner().unwrap();

        let batches =
            crate::harness::value(&<ArrowIpc<Vec<RecordBatch>>>::default(), &file).unwrap();
        assert_eq!(batches, [batch.clone(), batch.slice(1, 2)]);
        let one = <ArrowIpc<RecordBatch>>::default();
        assert_eq!(crate::harness::value(&one, &file).unwrap().num_rows(), 5);
        let (_file, source) = crate::harness::file(&file).unwrap();
        let column = flow_core::Columnar::load_columns(&one, &source, &["n"]).unwrap();
        assert_eq!((column.num_columns(), column.num_rows()), (1, 5));

        let error = crate::harness::complaint(&one, &file[..file.len() - 8]);
        assert!(error.contains("the stream has no end marker"), "{error}");
    }
    let error =
        crate::harness::complaint(&<ArrowIpc<RecordBatch>>::default(), b"FEA1 and more FEA1");
    assert!(error.contains("a Feather file of version 1"), "{error}");
}
