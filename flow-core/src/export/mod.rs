//! Exports: folders with outputs as files with readable names, and a description of each.
//!
//! ```text
//! exported/
//!   manifest.json              parameters, inputs, digests and columns of each output
//!   README.md                  a readable summary, with code that loads each output
//!   flow_outputs.py            a Python module that loads outputs by task and parameters
//!   Cargo.toml, src/lib.rs     the crate, if the folder is one
//!   Train/model=Logistic.parquet
//!   Split/output/train.parquet one part of several outputs
//! ```
//!
//! # Modules
//!
//! [`names`] defines the paths of outputs, [`manifest`] the format of the manifest. [`readme`], [`python`] and
//! [`consumer`] generate the texts. [`folder`] writes files, [`lock`] serializes concurrent exports, and
//! [`import`](mod@import) reads an export into a store. Columns, Rust types and Python expressions come from
//! `Target::describe`, so that this module knows no format.
//!
//! # Invariants
//!
//! - Files are copies. Recipients may change them, which must not change the store.
//! - An export never overwrites a file that no export has written, or that was changed since. It knows its own files by
//!   the digests in the manifest. The names of files are recorded before they are written, so that the next export
//!   recognizes the files of one that died.
//! - The manifest is replaced last, which is the commit. It keeps the outputs of earlier exports, so that outputs with
//!   several settings can be collected in one folder. An output that is exported again keeps its name.
//! - No text of a manifest becomes code unless this store wrote it, which its [`seal`] proves.
//! - An imported output is found by its fingerprint and what was read; its types are not needed.

pub(crate) mod consumer;
pub(crate) mod folder;
pub(crate) mod import;
mod lock;
pub(crate) mod manifest;
pub(crate) mod names;
pub(crate) mod python;
pub(crate) mod readme;
pub(crate) mod seal;
pub(crate) mod text;

/// The text files that an export may generate, except for the manifest.
pub(crate) const WRITTEN: [&str; 4] =
    [readme::README, python::MODULE, consumer::CARGO, consumer::SOURCE];
