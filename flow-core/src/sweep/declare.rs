//! The methods that declare the variants of a sweep.

use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, OnceLock};

use super::Sweep;
use super::sample::Drawn;
use super::space::{Sample, Space};
use crate::task::Task;
use crate::task::grid::{Axis, AxisValues, Row};
use crate::task::param::{IntoParam, Param, ParamKey};
use crate::task::setting::Setting;
use crate::value::AnyValue;

/// # Declaring variants
impl<R> Sweep<R> {
    /// Combines each variant that was declared so far with each of these values of a parameter.
    ///
    /// The result is a grid. In the order of the variants, this parameter changes fastest. Equal values give variants
    /// that are the same instance, of which [`EqualValues`](crate::Warning::EqualValues) warns.
    pub fn over<P: ParamKey, I: IntoParam<P::Value>>(
        self,
        key: P,
        values: impl IntoIterator<Item = I>,
    ) -> Self {
        self.changed(|space| space.grid.axes.push(Axis::listed(key, values)))
    }

    /// Sets a parameter to each day of a range, both ends included.
    ///
    /// For other selections of days, or another type of date, pass an iterator to [`over`](Self::over).
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
    /// assert_eq!(year().len()?, 365);
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

    /// Draws the values of a parameter from a range, in which all values are equally likely.
    ///
    /// It needs a [`sample`](Self::sample), which sets how many values are drawn: without one, every method that uses
    /// the variants, such as [`names`](Self::names), [`preview`](Self::preview) and [`run`](Self::run), returns
    /// [`SweepError::NotSampled`](crate::SweepError::NotSampled) before anything is planned.
    pub fn uniform<K: Task, V: Drawn>(self, key: Param<K, V>, range: Range<V>) -> Self {
        self.drawn(key, range, false)
    }

    /// Draws the values of a parameter from a range of positive numbers, with all orders of magnitude equally likely.
    ///
    /// About as many values are between 0.01 and 0.1 as between 1 and 10. The sweep needs a
    /// [`sample`](Self::sample), which sets how many values are drawn.
    pub fn log_uniform<K: Task, V: Drawn>(self, key: Param<K, V>, range: Range<V>) -> Self {
        self.drawn(key, range, true)
    }

    fn drawn<K: Task, V: Drawn>(self, key: Param<K, V>, range: Range<V>, log: bool) -> Self {
        if let Some(wrong) = V::__wrong(&range, log) {
            let text = |value: &V| {
                (key.decl().kind.to_value)(value).map_or_else(|e| e.to_string(), |v| v.to_string())
            };
            let range = format!("{}..{}", text(&range.start), text(&range.end));
            return self.axis(key, AxisValues::Wrong { range, wrong });
        }
        let draw = move |number| Arc::new(V::__between(&range, log, number)) as AnyValue;
        self.axis(key, AxisValues::Drawn(Arc::new(draw)))
    }

    fn axis<K: Task, V>(self, key: Param<K, V>, values: AxisValues) -> Self {
        self.changed(|space| space.grid.axes.push(Axis::new(key, values)))
    }

    /// Adds a variant with a name, which must be unique.
    ///
    /// If the sweep also has values of [`over`](Self::over), the variant is combined with each of them.
    pub fn variant(self, name: &str, set: impl FnOnce(Setting) -> Setting) -> Self {
        let row = Row { name: Some(name.to_owned()), setting: set(Setting::default()) };
        self.changed(|space| space.grid.rows.push(row))
    }

    /// Adds a variant that is named by its values.
    pub fn setting(self, set: impl FnOnce(Setting) -> Setting) -> Self {
        let row = Row { name: None, setting: set(Setting::default()) };
        self.changed(|space| space.grid.rows.push(row))
    }

    /// Adds a variant for each item of a list, named by its values.
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
    /// assert_eq!(sweep.names()?, ["slope=0.0,offset=1.0", "slope=0.5,offset=0.0"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn settings<I>(
        self,
        items: impl IntoIterator<Item = I>,
        set: impl Fn(Setting, I) -> Setting,
    ) -> Self {
        self.changed(|space| space.grid.rows.extend(Row::each(items, set)))
    }

    /// Selects `count` variants at random, each at most once; all variants, if there are not more than `count`.
    ///
    /// The same seed selects the same variants on every machine, and a larger sample contains a
    /// smaller one. The grid may be too large to be listed. Values that are drawn from a range may
    /// repeat.
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
        self.changed(|space| space.sample = Some(Sample { count, seed }))
    }

    /// Limits [`preview`](Self::preview), [`plot`](Self::plot) and [`run`](Self::run) to `at_most` incomplete variants.
    ///
    /// Use it to process a long list in parts, such as a backfill. The first incomplete variants are taken. Variants
    /// that failed in the last run come after all others, so that they cannot block the rest.
    ///
    /// All other methods still cover all variants.
    pub fn missing(self, at_most: usize) -> Self {
        Self { missing: Some(at_most), ..self }
    }

    pub(super) fn changed(mut self, change: impl FnOnce(&mut Space)) -> Self {
        change(&mut self.space);
        Self { variants_cell: OnceLock::new(), ..self }
    }
}
