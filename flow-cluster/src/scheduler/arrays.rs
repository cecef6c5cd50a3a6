//! [`Arrays`]: the names of the arrays of workers of a pool, in files.
//!
//! A file `<run>.<array>` exists from before the array is submitted until all its workers have ended. A run that was killed leaves
//! it, and a later one adopts the array by renaming it: of several runs, one succeeds.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow_core::fs::Fs;
use serde::{Deserialize, Serialize};

use crate::error::{ClusterError, IoContext, is_gone};
use crate::names::{ArrayName, is_run};

const ARRAYS: &str = "arrays";
const OUTPUT: &str = "output";

/// The end of the name of a file with the output of a worker.
pub(super) const OUTPUT_END: &str = ".txt";

/// The most bytes of a file that describes an array, and of the end of an output that is read.
const MOST_DESCRIBED: u64 = 1 << 20;
const MOST_OUTPUT: u64 = 4 << 20;

/// The most workers of an array, of whatever a file says.
const MOST_WORKERS: usize = 10_000;

/// The files of a pool beside its queue.
pub(super) struct Arrays {
    folder: PathBuf,
    fs: Arc<dyn Fs>,
}

/// An array, as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    /// The run that has submitted or adopted it.
    pub(super) owner: String,
    pub(super) name: ArrayName,
    /// The digest of the program.
    pub(super) build: String,
    /// The number of workers.
    pub(super) workers: usize,
}

/// The content of the file of an array.
#[derive(Serialize, Deserialize)]
struct Described {
    build: String,
    workers: usize,
}

impl Arrays {
    /// Returns the files of the pool in a folder.
    pub(super) fn new(pool: &Path, fs: Arc<dyn Fs>) -> Self {
        Self { folder: pool.to_owned(), fs }
    }

    /// Creates the folders.
    pub(super) fn prepare(&self) -> Result<(), ClusterError> {
        for part in [ARRAYS, OUTPUT] {
            let folder = self.folder.join(part);
            self.fs.create_folder(&folder).during("create", &folder)?;
        }
        Ok(())
    }

    fn file(&self, owner: &str, name: &ArrayName) -> PathBuf {
        self.folder.join(ARRAYS).join(format!("{owner}.{name}"))
    }

    /// Writes the name of an array that is about to be submitted, so that the name is stored even if this machine fails.
    pub(super) fn note(&self, noted: &Noted) -> Result<(), ClusterError> {
        let described = Described { build: noted.build.clone(), workers: noted.workers };
        let path = self.file(&noted.owner, &noted.name);
        let bytes = serde_json::to_vec(&described).map_err(io::Error::from);
        let bytes = bytes.during("write", &path)?;
        let created = self.fs.create(&path);
        let written =
            created.and_then(|mut file| file.write_all(&bytes).and_then(|()| file.flush()));
        // A network file system may say only now that it has no room for it.
        let files = [path.clone()];
        let synced = written.and_then(|()| self.fs.sync(&files, &[self.folder.join(ARRAYS)]));
        synced.during("write", &path)
    }

    /// Forgets an array whose workers have ended.
    pub(super) fn forget(&self, owner: &str, name: &ArrayName) {
        // If the file stays, the next run finds that nothing of it is left.
        let _ = self.fs.remove(&self.file(owner, name));
    }

    /// Returns all arrays, in order. Files that are damaged are arrays of no build and no worker.
    pub(super) fn list(&self) -> Result<Vec<Noted>, ClusterError> {
        let folder = self.folder.join(ARRAYS);
        let mut found = Vec::new();
        for name in names(&*self.fs, &folder)? {
            let Some((owner, array)) = name.split_once('.') else { continue };
            let Some(array) = ArrayName::parse(array).filter(|_| is_run(owner)) else { continue };
            let read = self.fs.read(&folder.join(&name), MOST_DESCRIBED).ok();
            let described = read.and_then(|bytes| serde_json::from_slice::<Described>(&bytes).ok());
            let (build, workers) = described
                .map_or_else(Default::default, |described| (described.build, described.workers));
            let workers = workers.min(MOST_WORKERS);
            found.push(Noted { owner: owner.to_owned(), name: array, build, workers });
        }
        Ok(found)
    }

    /// Makes a run the owner of an array whose owner is gone. Returns whether no other run was faster.
    pub(super) fn adopt(&self, noted: &Noted, by: &str) -> bool {
        let to = self.file(by, &noted.name);
        match self.fs.rename(&self.file(&noted.owner, &noted.name), &to) {
            Ok(()) => true,
            // A network file system may have done it, lost the reply, and tried again.
            Err(error) => is_gone(&error) && self.fs.open(&to).is_ok(),
        }
    }

    /// Returns the path of the output of a worker up to the number of the worker.
    pub(super) fn output(&self, name: &ArrayName) -> PathBuf {
        self.folder.join(OUTPUT).join(format!("{name}-"))
    }

    /// Returns the end of what a worker has printed; nothing if that cannot be read.
    pub(super) fn printed(&self, name: &ArrayName, task: u32) -> String {
        let path = self.folder.join(OUTPUT).join(format!("{name}-{task}{OUTPUT_END}"));
        // The last lines say why it has ended.
        let begin = self.fs.stat(&path).map_or(0, |stat| stat.bytes.saturating_sub(MOST_OUTPUT));
        // It may have grown since.
        let bytes = self.fs.read_from(&path, begin, 2 * MOST_OUTPUT).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Removes the outputs of arrays that are over.
    pub(super) fn tidy(&self) {
        let (Ok(noted), Ok(outputs)) = (self.list(), names(&*self.fs, &self.folder.join(OUTPUT)))
        else {
            return;
        };
        for output in outputs {
            let array = output.rsplit_once('-').map(|(array, _)| array);
            if !noted.iter().any(|noted| array == Some(noted.name.to_string().as_str())) {
                let _ = self.fs.remove(&self.folder.join(OUTPUT).join(output));
            }
        }
    }
}

/// Returns the names in a folder, in order. A folder that does not exist has none.
pub(super) fn names(fs: &dyn Fs, folder: &Path) -> Result<Vec<String>, ClusterError> {
    let names = match fs.list(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        names => names.during("list", folder)?,
    };
    let mut names: Vec<_> = names.into_iter().filter_map(|name| name.into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use flow_core::fs::Disk;

    use super::*;

    const RUN: &str = "fedcba9876543210";
    const OTHER: &str = "0123456789abcdef";

    fn arrays() -> (tempfile::TempDir, Arrays) {
        let folder = tempfile::tempdir().expect("a folder");
        let arrays = Arrays::new(folder.path(), Arc::new(Disk));
        arrays.prepare().expect("folders");
        (folder, arrays)
    }

    fn noted(number: u32) -> Noted {
        let name = ArrayName::new(RUN, number);
        Noted { owner: RUN.to_owned(), name, build: "b".to_owned(), workers: 3 }
    }

    #[test]
    fn an_array_is_found_until_it_is_forgotten() {
        let (_folder, arrays) = arrays();
        arrays.note(&noted(1)).expect("a file");
        arrays.note(&noted(2)).expect("a file");
        assert_eq!(arrays.list().expect("a list"), [noted(1), noted(2)]);
        arrays.forget(RUN, &noted(1).name);
        assert_eq!(arrays.list().expect("a list"), [noted(2)]);
    }

    #[test]
    fn one_run_adopts_an_array() {
        let (_folder, arrays) = arrays();
        arrays.note(&noted(1)).expect("a file");
        assert!(arrays.adopt(&noted(1), OTHER));
        assert!(!arrays.adopt(&noted(1), "aaaaaaaaaaaaaaaa"));
        let adopted = Noted { owner: OTHER.to_owned(), ..noted(1) };
        assert_eq!(arrays.list().expect("a list"), [adopted]);
    }

    #[test]
    fn files_of_others_and_damaged_ones_do_no_harm() {
        let (folder, arrays) = arrays();
        let write = |name: String| {
            std::fs::write(folder.path().join(ARRAYS).join(name), "{").expect("a file")
        };
        write("notes.txt".to_owned());
        write(format!("{RUN}.flow-{RUN}-x"));
        write(format!("{RUN}.flow-{RUN}-7"));
        let damaged = Noted { build: String::new(), workers: 0, ..noted(7) };
        assert_eq!(arrays.list().expect("a list"), [damaged]);
    }

    #[test]
    fn the_end_of_a_long_output_is_read() {
        let (_folder, arrays) = arrays();
        let path = format!("{}1{OUTPUT_END}", arrays.output(&noted(1).name).display());
        let many = "a line\n".repeat(MOST_OUTPUT as usize / 7 + 9);
        std::fs::write(path, format!("{many}out of memory\n")).expect("a file");
        let printed = arrays.printed(&noted(1).name, 1);
        assert_eq!(printed.len() as u64, MOST_OUTPUT);
        assert!(printed.ends_with("a line\nout of memory\n"));
    }

    #[test]
    fn an_array_whose_name_cannot_be_stored_is_an_error() {
        let (folder, arrays) = arrays();
        std::fs::remove_dir(folder.path().join(ARRAYS)).expect("an empty folder");
        assert!(arrays.note(&noted(1)).is_err());
        arrays.prepare().expect("folders");
        arrays.note(&noted(1)).expect("a file");
        assert!(arrays.note(&noted(1)).is_err(), "a name is used once");
    }

    #[test]
    fn the_outputs_of_arrays_that_are_over_are_removed() {
        let (folder, arrays) = arrays();
        arrays.note(&noted(1)).expect("a file");
        let output = folder.path().join(OUTPUT);
        for number in [1, 2] {
            let path = format!("{}1{OUTPUT_END}", arrays.output(&noted(number).name).display());
            std::fs::write(path, "text").expect("a file");
        }
        assert_eq!(arrays.printed(&noted(2).name, 1), "text");
        arrays.tidy();
        assert_eq!(arrays.printed(&noted(1).name, 1), "text");
        assert_eq!(arrays.printed(&noted(2).name, 1), "");
        assert_eq!(std::fs::read_dir(output).expect("a folder").count(), 1);
    }
}
