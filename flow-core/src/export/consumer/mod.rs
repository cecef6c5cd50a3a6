//! A crate for those who have outputs and not the tasks' code.
//!
//! The folder of an export becomes a crate by two more files: a `Cargo.toml` and a `src/lib.rs`, in
//! which each task is an `external` one of the same name. Its parameters tell the outputs apart that
//! were exported, and its target is what the targets told of their files:
//!
//! | what was told | the type |
//! | --- | --- |
//! | a table whose columns have types in Rust | `Csv<Vec<ReportRow>>`, and the struct `ReportRow` |
//! | what a reader has a type for, such as JSON | `Json<T>`, of a task `Summary<T>` |
//! | a type that everybody has | such as `Text`, or a `RecordBatch` |
//! | nothing | `File`: its path |
//!
//! So a column that is gone, or is of another type, is an error of the compiler where it is used. What
//! was exported before and cannot be read as what was exported last is left out of the crate. The
//! [`model`] gathers what the outputs of a task have in common, [`parameter`] and [`row`] its parts;
//! the [`names`] are those that Rust takes; and [`source`] writes it down. No format is known here.

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

/// The name of the file of its types.
pub(crate) const SOURCE: &str = "src/lib.rs";

/// The name of the file that makes the folder a crate.
pub(crate) const CARGO: &str = "Cargo.toml";

/// What a task is called that loads an output, or a part of it.
pub(crate) fn type_name(task: &str, part: &str) -> String {
    names::Names::default().of_task(task, part)
}

/// What Rust calls the crate in this folder.
pub(crate) fn library(root: &Path) -> String {
    names::library(&names::package(root))
}

/// What makes an export a crate.
pub(crate) struct Consumer {
    /// Its files, with their names.
    pub(crate) files: Vec<(String, String)>,
    /// The instances that are in the export and not in the crate, for they cannot be read as those are
    /// that were exported since.
    pub(crate) outdated: Vec<String>,
}

/// The crate of an export in this folder, of which `now` is what was just exported.
///
/// # Errors
///
/// The outputs of a task that were just exported differ so that no type reads them all.
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
