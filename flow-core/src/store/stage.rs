//! Staging: writes an output under its final name before any record names it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::Refused;
use crate::base::key::{Digest, Short};
use crate::base::names::unique;
use crate::store::figures::is_lost;
use crate::store::output::{Output, OutputFile};
use crate::store::record::Record;
use crate::store::version::VersionName;
use crate::store::{Folder, RECORD, Store, bounds, json};

/// An output whose files are in place, and the draft of its record.
pub(crate) struct Staged {
    pub(crate) folder: Folder,
    pub(crate) key: Short,
    pub(crate) fingerprint: Digest,
    /// The name that distinguishes it from other outputs of the instance.
    pub(crate) version: VersionName,
    /// The digest of the output.
    pub(crate) digest: Digest,
    /// Whether the output was forced, so that no other output with its fingerprint may be reused.
    pub(crate) is_forced: bool,
    /// The files of the replaced output that are not kept. `None` if there was no output before.
    pub(crate) replaced: Option<HashSet<String>>,
    /// Whether the commit has removed a version because this output replaces it.
    pub(crate) has_taken_version: bool,
    /// The path of the record before it is renamed into place.
    pub(crate) draft: PathBuf,
    /// The output, as long as no record names it.
    pub(crate) output: Option<Output>,
    /// The paths of its files.
    pub(crate) data: Vec<PathBuf>,
    /// The paths of the folders in it, if the output is a folder.
    folders: Vec<PathBuf>,
}

impl Staged {
    /// Returns the files that must be durable before the record is renamed into place.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.data.iter().chain([&self.draft]).cloned().collect()
    }

    /// Returns the folders whose names must be durable before the record is renamed into place,
    /// besides that of the instance.
    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Marks the output as recorded without its files, which were not brought.
    pub(crate) fn without_files(&mut self) {
        self.data.clear();
        self.folders.clear();
    }
}

/// A file of an output that has to be brought into the folder of an instance.
pub(crate) struct Piece<'a> {
    /// The index of the file or folder that it belongs to among [all](Output::all_files) of the output.
    pub(crate) place: usize,
    /// Its path inside that, if that is a folder.
    within: Option<&'a str>,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    modified: i64,
    /// Whether the owner may execute the file.
    pub(crate) executable: bool,
}

impl Piece<'_> {
    /// Returns its name with `/`, where `whole` is the name of the file or folder it belongs to.
    pub(crate) fn name(&self, whole: &str) -> String {
        self.within.map_or_else(|| whole.to_owned(), |within| format!("{whole}/{within}"))
    }

    /// Returns its path, where `whole` is the path of the file or folder it belongs to.
    pub(crate) fn path(&self, whole: PathBuf) -> PathBuf {
        self.within.map_or_else(|| whole.clone(), |within| whole.join(within))
    }
}

impl Store {
    /// Returns the output with new names for its files in this folder.
    pub(crate) fn name_files(
        &self,
        output: &Output,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<Output, StoreError> {
        let mut named = Output { digest: output.digest, files: Vec::new(), figures: Vec::new() };
        for file in &output.files {
            let (name, _) = self.new_output(folder, fingerprint, &file.part, file.extension())?;
            named.files.push(OutputFile { file: name, ..file.clone() });
        }
        for figure in &output.figures {
            let OutputFile { digest, part, .. } = figure;
            let (name, _) = self.new_figure(folder, *digest, part, figure.extension())?;
            named.figures.push(OutputFile { file: name, ..figure.clone() });
        }
        Ok(named)
    }

    /// Stages the files of an output under new names in this folder.
    ///
    /// `bring` creates each file and returns its modification time in nanoseconds since 1970. If
    /// that fails, the files are removed. A figure that is lost is left out.
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
                let executable = file.executable;
                let piece = Piece { place, within: None, digest, bytes, modified, executable };
                file.modified = bring(&piece, &to)?;
                self.make_executable(executable, &to)?;
                continue;
            };
            self.fs.create_folder(&to).during("create the folder", &to)?;
            for item in within {
                let to = to.join(&item.path);
                let Some(digest) = item.digest else {
                    self.fs.create_folder(&to).during("create the folder", &to)?;
                    continue;
                };
                let (bytes, modified, executable) = (item.bytes, item.modified, item.executable);
                let within = Some(&*item.path);
                let piece = Piece { place, within, digest, bytes, modified, executable };
                item.modified = bring(&piece, &to)?;
                self.make_executable(executable, &to)?;
            }
        }
        let figures = std::mem::take(&mut staged.figures);
        for (place, figure) in (staged.files.len()..).zip(figures) {
            let to = self.path(folder, &figure.file);
            let OutputFile { digest, bytes, modified, executable, .. } = figure;
            let piece = Piece { place, within: None, digest, bytes, modified, executable };
            match bring(&piece, &to) {
                Ok(modified) => staged.figures.push(OutputFile { modified, ..figure }),
                Err(error) => {
                    self.discard_path(&to);
                    if !is_lost(&error) {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes a file executable, if it was recorded as executable.
    fn make_executable(&self, is_executable: bool, path: &Path) -> Result<(), StoreError> {
        match is_executable {
            true => self.fs.set_executable(path).during("make executable", path),
            false => Ok(()),
        }
    }

    /// Stages links to the files of another output in this folder.
    ///
    /// If that fails, the links are removed.
    pub(crate) fn stage_links(
        &self,
        from: &Path,
        output: &Output,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<Output, StoreError> {
        self.stage_files(output, folder, fingerprint, |piece, to| {
            let from = piece.path(from.join(&output.file_at(piece.place).file));
            self.link_file(&from, to, piece.modified, piece.digest)
        })
    }

    /// Links one file, or copies it, and verifies its content. Returns its modification time.
    pub(crate) fn link_verified(
        &self,
        from: &Path,
        to: &Path,
        digest: Digest,
    ) -> Result<i64, StoreError> {
        // No file has this time, so that the content is hashed.
        self.link_file(from, to, i64::MIN, digest)
    }

    /// Links one file, or copies it. Returns its modification time in nanoseconds since 1970.
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
        let now = self.fs.stat(to).during("inspect", to)?.modified;
        // A copy is hashed, and so is a file that was written since it was checked, or whose time proves nothing.
        if !linked || now != modified || self.checks_content() {
            let found = crate::files::digest_file(&*self.fs, to).during("read", to)?;
            if found != digest {
                let changed = std::io::Error::other("it changed meanwhile");
                return Err(changed).during("reuse", from);
            }
        }
        Ok(now)
    }

    /// Returns a new name for the file of an output or part in this folder, and creates the folder.
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

    /// Writes the draft of a record.
    ///
    /// `is_new` says that no record names the output yet.
    ///
    /// # Errors
    ///
    /// The draft cannot be written, or the store requires signatures and the record has no right one.
    pub(crate) fn stage_record(
        &self,
        folder: &Folder,
        record: &Record,
        is_new: bool,
    ) -> Result<Staged, StoreError> {
        self.accept(record)?;
        if record.output.is_in_memory() {
            // No file of the output has created the folder.
            let at = self.root.join(folder);
            self.fs.create_folder(&at).during("create the folder", &at)?;
        }
        let draft = self.draft_record(&self.path(folder, RECORD), record)?;
        let output = is_new.then(|| record.output.clone());
        let figures = output.iter().flat_map(|output| &output.figures);
        let figures = figures.map(|figure| self.path(folder, &figure.file));
        let data = output.iter().flat_map(|output| self.output_paths(folder, output));
        let data = data.chain(figures).collect();
        let files = output.iter().flat_map(|output| &output.files);
        let folders =
            files.flat_map(OutputFile::folders).map(|path| self.root.join(folder).join(path));
        let folders = folders.collect();
        Ok(Staged {
            folder: folder.clone(),
            key: record.key.short(),
            fingerprint: record.fingerprint,
            version: VersionName::of(record),
            digest: record.output.digest,
            is_forced: false,
            replaced: None,
            has_taken_version: false,
            draft,
            output,
            data,
            folders,
        })
    }

    /// Writes the draft of a record beside its place.
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
        // A record that exceeds the limit could not be read again.
        json::check(&bytes).map_err(std::io::Error::other).during("write", &draft)?;
        let unfinished = Unfinished { store: self, path: &draft };
        let mut file = self.fs.create(&draft).during("create", &draft)?;
        file.write_all(&bytes).and_then(|()| file.flush()).during("write", &draft)?;
        unfinished.keep();
        Ok(draft)
    }
}

/// A file that is removed on drop, unless `keep` is called.
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
        // No record names the file, so errors are ignored.
        let _ = self.store.fs.remove(self.path);
    }
}
