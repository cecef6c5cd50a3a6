//! The graph of a sweep as a plot.

use super::Sweep;
use crate::flow::error::Error;
use crate::plot::Plot;

impl<R> Sweep<R> {
    /// Returns a plot of the graph of all variants, with what a run would do.
    ///
    /// An instance that several variants share is one box.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<u64>)]
    /// # struct Load;
    /// # #[derive(Task)]
    /// # #[task(requires = Load, target = Json<u64>)]
    /// # struct Train { depth: u64 }
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
    /// let sweep = flow.sweep::<Train>().over(Train::DEPTH, [3, 5]);
    /// sweep["depth=3"].run::<Train>()?;
    /// let text = "Load COMPLETE\n\
    ///             Train {depth: 3} COMPLETE ← Load\n\
    ///             Train {depth: 5} PENDING ← Load";
    /// assert_eq!(sweep.plot()?.to_string(), text);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The sweep or the flow is invalid, or the store cannot be read.
    pub fn plot(&self) -> Result<Plot, Error> {
        Ok(Plot::new(self.to_run()?.1))
    }
}
