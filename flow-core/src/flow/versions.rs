//! How many earlier versions of outputs a flow keeps.

use crate::flow::Flow;
use crate::store::limit::Limits;

impl Flow {
    /// Keeps at most this many earlier versions of each instance's output; without this, 10.
    ///
    /// When code or data change and a task runs again, its former output stays, so that going back
    /// runs nothing. An execution removes what is too much of the instances that it has committed,
    /// the versions used least recently first; [`gc`](Self::gc) does so for all. The current output
    /// is no earlier version: with 0, it alone is kept.
    ///
    /// ```
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
    /// let flow = Flow::open(folder.join("data"))?.quiet().keep_versions(1);
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
    pub fn keep_versions(&self, versions: usize) -> Self {
        Self { limits: Limits { versions, ..self.limits }, ..self.clone() }
    }

    /// Keeps earlier versions of each task's outputs up to this size, in bytes: the files of the
    /// versions of all its instances. Without this, only [their number](Self::keep_versions) counts.
    ///
    /// A file that several instances share is counted for each of them.
    #[must_use]
    pub fn keep_bytes(&self, bytes: u64) -> Self {
        Self { limits: Limits { bytes: Some(bytes), ..self.limits }, ..self.clone() }
    }
}
