//! Remotes: storage through which stores exchange outputs.
//!
//! # Layout
//!
//! | name | content |
//! | --- | --- |
//! | `objects/8c/8c1f02ab44d01e9f5b2e9c0111aa44d0` | a file of an output; the name is its digest |
//! | `outputs/Train/<fingerprint>/<reads>-<output>-<manifest>.json` | a manifest: the record of an output |
//! | `outputs/Fit/<fingerprint>/<key>-<reads>-<output>-<manifest>.json` | the same of a task that has read single columns, with the key of its instance |
//! | `tables/<digest>.json` | a table of crate versions, which is for information only |
//!
//! In the name of a manifest, `<reads>`, `<output>` and `<manifest>` are digests: of the files and instances that were
//! read in the run, of the output, and of the manifest itself. So damage is detected, and a push can tell from a
//! listing whether the remote has an output.
//!
//! # Push and pull
//!
//! A [`Remote`] maps names to content. It has no renames and no locks, because object stores have neither;
//! [`RemoteFolder`] is a folder as a remote. A push puts the files of an output first and its manifest last,
//! which is the commit. A push that dies leaves files that no manifest names. The next push reads such files in
//! full before it relies on them, because they may be incomplete. Concurrent pushes put the same content under the
//! same name.
//!
//! A remote that [packs](Remote::packs_up_to) small contents gets them in batches: the files of many outputs first, then
//! their manifests ([`batch`]). A pull reads the manifests of a task in batches as well. So neither asks for one file or
//! one fingerprint at a time.
//!
//! A pull builds a plan whose [`finder`] searches the remote by fingerprint, wherever the planner searches other
//! stores. If it finds none, it searches the outputs of the same instance for one that is up to date by the columns that
//! its task has read ([`instances`]). Outputs that were found are reused: their files are fetched, compared with the manifest while they
//! arrive, and committed as after a run.
//!
//! The record of an output whose files are missing, or whose value is in memory, is transferred without files
//! ([`Carried::MetadataOnly`](crate::store::kept::Carried)). It has the digest of the output, from which the
//! fingerprints downstream follow: without it, no output downstream could be found.
//!
//! Everything in a remote may come from anyone. Names and sizes are checked before they are used ([`checked_io`]).

pub(crate) mod batch;
pub(crate) mod checked_io;
mod entry;
pub(crate) mod finder;
mod folder;
mod hold;
pub(crate) mod instances;
pub(crate) mod listing;
pub(crate) mod manifest;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod shared;

use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::sync::Arc;

pub use entry::RemoteEntry;
pub use folder::RemoteFolder;
pub use hold::RemoteHold;

use crate::base::error::StoreError;
use crate::base::key::Digest;

/// Storage that outputs are [pushed](crate::Flow::push) to and [pulled](crate::Flow::pull) from.
///
/// A remote maps names to immutable content. [`RemoteFolder`] implements it for a folder. For an object
/// store, implement the four methods without defaults. Override the others if the store has a better way: a conditional
/// put, ranges, parallel requests.
///
/// A name is a path with `/` between its parts. It consists of ASCII letters, digits and `-_.+=(),`, and has at most
/// 300 bytes. Methods are called from several threads at once.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::io::{self, Read};
/// use std::sync::Mutex;
///
/// use flow::remote::Remote;
///
/// /// A remote in memory.
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
///         content.read_to_end(&mut bytes)?; // on an error nothing is stored
///         self.0.lock().expect("no panic").insert(name.to_owned(), bytes);
///         Ok(())
///     }
/// }
/// ```
#[expect(clippy::missing_errors_doc, reason = "errors depend on the implementation")]
pub trait Remote: Send + Sync {
    /// Returns all names that begin with `folder` and a `/`, in any order; an empty list if there are none.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Returns the size of the content under a name in bytes; `None` if the name does not exist.
    fn size(&self, name: &str) -> io::Result<Option<u64>>;

    /// Opens the content under a name.
    ///
    /// If the name does not exist, the error has the kind [`NotFound`](io::ErrorKind::NotFound).
    fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Stores content of this many bytes under a name, atomically.
    ///
    /// If `content` cannot be read to its end, or writing fails, the method must store nothing. It must replace
    /// the content of an existing name: a push does so with equal content, or to repair damaged content.
    fn put(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()>;

    /// Stores content under a name that does not exist yet, and returns whether it did.
    ///
    /// The default implementation calls [`size`](Self::size) and [`put`](Self::put), so that two concurrent calls may both
    /// store their content. An object store overrides it with a conditional put.
    fn put_new(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<bool> {
        if self.size(name)?.is_some() {
            return Ok(false);
        }
        self.put(name, content, bytes).map(|()| true)
    }

    /// Returns a range of the content under a name, in bytes, or the part of it that exists.
    ///
    /// The default implementation reads the content from its beginning.
    fn get_range(&self, name: &str, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut content = self.get(name)?;
        io::copy(&mut (&mut content).take(range.start), &mut io::sink())?;
        let mut bytes = Vec::new();
        content.take(range.end.saturating_sub(range.start)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Removes a name. It is no error if the name does not exist.
    ///
    /// No push or pull removes anything. The default implementation returns an error of the kind
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    fn delete(&self, name: &str) -> io::Result<()> {
        let message = format!("this remote cannot delete {name}");
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }

    /// Returns the [`size`](Self::size) of each of several names, in order.
    ///
    /// A push calls it with up to a thousand names. The default implementation calls [`size`](Self::size) for each.
    fn sizes(&self, names: &[String]) -> io::Result<Vec<Option<u64>>> {
        names.iter().map(|name| self.size(name)).collect()
    }

    /// Returns the contents of several names, in order; `None` for a name that does not exist.
    ///
    /// It is for small contents, such as manifests: a call names up to a thousand, and all contents are in memory at once.
    /// At most `limit` bytes of each content are read. The default implementation calls [`get`](Self::get) for each.
    fn get_many(&self, names: &[String], limit: u64) -> io::Result<Vec<Option<Vec<u8>>>> {
        let read = |name: &String| {
            let content = match self.get(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                content => content?,
            };
            let mut bytes = Vec::new();
            content.take(limit).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        };
        names.iter().map(read).collect()
    }

    /// Stores several small contents under their names, in any order.
    ///
    /// When the method returns, all names exist. A call has up to eight mebibytes. The default implementation calls
    /// [`put`](Self::put) for each.
    fn put_many(&self, contents: &[(String, Vec<u8>)]) -> io::Result<()> {
        contents.iter().try_for_each(|(name, bytes)| {
            self.put(name, &mut Cursor::new(bytes), bytes.len() as u64)
        })
    }

    /// Returns the largest size of a content that is better stored by [`put_many`](Self::put_many), in bytes.
    ///
    /// A remote that returns more than 0 packs small contents into large objects. It promises that a name exists only
    /// with the whole content that was put. So a push neither reads back what it has put, nor reads a content of the
    /// right size that no manifest names. The default is 0: each content is put on its own and read back.
    fn packs_up_to(&self) -> u64 {
        0
    }

    /// Returns how many contents are transferred at the same time; `None` for the number of workers of the flow.
    fn transfers(&self) -> Option<usize> {
        None
    }

    /// Returns all names that begin with `folder` and a `/`, each with its size and age, in any order.
    ///
    /// The default implementation calls [`list`](Self::list) and [`sizes`](Self::sizes); it knows no ages.
    fn entries(&self, folder: &str) -> io::Result<Vec<RemoteEntry>> {
        let names = self.list(folder)?;
        let sizes = self.sizes(&names)?;
        let entries = names.into_iter().zip(sizes);
        let entry =
            |(name, bytes): (String, Option<u64>)| Some(RemoteEntry::new(name, bytes?, None));
        Ok(entries.filter_map(entry).collect())
    }

    /// Removes several names. It is no error if a name does not exist.
    ///
    /// The default implementation calls [`delete`](Self::delete) for each.
    fn delete_many(&self, names: &[String]) -> io::Result<()> {
        names.iter().try_for_each(|name| self.delete(name))
    }

    /// Forgets what is known of the content of the remote, so that the next call sees what others have put.
    ///
    /// It is for a remote that keeps an index. The default implementation does nothing.
    fn refresh(&self) -> io::Result<()> {
        Ok(())
    }

    /// Begins a push: until the returned value is dropped, no [garbage collection](crate::RemoteGc) removes anything.
    ///
    /// The method fails while a garbage collection removes files. It implies [`refresh`](Self::refresh). The default
    /// implementation excludes nothing.
    fn hold(&self) -> io::Result<RemoteHold> {
        Ok(RemoteHold::none())
    }

    /// Begins a garbage collection: until the returned value is dropped, no push begins.
    ///
    /// The method fails while a push is in progress. It implies [`refresh`](Self::refresh). The default implementation
    /// excludes nothing.
    fn exclude_pushes(&self) -> io::Result<RemoteHold> {
        Ok(RemoteHold::none())
    }

    /// Returns whether one [`list`](Self::list) of a folder with many names is faster than many lists of its subfolders.
    ///
    /// It is for an object store, which returns a thousand names in one answer, and that is the default. It is not
    /// for [`RemoteFolder`].
    fn prefers_few_lists(&self) -> bool {
        true
    }

    /// Checks that outputs were pushed to this remote.
    ///
    /// A [pull](crate::Flow::pull) calls it first, so that a mistyped path is an error instead of an empty
    /// remote. The default implementation always succeeds.
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

    fn put_new(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<bool> {
        (**self).put_new(name, content, bytes)
    }

    fn get_range(&self, name: &str, range: Range<u64>) -> io::Result<Vec<u8>> {
        (**self).get_range(name, range)
    }

    fn delete(&self, name: &str) -> io::Result<()> {
        (**self).delete(name)
    }

    fn sizes(&self, names: &[String]) -> io::Result<Vec<Option<u64>>> {
        (**self).sizes(names)
    }

    fn get_many(&self, names: &[String], limit: u64) -> io::Result<Vec<Option<Vec<u8>>>> {
        (**self).get_many(names, limit)
    }

    fn put_many(&self, contents: &[(String, Vec<u8>)]) -> io::Result<()> {
        (**self).put_many(contents)
    }

    fn packs_up_to(&self) -> u64 {
        (**self).packs_up_to()
    }

    fn transfers(&self) -> Option<usize> {
        (**self).transfers()
    }

    fn entries(&self, folder: &str) -> io::Result<Vec<RemoteEntry>> {
        (**self).entries(folder)
    }

    fn delete_many(&self, names: &[String]) -> io::Result<()> {
        (**self).delete_many(names)
    }

    fn refresh(&self) -> io::Result<()> {
        (**self).refresh()
    }

    fn hold(&self) -> io::Result<RemoteHold> {
        (**self).hold()
    }

    fn exclude_pushes(&self) -> io::Result<RemoteHold> {
        (**self).exclude_pushes()
    }

    fn prefers_few_lists(&self) -> bool {
        (**self).prefers_few_lists()
    }

    fn check(&self) -> io::Result<()> {
        (**self).check()
    }
}

/// The folder of the contents of files.
pub(crate) const OBJECTS: &str = "objects";

/// The folder of the manifests.
pub(crate) const OUTPUTS: &str = "outputs";

/// The folder of the tables of crate versions.
pub(crate) const TABLES: &str = "tables";

/// Returns the name of the content with this digest.
pub(crate) fn object(digest: Digest) -> String {
    let digits = digest.to_string();
    format!("{OBJECTS}/{}/{digits}", &digits[..2])
}

/// Returns the name of the table of crate versions with this digest.
pub(crate) fn table(digest: Digest) -> String {
    format!("{TABLES}/{digest}.json")
}

/// Returns the error for damaged content of a remote, with the remedy.
pub(crate) fn damaged(name: &str, reason: impl std::fmt::Display) -> StoreError {
    let remedy = "push it again with `flow.push_verified` from a store that has it";
    StoreError::damaged(name, format!("{reason}; {remedy}"))
}

/// Adds the action and the name to an error of a remote.
pub(crate) trait RemoteContext<T> {
    fn of_remote(self, action: &'static str, name: &str) -> Result<T, StoreError>;
}

impl<T> RemoteContext<T> for io::Result<T> {
    fn of_remote(self, action: &'static str, name: &str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Remote { action, name: name.to_owned(), source })
    }
}
