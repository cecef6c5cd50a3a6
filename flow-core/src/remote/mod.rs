//! Outputs on their way from one store to another, through a place that both reach.
//!
//! ```text
//! objects/8c/8c1f02ab44d01e9f5b2e9c0111aa44d0          the content of a file, named by its digest
//! outputs/Train/<fingerprint>/<what was read>-<output>-<manifest>.json      that an output is there
//! tables/<digest>.json                                 versions of crates, which are told
//! ```
//!
//! A [`Remote`] is the place: names with content, nothing more, so that an object store can be one.
//! [`RemoteFolder`] is a folder as such a place. There is no lock in it, nothing is renamed and
//! nothing that is whole is written again: whoever pushes puts the files of an output first, each under the name
//! of its digest, and then its manifest, which is the commit. A push that dies leaves files that no
//! manifest names, and the next one finds them there. Two that push at once put the same under the
//! same name.
//!
//! A [`manifest`] is the record of an output, as its store has it, under the fingerprint of what it
//! is made from. Whoever pulls makes a plan, and asks the remote wherever a store that is read would
//! be asked, by a [`finder`]: what is there with today's fingerprint is adopted. The files are
//! fetched afterwards, all that is seen of them is compared with what the manifest says, and records
//! are committed as they are after a run.
//!
//! An output whose files are gone, or that was in memory, is *told*: its manifest says which content
//! it had. With that, what follows it can be found, which is all that anyone asks of it.

pub(crate) mod checked_io;
pub(crate) mod finder;
mod folder;
pub(crate) mod manifest;
pub(crate) mod pull;
pub(crate) mod push;

use std::io::{self, Read};
use std::sync::Arc;

pub use folder::RemoteFolder;

use crate::base::error::StoreError;
use crate::base::key::Digest;

/// A place that outputs are [pushed](crate::Flow::push) to and [pulled](crate::Flow::pull) from:
/// content under names. [`RemoteFolder`] is a folder; an object store is one by these four calls, and
/// by [`check`](Self::check).
///
/// A name is a path of `/`, letters, digits and `-_.+=(),` of ASCII, of at most 300 bytes. What was
/// put under it never changes. Calls come from several threads at once.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::io::{self, Read};
/// use std::sync::Mutex;
///
/// use flow::Remote;
///
/// /// A place in memory.
/// #[derive(Default)]
/// struct Shelf(Mutex<BTreeMap<String, Vec<u8>>>);
///
/// impl Remote for Shelf {
///     fn list(&self, folder: &str) -> io::Result<Vec<String>> {
///         let all = self.0.lock().expect("no panic");
///         Ok(all.keys().filter(|name| name.starts_with(&format!("{folder}/"))).cloned().collect())
///     }
///
///     fn size(&self, name: &str) -> io::Result<Option<u64>> {
///         Ok(self.0.lock().expect("no panic").get(name).map(|bytes| bytes.len() as u64))
///     }
///
///     fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
///         let bytes = self.0.lock().expect("no panic").get(name).cloned();
///         Ok(Box::new(io::Cursor::new(bytes.ok_or(io::ErrorKind::NotFound)?)))
///     }
///
///     fn put(&self, name: &str, content: &mut dyn Read, _: u64) -> io::Result<()> {
///         let mut bytes = Vec::new();
///         content.read_to_end(&mut bytes)?; // what fails here is not put
///         self.0.lock().expect("no panic").insert(name.to_owned(), bytes);
///         Ok(())
///     }
/// }
/// ```
#[expect(clippy::missing_errors_doc, reason = "those of the place, said as it says them")]
pub trait Remote: Send + Sync {
    /// All names that begin with that of this folder and a `/`, in no order; none if there is
    /// nothing.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// How large the content under a name is, in bytes; `None` if there is none.
    fn size(&self, name: &str) -> io::Result<Option<u64>>;

    /// The content under a name. If there is none, that is an error of the kind
    /// [`NotFound`](io::ErrorKind::NotFound).
    fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Puts content of this many bytes under a name: all of it or, if it cannot be read or written to
    /// its end, nothing. What was there is replaced: by the same, unless it was damaged.
    fn put(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()>;

    /// Checks that this is a place that outputs were pushed to. A [pull](crate::Flow::pull) calls it
    /// first, so that a mistyped path is an error and not a remote that has nothing. By default every
    /// place is one.
    fn check(&self) -> io::Result<()> {
        Ok(())
    }
}

impl<T: Remote + ?Sized> Remote for Arc<T> {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        (**self).list(folder)
    }

    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        (**self).size(name)
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        (**self).get(name)
    }

    fn put(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()> {
        (**self).put(name, content, bytes)
    }

    fn check(&self) -> io::Result<()> {
        (**self).check()
    }
}

/// The folder of the files' contents.
pub(crate) const OBJECTS: &str = "objects";

/// The folder of the manifests.
pub(crate) const OUTPUTS: &str = "outputs";

/// The name of the content of a file.
pub(crate) fn object(digest: Digest) -> String {
    let digits = digest.to_string();
    format!("{OBJECTS}/{}/{digits}", &digits[..2])
}

/// The name of a table of crates.
pub(crate) fn table(digest: Digest) -> String {
    format!("tables/{digest}.json")
}

/// Content of a remote that is not what it must be.
pub(crate) fn damaged(name: &str, reason: impl std::fmt::Display) -> StoreError {
    let remedy = "push it again with `flow.push_verified` from a store that has it";
    StoreError::damaged(name, format!("{reason}; {remedy}"))
}

/// Says what was being done to which name when a call failed.
pub(crate) trait RemoteContext<T> {
    fn of_remote(self, action: &'static str, name: &str) -> Result<T, StoreError>;
}

impl<T> RemoteContext<T> for io::Result<T> {
    fn of_remote(self, action: &'static str, name: &str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Remote { action, name: name.to_owned(), source })
    }
}
