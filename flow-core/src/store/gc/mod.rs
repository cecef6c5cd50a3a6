//! Garbage: what a store holds and nobody needs.
//!
//! Finding it and removing it are two steps, so that a user sees what would go before it goes. What
//! was found is looked at again when it is removed: a record that was replaced meanwhile, a file that
//! is named now, or that was touched, stays.
//!
//! A process that is at work has files that no record names yet. So a folder stays as it is if
//! anything in it changed a short while ago, or since the oldest execution under way began. Only what
//! has a name that the store gives is ever looked at, so that the files of others stay; and so does
//! an instance whose record cannot be used, for nobody knows what that names.

mod search;
mod sweep;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::FileKind;
use crate::base::key::{Digest, Key};
use crate::files::is_absent;
use crate::store::limit::Limits;
use crate::store::{Folder, Store};

/// What is to be kept, and what is too young to be judged.
pub(crate) struct Keep {
    /// The instances that are wanted; all of them if there is none.
    pub(crate) wanted: Option<HashSet<Key>>,
    /// The fingerprints of versions that stay, however many there are.
    pub(crate) reused: HashSet<Digest>,
    /// Whether outputs in a record of an earlier format are garbage too if no wanted instance has taken
    /// them over: a wanted instance may have another key than it had, and would reuse them.
    pub(crate) earlier_formats: bool,
    pub(crate) limits: Limits,
    /// How old something must be before it is taken for left behind.
    pub(crate) older_than: Duration,
}

/// Something that can be removed.
pub(crate) struct Item {
    /// Such as `Train`, or `.flow`.
    pub(crate) of: String,
    pub(crate) what: What,
    pub(crate) path: PathBuf,
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// When it was written last, by which it is known that nobody has touched it since.
    modified: i64,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// An output that no record names, or what is left of one.
    Unnamed { folder: Folder },
    /// All of an instance that nobody wants.
    Unwanted { folder: Folder },
    /// An earlier version, with its files in this folder, if it is known.
    Version { folder: Option<Folder> },
    /// A note or a draft in an instance's folder.
    Note { folder: Folder },
    /// A table of code that no record names.
    Code,
    /// Lines of an index that lead nowhere: the folder and the fingerprint of each.
    Lines(BTreeSet<(String, Digest)>),
    /// What a process left that died.
    Left,
    /// A folder with nothing in it.
    Empty { folder: Folder },
}

/// What was found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) items: Vec<Item>,
    /// What may be garbage, and is too young to tell.
    pub(crate) young: usize,
    /// How many instances have outputs of an earlier format that a run may reuse.
    pub(crate) earlier: usize,
    /// Whether an execution is under way, so that no instance that lies whole is removed.
    pub(crate) is_underway: bool,
    /// What is left alone for it cannot be used, and why.
    pub(crate) unusable: Vec<(PathBuf, String)>,
}

/// How large something is, and when it was written last.
#[derive(Clone, Copy, Default)]
struct Size {
    files: usize,
    bytes: u64,
    modified: i64,
}

impl Store {
    /// How large a file or a folder is, with all in it; nothing if it is not there.
    fn size(&self, path: &Path) -> Result<Size, StoreError> {
        let kind = match self.fs.kind(path) {
            Ok(kind) => kind,
            Err(error) if is_absent(&error) => return Ok(Size::default()),
            Err(error) => return Err(error).during("look at", path),
        };
        // What a link leads to is somebody else's.
        if kind == FileKind::Link {
            return Ok(Size { files: 1, ..Size::default() });
        }
        let stat = match self.fs.stat(path) {
            Ok(stat) => stat,
            Err(error) if is_absent(&error) => return Ok(Size::default()),
            Err(error) => return Err(error).during("look at", path),
        };
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

    /// When a name came into a folder, or went, last.
    fn changed(&self, path: &Path) -> Result<i64, StoreError> {
        match self.fs.stat(path) {
            Ok(stat) => Ok(stat.modified),
            Err(error) if is_absent(&error) => Ok(0),
            Err(error) => Err(error).during("look at", path),
        }
    }
}

/// Whether it is the name of something that is being written, with a number at its end.
pub(super) fn is_unfinished(name: &str) -> bool {
    let number = name.rsplit_once('.').map(|(_, number)| number);
    let number = number.or_else(|| name.strip_prefix("secret-")).unwrap_or_default();
    number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit())
}
