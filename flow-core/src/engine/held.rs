//! What an execution holds of each instance: its record, and its value as long as it is used.

use std::sync::{Arc, Mutex, MutexGuard, Weak};

use daggy::NodeIndex;

use crate::base::panics::Contained;
use crate::store::made::Made;
use crate::value::AnyValue;

/// What an execution holds of each instance.
pub(crate) struct Held {
    slots: Vec<Mutex<Slot>>,
}

#[derive(Default)]
struct Slot {
    made: Option<Arc<Made>>,
    /// Its output is what running it would give, but the file is gone, and nobody has needed it.
    gone: Option<Arc<Made>>,
    /// The value, kept for tasks that are about to run.
    pinned: Option<Contained<AnyValue>>,
    /// The value, as long as somebody else keeps it.
    shared: Option<Weak<dyn std::any::Any + Send + Sync>>,
}

impl Held {
    pub(crate) fn new(nodes: usize) -> Self {
        let slots = (0..nodes).map(|_| Mutex::default()).collect();
        Self { slots }
    }

    fn slot(&self, node: NodeIndex) -> MutexGuard<'_, Slot> {
        self.slots[node.index()].lock().expect("no panic while a slot is locked")
    }

    pub(crate) fn made(&self, node: NodeIndex) -> Option<Arc<Made>> {
        self.slot(node).made.clone()
    }

    /// The output whose file is gone, if it was not made again.
    pub(crate) fn gone(&self, node: NodeIndex) -> Option<Arc<Made>> {
        self.slot(node).gone.clone()
    }

    pub(crate) fn set_gone(&self, node: NodeIndex, made: Made) {
        self.slot(node).gone = Some(Arc::new(made));
    }

    pub(crate) fn set_made(&self, node: NodeIndex, made: Made) {
        let mut slot = self.slot(node);
        slot.made = Some(Arc::new(made));
        slot.shared = None;
        let pinned = slot.pinned.take();
        drop(slot);
        // The value may be large, and is dropped without the lock.
        drop(pinned);
    }

    pub(crate) fn value(&self, node: NodeIndex) -> Option<AnyValue> {
        let slot = self.slot(node);
        let pinned = slot.pinned.as_deref().cloned();
        pinned.or_else(|| slot.shared.as_ref()?.upgrade())
    }

    /// Lets others have the value as long as somebody keeps it.
    pub(crate) fn share(&self, node: NodeIndex, value: &AnyValue) {
        self.slot(node).shared = Some(Arc::downgrade(value));
    }

    /// Keeps the value until it is unpinned.
    pub(crate) fn pin(&self, node: NodeIndex, value: Contained<AnyValue>) {
        self.slot(node).pinned = Some(value);
    }

    pub(crate) fn unpin(&self, node: NodeIndex) {
        let value = self.slot(node).pinned.take();
        // The value may be large, and is dropped without the lock.
        drop(value);
    }
}
