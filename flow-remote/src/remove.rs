//! Removing contents: objects of their own are removed, and packs are written anew without what is removed.
//!
//! A segment is replaced before its pack goes: the new segment and the new packs are put first, then the old segment is
//! removed, then the packs that no segment names any more. So an interruption at any point leaves all other contents, and
//! at most packs that no segment names. Only a garbage collection, which excludes pushes, removes packed contents.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::blocks::Blocks;
use crate::client::Client;
use crate::error::RemoteError;
use crate::index::{Index, Known};
use crate::names;
use crate::segment::{Pack, Segment};

/// The contents that stay and are written anew, at most this large a pack, in bytes.
const PACK: u64 = 8 << 20;

/// The number of contents in a pack that is written anew.
const CONTENTS: usize = 10_000;

/// A content of a pack: the pack, its size, the name, place and size of the content, and when it was put.
type Moved = (Arc<str>, u64, (String, u64, u64), u64);

/// What replaces the segments of an index that name removed contents.
struct Rewritten {
    /// The packs that stay as they are, with the contents that are left.
    kept: Vec<Pack>,
    /// Contents of packs that are mostly removed: the pack, the place in it, and the size.
    moved: Vec<Moved>,
    /// The segments that are replaced.
    segments: Vec<String>,
}

/// Removes contents of the index.
pub(crate) fn remove(
    client: &Client,
    index: &Index,
    removed: &HashSet<&str>,
) -> Result<(), RemoteError> {
    let loose =
        removed.iter().filter(|name| index.get(name).is_some_and(crate::index::Entry::is_loose));
    let loose: Vec<_> = loose.map(|name| (*name).to_owned()).collect();
    client.delete(&loose)?;
    let Rewritten { mut kept, moved, segments } = rewritten(index, removed);
    if !segments.is_empty() {
        kept.extend(pack_anew(client, &moved)?);
        if !kept.is_empty() {
            let (digest, bytes) = Segment::new(kept.clone()).to_bytes();
            client.create_by_digest(&names::segment(&digest), bytes)?;
        }
        let old: Vec<_> = segments.iter().map(|digest| names::segment(digest)).collect();
        client.delete(&old)?;
    }
    // Packs of the segments that were replaced, and those that a push left which died.
    let left = index.segments.iter().filter(|(digest, _)| !segments.contains(digest));
    let named = left.flat_map(|(_, Known { segment, .. })| &segment.packs).chain(&kept);
    let named: HashSet<_> = named.map(|pack| &*pack.pack).collect();
    let unnamed = index.packs.iter().filter(|pack| !named.contains(&***pack));
    let unnamed: Vec<_> = unnamed.map(|pack| names::pack(pack)).collect();
    client.delete(&unnamed)
}

fn rewritten(index: &Index, removed: &HashSet<&str>) -> Rewritten {
    let mut rewritten = Rewritten { kept: Vec::new(), moved: Vec::new(), segments: Vec::new() };
    for (digest, Known { segment, modified }) in &index.segments {
        let is_removed = |(name, ..): &(String, u64, u64)| removed.contains(&**name);
        if !segment.packs.iter().flat_map(|pack| &pack.contents).any(is_removed) {
            continue;
        }
        rewritten.segments.push(digest.clone());
        for pack in &segment.packs {
            let left = pack.contents.iter().filter(|content| !is_removed(content));
            let left: Vec<_> = left.cloned().collect();
            let bytes: u64 = left.iter().map(|(_, _, bytes)| bytes).sum();
            if left.is_empty() || !index.packs.contains(&pack.pack) {
                continue;
            }
            let since = pack.put_at(*modified).duration_since(UNIX_EPOCH);
            let since = since.unwrap_or_default().as_secs();
            if bytes * 2 >= pack.bytes {
                let (pack, bytes) = (pack.pack.clone(), pack.bytes);
                rewritten.kept.push(Pack { pack, bytes, contents: left, since: Some(since) });
            } else {
                let from = Arc::<str>::from(&*pack.pack);
                let moved =
                    left.into_iter().map(|left| (Arc::clone(&from), pack.bytes, left, since));
                rewritten.moved.extend(moved);
            }
        }
    }
    // A pack has one age, so that contents of similar ages are put together.
    rewritten.moved.sort_by_key(|(_, _, _, since)| *since);
    rewritten
}

/// Copies contents into new packs.
fn pack_anew(client: &Client, moved: &[Moved]) -> Result<Vec<Pack>, RemoteError> {
    let blocks = Blocks::default();
    let mut packs = Vec::new();
    let mut rest = moved;
    while !rest.is_empty() {
        let mut size = 0;
        let mut fits = |bytes: u64| {
            size += bytes;
            size <= PACK
        };
        let count = rest.iter().take(CONTENTS).take_while(|(_, _, (_, _, bytes), _)| fits(*bytes));
        let (some, others) = rest.split_at(count.count().max(1));
        rest = others;
        let mut contents = Vec::with_capacity(some.len());
        for (pack, pack_bytes, (name, start, bytes), _) in some {
            let content = blocks.read(client, (pack, *pack_bytes), *start, *bytes)?;
            contents.push((name, content));
        }
        let (pack, bytes) = Pack::of(contents.iter().map(|(name, bytes)| (&***name, &**bytes)));
        client.create_by_digest(&names::pack(&pack.pack), bytes)?;
        // The youngest content counts.
        let since = some.iter().map(|(_, _, _, since)| *since).max();
        packs.push(Pack { since, ..pack });
    }
    Ok(packs)
}
