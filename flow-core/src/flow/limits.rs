//! How many earlier versions of outputs a flow keeps.

use crate::flow::Flow;
use crate::store::limit::Limits;

impl Flow {
    /// Limits how many earlier versions of outputs are kept, and how large they may be; by default 10
    /// of each instance, of any size.
    ///
    /// When code or data change and a task runs again, its former output stays, so that going back
    /// runs nothing. A run removes what exceeds the limits of the instances that it has committed, the
    /// versions used least recently first; [`gc`](crate::FlowStore::gc) does so for all.
    ///
    /// ```
    /// use flow::Limits;
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<usize>)]
    /// struct Words {
    ///     #[param(file)]
    ///     text: PathBuf,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Words {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<usize> {
    ///         Ok(std::fs::read_to_string(&self.text)?.split_whitespace().count())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let text = folder.join("text");
    /// let flow = Flow::open(folder.join("data"))?.quiet().limits(Limits::default().versions(1));
    /// let flow = flow.with(Words::TEXT, text.clone());
    /// for content in ["one", "one two", "one two three"] {
    ///     std::fs::write(&text, content)?;
    ///     flow.run::<Words>()?;
    /// }
    ///
    /// // One step back nothing runs. What was before that is not kept any more.
    /// std::fs::write(&text, "one two")?;
    /// assert_eq!(flow.run::<Words>()?.adopted().len(), 1);
    /// std::fs::write(&text, "one")?;
    /// assert_eq!(flow.run::<Words>()?.ran().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn limits(&self, limits: Limits) -> Self {
        Self { limits, ..self.clone() }
    }
}
