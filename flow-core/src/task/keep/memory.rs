//! Outputs that stay in memory.

use std::marker::PhantomData;
use std::sync::Arc;

use anyhow::Context;

use super::{Files, Keep};
use crate::base::code::Code;
use crate::store::draft::Draft;
use crate::store::place::Places;

/// No file: the value stays in memory, as long as this flow, or one made from it, is there.
///
/// It is for what is quicker to make than to load, and for values that no format can keep. The
/// record stays in the store, so that another process knows what the value was made from: what
/// follows it is complete without it, and it is made again only when a task that requires it
/// runs, or when it is a root itself.
///
/// It counts as the same value whenever it is made from the same, for nothing tells two values
/// apart that have no bytes: what follows runs again if what it is made from changes. When it is
/// made from something else, the value before is dropped.
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

    fn __codes(_: &mut Vec<Code>) {}

    fn __save(&self, _: &Arc<T>, _: &Places, draft: &mut Draft<'_>) -> anyhow::Result<()> {
        draft.remember();
        Ok(())
    }

    fn __load(&self, files: &Files<'_>) -> anyhow::Result<Arc<T>> {
        let value =
            files.made.store(files.of.origin.store()).memory().get(files.made.output.digest);
        let value = value.context("it was in the memory of another process")?;
        // What it is made from, code included, tells the types of two versions apart.
        value.downcast().map_err(|_| anyhow::anyhow!("its type is another one now: reset it"))
    }
}
