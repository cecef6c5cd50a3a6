//! Sweeps: many settings of one flow, planned and run together.
//!
//! A [`Sweep`] is a flow, the root tasks, and a list of variants. A variant is a set of parameter values that override
//! those of the flow. Options of a run, such as workers, `force` or the namespace, apply to all variants, so that a
//! [`Setting`](crate::Setting) has no methods for them.
//!
//! # From the declaration to the variants
//!
//! The user declares rows and axes ([`declare`]). The [`space`] combines them to a list of variants, of which a
//! [`sample`] draws some at random, and [`name`] derives the names that the user has not given.
//!
//! # From the variants to the plan
//!
//! A variant has the same keys as a flow with the same values. All variants are roots of one plan, so that the
//! instances that they share exist, and run, once (see [`plan::variant`](crate::plan::variant)).
//!
//! # Using the plan
//!
//! The methods of a sweep plan all variants: [`preview`], [`plot`], [`run`], the [`table`] of results and its [`best`]
//! row, [`load`], [`reset`], and export, push and pull ([`share`]). Only `preview`, `plot` and `run` are limited by [`Sweep::missing`], and by [`Sweep::until`] and
//! [`Sweep::only`] ([`restrict`]); everything else covers all variants and the whole graph. A single variant is used as one of the [`flows`].
//!
//! If no variant uses a parameter that the sweep sets, this is an error. For a value given to a flow it is only a
//! warning, because the flow may be used with other roots that take the parameter; the roots of a sweep are fixed.

mod best;
mod by_name;
mod by_variant;
mod declare;
mod flows;
mod gc;
mod load;
mod name;
mod plot;
mod preview;
mod reset;
mod restrict;
mod run;
mod sample;
mod share;
mod space;
mod table;
mod upstream;

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

pub use best::Best;
pub use by_variant::ByVariant;
pub use preview::SweepPreview;
pub use sample::Drawn;
pub use table::{Cells, Table, TableColumn};

use space::{Space, Variant, Variants};

use crate::flow::error::Error;
use crate::flow::{Flow, Roots};
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::restrict::Restriction;
use crate::plan::sweep_error::SweepError;
use crate::plan::variant::Root;
use crate::plan::warning::Warning;
use crate::task::TaskType;

/// Many settings of one flow, planned and run together, created by [`Flow::sweep`].
///
/// Each setting, a set of parameter values, is a *variant*. Variants are declared by
///
/// - [`over`](Self::over): one variant for each value of a parameter. Several calls form a grid, with all combinations.
///   [`days`](Self::days) does the same for a range of dates.
/// - [`variant`](Self::variant): a variant with a name, which sets any parameters; [`setting`](Self::setting) adds one
///   without a name, and [`settings`](Self::settings) one for each item of a list.
/// - [`sample`](Self::sample): a random selection of the variants above. A sample can also draw values from a range:
///   [`uniform`](Self::uniform), [`log_uniform`](Self::log_uniform).
///
/// Indexing by name, `sweep["gbm"]`, returns a variant as a flow: the flow that [`Flow::with`] returns for the same
/// values. A variant without a given name is named by its values, such as `c=0.1,degree=2`, and a named variant
/// combined with a value is `gbm,c=0.1`. If two derived names are equal, the second is `c=0.1#2`.
///
/// All variants form one graph: instances that they share run once, and all others run in parallel. A variant that
/// fails does not stop the others.
///
/// ```
/// use flow::prelude::*;
///
/// #[derive(Task)]
/// #[task(target = Json<Vec<f64>>)]
/// struct Points;
///
/// #[tracked]
/// impl Run for Points {
///     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<f64>> {
///         Ok((0..10).map(|x| f64::from(x) * 0.5).collect())
///     }
/// }
///
/// /// How far the points are from a line.
/// #[derive(Task)]
/// #[task(requires = Points, target = Json<f64>)]
/// struct Fit {
///     #[param(default = 1.0)]
///     slope: f64,
///     #[param(default = 0.0)]
///     offset: f64,
/// }
///
/// #[tracked]
/// impl Run for Fit {
///     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
///         let points = cx.input().load()?;
///         let line = |x: usize| self.slope * x as f64 + self.offset;
///         let error: f64 = points.iter().enumerate().map(|(x, y)| (line(x) - y).powi(2)).sum();
///         cx.meta("error", error)?;
///         Ok(error)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// let sweep = flow.sweep::<Fit>().over(Fit::SLOPE, [0.25, 0.5]).over(Fit::OFFSET, [0.0, 1.0]);
/// assert_eq!(sweep.run()?.ran().len(), 1 + 4); // `Points` once, and four fits
///
/// let best = sweep.min_by("error")?;
/// assert_eq!((best.name.as_str(), best.value), ("slope=0.5,offset=0.0", 0.0));
/// assert_eq!(*best.flow.load::<Fit>()?, 0.0);
/// assert_eq!(
///     sweep.table()?.to_string().lines().next().unwrap().split_whitespace().collect::<Vec<_>>(),
///     ["variant", "slope", "offset", "status", "seconds", "error"],
/// );
///
/// // Named variants, each a flow.
/// let sweep = flow.sweep::<Fit>().variant("flat", |fit| fit.with(Fit::SLOPE, 0.0)).variant("base", |fit| fit);
/// assert!(!sweep["flat"].is_complete::<Fit>()?);
/// sweep.run()?;
/// assert_eq!(sweep.load::<Fit>()?["base"], sweep["base"].load::<Fit>()?);
/// # Ok(())
/// # }
/// ```
#[must_use = "a sweep does nothing until one of its methods is called"]
pub struct Sweep<R> {
    flow: Flow,
    space: Space,
    missing: Option<usize>,
    /// The tasks to which runs and previews are restricted.
    restriction: Option<Arc<Restriction>>,
    /// The variants, computed when first needed.
    variants_cell: OnceLock<Result<Variants, SweepError>>,
    tasks: Vec<&'static TaskType>,
    of: PhantomData<fn() -> R>,
}

impl Flow {
    /// Creates a sweep: many settings of this flow, planned and run together.
    ///
    /// The values and options of the flow, such as its workers, apply to all variants.
    pub fn sweep<R: Roots>(&self) -> Sweep<R> {
        Sweep::new(self, R::types())
    }
}

impl<R> Sweep<R> {
    /// Creates a sweep of these root tasks. `R` is their type, or a marker if they are named at run time.
    pub(crate) fn new(flow: &Flow, tasks: Vec<&'static TaskType>) -> Self {
        Self {
            flow: flow.clone(),
            space: Space::default(),
            missing: None,
            restriction: None,
            variants_cell: OnceLock::new(),
            tasks,
            of: PhantomData,
        }
    }

    fn list(&self) -> Result<&[Variant], Error> {
        Ok(&self.variants()?.list)
    }

    fn try_variants(&self) -> &Result<Variants, SweepError> {
        self.variants_cell.get_or_init(|| self.space.variants())
    }

    fn variants(&self) -> Result<&Variants, Error> {
        self.try_variants().as_ref().map_err(|error| {
            let kind = PlanErrorKind::Sweep(error.clone());
            Error::Plan(Box::new(PlanError::new(kind, Vec::new())))
        })
    }

    /// Returns the roots of all variants: for each variant one root per root task of the sweep.
    pub(crate) fn roots(&self) -> Result<Vec<Root<'_>>, Error> {
        let variants = self.variants()?;
        Ok(self.roots_of(&variants.list, false, &variants.warnings))
    }

    /// Returns the roots of these variants.
    ///
    /// `is_part` is set if they are only some of the sweep's variants. Then a parameter that none of them uses is no
    /// error, because another variant may use it.
    fn roots_of<'a>(
        &self,
        variants: impl IntoIterator<Item = &'a Variant, IntoIter: 'a>,
        is_part: bool,
        warnings: &'a [Warning],
    ) -> Vec<Root<'a>> {
        let mut roots = Vec::new();
        for variant in variants {
            let variant = Some((variant.name.as_str(), &variant.setting));
            roots.extend(self.tasks.iter().map(|&task| Root { task, variant, is_part, warnings }));
        }
        roots
    }
}

impl<R> Clone for Sweep<R> {
    fn clone(&self) -> Self {
        Self {
            flow: self.flow.clone(),
            space: self.space.clone(),
            missing: self.missing,
            restriction: self.restriction.clone(),
            variants_cell: OnceLock::new(),
            tasks: self.tasks.clone(),
            of: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Sweep<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sweep = f.debug_struct("Sweep");
        match self.names() {
            Ok(names) => sweep.field("variants", &names),
            Err(error) => sweep.field("wrong", &format_args!("{error}")),
        };
        sweep.finish_non_exhaustive()
    }
}
