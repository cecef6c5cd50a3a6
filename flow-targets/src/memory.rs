//! How much memory the value of a file may take.
//!
//! A byte of a file can be an item of a list of any type: `nil` as an `Option<[u64; 32]>` takes 264
//! times as much. So what lists and maps allocate is counted by the sizes of their types.

use std::cell::Cell;

/// How many times the limit of the file a value may take.
const TIMES: u64 = 4;

/// What any value may take beyond that, in bytes.
const BASE: u64 = 64 << 20;

/// How much memory is left for a value.
pub(crate) struct Memory {
    most: u64,
    left: Cell<u64>,
}

impl Memory {
    /// The memory for a value whose file may have so many bytes.
    pub(crate) fn of_file(bytes: u64) -> Self {
        let most = bytes.saturating_mul(TIMES).saturating_add(BASE);
        Self { most, left: Cell::new(most) }
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    ///
    /// The value takes too much, and how to raise the limit.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), String> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(format!(
                "the value takes more than {} bytes in memory; if that is right, raise the limit by the \
                 target's option `max_bytes = ...`",
                self.most
            )),
        }
    }
}

/// A list or map that grows: its room doubles, as that of a `Vec` does.
#[derive(Clone, Copy, Default)]
pub(crate) struct Growth {
    items: u64,
    room: u64,
}

/// The room that a list takes with its first item, unless the items are large.
const LIST: u64 = 4;

/// The entries of a node of a `BTreeMap`.
const NODE: u64 = 11;

/// From which size of its items on a list takes room for one at first, in bytes.
const LARGE: usize = 1024;

impl Growth {
    /// Adds an item of this size to a list.
    pub(crate) fn item(&mut self, memory: &Memory, size: usize) -> Result<(), String> {
        self.add(memory, size, if size > LARGE { 1 } else { LIST })
    }

    /// Adds an entry to a map, whose key and value have this size together.
    pub(crate) fn entry(&mut self, memory: &Memory, size: usize) -> Result<(), String> {
        self.add(memory, size, NODE)
    }

    fn add(&mut self, memory: &Memory, size: usize, first: u64) -> Result<(), String> {
        self.items += 1;
        if self.items <= self.room {
            return Ok(());
        }
        let added = self.room.max(first);
        self.room += added;
        memory.take(added.saturating_mul(size as u64))
    }
}
