//! Runs one task, where its type is known.

use std::any::{Any, TypeId};
use std::sync::Arc;

use crate::base::key::Digest;
use crate::base::panics::Contained;
use crate::base::stop::Stopped;
use crate::base::trace::span;
use crate::store::draft::Draft;
use crate::store::output::Output;
use crate::store::place::Places;
use crate::store::record::Meta;
use crate::store::{Folder, Store};
use crate::target::footprint::Footprint;
use crate::target::outside::{Provide, Provided};
use crate::task::Task;
use crate::task::cx::{Attempt, Base, Cx, Host, Reads};
use crate::task::expectation::Checks;
use crate::task::input::Handle;
use crate::task::keep::Keep;
use crate::value::AnyValue;

/// One run of a task.
pub(crate) struct TaskRun<'a> {
    /// The task with its parameters resolved.
    pub(crate) task: &'a dyn Any,
    /// A handle on the running instance.
    pub(crate) running: Handle,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) reads: &'a Arc<Reads>,
    /// What remains if the task fails.
    pub(crate) attempt: &'a Arc<Attempt>,
    /// The store that the output is written to.
    pub(crate) store: &'a Arc<Store>,
    /// The folder of the instance in that store.
    pub(crate) folder: &'a Folder,
    /// The fingerprint of the output, which is part of the names of its files.
    pub(crate) fingerprint: Digest,
    /// The output that a test has given, which replaces the run. It is saved by the target and loaded from the file,
    /// so that a test sees what the target loses.
    pub(crate) stand_in: Option<(AnyValue, Meta)>,
}

/// The result of running a task.
pub(crate) struct Executed {
    pub(crate) output: Output,
    pub(crate) meta: Meta,
    /// The value, if a reload returns an equal one.
    pub(crate) value: Option<Contained<AnyValue>>,
    /// The memory that the value takes.
    pub(crate) footprint: Footprint,
}

/// The function [`execute`] of one task type.
pub(crate) type Execute = fn(TaskRun<'_>) -> anyhow::Result<Executed>;

/// Runs the task, checks its output, and writes it.
///
/// Only what needs the type of the task is here. The rest is generic over the target, and so compiled once for all
/// tasks with the same target.
pub(crate) fn execute<T: Task>(mut run: TaskRun<'_>) -> anyhow::Result<Executed> {
    if let Some((value, meta)) = run.stand_in.take() {
        return save_given(&run, &T::__target(), T::__check, value, meta);
    }
    let task: &T = run.task.downcast_ref().expect("the task has the type of its declaration");
    let base = run.base();
    // Saving is logged, too: it calls code of the task's types.
    let _entered = base.log().enter_task();
    span!("task", task = run.host.task_name());
    // The context outlives saving: an output that is produced while it is written may still read inputs.
    let cx = Cx::<T>::new(&base, &run.running);
    let value = Arc::new((T::__runs().run)(task, &cx)?);
    save_made(&run, &T::__target(), T::__check, value, &base)
}

/// The values that the runner of a task provides, for targets.
struct OfHost(Arc<dyn Host>);

impl Provide for OfHost {
    fn find(&self, of: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        self.0.provided(of)
    }
}

/// The user's check of a whole output.
type Check<V> = fn(&V, &mut Checks<'_>) -> anyhow::Result<()>;

impl TaskRun<'_> {
    fn places(&self) -> Places {
        Places::new(self.store, self.folder, self.fingerprint)
    }

    fn base(&self) -> Arc<Base> {
        Arc::new(Base::new(&self.host, self.places(), self.reads, self.attempt))
    }
}

/// Writes the output that a test has given.
fn save_given<K: Keep>(
    run: &TaskRun<'_>,
    target: &K,
    check: Check<K::Value>,
    value: AnyValue,
    mut meta: Meta,
) -> anyhow::Result<Executed> {
    let value = value.downcast().expect("a stand-in has the type of the output");
    let executed = save(run, target, check, value, &run.places().copying())?;
    meta.extend(run.attempt.all_meta());
    Ok(Executed { meta, ..executed })
}

/// Writes the output that the task has returned.
fn save_made<K: Keep>(
    run: &TaskRun<'_>,
    target: &K,
    check: Check<K::Value>,
    value: Arc<K::Value>,
    base: &Base,
) -> anyhow::Result<Executed> {
    // After a stop the task may have computed another output than it otherwise would.
    if run.host.was_stopped() {
        return Err(Stopped.into());
    }
    let executed = save(run, target, check, value, base.places())?;
    Ok(Executed { meta: base.all_meta(), ..executed })
}

/// Checks and writes an output. The result has no metadata yet.
fn save<K: Keep>(
    run: &TaskRun<'_>,
    target: &K,
    check: Check<K::Value>,
    value: Arc<K::Value>,
    places: &Places,
) -> anyhow::Result<Executed> {
    // The user's checks run before anything is written: those of each part, then the one of the whole output.
    let mut checks = Checks::new(run.store, run.folder);
    let checked = K::__check(&value, &mut checks).and_then(|()| check(&value, &mut checks));
    // The results are recorded in any case: a failure has them, too.
    let recorded = checks.record(run.attempt);
    checked?;
    recorded?;
    let all_reads = || run.reads.all();
    let provided = Provided::new(Arc::new(OfHost(Arc::clone(&run.host))));
    let mut draft =
        Draft::new(run.store, run.folder, run.fingerprint, &all_reads).providing(provided);
    target.__save(&value, places, &mut draft)?;
    let value = match K::__EXACT {
        true => Some(Contained::new(value as AnyValue)),
        // If the destructor of the value panics, the draft still removes the written files.
        false => {
            drop(value);
            None
        }
    };
    let footprint = draft.take_footprint();
    Ok(Executed { output: draft.finish(), meta: Meta::new(), value, footprint })
}
