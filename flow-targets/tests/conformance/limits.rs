//! What a file may take when it is read, whatever it claims.

use std::fmt::Debug;
use std::io::Write;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema};
use flate2::write::GzEncoder;
use flow_core::{Columnar, Source, Streaming, Target};
use flow_targets::{
    ArrowIpc, BatchStream, Bytes, Csv, CsvGz, Json, Parquet, Pickle, Text, Uncompressed, Zstd,
};

use crate::harness::{bytes, complaint, file, refusal, value};
use crate::tables::column;

#[track_caller]
fn says_how_to_raise(error: &str, limit: u64) {
    assert!(error.contains(&format!("more than {limit} bytes")), "{error}");
    assert!(error.contains("raise the limit by the target's option `max_bytes = ...`"), "{error}");
}

#[test]
fn values_have_a_largest_file() {
    let numbers: Vec<u64> = vec![1; 100];
    let json = <Json<Vec<u64>>>::default();
    let written = bytes(&json, &numbers).unwrap();
    let exact = json.max_bytes(written.len() as u64);
    assert_eq!(value(&exact, &bytes(&exact, &numbers).unwrap()).unwrap(), numbers);
    says_how_to_raise(&refusal(&json.max_bytes(100), &numbers), 100);
    says_how_to_raise(&complaint(&json.max_bytes(100), &written), 100);

    // A byte each: null is the shortest that MessagePack has.
    let nils: Vec<Option<String>> = vec![None; 1000];
    let pickle = <Pickle<Vec<Option<String>>>>::default();
    let written = bytes(&pickle, &nils).unwrap();
    let exact = pickle.max_bytes(written.len() as u64);
    assert_eq!(value(&exact, &bytes(&exact, &nils).unwrap()).unwrap(), nils);
    says_how_to_raise(&refusal(&pickle.max_bytes(1000), &nils), 1000);
    says_how_to_raise(&complaint(&pickle.max_bytes(1000), &written), 1000);
}

#[test]
fn text_and_bytes_have_a_largest_file() {
    let (text, nine) = (Text::default().max_bytes(9), "nine byte".to_owned());
    assert_eq!(value(&text, &bytes(&text, &nine).unwrap()).unwrap(), nine);
    says_how_to_raise(&refusal(&text, &"ten  bytes".to_owned()), 9);
    says_how_to_raise(&complaint(&text, b"ten  bytes"), 9);
    let (target, nine) = (Bytes::default().max_bytes(9), vec![0_u8; 9]);
    assert_eq!(value(&target, &bytes(&target, &nine).unwrap()).unwrap(), nine);
    says_how_to_raise(&refusal(&target, &vec![0; 10]), 9);
    says_how_to_raise(&complaint(&target, &[0; 10]), 9);
}

/// The MessagePack of a list of so many copies of an item.
fn packed_list(item: &[u8], count: u32) -> Vec<u8> {
    [&[0xdd][..], &count.to_be_bytes(), &item.repeat(count as usize)].concat()
}

#[derive(::serde::Serialize, ::serde::Deserialize, Debug)]
struct Large {
    #[serde(default)]
    a: [Option<[u64; 32]>; 4],
}

#[derive(::serde::Serialize, ::serde::Deserialize, Debug)]
enum Boxed {
    Large(Box<Large>),
}

#[test]
fn items_count_by_what_they_take_in_memory() {
    use std::collections::{BTreeMap, HashMap};

    // 4 times the limit and 64 MiB.
    const LIMIT: u64 = 2_500_000;
    const MOST: u64 = LIMIT * 4 + (64 << 20);
    #[track_caller]
    fn refused<
        T: ::serde::Serialize + ::serde::de::DeserializeOwned + Send + Sync + Debug + 'static,
    >(
        (pickled, count): (&[u8], u32),
        json: &str,
    ) {
        let pickle = <Pickle<Vec<T>>>::default().max_bytes(LIMIT);
        let error = complaint(&pickle, &packed_list(pickled, count));
        assert!(error.contains(&format!("more than {MOST} bytes in memory")), "{error}");
        assert!(error.contains("by the target's option `max_bytes = ...`"), "{error}");
        let texts = format!("[{}]", vec![json; count as usize].join(","));
        let target = <Json<Vec<T>>>::default().max_bytes(LIMIT);
        let error = complaint(&target, texts.as_bytes());
        assert!(error.contains(&format!("more than {MOST} bytes in memory")), "{error}");
    }
    refused::<Option<[u64; 32]>>((b"\xc0", 300_000), "null");
    refused::<BTreeMap<String, u8>>((b"\x81\xa1a\x00", 300_000), r#"{"a":0}"#);
    refused::<Box<Large>>((b"\x80", 195_000), "{}");
    refused::<Vec<[Option<[u64; 32]>; 1]>>((b"\x91\x91\xc0", 80_000), "[[null]]");
    refused::<Boxed>((b"\x81\xa5Large\x80", 100_000), r#"{"Large":{}}"#);
    refused::<HashMap<bool, Option<[u64; 32]>>>((b"\x81\xc2\xc0", 30_000), r#"{"false":null}"#);
}

#[test]
fn a_value_of_many_items_is_loaded_within_the_memory_of_its_file() {
    let many: Vec<Option<[u64; 32]>> = vec![None; 400_000];
    let pickle = <Pickle<Vec<Option<[u64; 32]>>>>::default();
    assert_eq!(value(&pickle, &bytes(&pickle, &many).unwrap()).unwrap(), many);
    let numbers: Vec<u64> = (0..1_000_000).collect();
    let json = <Json<Vec<u64>>>::default();
    let written = bytes(&json, &numbers).unwrap();
    let exact = json.max_bytes(written.len() as u64);
    assert_eq!(value(&exact, &written).unwrap(), numbers);
}

#[test]
fn a_file_is_compared_with_the_limit_before_it_is_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    // It has no content on the disk, and more than a machine has memory.
    file.as_file().set_len(1 << 40).unwrap();
    let source = Source::file(file.path());
    let error = <Json<String>>::default().load(&source).unwrap_err();
    says_how_to_raise(&format!("{error:#}"), 1 << 30);
    let error = <Pickle<String>>::default().load(&source).unwrap_err();
    says_how_to_raise(&format!("{error:#}"), 1 << 30);
    let error = Text::default().load(&source).unwrap_err();
    says_how_to_raise(&format!("{error:#}"), 1 << 30);
    let error = Bytes::default().load(&source).unwrap_err();
    says_how_to_raise(&format!("{error:#}"), 1 << 30);
    let error = <Csv<RecordBatch>>::default().max_line(1_000_000).load(&source).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("line 1 is longer than 1000000 bytes"), "{error}");
    assert!(error.contains("`max_line = ...`"), "{error}");
    <ArrowIpc<RecordBatch>>::default().load(&source).unwrap_err();
    <Parquet<RecordBatch>>::default().load(&source).unwrap_err();
}

#[test]
fn lengths_that_are_claimed_and_values_that_nest_without_end_are_errors() {
    type Any = ::serde_json::Value;
    for claims in [
        &b"\xdd\xff\xff\xff\xff"[..],
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
    ] {
        complaint(&<Pickle<Any>>::default(), claims);
        complaint(&<Pickle<Vec<Vec<u8>>>>::default(), claims);
    }
    complaint(&<Pickle<Any>>::default(), &vec![0x91; 1_000_000]);
    complaint(&<Json<Any>>::default(), "[".repeat(1_000_000).as_bytes());
    complaint(&<Json<Any>>::default(), "{\"a\":".repeat(1_000_000).as_bytes());
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

#[test]
fn a_packed_file_has_a_largest_content() {
    let text = format!("n\n{}", "1\n".repeat(50_000));
    let bomb = packed(text.as_bytes());
    assert!(bomb.len() < 1000);
    let target = <CsvGz<RecordBatch>>::default();
    assert_eq!(value(&target, &bomb).unwrap().num_rows(), 50_000);
    let small = <CsvGz<RecordBatch>>::default().max_bytes(100_000);
    says_how_to_raise(&complaint(&small, &bomb), 100_000);
    let (_file, source) = file(&bomb).unwrap();
    let error = small.load_columns(&source, &["n"]).unwrap_err();
    says_how_to_raise(&format!("{error:#}"), 100_000);
    // Rows count as columns do.
    #[derive(serde::Serialize, serde::Deserialize, Debug, Clone)]
    struct Row {
        n: u8,
    }
    let rows = <CsvGz<Vec<Row>>>::default().max_bytes(100_000);
    says_how_to_raise(&complaint(&rows, &bomb), 100_000);
    // What could not be loaded is not saved.
    says_how_to_raise(&refusal(&rows, &vec![Row { n: 1 }; 50_000]), 100_000);
    assert!(bytes(&rows, &vec![Row { n: 1 }; 49_999]).is_ok());

    // A stream is never whole in memory.
    let stream = <CsvGz<BatchStream>>::default().max_bytes(100_000);
    let rows = |batches: flow_core::Pieces<RecordBatch>| {
        batches.map(|b| b.unwrap().num_rows()).sum::<usize>()
    };
    assert_eq!(rows(stream.load(&source).unwrap().batches().unwrap()), 50_000);
    assert_eq!(rows(stream.stream(&source).unwrap()), 50_000);
}

#[test]
fn a_table_of_few_values_has_a_largest_size_in_memory() {
    let zeros = column(Int64Array::from(vec![0; 100_000]));
    let target = <Parquet<RecordBatch>>::default();
    let written = bytes(&target, &zeros).unwrap();
    assert!(written.len() < 10_000);
    let small = <Parquet<RecordBatch>>::default().max_bytes(799_999);
    says_how_to_raise(&complaint(&small, &written), 799_999);
    says_how_to_raise(&refusal(&small, &zeros), 799_999);
    assert_eq!(value(&target.max_bytes(800_000), &written).unwrap(), zeros);
    let (_file, source) = file(&written).unwrap();
    let error = small.load_columns(&source, &["column"]).unwrap_err();
    says_how_to_raise(&format!("{error:#}"), 799_999);
    assert_eq!(small.load_columns(&source, &[]).unwrap().num_rows(), 100_000);
    let stream = <Parquet<BatchStream>>::default().max_bytes(1000);
    let batches = stream.load(&source).unwrap().batches().unwrap();
    assert_eq!(batches.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 100_000);
}

#[test]
fn compressed_arrow_files_cannot_claim_more_than_the_limit() {
    let zeros = column(Int64Array::from(vec![0; 1000]));
    let target = <ArrowIpc<RecordBatch>>::default().compression(Zstd(1));
    let written = bytes(&target, &zeros).unwrap();
    let small = <ArrowIpc<RecordBatch>>::default().compression(Zstd(1)).max_bytes(7999);
    says_how_to_raise(&complaint(&small, &written), 7999);
    says_how_to_raise(&refusal(&small, &zeros), 7999);
    let plain = <ArrowIpc<RecordBatch>>::default().compression(Uncompressed).max_bytes(7999);
    assert_eq!(value(&plain, &bytes(&plain, &zeros).unwrap()).unwrap(), zeros);

    let mut claims = written.clone();
    let length = 8000_u64.to_le_bytes();
    let at = claims.windows(8).rposition(|bytes| bytes == length).unwrap();
    claims[at..at + 8].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    says_how_to_raise(&complaint(&target, &claims), 4 << 30);
    let (_file, source) = file(&claims).unwrap();
    assert!(target.stream(&source).unwrap().any(|batch| batch.is_err()));
}

#[test]
fn an_arrow_file_that_is_not_mapped_is_shortened_without_harm() {
    let numbers = column(Int64Array::from_iter_values(0..100_000));
    let target = <ArrowIpc<RecordBatch>>::default();
    let (file, source) = file(&bytes(&target, &numbers).unwrap()).unwrap();
    let unmapped = target.clone().mapped(false);
    let loaded = unmapped.load(&source).unwrap();
    let some = unmapped.load_columns(&source, &["column"]).unwrap();
    let mut batches = unmapped.stream(&source).unwrap();
    assert_eq!(target.mapped(true).load(&source).unwrap(), numbers);
    file.as_file().set_len(100).unwrap();
    assert_eq!((&loaded, &some), (&numbers, &numbers));
    assert!(batches.next().unwrap().is_err());
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct Row {
        n: u8,
    }
    let schema = Schema::new(vec![Field::new("n", DataType::Int64, true)]);
    for path in [std::path::Path::new("/dev/zero"), &pipe, folder.path()] {
        let source = Source::file(path);
        let errors = [
            <Json<String>>::default().load(&source).map(drop),
            <Pickle<String>>::default().load(&source).map(drop),
            <Csv<RecordBatch>>::default().load(&source).map(drop),
            <Csv<Vec<Row>>>::default().load(&source).map(drop),
            <Csv<BatchStream>>::default()
                .schema(Arc::new(schema.clone()))
                .stream(&source)
                .map(drop),
            <CsvGz<RecordBatch>>::default().load(&source).map(drop),
            <Parquet<RecordBatch>>::default().load(&source).map(drop),
            <ArrowIpc<RecordBatch>>::default().load(&source).map(drop),
            Text::default().load(&source).map(drop),
            Bytes::default().load(&source).map(drop),
            #[cfg(feature = "excel")]
            <flow_targets::Excel<RecordBatch>>::default().load(&source).map(drop),
        ];
        for error in errors {
            let error = format!("{:#}", error.unwrap_err());
            assert!(error.contains(&format!("cannot read {}", path.display())), "{error}");
        }
    }
}
