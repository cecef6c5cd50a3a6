//! What workers ask a scheduler for: [`JobOptions`] of users, and the [`Ask`] of a pool that follows from them for a job.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use flow_core::Amount;
use flow_core::executor::Job;

use super::command::TIMEOUT;
use crate::names::PoolName;
use crate::pull::Settings;

/// The most workers of a run, and how long one waits for work, unless they are set.
const MOST_WORKERS: usize = 50;
const IDLE: Duration = Duration::from_secs(30);

/// How often a scheduler is asked at first, unless it is set.
const ASK: Duration = Duration::from_secs(2);

/// What a worker needs beside its task, and the part that is added to the memory of a task, unless it is set.
const WORKER_MEMORY: u64 = 64 << 20;
const MARGIN: f64 = 0.1;

/// The time for which a worker is to be there beside the time-out of its task, in minutes.
const START_MINUTES: u64 = 2;

/// The smallest memory that may be asked for: with less, a unit was forgotten.
const LEAST_MEMORY: u64 = 1 << 20;

/// The longest time and the largest memory that are asked for.
const MOST_MINUTES: f64 = 1e7;
const MOST_MEMORY: f64 = 1e15;

/// What the workers of a task ask a scheduler for.
///
/// The options of an executor apply to all tasks; those of `for_task` to one, where they take precedence. Threads, memory
/// and a time-out that a task declares need no option.
///
/// ```
/// use std::time::Duration;
///
/// use flow::cluster::{JobOptions, Slurm};
///
/// let training = JobOptions::new()
///     .partition("gpu")
///     .time_limit(Duration::from_secs(4 * 60 * 60))
///     .memory("16GB")
///     .option("--gres=gpu:1")
///     // After out of memory or out of time, a retry asks for twice as much.
///     .grow(2.0);
/// let executor = Slurm::new().account("biology").for_task("Train", training);
/// # drop(executor);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobOptions {
    partition: Option<String>,
    account: Option<String>,
    time_limit: Option<Duration>,
    memory: Option<Result<u64, String>>,
    grow: Option<f64>,
    options: Vec<String>,
}

impl JobOptions {
    /// Creates options that ask for nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the partition of Slurm.
    #[must_use]
    pub fn partition(mut self, name: impl Into<String>) -> Self {
        self.partition = Some(name.into());
        self
    }

    /// Sets the account of Slurm.
    #[must_use]
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.account = Some(name.into());
        self
    }

    /// Sets how long a worker may take, with all jobs that it runs one after the other. It is rounded up to minutes.
    ///
    /// A worker begins no job that is not expected to end before. A task with a longer time-out gets its time-out and two minutes.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Sets the memory of a worker, such as `"4GB"`.
    ///
    /// A task that declares `resources(memory = ..)` gets that and a margin, unless its own options say otherwise.
    #[must_use]
    pub fn memory(mut self, memory: impl Amount) -> Self {
        self.memory = Some(memory.amount());
        self
    }

    /// Sets by how much memory and time are multiplied for each further attempt. The default is 1.
    #[must_use]
    pub fn grow(mut self, factor: f64) -> Self {
        self.grow = Some(factor);
        self
    }

    /// Adds an option of the scheduler's command, such as `--constraint=avx512`. It is an argument: no shell reads it.
    #[must_use]
    pub fn option(mut self, option: impl Into<String>) -> Self {
        self.options.push(option.into());
        self
    }

    /// Returns whether there are options that only Slurm has.
    pub(super) fn is_of_slurm(&self) -> bool {
        self.partition.is_some() || self.account.is_some()
    }

    /// Returns these options, and those of `task` where it has any.
    fn with(&self, task: Option<&Self>) -> Self {
        let Some(task) = task else { return self.clone() };
        let options = self.options.iter().chain(&task.options);
        Self {
            partition: task.partition.clone().or_else(|| self.partition.clone()),
            account: task.account.clone().or_else(|| self.account.clone()),
            time_limit: task.time_limit.or(self.time_limit),
            memory: task.memory.clone().or_else(|| self.memory.clone()),
            grow: task.grow.or(self.grow),
            options: options.cloned().collect(),
        }
    }
}

/// The settings of an executor whose workers a scheduler starts.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) all: JobOptions,
    pub(super) tasks: BTreeMap<String, JobOptions>,
    /// The options for resources that tasks declare, with `{}` in the place of the amount.
    pub(super) resources: BTreeMap<String, String>,
    pub(super) margin: f64,
    pub(super) most_workers: usize,
    pub(super) idle: Duration,
    pub(super) ask: Duration,
    pub(super) queue: Settings,
    /// The file of the program of a worker; `None` for this program.
    pub(super) program: Option<PathBuf>,
    /// The arguments with which it becomes a worker.
    pub(super) arguments: Vec<String>,
    /// The folder of the scheduler's commands.
    pub(super) commands: Option<PathBuf>,
    pub(super) timeout: Duration,
    /// The number of calls of the scheduler.
    pub(super) calls: Arc<AtomicU64>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            all: JobOptions::default(),
            tasks: BTreeMap::new(),
            resources: BTreeMap::new(),
            margin: MARGIN,
            most_workers: MOST_WORKERS,
            idle: IDLE,
            ask: ASK,
            queue: Settings::default(),
            program: None,
            arguments: vec!["worker".to_owned()],
            commands: None,
            timeout: TIMEOUT,
            calls: Arc::default(),
        }
    }
}

impl Setup {
    /// Checks all settings, also those of tasks that are not required. `own` returns the option that the executor sets itself, if a
    /// text is one.
    ///
    /// # Errors
    ///
    /// One is wrong: the error names it.
    pub(super) fn check(&self, own: impl Fn(&str) -> Option<&'static str>) -> anyhow::Result<()> {
        ensure!(
            self.most_workers > 0,
            "`max_workers` is 0, so that no task could run: set it to 1 or more, or leave it out"
        );
        // As of a task that declares each resource which has an option.
        let resources: Vec<_> = self.resources.keys().map(|name| (name.clone(), 1)).collect();
        let check = |task: &str| {
            let (threads, timeout) = (1, None);
            let ask = Ask::of(
                self,
                &Needs { task, attempt: 1, threads, resources: &resources, timeout },
            )?;
            match ask.options.iter().find_map(|option| own(option)) {
                None => Ok(()),
                Some(own) => bail!(
                    "the option `{own}` cannot be set: the executor sets it, or would not find its workers without it"
                ),
            }
        };
        check("")?;
        self.tasks.keys().try_for_each(|task| {
            check(task).with_context(|| format!("the options of the task `{task}` are wrong"))
        })
    }
}

/// Gives an executor the methods that set its [`Setup`].
macro_rules! setup_methods {
    () => {
        /// Sets how long a worker may take, with all jobs that it runs. See [`JobOptions::time_limit`].
        #[must_use]
        pub fn time_limit(mut self, limit: Duration) -> Self {
            self.setup.all = self.setup.all.time_limit(limit);
            self
        }

        /// Sets the memory of a worker, such as `"4GB"`. See [`JobOptions::memory`].
        #[must_use]
        pub fn memory(mut self, memory: impl Amount) -> Self {
            self.setup.all = self.setup.all.memory(memory);
            self
        }

        /// Sets by how much memory and time are multiplied for each further attempt. The default is 1.
        #[must_use]
        pub fn grow(mut self, factor: f64) -> Self {
            self.setup.all = self.setup.all.grow(factor);
            self
        }

        /// Adds an option of the command that submits workers. It is an argument: no shell reads it.
        #[must_use]
        pub fn option(mut self, option: impl Into<String>) -> Self {
            self.setup.all = self.setup.all.option(option);
            self
        }

        /// Sets all options of workers at once.
        #[must_use]
        pub fn options(mut self, options: JobOptions) -> Self {
            self.setup.all = options;
            self
        }

        /// Sets options of the workers of a task, by its name.
        #[must_use]
        pub fn for_task(mut self, task: impl Into<String>, options: JobOptions) -> Self {
            self.setup.tasks.insert(task.into(), options);
            self
        }

        /// Sets the option that asks for a resource which tasks declare: `{}` in it is replaced by the amount.
        #[must_use]
        pub fn resource(mut self, name: impl Into<String>, option: impl Into<String>) -> Self {
            self.setup.resources.insert(name.into(), option.into());
            self
        }

        /// Sets the part that is added to the memory that a task declares. The default is 0.1. 64 MB are added in any case, for
        /// the worker itself.
        #[must_use]
        pub fn memory_margin(mut self, part: f64) -> Self {
            self.setup.margin = part.max(0.0);
            self
        }

        /// Sets the most workers that are queued or run at the same time. The default is 50.
        ///
        /// It may be exceeded by one for each set of options, so that workers never wait for workers that cannot be started. Zero is
        /// an error of the plan.
        #[must_use]
        pub fn max_workers(mut self, workers: usize) -> Self {
            self.setup.most_workers = workers;
            self
        }

        /// Sets after how much time without work a worker ends. The default is 30 s.
        #[must_use]
        pub fn idle(mut self, idle: Duration) -> Self {
            self.setup.idle = idle.max(Duration::from_secs(1));
            self
        }

        /// Sets how long a bundle of short jobs is expected to take. The default is 10 s; zero makes a bundle of each job.
        #[must_use]
        pub fn bundle(mut self, duration: Duration) -> Self {
            self.setup.queue.set_bundle(duration);
            self
        }

        /// Sets how long a worker may not be heard of before its work is given to others. The default is 30 s.
        #[must_use]
        pub fn lease(mut self, lease: Duration) -> Self {
            self.setup.queue.set_lease(lease);
            self
        }

        /// Sets how often the run looks for what workers have written. The default is 200 ms.
        #[must_use]
        pub fn poll(mut self, poll: Duration) -> Self {
            self.setup.queue.set_poll(poll);
            self
        }

        /// Sets how soon the scheduler is asked for the states of workers. The default is 2 s. It is asked less and less often, up to
        /// a fifteenth as often.
        #[must_use]
        pub fn ask_every(mut self, pause: Duration) -> Self {
            self.setup.ask = pause.max(Duration::from_millis(10));
            self
        }

        /// Sets the file of the program of a worker. The default is this program. All machines must have it at this path.
        #[must_use]
        pub fn program(mut self, program: impl Into<std::path::PathBuf>) -> Self {
            self.setup.program = Some(program.into());
            self
        }

        /// Sets the arguments with which the program becomes a worker. The default is `worker`, as in the command line.
        ///
        /// `--data FOLDER --pool NAME --exit-when-idle SECONDS` follows, and perhaps `--time-limit SECONDS`. A program without the
        /// command line passes them on to a [`Worker`](crate::Worker).
        #[must_use]
        pub fn worker_arguments<T: Into<String>>(
            mut self,
            arguments: impl IntoIterator<Item = T>,
        ) -> Self {
            self.setup.arguments = arguments.into_iter().map(Into::into).collect();
            self
        }

        /// Sets the folder of the scheduler's commands. Without it, they are found by `PATH`.
        #[must_use]
        pub fn commands_in(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
            self.setup.commands = Some(folder.into());
            self
        }

        /// Sets how long a command of the scheduler may take. The default is 60 s.
        #[must_use]
        pub fn command_timeout(mut self, timeout: Duration) -> Self {
            self.setup.timeout = timeout.max(Duration::from_millis(10));
            self
        }

        /// Returns how often commands of the scheduler were called, by all runs with this executor and its clones.
        pub fn calls(&self) -> u64 {
            self.setup.calls.load(std::sync::atomic::Ordering::Relaxed)
        }
    };
}

pub(super) use setup_methods;

/// What a job needs.
pub(super) struct Needs<'a> {
    pub(super) task: &'a str,
    pub(super) attempt: u32,
    pub(super) threads: usize,
    pub(super) resources: &'a [(String, u64)],
    pub(super) timeout: Option<Duration>,
}

impl<'a> Needs<'a> {
    pub(super) fn of(job: &'a Job) -> Self {
        let Job { task, attempt, threads, resources, timeout, .. } = job;
        Self { task, attempt: *attempt, threads: *threads, resources, timeout: *timeout }
    }
}

/// What a worker asks the scheduler for. Workers that ask for the same are of one pool.
///
/// It follows from the settings of the run and the job, and is in no file: who can write to the store could have anything run by
/// an option otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ask {
    pub(super) threads: usize,
    /// In bytes.
    pub(super) memory: Option<u64>,
    pub(super) minutes: Option<u64>,
    pub(super) partition: Option<String>,
    pub(super) account: Option<String>,
    pub(super) options: Vec<String>,
}

impl Ask {
    /// Returns what a worker for a job asks for.
    ///
    /// # Errors
    ///
    /// An option is wrong.
    pub(super) fn of(setup: &Setup, needs: &Needs<'_>) -> anyhow::Result<Self> {
        let own = setup.tasks.get(needs.task);
        let options = setup.all.with(own);
        let grow = options.grow.unwrap_or(1.0);
        ensure!(
            grow.is_finite() && grow >= 1.0,
            "`grow` is {grow}, and must be a number from 1 on, by which memory and time are multiplied"
        );
        let factor = grow.powi(needs.attempt.saturating_sub(1).min(64) as i32);
        let mut memory =
            options.memory.clone().transpose().map_err(anyhow::Error::msg).context("memory")?;
        ensure!(
            memory.is_none_or(|memory| memory >= LEAST_MEMORY),
            "`memory` is {} bytes, with which no program runs: write the unit, such as \"4 GB\"",
            memory.unwrap_or_default()
        );
        let declared = needs.resources.iter().find(|(name, _)| name == "memory");
        if let Some((_, declared)) = declared
            && own.is_none_or(|own| own.memory.is_none())
        {
            memory = Some((*declared as f64 * (1.0 + setup.margin)) as u64 + WORKER_MEMORY);
        }
        let minutes = |time: Duration| time.as_secs().div_ceil(60).max(1);
        let limit = options.time_limit.map(minutes);
        let needed = needs.timeout.map(|timeout| minutes(timeout) + START_MINUTES);
        let mut arguments = Vec::new();
        for (name, amount) in needs.resources {
            if let Some(option) = setup.resources.get(name) {
                arguments.push(option.replace("{}", &amount.to_string()));
            }
        }
        arguments.extend(options.options);
        let ask = Self {
            threads: needs.threads.max(1),
            memory: memory.map(|memory| (memory as f64 * factor).min(MOST_MEMORY) as u64),
            minutes: limit
                .max(needed)
                .map(|minutes| (minutes as f64 * factor).min(MOST_MINUTES).ceil() as u64),
            partition: options.partition,
            account: options.account,
            options: arguments,
        };
        ask.check()?;
        Ok(ask)
    }

    /// Checks that all texts are options, and not the script that a scheduler is to start.
    ///
    /// # Errors
    ///
    /// One is not: the error names it.
    fn check(&self) -> anyhow::Result<()> {
        for text in self.options.iter().chain(&self.partition).chain(&self.account) {
            if text.is_empty() || text.contains(char::is_control) {
                bail!(
                    "the option {text:?} of a worker is empty, or has a line break or another control character"
                );
            }
        }
        for option in &self.options {
            ensure!(
                option.starts_with('-'),
                "the option {option:?} of a worker does not begin with `-`: write an option and its value as one text, such as \
                 `--constraint=gpu`"
            );
            // What follows `--` would be the script that is started.
            let name = option.trim_start_matches('-');
            ensure!(!name.is_empty(), "the option {option:?} of a worker has no name");
        }
        Ok(())
    }

    /// Returns the name of the pool of such workers.
    pub(super) fn pool(&self, executor: &str) -> PoolName {
        // It is stable as long as the program is the same, and no other takes what is in a pool.
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        PoolName::new(executor, hasher.finish())
    }

    /// Returns the memory in megabytes, rounded up.
    pub(super) fn megabytes(&self) -> Option<u64> {
        self.memory.map(|memory| memory.div_ceil(1 << 20).max(1))
    }

    /// Returns the memory and the time for people.
    pub(super) fn shown(&self) -> (Option<String>, Option<String>) {
        (
            self.megabytes().map(|megabytes| format!("{megabytes} MiB")),
            self.minutes.map(|minutes| format!("{minutes} min")),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs<'a>(attempt: u32, resources: &'a [(String, u64)]) -> Needs<'a> {
        Needs { task: "Train", attempt, threads: 2, resources, timeout: None }
    }

    fn setup(all: JobOptions) -> Setup {
        Setup { all, ..Setup::default() }
    }

    #[test]
    fn the_options_of_a_task_take_precedence() {
        let all = JobOptions::new().partition("cpu").account("a").memory("1GiB").option("--x");
        let mut setup = setup(all);
        let own = JobOptions::new().partition("gpu").memory("2GiB").option("--y=1");
        setup.tasks.insert("Train".to_owned(), own);
        let ask = Ask::of(&setup, &needs(1, &[])).expect("options");
        assert_eq!(ask.partition.as_deref(), Some("gpu"));
        assert_eq!(ask.account.as_deref(), Some("a"));
        assert_eq!((ask.threads, ask.megabytes()), (2, Some(2048)));
        assert_eq!(ask.options, ["--x", "--y=1"]);
        let other = Ask::of(&setup, &Needs { task: "Load", ..needs(1, &[]) }).expect("options");
        assert_eq!((other.megabytes(), other.partition.as_deref()), (Some(1024), Some("cpu")));
        assert_ne!(ask.pool("slurm"), other.pool("slurm"));
        assert_eq!(ask.pool("slurm"), ask.clone().pool("slurm"));
    }

    #[test]
    fn declared_memory_has_a_margin_and_other_resources_an_option() {
        let mut setup = setup(JobOptions::new().memory("8GiB"));
        setup.resources.insert("gpu".to_owned(), "--gres=gpu:{}".to_owned());
        let resources =
            [("memory".to_owned(), 1000 << 20), ("gpu".to_owned(), 2), ("api".to_owned(), 1)];
        let ask = Ask::of(&setup, &needs(1, &resources)).expect("options");
        assert_eq!(ask.megabytes(), Some(1164));
        assert_eq!(ask.options, ["--gres=gpu:2"]);
        setup.tasks.insert("Train".to_owned(), JobOptions::new().memory("4GiB"));
        let ask = Ask::of(&setup, &needs(1, &resources)).expect("options");
        assert_eq!(ask.megabytes(), Some(4096));
    }

    #[test]
    fn an_attempt_asks_for_more() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let setup = setup(JobOptions::new().memory("100MiB").time_limit(minutes(10)).grow(1.5));
        let asked = |attempt| {
            let ask = Ask::of(&setup, &needs(attempt, &[])).expect("options");
            (ask.megabytes(), ask.minutes)
        };
        assert_eq!(asked(1), (Some(100), Some(10)));
        assert_eq!(asked(2), (Some(150), Some(15)));
        assert_eq!(asked(3), (Some(225), Some(23)));
        assert!(asked(u32::MAX).1 <= Some(MOST_MINUTES as u64));
    }

    #[test]
    fn the_time_covers_the_time_out_of_a_task() {
        let timeout = Some(Duration::from_secs(61));
        let setup_with = |all| Ask::of(&setup(all), &Needs { timeout, ..needs(1, &[]) });
        assert_eq!(setup_with(JobOptions::new()).expect("options").minutes, Some(4));
        let hour = JobOptions::new().time_limit(Duration::from_secs(3600));
        assert_eq!(setup_with(hour).expect("options").minutes, Some(60));
        let short = JobOptions::new().time_limit(Duration::from_secs(30));
        assert_eq!(setup_with(short).expect("options").minutes, Some(4));
        let none = Ask::of(&setup(JobOptions::new()), &needs(1, &[])).expect("options");
        assert_eq!((none.minutes, none.memory), (None, None));
    }

    #[test]
    fn all_settings_are_checked_before_there_is_a_job() {
        let own = |option: &str| (option == "--array=1").then_some("--array");
        let error = |setup: &Setup| format!("{:#}", setup.check(own).expect_err("it is wrong"));
        assert!(Setup::default().check(own).is_ok());
        assert!(error(&setup(JobOptions::new().grow(0.5))).contains("`grow` is 0.5"));
        assert!(
            error(&setup(JobOptions::new().option("--array=1")))
                .contains("`--array` cannot be set")
        );
        let none = Setup { most_workers: 0, ..Setup::default() };
        assert!(error(&none).contains("`max_workers` is 0"));
        let mut of_task = Setup::default();
        of_task.tasks.insert("Train".to_owned(), JobOptions::new().memory("much"));
        let text = error(&of_task);
        assert!(text.starts_with("the options of the task `Train` are wrong: "), "{text}");
        let mut resource = Setup::default();
        resource.resources.insert("gpu".to_owned(), "gres=gpu:{}".to_owned());
        assert!(error(&resource).contains("\"gres=gpu:1\" of a worker does not begin with `-`"));
    }

    #[test]
    fn a_wrong_option_is_an_error() {
        let error = |options| Ask::of(&setup(options), &needs(1, &[])).expect_err("it is wrong");
        let text = |options| format!("{:#}", error(options));
        assert!(text(JobOptions::new().option("--a\n--b")).contains("line break"));
        assert!(text(JobOptions::new().partition("a\nb")).contains("line break"));
        assert!(text(JobOptions::new().option("gpu")).contains("does not begin with `-`"));
        assert!(text(JobOptions::new().option("--")).contains("has no name"));
        assert!(text(JobOptions::new().memory("much")).contains("\"much\" is not an amount"));
        let text_of_memory = text(JobOptions::new().memory(4_u64));
        assert!(text_of_memory.contains("`memory` is 4 bytes"), "{text_of_memory}");
        assert!(text(JobOptions::new().grow(0.5)).contains("`grow` is 0.5"));
    }
}
