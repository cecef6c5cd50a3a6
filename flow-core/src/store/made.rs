//! An output that is there: what loading it needs.

use std::sync::Arc;

use crate::store::output::Output;
use crate::store::record::{Meta, Record};
use crate::store::{Folder, Store};

/// An output that is there: what loading it needs, and no more, for there may be many.
pub(crate) struct Made {
    pub(crate) folder: Folder,
    pub(crate) output: Output,
    pub(crate) meta: Meta,
    /// The store that has it, if it is another one.
    pub(crate) from: Option<Arc<Store>>,
}

impl Made {
    pub(crate) fn new(folder: Folder, record: Record) -> Self {
        Self { folder, output: record.output, meta: record.meta, from: None }
    }

    /// The store that has it, where `own` is that of the plan.
    pub(crate) fn store<'a>(&'a self, own: &'a Arc<Store>) -> &'a Arc<Store> {
        self.from.as_ref().unwrap_or(own)
    }
}
