//! The level of trust in recorded data.

use std::sync::Arc;

use crate::files::Contents;
use crate::flow::Flow;
use crate::store::trust::Trust;

impl Flow {
    /// Sets how much recorded data this flow trusts without checking it.
    ///
    /// By default a file with the recorded size and modification time counts as unchanged.
    /// [`Trust::Records`] trusts the records of the roots and checks nothing upstream of them.
    /// [`Trust::Content`] ignores modification times and hashes every file. [`Trust`] describes what each
    /// level detects.
    ///
    /// ```
    /// use flow::plan::Status;
    /// use std::path::PathBuf;
    ///
    /// use flow::{Trust, prelude::*};
    ///
    /// #[derive(Task)]
    /// #[task(target = Text)]
    /// struct Words {
    ///     #[param(file)]
    ///     file: PathBuf,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Words {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<String> {
    ///         Ok(std::fs::read_to_string(&self.file)?)
    ///     }
    /// }
    ///
    /// #[derive(Task)]
    /// #[task(requires = Words, target = Json<usize>)]
    /// struct Count;
    ///
    /// #[tracked]
    /// impl Run for Count {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<usize> {
    ///         Ok(cx.input().load()?.split_whitespace().count())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// std::fs::write(folder.join("words"), "one two")?;
    /// let flow = Flow::open(folder.join("data"))?.quiet().with(Words::FILE, folder.join("words"));
    /// flow.run::<Count>()?;
    ///
    /// // A file upstream changes. A flow that trusts records does not check it.
    /// std::fs::write(folder.join("words"), "one two three")?;
    /// let trusting = flow.trust(Trust::Records);
    /// assert!(trusting.is_complete::<Count>()?);
    /// assert_eq!(*trusting.load::<Count>()?, 2);
    /// assert_eq!(trusting.graph::<Count>().instances()?[0].status(), Status::Unchecked);
    /// assert!(!flow.is_complete::<Count>()?);
    /// flow.run::<Count>()?;
    ///
    /// // An output is overwritten with another of the same size, and its modification time is restored.
    /// let path = flow.output::<Count>()?.path()?;
    /// let time = std::fs::metadata(&path)?.modified()?;
    /// std::fs::write(&path, "4")?;
    /// std::fs::File::options().write(true).open(&path)?.set_modified(time)?;
    /// assert!(flow.is_complete::<Count>()?);
    /// assert!(!flow.trust(Trust::Content).is_complete::<Count>()?);
    /// flow.trust(Trust::Content).run::<Count>()?;
    /// assert_eq!(*flow.load::<Count>()?, 3);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn trust(&self, trust: Trust) -> Self {
        Self { trust, ..self.clone() }
    }

    /// Returns the digests of files outside the store, for one plan.
    pub(super) fn contents(&self, trust: Trust) -> Arc<Contents> {
        match trust {
            Trust::Stamps | Trust::Records => Arc::clone(self.store.contents()),
            Trust::Content => Arc::new(Contents::unknown(Arc::clone(&self.fs), self.folder())),
        }
    }
}
