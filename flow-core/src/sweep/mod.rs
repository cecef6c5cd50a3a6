//! Sweeps: many settings of one flow, planned and run as one.
//!
//! A [`Sweep`] is a flow, the roots, and the variants: values of parameters in the place of what the
//! flow gives. A user [`declare`]s them; how they become a list is the [`space`]'s business, what they
//! are called the [`name`]'s, how some of many are drawn the [`sample`]'s. A variant is just what its
//! flow would be by itself, with the same keys; yet all of them are roots of one plan, in which what
//! they share stands once (see [`plan::variant`](crate::plan::variant)).
//!
//! What is asked of a sweep is asked of that plan: a [`preview`], a [`plot`], a [`run`] and its
//! [`summary`], the [`table`] of what came of it and the [`best`] row, outputs to [`load`], and what to
//! [`reset`]. What is asked of one variant is asked of it as one of the [`flows`].

mod best;
mod by_variant;
mod declare;
mod flows;
mod gc;
mod load;
mod name;
mod plot;
mod preview;
mod reset;
mod run;
mod sample;
mod space;
mod table;
mod upstream;

use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;

pub use best::Best;
pub use by_variant::ByVariant;
pub use preview::SweepPreview;
pub use sample::Drawn;
pub use table::{Cells, Table, TableColumn};

use space::{Space, Variant, Variants};

use crate::flow::error::Error;
use crate::flow::{Flow, Roots};
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::sweep_error::SweepError;
use crate::plan::variant::Root;

/// Many settings of one flow, planned and run as one: made by [`Flow::sweep`].
///
/// Its variants are
///
/// - all values of a parameter: [`over`](Self::over), which multiplies what was there before, so
///   that several are a grid; [`days`](Self::days) for dates,
/// - named settings of any parameters: [`variant`](Self::variant); without a name
///   [`setting`](Self::setting), and [`settings`](Self::settings) for a list of them,
/// - a random [`sample`](Self::sample) of all these, also of values from a range:
///   [`uniform`](Self::uniform), [`log_uniform`](Self::log_uniform).
///
/// Each is exactly the flow that [`Flow::with`] would give, and can be had as that: `sweep["gbm"]`. A
/// variant that was given no name is called by its values, `c=0.1,degree=2`; each value of a parameter
/// with each named variant is `gbm,c=0.1`. Where two would have one name, the second is `c=0.1#2`.
///
/// All variants are one graph: what they share stands in it once and runs once, the rest in
/// parallel. A variant that fails does not stop the others.
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
#[must_use = "a sweep does nothing before it is asked"]
pub struct Sweep<R> {
    flow: Flow,
    space: Space,
    missing: Option<usize>,
    /// The variants, once somebody has asked.
    made: OnceLock<Result<Variants, SweepError>>,
    roots: PhantomData<fn() -> R>,
}

impl Flow {
    /// Many settings of this flow, planned and run as one. What the flow was given holds for all of
    /// them, as do its workers and all else.
    pub fn sweep<R: Roots>(&self) -> Sweep<R> {
        Sweep {
            flow: self.clone(),
            space: Space::default(),
            missing: None,
            made: OnceLock::new(),
            roots: PhantomData,
        }
    }
}

impl<R: Roots> Sweep<R> {
    fn list(&self) -> Result<&[Variant], Error> {
        Ok(&self.variants()?.list)
    }

    fn made(&self) -> &Result<Variants, SweepError> {
        self.made.get_or_init(|| self.space.variants())
    }

    fn variants(&self) -> Result<&Variants, Error> {
        self.made().as_ref().map_err(|error| {
            let kind = PlanErrorKind::Sweep(error.clone());
            Error::Plan(Box::new(PlanError::new(kind, Vec::new())))
        })
    }

    /// The roots of all variants: for each as many as the sweep has.
    pub(crate) fn roots(&self) -> Result<Vec<Root<'_>>, Error> {
        Ok(roots_of::<R>(self.list()?, false))
    }
}

/// The roots of these variants, which are all of the sweep, or a part of them.
fn roots_of<'a, R: Roots>(
    variants: impl IntoIterator<Item = &'a Variant, IntoIter: 'a>,
    is_part: bool,
) -> Vec<Root<'a>> {
    let tasks = R::types();
    let roots = variants.into_iter().flat_map(|variant| {
        let variant = Some((variant.name.as_str(), &variant.setting));
        tasks.iter().map(move |&task| Root { task, variant, is_part }).collect::<Vec<_>>()
    });
    roots.collect()
}

impl<R> Clone for Sweep<R> {
    fn clone(&self) -> Self {
        Self {
            flow: self.flow.clone(),
            space: self.space.clone(),
            missing: self.missing,
            made: OnceLock::new(),
            roots: PhantomData,
        }
    }
}

impl<R: Roots> fmt::Debug for Sweep<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sweep = f.debug_struct("Sweep");
        match self.names() {
            Ok(names) => sweep.field("variants", &names),
            Err(error) => sweep.field("wrong", &format_args!("{error}")),
        };
        sweep.finish_non_exhaustive()
    }
}
