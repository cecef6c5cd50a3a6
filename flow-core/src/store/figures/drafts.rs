//! The figures and notes of a running task, before a record or a failure names them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::NOTE;
use super::format::{
    FigureError, MOST, MOST_BYTES, MOST_NOTE_BYTES, MOST_TOTAL_BYTES, check_name, format_of,
};
use crate::store::output::OutputFile;
use crate::store::{Folder, Store};

/// The figures and notes that one attempt to run a task has kept.
///
/// Their files are written at once, so that they take no memory. Those that were not taken are removed when this is
/// dropped.
pub(crate) struct FigureDrafts {
    store: Arc<Store>,
    folder: Folder,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: Vec<OutputFile>,
    /// Whether the files were taken. What is kept afterwards belongs to no output or failure.
    is_taken: bool,
}

impl State {
    /// Adds a file, in place of the figure with its name. Returns the file that it replaces.
    fn put(&mut self, file: OutputFile) -> Option<OutputFile> {
        match self.place(&file.part) {
            Some(place) => Some(std::mem::replace(&mut self.files[place], file)),
            None => {
                self.files.push(file);
                None
            }
        }
    }

    /// Returns the place of the figure with this name. Notes have none.
    fn place(&self, name: &str) -> Option<usize> {
        self.files.iter().position(|file| !name.is_empty() && file.part == name)
    }
}

impl FigureDrafts {
    /// Creates an empty list for files in this folder.
    pub(crate) fn new(store: &Arc<Store>, folder: &Folder) -> Self {
        Self { store: Arc::clone(store), folder: folder.clone(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a figure, in place of an earlier one of that name. Returns its file.
    ///
    /// # Errors
    ///
    /// The name, the format or the size is not allowed, or the file cannot be written. An earlier figure stays then.
    pub(crate) fn add_figure(&self, name: &str, content: &[u8]) -> Result<OutputFile, FigureError> {
        check_name(name)?;
        let what = format!("the figure `{name}`");
        check_size(&what, content, MOST_BYTES)?;
        let format = format_of(name, content)?;
        self.add(name, format.extension(), content, what)
    }

    /// Keeps a note. Returns its file.
    ///
    /// # Errors
    ///
    /// The size is not allowed, or the file cannot be written.
    pub(crate) fn add_note(&self, markdown: &str) -> Result<OutputFile, FigureError> {
        let what = "the note".to_owned();
        check_size(&what, markdown.as_bytes(), MOST_NOTE_BYTES)?;
        self.add("", NOTE, markdown.as_bytes(), what)
    }

    fn add(
        &self,
        name: &str,
        extension: &str,
        content: &[u8],
        what: String,
    ) -> Result<OutputFile, FigureError> {
        // Other threads of the task wait meanwhile, so that the limits hold for all of them together.
        let mut state = self.state();
        let earlier = state.place(name).map(|place| state.files[place].bytes);
        if earlier.is_none() && state.files.len() >= MOST {
            return Err(FigureError::TooMany { what, limit: MOST });
        }
        let all = state.files.iter().map(|file| file.bytes).sum::<u64>() + content.len() as u64;
        let bytes = all - earlier.unwrap_or_default();
        if bytes > MOST_TOTAL_BYTES {
            return Err(FigureError::TotalTooLarge { what, bytes, limit: MOST_TOTAL_BYTES });
        }
        let written = self.store.write_figure(&self.folder, name, extension, content);
        let file = written.map_err(|source| FigureError::Store { what, source })?;
        if let Some(earlier) = state.put(file.clone()) {
            self.store.discard_figures(&self.folder, &[earlier]);
        }
        Ok(file)
    }

    /// Takes over a file that another process has written into the same folder.
    pub(crate) fn adopt(&self, written: OutputFile) {
        let mut state = self.state();
        if !state.is_taken {
            // That process has removed the file that it has replaced.
            let _ = state.put(written);
        }
    }

    /// Takes over all files that another process has written into the same folder, and no others.
    pub(crate) fn adopt_all(&self, written: Vec<OutputFile>) {
        let mut state = self.state();
        if !state.is_taken {
            state.files = written;
        }
    }

    /// Returns the files, which the caller names in a record or a failure, or removes.
    pub(crate) fn take(&self) -> Vec<OutputFile> {
        let mut state = self.state();
        state.is_taken = true;
        std::mem::take(&mut state.files)
    }
}

impl Drop for FigureDrafts {
    fn drop(&mut self) {
        self.store.discard_figures(&self.folder, &self.take());
    }
}

fn check_size(what: &str, content: &[u8], limit: u64) -> Result<(), FigureError> {
    let bytes = content.len() as u64;
    match bytes > limit {
        true => Err(FigureError::TooLarge { what: what.to_owned(), bytes, limit }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::fs::Disk;

    const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

    fn drafts() -> (tempfile::TempDir, FigureDrafts) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::new(folder.path().to_owned(), Arc::new(Disk)));
        let at = Path::new("Train").join("0001020304050607");
        (folder, FigureDrafts::new(&store, &at))
    }

    fn files(drafts: &FigureDrafts) -> usize {
        let at = drafts.store.root().join(&drafts.folder);
        std::fs::read_dir(at).map_or(0, Iterator::count)
    }

    #[test]
    fn a_later_figure_replaces_an_earlier_one_of_its_name() {
        let (_folder, drafts) = drafts();
        drafts.add_figure("a", SVG.as_bytes()).expect("kept");
        drafts.add_note("one").expect("kept");
        drafts.add_note("two").expect("kept");
        let longer = format!("{SVG}<!-- again -->");
        drafts.add_figure("a", longer.as_bytes()).expect("kept");
        assert_eq!(files(&drafts), 3);
        let taken = drafts.take();
        let names: Vec<_> = taken.iter().map(|file| (file.part.as_str(), file.bytes)).collect();
        assert_eq!(names, [("a", longer.len() as u64), ("", 3), ("", 3)]);
        drop(drafts.take());
        assert_eq!(files(&drafts), 3, "they were taken");
    }

    #[test]
    fn figures_that_were_not_taken_are_removed() {
        let (_folder, drafts) = drafts();
        drafts.add_figure("a", SVG.as_bytes()).expect("kept");
        let at = drafts.store.root().join(&drafts.folder);
        drop(drafts);
        assert_eq!(std::fs::read_dir(at).expect("the folder").count(), 0);
    }

    #[test]
    fn the_number_and_the_sizes_are_limited() {
        let (_folder, drafts) = drafts();
        let large = vec![b' '; MOST_NOTE_BYTES as usize + 1];
        let error = drafts.add_note(std::str::from_utf8(&large).expect("text")).expect_err("large");
        assert_eq!(
            error.to_string(),
            "cannot keep the note: it has 65.5 kB, and at most 65.5 kB are allowed"
        );
        for place in 0..MOST {
            drafts.add_note(&place.to_string()).expect("kept");
        }
        let error = drafts.add_figure("a", SVG.as_bytes()).expect_err("one too many");
        assert!(error.to_string().contains("has kept 100 figures and notes"), "{error}");
        drop(drafts.take());

        let mut svg = SVG.as_bytes().to_vec();
        svg.resize(MOST_BYTES as usize, b' ');
        for name in ["a", "b", "c", "d", "a"] {
            drafts.add_figure(name, &svg).expect("kept");
        }
        let error = drafts.add_note("x").expect_err("too much in total");
        assert!(matches!(error, FigureError::TotalTooLarge { .. }), "{error}");
        svg.push(b' ');
        let error = drafts.add_figure("a", &svg).expect_err("too large");
        assert!(matches!(error, FigureError::TooLarge { .. }), "{error}");
    }
}
