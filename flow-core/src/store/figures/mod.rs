//! Figures and notes: what a task keeps for people besides its output.
//!
//! ```text
//! data/Train/model=Logistic-3f2a91c04b77e010/
//!   figure-8c1f02ab44d01e9f-5b2e9c0122a4d7f0-roc.svg   the figure `roc` of an output, or of a failure
//!   figure-02d7b1f0a94c3e55-0c81aa9e33b1c4d2.md        a note
//! ```
//!
//! A task keeps them through [`FigureDrafts`], each in a file of its own: the name has the digest of the content, and
//! digits that no other file has. They are listed in [`Output::figures`] of the record or, if the task failed, in the
//! file of the failure. They belong to that version of the output, or to that failure, and are removed with it. A file
//! that neither names is removed by `gc`.
//!
//! Invariants:
//!
//! - No digest or fingerprint depends on a figure, and an output without its figures is whole. So a figure that differs
//!   in each run makes nothing run again.
//! - A running task cannot read figures: no later plan would notice that they have changed.
//! - The number and the sizes of the figures of an attempt are limited.
//! - A record may come from anyone: the content of a figure is compared with its digest whenever it is read. It is not
//!   sanitized: an SVG may have scripts.

mod drafts;
mod format;
mod read;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

pub(crate) use self::drafts::FigureDrafts;
pub use self::format::{FigureError, FigureFormat};
pub use self::read::Figure;
pub(crate) use self::read::{Notes, figures_and_notes};
use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, digest_bytes};
use crate::base::names::unique;
use crate::files::is_absent;
use crate::store::folder::{extension_name, part_name};
use crate::store::output::{Comparison, Output, OutputFile, SingleFile, is_outside, is_unchanged};
use crate::store::reset::is_output;
use crate::store::trust::Trust;
use crate::store::unwritable::is_refusal;
use crate::store::{Folder, Store};
use crate::target::ColumnDigests;

/// The beginning of the names of files of figures and notes.
pub(super) const FIGURE: &str = "figure-";

/// The extension of a note.
const NOTE: &str = "md";

/// Returns whether a file name is that of a figure or a note in the folder of an instance.
pub(super) fn is_figure(name: &str) -> bool {
    name.starts_with(FIGURE) && is_output(name) && !is_outside(name)
}

/// Returns whether a figure that could not be brought is gone or damaged.
///
/// Then the output is taken over without it. Any other error may be gone the next time.
pub(super) fn is_lost(error: &StoreError) -> bool {
    match error {
        StoreError::Damaged { .. } => true,
        StoreError::Io { source, .. } => !is_refusal(source.kind()),
        StoreError::Remote { source, .. } => is_absent(source),
        _ => false,
    }
}

impl Output {
    /// Returns all files that belong to the output: its own, then those of figures and notes.
    pub(crate) fn all_files(&self) -> impl Iterator<Item = &OutputFile> {
        self.files.iter().chain(&self.figures)
    }

    /// Returns the file at this place in [`all_files`](Self::all_files).
    pub(crate) fn file_at(&self, place: usize) -> &OutputFile {
        match place.checked_sub(self.files.len()) {
            None => &self.files[place],
            Some(place) => &self.figures[place],
        }
    }

    /// Returns all files that belong to the output, those in folders included, with digests and sizes.
    pub(crate) fn contents(&self) -> impl Iterator<Item = SingleFile> + '_ {
        self.all_files().flat_map(OutputFile::contents)
    }
}

impl Store {
    /// Returns a new name for the file of a figure or note in this folder, and creates the folder.
    ///
    /// A note has no name.
    pub(super) fn new_figure(
        &self,
        folder: &Folder,
        digest: Digest,
        name: &str,
        extension: &str,
    ) -> Result<(String, PathBuf), StoreError> {
        let at = self.root.join(folder);
        self.fs.create_folder(&at).during("create the folder", &at)?;
        let start = (digest.0 >> 64) as u64;
        let mut file = format!("{FIGURE}{start:016x}-{}", unique());
        if !name.is_empty() {
            file.push('-');
            // The extension begins at the first dot.
            file.push_str(&part_name(name).replace('.', "_"));
        }
        file.push('.');
        file.push_str(&extension_name(extension));
        let path = at.join(&file);
        Ok((file, path))
    }

    /// Writes the file of a figure or note. No record names it yet.
    fn write_figure(
        &self,
        folder: &Folder,
        name: &str,
        extension: &str,
        content: &[u8],
    ) -> Result<OutputFile, StoreError> {
        let digest = digest_bytes(content);
        let (file, path) = self.new_figure(folder, digest, name, extension)?;
        let modified = self.write_new(&path, content).inspect_err(|_| self.discard_path(&path))?;
        Ok(OutputFile {
            part: name.to_owned(),
            file,
            digest,
            bytes: content.len() as u64,
            modified,
            executable: false,
            folder: None,
            columns: ColumnDigests::default(),
        })
    }

    /// Writes a new file, and returns its modification time in nanoseconds since 1970.
    fn write_new(&self, path: &Path, content: &[u8]) -> Result<i64, StoreError> {
        let mut file = self.fs.create(path).during("create", path)?;
        file.write_all(content).and_then(|()| file.flush()).during("write", path)?;
        drop(file);
        Ok(self.fs.stat(path).during("inspect", path)?.modified)
    }

    /// Removes the files of figures that nothing names. Errors are ignored.
    pub(crate) fn discard_figures(&self, folder: &Folder, figures: &[OutputFile]) {
        for figure in figures.iter().filter(|figure| is_figure(&figure.file)) {
            self.discard_path(&self.path(folder, &figure.file));
        }
    }

    /// Removes the figures whose files are gone or modified from an output, so that it can be copied to another place.
    pub(crate) fn without_lost_figures(&self, folder: &Folder, output: &mut Output) {
        output.figures.retain(|figure| {
            let path = self.path(folder, &figure.file);
            let Ok(stat) = self.fs.stat(&path) else { return false };
            let how = Comparison { fs: &*self.fs, trust: Trust::Stamps, checked: None };
            let mut modified = figure.modified;
            let is_unchanged =
                is_unchanged(how, &path, stat, figure.bytes, &mut modified, figure.digest);
            !stat.folder && is_unchanged.unwrap_or(false)
        });
    }

    /// Returns the names of the files of figures that the failure in a folder has, if there is one.
    pub(super) fn failed_figures(&self, folder: &Folder) -> HashSet<String> {
        self.figures_of_failure(folder).into_iter().map(|figure| figure.file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_from_other_files_by_their_names() {
        let digits = "0123456789abcdef";
        assert!(is_figure(&format!("figure-{digits}-{digits}-roc.svg")));
        assert!(is_figure(&format!("figure-{digits}-{digits}.md")));
        for other in [
            "figure.svg".to_owned(),
            format!("data-{digits}-{digits}.svg"),
            format!("figure-{digits}-{digits}/../../secret"),
            format!("../figure-{digits}-{digits}.svg"),
        ] {
            assert!(!is_figure(&other), "{other}");
        }
    }
}
