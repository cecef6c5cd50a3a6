//! Runs one instance again, by itself.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use daggy::NodeIndex;

use super::inputs::State;
use super::{DebugError, DebugOutcome, Selected};
use crate::base::error_text::ErrorText;
use crate::base::key::Digest;
use crate::base::panics::Contained;
use crate::base::seconds::Seconds;
use crate::engine::Execution;
use crate::engine::claim::Unclaimed;
use crate::engine::session::Session;
use crate::engine::shadow::{AsideFolder, Rerun};
use crate::flow::Metadata;
use crate::flow::error::Error;
use crate::plan::dynamic::Replay;
use crate::plan::judge::Judge;
use crate::report::observers::Observers;
use crate::store::Folder;
use crate::store::claims::Claimed;
use crate::store::failure::FailedRun;
use crate::store::limit::Replaced;
use crate::store::log_text::{TaskLog, escaped_lines};
use crate::store::made::Made;
use crate::store::memory::Remembered;
use crate::store::record::{MadeFrom, Record, RecordedRun};
use crate::target::footprint::Footprint;
use crate::task::cx::{Reads, WatchError};
use crate::task::execute::Executed;
use crate::task::input::{Handle, Input};
use crate::task::loaded::Loaded;
use crate::task::{Output, Task};
use crate::value::AnyValue;

/// The result of running an instance again: the value or the error of its task, its metadata, and its log.
///
/// [`DebugInstance::run_again`](super::DebugInstance::run_again) returns it. It dereferences to the [`DebugOutcome`], which
/// has all but the value.
pub struct DebugRun<T: Task> {
    /// The value; `None` if the task failed.
    value: Option<Loaded<Output<T>>>,
    outcome: DebugOutcome,
}

/// The result without the type of the task.
pub(super) struct Ran {
    pub(super) label: String,
    pub(super) value: anyhow::Result<Value>,
    pub(super) metadata: Metadata,
    pub(super) log: Option<TaskLog>,
    pub(super) seconds: f64,
    pub(super) aside: Option<AsideFolder>,
}

/// The value that a task has returned.
pub(super) enum Value {
    InMemory(Contained<AnyValue>),
    /// It is loaded from its file, because its target may lose something.
    Stored(Handle),
}

impl<T: Task> DebugRun<T> {
    pub(super) fn new(ran: Ran) -> Self {
        let Ran { label, value, metadata, log, seconds, aside } = ran;
        let loaded = value.and_then(|value| match value {
            Value::InMemory(value) => {
                let value: Arc<dyn Any + Send + Sync> = AnyValue::clone(&value);
                Ok(Loaded(value.downcast().expect("the task has returned its output")))
            }
            Value::Stored(handle) => Ok(Input::<T>::new(handle).load()?),
        });
        let (value, error) = match loaded {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(error)),
        };
        let outcome = DebugOutcome { label, error, metadata, log, seconds, _aside: aside };
        Self { value, outcome }
    }

    /// Returns the value of the task, as a load returns it, or the error of the task.
    ///
    /// The error has the type that the task gave it: `error.downcast_ref::<MyError>()`.
    ///
    /// # Errors
    ///
    /// The task failed.
    pub fn result(&self) -> Result<&Loaded<Output<T>>, &anyhow::Error> {
        self.value.as_ref().ok_or_else(|| self.outcome.error.as_ref().expect(FAILED))
    }

    /// Returns the owned value or error.
    ///
    /// A file or folder that a task with the target [`File`](crate::File) wrote itself is removed by this, unless it was
    /// committed: use [`result`](Self::result) to look at it.
    ///
    /// # Errors
    ///
    /// The task failed.
    pub fn into_result(self) -> anyhow::Result<Loaded<Output<T>>> {
        self.value.ok_or_else(|| self.outcome.error.expect(FAILED))
    }
}

/// Why a run without a value has an error.
const FAILED: &str = "the task failed";

impl<T: Task> Deref for DebugRun<T> {
    type Target = DebugOutcome;

    fn deref(&self) -> &DebugOutcome {
        &self.outcome
    }
}

impl<T: Task> fmt::Display for DebugRun<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.outcome, f)
    }
}

/// Writes whether the task failed, and how long it took.
pub(super) fn write_run(
    f: &mut fmt::Formatter<'_>,
    label: &str,
    seconds: f64,
    error: Option<&anyhow::Error>,
) -> fmt::Result {
    let took = Seconds(seconds);
    match error {
        None => write!(f, "{label} ran in {took}"),
        Some(error) => {
            let error = escaped_lines(&ErrorText::of(error).text).replace('\n', "\n  ");
            write!(f, "{label} failed after {took}: {error}")
        }
    }
}

impl<T: Task> fmt::Debug for DebugRun<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Selected {
    /// Runs the task with the inputs that were found, and writes its output into a folder aside.
    pub(super) fn run_again(&self) -> Result<Ran, Error> {
        let changes = [self.resolved.described(&[State::Changed]), self.resolved.changes.clone()];
        self.check_inputs(changes.concat())?;
        let made_from = self.resolved.made_from.as_ref().expect("no input is missing");
        let execution = self.execution(&self.resolved.made)?;
        let aside = AsideFolder::new(&self.plan.store);
        let folder = aside.of(self.plan.graph.node(self.node).key);
        let rerun = self.run(&execution, made_from, &folder)?;
        let Rerun { executed, run, .. } = rerun;
        let log = self.log_in(&folder, run.log.is_some());
        let (value, metadata) = match executed {
            Ok(executed) => {
                let (value, meta) = value(&execution, self.node, folder, executed);
                (Ok(value), meta)
            }
            Err(error) => (Err(error), run.meta),
        };
        let (label, seconds) = (self.label(), run.seconds);
        Ok(Ran { label, value, metadata, log, seconds, aside: Some(aside) })
    }

    /// Runs the task with the present inputs, and commits its output or records its failure.
    pub(super) fn run_and_commit(&self) -> Result<Ran, Error> {
        let (graph, store) = (&self.plan.graph, &self.plan.store);
        let replay = Replay::default();
        let judge = Judge::new(&self.plan, &self.plan.verdicts, &replay);
        let made_from = self.present(&judge)?;
        let states = [State::Changed, State::Kept];
        let changes = [self.resolved.described(&states), self.resolved.changes.clone()];
        self.check_inputs(changes.concat())?;
        if let Some(error) = graph.refresh_error(self.node) {
            return Err(self.not_committed(format!("evaluating `refresh` failed: {error}")).into());
        }
        let folder = graph.folder(self.node, store)?;
        let execution = self.execution(&[])?;
        let fingerprint = self.fingerprint(&made_from);
        // Until the output is committed, or the failure recorded.
        let _claimed = self.claim(&execution, &folder, fingerprint)?;
        // The wait for the claim may have taken hours.
        let made_from = self.unchanged(fingerprint, self.present(&judge)?)?;
        let fingerprint = self.fingerprint(&made_from);
        let Rerun { executed, reads, columns, required, run } =
            self.run(&execution, &made_from, &folder)?;
        let log = self.log_in(&folder, run.log.is_some());
        let (label, seconds) = (self.label(), run.seconds);
        let (value, metadata) = match executed {
            Ok(Executed { mut output, meta, value, footprint }) => {
                let FailedRun { started, seconds, host, figures, .. } = run;
                output.figures = figures;
                let crates = graph.task(self.node).crates;
                let record = Record::new(
                    graph.recorded(self.node, made_from, fingerprint),
                    RecordedRun {
                        reads,
                        columns,
                        required,
                        output,
                        meta,
                        crates,
                        started,
                        seconds,
                        host,
                    },
                );
                let (value, meta) = self.commit(&execution, &folder, record, value, footprint)?;
                (Ok(value), meta)
            }
            Err(error) => {
                let (text, meta) = (ErrorText::of(&error), run.meta.clone());
                let instance = execution.failed_instance(self.node, made_from, fingerprint);
                execution.record_failure(self.node, &text, Some(run), Some(instance));
                (Err(error), meta)
            }
        };
        self.plan.contents.keep();
        Ok(Ran { label, value, metadata, log, seconds, aside: None })
    }

    /// Claims the instance as a run does, so that no other process runs it meanwhile. Waits for one that does.
    fn claim(
        &self,
        execution: &Execution,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<Option<Claimed>, Error> {
        execution.claim_alone(self.node, folder, fingerprint).map_err(|unclaimed| {
            let reason = match unclaimed {
                Unclaimed::Computed => {
                    return DebugError::Computed { instance: self.label() }.into();
                }
                Unclaimed::Store(error) => return error.into(),
                Unclaimed::Cycle(cycle) => format!("it requires itself while it runs: {cycle}"),
                Unclaimed::Stopped => {
                    "the flow was stopped while another process was running the instance".to_owned()
                }
            };
            self.not_committed(reason).into()
        })
    }

    /// Returns the parts of the fingerprint as they are now, or an error if they have changed and this was not accepted.
    fn unchanged(&self, before: Digest, now: MadeFrom) -> Result<MadeFrom, DebugError> {
        match self.accepts_changes || self.fingerprint(&now) == before {
            true => Ok(now),
            false => {
                let change = "a file has changed while another process was running the instance";
                Err(DebugError::Changed {
                    instance: self.label(),
                    changes: vec![change.to_owned()],
                })
            }
        }
    }

    /// Returns an error if inputs are missing, or if there are changes that were not accepted.
    fn check_inputs(&self, changes: Vec<String>) -> Result<(), DebugError> {
        let inputs = self.resolved.described(&[State::Missing]);
        if !inputs.is_empty() {
            return Err(DebugError::Missing { instance: self.label(), inputs });
        }
        match changes.is_empty() || self.accepts_changes {
            true => Ok(()),
            false => Err(DebugError::Changed { instance: self.label(), changes }),
        }
    }

    /// Returns the parts of the fingerprint with the present inputs, which must be complete.
    fn present(&self, judge: &Judge<'_>) -> Result<MadeFrom, Error> {
        let graph = &self.plan.graph;
        let open = graph.gathered_inputs(self.node).into_iter();
        let open = open.filter(|&input| !self.plan.verdicts.status(input).is_complete());
        let inputs: Vec<_> = open
            .map(|input| {
                let reason = self.plan.incomplete_reason(input);
                format!("{}: it is not complete ({reason})", graph.label_alone(input))
            })
            .collect();
        match judge.made_from(self.node)? {
            Some(made_from) if inputs.is_empty() => Ok(made_from),
            _ => Err(DebugError::Missing { instance: self.label(), inputs }.into()),
        }
    }

    fn not_committed(&self, reason: String) -> DebugError {
        DebugError::NotCommitted { instance: self.label(), reason }
    }

    /// Returns an execution in which the instance runs alone and loads these outputs.
    fn execution(&self, made: &[(NodeIndex, Made)]) -> Result<Arc<Execution>, Error> {
        let Self { flow, plan, .. } = self;
        let run_lock = plan.store.begin()?;
        let alone = "while an instance is debugged: run it first";
        let session = Session::alone(flow.limits, run_lock, alone);
        // What the task reports is in its log.
        let reporting = Observers::default().quiet().begin(None).map_err(Error::Thread)?;
        let (stopper, reporter) = (flow.stopper.clone(), Arc::clone(reporting.reporter()));
        let execution = Execution::in_session(&session, Arc::clone(plan), stopper, reporter);
        for (input, made) in made {
            execution.held.set_made(*input, made.clone());
        }
        Ok(execution)
    }

    fn fingerprint(&self, made_from: &MadeFrom) -> Digest {
        made_from.fingerprint(self.plan.graph.task(self.node).decl.identity())
    }

    fn run(
        &self,
        execution: &Arc<Execution>,
        made_from: &MadeFrom,
        folder: &Folder,
    ) -> Result<Rerun, Error> {
        self.plan.check_node(self.node)?;
        let fingerprint = self.fingerprint(made_from);
        match execution.run_aside(self.node, made_from, fingerprint, folder) {
            Ok(ran) => Ok(ran.finish()),
            Err(WatchError::Store(error)) => Err(error.into()),
            Err(error) => {
                let (instance, changes) = (self.label(), vec![error.to_string()]);
                Err(DebugError::Changed { instance, changes }.into())
            }
        }
    }

    /// Returns the log of this run, if it logged anything. An error of reading it is ignored: the result counts.
    fn log_in(&self, folder: &Folder, has_log: bool) -> Option<TaskLog> {
        if has_log { self.plan.store.log_in(folder).ok().flatten() } else { None }
    }

    /// Commits the output of the instance, whose files are in its own folder.
    fn commit(
        &self,
        execution: &Arc<Execution>,
        folder: &Folder,
        mut record: Record,
        value: Option<Contained<AnyValue>>,
        footprint: Footprint,
    ) -> Result<(Value, Metadata), Error> {
        let store = &self.plan.store;
        let entry = self.plan.graph.task(self.node);
        entry.keep_tables(store);
        let signed = store.sign(&mut record);
        let staged = signed.and_then(|()| store.stage_record(folder, &record, true));
        let staged = staged.inspect_err(|_| store.discard(folder, &record.output))?;
        if let (true, Some(value)) = (record.output.is_in_memory(), &value) {
            let value = Remembered { value: value.clone(), footprint: footprint.clone() };
            store.memory().keep(record.output.digest, value, &entry.decl.name);
        }
        let lock = execution.session.run_lock();
        for (task, staged, result) in store.commit(vec![(Arc::clone(&entry.folder), staged)]) {
            if let Err(error) = result {
                staged.output.iter().for_each(|output| store.discard(folder, output));
                return Err(error.into());
            }
            let replaced = Replaced::by(task, staged).into_iter().collect();
            // An error is ignored: the next run, or `gc`, removes replaced files that are left.
            let _ = store.tidy(replaced, self.flow.limits, lock);
        }
        let executed = Executed { output: record.output, meta: record.meta, value, footprint };
        Ok(self::value(execution, self.node, folder.clone(), executed))
    }
}

/// Returns the value that a task has returned, and its metadata. Its output is in this folder.
fn value(
    execution: &Arc<Execution>,
    node: NodeIndex,
    folder: Folder,
    executed: Executed,
) -> (Value, Metadata) {
    let Executed { output, meta, value, .. } = executed;
    let value = value.map_or_else(
        || {
            let made = Made { folder, output, meta: meta.clone(), fingerprint: None, from: None };
            execution.held.set_made(node, made);
            // What is loaded here is no read of the task.
            Value::Stored(execution.handle(node, &Arc::<Reads>::default()))
        },
        Value::InMemory,
    );
    (value, meta)
}
