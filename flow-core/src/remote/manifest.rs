//! Manifests: the records of outputs that a remote has.
//!
//! A manifest is named by its own digest, too, so that a damaged one is known. What stands before
//! that in its name tells whether the same output is there already.

use crate::base::error::StoreError;
use crate::base::key::{Digest, digest_bytes};
use crate::remote::checked_io::read_whole;
use crate::remote::{OUTPUTS, Remote, RemoteContext, damaged};
use crate::store::folder::task_folder;
use crate::store::kept::Carried;
use crate::store::output::Output;
use crate::store::record::{Record, Unreadable};
use crate::store::version::VersionName;

/// How the name ends of one whose files are not there.
const TOLD: &str = ".told.json";

/// How the name ends of any other.
const WHOLE: &str = ".json";

/// The folder of the manifests of all outputs made from the same.
pub(crate) fn folder(task: &str, fingerprint: Digest) -> String {
    format!("{OUTPUTS}/{}/{fingerprint}", task_folder(task))
}

/// What the names of all manifests of this output begin with.
pub(crate) fn beginning(task: &str, record: &Record) -> String {
    let folder = folder(task, record.fingerprint);
    let reads = VersionName::of(record);
    format!("{folder}/{:0>16}-{}-", reads.of_reads(), record.output.digest)
}

/// The name of the manifest of these bytes.
pub(crate) fn name(beginning: &str, bytes: &[u8], carried: Carried) -> String {
    let ending = match carried {
        Carried::Whole => WHOLE,
        Carried::MetadataOnly => TOLD,
    };
    format!("{beginning}{}{ending}", digest_bytes(bytes))
}

/// How much there is of the output whose manifest has this name.
pub(crate) fn carried(name: &str) -> Carried {
    if name.ends_with(TOLD) { Carried::MetadataOnly } else { Carried::Whole }
}

/// The manifests of all outputs made from the same: those with files first, the latest first.
pub(crate) fn all(
    remote: &dyn Remote,
    task: &str,
    fingerprint: Digest,
) -> Result<Vec<(Carried, Record)>, StoreError> {
    let folder = folder(task, fingerprint);
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for name in remote.list(&folder).of_remote("list", &folder)? {
        let Some(digest) = own_digest(&name) else { continue };
        match read(remote, &name, digest) {
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
            Err(error) => return Err(error),
        }
    }
    // Another one of the same output makes up for it.
    let says = |name: &str| name.rsplit_once('-').map(|(output, _)| output.to_owned());
    let made_up = |wrong: &str| {
        let enough =
            |has: Carried| has == Carried::Whole || carried(wrong) == Carried::MetadataOnly;
        all.iter().any(|(has, _, name)| says(name) == says(wrong) && enough(*has))
    };
    if let Some((_, error)) = wrong.into_iter().find(|(name, _)| !made_up(name)) {
        return Err(error);
    }
    let mut all: Vec<_> = all.into_iter().map(|(carried, record, _)| (carried, record)).collect();
    let rank = |carried: &Carried| *carried == Carried::MetadataOnly;
    all.sort_by(|(a, x), (b, y)| rank(a).cmp(&rank(b)).then(y.started.cmp(&x.started)));
    Ok(all)
}

/// How many outputs of a task there are, and the manifests of some of them, this many at most.
///
/// # Errors
///
/// The remote cannot be asked. A damaged manifest is none.
pub(crate) fn some(
    remote: &dyn Remote,
    task: &str,
    most: usize,
) -> Result<(usize, Vec<Record>), StoreError> {
    let folder = format!("{OUTPUTS}/{}", task_folder(task));
    let mut names = remote.list(&folder).of_remote("list", &folder)?;
    names.retain(|name| own_digest(name).is_some());
    names.sort_unstable();
    let some = names.iter().take(most);
    let some = some.filter_map(|name| read(remote, name, own_digest(name)?).ok());
    Ok((names.len(), some.collect()))
}

/// Whether a manifest is what its name says.
pub(crate) fn is_whole(remote: &dyn Remote, name: &str) -> Result<bool, StoreError> {
    let Some(digest) = own_digest(name) else { return Ok(false) };
    Ok(digest_bytes(&read_whole(remote, name)?) == digest)
}

/// The digest of itself that a manifest is named by.
fn own_digest(name: &str) -> Option<Digest> {
    let stem = name.strip_suffix(TOLD).or_else(|| name.strip_suffix(WHOLE))?;
    stem.rsplit('-').next()?.parse().ok()
}

fn read(remote: &dyn Remote, name: &str, digest: Digest) -> Result<Record, StoreError> {
    let bytes = read_whole(remote, name)?;
    if digest_bytes(&bytes) != digest {
        return Err(damaged(name, "it has other content than its name says"));
    }
    let record = Record::parse(&bytes).map_err(|error| match error {
        newer @ Unreadable::Newer(_) => StoreError::newer(name.as_ref(), &newer),
        error => damaged(name, error),
    })?;
    let is_of_files =
        record.output.is_in_memory() || Output::of(record.output.files.clone()) == record.output;
    if !is_of_files {
        return Err(damaged(name, "it names other files than its digest says"));
    }
    Ok(record)
}
