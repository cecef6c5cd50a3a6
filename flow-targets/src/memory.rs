//! A limit of the memory that the value of a file may take.
//!
//! One byte of a file can be an item of a list of any type: a `nil` that is read as an
//! `Option<[u64; 32]>` takes 264 times as much memory. So the memory of lists and maps is counted
//! by the sizes of their item types.

use std::cell::Cell;

/// The memory that a value may take, as a multiple of the limit of its file.
const TIMES: u64 = 4;

/// The bytes that a value may take in addition to that multiple.
const BASE: u64 = 64 << 20;

/// The memory that is left for a value.
pub(crate) struct Memory {
    most: u64,
    left: Cell<u64>,
}

impl Memory {
    /// Creates the budget for a value whose file may have `bytes` bytes.
    pub(crate) fn of_file(bytes: u64) -> Self {
        let most = bytes.saturating_mul(TIMES).saturating_add(BASE);
        Self { most, left: Cell::new(most) }
    }

    /// Subtracts `bytes` from what is left.
    ///
    /// # Errors
    ///
    /// The value takes too much memory. The message says how to raise the limit.
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

/// The size of a growing list or map, whose capacity doubles like that of a `Vec`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Growth {
    items: u64,
    room: u64,
}

/// The capacity of a list after its first item, unless the items are large.
const LIST: u64 = 4;

/// The number of entries in a node of a `BTreeMap`.
const NODE: u64 = 11;

/// The size of an item, in bytes, above which the first capacity of a list is 1.
const LARGE: usize = 1024;

impl Growth {
    /// Adds an item of `size` bytes to a list.
    pub(crate) fn item(&mut self, memory: &Memory, size: usize) -> Result<(), String> {
        self.add(memory, size, if size > LARGE { 1 } else { LIST })
    }

    /// Adds an entry to a map, whose key and value have `size` bytes together.
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
