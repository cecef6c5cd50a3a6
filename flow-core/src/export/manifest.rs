//! The manifest of an export.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::key::{Digest, Key};
use crate::store::record::{Meta, Record};
use crate::target::Description;

/// The version of the manifest's form.
pub(crate) const FORMAT: u32 = 1;

/// The name of its file.
pub(crate) const MANIFEST: &str = "manifest.json";

/// What is in an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// Each after those in this export that it was made from.
    pub(crate) outputs: Vec<Exported>,
    /// The other files that were written, and what they held.
    #[serde(default)]
    pub(crate) written: BTreeMap<String, Digest>,
}

/// One output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exported {
    pub(crate) task: String,
    /// Such as `Train {model: Logistic}`.
    pub(crate) instance: String,
    pub(crate) key: Key,
    /// Its own parameters, and those of what it was made from.
    pub(crate) parameters: BTreeMap<String, serde_json::Value>,
    /// As it was written in Rust.
    pub(crate) target: String,
    /// None if it was in memory.
    pub(crate) files: Vec<ExportedFile>,
    pub(crate) inputs: Vec<Lineage>,
    pub(crate) code: Digest,
    pub(crate) started: jiff::Timestamp,
    pub(crate) seconds: f64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) meta: Meta,
    /// The name that the task is stored under, and the folder of the instance in a store.
    pub(crate) stored: String,
    pub(crate) folder: String,
    /// The record that the store has of it, for an import.
    pub(crate) record: Record,
}

/// The file, or folder, of an output or of one of several.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ExportedFile {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) part: String,
    /// In the folder of the export, with `/`.
    pub(crate) path: String,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    /// What is in it, if it is a folder: without a digest, a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<BTreeMap<String, Option<Digest>>>,
    #[serde(flatten)]
    pub(crate) description: Description,
}

/// What an output was made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lineage {
    /// What the task calls it, or its place.
    pub(crate) name: String,
    pub(crate) instance: String,
    pub(crate) key: Key,
    pub(crate) digest: Digest,
}

impl Manifest {
    pub(crate) fn new() -> Self {
        Self { format: FORMAT, outputs: Vec::new(), written: BTreeMap::new() }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let form: Form = serde_json::from_slice(bytes)
            .map_err(|error| format!("it is no manifest of an export: {error}"))?;
        if form.format > FORMAT {
            return Err(format!(
                "it is in form {}, and this version of the library knows forms up to {FORMAT}",
                form.format
            ));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let of_outputs = manifest.outputs.iter().flat_map(Exported::contents);
        let mut names = of_outputs.map(|(path, _)| path).chain(manifest.written.keys().cloned());
        match names.find(|path| !is_inside(path)) {
            Some(path) => Err(format!("it names {path:?}, which is outside its folder")),
            None => Ok(manifest),
        }
    }

    /// All files, with what they hold.
    pub(crate) fn files(&self) -> BTreeMap<String, Digest> {
        let written = self.written.iter().map(|(path, digest)| (path.clone(), *digest));
        let of_outputs = self.outputs.iter().flat_map(Exported::contents);
        let files = of_outputs.filter_map(|(path, digest)| Some((path, digest?)));
        files.chain(written).collect()
    }

    /// The modules of Python that some file takes, by expression.
    pub(crate) fn readers(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut readers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let files = self.outputs.iter().flat_map(|output| &output.files);
        for python in files.filter_map(|file| file.description.python.as_ref()) {
            let imports = python.imports.iter().map(String::as_str);
            readers.entry(&python.expression).or_default().extend(imports);
        }
        readers
    }
}

impl Exported {
    /// All files with what they hold, and folders.
    fn contents(&self) -> Vec<(String, Option<Digest>)> {
        let mut contents = Vec::new();
        for file in &self.files {
            match &file.within {
                None => contents.push((file.path.clone(), Some(file.digest))),
                Some(within) => {
                    contents.push((file.path.clone(), None));
                    let path = |name: &String| format!("{}/{name}", file.path);
                    contents.extend(within.iter().map(|(name, digest)| (path(name), *digest)));
                }
            }
        }
        contents
    }
}

/// Whether a path leads to something in the folder that it is relative to.
pub(crate) fn is_inside(path: &str) -> bool {
    let inside = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\', ':']);
    path.split('/').all(inside)
}
