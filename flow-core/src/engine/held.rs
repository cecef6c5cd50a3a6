//! The outputs and values that an execution holds in memory.
//!
//! For each instance: the record of its output, and its value as long as it is used.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use daggy::NodeIndex;

use crate::base::panics::Contained;
use crate::store::made::Made;
use crate::value::AnyValue;

/// The outputs and values of the instances of an execution.
pub(crate) struct Held {
    slots: Vec<Mutex<Slot>>,
}

#[derive(Default)]
struct Slot {
    /// The output that this execution has found or produced.
    made: Option<Arc<Made>>,
    /// An output that is up to date but whose file is missing, and was not needed so far.
    gone: Option<Arc<Made>>,
    /// The value, kept for tasks that are about to run.
    pinned: Option<Contained<AnyValue>>,
    /// The value, as long as a running task holds it.
    shared: Option<Weak<dyn std::any::Any + Send + Sync>>,
}

impl Held {
    pub(crate) fn new(nodes: usize) -> Self {
        let slots = (0..nodes).map(|_| Mutex::default()).collect();
        Self { slots }
    }

    fn slot(&self, node: NodeIndex) -> MutexGuard<'_, Slot> {
        self.slots[node.index()].lock().expect("lock poisoned")
    }

    /// Returns the output that this execution has found or produced.
    pub(crate) fn made(&self, node: NodeIndex) -> Option<Arc<Made>> {
        self.slot(node).made.clone()
    }

    /// Returns the output whose file is missing, if there is one.
    pub(crate) fn gone(&self, node: NodeIndex) -> Option<Arc<Made>> {
        self.slot(node).gone.clone()
    }

    /// Records that an output is up to date, but its file is missing.
    pub(crate) fn set_gone(&self, node: NodeIndex, made: Made) {
        self.slot(node).gone = Some(Arc::new(made));
    }

    /// Records an output, and drops the value of the one before.
    pub(crate) fn set_made(&self, node: NodeIndex, made: Made) {
        let mut slot = self.slot(node);
        slot.made = Some(Arc::new(made));
        slot.shared = None;
        let pinned = slot.pinned.take();
        drop(slot);
        // The value may be large, and is dropped after the lock is released.
        drop(pinned);
    }

    /// Returns the value of an output, if it is in memory.
    pub(crate) fn value(&self, node: NodeIndex) -> Option<AnyValue> {
        let slot = self.slot(node);
        let pinned = slot.pinned.as_deref().cloned();
        pinned.or_else(|| slot.shared.as_ref()?.upgrade())
    }

    /// Shares a value with other tasks for as long as one of them holds it.
    pub(crate) fn share(&self, node: NodeIndex, value: &AnyValue) {
        self.slot(node).shared = Some(Arc::downgrade(value));
    }

    /// Keeps a value in memory until it is unpinned.
    pub(crate) fn pin(&self, node: NodeIndex, value: Contained<AnyValue>) {
        self.slot(node).pinned = Some(value);
    }

    /// Drops a pinned value.
    pub(crate) fn unpin(&self, node: NodeIndex) {
        let value = self.slot(node).pinned.take();
        // The value may be large, and is dropped after the lock is released.
        drop(value);
    }
}
