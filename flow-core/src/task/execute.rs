//! Runs one task, where its type is known.

use std::any::Any;
use std::sync::Arc;

use crate::base::key::Digest;
use crate::base::panics::Contained;
use crate::base::stop::Stopped;
use crate::store::draft::Draft;
use crate::store::output::Output;
use crate::store::place::Places;
use crate::store::record::Meta;
use crate::store::{Folder, Store};
use crate::task::Task;
use crate::task::cx::{Cx, Host, Reads};
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
}

/// The function [`execute`] of one task type.
pub(crate) type Execute = fn(TaskRun<'_>) -> anyhow::Result<Executed>;

/// Runs the task, checks its output, and writes it.
pub(crate) fn execute<T: Task>(run: TaskRun<'_>) -> anyhow::Result<Executed> {
    let TaskRun { task, running, host, reads, store, folder, fingerprint, stand_in } = run;
    let task: &T = task.downcast_ref().expect("the task has the type of its declaration");
    let places = Places::new(store, folder, fingerprint);
    let all_reads = || reads.all();
    let draft = Draft::new(store, folder, fingerprint, &all_reads);
    if let Some((value, meta)) = stand_in {
        let value = value.downcast().expect("a stand-in has the type of the output");
        check::<T>(&value)?;
        let (output, value) = save::<T>(value, &places.copying(), draft)?;
        return Ok(Executed { output, meta, value });
    }
    let cx = Cx::<T>::new(Arc::clone(&host), &running, places, reads);
    let value = Arc::new((T::__runs().run)(task, &cx)?);
    // After a stop the task may have computed another output than it otherwise would.
    if host.was_stopped() {
        return Err(Stopped.into());
    }
    check::<T>(&value)?;
    // The context outlives saving: an output that is produced while it is written may still read inputs.
    let (output, value) = save::<T>(value, cx.places(), draft)?;
    Ok(Executed { output, meta: cx.finish(), value })
}

/// Runs the user's checks before anything is written: those of each part, then the one of the whole output.
fn check<T: Task>(value: &crate::task::Output<T>) -> anyhow::Result<()> {
    <T::Target as Keep>::__check(value)?;
    T::__check(value)
}

/// Writes an output, and returns its value if a reload returns an equal one.
fn save<T: Task>(
    value: Arc<crate::task::Output<T>>,
    places: &Places,
    mut draft: Draft<'_>,
) -> anyhow::Result<(Output, Option<Contained<AnyValue>>)> {
    T::__target().__save(&value, places, &mut draft)?;
    let exact = match <T::Target as Keep>::__EXACT {
        true => Some(Contained::new(value as AnyValue)),
        // If the destructor of the value panics, the draft still removes the written files.
        false => {
            drop(value);
            None
        }
    };
    Ok((draft.finish(), exact))
}
