//! How instances are executed: retries, time-outs, resources, and what follows a failure.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::executor::JobRunner;
use crate::flow::Flow;
use crate::plan::executor::{ChosenExecutor, JobExecutor};
use crate::plan::policy::{OnFailure, Policies};
use crate::task::Task;
use crate::task::amount::Amount;
use crate::task::backoff::Backoff;
use crate::task::info::TaskInfo;

impl Flow {
    /// Sets how often a task runs again after it has failed. The default is 0.
    ///
    /// It applies to the tasks that do not declare `#[task(retries = ...)]`. The seed, the key and the fingerprint of an
    /// instance do not depend on the attempt, and no setting of this kind makes a complete task run again.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::Backoff;
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<u32>)]
    /// struct Prices;
    ///
    /// #[tracked]
    /// impl Run for Prices {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
    ///         Ok(7)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let flow = Flow::open(folder)?.quiet();
    /// flow.run::<Prices>()?;
    ///
    /// let patient = flow
    ///     .retries(3)
    ///     .backoff(Backoff::exponential(Duration::from_secs(1)).jitter(0.5))
    ///     .timeout(Duration::from_secs(60));
    /// assert!(patient.is_complete::<Prices>()?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn retries(&self, retries: u32) -> Self {
        self.with_policies(|policies| policies.retries = retries)
    }

    /// Sets the delay before a task runs again after it has failed. By default there is none.
    ///
    /// It applies to the tasks that do not declare `#[task(backoff = ...)]`. A [`Duration`] is a constant delay.
    #[must_use]
    pub fn backoff(&self, backoff: impl Into<Backoff>) -> Self {
        let backoff = backoff.into();
        self.with_policies(|policies| policies.backoff = backoff)
    }

    /// Sets the longest duration of one attempt of a task. By default there is no limit.
    ///
    /// It applies to the tasks that do not declare `#[task(timeout = ...)]`. An attempt that takes longer has failed. A
    /// duration of zero sets no limit.
    #[must_use]
    pub fn timeout(&self, timeout: Duration) -> Self {
        let timeout = (!timeout.is_zero()).then_some(timeout);
        self.with_policies(|policies| policies.timeout = timeout)
    }

    /// Offers an amount of a resource to the tasks of a run.
    ///
    /// A task declares what each of its instances needs by `#[task(resources(memory = "4GB", api = 1))]`. The instances
    /// that run at the same time never need more than the flow offers. Names and units are up to the user, except for
    /// `memory`, which is a number of bytes: by default the flow offers the memory of the machine or, in a container, that
    /// of the container. Where it is unknown, outside of Linux, the default is no limit.
    ///
    /// Planning a run fails if a pending task needs more than is offered, or if the amount is a text that is not an amount.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<u32>, resources(api = 1))]
    /// struct Prices;
    ///
    /// #[tracked]
    /// impl Run for Prices {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
    ///         Ok(7)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let flow = Flow::open(folder)?.quiet();
    /// assert_eq!(
    ///     flow.run::<Prices>().unwrap_err().to_string(),
    ///     "`Prices` needs 1 of `api`, and the flow offers none: say `flow.offer(\"api\", 1)`",
    /// );
    /// let flow = flow.offer("api", 2).offer("memory", "8GB");
    /// assert_eq!(flow.run::<Prices>()?.ran().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn offer(&self, resource: &str, amount: impl Amount) -> Self {
        let amount = amount.amount();
        self.with_policies(|policies| policies.set_offer(resource, amount))
    }

    /// Sets what a run does after a task has failed. By default it runs all tasks that do not require the failed one.
    #[must_use]
    pub fn on_failure(&self, on_failure: OnFailure) -> Self {
        self.with_policies(|policies| policies.on_failure = on_failure)
    }

    /// Runs every task in a child process of this program, as `#[task(isolate)]` does for one task.
    ///
    /// A task that aborts, crashes, calls `std::process::exit` or runs out of memory then fails alone. Its time-out kills
    /// the process with all programs that it has started. What it writes to the standard output and the standard error
    /// goes to its log. If it declares `resources(memory = ...)`, it cannot allocate more (on Linux).
    ///
    /// The child process is the same program with the same arguments and environment. **It runs the code of `main` again,
    /// up to the first [`Flow::open`](Self::open)**, which takes over: so open the flow first, and do before that
    /// only what may happen once in each process. In a test, the child runs the test function up to that call. A program
    /// that does not reach the call fails the task. A child process is used again after a task that has ended without a
    /// panic; the children end with the run.
    ///
    /// A task and its inputs must be stored in files, and not in [`Memory`](crate::Memory). A type that the task
    /// [uses](crate::Uses) needs a constructor, by `flow::provider!`. Parameters, secrets included, are sent as serde
    /// writes them. Stand-ins of tests, [`bless`](crate::FlowStore::bless) and [`debug`](Self::debug) stay in this process. On
    /// systems other than Unix, planning a run with an isolated task fails.
    ///
    /// ```no_run
    /// use flow::prelude::*;
    ///
    /// /// Crashes, as a call of a foreign library may.
    /// #[derive(Task)]
    /// #[task(target = Json<u32>)]
    /// struct Crashes;
    ///
    /// #[tracked]
    /// impl Run for Crashes {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
    ///         std::process::abort()
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// let flow = Flow::open("data")?.isolate();
    /// let error = flow.run::<Crashes>().unwrap_err();
    /// assert!(error.to_string().contains("SIGABRT"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn isolate(&self) -> Self {
        self.with_policies(|policies| policies.isolate = true)
    }

    /// Runs all tasks by an executor, such as on the machines of a cluster, and not in this process.
    ///
    /// [`workers`](Self::workers) is then the number of tasks that are submitted at the same time. This process plans, waits
    /// and commits; the others run the tasks as [isolated](Self::isolate) ones, under the same conditions: inputs and outputs
    /// are files, and a type that a task [uses](crate::Uses) has a constructor. A task whose parameters, or those of its inputs,
    /// contain a [`Secret`](crate::Secret) cannot run elsewhere, because its job is a file. [`in_process`](Self::in_process)
    /// makes an exception of a task. Stand-ins of tests, [`bless`](crate::FlowStore::bless) and [`debug`](Self::debug) stay in
    /// this process.
    ///
    /// The number of retries does not count attempts that were lost with the process or machine that ran them, up to three: the event
    /// [`Lost`](crate::Event::Lost) is not [`Retried`](crate::Event::Retried).
    ///
    /// `flow::cluster::PullWorkers` is such an executor, with the cargo feature `cluster`. [`JobExecutor`] is the interface for
    /// others.
    #[must_use]
    pub fn executor(&self, executor: impl JobExecutor + 'static) -> Self {
        let executor = ChosenExecutor(Arc::new(executor));
        self.with_policies(|policies| policies.executor = Some(executor))
    }

    /// Runs the instances of a task in this process, although the flow has an [`executor`](Self::executor).
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// /// Needs a token, which must not be in the file of a job.
    /// #[derive(Task)]
    /// #[task(target = Json<u32>)]
    /// struct Fetch {
    ///     #[param(default = Secret::new("token".to_owned()))]
    ///     token: Secret<String>,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Fetch {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
    ///         Ok(self.token.expose().len() as u32)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet().in_process::<Fetch>();
    /// assert_eq!(*flow.get::<Fetch>()?, 5);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn in_process<A: Task>(&self) -> Self {
        self.in_process_task(TaskInfo::of::<A>())
    }

    /// Runs the instances of a task in this process, as [`in_process`](Self::in_process) does.
    #[must_use]
    pub fn in_process_task(&self, task: TaskInfo) -> Self {
        let name = (task.task.decl)().name;
        self.with_policies(|policies| policies.in_process.push(name))
    }

    /// Returns a runner of jobs that runs on other machines have submitted: for a worker of an
    /// [`executor`](crate::executor).
    ///
    /// It runs at most `slots` jobs at a time, each in a child process of this program, which takes over in the first
    /// [`Flow::open`](Self::open) as that of an [isolated](Self::isolate) task. As long as the runner exists, it counts as a run in
    /// progress: a signal sets the [stopper](Self::stopper), and does not end the program.
    pub fn job_runner(&self, slots: usize) -> JobRunner {
        let in_progress = self.stopper.begin_run(|| {});
        JobRunner::new(&self.store, self.policies.opened_by.as_deref(), slots, in_progress)
    }

    /// Sets how many bytes of values may be in memory. The default is a quarter of the memory of the machine.
    ///
    /// - A run hands a value to the tasks that require it without reading the file again if its target is
    ///   [exact](crate::Target::EXACT), as those of texts and bytes are. It drops the value after the last of these tasks.
    ///   Values beyond the budget are read from their files. [`Target::memory_size`](crate::Target::memory_size)
    ///   estimates their sizes.
    /// - Values of [`Memory`](crate::Memory) tasks count first. They have no files and are always kept, so they may exceed
    ///   the budget. Then no other values are passed on, and the summary of a run that has added some has the warning
    ///   [`MemoryOverBudget`](crate::Warning::MemoryOverBudget). [`memory_size!`](crate::memory_size) declares their sizes.
    ///
    /// Values that a running task has loaded itself do not count, and neither do those in observers and in your program.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.value_budget(512 << 20);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn value_budget(&self, bytes: u64) -> Self {
        self.with_policies(|policies| policies.value_bytes = Some(bytes))
    }

    fn with_policies(&self, change: impl FnOnce(&mut Policies)) -> Self {
        let mut flow = self.clone();
        change(&mut flow.policies);
        flow
    }

    /// Returns the settings for the execution of instances.
    pub(crate) fn policies(&self) -> Policies {
        let mut policies = self.policies.clone();
        policies.workers = self.workers;
        policies
    }
}
