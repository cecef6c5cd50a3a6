//! Outputs: the files that a record names, and how they are checked, described and removed.
//!
//! Most outputs are one file. An output of several parts has a file for each part. A part may also
//! be a folder that the task filled itself. An output in memory has no files.
//!
//! A link in an output is an error. Its target does not belong to the store: it may change, and
//! must not be removed with the output.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{FileKind, Fs, Stat, inspect};
use crate::base::key::{Digest, Hasher};
use crate::files::{Contents, digest_file, is_absent};
use crate::store::draft::folder::folder_digest;
use crate::store::reset::is_output;
use crate::store::trust::Trust;
use crate::store::{Folder, Store};
use crate::target::ColumnDigests;

/// The files of an output and their common digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Output {
    /// The digest of the content of all files or, for an output in memory, of what it was computed
    /// from.
    pub(crate) digest: Digest,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<OutputFile>,
    /// The [figures and notes](crate::store::figures) that the task kept besides the output, in order.
    ///
    /// No digest depends on them. The part is the name of the figure, and empty for a note.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) figures: Vec<OutputFile>,
}

/// The file or folder of one part of an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutputFile {
    /// The name of the part. Empty if the output has only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) part: String,
    /// The name of the file in the folder of the instance or, for an external task, its path.
    pub(crate) file: String,
    pub(crate) digest: Digest,
    /// The size in bytes. For a folder, the total size of all files in it.
    pub(crate) bytes: u64,
    /// When the file was last modified, in nanoseconds since 1970. 0 for a folder.
    pub(crate) modified: i64,
    /// Whether the owner may execute the file. Copies and links of the output get the same
    /// permission.
    ///
    /// The permission is not part of a digest: it is a property of a copy and not of the content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) executable: bool,
    /// The files and folders in it, if it is a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<Vec<Within>>,
    /// The digests of its columns, if the target has columns. Earlier records have none.
    #[serde(default, skip_serializing_if = "ColumnDigests::is_empty")]
    pub(crate) columns: ColumnDigests,
}

/// A file or folder inside a folder that is an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Within {
    /// The path below that folder, with `/`.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) modified: i64,
    /// Whether the owner may execute the file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) executable: bool,
    /// The digest of the content. `None` for a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<Digest>,
}

/// A single file of an output: the output itself, a part of it, or a file in its folder.
pub(crate) struct SingleFile {
    pub(crate) path: PathBuf,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    pub(crate) executable: bool,
}

/// The result of a check of an output's files.
pub(crate) struct Seen {
    pub(crate) look: Look,
    /// The name of the file that is gone or was modified. Empty if the output is whole.
    pub(crate) what: String,
    /// The output with the present times of its files.
    pub(crate) output: Output,
}

/// The state of an output's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    Whole,
    Gone,
    Modified,
}

impl Output {
    /// Returns an output of these files. A single file without a part gives the output its digest.
    pub(crate) fn of(files: Vec<OutputFile>) -> Self {
        let digest = match files.as_slice() {
            [whole] if whole.part.is_empty() => whole.digest,
            parts => {
                let mut hasher = Hasher::new("parts");
                parts.iter().fold(&mut hasher, |h, file| h.text(&file.part).part(file.digest));
                hasher.digest()
            }
        };
        Self { digest, files, figures: Vec::new() }
    }

    /// Returns an output without files. The digest is that of what it was computed from.
    pub(crate) fn in_memory(digest: Digest) -> Self {
        Self { digest, files: Vec::new(), figures: Vec::new() }
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the file of a part. An empty name means the whole output.
    pub(crate) fn file(&self, part: &str) -> Option<&OutputFile> {
        self.files.iter().find(|file| file.part == part)
    }

    /// Returns an output that consists of one part of this one.
    pub(crate) fn only(&self, part: &str) -> Option<Self> {
        let files = vec![self.file(part)?.clone()];
        Some(Self { digest: self.digest, files, figures: Vec::new() })
    }

    /// Returns a file name that no store gives to a file of an output, if there is one: a record or a log has another one.
    pub(crate) fn foreign(&self) -> Option<&str> {
        let mut names = self.all_files().map(|file| file.file.as_str());
        self.outside().or_else(|| names.find(|name| !is_output(name)))
    }

    /// Returns a file name that leads out of the folder of the instance, if there is one.
    pub(crate) fn outside(&self) -> Option<&str> {
        let leads_out = |part: &str| {
            matches!(part, "" | "." | "..")
                || part.contains('\0')
                || cfg!(windows) && part.contains(':')
        };
        let is_separator = |c: char| c == '/' || cfg!(windows) && c == '\\';
        self.all_files().find_map(|file| {
            let name = file.file.as_str();
            if is_outside(name) {
                return Some(name);
            }
            let mut within = file.folder.iter().flatten().map(|within| within.path.as_str());
            within.find(|path| path.split(is_separator).any(leads_out))
        })
    }
}

/// Returns whether the name of an output's file leads out of the folder of the instance.
pub(super) fn is_outside(name: &str) -> bool {
    name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0', ':'])
}

impl OutputFile {
    /// Returns the whole extension, such as `csv.gz`. The rest of the name has no dot.
    pub(crate) fn extension(&self) -> &str {
        self.file.split_once('.').map_or("", |(_, extension)| extension)
    }

    /// Returns all files with their digests and sizes, relative to the folder of the instance.
    pub(crate) fn contents(&self) -> impl Iterator<Item = SingleFile> + '_ {
        let at = Path::new(&self.file);
        let alone = self.folder.is_none().then(|| SingleFile {
            path: at.to_owned(),
            digest: self.digest,
            bytes: self.bytes,
            executable: self.executable,
        });
        let within = self.folder.iter().flatten().filter_map(move |within| {
            let Within { path, bytes, executable, digest, .. } = within;
            let (path, digest) = (at.join(path), (*digest)?);
            Some(SingleFile { path, digest, bytes: *bytes, executable: *executable })
        });
        alone.into_iter().chain(within)
    }

    /// Returns the paths of all folders, relative to the folder of the instance. There are none if
    /// the output is a file.
    pub(crate) fn folders(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let itself = self.folder.is_some().then(|| PathBuf::from(&self.file));
        let within = self.folder.iter().flatten().filter(|within| within.digest.is_none());
        itself.into_iter().chain(within.map(|within| Path::new(&self.file).join(&within.path)))
    }

    /// Returns the paths of all files, relative to the folder of the instance.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let alone = self.folder.is_none().then(|| PathBuf::from(&self.file));
        let within = self.folder.iter().flatten().filter(|within| within.digest.is_some());
        alone.into_iter().chain(within.map(|within| Path::new(&self.file).join(&within.path)))
    }
}

impl Store {
    /// Returns the paths of all files of an output, without those of figures.
    pub(crate) fn output_paths(&self, folder: &Folder, output: &Output) -> Vec<PathBuf> {
        let at = self.root().join(folder);
        output.files.iter().flat_map(OutputFile::paths).map(|path| at.join(path)).collect()
    }

    /// Describes a file or folder that a task wrote itself.
    pub(crate) fn describe(
        &self,
        part: &str,
        file: String,
        path: &Path,
    ) -> Result<OutputFile, StoreError> {
        let fs = &**self.fs();
        let stat = plain(fs, path)?;
        let (part, columns) = (part.to_owned(), ColumnDigests::default());
        if !stat.folder {
            let digest = digest_file(fs, path).during("read", path)?;
            let Stat { bytes, modified, executable, .. } = stat;
            let folder = None;
            let output =
                OutputFile { part, file, digest, bytes, modified, executable, folder, columns };
            return Ok(output);
        }
        let mut within = Vec::new();
        describe_folder(fs, path, "", &mut within)?;
        let digest = folder_digest(&within);
        let bytes = within.iter().filter(|item| item.digest.is_some()).map(|item| item.bytes);
        let (bytes, folder) = (bytes.sum(), Some(within));
        let (modified, executable) = (0, false);
        Ok(OutputFile { part, file, digest, bytes, modified, executable, folder, columns })
    }

    /// Checks the files of an output by their sizes and times. A file with another time is hashed.
    pub(crate) fn look_at(
        &self,
        folder: &Folder,
        output: &Output,
        trust: Trust,
    ) -> Result<Seen, StoreError> {
        let mut seen = Seen { look: Look::Whole, what: String::new(), output: output.clone() };
        if output.is_in_memory() {
            if !self.memory().contains(output.digest) {
                (seen.look, seen.what) = (Look::Gone, "the value in memory".to_owned());
            }
            return Ok(seen);
        }
        let at = self.root().join(folder);
        let how = Comparison { fs: &**self.fs(), trust, checked: self.checked() };
        for file in &mut seen.output.files {
            match look_at_file(how, &at, file)? {
                None => {}
                // A later file may be modified, which is the stronger result.
                Some((Look::Gone, _)) if seen.look == Look::Gone => {}
                Some((look, what)) => (seen.look, seen.what) = (look, what),
            }
            if seen.look == Look::Modified {
                break;
            }
        }
        Ok(seen)
    }
}

/// How files are compared with their record.
#[derive(Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) fs: &'a dyn Fs,
    pub(super) trust: Trust,
    /// The digests of stored files that this process has computed, if it remembers them.
    pub(super) checked: Option<&'a Contents>,
}

/// Returns whether a file is as recorded. Updates `modified` if only its time changed.
pub(super) fn is_unchanged(
    how: Comparison<'_>,
    path: &Path,
    stat: Stat,
    bytes: u64,
    modified: &mut i64,
    digest: Digest,
) -> Result<bool, StoreError> {
    if stat.bytes != bytes {
        return Ok(false);
    }
    if stat.modified == *modified && how.trust != Trust::Content {
        return Ok(true);
    }
    *modified = stat.modified;
    let found = match how.checked {
        Some(checked) => checked.file(path, stat),
        None => digest_file(how.fs, path),
    };
    Ok(found.during("read", path)? == digest)
}

/// Checks the file or folder of one part. Returns the name of a file that is gone or modified, if
/// any.
fn look_at_file(
    how: Comparison<'_>,
    at: &Path,
    file: &mut OutputFile,
) -> Result<Option<(Look, String)>, StoreError> {
    let fs = how.fs;
    let path = at.join(&file.file);
    let stat = match fs.stat(&path) {
        Ok(stat) => stat,
        Err(error) if is_absent(&error) => return Ok(Some((Look::Gone, file.file.clone()))),
        Err(error) => return Err(error).during("inspect", &path),
    };
    let modified = |what: &str| Ok(Some((Look::Modified, what.to_owned())));
    let Some(within) = &mut file.folder else {
        let whole = !stat.folder
            && is_unchanged(how, &path, stat, file.bytes, &mut file.modified, file.digest)?;
        return if whole { Ok(None) } else { modified(&file.file) };
    };
    if !stat.folder {
        return modified(&file.file);
    }
    let top = within.iter().filter(|item| !item.path.contains('/')).count() as u64;
    // The number of names is compared last, so that a missing file is reported by its name.
    let mut folders = vec![(file.file.clone(), top)];
    for item in within {
        let name = format!("{}/{}", file.file, item.path);
        let path = at.join(&name);
        let stat = match fs.stat(&path) {
            Ok(stat) => stat,
            Err(error) if is_absent(&error) => return modified(&name),
            Err(error) => return Err(error).during("inspect", &path),
        };
        let whole = match item.digest {
            Some(digest) => {
                !stat.folder
                    && is_unchanged(how, &path, stat, item.bytes, &mut item.modified, digest)?
            }
            None => stat.folder,
        };
        if !whole {
            return modified(&name);
        }
        folders.extend(item.digest.is_none().then_some((name, item.bytes)));
    }
    for (name, names) in folders {
        let path = at.join(&name);
        if fs.list(&path).during("list", &path)?.len() as u64 != names {
            return modified(&name);
        }
    }
    Ok(None)
}

/// Returns the metadata of a file or folder that a task wrote. A link is an error.
fn plain(fs: &dyn Fs, path: &Path) -> Result<Stat, StoreError> {
    let refused = |what| Err(std::io::Error::other(what)).during("keep", path);
    let (kind, stat) = inspect(fs, path).during("inspect", path)?;
    match kind {
        FileKind::File | FileKind::Folder => Ok(stat),
        FileKind::Link => refused("it is a link: write or copy the file or folder itself"),
        FileKind::Other => refused("it is neither a file nor a folder"),
    }
}

fn describe_folder(
    fs: &dyn Fs,
    at: &Path,
    prefix: &str,
    within: &mut Vec<Within>,
) -> Result<(), StoreError> {
    let mut names = fs.list(at).during("list", at)?;
    names.sort_unstable();
    for name in names {
        let path = at.join(&name);
        let Some(name) = name.to_str() else {
            let unnamed = std::io::Error::other("its name is not Unicode");
            return Err(unnamed).during("keep", &path);
        };
        let stat = plain(fs, &path)?;
        let name = format!("{prefix}{name}");
        if stat.folder {
            let bytes = fs.list(&path).during("list", &path)?.len() as u64;
            let folder =
                Within { path: name.clone(), bytes, modified: 0, executable: false, digest: None };
            within.push(folder);
            describe_folder(fs, &path, &format!("{name}/"), within)?;
        } else {
            let digest = Some(digest_file(fs, &path).during("read", &path)?);
            let Stat { bytes, modified, executable, .. } = stat;
            within.push(Within { path: name, bytes, modified, executable, digest });
        }
    }
    Ok(())
}

/// Removes a file, or a folder with its contents, if it exists. Adds the files to `removed`.
pub(crate) fn remove_all(
    fs: &dyn Fs,
    path: &Path,
    removed: &mut Vec<PathBuf>,
) -> std::io::Result<()> {
    match fs.remove(path) {
        Ok(()) => {
            removed.push(path.to_owned());
            return Ok(());
        }
        Err(error) if is_absent(&error) => return Ok(()),
        // A link is not followed: its target does not belong to the store.
        Err(error) if !fs.kind(path).is_ok_and(|kind| kind == FileKind::Folder) => {
            return Err(error);
        }
        Err(_) => {}
    }
    for name in fs.list(path)? {
        remove_all(fs, &path.join(name), removed)?;
    }
    fs.remove_folder(path)
}
