//! The parent's part of running a task in another process: it takes the messages of that process, wherever it is.
//!
//! A request of the task for other instances blocks for as long as these run, so it has a thread of its own. If the
//! process dies meanwhile, the task fails after they have ended.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, Scope};

use super::describe::{self, Way};
use super::message::{
    DoneMessage, FailedMessage, FromChild, RefusedMessage, RequiredMessage, SettingMessage,
    TaskMessage, ToChild, WhyRefused,
};
use crate::base::error::StoreError;
use crate::base::error_text::ForeignError;
use crate::base::stop::Stopped;
use crate::engine::running::Running;
use crate::target::footprint::Footprint;
use crate::task::cx::{Attempt, Host, TaskReport};
use crate::task::execute::Executed;

/// The stack of a thread that waits for required instances: it may run them, if the calling thread is the only worker.
const STACK: usize = 8 << 20;

/// Sends a message to the process that runs the task. One that has ended needs none, so errors are ignored.
pub(super) type Reply = Arc<dyn Fn(ToChild) + Send + Sync>;

/// What a task has left behind.
pub(super) struct TaskEnd {
    pub(super) result: anyhow::Result<Executed>,
    /// Whether its process can run another task: it did not panic.
    pub(super) is_usable: bool,
}

/// The parent of a process that runs a task.
pub(super) struct Parent<'a> {
    pub(super) running: &'a Arc<Running>,
    attempt: &'a Arc<Attempt>,
    /// Where the process writes a draft record.
    draft: PathBuf,
    reply: Reply,
    way: Way,
    /// Whether a line of the log could not be written.
    has_failed: bool,
}

impl<'a> Parent<'a> {
    pub(super) fn new(
        running: &'a Arc<Running>,
        attempt: &'a Arc<Attempt>,
        draft: PathBuf,
        reply: Reply,
        way: Way,
    ) -> Self {
        Self { running, attempt, draft, reply, way, has_failed: false }
    }

    /// Appends lines to the log of the task, and reports them.
    pub(super) fn log(&mut self, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        for line in String::from_utf8_lossy(text).lines() {
            self.running.execution.report(self.running.node, TaskReport::Log(line));
        }
        let Err(error) = self.attempt.log().write(text) else { return };
        // A task does not fail because its log cannot be written.
        if !std::mem::replace(&mut self.has_failed, true) {
            let status = format_args!("its log is incomplete: {error}");
            self.running.execution.report(self.running.node, TaskReport::Status(&status));
        }
    }

    /// Takes a message of the process. Returns what the task has left behind, if it has ended.
    pub(super) fn receive<'scope>(
        &mut self,
        message: FromChild,
        scope: &'scope Scope<'scope, '_>,
    ) -> Option<TaskEnd> {
        match message {
            FromChild::Hello { .. } => {}
            FromChild::Progress { done, total, .. } => {
                self.running.report(TaskReport::Progress { done, total });
            }
            FromChild::Status { text, .. } => self.running.report(TaskReport::Status(&text)),
            FromChild::Log { text, .. } => self.log(text.as_bytes()),
            FromChild::Figure { file, .. } => self.attempt.figures().adopt(*file),
            FromChild::Refuse { task, setting, .. } => {
                let known = describe::task_type(&task.id)
                    .and_then(|task| Ok((task, describe::settings(&setting)?)));
                match known {
                    Ok((task, setting)) => self.running.refuse(task, setting),
                    Err(_) => self.running.refuse_unknown(task.name),
                }
            }
            FromChild::Require { request, task, settings, .. } => {
                self.require(request, task, settings, scope);
            }
            FromChild::Done(done) => return Some(self.done(*done)),
        }
        None
    }

    /// Removes the draft record: a result that was not received does not count.
    pub(super) fn discard_draft(&self) {
        self.running.execution.plan.store.discard_path(&self.draft);
    }

    /// Requires instances for the task on another thread, which sends the reply.
    fn require<'scope>(
        &self,
        request: u64,
        task: TaskMessage,
        settings: Vec<Vec<SettingMessage>>,
        scope: &'scope Scope<'scope, '_>,
    ) {
        let (running, to) = (Arc::clone(self.running), Arc::clone(&self.reply));
        let (count, name, way) = (settings.len(), task.name.clone(), self.way);
        let require = move || {
            let known = describe::task_type(&task.id).and_then(|task| {
                let settings = settings.iter().map(|setting| describe::settings(setting));
                Ok((task, settings.collect::<Result<Vec<_>, _>>()?))
            });
            let reply = match known {
                Ok((task, settings)) => {
                    let results = running.require(task, settings);
                    describe::required(request, results, running.required(), way)
                }
                Err(error) => {
                    running.refuse_unknown(task.name.clone());
                    refused(request, count, &task.name, WhyRefused::Failed(error))
                }
            };
            to(ToChild::Required(reply));
        };
        let thread = Builder::new().name("flow-require".to_owned()).stack_size(STACK);
        if let Err(error) = thread.spawn_scoped(scope, require) {
            let reply = refused(request, count, &name, WhyRefused::Thread(error.to_string()));
            (self.reply)(ToChild::Required(reply));
        }
    }

    /// Takes the result of the task.
    fn done(&mut self, done: DoneMessage) -> TaskEnd {
        let DoneMessage {
            result, meta, figures, reads, columns, used, has_draft, signature, ..
        } = done;
        self.attempt.figures().adopt_all(figures);
        self.running.set_used(used);
        let of_task = self.running.reads();
        reads.into_iter().for_each(|read| of_task.add(read));
        of_task.add_read_columns(columns);
        let FailedMessage { is_stopped, has_panicked, error, unwritable } = match result {
            Ok(output) => {
                if has_draft {
                    self.running.set_draft(self.draft.clone());
                }
                if let Some(signature) = signature {
                    self.running.set_signature(signature);
                }
                let executed =
                    Executed { output, meta, value: None, footprint: Footprint::default() };
                return TaskEnd { result: Ok(executed), is_usable: true };
            }
            Err(failed) => failed,
        };
        meta.into_iter().for_each(|(name, value)| self.attempt.set_meta(&name, value));
        let error = match unwritable {
            _ if is_stopped => Stopped.into(),
            Some((path, code)) => {
                let (path, source) = (path.to_path(), io::Error::from_raw_os_error(code));
                StoreError::Io { action: "write", path, source }.into()
            }
            None => ForeignError::new(error).into(),
        };
        TaskEnd { result: Err(error), is_usable: !has_panicked }
    }
}

/// Returns the reply to a request for `count` instances of a task that all fail.
fn refused(request: u64, count: usize, task: &str, why: WhyRefused) -> RequiredMessage {
    let refused = RefusedMessage { instance: task.to_owned(), why };
    RequiredMessage {
        request,
        results: vec![Err(refused); count],
        nodes: Vec::new(),
        recorded: Vec::new(),
    }
}
