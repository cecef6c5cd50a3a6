//! Manifests: the records of the outputs in a remote.
//!
//! The name of a manifest ends in its own digest, so that damage is detected. The part before that is the same for all
//! manifests of the same output, so that a listing shows whether the remote has an output. If the record names the columns
//! that were read, it begins with the key of the instance, by which [`instances`](super::instances) finds it. The module
//! [`remote`](super) has the layout.

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key, digest_bytes};
use crate::files::is_absent;
use crate::remote::checked_io::read_whole;
use crate::remote::listing::Listing;
use crate::remote::{OUTPUTS, Remote, RemoteContext, damaged};
use crate::store::folder::task_folder;
use crate::store::kept::Carried;
use crate::store::output::Output;
use crate::store::record::{Record, Unreadable};
use crate::store::version::VersionName;

/// The end of the name of a manifest without files.
const METADATA_ONLY: &str = ".told.json";

/// The end of the name of a manifest with files.
const WHOLE: &str = ".json";

/// Returns the folder of all manifests of a task.
pub(crate) fn folder_of_task(task: &str) -> String {
    format!("{OUTPUTS}/{}", task_folder(task))
}

/// Returns the folder of the manifests with this fingerprint.
pub(crate) fn folder(task: &str, fingerprint: Digest) -> String {
    format!("{}/{fingerprint}", folder_of_task(task))
}

/// Returns the common beginning of the names of all manifests of an output.
pub(crate) fn beginning(task: &str, record: &Record) -> String {
    let folder = folder(task, record.fingerprint);
    let reads = VersionName::of(record);
    let key = if record.columns.is_empty() { String::new() } else { format!("{}-", record.key) };
    format!("{folder}/{key}{:0>16}-{}-", reads.of_reads(), record.output.digest)
}

/// Returns the key of the instance of a manifest, if its name has one.
pub(crate) fn key(name: &str) -> Option<Key> {
    let mut parts = name.rsplit('/').next()?.split('-');
    let key = parts.next()?.parse().ok()?;
    (parts.count() == 3).then_some(key)
}

/// Returns the name of a manifest with these bytes.
pub(crate) fn name(beginning: &str, bytes: &[u8], carried: Carried) -> String {
    let ending = match carried {
        Carried::Whole => WHOLE,
        Carried::MetadataOnly => METADATA_ONLY,
    };
    format!("{beginning}{}{ending}", digest_bytes(bytes))
}

/// Returns whether the manifest with this name has files.
pub(crate) fn carried(name: &str) -> Carried {
    if name.ends_with(METADATA_ONLY) { Carried::MetadataOnly } else { Carried::Whole }
}

/// Returns all manifests with this fingerprint: those with files first, and the latest first.
///
/// # Errors
///
/// The remote cannot be read, or a manifest is damaged and no other manifest of the same output replaces it.
pub(crate) fn all(
    listing: &Listing<'_>,
    task: &str,
    fingerprint: Digest,
) -> Result<Vec<(Carried, Record)>, StoreError> {
    let remote = listing.remote();
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for name in listing.manifests(task, fingerprint)? {
        let Some(digest) = own_digest(&name) else { continue };
        let read = match listing.prefetched(&name) {
            Some(bytes) => parse(&name, digest, &bytes),
            None => read(remote, &name, digest),
        };
        match read {
            Ok(record) if record.fingerprint == fingerprint => {
                all.push((carried(&name), record, name));
            }
            Ok(_) => {
                let error = damaged(&name, "it has another fingerprint");
                wrong.push((name, error));
            }
            Err(error @ (StoreError::Damaged { .. } | StoreError::Newer { .. })) => {
                wrong.push((name, error));
            }
            // It was deleted since it was listed.
            Err(StoreError::Remote { source, .. }) if is_absent(&source) => {}
            Err(error) => return Err(error),
        }
    }
    // A damaged manifest is ignored if there is an intact one of the same output.
    let output_of = |name: &str| name.rsplit_once('-').map(|(output, _)| output.to_owned());
    let is_replaced = |wrong: &str| {
        let enough =
            |has: Carried| has == Carried::Whole || carried(wrong) == Carried::MetadataOnly;
        all.iter().any(|(has, _, name)| output_of(name) == output_of(wrong) && enough(*has))
    };
    if let Some((_, error)) = wrong.into_iter().find(|(name, _)| !is_replaced(name)) {
        return Err(error);
    }
    let mut all: Vec<_> = all.into_iter().map(|(carried, record, _)| (carried, record)).collect();
    sort(&mut all);
    Ok(all)
}

/// Sorts records: those with files come first, and the latest first.
pub(crate) fn sort(records: &mut [(Carried, Record)]) {
    let rank = |carried: &Carried| *carried == Carried::MetadataOnly;
    records.sort_by(|(a, x), (b, y)| rank(a).cmp(&rank(b)).then(y.started.cmp(&x.started)));
}

/// Returns the number of manifests of a task and the records of the first of them, at most `most`.
///
/// Damaged manifests are skipped.
///
/// # Errors
///
/// The remote cannot be read.
pub(crate) fn sample(
    remote: &dyn Remote,
    task: &str,
    most: usize,
) -> Result<(usize, Vec<Record>), StoreError> {
    let folder = folder_of_task(task);
    let mut names = remote.list(&folder).of_remote("list", &folder)?;
    names.retain(|name| own_digest(name).is_some());
    names.sort_unstable();
    let sample = names.iter().take(most);
    let records = sample.filter_map(|name| read(remote, name, own_digest(name)?).ok());
    Ok((names.len(), records.collect()))
}

/// Returns whether a manifest has the digest in its name.
pub(crate) fn is_whole(remote: &dyn Remote, name: &str) -> Result<bool, StoreError> {
    let Some(digest) = own_digest(name) else { return Ok(false) };
    match read_whole(remote, name) {
        Err(StoreError::Remote { source, .. }) if is_absent(&source) => Ok(false),
        bytes => Ok(digest_bytes(&bytes?) == digest),
    }
}

/// Reads the manifest with this name, unless it was read in advance.
///
/// # Errors
///
/// The remote cannot be read, or the manifest is damaged or was written by a newer version of this library.
pub(crate) fn read_named(listing: &Listing<'_>, name: &str) -> Result<Record, StoreError> {
    match listing.prefetched(name) {
        Some(bytes) => parse_named(name, &bytes),
        None => parse_named(name, &read_whole(listing.remote(), name)?),
    }
}

/// Returns the digest of the manifest itself, from its name.
fn own_digest(name: &str) -> Option<Digest> {
    let stem = name.strip_suffix(METADATA_ONLY).or_else(|| name.strip_suffix(WHOLE))?;
    stem.rsplit('-').next()?.parse().ok()
}

fn read(remote: &dyn Remote, name: &str, digest: Digest) -> Result<Record, StoreError> {
    parse(name, digest, &read_whole(remote, name)?)
}

/// Returns the record in the manifest with this name and content.
///
/// # Errors
///
/// The manifest is damaged, or was written by a newer version of this library.
pub(crate) fn parse_named(name: &str, bytes: &[u8]) -> Result<Record, StoreError> {
    let digest = own_digest(name).ok_or_else(|| damaged(name, "its name has no digest"))?;
    parse(name, digest, bytes)
}

fn parse(name: &str, digest: Digest, bytes: &[u8]) -> Result<Record, StoreError> {
    if digest_bytes(bytes) != digest {
        return Err(damaged(name, "it has other content than its name says"));
    }
    let record = Record::parse(bytes).map_err(|error| match error {
        newer @ Unreadable::Newer(_) => StoreError::newer(name.as_ref(), &newer),
        error => damaged(name, error),
    })?;
    let of_files = || Output::of(record.output.files.clone()).digest;
    let is_of_files = record.output.is_in_memory() || of_files() == record.output.digest;
    if !is_of_files {
        return Err(damaged(name, "it names other files than its digest says"));
    }
    Ok(record)
}
