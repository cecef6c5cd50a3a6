//! Sweeps of tasks and parameters that are named at run time.

use serde::Serialize;

use super::Sweep;
use crate::flow::Flow;
use crate::flow::error::Error;
use crate::plan::error::PlanError;
use crate::plan::param_value::fit;
use crate::task::grid::{Axis, AxisValues};
use crate::task::info::{ParameterInfo, TaskInfo};
use crate::task::setting::named;

impl Flow {
    /// Returns a sweep of roots that are named at run time, for programs that do not know their types.
    ///
    /// ```standalone_crate
    /// use flow::prelude::*;
    /// use flow::task::TaskInfo;
    ///
    /// #[task(target = Json<u64>)]
    /// fn square(cx: &Cx<square>, n: u64) -> Result<u64> {
    ///     cx.meta("value", n * n)?;
    ///     Ok(n * n)
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// // As on a command line: `sweep square --n 3,4`.
    /// let square = TaskInfo::named("square")?;
    /// let n = square.parameter("n").context("square has a parameter n")?;
    /// let sweep = Flow::open(folder.path())?.quiet().sweep_of([square]).over_named(n, ["3", "4"])?;
    /// sweep.run()?;
    /// assert_eq!(sweep.max_by("value")?.name, "n=4");
    /// # Ok(())
    /// # }
    /// ```
    pub fn sweep_of(&self, roots: impl IntoIterator<Item = TaskInfo>) -> Sweep<TaskInfo> {
        Sweep::new(self, roots.into_iter().map(|root| root.task).collect())
    }
}

impl<R> Sweep<R> {
    /// Adds an axis: the values that a parameter takes. Each is converted as by [`Flow::with_named`].
    ///
    /// # Errors
    ///
    /// A value does not fit the type of the parameter.
    pub fn over_named<V: Serialize>(
        self,
        parameter: ParameterInfo,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, Error> {
        let (task, name) = (parameter.task().name(), parameter.full_name());
        let convert = |value: V| fit(&task, parameter.decl(), &name, &named(&value));
        let values = values.into_iter().map(convert).collect::<Result<Vec<_>, _>>();
        let values = values.map_err(|kind| Box::new(PlanError::new(kind, Vec::new())))?;
        let ParameterInfo { task, place } = parameter;
        let axis = Axis { task, place, values: AxisValues::Listed(values) };
        Ok(self.changed(|space| space.grid.axes.push(axis)))
    }
}
