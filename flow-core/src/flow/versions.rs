//! The stored versions of an output: what the code computes now, and what it, or other code, has computed before.

use std::fmt;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::bytes::Bytes;
use crate::base::key::Digest;
use crate::base::seconds::Seconds;
use crate::flow::Flow;
use crate::flow::error::Error;
use crate::plan::Plan;
use crate::plan::reason::Reason;
use crate::plan::versions::StoredVersion;
use crate::store::made::Made;
use crate::task::error::LoadError;
use crate::task::input::{Handle, Input};
use crate::task::loaded::Loaded;
use crate::task::{Output, Task};
use crate::value::escaped_text;

/// A stored version of the output of a task: the current output or an earlier one. [`Flow::versions`] returns them.
///
/// It can be loaded even if code or data have changed since; [`differences`](Self::differences) says what has. It is
/// printed on one line:
///
/// ```text
/// 2026-01-31 12:00:05 UTC in 3.1 ms: 1.2 kB, current, code: train changed
/// ```
#[non_exhaustive]
pub struct OutputVersion<T> {
    /// The start of the run that produced it.
    pub started: jiff::Timestamp,
    /// The duration of that run, in seconds.
    pub seconds: f64,
    /// The machine on which it ran.
    pub host: String,
    /// The digest of everything that it was computed from.
    pub fingerprint: Digest,
    /// The size of its files in bytes, as recorded.
    pub bytes: u64,
    /// Whether it is the current output of the instance. Otherwise a later run has replaced it, and it is kept as an
    /// earlier version within the [limits](Flow::limits).
    pub is_current: bool,
    /// What differs from the output that running the task now would produce, as for [`Instance::reasons`]. Empty if it
    /// is that output.
    ///
    /// [`Instance::reasons`]: crate::Instance::reasons
    pub differences: Vec<Reason>,
    output: Input<T>,
}

impl Flow {
    /// Returns the stored versions of the output of a task: the current one, then earlier ones, the latest first.
    ///
    /// Each can be loaded, also if the code or the data has changed since and the task is not complete. Then its
    /// [differences](OutputVersion::differences) say so: do not take it for what the code computes now.
    ///
    /// The versions are those of one instance: the task with the parameters of this flow. The list is empty if it has
    /// never run, and for external and aggregate tasks. Damaged records are left out.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<usize>)]
    /// fn words(#[param(file)] text: &Path) -> Result<usize> {
    ///     Ok(std::fs::read_to_string(text)?.split_whitespace().count())
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let text = folder.join("text");
    /// let flow = Flow::open(folder.join("data"))?.quiet().with(words::TEXT, text.clone());
    /// for content in ["one", "one two"] {
    ///     std::fs::write(&text, content)?;
    ///     flow.run::<words>()?;
    /// }
    ///
    /// let versions = flow.versions::<words>()?;
    /// assert!(versions[0].is_current && versions[0].is_up_to_date());
    /// assert_eq!(*versions[0].load()?, 2);
    /// assert!(versions[1].differences[0].to_string().contains("text changed")); // file: …/text changed
    /// assert_eq!(*versions[1].load()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn versions<T: Task>(&self) -> Result<Vec<OutputVersion<T>>, Error> {
        let plan = self.plan::<T>()?;
        let root = plan.graph.roots[0];
        versions(plan, root)
    }
}

/// Returns the stored versions of the output of an instance.
pub(super) fn versions<A: Task>(
    plan: Arc<Plan>,
    node: NodeIndex,
) -> Result<Vec<OutputVersion<A>>, Error> {
    let versions = plan.versions(node)?.into_iter();
    Ok(versions.map(|version| OutputVersion::new(&plan, node, version)).collect())
}

impl<T: Task> OutputVersion<T> {
    fn new(plan: &Arc<Plan>, node: NodeIndex, version: StoredVersion) -> Self {
        let StoredVersion { folder, record, is_current, differences } = version;
        Self {
            started: record.started,
            seconds: record.seconds,
            host: record.host.clone(),
            fingerprint: record.fingerprint,
            bytes: record.output.files.iter().map(|file| file.bytes).sum(),
            is_current,
            differences,
            output: Input::new(Handle::on_output(
                Arc::clone(plan) as _,
                node,
                Made::new(folder, *record),
            )),
        }
    }

    /// Loads this version with the present target of the task.
    ///
    /// # Errors
    ///
    /// Its file is missing or was modified, or cannot be read: the task may have had another target or type then.
    pub fn load(&self) -> Result<Loaded<Output<T>>, LoadError> {
        self.output.load()
    }

    /// Returns a handle on this version: to load a part, to stream it, or for its metadata and path.
    pub fn output(&self) -> &Input<T> {
        &self.output
    }

    /// Returns whether it is what running the task now would produce.
    pub fn is_up_to_date(&self) -> bool {
        self.differences.is_empty()
    }

    /// Returns whether the code that computed it differs from the present code.
    pub fn has_other_code(&self) -> bool {
        let is_code = |one: &Reason| matches!(one, Reason::Code { .. } | Reason::Version { .. });
        self.differences.iter().any(is_code)
    }
}

impl<T> fmt::Display for OutputVersion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let started = self.started.strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "{started} in {}: {}", Seconds(self.seconds), Bytes(self.bytes))?;
        f.write_str(if self.is_current { ", current" } else { ", earlier" })?;
        if self.differences.is_empty() {
            return f.write_str(", up to date");
        }
        self.differences
            .iter()
            .try_for_each(|one| write!(f, ", {}", escaped_text(one.to_string().chars())))
    }
}

impl<T> fmt::Debug for OutputVersion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
