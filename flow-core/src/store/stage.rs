//! Staging: an output is written under its final name before any record names it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::Refused;
use crate::base::key::{Digest, Short};
use crate::base::names::unique;
use crate::store::output::{Output, OutputFile};
use crate::store::record::Record;
use crate::store::version::VersionName;
use crate::store::{Folder, RECORD, Store, bounds, json};

/// An output that lies in its place, and the record that will say so.
pub(crate) struct Staged {
    pub(crate) folder: Folder,
    pub(crate) key: Short,
    pub(crate) fingerprint: Digest,
    /// What tells it apart from other outputs of the instance.
    pub(crate) version: VersionName,
    /// Of the output.
    pub(crate) digest: Digest,
    /// Whether what was made from the same before is not to be adopted any more.
    pub(crate) is_forced: bool,
    /// If another output was there before it was committed, the files that are not kept of that.
    pub(crate) replaced: Option<HashSet<String>>,
    /// The record under a name that nobody reads.
    pub(crate) draft: PathBuf,
    /// The output, if no record names it yet, and its files.
    pub(crate) output: Option<Output>,
    pub(crate) data: Vec<PathBuf>,
}

impl Staged {
    /// The files that must be durable before the record is seen.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.data.iter().chain([&self.draft]).cloned().collect()
    }
}

/// A file of an output that is to be brought to where it is kept.
pub(crate) struct Piece<'a> {
    /// Of which file, or folder, of the output.
    pub(crate) place: usize,
    /// Its path in that, if it is a folder.
    within: Option<&'a str>,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    modified: i64,
}

impl Piece<'_> {
    /// Its name with `/`, if the whole has this one.
    pub(crate) fn name(&self, whole: &str) -> String {
        self.within.map_or_else(|| whole.to_owned(), |within| format!("{whole}/{within}"))
    }

    /// Where it lies, if the whole lies here.
    pub(crate) fn path(&self, whole: PathBuf) -> PathBuf {
        self.within.map_or_else(|| whole.clone(), |within| whole.join(within))
    }
}

impl Store {
    /// Gives the files of an output names in this folder, of which there is none yet.
    pub(crate) fn name_files(
        &self,
        output: &Output,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<Output, StoreError> {
        let mut named = Output { digest: output.digest, files: Vec::new() };
        for file in &output.files {
            let (name, _) = self.new_output(folder, fingerprint, &file.part, file.extension())?;
            named.files.push(OutputFile { file: name, ..file.clone() });
        }
        Ok(named)
    }

    /// Gives the files of an output names in this folder; `bring` puts each there, and says when it was
    /// written.
    ///
    /// If that fails, nothing of it is left.
    pub(crate) fn stage_files(
        &self,
        output: &Output,
        folder: &Folder,
        fingerprint: Digest,
        bring: impl FnMut(&Piece<'_>, &Path) -> Result<i64, StoreError>,
    ) -> Result<Output, StoreError> {
        let mut staged = self.name_files(output, folder, fingerprint)?;
        match self.fill(&mut staged, folder, bring) {
            Ok(()) => Ok(staged),
            Err(error) => {
                self.discard(folder, &staged);
                Err(error)
            }
        }
    }

    fn fill(
        &self,
        staged: &mut Output,
        folder: &Folder,
        mut bring: impl FnMut(&Piece<'_>, &Path) -> Result<i64, StoreError>,
    ) -> Result<(), StoreError> {
        for (place, file) in staged.files.iter_mut().enumerate() {
            let to = self.path(folder, &file.file);
            let (digest, bytes, modified) = (file.digest, file.bytes, file.modified);
            let Some(within) = &mut file.folder else {
                let piece = Piece { place, within: None, digest, bytes, modified };
                file.modified = bring(&piece, &to)?;
                self.make_executable(file.executable, &to)?;
                continue;
            };
            self.fs.create_folder(&to).during("create the folder", &to)?;
            for item in within {
                let to = to.join(&item.path);
                let Some(digest) = item.digest else {
                    self.fs.create_folder(&to).during("create the folder", &to)?;
                    continue;
                };
                let (bytes, modified) = (item.bytes, item.modified);
                let piece = Piece { place, within: Some(&item.path), digest, bytes, modified };
                item.modified = bring(&piece, &to)?;
                self.make_executable(item.executable, &to)?;
            }
        }
        Ok(())
    }

    /// Makes a file executable, if it is recorded as such.
    fn make_executable(&self, is_executable: bool, path: &Path) -> Result<(), StoreError> {
        match is_executable {
            true => self.fs.set_executable(path).during("make executable", path),
            false => Ok(()),
        }
    }

    /// Gives the files of another version's output names in this folder too.
    ///
    /// If that fails, nothing of it is left.
    pub(crate) fn stage_links(
        &self,
        from: &Path,
        output: &Output,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<Output, StoreError> {
        self.stage_files(output, folder, fingerprint, |piece, to| {
            let from = piece.path(from.join(&output.files[piece.place].file));
            self.link_file(&from, to, piece.modified, piece.digest)
        })
    }

    /// Links one file, or copies it, and says when it was written.
    fn link_file(
        &self,
        from: &Path,
        to: &Path,
        modified: i64,
        digest: Digest,
    ) -> Result<i64, StoreError> {
        let linked = self.fs.link(from, to).is_ok();
        if !linked {
            self.fs.copy(from, to).during("copy to", to)?;
        }
        let now = self.fs.stat(to).during("look at", to)?.modified;
        // A copy, or a file that was written since it was looked at, has to show what it is.
        if !linked || now != modified {
            let found = crate::files::digest_file(&*self.fs, to).during("read", to)?;
            if found != digest {
                let changed = std::io::Error::other("it changed meanwhile");
                return Err(changed).during("take over", from);
            }
        }
        Ok(now)
    }

    /// A new name for an output, or a part of it, in this folder, which is made if need be.
    pub(crate) fn new_output(
        &self,
        folder: &Folder,
        fingerprint: Digest,
        part: &str,
        extension: &str,
    ) -> Result<(String, PathBuf), StoreError> {
        let at = self.root.join(folder);
        self.fs.create_folder(&at).during("create the folder", &at)?;
        let version = (fingerprint.0 >> 64) as u64;
        let mut file = format!("data-{version:016x}-{}", unique());
        if !part.is_empty() {
            file.push('-');
            file.push_str(&super::folder::part_name(part));
        }
        if !extension.is_empty() {
            file.push('.');
            file.push_str(&super::folder::extension_name(extension));
        }
        let path = at.join(&file);
        Ok((file, path))
    }

    /// Writes a record under a name that nobody reads. `is_new` says that no other record names
    /// its output.
    pub(crate) fn stage_record(
        &self,
        folder: &Folder,
        record: &Record,
        is_new: bool,
    ) -> Result<Staged, StoreError> {
        if record.output.is_in_memory() {
            // No file has made it yet.
            let at = self.root.join(folder);
            self.fs.create_folder(&at).during("create the folder", &at)?;
        }
        let draft = self.draft_record(&self.path(folder, RECORD), record)?;
        let output = is_new.then(|| record.output.clone());
        let data = output.iter().flat_map(|output| self.output_paths(folder, output)).collect();
        Ok(Staged {
            folder: folder.clone(),
            key: record.key.short(),
            fingerprint: record.fingerprint,
            version: VersionName::of(record),
            digest: record.output.digest,
            is_forced: false,
            replaced: None,
            draft,
            output,
            data,
        })
    }

    /// Writes a record beside its place, under a name that nobody reads.
    pub(crate) fn draft_record(
        &self,
        place: &Path,
        record: &Record,
    ) -> Result<PathBuf, StoreError> {
        let name = place.file_name().and_then(|name| name.to_str()).unwrap_or(RECORD);
        let draft = place.with_file_name(format!("{name}.{}", unique()));
        let bytes = record.to_bytes().map_err(std::io::Error::from).during("write", &draft)?;
        if bytes.len() as u64 > bounds::RECORD {
            let (bytes, limit) = (bytes.len() as u64, bounds::RECORD);
            return Err(Refused::TooLarge { bytes, limit }.into()).during("write", &draft);
        }
        // It could not be read again.
        json::check(&bytes).map_err(std::io::Error::other).during("write", &draft)?;
        let unfinished = Unfinished { store: self, path: &draft };
        let mut file = self.fs.create(&draft).during("create", &draft)?;
        file.write_all(&bytes).and_then(|()| file.flush()).during("write", &draft)?;
        unfinished.keep();
        Ok(draft)
    }
}

/// A file that is removed if what fills it fails, or panics.
struct Unfinished<'a> {
    store: &'a Store,
    path: &'a Path,
}

impl Unfinished<'_> {
    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // Nothing names the file, so that it does no harm if this fails too.
        let _ = self.store.fs.remove(self.path);
    }
}
