//! The reads of a running task, which are recorded with its output, and the files that it may have read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::files::{Contents, Named, Stamp};
use crate::store::read_columns::ReadColumns;
use crate::store::record::Read;
use crate::target::ColumnDigests;

/// The reads of a running task, besides the outputs of its inputs, and how much it has read of these.
#[derive(Default)]
pub(crate) struct Reads {
    read: Mutex<BTreeSet<Read>>,
    /// How much was read of each input that was loaded, by the path of its handle.
    contents: Mutex<BTreeMap<HandlePath, Content>>,
    /// The files that the task may have read, with their stamps from before; `None` if a stamp could not be read.
    watched: Mutex<BTreeMap<(PathBuf, Named), Option<Stamp>>>,
}

/// The path of a handle: the number of the dynamic requirement that it starts from, or 0, and the indices of inputs.
type HandlePath = (u32, Vec<usize>);

/// How much of an input's content was read.
enum Content {
    Whole,
    /// These columns, by part.
    Columns(BTreeMap<String, ColumnDigests>),
}

impl Reads {
    /// Records that all of an input's content was read, or that it is not known how much.
    pub(crate) fn add_whole(&self, required: u32, input: &[usize]) {
        let mut contents = self.contents.lock().expect("lock poisoned");
        contents.insert((required, input.to_vec()), Content::Whole);
    }

    /// Records that these columns of a part of an input were read.
    pub(crate) fn add_columns(
        &self,
        required: u32,
        input: &[usize],
        part: &str,
        columns: ColumnDigests,
    ) {
        let mut contents = self.contents.lock().expect("lock poisoned");
        let content = contents.entry((required, input.to_vec()));
        match content.or_insert_with(|| Content::Columns(BTreeMap::new())) {
            Content::Whole => {}
            Content::Columns(parts) => {
                parts.entry(part.to_owned()).or_default().extend(columns);
            }
        }
    }

    /// Adds the columns that the same task has read in another process.
    pub(crate) fn add_read_columns(&self, columns: Vec<ReadColumns>) {
        for ReadColumns { input, required, part, columns } in columns {
            let input = if required == 0 { vec![input] } else { Vec::new() };
            self.add_columns(required, &input, &part, columns);
        }
    }

    /// Returns the inputs and required instances of which only columns were read.
    ///
    /// The members of an aggregate are left out: the content of the aggregate counts as a whole.
    pub(crate) fn columns(&self) -> Vec<ReadColumns> {
        let contents = self.contents.lock().expect("lock poisoned");
        let mut all = Vec::new();
        for ((required, input), content) in &*contents {
            let Content::Columns(parts) = content else { continue };
            let input = match (*required, input.as_slice()) {
                (0, [input]) => *input,
                (1.., []) => 0,
                _ => continue,
            };
            all.extend(parts.iter().map(|(part, columns)| ReadColumns {
                input,
                required: *required,
                part: part.clone(),
                columns: columns.clone(),
            }));
        }
        all
    }

    /// Records a read.
    pub(crate) fn add(&self, read: Read) {
        self.read.lock().expect("lock poisoned").insert(read);
    }

    /// Returns all recorded reads, sorted.
    pub(crate) fn all(&self) -> Vec<Read> {
        self.read.lock().expect("lock poisoned").iter().cloned().collect()
    }

    /// Watches files that the task is about to read: writes to them are noticed from now on.
    ///
    /// # Errors
    ///
    /// The files were watched before and have been written since, or their stamps cannot be read.
    pub(crate) fn watch(
        &self,
        contents: &Contents,
        path: &Path,
        named: Named,
    ) -> Result<(), WatchError> {
        let now = contents.stamp(path, named);
        let mut watched = self.watched.lock().expect("lock poisoned");
        let before = watched.entry((path.to_owned(), named));
        let before = before.or_insert_with(|| now.as_ref().ok().cloned()).clone();
        drop(watched);
        let now = now?;
        compare(path, before.as_ref(), &now)?;
        now.settle();
        Ok(())
    }

    /// Returns an error if any of the watched files was written. `now` are files that were looked at since the task has
    /// ended.
    pub(crate) fn check_unwritten(
        &self,
        contents: &Contents,
        now: &LookedAt,
    ) -> Result<(), WatchError> {
        let watched = self.watched.lock().expect("lock poisoned");
        let mut watched = watched.iter();
        watched.try_for_each(|(files, before)| {
            if let Some((stamp, _)) = now.0.get(files) {
                return compare(&files.0, before.as_ref(), stamp);
            }
            compare(&files.0, before.as_ref(), &contents.stamp(&files.0, files.1)?)
        })
    }
}

/// The files that were looked at since a task has ended, with their stamps and their content: each is looked at once.
#[derive(Default)]
pub(crate) struct LookedAt(BTreeMap<(PathBuf, Named), (Stamp, Option<Digest>)>);

impl LookedAt {
    /// Returns the digest of the content of the files at a path. `None` if there are none.
    pub(crate) fn content(
        &mut self,
        contents: &Contents,
        path: &Path,
        named: Named,
    ) -> Result<Option<Digest>, StoreError> {
        let files = (path.to_owned(), named);
        if let Some((_, content)) = self.0.get(&files) {
            return Ok(*content);
        }
        let (stamp, content) = contents.stamp_and_content(path, named)?;
        self.0.insert(files, (stamp, content));
        Ok(content)
    }
}

/// Compares the stamp of a file with its earlier stamp.
fn compare(path: &Path, before: Option<&Stamp>, now: &Stamp) -> Result<(), WatchError> {
    match before {
        Some(before) if before.is(now) => Ok(()),
        Some(_) => Err(WatchError::Rewritten { path: path.to_owned() }),
        None => Err(WatchError::Unknown { path: path.to_owned() }),
    }
}

/// Why a task may have read other content than is recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// A file was written while the task ran.
    #[error(
        "{path:?} was rewritten while the task was running, so the task may have read a part of it; run it \
         again"
    )]
    Rewritten { path: PathBuf },
    /// The stamp of a file could not be read before the task read the file.
    #[error(
        "cannot tell whether {path:?} was rewritten while the task was running, because its size and times \
         could not be read before; run it again"
    )]
    Unknown { path: PathBuf },
    /// The stamp of a file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
