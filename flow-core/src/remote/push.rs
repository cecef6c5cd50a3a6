//! Pushes one output: first its files, then its manifest, which is the commit.

use std::collections::HashSet;
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, digest_bytes};
use crate::files::is_absent;
use crate::remote::checked_io::{Checked, is_damage};
use crate::remote::listing::Listing;
use crate::remote::{Remote, RemoteContext, manifest, object, table};
use crate::store::kept::Carried;
use crate::store::record::Record;
use crate::store::{Folder, Store};

/// An output to push.
pub(crate) struct ToPush {
    /// The label of the instance.
    pub(crate) label: String,
    /// The name that the task is stored under.
    pub(crate) task: String,
    /// The store that has the output.
    pub(crate) store: Arc<Store>,
    pub(crate) folder: Folder,
    pub(crate) record: Box<Record>,
    pub(crate) carried: Carried,
}

/// What a transfer of an output has copied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Copied {
    /// Whether the destination did not have the complete output before.
    pub(crate) is_new: bool,
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

/// How a push checks files that the remote already has and a manifest names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PresentCheck {
    /// Their sizes are compared.
    Size,
    /// They are read and hashed.
    Content,
}

/// How many files are looked for with one request.
const BATCH: usize = 1000;

impl Store {
    /// Pushes the files of an output that the remote lacks, and its manifest.
    pub(crate) fn push(
        &self,
        listing: &Listing<'_>,
        push: &ToPush,
        check: PresentCheck,
    ) -> Result<Copied, StoreError> {
        let ToPush { task, folder, record, carried, .. } = push;
        let remote = listing.remote();
        let is_there = is_there(listing, push, check)?;
        let mut copied = Copied { is_new: !is_there, ..Copied::default() };
        if *carried == Carried::Whole {
            let is_trusted = is_there && check == PresentCheck::Size;
            let files: Vec<_> = record.output.contents().collect();
            for files in files.chunks(BATCH) {
                let names: Vec<_> = files.iter().map(|file| object(file.digest)).collect();
                let sizes = sizes(remote, &names)?;
                // Files with the same content are one.
                let mut seen = HashSet::new();
                let files = files.iter().zip(&names).zip(sizes);
                for ((file, name), size) in files.filter(|((_, name), _)| seen.insert(*name)) {
                    let path = self.root().join(folder).join(&file.path);
                    let content = (file.digest, file.bytes);
                    if self.push_file(remote, &path, (name, size), content, is_trusted)? {
                        copied.files += 1;
                        copied.bytes += file.bytes;
                    }
                }
            }
        }
        if is_there {
            return Ok(copied);
        }
        if let Some(digest) = record.crates {
            self.push_crates(remote, digest)?;
        }
        let (name, bytes) = push.manifest()?;
        put_bytes(remote, &name, &bytes)?;
        listing.add(task, record.fingerprint, name);
        Ok(copied)
    }

    /// Puts a file unless the remote has it, and returns whether it was put. `size` is that of the name in the remote.
    ///
    /// A file that a manifest names was verified before the manifest was written: if `is_trusted`, its size is enough.
    /// A file that no manifest names is read and hashed, because a push may have died while it wrote the file.
    fn push_file(
        &self,
        remote: &dyn Remote,
        path: &Path,
        (name, size): (&str, Option<u64>),
        (digest, bytes): (Digest, u64),
        is_trusted: bool,
    ) -> Result<bool, StoreError> {
        if size == Some(bytes) && (is_trusted || is_whole(remote, name, (digest, bytes))?) {
            return Ok(false);
        }
        let file = self.fs().open(path).during("read", path)?;
        let mut content = Checked::new(file, digest, bytes);
        match remote.put(name, &mut content, bytes) {
            Err(error) if is_damage(&error) => {
                return Err(StoreError::damaged(path.display(), error));
            }
            put => put.of_remote("put", name)?,
        }
        // An implementation of `put` may have stopped reading before the end.
        content.finish().map_err(|error| StoreError::damaged(path.display(), error))?;
        if is_whole(remote, name, (digest, bytes))? {
            return Ok(true);
        }
        Err(StoreError::damaged(name, "the remote has other content than was put there just now"))
    }

    fn push_crates(&self, remote: &dyn Remote, digest: Digest) -> Result<(), StoreError> {
        let name = table(digest);
        if remote.size(&name).of_remote("look for", &name)?.is_some() {
            return Ok(());
        }
        match self.crates_as_bytes(digest)? {
            Some(bytes) => put_bytes(remote, &name, &bytes),
            None => Ok(()),
        }
    }

    /// Returns the table of crate versions with this digest.
    ///
    /// If it is lost, a push goes on without it, because it is for information only.
    pub(crate) fn crates_as_bytes(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(crates) = self.crates(digest) else { return Ok(None) };
        let bytes = serde_json::to_vec(&crates).map_err(std::io::Error::from);
        bytes.of_remote("write", &table(digest)).map(Some)
    }
}

impl ToPush {
    /// Returns the name and the content of its manifest.
    pub(crate) fn manifest(&self) -> Result<(String, Vec<u8>), StoreError> {
        let beginning = manifest::beginning(&self.task, &self.record);
        let bytes = self.record.to_bytes().map_err(std::io::Error::from);
        let bytes = bytes.of_remote("write", &beginning)?;
        Ok((manifest::name(&beginning, &bytes, self.carried), bytes))
    }
}

/// Returns whether the remote has a manifest of an output.
pub(crate) fn is_there(
    listing: &Listing<'_>,
    push: &ToPush,
    check: PresentCheck,
) -> Result<bool, StoreError> {
    let beginning = manifest::beginning(&push.task, &push.record);
    let names = listing.manifests(&push.task, push.record.fingerprint)?;
    let mut named = names.iter().filter(|name| {
        let enough =
            push.carried == Carried::MetadataOnly || manifest::carried(name) == Carried::Whole;
        enough && name.starts_with(&beginning)
    });
    match check {
        // Its name does not tell whether a manifest is signed.
        PresentCheck::Size if push.record.signature.is_some() => named
            .try_fold(false, |found, name| {
                Ok::<_, StoreError>(found || is_signed(listing, push, name)?)
            }),
        PresentCheck::Size => Ok(named.next().is_some()),
        PresentCheck::Content => named.try_fold(false, |whole, name| {
            Ok::<_, StoreError>(whole || manifest::is_whole(listing.remote(), name)?)
        }),
    }
}

/// Returns whether the manifest with this name can stand for the signed output of a push: it has the same signature, or
/// one that the store of the output accepts.
fn is_signed(listing: &Listing<'_>, push: &ToPush, name: &str) -> Result<bool, StoreError> {
    let record = match manifest::read_named(listing, name) {
        Ok(record) => record,
        // The push puts a right one beside it.
        Err(StoreError::Damaged { .. } | StoreError::Newer { .. }) => return Ok(false),
        Err(StoreError::Remote { source, .. }) if is_absent(&source) => return Ok(false),
        Err(error) => return Err(error),
    };
    let is_accepted = || matches!(push.store.verify_signature(&record), Ok(Some(_)));
    Ok(record.signature == push.record.signature || is_accepted())
}

/// Returns the size of each of several names in a remote.
pub(crate) fn sizes(remote: &dyn Remote, names: &[String]) -> Result<Vec<Option<u64>>, StoreError> {
    let mut all = Vec::with_capacity(names.len());
    for names in names.chunks(BATCH) {
        let sizes = remote.sizes(names).and_then(|sizes| match sizes.len() == names.len() {
            true => Ok(sizes),
            false => Err(io::Error::other("`sizes` has returned another number of sizes")),
        });
        all.extend(sizes.of_remote("look for", &names[0])?);
    }
    Ok(all)
}

/// Puts bytes and verifies that the remote has stored them.
fn put_bytes(remote: &dyn Remote, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let size = bytes.len() as u64;
    remote.put(name, &mut Cursor::new(bytes), size).of_remote("put", name)?;
    match is_whole(remote, name, (digest_bytes(bytes), size))? {
        true => Ok(()),
        false => Err(StoreError::damaged(name, "the remote has other content than was put there")),
    }
}

/// Returns whether the content under a name has this digest and size.
fn is_whole(
    remote: &dyn Remote,
    name: &str,
    (digest, bytes): (Digest, u64),
) -> Result<bool, StoreError> {
    let content = remote.get(name).of_remote("get", name)?;
    match Checked::new(content, digest, bytes).finish() {
        Ok(()) => Ok(true),
        Err(error) if is_damage(&error) => Ok(false),
        Err(error) => Err(error).of_remote("get", name),
    }
}
