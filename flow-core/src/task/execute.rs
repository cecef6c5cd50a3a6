//! Running one task, where its type is known.

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
    /// The task, with its parameters resolved.
    pub(crate) task: &'a dyn Any,
    /// A handle on the instance that is run.
    pub(crate) running: Handle,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) reads: &'a Arc<Reads>,
    /// Where the output goes.
    pub(crate) store: &'a Arc<Store>,
    pub(crate) folder: &'a Folder,
    /// What the output is made from.
    pub(crate) fingerprint: Digest,
    /// The output that a test gave in place of a run.
    pub(crate) stand_in: Option<(AnyValue, Meta)>,
}

/// What running a task gave.
pub(crate) struct Executed {
    pub(crate) output: Output,
    pub(crate) meta: Meta,
    /// The value, if a reload would give just that.
    pub(crate) value: Option<Contained<AnyValue>>,
}

/// [`execute`] for one type of task.
pub(crate) type Execute = fn(TaskRun<'_>) -> anyhow::Result<Executed>;

/// Runs the task and writes what it returns.
pub(crate) fn execute<T: Task>(run: TaskRun<'_>) -> anyhow::Result<Executed> {
    let TaskRun { task, running, host, reads, store, folder, fingerprint, stand_in } = run;
    let task: &T = task.downcast_ref().expect("the task has the type of its declaration");
    let places = Places::new(store, folder, fingerprint);
    let all_reads = || reads.all();
    let draft = Draft::new(store, folder, fingerprint, &all_reads);
    if let Some((value, meta)) = stand_in {
        let value = value.downcast().expect("it was given for this task");
        check::<T>(&value)?;
        let (output, value) = save::<T>(value, &places.copying(), draft)?;
        return Ok(Executed { output, meta, value });
    }
    let cx = Cx::<T>::new(Arc::clone(&host), &running, places, reads);
    let value = Arc::new((T::__runs().run)(task, &cx)?);
    // What a task makes of that is not what it would make another time.
    if host.was_stopped() {
        return Err(Stopped.into());
    }
    check::<T>(&value)?;
    // What is made while it is written may read of the inputs, too.
    let (output, value) = save::<T>(value, cx.places(), draft)?;
    Ok(Executed { output, meta: cx.finish(), value })
}

/// Checks an output, part by part and as a whole, as the user has said.
fn check<T: Task>(value: &crate::task::Output<T>) -> anyhow::Result<()> {
    <T::Target as Keep>::__check(value)?;
    T::__check(value)
}

/// Writes an output, and gives the value if a reload would give just that.
fn save<T: Task>(
    value: Arc<crate::task::Output<T>>,
    places: &Places,
    mut draft: Draft<'_>,
) -> anyhow::Result<(Output, Option<Contained<AnyValue>>)> {
    T::__target().__save(&value, places, &mut draft)?;
    let exact = match <T::Target as Keep>::__EXACT {
        true => Some(Contained::new(value as AnyValue)),
        // If its destructor panics, the draft still removes what was written.
        false => {
            drop(value);
            None
        }
    };
    Ok((draft.finish(), exact))
}
