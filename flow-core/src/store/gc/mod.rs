//! Garbage collection: finds and removes what the store no longer needs.
//!
//! [`search`] finds garbage and [`sweep`] removes it, so that users see what would be removed
//! before it is. `sweep` checks each item again and skips it if its record was replaced, if a
//! record names it now, or if it was touched since.
//!
//! Invariants:
//!
//! - An instance is removed only if the caller names the wanted roots, and never while a run is in
//!   progress. An instance that the record of a wanted one names, in whichever field, is wanted
//!   too.
//! - A running process has files that no record names yet. So items that changed a short while ago,
//!   or since the oldest run in progress began, are not removed.
//! - Only names that the store creates are considered, so that files of others stay.
//! - An instance whose record cannot be read is not touched, because its files are not known.
//! - Instances with records of an earlier format stay until their outputs were reused: the keys
//!   of today's roots do not tell which of those outputs a run would reuse.

mod search;
mod sweep;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{FileKind, inspect};
use crate::base::key::{Digest, Key};
use crate::files::is_absent;
use crate::store::limit::Limits;
use crate::store::{Folder, Store};

/// What to keep, and how old garbage must be.
pub(crate) struct Keep {
    /// The keys of the wanted instances. `None` means all.
    pub(crate) wanted: Option<HashSet<Key>>,
    /// The fingerprints whose versions are kept beyond the limits.
    pub(crate) reused: HashSet<Digest>,
    /// Whether outputs of an earlier format are garbage if no wanted instance has taken them over.
    /// A wanted instance may have had another key then, and could reuse them.
    pub(crate) earlier_formats: bool,
    pub(crate) limits: Limits,
    /// The minimum age of an item. Younger items may belong to a process that is still writing.
    pub(crate) older_than: Duration,
}

/// An item that can be removed.
pub(crate) struct Item {
    /// The task's folder, such as `Train`, or `.flow`.
    pub(crate) of: String,
    pub(crate) what: What,
    pub(crate) path: PathBuf,
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// When it was last written, in nanoseconds since 1970. `sweep` skips an item that was written
    /// since.
    modified: i64,
}

/// The kind of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// A file of an output that no record names.
    Unnamed { folder: Folder },
    /// A whole instance that is not wanted.
    Unwanted { folder: Folder },
    /// An earlier version, with the folder that its files are in, if that is known.
    Version { folder: Option<Folder> },
    /// The file of a failure or a log, or a draft, in an instance's folder.
    Note { folder: Folder },
    /// A table of code that no record names.
    Code,
    /// The history of a run beyond the limits.
    Run,
    /// Lines of an index that lead to no output: the folder and the fingerprint of each.
    Lines(BTreeSet<(String, Digest)>),
    /// A file that a process left behind when it died.
    Left,
    /// An empty folder.
    Empty { folder: Folder },
}

/// The result of a search for garbage.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) items: Vec<Item>,
    /// The number of items that may be garbage but are too young to be removed.
    pub(crate) young: usize,
    /// The number of instances with outputs of an earlier format that a run may reuse.
    pub(crate) earlier: usize,
    /// Whether a run is in progress. Then no whole instance is removed.
    pub(crate) is_underway: bool,
    /// The records that cannot be used, with the reasons. Their instances are not touched.
    pub(crate) unusable: Vec<(PathBuf, String)>,
}

/// The size of a file or folder, and when it was last written.
#[derive(Clone, Copy, Default)]
struct Size {
    files: usize,
    bytes: u64,
    modified: i64,
}

impl Store {
    /// Returns the size of a file, or of a folder with its contents. Zero if it does not exist.
    fn size(&self, path: &Path) -> Result<Size, StoreError> {
        let (kind, stat) = match inspect(&*self.fs, path) {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return Ok(Size::default()),
            Err(error) => return Err(error).during("inspect", path),
        };
        // A link counts as one file. Its target does not belong to the store.
        if kind == FileKind::Link {
            return Ok(Size { files: 1, ..Size::default() });
        }
        if !stat.folder {
            return Ok(Size { files: 1, bytes: stat.bytes, modified: stat.modified });
        }
        let mut size = Size { modified: stat.modified, ..Size::default() };
        for name in self.fs.list(path).during("list", path)? {
            let within = self.size(&path.join(name))?;
            size.files += within.files;
            size.bytes += within.bytes;
            size.modified = size.modified.max(within.modified);
        }
        Ok(size)
    }

    /// Returns when a name was last added to or removed from a folder.
    fn changed(&self, path: &Path) -> Result<i64, StoreError> {
        match self.fs.stat(path) {
            Ok(stat) => Ok(stat.modified),
            Err(error) if is_absent(&error) => Ok(0),
            Err(error) => Err(error).during("inspect", path),
        }
    }
}

/// Returns whether a name is that of a file that is being written. Such names end in a number.
pub(super) fn is_unfinished(name: &str) -> bool {
    let number = name.rsplit_once('.').map(|(_, number)| number);
    let number = number.or_else(|| name.strip_prefix("secret-")).unwrap_or_default();
    number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit())
}
