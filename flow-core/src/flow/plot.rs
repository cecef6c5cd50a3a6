//! Plots of the graph of a flow.

use crate::flow::error::Error;
use crate::flow::{Flow, Roots};
use crate::plot::Plot;

impl Flow {
    /// Returns a plot of the graph of these roots that shows what a run would do.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<u64>)]
    /// struct Load;
    ///
    /// #[derive(Task)]
    /// #[task(requires = Load, target = Json<u64>)]
    /// struct Train {
    ///     #[param(default = 3)]
    ///     depth: u64,
    /// }
    /// # #[tracked]
    /// # impl Run for Load {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<u64> { Ok(1) }
    /// # }
    /// # #[tracked]
    /// # impl Run for Train {
    /// #     fn run(&self, cx: &Cx<Self>) -> Result<u64> { Ok(*cx.input().load()? + self.depth) }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let flow = Flow::open(folder.path())?.quiet();
    ///
    /// flow.run::<Load>()?;
    /// let plot = flow.plot::<Train>()?;
    /// assert_eq!(plot.to_string(), "Load COMPLETE\nTrain {depth: 3} PENDING ← Load");
    /// std::fs::write(folder.path().join("flow.md"), format!("```mermaid\n{}```\n", plot.to_mermaid()))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn plot<R: Roots>(&self) -> Result<Plot, Error> {
        Ok(Plot::new(self.plan_to_run::<R>()?))
    }
}
