//! Outputs without types: this program does not have the tasks, and reads what the store has of them.

use std::collections::BTreeMap;

use flow::Flow;
use flow::store::StoredOutput;
use flow::targets::inspect::{Format, InspectError, OutputFile, find_stored};

use crate::{stocks, words};

/// Returns the outputs in a store.
fn stored(flow: &Flow) -> Vec<StoredOutput> {
    flow.store().list().expect("the outputs")
}

#[test]
fn a_program_without_the_tasks_finds_outputs_by_task_and_text_of_parameters() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for days in ["3", "4"] {
        stocks(folder, ["run", "Prices", "--days", days, "-q"]).ok();
    }
    let flow = Flow::open(folder.join("data")).expect("the store");
    let stored = stored(&flow);
    let rows = |parameters: &[(&str, &str)]| {
        let parameters = parameters.iter().map(|&(name, text)| (name.to_owned(), text.into()));
        let found = find_stored(&stored, "Prices", &parameters.collect()).expect("the records");
        let rows = found.iter().map(|(_, recorded)| recorded.metadata["rows"].clone());
        let mut rows: Vec<_> = rows.map(|rows| rows.as_u64().expect("a number")).collect();
        rows.sort_unstable();
        rows
    };
    assert_eq!(rows(&[]), [3, 4]);
    assert_eq!(rows(&[("days", "4")]), [4]);
    assert_eq!(rows(&[("Prices.days", "3.0")]), [3]);
    assert_eq!(rows(&[("days", "5")]), [0; 0]);
    assert_eq!(rows(&[("months", "4")]), [0; 0]);
}

#[test]
fn the_files_of_an_output_are_read_by_their_formats() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Split --days 4 -q")).ok();
    let flow = Flow::open(folder.join("data")).expect("the store");
    let stored = stored(&flow);
    let found = find_stored(&stored, "Split", &BTreeMap::new()).expect("the records");
    let files = OutputFile::of_recorded(&found[0].1);
    let formats: Vec<_> = files.iter().map(OutputFile::format).collect();
    assert_eq!(formats, [Format::Arrow, Format::Csv, Format::Json]);
    assert_eq!(files[1].part(), "second");

    let first = files[0].first_rows(1).expect("rows");
    let names: Vec<_> = first.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["day", "close", "note"]);
    let cells: Vec<_> = first.rows[0].iter().map(Option::as_deref).collect();
    assert_eq!(cells, [Some("0"), Some("100.0"), Some("even")]);
    assert_eq!((first.rows.len(), first.is_whole), (1, false));
    assert!(files[0].first_rows(2).expect("rows").is_whole);

    let statistics = files[1].statistics().expect("statistics");
    assert_eq!((statistics.rows, statistics.columns[2].nulls), (2, 1));
    assert_eq!(statistics.columns[0].max.as_deref(), Some("3"));
    let schema = files[0].schema().expect("a schema");
    assert_eq!(schema.field(1).name(), "close");
    let batches = files[0].batches().expect("batches");
    assert_eq!(batches.map(|batch| batch.expect("a batch").num_rows()).sum::<usize>(), 2);

    let lines = files[2].first_lines(5).expect("lines");
    assert_eq!((lines.lines, lines.is_whole, lines.is_text), (vec!["4".to_owned()], true, true));
    let wrong = files[2].first_rows(1).expect_err("a number is no table");
    assert!(matches!(wrong, InspectError::NotTable { .. }), "{wrong}");
    std::fs::remove_file(files[2].path()).expect("the file is removed");
    let gone = files[2].first_lines(1).expect_err("the file is gone");
    assert!(matches!(gone, InspectError::Io { .. }), "{gone}");
}
