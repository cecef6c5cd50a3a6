//! Generates the crate of an export, which loads outputs with Rust types without the code of the tasks.
//!
//! The crate consists of a `Cargo.toml` and a `src/lib.rs` in the folder of the export. Each exported task is an
//! `external` task in it. It has the task's own parameters, and those upstream that are needed to distinguish its
//! outputs. Its target depends on what `Target::describe` returned for the files:
//!
//! | description | target in the crate |
//! | --- | --- |
//! | a table whose columns have Rust types | `Csv<Vec<ReportRow>>`, with a struct `ReportRow` |
//! | a format that deserializes any type, such as JSON | `Json<T>`, of a generic task `Summary<T>` |
//! | a type of this library | that type, such as `Text` or `Parquet<RecordBatch>` |
//! | none | `File`: the path of the output |
//!
//! The list of exported outputs is a constant in the source, so that loading one that was not exported fails with a
//! list of those that were. Registered names of tasks begin with the name of the crate, so that a program can use
//! several such crates.
//!
//! The outputs that were exported last decide the types. Outputs of earlier exports that do not fit them are left out
//! of the crate and reported: refusing the export would mean that, after a change of a type, nothing could be exported
//! without emptying the folder.
//!
//! [`model`] computes what the outputs of a task have in common, with [`parameter`] and [`row`]. [`names`] derives
//! valid Rust names, and [`source`] writes the files. No format is known here.

mod model;
mod names;
mod parameter;
mod row;
mod source;

use std::collections::HashSet;
use std::path::Path;

use self::model::Model;
use crate::base::key::Key;
use crate::export::manifest::Manifest;
use crate::flow::error::Error;

/// The path of the source file of the crate.
pub(crate) const SOURCE: &str = "src/lib.rs";

/// The file name of the manifest of the crate.
pub(crate) const CARGO: &str = "Cargo.toml";

/// Returns the name of the task type that loads an output of `task`, or its part `part`.
pub(crate) fn type_name(task: &str, part: &str) -> String {
    names::Names::default().of_task(task, part)
}

/// Returns the name of the library of the crate in this folder.
pub(crate) fn library(root: &Path) -> String {
    names::library(&names::package(root))
}

/// The generated crate.
pub(crate) struct Consumer {
    /// The name and the content of each file.
    pub(crate) files: Vec<(String, String)>,
    /// The instances of earlier exports that do not fit the types of the crate, and are left out.
    pub(crate) outdated: Vec<String>,
}

/// Generates the crate of the export in the folder `root`. `now` are the outputs of the current export.
///
/// # Errors
///
/// No type reads all outputs of a task that the current export has.
pub(crate) fn consumer(
    manifest: &Manifest,
    root: &Path,
    now: &HashSet<Key>,
) -> Result<Consumer, Error> {
    let model = Model::of(manifest, &names::package(root), now)?;
    let files = vec![
        (CARGO.to_owned(), source::cargo(&model)),
        (SOURCE.to_owned(), source::library(&model)),
    ];
    Ok(Consumer { files, outdated: model.outdated })
}
