//! Where a handle finds the output of an instance: in a run that has it, or as the plan has judged it.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::key::Digest;
use crate::files::Contents;
use crate::store::Store;
use crate::store::made::Made;
use crate::target::Provided;
use crate::task::error::LoadErrorKind;
use crate::task::provider::ProvidedValues;
use crate::task::requirement::Form;
use crate::task::{Kind, TaskType};
use crate::value::AnyValue;

/// The instances of a plan, and their outputs as the plan has judged them.
pub(crate) trait Origin: Send + Sync {
    /// Returns the store of the outputs that name no other store.
    fn store(&self) -> &Arc<Store>;

    /// Returns the digests of files outside the store.
    fn contents(&self) -> &Contents;

    /// Returns the type of an instance's task.
    fn task_type(&self, node: NodeIndex) -> &'static TaskType;

    /// Returns the value of a parameter of an instance.
    fn parameter(&self, node: NodeIndex, place: usize) -> &dyn Any;

    /// Returns how the output of an instance is produced.
    fn kind(&self, node: NodeIndex) -> Kind;

    /// Returns the label of an instance; a long one is shortened unless `in_full`.
    fn label(&self, node: NodeIndex, in_full: bool) -> String;

    /// Returns the instances that an instance requires, in order.
    fn inputs(&self, node: NodeIndex) -> &[NodeIndex];

    /// Returns the number of entries in the `requires` of an instance.
    fn entries(&self, node: NodeIndex) -> usize;

    /// Returns the form of an entry of `requires`, and the number of its inputs.
    fn entry(&self, node: NodeIndex, place: usize) -> (Form, usize);

    /// Returns the task with its parameters resolved.
    fn task(&self, node: NodeIndex) -> &dyn Any;

    /// Returns the digest of an instance's own parameters.
    fn parameters_digest(&self, node: NodeIndex) -> Digest;

    /// Returns the path of an external instance.
    fn external(&self, node: NodeIndex) -> &Path;

    /// Returns the output of an instance.
    fn made(&self, node: NodeIndex) -> Result<Arc<Made>, LoadErrorKind>;

    /// Returns the values that are provided to targets; by default those that registered constructors return.
    fn provided(&self) -> Provided {
        Provided::new(Arc::new(ProvidedValues::default()))
    }
}

/// The outputs and values of a run, which a handle of a running task prefers to those of the plan.
pub(crate) trait RunOutputs: Send + Sync {
    /// Returns the output of an instance, if the run has found or produced it.
    fn made(&self, node: NodeIndex) -> Option<Arc<Made>>;

    /// Returns the value of an output, if it is in memory.
    fn value(&self, node: NodeIndex) -> Option<AnyValue>;

    /// Shares the value of an output with other tasks as long as it is in use.
    fn share(&self, node: NodeIndex, value: &AnyValue);
}
