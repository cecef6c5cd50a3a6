//! The limits of earlier versions of outputs, and of the history of runs.

use crate::flow::Flow;
use crate::store::limit::Limits;

impl Flow {
    /// Limits the number and the size of the earlier versions of outputs that the store keeps.
    ///
    /// The default is 10 versions of each instance, of any size: the disk does not fill up without bound
    /// while code is edited. When a task runs again after a change of code or data, its previous output
    /// stays as an earlier version, so that undoing the change runs nothing. At its end a run removes the
    /// versions beyond the limits, least recently used first, of the instances that it committed.
    /// [`gc`](crate::FlowStore::gc) does so for all instances.
    ///
    /// [`Limits::runs`] and [`Limits::run_age`] limit the [history](crate::FlowStore::runs) of runs in the same way:
    /// a run that did something removes the earlier runs beyond the limits at its end, and so does `gc`. A run in
    /// progress stays.
    ///
    /// ```
    /// use flow::Limits;
    /// use std::path::PathBuf;
    ///
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
    /// // The last version before the present one is kept, and no earlier one.
    /// std::fs::write(&text, "one two")?;
    /// assert_eq!(flow.run::<Words>()?.reused().len(), 1);
    /// std::fs::write(&text, "one")?;
    /// assert_eq!(flow.run::<Words>()?.ran().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn limits(&self, limits: Limits) -> Self {
        Self { limits, ..self.clone() }
    }

    /// Changes some of the [`limits`](Self::limits), and keeps the others.
    ///
    /// ```
    /// use flow::{Flow, Limits};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let flow = Flow::open(folder)?.limits(Limits::default().versions(1));
    /// // One version, of at most a gigabyte.
    /// let flow = flow.change_limits(|limits| limits.bytes(1_000_000_000));
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    #[must_use]
    pub fn change_limits(&self, change: impl FnOnce(Limits) -> Limits) -> Self {
        self.limits(change(self.limits))
    }
}
