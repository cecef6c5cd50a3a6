//! The `CsvGz` target: CSV, compressed with gzip.

use std::io::{Read, Write};

use ::serde::{Deserialize, Serialize};
use arrow::array::*;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use flow_targets::{Csv, CsvGz};

use crate::harness::{bytes, complaint, conforms, conforms_as, refusal, value};
use crate::tables::{self, column};

fn one() -> CsvGz<RecordBatch> {
    <CsvGz<RecordBatch>>::default()
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

#[test]
fn every_type_with_a_text_form_survives_a_round_trip() {
    for (name, batch) in tables::flat() {
        println!("{name}");
        let target = one().schema(batch.schema()).null("NA").delimiter(';');
        conforms_as(&target, &batch, |a, b| a == b);
    }
    let (_, lists) = tables::nested().swap_remove(0);
    assert!(refusal(&one(), &lists).contains("which CSV has no text for"));
}

#[test]
fn rows_survive_a_round_trip() {
    #[derive(Serialize, Deserialize, Debug, Clone)]
    struct Row {
        id: u64,
        price: Option<f64>,
        name: String,
    }
    let row = |id| Row { id, price: (id % 2 > 0).then_some(f64::NAN), name: "a,\"\n".repeat(3) };
    conforms(&<CsvGz<Vec<Row>>>::default(), &(0..100).map(row).collect());
    conforms(&<CsvGz<Vec<Row>>>::default(), &Vec::new());
    conforms(&<CsvGz<Vec<Row>>>::default().header(false), &vec![row(1)]);
}

#[test]
fn the_file_is_compressed_csv_without_time_and_name() {
    let batch = column(StringArray::from(vec![Some("a\n,"), None, Some("")]));
    for level in 0..=9 {
        let written = bytes(&one().level(level), &batch).unwrap();
        assert_eq!(written[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
        let mut text = Vec::new();
        GzDecoder::new(&written[..]).read_to_end(&mut text).unwrap();
        assert_eq!(text, bytes(&<Csv<RecordBatch>>::default(), &batch).unwrap());
        assert_eq!(value(&one(), &written).unwrap(), batch);
    }
    assert!(refusal(&one().level(10), &batch).contains("level 10: levels of gzip"));
}

#[test]
fn a_higher_level_compresses_more() {
    let batch = column(Int64Array::from_iter_values((0..20_000).map(|i| i * i % 1009)));
    let size = |level| bytes(&one().level(level), &batch).unwrap().len();
    assert!(size(0) > size(1) && size(1) > size(9));
    assert_eq!(bytes(&one(), &batch).unwrap(), bytes(&one().level(6), &batch).unwrap());
}

#[test]
fn files_of_other_programs_are_read() {
    let mut several = packed(b"a\n1\n");
    several.extend(packed(b""));
    several.extend(packed(b"2\n\"3"));
    several.extend(packed(b"\"\n"));
    let table = value(&one(), &several).unwrap();
    assert_eq!(table, column_of_a(&["1", "2", "3"]));

    let mut named = GzBuilder::new()
        .filename("a.csv")
        .comment("by another program")
        .mtime(1_700_000_000)
        .write(Vec::new(), Compression::fast());
    named.write_all(b"a\nx\n").unwrap();
    assert_eq!(value(&one(), &named.finish().unwrap()).unwrap(), column_of_a(&["x"]));
}

fn column_of_a(values: &[&str]) -> RecordBatch {
    let array: ArrayRef = std::sync::Arc::new(StringArray::from(values.to_vec()));
    RecordBatch::try_from_iter_with_nullable([("a", array, true)]).unwrap()
}

#[test]
fn damaged_and_foreign_files_are_errors() {
    let batch = column(Int64Array::from_iter_values(0..300));
    let written = bytes(&one(), &batch).unwrap();
    for length in 0..written.len() {
        let error = complaint(&one(), &written[..length]);
        assert!(error.contains("gzip stream"), "{length}: {error}");
    }
    // The header has ten bytes; the content, its checksum and its length follow. A few bits of the
    // content are unused; a damaged file never loads as another table.
    let mut unseen = 0;
    for i in 10..written.len() {
        let mut damaged = written.clone();
        damaged[i] ^= 0x10;
        match value(&one(), &damaged) {
            Ok(loaded) => {
                unseen += 1;
                assert_eq!(loaded, batch);
            }
            Err(_) => _ = complaint(&one(), &damaged),
        }
    }
    assert!(unseen <= 1, "{unseen} damaged files were read");
    for content in [&b""[..], b"a\n1\n", b"PAR1\xff", b"{\"a\":1}", &[0x1f, 0x8b]] {
        let error = complaint(&one(), content);
        assert!(error.contains("gzip stream"), "{error}");
    }
    let mut followed = written.clone();
    followed.extend(b"a\n1\n");
    assert!(complaint(&one(), &followed).contains("gzip stream"));

    // The decompressed content may be invalid CSV.
    assert!(complaint(&one(), &packed(b"a\n1")).contains("line 2 does not end"));
    assert!(complaint(&one(), &packed(b"")).contains("the file is empty"));
}
