//! A push to a remote that packs small contents: many outputs are put together.
//!
//! Outputs are pushed in groups. The contents of a group are put first, the small ones in batches, and its manifests
//! last. So an interrupted push loses the group in progress at most, whose complete batches the next push finds by their
//! names.

use std::collections::HashSet;
use std::ops::Range;

use crate::base::error::StoreError;
use crate::flow::Flow;
use crate::flow::transferred::Transferred;
use crate::remote::batch::{self, Missing};
use crate::remote::listing::Listing;
use crate::remote::push::{Copied, PresentCheck, ToPush, is_there, sizes};
use crate::remote::{Remote, table};
use crate::store::kept::Carried;

/// The maximal number of outputs in a group.
const GROUP: usize = 20_000;

/// The size of the outputs at which a group is complete, in bytes.
const GROUP_BYTES: u64 = 256 << 20;

/// The outputs of a group that the remote lacks, and what it lacks of their contents.
struct Lacking {
    copied: Vec<Copied>,
    missing: Vec<Missing>,
}

impl Flow {
    /// Pushes outputs to a remote that packs small contents.
    pub(super) fn push_packed(
        &self,
        listing: &Listing<'_>,
        all: &[ToPush],
        pushed: &mut Transferred,
    ) -> Result<(), StoreError> {
        for group in groups(all) {
            let outputs = &all[group];
            let Lacking { copied, missing } = lacking(listing, outputs)?;
            self.put_contents(listing.remote(), missing)?;
            self.put_manifests(listing, outputs, &copied)?;
            add(pushed, outputs, copied);
        }
        Ok(())
    }

    /// Counts what a push would copy, and copies nothing.
    pub(super) fn push_nothing(
        listing: &Listing<'_>,
        all: &[ToPush],
        pushed: &mut Transferred,
    ) -> Result<(), StoreError> {
        for group in groups(all) {
            let outputs = &all[group];
            let Lacking { copied, .. } = lacking(listing, outputs)?;
            add(pushed, outputs, copied);
        }
        Ok(())
    }

    fn put_contents(&self, remote: &dyn Remote, missing: Vec<Missing>) -> Result<(), StoreError> {
        let threads = self.transfer_threads(remote);
        let is_small = |content: &Missing| content.bytes <= remote.packs_up_to();
        let (small, large): (Vec<_>, Vec<_>) = missing.into_iter().partition(is_small);
        let batches = batch::batches(small, |content| content.bytes);
        all_ok(Self::each(threads, &batches, |batch| batch::put(remote, batch)))?;
        all_ok(Self::each(threads, &large, |content| content.put(remote)))
    }

    /// Puts the manifests of the outputs that the remote lacks, and the tables of crate versions that they name.
    fn put_manifests(
        &self,
        listing: &Listing<'_>,
        outputs: &[ToPush],
        copied: &[Copied],
    ) -> Result<(), StoreError> {
        let remote = listing.remote();
        let new = outputs.iter().zip(copied).filter(|(_, copied)| copied.is_new);
        let new: Vec<_> = new.map(|(output, _)| output).collect();
        let mut seen = HashSet::new();
        let with_tables = new.iter().filter_map(|output| Some((output, output.record.crates?)));
        let with_tables: Vec<_> = with_tables.filter(|(_, digest)| seen.insert(*digest)).collect();
        let names: Vec<_> = with_tables.iter().map(|(_, digest)| table(*digest)).collect();
        let mut tables = Vec::new();
        let sizes = sizes(remote, &names)?;
        for (((output, digest), name), size) in with_tables.into_iter().zip(names).zip(sizes) {
            if size.is_none()
                && let Some(bytes) = output.store.crates_as_bytes(digest)?
            {
                tables.push((name, bytes));
            }
        }
        let bytes = |(_, bytes): &(String, Vec<u8>)| bytes.len() as u64;
        let threads = self.transfer_threads(remote);
        let tables = batch::batches(tables, bytes);
        all_ok(Self::each(threads, &tables, |batch| batch::put_bytes(remote, batch)))?;
        let manifests = new.iter().map(|output| output.manifest());
        let manifests = manifests.collect::<Result<Vec<_>, _>>()?;
        let named: Vec<_> = manifests.iter().map(|(name, _)| name.clone()).collect();
        let manifests = batch::batches(manifests, bytes);
        all_ok(Self::each(threads, &manifests, |batch| batch::put_bytes(remote, batch)))?;
        for (output, name) in new.into_iter().zip(named) {
            listing.add(&output.task, output.record.fingerprint, name);
        }
        Ok(())
    }
}

/// Returns what the remote lacks of some outputs.
fn lacking(listing: &Listing<'_>, outputs: &[ToPush]) -> Result<Lacking, StoreError> {
    let copied = outputs.iter().map(|output| {
        let is_new = !is_there(listing, output, PresentCheck::Size)?;
        Ok(Copied { is_new, ..Copied::default() })
    });
    let mut copied = copied.collect::<Result<Vec<_>, StoreError>>()?;
    let missing = batch::missing(listing.remote(), outputs)?;
    for content in &missing {
        let of = &mut copied[content.output];
        of.files += 1;
        of.bytes += content.bytes;
    }
    Ok(Lacking { copied, missing })
}

fn add(pushed: &mut Transferred, outputs: &[ToPush], copied: Vec<Copied>) {
    for (output, copied) in outputs.iter().zip(copied) {
        pushed.add(output.label.clone(), output.carried == Carried::MetadataOnly, copied);
    }
}

/// Returns the first error.
fn all_ok(results: Vec<Option<Result<(), StoreError>>>) -> Result<(), StoreError> {
    results.into_iter().flatten().collect()
}

/// Splits outputs into the groups whose manifests are put together.
fn groups(all: &[ToPush]) -> impl Iterator<Item = Range<usize>> {
    let size = |push: &ToPush| -> u64 {
        let files = push.record.output.contents();
        files.map(|file| file.bytes).sum()
    };
    let mut start = 0;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let is_last = |(place, push): (usize, &ToPush)| {
            bytes += size(push);
            place + 1 == GROUP || bytes >= GROUP_BYTES
        };
        let rest = &all[start..];
        let length = rest.iter().enumerate().position(is_last).map_or(rest.len(), |last| last + 1);
        let group = start..start + length;
        start = group.end;
        (length > 0).then_some(group)
    })
}
