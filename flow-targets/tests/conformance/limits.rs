//! Limits of the memory that reading a file may take, whatever sizes the file claims.

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
fn assert_limit_error(error: &str, limit: u64) {
    assert!(error.contains(&format!("more than {limit} bytes")), "{error}");
    assert!(error.contains("raise the limit by the target's option `max_bytes = ...`"), "{error}");
}

#[test]
fn the_size_of_json_and_messagepack_files_is_limited() {
    let numbers: Vec<u64> = vec![1; 100];
    let json = <Json<Vec<u64>>>::default();
    let written = bytes(&json, &numbers).unwrap();
    let exact = json.max_bytes(written.len() as u64);
    assert_eq!(value(&exact, &bytes(&exact, &numbers).unwrap()).unwrap(), numbers);
    assert_limit_error(&refusal(&json.max_bytes(100), &numbers), 100);
    assert_limit_error(&complaint(&json.max_bytes(100), &written), 100);

    // One byte each: null is the shortest value of MessagePack.
    let nils: Vec<Option<String>> = vec![None; 1000];
    let pickle = <Pickle<Vec<Option<String>>>>::default();
    let written = bytes(&pickle, &nils).unwrap();
    let exact = pickle.max_bytes(written.len() as u64);
    assert_eq!(value(&exact, &bytes(&exact, &nils).unwrap()).unwrap(), nils);
    assert_limit_error(&refusal(&pickle.max_bytes(1000), &nils), 1000);
    assert_limit_error(&complaint(&pickle.max_bytes(1000), &written), 1000);
}

#[test]
fn the_size_of_text_and_bytes_files_is_limited() {
    let (text, nine) = (Text::default().max_bytes(9), "nine byte".to_owned());
    assert_eq!(value(&text, &bytes(&text, &nine).unwrap()).unwrap(), nine);
    assert_limit_error(&refusal(&text, &"ten  bytes".to_owned()), 9);
    assert_limit_error(&complaint(&text, b"ten  bytes"), 9);
    let (target, nine) = (Bytes::default().max_bytes(9), vec![0_u8; 9]);
    assert_eq!(value(&target, &bytes(&target, &nine).unwrap()).unwrap(), nine);
    assert_limit_error(&refusal(&target, &vec![0; 10]), 9);
    assert_limit_error(&complaint(&target, &[0; 10]), 9);
}

/// Returns a MessagePack list of `count` copies of an item.
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
fn items_count_by_their_size_in_memory() {
    use std::collections::{BTreeMap, HashMap};

    // The memory limit is 64 MiB more than four times the limit of the file.
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
fn a_value_of_many_items_within_the_limit_is_loaded() {
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
    // A sparse file, which is larger than the memory of the machine.
    file.as_file().set_len(1 << 40).unwrap();
    let source = Source::file(file.path());
    let error = <Json<String>>::default().load(&source).unwrap_err();
    assert_limit_error(&format!("{error:#}"), 1 << 30);
    let error = <Pickle<String>>::default().load(&source).unwrap_err();
    assert_limit_error(&format!("{error:#}"), 1 << 30);
    let error = Text::default().load(&source).unwrap_err();
    assert_limit_error(&format!("{error:#}"), 1 << 30);
    let error = Bytes::default().load(&source).unwrap_err();
    assert_limit_error(&format!("{error:#}"), 1 << 30);
    let error = <Csv<RecordBatch>>::default().max_line(1_000_000).load(&source).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("line 1 is longer than 1000000 bytes"), "{error}");
    assert!(error.contains("`max_line = ...`"), "{error}");
    <ArrowIpc<RecordBatch>>::default().load(&source).unwrap_err();
    <Parquet<RecordBatch>>::default().load(&source).unwrap_err();
}

#[test]
fn false_lengths_and_endless_nesting_are_errors() {
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
fn the_decompressed_size_is_limited() {
    let text = format!("n\n{}", "1\n".repeat(50_000));
    let bomb = packed(text.as_bytes());
    assert!(bomb.len() < 1000);
    let target = <CsvGz<RecordBatch>>::default();
    assert_eq!(value(&target, &bomb).unwrap().num_rows(), 50_000);
    let small = <CsvGz<RecordBatch>>::default().max_bytes(100_000);
    assert_limit_error(&complaint(&small, &bomb), 100_000);
    let (_file, source) = file(&bomb).unwrap();
    let error = small.load_columns(&source, &["n"]).unwrap_err();
    assert_limit_error(&format!("{error:#}"), 100_000);
    // The limit counts rows like columns.
    #[derive(serde::Serialize, serde::Deserialize, Debug, Clone)]
    struct Row {
        n: u8,
    }
    let rows = <CsvGz<Vec<Row>>>::default().max_bytes(100_000);
    assert_limit_error(&complaint(&rows, &bomb), 100_000);
    // A value that could not be loaded is not saved.
    assert_limit_error(&refusal(&rows, &vec![Row { n: 1 }; 50_000]), 100_000);
    assert!(bytes(&rows, &vec![Row { n: 1 }; 49_999]).is_ok());

    // A stream is never in memory as a whole.
    let stream = <CsvGz<BatchStream>>::default().max_bytes(100_000);
    let rows = |batches: flow_core::Pieces<RecordBatch>| {
        batches.map(|b| b.unwrap().num_rows()).sum::<usize>()
    };
    assert_eq!(rows(stream.load(&source).unwrap().batches().unwrap()), 50_000);
    assert_eq!(rows(stream.stream(&source).unwrap()), 50_000);
}

#[test]
fn the_decoded_size_of_a_table_is_limited() {
    let zeros = column(Int64Array::from(vec![0; 100_000]));
    let target = <Parquet<RecordBatch>>::default();
    let written = bytes(&target, &zeros).unwrap();
    assert!(written.len() < 10_000);
    let small = <Parquet<RecordBatch>>::default().max_bytes(799_999);
    assert_limit_error(&complaint(&small, &written), 799_999);
    assert_limit_error(&refusal(&small, &zeros), 799_999);
    assert_eq!(value(&target.max_bytes(800_000), &written).unwrap(), zeros);
    let (_file, source) = file(&written).unwrap();
    let error = small.load_columns(&source, &["column"]).unwrap_err();
    assert_limit_error(&format!("{error:#}"), 799_999);
    assert_eq!(small.load_columns(&source, &[]).unwrap().num_rows(), 100_000);
    let stream = <Parquet<BatchStream>>::default().max_bytes(1000);
    let batches = stream.load(&source).unwrap().batches().unwrap();
    assert_eq!(batches.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 100_000);
}

/// Runs a test in a process of its own, so that tests beside it do not add to its memory.
#[cfg(target_os = "linux")]
fn alone<F: FnOnce()>(test: F) {
    const ALONE: &str = "FLOW_TEST_ALONE";
    let name = std::any::type_name::<F>().split_once("::").unwrap().1;
    let name = name.strip_suffix("::{{closure}}").unwrap();
    if std::env::var_os(ALONE).is_some_and(|alone| alone == name) {
        return test();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, name)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && printed.contains("1 passed");
    assert!(passed, "{printed}{}", String::from_utf8_lossy(&output.stderr));
}

/// Returns the peak memory of this process in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() << 10
}

#[derive(::serde::Serialize, ::serde::Deserialize, Debug)]
struct OfText {
    column: String,
}

#[cfg(target_os = "linux")]
#[test]
fn a_text_repeated_in_a_page_counts_each_time() {
    alone(|| {
        const ROWS: usize = 2_000;
        const LIMIT: u64 = 10_000_000;
        let text = "x".repeat(100_000);
        let batch = column(LargeStringArray::from(vec![text.as_str(); 10]));
        let schema = batch.schema();
        let batches = (0..ROWS / 10).map(move |_| Ok(batch.clone()));
        let stream = <Parquet<BatchStream>>::default().statistics(flow_targets::Statistics::Off);
        let written = bytes(&stream, &BatchStream::new(schema, batches)).unwrap();
        assert!(written.len() < 10_000, "{}", written.len());
        let before = peak();
        assert_limit_error(
            &complaint(&<Parquet<RecordBatch>>::default().max_bytes(LIMIT), &written),
            LIMIT,
        );
        assert_limit_error(
            &complaint(&<Parquet<Vec<RecordBatch>>>::default().max_bytes(LIMIT), &written),
            LIMIT,
        );
        assert_limit_error(
            &complaint(&<Parquet<Vec<OfText>>>::default().max_bytes(LIMIT), &written),
            LIMIT,
        );
        let (_file, source) = file(&written).unwrap();
        let one = <Parquet<RecordBatch>>::default().max_bytes(LIMIT);
        let error = one.load_columns(&source, &["column"]).unwrap_err();
        assert_limit_error(&format!("{error:#}"), LIMIT);
        let taken = peak() - before;
        assert!(taken < 100_000_000, "{taken} bytes of 200 MB");
        // A stream yields the rows in pieces that fit, and with a sufficient limit the table is
        // loaded whole.
        let mut pieces = stream.stream(&source).unwrap();
        assert!(pieces.next().unwrap().unwrap().num_rows() < ROWS);
        let whole =
            value(&<Parquet<RecordBatch>>::default().max_bytes(201_000_000), &written).unwrap();
        assert_eq!(whole.num_rows(), ROWS);
    });
}

#[test]
fn a_text_repeated_by_a_dictionary_counts_in_each_row() {
    const LIMIT: u64 = 10_000_000;
    let text = "x".repeat(100_000);
    let keys = Int32Array::from(vec![0; 500]);
    let values = Arc::new(LargeStringArray::from(vec![text.as_str()]));
    let dictionary = DictionaryArray::<arrow::datatypes::Int32Type>::try_new(keys, values).unwrap();
    let mut views = StringViewBuilder::new();
    let block = views.append_block(text.as_bytes().into());
    (0..500).for_each(|_| views.try_append_view(block, 0, 100_000).unwrap());
    for table in [column(dictionary), column(views.finish())] {
        let target = <ArrowIpc<RecordBatch>>::default();
        let written = bytes(&target, &table).unwrap();
        assert!(written.len() < 200_000, "{}", written.len());
        assert_eq!(value(&target.max_bytes(LIMIT), &written).unwrap(), table);
        let rows = <ArrowIpc<Vec<OfText>>>::default();
        assert_limit_error(&complaint(&rows.clone().max_bytes(LIMIT), &written), LIMIT);
        assert_eq!(value(&rows, &written).unwrap().len(), 500);
    }
}

#[test]
fn rows_count_by_the_size_of_their_type() {
    #[derive(::serde::Serialize, ::serde::Deserialize, Debug, Clone)]
    struct Wide {
        n: u8,
        #[serde(skip)]
        _memory: [u64; 32],
    }
    let rows = vec![Wide { n: 1, _memory: [0; 32] }; 100];
    let exact = 100 * size_of::<Wide>() as u64;
    let parquet = <Parquet<Vec<Wide>>>::default();
    let written = bytes(&parquet, &rows).unwrap();
    assert_eq!(value(&parquet.clone().max_bytes(exact), &written).unwrap().len(), 100);
    let small = parquet.max_bytes(exact - 1);
    assert_limit_error(&complaint(&small, &written), exact - 1);
    assert_limit_error(&refusal(&small, &rows), exact - 1);
    let arrow = <ArrowIpc<Vec<Wide>>>::default();
    let written = bytes(&arrow, &rows).unwrap();
    assert_eq!(value(&arrow.clone().max_bytes(exact), &written).unwrap().len(), 100);
    let small = arrow.max_bytes(exact - 1);
    assert_limit_error(&complaint(&small, &written), exact - 1);
    assert_limit_error(&refusal(&small, &rows), exact - 1);
}

#[test]
fn a_column_of_nulls_counts_by_its_rows() {
    #[derive(::serde::Serialize, ::serde::Deserialize, Debug)]
    struct Row {
        column: Option<i64>,
    }
    let nulls = column(NullArray::new(3_000_000_000));
    let written = bytes(&<ArrowIpc<RecordBatch>>::default(), &nulls).unwrap();
    assert!(written.len() < 1000);
    let rows = <ArrowIpc<Vec<Row>>>::default().max_bytes(3_000_000);
    assert_limit_error(&complaint(&rows, &written), 3_000_000);
}

#[test]
fn the_number_of_batches_without_rows_is_limited() {
    use ::parquet::arrow::ArrowWriter;
    use ::parquet::file::metadata::KeyValue;

    let note = "0*16777216,".repeat(100);
    let batch = column(Int64Array::from(vec![1]));
    let mut written = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut written, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.append_key_value_metadata(KeyValue::new("typed-flow:batches".to_owned(), note));
    writer.close().unwrap();
    let target = <Parquet<Vec<RecordBatch>>>::default();
    let error = complaint(&target.clone().max_bytes(1_000_000), &written);
    assert!(error.contains("batches, and is too small for them"), "{error}");
    let error = complaint(&target, &written);
    assert!(error.contains("batches, and is too small for them"), "{error}");
    let error = refusal(&target, &vec![batch.slice(0, 0); 70_000]);
    assert!(error.contains("70000 batches have no rows"), "{error}");
}

#[test]
fn compressed_arrow_files_cannot_claim_more_than_the_limit() {
    let zeros = column(Int64Array::from(vec![0; 1000]));
    let target = <ArrowIpc<RecordBatch>>::default().compression(Zstd(1));
    let written = bytes(&target, &zeros).unwrap();
    let small = <ArrowIpc<RecordBatch>>::default().compression(Zstd(1)).max_bytes(7999);
    assert_limit_error(&complaint(&small, &written), 7999);
    assert_limit_error(&refusal(&small, &zeros), 7999);
    let plain = <ArrowIpc<RecordBatch>>::default().compression(Uncompressed).max_bytes(7999);
    assert_eq!(value(&plain, &bytes(&plain, &zeros).unwrap()).unwrap(), zeros);

    let mut claims = written.clone();
    let length = 8000_u64.to_le_bytes();
    let at = claims.windows(8).rposition(|bytes| bytes == length).unwrap();
    claims[at..at + 8].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    assert_limit_error(&complaint(&target, &claims), 4 << 30);
    let (_file, source) = file(&claims).unwrap();
    assert!(target.stream(&source).unwrap().any(|batch| batch.is_err()));
}

#[test]
fn truncating_an_unmapped_arrow_file_does_no_harm() {
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
