//! Records which columns a query reads of the inputs that are its tables.

use std::path::PathBuf;

use flow_core::__private::NamedInput;
use polars::prelude::LazyFrame;

use super::columns_read;

/// Records what a query reads of each of the inputs whose files, at or below these paths, are its tables.
///
/// The result of the query is a function of the columns that its optimized plan reads and of the shapes of the tables,
/// which the planner has seen. So whatever is computed from the frame depends on nothing else of the inputs. An input
/// counts as a whole if that is not certain: the plan is not known, it reads a file that is none of the inputs, or it
/// does not scan the input. A dataset always counts as a whole: its columns have no digests.
pub(super) fn record(frame: &LazyFrame, inputs: &[(&NamedInput, PathBuf)]) {
    let is_input = |file: &PathBuf| inputs.iter().any(|(_, path)| file.starts_with(path));
    let read = columns_read(frame).filter(|read| read.iter().all(|file| is_input(&file.path)));
    for (input, path) in inputs {
        match read.iter().flatten().find(|file| file.path == *path) {
            Some(file) => {
                let names: Vec<&str> = file.columns.iter().map(String::as_str).collect();
                input.read_columns(&names);
            }
            None => input.read_whole(),
        }
    }
}
