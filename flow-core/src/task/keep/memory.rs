//! The target [`Memory`]: outputs that stay in memory.

use std::marker::PhantomData;
use std::sync::Arc;

use anyhow::Context;

use super::{Files, Keep};
use crate::base::code::Code;
use crate::store::draft::Draft;
use crate::store::place::Places;
use crate::target::footprint::{Footprint, footprint};

/// A target without a file: the value stays in memory as long as this flow, or a flow derived from it, exists.
///
/// Use it for values that are quicker to compute than to load, and for values that no format can store. The
/// record is stored as usual, so that in another process the tasks downstream can be complete without the value. The
/// value is computed again only when a task that requires it runs, or when it is a root.
///
/// Because the value has no bytes to compare, its digest is its fingerprint: tasks downstream run again whenever the
/// fingerprint changes. A value with a new fingerprint replaces the one before in memory.
///
/// A run never drops such a value to save memory, because a later task or [`Flow::load`](crate::Flow::load) may ask for
/// it. If the values in memory take more than [`Flow::value_budget`](crate::Flow::value_budget), the summary of the run has
/// the warning [`MemoryOverBudget`](crate::Warning::MemoryOverBudget). Then give the task with the largest values a
/// target with a file, reset tasks whose values are not needed any more, or raise the budget.
/// [`memory_size!`](crate::memory_size) declares the sizes of values of your own types.
///
/// The prelude has this target. The target for files that a task writes itself, [`File`](crate::File), is `flow::File`:
/// the prelude does not have it, because `std::fs::File` has the same name.
///
/// ```
/// use flow::prelude::*;
///
/// #[derive(Task)]
/// #[task(target = Memory<Vec<u64>>)]
/// struct Squares;
///
/// #[tracked]
/// impl Run for Squares {
///     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
///         Ok((0..100).map(|n| n * n).collect())
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.run::<Squares>()?;
/// assert_eq!(flow.load::<Squares>()?[9], 81);
/// # Ok(())
/// # }
/// ```
pub struct Memory<T>(PhantomData<fn() -> T>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Send + Sync + 'static> Keep for Memory<T> {
    type Value = T;
    const __EXACT: bool = true;
    const __IN_MEMORY: bool = true;

    fn __codes(_: &mut Vec<Code>) {}

    fn __save(&self, value: &Arc<T>, _: &Places, draft: &mut Draft<'_>) -> anyhow::Result<()> {
        let of_type = || {
            let mut footprint = Footprint::default();
            footprint.add(size_of::<T>() as u64);
            footprint
        };
        draft.holds(&footprint(&**value).unwrap_or_else(of_type));
        draft.remember();
        Ok(())
    }

    fn __load(&self, files: &Files<'_>) -> anyhow::Result<Arc<T>> {
        let value =
            files.made.store(files.of.origin.store()).memory().get(files.made.output.digest);
        let value = value.context("it was in the memory of another process")?;
        // Values of different types normally differ in their fingerprints, which include the code.
        value.downcast().map_err(|_| anyhow::anyhow!("its type has changed: reset the task"))
    }
}
