//! Blocks of packs in memory: contents that were pushed together are mostly pulled together.
//!
//! A small content is read from a block of its pack, and the block stays in memory for the contents beside it. Threads
//! that need one block wait for one request. The memory is limited; the blocks that were used last stay.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::client::Client;
use crate::error::RemoteError;
use crate::names;

/// The size of a block, in bytes.
const BLOCK: u64 = 4 << 20;

/// The number of blocks in memory.
const BLOCKS: usize = 16;

/// A block of a pack: the digest of the pack, and the number of the block.
type Id = (Arc<str>, u64);

/// A block, once it was fetched. The lock is held while it is fetched.
type Slot = Arc<Mutex<Option<Bytes>>>;

/// The blocks in memory.
#[derive(Default)]
pub(crate) struct Blocks(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    slots: HashMap<Id, Slot>,
    /// The blocks in the order in which they were last needed.
    order: VecDeque<Id>,
}

impl Blocks {
    /// Returns the bytes from `start` of a pack with this size.
    pub(crate) fn read(
        &self,
        client: &Client,
        (pack, pack_bytes): (&Arc<str>, u64),
        start: u64,
        bytes: u64,
    ) -> Result<Vec<u8>, RemoteError> {
        let end = start + bytes;
        let mut content = Vec::with_capacity(bytes as usize);
        let mut at = start;
        while at < end {
            let number = at / BLOCK;
            let from = number * BLOCK;
            let block = self.block(client, (pack, pack_bytes), number)?;
            let until = end.min(from + BLOCK);
            let part = block.get((at - from) as usize..(until - from) as usize);
            let name = || names::pack(pack);
            let part = part.ok_or_else(|| client.damaged(&name(), "it is shorter than it was"))?;
            content.extend_from_slice(part);
            at = until;
        }
        Ok(content)
    }

    fn block(
        &self,
        client: &Client,
        (pack, pack_bytes): (&Arc<str>, u64),
        number: u64,
    ) -> Result<Bytes, RemoteError> {
        let slot = self.slot((Arc::clone(pack), number));
        let mut fetched = slot.lock().expect("lock poisoned");
        if let Some(block) = &*fetched {
            return Ok(block.clone());
        }
        let from = number * BLOCK;
        let range = from..pack_bytes.min(from + BLOCK);
        let block = client.get_range(&names::pack(pack), range)?;
        *fetched = Some(block.clone());
        Ok(block)
    }

    fn slot(&self, id: Id) -> Slot {
        let mut kept = self.0.lock().expect("lock poisoned");
        if let Some(slot) = kept.slots.get(&id).cloned() {
            kept.order.retain(|other| *other != id);
            kept.order.push_back(id);
            return slot;
        }
        if kept.order.len() == BLOCKS
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.slots.remove(&oldest);
        }
        kept.order.push_back(id.clone());
        Arc::clone(kept.slots.entry(id).or_default())
    }
}
