//! The manifest of an export, `manifest.json`.
//!
//! Names in a manifest are validated when it is parsed: they must be names that a store could have given, below the
//! folder of the export.

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

/// The version of the format of the manifest.
pub(crate) const FORMAT: u32 = 1;

/// The file name of the manifest.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The content of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// The outputs in the order in which they were exported; within one export, upstream first.
    pub(crate) outputs: Vec<Exported>,
    /// The generated text files and their digests.
    #[serde(default)]
    pub(crate) written: BTreeMap<String, Digest>,
}

/// An exported output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Exported {
    pub(crate) task: String,
    /// The label of the instance, such as `Train {model: Logistic}`.
    pub(crate) instance: String,
    pub(crate) key: Key,
    /// The parameters of the task, and those of upstream tasks that affect it.
    pub(crate) parameters: BTreeMap<String, serde_json::Value>,
    /// The target, as Rust source.
    pub(crate) target: String,
    /// The files; empty if the value was in memory.
    pub(crate) files: Vec<ExportedFile>,
    /// The files of figures and notes. The part is the name of the figure, and empty for a note.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) figures: Vec<ExportedFile>,
    pub(crate) inputs: Vec<Lineage>,
    pub(crate) code: Digest,
    pub(crate) started: jiff::Timestamp,
    pub(crate) seconds: f64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) meta: Meta,
    /// The name that the task is stored under.
    pub(crate) stored: String,
    /// The folder of the instance in the exporting store.
    pub(crate) folder: String,
    /// The record in the exporting store, for an import.
    pub(crate) record: Record,
    /// The [seal](super::seal) of the texts that become code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seal: Option<Digest>,
}

/// The file or folder of an output, or of a part of one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ExportedFile {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) part: String,
    /// The path relative to the folder of the export, with `/`.
    pub(crate) path: String,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    /// The content of a folder: the digest of each file, and `None` for folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<BTreeMap<String, Option<Digest>>>,
    #[serde(flatten)]
    pub(crate) description: Description,
}

/// The expected content of a file of an export.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    pub(crate) digest: Digest,
    /// The maximal size. A larger file has other content, and is not read: it may be a sparse file of any
    /// size.
    pub(crate) at_most: u64,
}

impl Content {
    /// Returns the expected content of a generated text file.
    pub(crate) fn text(digest: Digest) -> Self {
        Self { digest, at_most: bounds::INDEX }
    }

    /// Returns whether the file at `path`, of this size, has the expected content.
    pub(crate) fn is_in(self, fs: &dyn Fs, path: &Path, bytes: u64) -> io::Result<bool> {
        Ok(bytes <= self.at_most && digest_file(fs, path)? == self.digest)
    }
}

/// An input of an output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lineage {
    /// The name that the task gives to the dependency, or its index.
    pub(crate) name: String,
    pub(crate) instance: String,
    pub(crate) key: Key,
    pub(crate) digest: Digest,
}

impl Manifest {
    pub(crate) fn new() -> Self {
        Self { format: FORMAT, outputs: Vec::new(), written: BTreeMap::new() }
    }

    /// Parses and validates a manifest.
    ///
    /// # Errors
    ///
    /// A message that says why it is not a valid manifest.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let form: Form = json::parse(bytes)
            .map_err(|error| format!("it is not the manifest of an export: {error}"))?;
        if form.format > FORMAT {
            return Err(format!(
                "it has format {}, and this version of the library supports formats up to {FORMAT}",
                form.format
            ));
        }
        let mut manifest: Self = json::parse(bytes).map_err(|error| error.to_string())?;
        let of_outputs = manifest.outputs.iter().flat_map(Exported::contents);
        let mut names = of_outputs.map(|(path, _)| path).chain(manifest.written.keys().cloned());
        if let Some(path) = names.find(|path| !is_inside(path)) {
            return Err(format!("it names {path:?}, which is outside its folder"));
        }
        let unnamed = manifest.outputs.iter().flat_map(Exported::all_files);
        let unnamed = unnamed.map(|file| &file.path).find(|path| !is_name(path)).cloned();
        if let Some(path) = unnamed {
            return Err(format!("it names {path:?}, which is no name of an exported output"));
        }
        // Labels are printed on terminals.
        manifest.outputs.iter_mut().for_each(|of| of.instance = in_line(&of.instance));
        // An export writes no other text files. Another name in `written` may be a file of the user, which the
        // next export must not replace.
        manifest.written.retain(|name, _| WRITTEN.contains(&name.as_str()));
        Ok(manifest)
    }

    /// Returns all files with their expected content.
    pub(crate) fn files(&self) -> BTreeMap<String, Content> {
        let written =
            self.written.iter().map(|(path, digest)| (path.clone(), Content::text(*digest)));
        let of_outputs = self.outputs.iter().flat_map(Exported::contents);
        let files = of_outputs.filter_map(|(path, content)| Some((path, content?)));
        files.chain(written).collect()
    }

    /// Returns the Python expressions that read files, with the modules that they import.
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
    /// Returns all files: those of the output, then those of figures and notes, as in the record.
    pub(crate) fn all_files(&self) -> impl Iterator<Item = &ExportedFile> {
        self.files.iter().chain(&self.figures)
    }

    /// Returns the paths of all files with their expected content, and of all folders with `None`.
    fn contents(&self) -> Vec<(String, Option<Content>)> {
        let mut contents = Vec::new();
        for file in self.all_files() {
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

/// Returns whether a relative path stays inside its folder.
fn is_inside(path: &str) -> bool {
    let inside = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\', ':']);
    path.split('/').all(inside)
}

/// Returns whether an export may have given an output this path: a valid one in the folder of a task.
fn is_name(path: &str) -> bool {
    path.contains('/') && path.split('/').all(is_made)
}
