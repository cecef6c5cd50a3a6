//! Sharing the outputs of all variants: export, push and pull.

use std::path::Path;

use super::Sweep;
use crate::flow::error::Error;
use crate::flow::{ExportSummary, Transferred};
use crate::remote::Remote;

/// # Sharing outputs
impl<R> Sweep<R> {
    /// Copies the outputs of all variants' roots into a folder, as files with readable names.
    ///
    /// It writes the same folder as [`Flow::export`](crate::Flow::export) for each variant in turn, in one pass: the
    /// manifest, the README and `flow_outputs.py` cover all variants. If two variants are the same instance, its output
    /// is copied once.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<u64>)]
    /// struct Square {
    ///     n: u64,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Square {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
    ///         Ok(self.n * self.n)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let flow = Flow::open(folder.join("data"))?.quiet();
    /// let sweep = flow.sweep::<Square>().over(Square::N, [3, 4]);
    /// sweep.run()?;
    /// sweep.export(folder.join("exported"))?;
    /// assert_eq!(std::fs::read_to_string(folder.join("exported/Square/n=4.json"))?, "16");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The sweep is invalid or a variant is not complete; or as [`Flow::export`](crate::Flow::export).
    pub fn export(&self, folder: impl AsRef<Path>) -> Result<ExportSummary, Error> {
        self.base().export_roots(&self.roots()?, folder.as_ref())
    }

    /// Copies the complete outputs of all variants, and of everything upstream, to a remote.
    ///
    /// It does what [`Flow::push`](crate::Flow::push) does for each variant. Outputs that several variants share are
    /// copied once. Variants that are not complete are [skipped](Transferred::skipped).
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # use flow::remote::RemoteFolder;
    /// # #[derive(Task)]
    /// # #[task(target = Json<u64>)]
    /// # struct Square { n: u64 }
    /// # #[tracked]
    /// # impl Run for Square {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<u64> { Ok(self.n * self.n) }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let shared = RemoteFolder::new(folder.join("shared"));
    /// let here = Flow::open(folder.join("here"))?.quiet();
    /// let sweep = here.sweep::<Square>().over(Square::N, [3, 4]);
    /// sweep.run()?;
    /// assert_eq!(sweep.push(&shared)?.files(), 2);
    ///
    /// // On another machine, with the same program.
    /// let there = Flow::open(folder.join("there"))?.quiet();
    /// let sweep = there.sweep::<Square>().over(Square::N, [3, 4]);
    /// sweep.pull(&shared)?;
    /// assert!(sweep.is_complete()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The sweep is invalid, or no variant has a complete output; or as [`Flow::push`](crate::Flow::push).
    pub fn push(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.base().push_roots(&self.roots()?, remote)
    }

    /// Returns what [`push`](Self::push) would copy, and copies nothing.
    ///
    /// # Errors
    ///
    /// The same as [`push`](Self::push).
    pub fn push_dry_run(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.base().push_roots_dry_run(&self.roots()?, remote)
    }

    /// Copies outputs of all variants that were [pushed](Self::push) to a remote into the store, without running
    /// anything.
    ///
    /// It does what [`Flow::pull`](crate::Flow::pull) does for each variant. Outputs that several variants share are
    /// copied once. Variants that the remote does not have are [skipped](Transferred::skipped).
    ///
    /// # Errors
    ///
    /// The sweep is invalid; or as [`Flow::pull`](crate::Flow::pull).
    pub fn pull(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.base().pull_roots(&self.roots()?, remote)
    }

    /// Returns what [`pull`](Self::pull) would copy, and copies nothing.
    ///
    /// # Errors
    ///
    /// The same as [`pull`](Self::pull).
    pub fn pull_dry_run(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.base().pull_roots_dry_run(&self.roots()?, remote)
    }
}
