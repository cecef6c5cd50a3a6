//! Running one task, where its type is known.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::cx::{Cx, Reads};
use crate::engine::Execution;
use crate::engine::stopper::Stopped;
use crate::keep::Keep;
use crate::key::Digest;
use crate::param::AnyValue;
use crate::plan::Plan;
use crate::plan::stand_in::StandIn;
use crate::store::Folder;
use crate::store::draft::Draft;
use crate::store::output::Output;
use crate::store::place::Places;
use crate::store::record::Meta;
use crate::task::{self, Task};

/// What running a task gave.
pub(crate) struct Executed {
    pub(crate) output: Output,
    pub(crate) meta: Meta,
    /// What was read and required.
    pub(crate) read: Arc<Reads>,
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
    let places = Places::new(&plan.store, folder, fingerprint);
    if let Some(stand_in) = plan.graph.stand_in(node) {
        return save_given::<T>(plan, stand_in, places, folder, fingerprint);
    }
    let cx = Cx::<T>::new(execution, node, places);
    let failing = Failing { execution, node, reads: cx.out().1 };
    let value = (T::__runs().run)(task, &cx).inspect_err(|error| {
        // A disk may have room again, and a server answer.
        if error.chain().any(|cause| cause.is::<std::io::Error>()) {
            failing.reads.set_may_pass();
        }
    })?;
    let value = Arc::new(value);
    let (places, reads) = cx.out();
    // What a task makes of that is not what it would make another time.
    if reads.was_stopped() {
        failing.disarm();
        return Err(Stopped.into());
    }
    check::<T>(&value)?;
    failing.disarm();
    let mut draft = Draft::new(&plan.store, folder, fingerprint, reads);
    T::__target().__save(&value, places, &mut draft)?;
    let output = draft.finish();
    // What is made while it is written may read of the inputs, too.
    let (meta, read) = cx.finish();
    let value: Option<AnyValue> = <T::Target as Keep>::__EXACT.then_some(value as AnyValue);
    Ok(Executed { output, meta, read, value })
}

/// Checks an output, part by part and as a whole, as the user has said.
fn check<T: Task>(value: &task::Output<T>) -> anyhow::Result<()> {
    <T::Target as Keep>::__check(value)?;
    T::__check(value)
}

/// Writes what a test gave instead of running the task.
fn save_given<T: Task>(
    plan: &Plan,
    stand_in: &StandIn,
    places: Places,
    folder: &Folder,
    fingerprint: Digest,
) -> anyhow::Result<Executed> {
    let value = stand_in.value().downcast().expect("it was given for this task");
    check::<T>(&value)?;
    let read = Arc::new(Reads::default());
    let mut draft = Draft::new(&plan.store, folder, fingerprint, &read);
    T::__target().__save(&value, &places.copying(), &mut draft)?;
    let output = draft.finish();
    let value: Option<AnyValue> = <T::Target as Keep>::__EXACT.then_some(value as AnyValue);
    Ok(Executed { output, meta: stand_in.meta(), read, value })
}

/// A task that fails, or panics, unless this is disarmed: if nothing else than its inputs had a part in
/// that, it would do so again.
struct Failing<'a> {
    execution: &'a Execution,
    node: NodeIndex,
    reads: &'a Reads,
}

impl Failing<'_> {
    fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        if self.reads.fails_again() {
            self.execution.held.set_fails_again(self.node);
        }
    }
}
