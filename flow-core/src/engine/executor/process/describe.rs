//! Describes a job and its inputs for a child: everything that the task can reach through its handles.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use daggy::NodeIndex;

use super::message::{
    DraftMessage, EnclosingMessage, EntryMessage, FormMessage, JobMessage, MadeMessage,
    MissingMessage, NodeMessage, RefusedMessage, RequiredMessage, SettingMessage, StoreAt,
    WhyRefused,
};
use crate::engine::executor::TaskJob;
use crate::engine::nested::{Enclosing, RunningAt};
use crate::engine::running::Running;
use crate::plan::policy::MEMORY;
use crate::store::Store;
use crate::store::made::Made;
use crate::store::record::{RecordedInstance, Required};
use crate::task::error::{LoadErrorKind, RequireError, RequireErrorKind};
use crate::task::input::Handle;
use crate::task::requirement::Form;
use crate::task::setting::Values;
use crate::task::{Kind, TaskType, registry};
use crate::value::Value;

/// The way of messages to the process that runs a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A socket, which no other process can read.
    Socket,
    /// The way of an executor, such as files. Secrets must not be sent on it.
    Executor,
    /// The way of an executor to machines that do not reach the folder of the store.
    ExecutorWithFiles,
}

/// Returns the message that makes a child run a task.
///
/// # Errors
///
/// A parameter cannot be serialized, or must not be sent.
pub(super) fn job(task: &TaskJob<'_>, number: u64, way: Way) -> anyhow::Result<JobMessage> {
    let Running { execution, node, .. } = &**task.running;
    let (plan, node) = (&execution.plan, *node);
    let mut nodes = Nodes::new(way);
    nodes.add(&execution.handle(node, task.running.reads()), Which::Running)?;
    let files = plan.graph.file_parameters(node).into_iter();
    let entry = plan.graph.task(node);
    let key = plan.graph.node(node).key;
    let draft = match way {
        // An attempt that was abandoned may still be writing one.
        Way::Socket => plan.store.new_draft_record(key),
        Way::Executor | Way::ExecutorWithFiles => {
            plan.store.draft_record_of_job(key, task.fingerprint)
        }
    };
    Ok(JobMessage {
        number,
        task: entry.decl.name.to_string(),
        key,
        enclosing: Enclosing::of_this_thread().tasks().map(enclosing).collect(),
        fingerprint: task.fingerprint,
        folder: task.folder.as_path().into(),
        store: StoreAt::of(&plan.store),
        seed: key.seed(),
        attempt: task.attempt,
        current_folder: std::env::current_dir().ok().map(|folder| folder.as_path().into()),
        file_parameters: files.map(|(_, path)| path).collect(),
        draft: Some(DraftMessage {
            path: draft.as_path().into(),
            module: entry.decl.module.to_owned(),
            instance: RecordedInstance {
                format: task.format,
                ..plan.graph.recorded(node, task.made_from.clone(), task.fingerprint)
            },
            crates: entry.crates,
        }),
        writes_draft: true,
        sends_draft: false,
        is_watched: !execution.reporter.is_silent(),
        memory: task.policy.resources.get(MEMORY).copied(),
        sends_secrets: way == Way::Socket,
        moves_files: way == Way::ExecutorWithFiles,
        requires_signature: match way {
            // A child of this process signs nothing.
            Way::Socket => None,
            Way::Executor | Way::ExecutorWithFiles => plan.store.signatures().required(),
        },
        nodes: nodes.all,
    })
}

fn enclosing(at: &RunningAt) -> EnclosingMessage {
    EnclosingMessage { root: at.root().into(), key: at.key, task: at.task.to_string() }
}

/// Returns the reply to a request for these instances.
pub(super) fn required(
    request: u64,
    results: Vec<Result<Handle, RequireError>>,
    recorded: Vec<Vec<Required>>,
    way: Way,
) -> RequiredMessage {
    let mut nodes = Nodes::new(way);
    let mut result = |result: Result<Handle, RequireError>| {
        let handle = result.map_err(refused)?;
        let refused = |error: anyhow::Error| RefusedMessage {
            instance: handle.label(),
            why: WhyRefused::Failed(format!("{error:#}")),
        };
        let place = nodes.add(&handle, Which::Input).map_err(refused)?;
        Ok((place, handle.number()))
    };
    let results = results.into_iter().map(&mut result).collect();
    RequiredMessage { request, results, nodes: nodes.all, recorded }
}

fn refused(error: RequireError) -> RefusedMessage {
    let RequireError { instance, kind } = error;
    let why = match kind {
        RequireErrorKind::Failed { error } => WhyRefused::Failed(error),
        RequireErrorKind::Cycle { cycle } => WhyRefused::Cycle(cycle),
        RequireErrorKind::Settings { error } => WhyRefused::Settings(error),
        RequireErrorKind::Stopped => WhyRefused::Stopped,
        RequireErrorKind::Thread { error } => WhyRefused::Thread(error),
    };
    RefusedMessage { instance, why }
}

impl From<RefusedMessage> for RequireError {
    fn from(RefusedMessage { instance, why }: RefusedMessage) -> Self {
        let kind = match why {
            WhyRefused::Failed(error) => RequireErrorKind::Failed { error },
            WhyRefused::Cycle(cycle) => RequireErrorKind::Cycle { cycle },
            WhyRefused::Settings(error) => RequireErrorKind::Settings { error },
            WhyRefused::Stopped => RequireErrorKind::Stopped,
            WhyRefused::Thread(error) => RequireErrorKind::Thread { error },
        };
        Self { instance, kind }
    }
}

/// Returns values of parameters as a child has sent them, or why they cannot be used.
pub(super) fn settings(setting: &[SettingMessage]) -> Result<Values, String> {
    let value = |SettingMessage { task, place, value }: &SettingMessage| {
        let task = task_type(task)?;
        let param = task.params.get(*place).ok_or("it has no such parameter")?;
        let value = Value::from_stored(value).ok_or("its value is damaged")?;
        let value = (param.kind.from_value)(&value);
        let wrong = |reason| format!("the value of `{}` cannot be read back: {reason}", param.name);
        Ok((task, *place, value.map_err(wrong)?))
    };
    setting.iter().map(value).collect()
}

/// Returns values of parameters as messages.
///
/// # Errors
///
/// A value cannot be serialized, or is a secret that must not be sent: the message says why.
pub(super) fn setting_messages(
    setting: &Values,
    sends_secrets: bool,
) -> Result<Vec<SettingMessage>, String> {
    let message = |&(task, place, ref value): &(&'static TaskType, usize, _)| {
        let param = &task.params[place];
        let value: &crate::value::AnyValue = value;
        let wrong = |reason| format!("the value of `{}` cannot be sent: {reason}", param.name);
        let value = (param.kind.to_value)(&**value).map_err(wrong)?;
        if value.has_secret() && !sends_secrets {
            return Err(format!(
                "the value of `{}` is a secret, which would be written to a file: run the task that sets it in the process of \
                 the run, by `flow.in_process` (`--in-process` on the command line)",
                param.name
            ));
        }
        Ok(SettingMessage { task: registry::type_id(task), place, value: value.to_sent() })
    };
    setting.iter().map(message).collect()
}

/// Returns the task of this [type](registry::type_id), which a child names.
pub(super) fn task_type(id: &str) -> Result<&'static TaskType, String> {
    let unknown = "its type is not known in the process that runs the flow: of a task with type parameters, say \
                   `#[task(may_require(...))]` above the task that requires it";
    registry::of_type(id).ok_or_else(|| unknown.to_owned())
}

impl StoreAt {
    pub(super) fn of(store: &Store) -> Self {
        let (opened, root) = (store.opened().into(), store.root().into());
        Self { opened, root, checks_content: store.checks_content() }
    }
}

/// The role of an instance in a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// It is about to run.
    Running,
    /// It has an output.
    Input,
}

/// The described instances of one plan.
struct Nodes {
    all: Vec<NodeMessage>,
    places: HashMap<NodeIndex, u32>,
    way: Way,
}

impl Nodes {
    fn new(way: Way) -> Self {
        Self { all: Vec::new(), places: HashMap::new(), way }
    }

    /// Adds an instance and those that a task can reach through it. Returns its place.
    fn add(&mut self, handle: &Handle, which: Which) -> anyhow::Result<u32> {
        if let Some(&place) = self.places.get(&handle.node) {
            return Ok(place);
        }
        let (origin, node) = (&*handle.origin, handle.node);
        let (task, kind) = (origin.task_type(node), origin.kind(node));
        let parameters = task.params.iter().enumerate().map(|(place, param)| {
            let value = (param.kind.to_value)(origin.parameter(node, place));
            let value = value.with_context(|| format!("cannot send parameter `{}`", param.name))?;
            self.check_secret(&value, handle, || format!("`{}`", param.name))?;
            anyhow::Ok(value.to_sent())
        });
        let entries = (0..origin.entries(node)).map(|at| self.entry(handle, at));
        let (label, full_label) = (origin.label(node, false), origin.label(node, true));
        let message = NodeMessage {
            task: registry::type_id(task),
            kind,
            inputs: Vec::new(),
            entries: entries.collect::<anyhow::Result<_>>()?,
            parameters: parameters.collect::<anyhow::Result<_>>()?,
            parameters_digest: origin.parameters_digest(node),
            external: (kind == Kind::External).then(|| origin.external(node).into()),
            made: match which {
                Which::Running => None,
                Which::Input => Some(made(handle, self.way)?),
            },
            full_label: (full_label != label).then_some(full_label),
            label,
        };
        let place = self.all.len();
        self.all.push(message);
        self.places.insert(node, place as u32);
        // A handle leads on from the running instance and from aggregates only.
        if which == Which::Running || kind == Kind::Aggregate {
            let inputs = 0..origin.inputs(node).len();
            let inputs = inputs.map(|input| self.add(&handle.input(input), Which::Input));
            let inputs = inputs.collect::<anyhow::Result<_>>()?;
            self.all[place].inputs = inputs;
        }
        Ok(place as u32)
    }

    /// Describes an entry of `requires` of an instance.
    fn entry(&self, handle: &Handle, at: usize) -> anyhow::Result<EntryMessage> {
        let (form, len) = handle.origin.entry(handle.node, at);
        let form = match form {
            Form::One => FormMessage::One,
            Form::Optional => FormMessage::Optional,
            Form::List => FormMessage::List,
            Form::Map(keys) => {
                let keys = (0..len).map(|at| {
                    let key = keys.value(at);
                    self.check_secret(&key, handle, || "a key of the inputs".to_owned())?;
                    anyhow::Ok(key.to_sent())
                });
                FormMessage::Map(keys.collect::<anyhow::Result<_>>()?)
            }
        };
        Ok(EntryMessage { form, len })
    }

    /// Returns an error if a value of an instance is a secret and must not be sent.
    fn check_secret(
        &self,
        value: &Value,
        handle: &Handle,
        name: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.way == Way::Socket || !value.has_secret(),
            "{} of {} is a secret, which would be written to a file for the worker: run the task that needs it in this \
             process, by `flow.in_process` (`--in-process` on the command line)",
            name(),
            handle.label()
        );
        Ok(())
    }
}

/// Describes the output of an instance.
///
/// # Errors
///
/// The output is in the memory of this process.
fn made(handle: &Handle, way: Way) -> anyhow::Result<Result<MadeMessage, MissingMessage>> {
    let made: Arc<Made> = match handle.made() {
        Ok(made) => made,
        Err(error) => {
            return Ok(Err(match error.kind {
                LoadErrorKind::Gone => MissingMessage::Gone,
                LoadErrorKind::Changed => MissingMessage::Changed,
                other => MissingMessage::Record(other.to_string()),
            }));
        }
    };
    let is_in_memory = made.output.is_in_memory();
    let otherwise = match way {
        Way::Socket => "leave out `isolate`",
        Way::Executor | Way::ExecutorWithFiles => {
            "run the task that requires it in this process, by `flow.in_process` (`--in-process` on the command line)"
        }
    };
    if way == Way::ExecutorWithFiles {
        ensure_carried(handle, &made)?;
    }
    anyhow::ensure!(
        handle.origin.kind(handle.node) != Kind::Made || !is_in_memory,
        "{} is kept in the memory of the process that runs the flow, and the task that requires it runs in a child \
         process: give it a target that writes a file, or {otherwise}",
        handle.label()
    );
    let Made { folder, output, meta, fingerprint, from } = &*made;
    Ok(Ok(MadeMessage {
        folder: folder.as_path().into(),
        output: output.clone(),
        meta: meta.clone(),
        fingerprint: *fingerprint,
        from: from.as_deref().map(StoreAt::of),
    }))
}

/// Returns an error if an executor that carries files cannot carry those of an input, because they are in another place than
/// the store of the run.
fn ensure_carried(handle: &Handle, made: &Made) -> anyhow::Result<()> {
    let place = match (handle.origin.kind(handle.node), &made.from) {
        (Kind::External, _) => handle.origin.external(handle.node),
        (_, Some(other)) => other.root(),
        _ => return Ok(()),
    };
    anyhow::bail!(
        "{} is at {} on this machine, and the machine of the worker does not have it: run the task that requires it in this \
         process, by `flow.in_process` (`--in-process` on the command line)",
        handle.label(),
        place.display()
    )
}
