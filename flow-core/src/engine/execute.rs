//! Running one task, where its type is known.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::cx::Cx;
use crate::engine::Execution;
use crate::key::Digest;
use crate::param::AnyValue;
use crate::store::Folder;
use crate::store::record::{OutputFile, Read};
use crate::target::Target;
use crate::task::Task;

/// What running a task gave.
pub(crate) struct Executed {
    pub(crate) output: OutputFile,
    pub(crate) meta: BTreeMap<String, serde_json::Value>,
    pub(crate) reads: Vec<Read>,
    /// The value, if a reload would give just that.
    pub(crate) value: Option<AnyValue>,
}

/// [`execute`] for one type of task.
pub(crate) type Execute =
    fn(&Arc<Execution>, NodeIndex, &Folder, Digest) -> anyhow::Result<Executed>;

/// Runs the task and writes what it returns.
pub(crate) fn execute<T: Task>(
    execution: &Arc<Execution>,
    node: NodeIndex,
    folder: &Folder,
    fingerprint: Digest,
) -> anyhow::Result<Executed> {
    let plan = &execution.plan;
    let task: &T = plan.graph.instance_of(node);
    let cx = Cx::<T>::new(execution, node);
    let value = (T::__runs().run)(task, &cx)?;
    let target = T::__target();
    let output = plan.store.stage_value(&target, &value, folder, fingerprint)?;
    let (meta, reads) = cx.finish();
    let value: Option<AnyValue> =
        <T::Target as Target>::EXACT.then(|| Arc::new(value) as Arc<dyn Any + Send + Sync>);
    Ok(Executed { output, meta, reads, value })
}
