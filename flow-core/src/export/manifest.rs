//! The manifest of an export.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::fs::Fs;
use crate::base::key::{Digest, Key};
use crate::export::WRITTEN;
use crate::export::text::in_line;
use crate::files::digest_file;
use crate::store::bounds;
use crate::store::folder::is_made;
use crate::store::json;
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
    /// What tells that the texts here that become code are of an export of the same store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seal: Option<Digest>,
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

/// What a file of an export holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    pub(crate) digest: Digest,
    /// A file that is larger holds something else. It is not read to find that out: it may be a sparse
    /// file of any size.
    pub(crate) at_most: u64,
}

impl Content {
    /// That of one of the texts that an export writes.
    pub(crate) fn text(digest: Digest) -> Self {
        Self { digest, at_most: bounds::INDEX }
    }

    /// Whether the file at `path`, which has this size, holds this.
    pub(crate) fn is_in(self, fs: &dyn Fs, path: &Path, bytes: u64) -> io::Result<bool> {
        Ok(bytes <= self.at_most && digest_file(fs, path)? == self.digest)
    }
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
        let form: Form = json::parse(bytes)
            .map_err(|error| format!("it is no manifest of an export: {error}"))?;
        if form.format > FORMAT {
            return Err(format!(
                "it is in form {}, and this version of the library knows forms up to {FORMAT}",
                form.format
            ));
        }
        let mut manifest: Self = json::parse(bytes).map_err(|error| error.to_string())?;
        let of_outputs = manifest.outputs.iter().flat_map(Exported::contents);
        let mut names = of_outputs.map(|(path, _)| path).chain(manifest.written.keys().cloned());
        if let Some(path) = names.find(|path| !is_inside(path)) {
            return Err(format!("it names {path:?}, which is outside its folder"));
        }
        let mut files = manifest.outputs.iter().flat_map(|output| &output.files);
        if let Some(file) = files.find(|file| !is_name(&file.path)) {
            return Err(format!(
                "it names {:?}, which is no name of an exported output",
                file.path
            ));
        }
        // They are shown on terminals.
        manifest.outputs.iter_mut().for_each(|of| of.instance = in_line(&of.instance));
        // Whatever else it says that an export has written may be a file of the user's.
        manifest.written.retain(|name, _| WRITTEN.contains(&name.as_str()));
        Ok(manifest)
    }

    /// All files, with what they hold.
    pub(crate) fn files(&self) -> BTreeMap<String, Content> {
        let written =
            self.written.iter().map(|(path, digest)| (path.clone(), Content::text(*digest)));
        let of_outputs = self.outputs.iter().flat_map(Exported::contents);
        let files = of_outputs.filter_map(|(path, content)| Some((path, content?)));
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
    fn contents(&self) -> Vec<(String, Option<Content>)> {
        let mut contents = Vec::new();
        for file in &self.files {
            let content = |digest| Content { digest, at_most: file.bytes };
            match &file.within {
                None => contents.push((file.path.clone(), Some(content(file.digest)))),
                Some(within) => {
                    contents.push((file.path.clone(), None));
                    let entry = |(name, digest): (&String, &Option<Digest>)| {
                        (format!("{}/{name}", file.path), digest.map(content))
                    };
                    contents.extend(within.iter().map(entry));
                }
            }
        }
        contents
    }
}

/// Whether a path leads to something in the folder that it is relative to.
fn is_inside(path: &str) -> bool {
    let inside = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\', ':']);
    path.split('/').all(inside)
}

/// Whether an export may have given a file this name: it lies in the folder of a task.
fn is_name(path: &str) -> bool {
    path.contains('/') && path.split('/').all(is_made)
}
