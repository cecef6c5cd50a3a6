//! Outputs: the files that a record names, and how they are looked at, linked and removed.
//!
//! Most outputs are one file. An output of several parts has one for each, and a part may be a
//! folder that the task has filled itself. An output that is kept in memory has none.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{FileKind, Fs, Stat};
use crate::base::key::{Digest, Hasher};
use crate::files::{digest_file, is_absent};
use crate::store::trust::Trust;
use crate::store::{Folder, Store};

/// An output, by its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Output {
    /// Of the content of all files; of an output in memory, of what it was made from.
    pub(crate) digest: Digest,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<OutputFile>,
}

/// The file, or folder, of one part of an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutputFile {
    /// The name of the part; empty if it is the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) part: String,
    /// Its name in the folder of the instance or, if it was made elsewhere, its path.
    pub(crate) file: String,
    pub(crate) digest: Digest,
    /// How large it is; of a folder, all files in it.
    pub(crate) bytes: u64,
    /// When it was written, in nanoseconds since 1970; 0 for a folder.
    pub(crate) modified: i64,
    /// Whether its owner may run it. Who has the file from here may, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) executable: bool,
    /// What is in it, if it is a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<Vec<Within>>,
}

/// A file in a folder that is an output, or a folder in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Within {
    /// Its path in the folder, with `/`.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) modified: i64,
    /// Whether its owner may run it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) executable: bool,
    /// Of a file's content; a folder has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<Digest>,
}

/// A file of an output, and what it holds.
pub(crate) struct Content {
    pub(crate) path: PathBuf,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    pub(crate) executable: bool,
}

/// What a look at an output shows.
pub(crate) struct Seen {
    pub(crate) look: Look,
    /// What is gone or was modified; empty if all is whole.
    pub(crate) what: String,
    /// The output, with the times that its files have now.
    pub(crate) output: Output,
}

/// Whether an output is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    Whole,
    Gone,
    Modified,
}

impl Output {
    /// An output of these files, of which one that is the whole has the output's digest.
    pub(crate) fn of(files: Vec<OutputFile>) -> Self {
        let digest = match files.as_slice() {
            [whole] if whole.part.is_empty() => whole.digest,
            parts => {
                let mut hasher = Hasher::new("parts");
                parts.iter().fold(&mut hasher, |h, file| h.text(&file.part).part(file.digest));
                hasher.digest()
            }
        };
        Self { digest, files }
    }

    /// An output that has no file, with the digest of what it is made from.
    pub(crate) fn in_memory(digest: Digest) -> Self {
        Self { digest, files: Vec::new() }
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        self.files.is_empty()
    }

    /// The file of a part; of the whole, if it is empty.
    pub(crate) fn file(&self, part: &str) -> Option<&OutputFile> {
        self.files.iter().find(|file| file.part == part)
    }

    /// The output as if it had one part.
    pub(crate) fn only(&self, part: &str) -> Option<Self> {
        Some(Self { digest: self.digest, files: vec![self.file(part)?.clone()] })
    }

    /// A name that leads out of the folder of the instance, if there is one.
    pub(crate) fn outside(&self) -> Option<&str> {
        let leads_out = |part: &str| {
            matches!(part, "" | "." | "..")
                || part.contains('\0')
                || cfg!(windows) && part.contains(':')
        };
        let is_separator = |c: char| c == '/' || cfg!(windows) && c == '\\';
        self.files.iter().find_map(|file| {
            let name = file.file.as_str();
            if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0', ':']) {
                return Some(name);
            }
            let mut within = file.folder.iter().flatten().map(|within| within.path.as_str());
            within.find(|path| path.split(is_separator).any(leads_out))
        })
    }
}

impl OutputFile {
    /// All of it, such as `csv.gz`: no other part of the name has a dot.
    pub(crate) fn extension(&self) -> &str {
        self.file.split_once('.').map_or("", |(_, extension)| extension)
    }

    /// All files with what they hold, relative to the folder of the instance.
    pub(crate) fn contents(&self) -> impl Iterator<Item = Content> + '_ {
        let at = Path::new(&self.file);
        let alone = self.folder.is_none().then(|| Content {
            path: at.to_owned(),
            digest: self.digest,
            bytes: self.bytes,
            executable: self.executable,
        });
        let within = self.folder.iter().flatten().filter_map(move |within| {
            let Within { path, bytes, executable, digest, .. } = within;
            let (path, digest) = (at.join(path), (*digest)?);
            Some(Content { path, digest, bytes: *bytes, executable: *executable })
        });
        alone.into_iter().chain(within)
    }

    /// All files, relative to the folder of the instance.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let alone = self.folder.is_none().then(|| PathBuf::from(&self.file));
        let within = self.folder.iter().flatten().filter(|within| within.digest.is_some());
        alone.into_iter().chain(within.map(|within| Path::new(&self.file).join(&within.path)))
    }
}

impl Store {
    /// The paths of all files of an output.
    pub(crate) fn output_paths(&self, folder: &Folder, output: &Output) -> Vec<PathBuf> {
        let at = self.root().join(folder);
        output.files.iter().flat_map(OutputFile::paths).map(|path| at.join(path)).collect()
    }

    /// Describes the file, or folder, that a task has written itself.
    pub(crate) fn describe(
        &self,
        part: &str,
        file: String,
        path: &Path,
    ) -> Result<OutputFile, StoreError> {
        let fs = &**self.fs();
        let stat = plain(fs, path)?;
        let part = part.to_owned();
        if !stat.folder {
            let digest = digest_file(fs, path).during("read", path)?;
            let Stat { bytes, modified, executable, .. } = stat;
            let folder = None;
            return Ok(OutputFile { part, file, digest, bytes, modified, executable, folder });
        }
        let mut within = Vec::new();
        describe_folder(fs, path, "", &mut within)?;
        let mut hasher = Hasher::new("folder output");
        for item in &within {
            hasher.text(&item.path).number(u64::from(item.digest.is_some()));
            hasher.part(item.digest.unwrap_or(Digest(0)));
        }
        let bytes = within.iter().filter(|item| item.digest.is_some()).map(|item| item.bytes);
        let (digest, bytes, folder) = (hasher.digest(), bytes.sum(), Some(within));
        Ok(OutputFile { part, file, digest, bytes, modified: 0, executable: false, folder })
    }

    /// Looks at the files of an output, by size and time and, if the time is another or tells
    /// nothing, by content.
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
        for file in &mut seen.output.files {
            match look_at_file(&**self.fs(), &at, file, trust)? {
                None => {}
                // Another one may be modified, and that decides.
                Some((Look::Gone, _)) if seen.look == Look::Gone => {}
                Some((look, what)) => (seen.look, seen.what) = (look, what),
            }
            if seen.look == Look::Modified {
                break;
            }
        }
        Ok(seen)
    }

    /// Removes the files of an output that no record names, as far as that can be done.
    pub(crate) fn discard(&self, folder: &Folder, output: &Output) {
        for file in &output.files {
            self.discard_path(&self.path(folder, &file.file));
        }
    }

    /// Removes a file or a folder that nothing names, as far as that can be done.
    pub(crate) fn discard_path(&self, path: &Path) {
        // It does no harm if this fails: nobody looks there.
        let _ = remove_all(&**self.fs(), path, &mut Vec::new());
    }
}

/// Whether a file is as recorded. If only its time is another, that is noted.
fn is_unchanged(
    (fs, trust): (&dyn Fs, Trust),
    path: &Path,
    stat: Stat,
    bytes: u64,
    modified: &mut i64,
    digest: Digest,
) -> Result<bool, StoreError> {
    if stat.bytes != bytes {
        return Ok(false);
    }
    if stat.modified == *modified && trust != Trust::Content {
        return Ok(true);
    }
    *modified = stat.modified;
    Ok(digest_file(fs, path).during("read", path)? == digest)
}

/// Looks at one part's file, or folder. Gives what is gone or was modified, if anything is.
fn look_at_file(
    fs: &dyn Fs,
    at: &Path,
    file: &mut OutputFile,
    trust: Trust,
) -> Result<Option<(Look, String)>, StoreError> {
    let path = at.join(&file.file);
    let stat = match fs.stat(&path) {
        Ok(stat) => stat,
        Err(error) if is_absent(&error) => return Ok(Some((Look::Gone, file.file.clone()))),
        Err(error) => return Err(error).during("look at", &path),
    };
    let modified = |what: &str| Ok(Some((Look::Modified, what.to_owned())));
    let Some(within) = &mut file.folder else {
        let whole = !stat.folder
            && is_unchanged((fs, trust), &path, stat, file.bytes, &mut file.modified, file.digest)?;
        return if whole { Ok(None) } else { modified(&file.file) };
    };
    if !stat.folder {
        return modified(&file.file);
    }
    let top = within.iter().filter(|item| !item.path.contains('/')).count() as u64;
    // Of a folder it is told how many names it has. What is missing is named before that.
    let mut folders = vec![(file.file.clone(), top)];
    for item in within {
        let name = format!("{}/{}", file.file, item.path);
        let path = at.join(&name);
        let stat = match fs.stat(&path) {
            Ok(stat) => stat,
            Err(error) if is_absent(&error) => return modified(&name),
            Err(error) => return Err(error).during("look at", &path),
        };
        let whole = match item.digest {
            Some(digest) => {
                !stat.folder
                    && is_unchanged(
                        (fs, trust),
                        &path,
                        stat,
                        item.bytes,
                        &mut item.modified,
                        digest,
                    )?
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

/// What is known of a file or folder that a task has written. A link might lead to anything, and
/// what it leads to might change.
fn plain(fs: &dyn Fs, path: &Path) -> Result<Stat, StoreError> {
    let refused = |what| Err(std::io::Error::other(what)).during("keep", path);
    match fs.kind(path).during("look at", path)? {
        FileKind::File | FileKind::Folder => fs.stat(path).during("look at", path),
        FileKind::Link => refused("it is a link: write, or copy, what it leads to"),
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

/// Removes a file, or a folder with all in it, if it is there; adds the files to `removed`.
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
        // What a link leads to is somebody else's.
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
