//! `load`: outputs for other programs, as they are and in other formats.

use std::path::Path;

use crate::{stocks, words};

fn ran(arguments: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    stocks(folder.path(), words(&format!("run {arguments} -q"))).ok();
    folder
}

fn begins(path: &Path, magic: &str) -> bool {
    std::fs::read(path).expect("the file").starts_with(magic.as_bytes())
}

#[test]
fn an_output_is_copied_byte_by_byte() {
    let folder = ran("Prices Page");
    let folder = folder.path();
    let stored = stocks(folder, words("path Prices")).ok();
    let loaded = stocks(folder, words("load Prices --to copy.parquet --json")).json();
    assert_eq!((&loaded["path"], &loaded["format"]), (&"copy.parquet".into(), &"parquet".into()));
    let copy = std::fs::read(folder.join("copy.parquet")).expect("the copy");
    assert_eq!(loaded["bytes"], copy.len());
    assert!(copy == std::fs::read(stored.trim_end()).expect("the output"));
    assert_eq!(stocks(folder, words("load Page")).ok(), "The average\nis 107.25.\n");
}

#[test]
fn a_table_is_converted_to_csv_json_arrow_and_parquet() {
    let folder = ran("Prices Listed Split");
    let folder = folder.path();
    let csv = stocks(folder, words("load Prices --format csv")).ok();
    assert_eq!(csv.lines().count(), 31);
    assert!(csv.starts_with("day,close,note\n0,100.0,even\n1,100.5,\n"), "{csv}");
    let json = stocks(folder, words("load Prices --format json")).ok();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[1], serde_json::json!({"day": 1, "close": 100.5, "note": null}));
    assert_eq!(json.as_array().map(Vec::len), Some(30));

    stocks(folder, words("load Prices --format arrow --to prices.arrow")).ok();
    assert!(begins(&folder.join("prices.arrow"), "ARROW1"));
    stocks(folder, words("load Listed --format parquet --to listed.parquet")).ok();
    assert!(begins(&folder.join("listed.parquet"), "PAR1"));
    let first = stocks(folder, words("load Split --part first --format json")).ok();
    let first: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(first.as_array().map(Vec::len), Some(15));
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;

    let folder = ran("Page");
    let folder = folder.path();
    // A copy of `/dev/null` needs no right to write to `/dev`: a link in a folder leads to it.
    std::os::unix::fs::symlink("/dev/null", folder.join("null")).expect("a link");
    let loaded = stocks(folder, words("load Page --to null --json")).json();
    assert_eq!(loaded["bytes"], "The average\nis 107.25.\n".len());
    let kept = folder.join("null");
    assert!(kept.symlink_metadata().expect("the link").is_symlink(), "the link was replaced");
    assert!(kept.metadata().expect("the device").file_type().is_char_device());
}

#[test]
fn what_cannot_be_loaded_is_refused_and_leaves_no_file() {
    let folder = ran("Page Split");
    let folder = folder.path();
    let wrong = stocks(folder, words("load Page --format csv --to page.csv")).refused();
    assert!(wrong.contains("is not a table"), "{wrong}");
    let wrong = stocks(folder, words("load Split")).refused();
    assert!(wrong.contains("has several parts, first, second, count"), "{wrong}");
    let wrong = stocks(folder, words("load Page --json")).refused();
    assert!(wrong.contains("needs --to FILE"), "{wrong}");
    assert!(stocks(folder, words("load Page --format xml")).refused().contains("--format"));
    let wrong = stocks(folder, words("load Page --to none/page.txt"));
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("cannot write none/page.txt"), "{}", wrong.err);
    let left: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["data"]);
}

#[test]
fn a_csv_file_is_read_with_the_options_and_texts_of_its_target() {
    let folder = ran("Codes");
    let folder = folder.path();
    let rows = |code: fn(&str) -> serde_json::Value| serde_json::json!([{"code": code("007"), "share": 0.5}, {"code": code("010"), "share": 1.5}]);
    let loaded = stocks(folder, words("load Codes --format json")).ok();
    let loaded: serde_json::Value = serde_json::from_str(&loaded).expect("JSON");
    assert_eq!(loaded, rows(|code| code.into()));
    // The types of another program are not known, but the options are.
    let stored = stocks(folder, words("load --stored Codes --format json")).ok();
    let stored: serde_json::Value = serde_json::from_str(&stored).expect("JSON");
    assert_eq!(stored, rows(|code| code.parse::<i64>().expect("a number").into()));
    let shown = stocks(folder, words("show Codes --json")).json();
    assert_eq!(shown["parts"][0]["rows"][0], serde_json::json!(["007", "0.5"]));
    let described = stocks(folder, words("show Codes --statistics --json")).json();
    let columns = &described["parts"][0]["statistics"];
    assert_eq!((&columns[0]["min"], &columns[1]["mean"]), (&"007".into(), &1.0.into()));
}
