//! A task with a table of many columns, which the lines of a file edit: for tests of the columns that tasks read.
//!
//! The tests of frames (`tests/frames`) use this file, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use flow::prelude::*;

/// The number of columns, `c00` to `c49`.
const COLUMNS: i64 = 50;

/// Returns a table of numbers, edited by the lines of a text: `c05 7` adds 7 to a column, `c05 dropped` removes it,
/// `c05 text` makes it text, `c99 added` adds a column, and `rows 0` sets the number of rows.
pub(crate) fn table(edits: &str) -> Result<RecordBatch> {
    let edits: Vec<(&str, &str)> = edits.lines().filter_map(|line| line.split_once(' ')).collect();
    let edit = |name: &str| edits.iter().find(|(of, _)| *of == name).map(|(_, edit)| *edit);
    let rows: i64 = edit("rows").map_or(Ok(8), str::parse::<i64>)?;
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    let numbers = |factor: i64, plus: i64| (0..rows).map(move |row| row * factor + plus);
    for place in 0..COLUMNS {
        let name = format!("c{place:02}");
        let (of, column) = match edit(&name) {
            Some("dropped") => continue,
            Some("text") => {
                let texts = numbers(place, 0).map(|number| number.to_string());
                (DataType::Utf8, Arc::new(StringArray::from_iter_values(texts)) as ArrayRef)
            }
            plus => {
                let plus = plus.map_or(Ok(0), str::parse::<i64>)?;
                let column = Int64Array::from_iter_values(numbers(place, plus));
                (DataType::Int64, Arc::new(column) as ArrayRef)
            }
        };
        fields.push(Field::new(name, of, true));
        columns.push(column);
    }
    for (name, _) in edits.iter().filter(|(_, edit)| *edit == "added") {
        fields.push(Field::new(*name, DataType::Int64, true));
        columns.push(Arc::new(Int64Array::from_iter_values(numbers(1, 0))));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// The table.
#[derive(Task)]
#[task(target = Parquet<RecordBatch>)]
pub(crate) struct Wide {
    #[param(file)]
    pub(crate) edits: PathBuf,
}

#[tracked]
impl Run for Wide {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        table(&fs::read_to_string(&self.edits)?)
    }
}

/// Ten edits of data, and the numbers of the tasks that read the changed columns.
const STEPS: [(&str, &[&str]); 10] = [
    ("c00 1", &["00"]),
    ("c01 1", &["00", "01"]),
    ("c03 1", &[]),
    ("c12 1", &["03"]),
    ("c31 1", &["07", "08"]),
    ("c49 1", &["06"]),
    ("c44 1", &[]),
    ("c42 1", &["11"]),
    ("c05 1\nc20 1", &["02", "04"]),
    ("c13 1", &[]),
];

/// Checks that after each of the ten edits exactly the readers run, whose names start with this letter.
pub(crate) fn exactly_the_readers_run<R: flow::Roots>(
    flow: &Flow,
    edits: &Path,
    letter: &str,
) -> Result<()> {
    assert_eq!(flow.run::<R>()?.ran().len(), 13);
    // The edits add up, so that a step changes no other columns back.
    let mut text = String::new();
    for (step, readers) in STEPS {
        text += step;
        text += "\n";
        let mut expected: Vec<_> = readers.iter().map(|of| format!("{letter}{of}")).collect();
        expected.push("Wide".to_owned());
        assert_eq!(after::<R>(flow, edits, &text)?, expected, "{step}");
        assert!(flow.is_complete::<R>()?, "{step}");
        assert!(flow.run::<R>()?.ran().is_empty(), "{step}");
    }
    Ok(())
}

/// Returns the flow with a table that is edited by a file in this folder, and that file.
pub(crate) fn edited(flow: &Flow, folder: &Path) -> (Flow, PathBuf) {
    let edits = folder.join("edits.txt");
    fs::write(&edits, "").expect("a file");
    (flow.with(Wide::EDITS, edits.as_path()), edits)
}

/// Returns the names of the tasks that run after an edit, sorted.
pub(crate) fn after<R: flow::Roots>(flow: &Flow, edits: &Path, text: &str) -> Result<Vec<String>> {
    fs::write(edits, text)?;
    let summary = flow.run::<R>()?;
    let mut ran: Vec<_> = summary.ran().iter().map(|entry| entry.task().to_owned()).collect();
    ran.sort_unstable();
    Ok(ran)
}
