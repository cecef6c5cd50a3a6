//! Several outputs of one task.

use std::sync::Arc;

use super::{Described, Files, Keep, KeepPart, Part};
use crate::base::code::Code;
use crate::store::draft::Draft;
use crate::store::place::Places;
use crate::target::Description;
use crate::task::expectation::Checks;

/// Several outputs of one task, each in a separate file: a struct with `#[derive(Outputs)]`.
///
/// The attribute `#[output(...)]` of a field names its target. The task returns the whole struct, so that no output
/// can be missing, and it is complete only with all of them. They are loaded as a whole or
/// [one by one](crate::Input::load_one).
///
/// ```
/// use flow::prelude::*;
///
/// /// Even and odd numbers.
/// #[derive(Outputs)]
/// struct Split {
///     #[output(Json)]
///     even: Vec<u32>,
///     #[output(Json)]
///     odd: Vec<u32>,
/// }
///
/// #[derive(Task)]
/// #[task(outputs = Split)]
/// struct Numbers {
///     n: u32,
/// }
///
/// #[tracked]
/// impl Run for Numbers {
///     fn run(&self, _cx: &Cx<Self>) -> Result<Split> {
///         let (even, odd) = (0..self.n).partition(|n| n % 2 == 0);
///         Ok(Split { even, odd })
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet().with(Numbers::N, 5);
/// flow.run::<Numbers>()?;
/// assert_eq!(flow.load::<Numbers>()?.odd, [1, 3]);
///
/// // Only the file of this one is read.
/// assert_eq!(*flow.output::<Numbers>()?.load_one(Split::EVEN)?, [0, 2, 4]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a struct of outputs",
    label = "does not implement `Outputs`",
    note = "write `#[derive(Outputs)]` above the struct, and `#[output(Json)]` or the like above each field"
)]
pub trait Outputs: Sized + Send + Sync + 'static {
    /// The target of the struct: [`Several<Self>`](Several).
    ///
    /// The derive names the target through this type, because for a struct that is no `Outputs` the compiler
    /// does not know the type, and so does not report `Several` of the struct, too.
    #[doc(hidden)]
    type __Target: Keep;

    #[doc(hidden)]
    const __EXACT: bool;

    /// The targets as the user wrote them.
    #[doc(hidden)]
    const __TARGETS: &'static str;

    #[doc(hidden)]
    fn __codes(codes: &mut Vec<Code>);

    #[doc(hidden)]
    fn __save(&self, to: &mut Saving<'_, '_>) -> anyhow::Result<()>;

    /// Checks the fields before any of them is saved.
    #[doc(hidden)]
    fn __check(&self, _checks: &mut Checks<'_>) -> anyhow::Result<()> {
        Ok(())
    }

    /// Checks that values of each field can be stored at all.
    #[doc(hidden)]
    fn __check_types() -> anyhow::Result<()> {
        Ok(())
    }

    #[doc(hidden)]
    fn __load(from: &Files<'_>) -> anyhow::Result<Self>;

    #[doc(hidden)]
    fn __describe(of: &Files<'_>) -> anyhow::Result<Described>;
}

/// A writer for the parts of an output, which are saved one after the other.
#[doc(hidden)]
pub struct Saving<'a, 'b> {
    places: &'a Places,
    draft: &'a mut Draft<'b>,
}

impl Saving<'_, '_> {
    pub fn part<O, K: KeepPart<Value = V>, V>(
        &mut self,
        part: Part<O, K>,
        value: &V,
    ) -> anyhow::Result<()> {
        let saved = part.target().__save_part(part.name(), value, self.places, self.draft);
        saved.map_err(|error| error.context(format!("output `{}`", part.name())))
    }
}

impl Files<'_> {
    #[doc(hidden)]
    pub fn part<O, K: KeepPart<Value = V>, V>(&self, part: Part<O, K>) -> anyhow::Result<V> {
        let loaded = part.target().__load_part(part.name(), self);
        loaded.map_err(|error| error.context(format!("output `{}`", part.name())))
    }

    #[doc(hidden)]
    pub fn description<O, K: KeepPart<Value = V>, V>(
        &self,
        part: Part<O, K>,
    ) -> anyhow::Result<(&'static str, Description)> {
        Ok((part.name(), part.target().__describe_part(part.name(), self)?))
    }
}

/// The target of a struct of [`Outputs`]: stores each field with its own target.
///
/// `outputs = Split` is short for `target = Several<Split>`.
pub struct Several<O>(std::marker::PhantomData<fn() -> O>);

impl<O> Default for Several<O> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<O: Outputs> Keep for Several<O> {
    type Value = O;
    const __EXACT: bool = O::__EXACT;

    fn __codes(codes: &mut Vec<Code>) {
        O::__codes(codes);
    }

    fn __save(&self, value: &Arc<O>, places: &Places, draft: &mut Draft<'_>) -> anyhow::Result<()> {
        value.__save(&mut Saving { places, draft })
    }

    fn __check(value: &O, checks: &mut Checks<'_>) -> anyhow::Result<()> {
        value.__check(checks)
    }

    fn __check_type(&self) -> anyhow::Result<()> {
        O::__check_types()
    }

    fn __load(&self, files: &Files<'_>) -> anyhow::Result<Arc<O>> {
        O::__load(files).map(Arc::new)
    }

    fn __describe(&self, files: &Files<'_>) -> anyhow::Result<Described> {
        O::__describe(files)
    }
}
