//! The [`Host`] of a task in a child: it sends what the task asks for to the parent.

use std::any::{Any, TypeId};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use daggy::NodeIndex;

use super::link::Link;
use super::received::{Received, Stores};
use crate::base::stop::Stopper;
use crate::engine::executor::process::describe::setting_messages;
use crate::engine::executor::process::message::{
    FromChild, RefusedMessage, RequiredMessage, TaskMessage, WhyRefused,
};
use crate::files::Contents;
use crate::store::Store;
use crate::store::output::OutputFile;
use crate::store::record::Required;
use crate::task::cx::{Host, Reads, TaskReport};
use crate::task::error::{RequireError, RequireErrorKind};
use crate::task::input::Handle;
use crate::task::setting::Values;
use crate::task::{TaskType, provider, registry};

/// The shortest time between two reports of progress: a task may report each unit, and a message is a system call.
const PROGRESS: Duration = Duration::from_millis(20);

/// The parent of a child, as its task sees it.
pub(super) struct ChildHost {
    pub(super) link: Arc<Link>,
    /// The number of the job.
    pub(super) job: u64,
    pub(super) task: String,
    pub(super) store: Arc<Store>,
    pub(super) stores: Arc<Stores>,
    pub(super) stopper: Stopper,
    pub(super) seed: u64,
    pub(super) file_parameters: Vec<String>,
    /// Whether progress and status are wanted.
    pub(super) is_watched: bool,
    /// Whether messages may have secrets.
    pub(super) sends_secrets: bool,
    pub(super) reads: Arc<Reads>,
    /// Whether a call of `require` returned that the execution was stopped.
    pub(super) was_stopped: AtomicBool,
    /// What the task has required, as it is recorded.
    pub(super) required: Mutex<Vec<Vec<Required>>>,
    /// Whether a requirement was refused, so that the parent alone knows what is recorded.
    pub(super) has_refused: AtomicBool,
    /// When progress was last reported.
    pub(super) reported: Mutex<Option<Instant>>,
}

impl ChildHost {
    /// Returns whether progress is due to be reported.
    fn is_due(&self) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = reported.is_none_or(|at| at.elapsed() >= PROGRESS);
        if is_due {
            *reported = Some(Instant::now());
        }
        is_due
    }

    /// Returns what the task has required, as it is recorded; `None` if only the parent knows.
    pub(super) fn recorded(&self) -> Option<Vec<Vec<Required>>> {
        let required = self.required.lock().unwrap_or_else(PoisonError::into_inner);
        (!self.has_refused.load(Ordering::SeqCst)).then(|| required.clone())
    }

    /// Sends a request, and waits for the reply.
    fn ask(
        &self,
        task: &'static TaskType,
        settings: &[Values],
    ) -> Result<RequiredMessage, RequireErrorKind> {
        let messages = |setting| setting_messages(setting, self.sends_secrets);
        let settings = settings.iter().map(messages).collect::<Result<_, _>>();
        let settings = settings.map_err(|error| RequireErrorKind::Settings { error })?;
        let (request, replied) = self.link.request();
        let (job, task) = (self.job, task_message(task));
        self.link.send(&FromChild::Require { job, request, task, settings });
        // A parent that ends closes the socket, which ends this process.
        replied.recv().map_err(|_| RequireErrorKind::Stopped)
    }
}

fn task_message(task: &TaskType) -> TaskMessage {
    TaskMessage { id: registry::type_id(task), name: (task.decl)().identity().to_owned() }
}

impl Host for ChildHost {
    fn store(&self) -> &Store {
        &self.store
    }

    fn contents(&self) -> &Contents {
        self.store.contents()
    }

    fn stopper(&self) -> &Stopper {
        &self.stopper
    }

    fn task_name(&self) -> &str {
        &self.task
    }

    fn report(&self, report: TaskReport<'_>) {
        if !self.is_watched {
            return;
        }
        let job = self.job;
        match report {
            TaskReport::Progress { done, total } => {
                if done == total || self.is_due() {
                    self.link.send(&FromChild::Progress { job, done, total });
                }
            }
            TaskReport::Status(message) => {
                self.link.send(&FromChild::Status { job, text: message.to_string() });
            }
            // The parent reports the lines that it logs.
            TaskReport::Log(_) => {}
        }
    }

    fn forward_log(&self, text: &[u8]) -> bool {
        self.link.send(&FromChild::Log { job: self.job, text: text.to_vec().into() });
        true
    }

    fn forward_figure(&self, file: &OutputFile) {
        // At once, so that the figures of a process that dies are known.
        self.link.send(&FromChild::Figure { job: self.job, file: Box::new(file.clone()) });
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn is_file_parameter(&self, path: &str) -> bool {
        self.file_parameters.iter().any(|parameter| parameter == path)
    }

    fn provided(&self, of: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        provider::value(of)
    }

    fn require(
        &self,
        task: &'static TaskType,
        settings: Vec<Values>,
    ) -> Vec<Result<Handle, RequireError>> {
        let refuse = |kind: RequireErrorKind| {
            let instance = (task.decl)().name.into_owned();
            vec![Err(RequireError { instance, kind }); settings.len()]
        };
        let RequiredMessage { results, nodes, recorded, .. } = match self.ask(task, &settings) {
            Ok(reply) => reply,
            Err(kind) => {
                self.has_refused.store(true, Ordering::SeqCst);
                // So the output is never complete, as if the parent had refused it.
                self.link.send(&FromChild::Refuse {
                    job: self.job,
                    task: task_message(task),
                    setting: Vec::new(),
                });
                return refuse(kind);
            }
        };
        {
            // Replies to several threads of the task may arrive in another order.
            let mut required = self.required.lock().unwrap_or_else(PoisonError::into_inner);
            if recorded.len() >= required.len() {
                *required = recorded;
            }
        }
        let received = match Received::new(&self.store, &self.stores, nodes) {
            Ok(received) => received,
            Err(error) => return refuse(RequireErrorKind::Failed { error: format!("{error:#}") }),
        };
        let result = |result: Result<(u32, u32), RefusedMessage>| match result {
            Ok((place, number)) => {
                let node = NodeIndex::new(place as usize);
                let (origin, run) = (Arc::clone(&received) as _, Arc::clone(&received) as _);
                Ok(Handle::running(origin, run, node, &self.reads).required(number))
            }
            Err(refused) => {
                if matches!(refused.why, WhyRefused::Stopped) {
                    self.was_stopped.store(true, Ordering::SeqCst);
                }
                Err(refused.into())
            }
        };
        results.into_iter().map(result).collect()
    }

    fn refuse(&self, task: &'static TaskType, setting: Values) {
        self.has_refused.store(true, Ordering::SeqCst);
        // A value that cannot be sent is left out: the requirement counts as failed in any case.
        let setting = setting_messages(&setting, self.sends_secrets).unwrap_or_default();
        self.link.send(&FromChild::Refuse { job: self.job, task: task_message(task), setting });
    }

    fn was_stopped(&self) -> bool {
        self.was_stopped.load(Ordering::SeqCst)
    }
}
