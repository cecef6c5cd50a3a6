//! The values of `Memory` outputs, kept as long as a flow with this store exists.
//!
//! The values are counted with the memory that they take, so that a run can warn of more than its budget. A buffer that
//! several values share, as tables do that were derived from each other, is counted once.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::base::key::Digest;
use crate::base::panics::Contained;
use crate::target::footprint::Footprint;
use crate::value::AnyValue;

/// The outputs that have no file, by the digest of their inputs.
#[derive(Default)]
pub(crate) struct Memory {
    values: Mutex<Values>,
    /// The bytes that all values take.
    bytes: AtomicU64,
    /// How many values were added so far.
    added: AtomicU64,
}

/// A value in memory, with the memory that it takes.
#[derive(Clone)]
pub(crate) struct Remembered {
    pub(crate) value: Contained<AnyValue>,
    pub(crate) footprint: Footprint,
}

/// The task whose values take most of the memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Largest {
    pub(crate) task: String,
    /// How many values it has in memory.
    pub(crate) values: usize,
    /// The bytes that they take.
    pub(crate) bytes: u64,
    /// The bytes that the values of all tasks take.
    pub(crate) total: u64,
}

#[derive(Default)]
struct Values {
    by_digest: HashMap<Digest, Entry>,
    /// The buffers that values may share, by address.
    buffers: HashMap<usize, Buffer>,
    /// The names of the tasks with values, in the order in which they were first added.
    tasks: Vec<String>,
    places: HashMap<String, u32>,
    /// The bytes of all values and buffers. A sum of sizes that users declare may exceed 64 bits.
    total: u128,
}

struct Entry {
    remembered: Remembered,
    /// The place of its task among `tasks`.
    task: u32,
}

struct Buffer {
    bytes: u64,
    /// The number of values that use it.
    values: usize,
}

impl Memory {
    fn values(&self) -> MutexGuard<'_, Values> {
        self.values.lock().expect("lock poisoned")
    }

    pub(crate) fn contains(&self, digest: Digest) -> bool {
        self.values().by_digest.contains_key(&digest)
    }

    pub(crate) fn get(&self, digest: Digest) -> Option<AnyValue> {
        let values = self.values();
        values.by_digest.get(&digest).map(|entry| AnyValue::clone(&entry.remembered.value))
    }

    /// Returns a value with the memory that it takes.
    pub(crate) fn remembered(&self, digest: Digest) -> Option<Remembered> {
        self.values().by_digest.get(&digest).map(|entry| entry.remembered.clone())
    }

    /// Keeps a value of a task with this name.
    pub(crate) fn keep(&self, digest: Digest, value: Remembered, task: &str) {
        let mut values = self.values();
        let replaced = values.remove(digest);
        values.add(digest, value, task);
        self.added.fetch_add(1, Ordering::Relaxed);
        self.count(values, replaced);
    }

    pub(crate) fn forget(&self, digest: Digest) {
        let mut values = self.values();
        let forgotten = values.remove(digest);
        self.count(values, forgotten);
    }

    pub(crate) fn clear(&self) {
        let mut values = self.values();
        let forgotten = std::mem::take(&mut *values);
        self.bytes.store(0, Ordering::Relaxed);
        drop(values);
        // The values may be large, so they are dropped after the lock is released.
        drop(forgotten);
    }

    /// Returns the bytes that all values take.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns how many values were added so far.
    pub(crate) fn added(&self) -> u64 {
        self.added.load(Ordering::Relaxed)
    }

    /// Returns the task whose values take most of the memory, if there are values.
    pub(crate) fn largest(&self) -> Option<Largest> {
        let values = self.values();
        let mut tasks = vec![(0_u64, 0_usize); values.tasks.len()];
        // Values of one task may share buffers, too.
        let mut counted = HashSet::new();
        for Entry { remembered, task } in values.by_digest.values() {
            let (bytes, count) = &mut tasks[*task as usize];
            *count += 1;
            *bytes = bytes.saturating_add(remembered.footprint.own());
            for (address, _) in remembered.footprint.buffers() {
                if counted.insert((*task, address)) {
                    let buffer = values.buffers.get(&address);
                    *bytes = bytes.saturating_add(buffer.map_or(0, |buffer| buffer.bytes));
                }
            }
        }
        let with_values = tasks.into_iter().zip(&values.tasks).filter(|((_, count), _)| *count > 0);
        // Of equal ones the first task by name, so that the choice does not depend on the order of threads.
        let ((bytes, count), task) = with_values
            .max_by(|((a, _), first), ((b, _), second)| a.cmp(b).then_with(|| second.cmp(first)))?;
        let total = values.total();
        Some(Largest { task: task.clone(), values: count, bytes, total })
    }

    /// Counts the bytes of the values again, releases their lock and drops a value that was removed.
    fn count(&self, values: MutexGuard<'_, Values>, removed: Option<Entry>) {
        self.bytes.store(values.total(), Ordering::Relaxed);
        drop(values);
        // The value may be large, so it is dropped after the lock is released.
        drop(removed);
    }
}

impl Values {
    fn total(&self) -> u64 {
        u64::try_from(self.total).unwrap_or(u64::MAX)
    }

    fn add(&mut self, digest: Digest, remembered: Remembered, task: &str) {
        let place = match self.places.get(task) {
            Some(&place) => place,
            None => {
                let place = self.tasks.len() as u32;
                self.tasks.push(task.to_owned());
                self.places.insert(task.to_owned(), place);
                place
            }
        };
        self.total += u128::from(remembered.footprint.own());
        for (address, bytes) in remembered.footprint.buffers() {
            let buffer = self.buffers.entry(address).or_insert_with(|| {
                self.total += u128::from(bytes);
                Buffer { bytes, values: 0 }
            });
            buffer.values += 1;
        }
        self.by_digest.insert(digest, Entry { remembered, task: place });
    }

    fn remove(&mut self, digest: Digest) -> Option<Entry> {
        let removed = self.by_digest.remove(&digest)?;
        let footprint = &removed.remembered.footprint;
        self.total -= u128::from(footprint.own());
        for (address, _) in footprint.buffers() {
            let buffer = self.buffers.get_mut(&address).expect("each buffer is counted");
            buffer.values -= 1;
            if buffer.values == 0 {
                self.total -= u128::from(buffer.bytes);
                self.buffers.remove(&address);
            }
        }
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn value(own: u64, buffers: &[(usize, u64)]) -> Remembered {
        let mut footprint = Footprint::default();
        footprint.add(own);
        buffers.iter().for_each(|&(address, bytes)| footprint.add_shared(address, bytes));
        Remembered { value: Contained::new(Arc::new(own) as AnyValue), footprint }
    }

    #[test]
    fn a_replaced_or_forgotten_value_is_not_counted() {
        let memory = Memory::default();
        memory.keep(Digest(1), value(100, &[]), "A");
        memory.keep(Digest(2), value(30, &[]), "B");
        assert_eq!(memory.bytes(), 130);
        memory.keep(Digest(1), value(7, &[]), "A");
        assert_eq!((memory.bytes(), memory.added()), (37, 3));
        memory.forget(Digest(1));
        memory.forget(Digest(1));
        assert_eq!(memory.bytes(), 30);
        memory.clear();
        assert_eq!((memory.bytes(), memory.largest()), (0, None));
    }

    #[test]
    fn a_buffer_is_counted_as_long_as_one_value_uses_it() {
        let memory = Memory::default();
        memory.keep(Digest(1), value(1, &[(0x10, 1_000)]), "A");
        memory.keep(Digest(2), value(1, &[(0x10, 1_000), (0x20, 50)]), "B");
        assert_eq!(memory.bytes(), 1_052);
        memory.forget(Digest(1));
        assert_eq!(memory.bytes(), 1_051);
        memory.forget(Digest(2));
        assert_eq!(memory.bytes(), 0);
    }

    #[test]
    fn the_task_with_most_memory_is_found() {
        let memory = Memory::default();
        memory.keep(Digest(1), value(10, &[(0x10, 500)]), "A");
        memory.keep(Digest(2), value(10, &[(0x10, 500)]), "A");
        memory.keep(Digest(3), value(400, &[]), "B");
        let largest = Largest { task: "A".to_owned(), values: 2, bytes: 520, total: 920 };
        assert_eq!(memory.largest(), Some(largest));
        memory.keep(Digest(4), value(u64::MAX, &[]), "B");
        let largest = memory.largest().expect("there are values");
        assert_eq!((&*largest.task, largest.bytes, largest.total), ("B", u64::MAX, u64::MAX));
        memory.forget(Digest(4));
        assert_eq!(memory.bytes(), 920);
    }
}
