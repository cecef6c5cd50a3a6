//! [`Gathered`]: the output of an aggregate, which is handles on the outputs of the tasks that it requires.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{Files, Keep};
use crate::base::code::Code;
use crate::store::draft::Draft;
use crate::store::place::Places;
use crate::task::input::{Inputs, Wires};

/// The output of an `aggregate`: handles on the tasks that it requires, in the form of its `requires`.
///
/// ```
/// use flow::prelude::*;
///
/// #[derive(Task)]
/// #[task(target = Json<u64>)]
/// struct Power {
///     exponent: u32,
/// }
///
/// #[tracked]
/// impl Run for Power {
///     fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
///         Ok(2_u64.pow(self.exponent))
///     }
/// }
///
/// #[derive(Task)]
/// #[task(aggregate, requires = [Power { exponent } for exponent in 0..4])]
/// struct Powers;
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.run::<Powers>()?;
/// let powers = flow.load::<Powers>()?;
/// assert_eq!(*powers[3].load()?, 8);
/// # Ok(())
/// # }
/// ```
pub struct Gathered<I>(PhantomData<fn() -> I>);

impl<I> Default for Gathered<I> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<I: Inputs> Keep for Gathered<I> {
    type Value = I;
    const __EXACT: bool = true;

    fn __codes(_: &mut Vec<Code>) {}

    fn __save(&self, _: &Arc<I>, _: &Places, _: &mut Draft<'_>) -> anyhow::Result<()> {
        anyhow::bail!("an aggregate is not run: a mistake of this library")
    }

    fn __load(&self, files: &Files<'_>) -> anyhow::Result<Arc<I>> {
        Ok(Arc::new(I::take(&mut Wires::new(files.of))))
    }
}
