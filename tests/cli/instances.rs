//! Outputs without types: this program does not have the tasks, and reads what the store has of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use flow::arrow::array::{ArrayRef, TimestampNanosecondArray};
use flow::arrow::ipc::writer::{FileWriter, StreamWriter};
use flow::prelude::*;
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

/// A table that another program has written.
#[derive(Task)]
#[task(external, path = &self.file, target = ArrowIpc<RecordBatch>)]
struct Instants {
    file: PathBuf,
}

/// Returns the instants 0 and 1.5 s, and a null, in a column of a zone.
fn instants(zone: &str) -> RecordBatch {
    let instants = TimestampNanosecondArray::from(vec![Some(0), None, Some(1_500_000_000)]);
    let instants: ArrayRef = Arc::new(instants.with_timezone(zone));
    RecordBatch::try_from_iter_with_nullable([("at", instants, true)]).expect("a batch")
}

/// Returns the cells of the file, and the greatest value of its column.
fn shown(folder: &Path, file: &Path) -> (Vec<Option<String>>, Option<String>) {
    let flow = Flow::open(folder.join("data")).expect("the store").with(Instants::FILE, file);
    let instances = flow.graph::<Instants>().instances().expect("a plan");
    let files = OutputFile::of(&instances[0]).expect("the store").expect("the file");
    let rows = files[0].first_rows(5).expect("rows").rows;
    let statistics = files[0].statistics().expect("statistics");
    (rows.into_iter().flatten().collect(), statistics.columns[0].max.clone())
}

/// What `#[derive(Row)]` stores of a `jiff::Timestamp` has the zone `UTC`.
#[test]
fn timestamps_of_a_zone_are_shown_in_utc_also_in_a_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let last = "1970-01-01T00:00:01.500Z".to_owned();
    let cells = vec![Some("1970-01-01T00:00:00Z".to_owned()), None, Some(last.clone())];
    for zone in ["UTC", "Europe/Berlin"] {
        let batch = instants(zone);
        let (table, stream) = (folder.join("table.arrow"), folder.join("stream.arrow"));
        let content = File::create(&table).expect("a file");
        let mut writer = FileWriter::try_new(content, &batch.schema()).expect("a writer");
        writer.write(&batch).and_then(|()| writer.finish()).expect("a table");
        let content = File::create(&stream).expect("a file");
        let mut writer = StreamWriter::try_new(content, &batch.schema()).expect("a writer");
        writer.write(&batch).and_then(|()| writer.finish()).expect("a stream");
        for file in [table, stream] {
            assert_eq!(shown(folder, &file), (cells.clone(), Some(last.clone())), "{zone}");
            for format in ["csv", "json"] {
                let text = converted(folder, &file, format);
                assert!(text.contains(&last), "{zone} as {format}: {text}");
            }
        }
    }
}

/// Converts the file by the command line of this program, and returns the text.
fn converted(folder: &Path, file: &Path, format: &str) -> String {
    let flow = Flow::open(folder.join("data")).expect("the store").quiet();
    let to = folder.join("converted");
    let arguments = ["cli", "load", "Instants", "--format", format, "--file"];
    let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
    let paths: [OsString; 3] = [file.into(), "--to".into(), to.clone().into()];
    let code = flow::cli::run(flow, arguments.into_iter().chain(paths));
    assert_eq!(code, ExitCode::SUCCESS);
    std::fs::read_to_string(to).expect("the text")
}
