//! Running one task, where its type is known.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::key::Digest;
use crate::base::panics::Contained;
use crate::base::stop::Stopped;
use crate::engine::Execution;
use crate::store::Folder;
use crate::store::draft::Draft;
use crate::store::output::Output;
use crate::store::place::Places;
use crate::store::record::Meta;
use crate::task::cx::{Cx, Reads};
use crate::task::keep::Keep;
use crate::task::param::AnyValue;

use crate::task::decl;
use crate::task::decl::Task;

/// What running a task gave.
pub(crate) struct Executed {
    pub(crate) output: Output,
    pub(crate) meta: Meta,
    /// The value, if a reload would give just that.
    pub(crate) value: Option<Contained<AnyValue>>,
}

/// [`execute`] for one type of task.
pub(crate) type Execute =
    fn(&Arc<Execution>, NodeIndex, &Folder, Digest, &Arc<Reads>) -> anyhow::Result<Executed>;

/// Runs the task and writes what it returns.
pub(crate) fn execute<T: Task>(
    execution: &Arc<Execution>,
    node: NodeIndex,
    folder: &Folder,
    fingerprint: Digest,
    reads: &Arc<Reads>,
) -> anyhow::Result<Executed> {
    let plan = &execution.plan;
    let task: &T = plan.graph.instance_of(node);
    let places = Places::new(&plan.store, folder, fingerprint);
    let draft = Draft::new(&plan.store, folder, fingerprint, reads);
    if let Some(stand_in) = plan.graph.stand_in(node) {
        let value = stand_in.value().downcast().expect("it was given for this task");
        check::<T>(&value)?;
        let (output, value) = save::<T>(value, &places.copying(), draft)?;
        return Ok(Executed { output, meta: stand_in.meta(), value });
    }
    let cx = Cx::<T>::new(execution, node, places, reads);
    let value = Arc::new((T::__runs().run)(task, &cx)?);
    // What a task makes of that is not what it would make another time.
    if reads.was_stopped() {
        return Err(Stopped.into());
    }
    check::<T>(&value)?;
    // What is made while it is written may read of the inputs, too.
    let (output, value) = save::<T>(value, cx.places(), draft)?;
    Ok(Executed { output, meta: cx.finish(), value })
}

/// Checks an output, part by part and as a whole, as the user has said.
fn check<T: Task>(value: &decl::Output<T>) -> anyhow::Result<()> {
    <T::Target as Keep>::__check(value)?;
    T::__check(value)
}

/// Writes an output, and gives the value if a reload would give just that.
fn save<T: Task>(
    value: Arc<decl::Output<T>>,
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
