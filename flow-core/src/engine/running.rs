//! A running instance: the engine as its task sees it, through [`Host`].

use std::any::{Any, TypeId};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use daggy::NodeIndex;
use serde::{Deserialize, Serialize};

use crate::base::key::Digest;
use crate::base::stop::Stopper;
use crate::engine::Execution;
use crate::engine::job::Control;
use crate::engine::session::{Reply, Unmade};
use crate::files::Contents;
use crate::plan::Plan;
use crate::plan::dynamic::Replay;
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::plan::verdicts::Status;
use crate::store::record::Required;
use crate::store::{Folder, Store};
use crate::task::TaskType;
use crate::task::cx::{Attempt, Host, Reads, TaskReport};
use crate::task::error::{RequireError, RequireErrorKind};
use crate::task::execute::{Executed, TaskRun};
use crate::task::input::{Handle, Origin};
use crate::task::provider;
use crate::task::requirement::Dependency;
use crate::task::setting::Values;

/// A running instance, with the reads and requirements that its task has made so far.
pub(crate) struct Running {
    pub(super) execution: Arc<Execution>,
    pub(super) node: NodeIndex,
    reads: Arc<Reads>,
    /// The log and the metadata of the task, once it was started.
    attempt: OnceLock<Arc<Attempt>>,
    requested: Mutex<Requested>,
    pub(super) control: Arc<Control>,
    /// What the process of the task has used, if the task has a process of its own.
    used: OnceLock<ProcessCost>,
    /// When and where the task has run, if that was elsewhere.
    ran: OnceLock<Ran>,
    /// The draft record that the process of the task has written.
    draft: OnceLock<PathBuf>,
    /// The signature of the record by the worker that has run the task elsewhere.
    signature: OnceLock<String>,
}

/// What the process of a task has used.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ProcessCost {
    /// The CPU time of all its threads.
    pub(crate) cpu_seconds: Option<f64>,
    /// Its peak memory.
    pub(crate) peak_bytes: Option<u64>,
}

/// When and where a task has run. A job that runs elsewhere has waited before that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ran {
    pub(crate) started: jiff::Timestamp,
    pub(crate) seconds: f64,
    /// The name of the machine.
    pub(crate) host: String,
}

/// The instances that a running task has required.
#[derive(Default)]
struct Requested {
    /// As they are recorded, in order: a group for each call.
    groups: Vec<Vec<Required>>,
    /// The number of instances that were required so far.
    count: u32,
    /// The roots of required plans that contain external files, with their executions.
    executions: Vec<(Arc<Execution>, NodeIndex)>,
    /// Whether a call of the task returned that the execution was stopped.
    stopped: bool,
}

impl Running {
    pub(super) fn new(
        execution: &Arc<Execution>,
        node: NodeIndex,
        control: &Arc<Control>,
    ) -> Arc<Self> {
        Arc::new(Self {
            execution: Arc::clone(execution),
            node,
            reads: Arc::default(),
            attempt: OnceLock::new(),
            requested: Mutex::default(),
            control: Arc::clone(control),
            used: OnceLock::new(),
            ran: OnceLock::new(),
            draft: OnceLock::new(),
            signature: OnceLock::new(),
        })
    }

    /// Sets the signature of the record by the worker that has run the task elsewhere.
    pub(super) fn set_signature(&self, signature: String) {
        let _ = self.signature.set(signature);
    }

    /// Returns the signature of the record by the worker that has run the task elsewhere, if it has signed.
    pub(super) fn signature(&self) -> Option<String> {
        self.signature.get().cloned()
    }

    /// Sets the draft record that the process of the task has written.
    pub(super) fn set_draft(&self, draft: PathBuf) {
        let _ = self.draft.set(draft);
    }

    /// Returns the draft record that the process of the task has written, if it has.
    pub(super) fn draft(&self) -> Option<PathBuf> {
        self.draft.get().cloned()
    }

    /// Sets what the process of the task has used.
    pub(super) fn set_used(&self, used: ProcessCost) {
        let _ = self.used.set(used);
    }

    /// Returns what the process of the task has used, if the task has a process of its own.
    pub(super) fn used(&self) -> Option<ProcessCost> {
        self.used.get().copied()
    }

    /// Sets when and where the task has run.
    pub(super) fn set_ran(&self, ran: Ran) {
        let _ = self.ran.set(ran);
    }

    /// Returns when and where the task has run, if that was elsewhere.
    pub(super) fn ran(&self) -> Option<&Ran> {
        self.ran.get()
    }

    /// Returns the task's reads besides the outputs of its inputs.
    pub(super) fn reads(&self) -> &Arc<Reads> {
        &self.reads
    }

    /// Returns the log and the metadata of the attempt, which begins with the first call.
    pub(super) fn begin(&self, folder: &Folder) -> &Arc<Attempt> {
        let store = &self.execution.plan.store;
        let attempt = self.attempt.get_or_init(|| Arc::new(Attempt::new(store, folder)));
        self.control.set_attempt(attempt);
        attempt
    }

    /// Runs the task on this thread, and writes what it returns into this folder.
    pub(super) fn execute(
        self: &Arc<Self>,
        folder: &Folder,
        fingerprint: Digest,
    ) -> anyhow::Result<Executed> {
        let Self { execution, node, reads, .. } = &**self;
        let plan = &execution.plan;
        let attempt = self.begin(folder);
        let stand_in = plan.graph.stand_in(*node).map(|given| (given.value(), given.meta()));
        (plan.graph.task(*node).task.execute)(TaskRun {
            task: Origin::task(&**plan, *node),
            running: execution.handle(*node, reads),
            host: Arc::clone(self) as _,
            reads,
            attempt,
            store: &plan.store,
            folder,
            fingerprint,
            stand_in,
        })
    }

    /// Returns what the task has left behind besides its output, if it was started.
    pub(super) fn attempt(&self) -> Option<&Attempt> {
        self.attempt.get().map(|attempt| &**attempt)
    }

    fn requested(&self) -> MutexGuard<'_, Requested> {
        self.requested.lock().expect("lock poisoned")
    }

    /// Returns the required instances as they are recorded: a group for each call, in order.
    pub(super) fn required(&self) -> Vec<Vec<Required>> {
        self.requested().groups.clone()
    }

    /// Returns the roots of required plans that contain external files, with their executions.
    pub(super) fn executions(&self) -> Vec<(Arc<Execution>, NodeIndex)> {
        self.requested().executions.clone()
    }

    /// Records that a task of this name was required whose type is not known, so that the output is never complete.
    #[cfg(unix)]
    pub(super) fn refuse_unknown(&self, task: String) {
        let required = Required {
            instance: task.clone(),
            task,
            module: String::new(),
            key: None,
            settings: Vec::new(),
            digest: None,
            target: None,
        };
        self.requested().groups.push(vec![required]);
    }

    /// Plans the required dependencies, and judges the plan.
    fn plan_for(&self, dependencies: Vec<Dependency>) -> anyhow::Result<Arc<Plan>> {
        let execution = &self.execution;
        let mut plan = execution.plan.to_require(self.node, dependencies)?;
        let mut forced = std::mem::take(&mut plan.graph.forced);
        for (node, forced) in plan.graph.nodes().zip(&mut forced) {
            *forced &= !execution.session.was_forced(plan.graph.node(node).key);
        }
        plan.graph.forced = forced;
        let replay = Replay::knowing(&execution.session.known);
        plan.judge_required(&replay.asked_by(execution.plan.graph.node(self.node).key))?;
        plan.check_provided()?;
        plan.check_executor()?;
        Ok(Arc::new(plan))
    }

    /// Runs a required plan, unless its roots are complete.
    fn run_pending(&self, plan: Arc<Plan>) -> (Arc<Execution>, Reply) {
        let verdicts = &plan.verdicts;
        let complete = |root: &NodeIndex| verdicts.status(*root) == Status::Complete;
        let execution = &self.execution;
        if plan.graph.roots.iter().all(complete) && !execution.is_stopped() {
            let roots = vec![Ok(()); plan.graph.roots.len()];
            let (stopper, reporter) = (execution.stopper.clone(), Arc::clone(&execution.reporter));
            let there = Execution::in_session(&execution.session, plan, stopper, reporter);
            return (there, Reply { roots, outdated: false });
        }
        execution.require(self.node, plan, &self.control)
    }
}

impl Host for Running {
    fn store(&self) -> &Store {
        &self.execution.plan.store
    }

    fn contents(&self) -> &Contents {
        &self.execution.plan.contents
    }

    fn stopper(&self) -> &Stopper {
        &self.control.stopper
    }

    fn task_name(&self) -> &str {
        &self.execution.plan.graph.task(self.node).decl.name
    }

    fn report(&self, report: TaskReport<'_>) {
        // A task that was abandoned is reported as failed, and another attempt may be running.
        if !self.control.is_abandoned() {
            self.execution.report(self.node, report);
        }
    }

    fn seed(&self) -> u64 {
        self.execution.plan.graph.node(self.node).key.seed()
    }

    fn is_file_parameter(&self, path: &str) -> bool {
        let parameters = self.execution.plan.graph.file_parameters(self.node);
        parameters.iter().any(|(_, parameter)| parameter == path)
    }

    fn provided(&self, of: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        let provided = self.execution.plan.provided.get(&of).map(|provided| &***provided);
        provided.or_else(|| provider::value(of))
    }

    fn was_stopped(&self) -> bool {
        self.requested().stopped
    }

    fn require(
        &self,
        task: &'static TaskType,
        settings: Vec<Values>,
    ) -> Vec<Result<Handle, RequireError>> {
        let dependency = |with| Dependency { task, own: Vec::new(), with };
        let mut group: Vec<_> =
            settings.iter().cloned().map(dependency).map(|w| Required::new(&w)).collect();
        let mut rounds = 0;
        let (execution, reply) = loop {
            let dependencies = settings.iter().cloned().map(dependency).collect();
            let plan = match self.plan_for(dependencies) {
                Ok(plan) => plan,
                Err(error) => {
                    self.requested().groups.push(group);
                    // The dependencies of a call form one plan, so that each of them fails.
                    return refused(task, settings.len(), &error);
                }
            };
            let (execution, reply) = self.run_pending(plan);
            rounds += 1;
            // A missing output was produced again and has other content: outputs that were judged complete
            // by its former content have to be judged again.
            if !reply.outdated || rounds > execution.plan.graph.len() {
                break (execution, reply);
            }
        };
        let plan = &execution.plan;
        let mut results = Vec::with_capacity(group.len());
        let mut requested = self.requested();
        for ((required, made), &root) in group.iter_mut().zip(reply.roots).zip(&plan.graph.roots) {
            required.is(plan, root);
            requested.count += 1;
            let kind = match made {
                Ok(()) => {
                    let digest = execution.digest(root).expect("a produced output has a digest");
                    required.gave(plan, root, digest);
                    if plan.graph.has_externals() {
                        execution.watch_externals(root, &self.reads);
                        requested.executions.push((Arc::clone(&execution), root));
                    }
                    let handle = execution.handle(root, &self.reads);
                    results.push(Ok(handle.required(requested.count)));
                    continue;
                }
                Err(Unmade::Stopped) => {
                    requested.stopped = true;
                    RequireErrorKind::Stopped
                }
                Err(Unmade::Cycle(cycle)) => RequireErrorKind::Cycle { cycle },
                Err(Unmade::Thread(error)) => RequireErrorKind::Thread { error },
                Err(Unmade::Failed(error)) => RequireErrorKind::Failed { error },
            };
            let instance = plan.graph.label(root, Show::Clipped);
            results.push(Err(RequireError { instance, kind }));
        }
        requested.groups.push(group);
        results
    }

    fn refuse(&self, task: &'static TaskType, setting: Values) {
        let dependency = Dependency { task, own: Vec::new(), with: setting };
        self.requested().groups.push(vec![Required::new(&dependency)]);
    }
}

/// Returns the same error for each of `count` instances of a task.
fn refused(
    task: &'static TaskType,
    count: usize,
    error: &anyhow::Error,
) -> Vec<Result<Handle, RequireError>> {
    let (instance, error) = ((task.decl)().name.into_owned(), format!("{error:#}"));
    let refused = RequireError { instance, kind: RequireErrorKind::Failed { error } };
    vec![Err(refused); count]
}
