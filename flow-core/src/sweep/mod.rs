//! Sweeps: many settings of one flow, planned and run as one.
//!
//! A [`Sweep`] is a flow, the roots, and the variants: values of parameters in the place of what the
//! flow gives. How they are said is the [`grid`]'s business, what they are called the [`name`]'s, how
//! some of many are drawn the [`sample`]'s. A variant is just what its flow would be by itself, with
//! the same keys; yet all of them are roots of one plan, in which what they share stands once (see
//! [`plan::variant`](crate::plan::variant)).
//!
//! What is asked of a sweep is asked of that plan: a [`preview`], a run and its [`summary`], the
//! [`table`] of what came of it and the [`best`] row, outputs to [`load`], and what to [`reset`].

mod best;
mod error;
mod grid;
mod load;
mod name;
mod preview;
mod reset;
mod run;
mod sample;
mod summary;
mod table;
mod upstream;

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, Range, RangeInclusive};
use std::sync::{Arc, OnceLock};

pub use best::Best;
pub use error::SweepError;
pub use preview::SweepPreview;
pub use sample::Drawn;
pub use summary::{SweepSummary, VariantOutcome};
pub use table::{Cells, Column, Table};

use grid::{Axis, Grid, Row, Sample, Values, Variant, Variants};

use crate::error::{Error, SelectError};
use crate::flow::{Flow, Roots};
use crate::param::{AnyValue, IntoParam, Param, Parameter};
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::variant::Root;
use crate::plan::warning::nearest;
use crate::setting::Setting;
use crate::task::{Task, TaskType};

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
/// let best = sweep.lowest("error")?;
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
    grid: Grid,
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
            grid: Grid::default(),
            missing: None,
            made: OnceLock::new(),
            roots: PhantomData,
        }
    }
}

/// # Which variants
impl<R: Roots> Sweep<R> {
    /// Sets a parameter to one value after the other, in each of the variants so far: a grid, in
    /// which this parameter changes fastest.
    pub fn over<K: Task, V: Parameter, I: IntoParam<V>>(
        self,
        key: Param<K, V>,
        values: impl IntoIterator<Item = I>,
    ) -> Self {
        let value = |value: I| Arc::new(value.into_param()) as AnyValue;
        self.axis(key, Values::Listed(values.into_iter().map(value).collect()))
    }

    /// Sets a parameter to one day after the other, both ends included.
    ///
    /// Of the days between, or of another type, [`over`](Self::over) takes any iterator.
    ///
    /// ```
    /// use flow::jiff::civil::{Date, date};
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<i16>)]
    /// struct Prices {
    ///     day: Date,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Prices {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<i16> {
    ///         Ok(self.day.day_of_year())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// let year = || flow.sweep::<Prices>().days(Prices::DAY, date(2026, 1, 1)..=date(2026, 12, 31));
    /// assert_eq!(year().len(), 365);
    ///
    /// // Three days that are missing, and then the next three.
    /// assert_eq!(year().missing(3).run()?.ran().len(), 3);
    /// assert_eq!(year().missing(3).run()?.ran().len(), 3);
    /// assert_eq!(*year()["day=2026-01-06"].load::<Prices>()?, 6);
    /// assert!(!year()["day=2026-01-07"].is_complete::<Prices>()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn days<K: Task>(
        self,
        key: Param<K, jiff::civil::Date>,
        days: RangeInclusive<jiff::civil::Date>,
    ) -> Self {
        let (first, last) = days.into_inner();
        let all = std::iter::successors(Some(first), |day| day.tomorrow().ok());
        self.over(key, all.take_while(|day| *day <= last))
    }

    /// Draws a parameter from a range, with all values equally likely; for a
    /// [`sample`](Self::sample), which says how often.
    pub fn uniform<K: Task, V: Drawn>(self, key: Param<K, V>, range: Range<V>) -> Self {
        self.drawn(key, range, false)
    }

    /// Draws a parameter from a range of positive numbers, with all orders of magnitude equally
    /// likely: as many values between 0.01 and 0.1 as between 1 and 10. For a
    /// [`sample`](Self::sample), which says how often.
    pub fn log_uniform<K: Task, V: Drawn>(self, key: Param<K, V>, range: Range<V>) -> Self {
        self.drawn(key, range, true)
    }

    fn drawn<K: Task, V: Drawn>(self, key: Param<K, V>, range: Range<V>, log: bool) -> Self {
        if let Some(wrong) = V::__wrong(&range, log) {
            let text = |value: &V| {
                (key.decl().kind.to_value)(value).map_or_else(|e| e.to_string(), |v| v.to_string())
            };
            let range = format!("{}..{}", text(&range.start), text(&range.end));
            return self.axis(key, Values::Wrong { range, wrong });
        }
        let draw = move |number| Arc::new(V::__between(&range, log, number)) as AnyValue;
        self.axis(key, Values::Drawn(Arc::new(draw)))
    }

    fn axis<K: Task, V>(self, key: Param<K, V>, values: Values) -> Self {
        let axis = Axis { task: TaskType::of::<K>(), place: key.index(), values };
        self.changed(|grid| grid.axes.push(axis))
    }

    /// Adds a variant with this name, which no other one may have.
    ///
    /// The values that are swept [`over`](Self::over) are set in each of the variants.
    pub fn variant(self, name: &str, set: impl FnOnce(Setting) -> Setting) -> Self {
        let row = Row { name: Some(name.to_owned()), setting: set(Setting::default()) };
        self.changed(|grid| grid.rows.push(row))
    }

    /// Adds a variant that is called by its values.
    pub fn setting(self, set: impl FnOnce(Setting) -> Setting) -> Self {
        let row = Row { name: None, setting: set(Setting::default()) };
        self.changed(|grid| grid.rows.push(row))
    }

    /// Adds a variant for each item of a list, called by its values.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<f64>)]
    /// # struct Fit { slope: f64, offset: f64 }
    /// # #[tracked]
    /// # impl Run for Fit {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<f64> { Ok(self.slope + self.offset) }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let flow = Flow::open(folder.path())?.quiet();
    /// let lines = [(0.0, 1.0), (0.5, 0.0)];
    /// let sweep = flow.sweep::<Fit>().settings(lines, |fit, (slope, offset)| {
    ///     fit.with(Fit::SLOPE, slope).with(Fit::OFFSET, offset)
    /// });
    /// assert_eq!(sweep.names(), ["slope=0.0,offset=1.0", "slope=0.5,offset=0.0"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn settings<I>(
        self,
        items: impl IntoIterator<Item = I>,
        set: impl Fn(Setting, I) -> Setting,
    ) -> Self {
        let rows = items.into_iter().map(|item| set(Setting::default(), item));
        let rows: Vec<_> = rows.map(|setting| Row { name: None, setting }).collect();
        self.changed(|grid| grid.rows.extend(rows))
    }

    /// Takes only so many of the variants, at random and each at most once; all, if there are not
    /// more.
    ///
    /// The same seed gives the same variants, on every machine, and a larger sample has those of a
    /// smaller one. The grid may be too large to be written down.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<f64>)]
    /// # struct Fit { c: f64, degree: u32 }
    /// # #[tracked]
    /// # impl Run for Fit {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<f64> { Ok(self.c * f64::from(self.degree)) }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let flow = Flow::open(folder.path())?.quiet();
    /// let sweep = flow.sweep::<Fit>().log_uniform(Fit::C, 1e-3..1e3).over(Fit::DEGREE, 1..=5);
    /// assert_eq!(sweep.sample(20, 42).run()?.ran().len(), 20);
    /// # Ok(())
    /// # }
    /// ```
    pub fn sample(self, count: usize, seed: u64) -> Self {
        self.changed(|grid| grid.sample = Some(Sample { count, seed }))
    }

    /// Lets [`preview`](Self::preview) and [`run`](Self::run) take the variants that are not complete
    /// alone, and at most so many of them, the first ones: so a long list is worked off in parts.
    ///
    /// Everything else is asked of all variants.
    pub fn missing(self, at_most: usize) -> Self {
        Self { missing: Some(at_most), ..self }
    }

    fn changed(mut self, change: impl FnOnce(&mut Grid)) -> Self {
        change(&mut self.grid);
        Self { made: OnceLock::new(), ..self }
    }
}

/// # The variants as flows
impl<R: Roots> Sweep<R> {
    /// The names of the variants, in order; none, if the sweep is wrong.
    pub fn names(&self) -> Vec<&str> {
        self.list().iter().map(|variant| variant.name.as_str()).collect()
    }

    /// How many variants there are.
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether there are no variants: then something is wrong with the sweep.
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// The variant with this name, as a flow: the one that [`Flow::with`] gives for the same values.
    pub fn get(&self, name: &str) -> Option<&Flow> {
        let variants = self.made().as_ref().ok()?;
        let place = *variants.places.get(name)?;
        Some(self.flow_of(&variants.list[place]))
    }

    /// All variants, in order, each with its name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Flow)> {
        self.list().iter().map(|variant| (variant.name.as_str(), self.flow_of(variant)))
    }

    /// The flow that all of them are variants of.
    pub fn base(&self) -> &Flow {
        &self.flow
    }

    /// Whether all of them are complete.
    ///
    /// # Errors
    ///
    /// The sweep or the flow is wrong, or the store cannot be read.
    pub fn is_complete(&self) -> Result<bool, Error> {
        self.flow.are_complete(&self.roots()?)
    }

    fn flow_of<'a>(&self, variant: &'a Variant) -> &'a Flow {
        variant.flow.get_or_init(|| Box::new(self.flow.with_setting(&variant.setting)))
    }

    fn list(&self) -> &[Variant] {
        self.made().as_ref().map_or(&[], |variants| &variants.list)
    }

    fn made(&self) -> &Result<Variants, SweepError> {
        self.made.get_or_init(|| self.grid.variants())
    }

    fn variants(&self) -> Result<&Variants, Error> {
        self.made().as_ref().map_err(|error| {
            let kind = PlanErrorKind::Sweep(error.clone());
            Error::Plan(Box::new(PlanError::new(kind, Vec::new())))
        })
    }

    /// The roots of all variants: for each as many as the sweep has.
    pub(crate) fn roots(&self) -> Result<Vec<Root<'_>>, Error> {
        Ok(roots_of::<R>(&self.variants()?.list))
    }

    /// The variant with this name.
    fn named(&self, name: &str) -> Result<&Flow, Error> {
        self.variants()?;
        self.get(name).ok_or_else(|| {
            let known = self.names();
            let nearest = nearest(name, &known);
            let known = known.into_iter().map(str::to_owned).collect();
            SelectError::Variant { name: name.to_owned(), nearest, known }.into()
        })
    }
}

fn roots_of<'a, R: Roots>(
    variants: impl IntoIterator<Item = &'a Variant, IntoIter: 'a>,
) -> Vec<Root<'a>> {
    let tasks = R::types();
    let roots = variants.into_iter().flat_map(|variant| {
        let variant = Some((variant.name.as_str(), &variant.setting));
        tasks.iter().map(move |&task| Root { task, variant }).collect::<Vec<_>>()
    });
    roots.collect()
}

/// The variant with this name, as a flow.
///
/// # Panics
///
/// There is none: [`get`](Sweep::get) asks.
impl<R: Roots> Index<&str> for Sweep<R> {
    type Output = Flow;

    fn index(&self, name: &str) -> &Flow {
        self.named(name).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl<R> Clone for Sweep<R> {
    fn clone(&self) -> Self {
        Self {
            flow: self.flow.clone(),
            grid: self.grid.clone(),
            missing: self.missing,
            made: OnceLock::new(),
            roots: PhantomData,
        }
    }
}

impl<R: Roots> fmt::Debug for Sweep<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep").field("variants", &self.names()).finish_non_exhaustive()
    }
}
