//! [`Slurm`]: an executor whose workers Slurm starts.

mod parse;
mod script;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{anyhow, bail};
use flow_core::Amount;
use flow_core::executor::{JobExecutor, JobQueue, RunOfJobs};

use self::script::Script;
use super::command::{self, CallError, Called, Commands, arguments};
use super::options::{Ask, JobOptions, Setup, setup_methods};
use super::pools::Pools;
use super::{Report, Scheduler, Submission};
use crate::names::ArrayName;

/// The name of the executor.
const NAME: &str = "slurm";

/// The options that the executor sets itself, or without which it would not find its workers again.
const OWN: [&str; 9] = [
    "--array",
    "--job-name",
    "--output",
    "--error",
    "--parsable",
    "--wrap",
    "--test-only",
    "--wait",
    "--clusters",
];

/// Their short forms.
const OWN_SHORT: [&str; 6] = ["-a", "-J", "-o", "-e", "-W", "-M"];

/// What `squeue` is asked for, with a separator that no value has: the number of the array, that of the worker, state, name,
/// machine, reason.
const FORMAT: &str = "%F|%K|%T|%j|%N|%r";

/// The executor of workers that Slurm starts.
///
/// A run puts its jobs into queues in the folder of its store, which all machines must reach, and submits arrays of workers for them:
/// this program, as `my_program worker`. A worker takes several jobs, one after the other. So short jobs cost no call of the scheduler
/// each. There is a queue for each set of options that jobs need. The run asks for the states of all its workers in one call.
///
/// The threads of a task become `--cpus-per-task`, its memory `--mem`, its time-out a part of `--time`, and `resources(gpu = n)`
/// `--gres=gpu:n`. [`JobOptions`] has more. [`Flow::workers`](flow_core::Flow::workers) is the number of jobs that are in the queue or
/// run at the same time.
///
/// A job that is out of memory or time has failed: its retries apply. One whose machine has failed, or that was preempted or
/// cancelled, is lost: it runs again, up to three times without counting as a retry.
///
/// ```no_run
/// use std::time::Duration;
///
/// use flow::cluster::Slurm;
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>, threads = 4, retries = 2)]
/// fn simulate(seed: u64) -> u64 {
///     seed * seed // takes minutes
/// }
///
/// # fn main() -> Result<()> {
/// let hour = Duration::from_secs(60 * 60);
/// let slurm = Slurm::new().partition("main").time_limit(hour).memory("4GB").grow(2.0);
/// let flow = Flow::open("/shared/store")?.workers(1000).executor(slurm);
/// flow.sweep::<simulate>().over(simulate::SEED, 0..1000_u64).run()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Slurm {
    setup: Setup,
}

impl Default for Slurm {
    fn default() -> Self {
        Self::new()
    }
}

impl Slurm {
    /// Creates an executor with the default settings of Slurm.
    pub fn new() -> Self {
        let setup = Setup::default();
        Self { setup }.resource("gpu", "--gres=gpu:{}")
    }

    /// Sets the partition of all workers.
    #[must_use]
    pub fn partition(mut self, name: impl Into<String>) -> Self {
        self.setup.all = self.setup.all.partition(name);
        self
    }

    /// Sets the account of all workers.
    #[must_use]
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.setup.all = self.setup.all.account(name);
        self
    }

    setup_methods!();
}

impl JobExecutor for Slurm {
    fn name(&self) -> &str {
        NAME
    }

    fn check(&self) -> anyhow::Result<()> {
        self.setup.check(own_option)?;
        check_clusters(std::env::var_os("SBATCH_CLUSTERS"), std::env::var_os("SLURM_CLUSTERS"))?;
        command::find(self.setup.commands.as_deref(), "sbatch")
            .map_err(|error| anyhow!("{error}: {ADVICE}"))
    }

    fn begin(&self, run: &RunOfJobs) -> anyhow::Result<Arc<dyn JobQueue>> {
        self.check()?;
        let commands = Commands::of(NAME, &self.setup, run);
        let scheduler = Calls { commands, has_accounting: AtomicBool::new(true) };
        Ok(Arc::new(Pools::begin(run, self.setup.clone(), Box::new(scheduler))?))
    }
}

/// The commands of Slurm.
struct Calls {
    commands: Commands,
    /// Whether `sacct` is not known to be useless.
    has_accounting: AtomicBool,
}

impl Scheduler for Calls {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Slurm"
    }

    fn submit(&self, array: &Submission<'_>) -> Result<String, CallError> {
        let script = Script::write().map_err(|error| {
            CallError::Passing(format!("the script of the workers cannot be written: {error}"))
        })?;
        let arguments = submission(array, &script.path());
        let called = self.commands.call("sbatch", &arguments).map_err(with_advice)?;
        if called.is_success {
            return parse::submitted(&called.out).ok_or_else(|| {
                CallError::Passing(format!("`sbatch` has printed no number: {}", called.out.trim()))
            });
        }
        Err(refusal(&called, &arguments))
    }

    fn states(&self, arrays: &[(&ArrayName, Option<&str>)]) -> Result<Vec<Report>, CallError> {
        let names: Vec<_> = arrays.iter().map(|(name, _)| name.to_string()).collect();
        let names = format!("--name={}", names.join(","));
        let format = format!("--format={FORMAT}");
        let asked = arguments([
            "--noheader",
            "--array",
            "--states=all",
            "--me",
            names.as_str(),
            format.as_str(),
        ]);
        let called = self.commands.call("squeue", &asked)?;
        match called.is_success {
            true => Ok(parse::queue(&called.out)),
            false => Err(failure(said(&called))),
        }
    }

    fn ended(&self, jobs: &[String]) -> Vec<Report> {
        if self.has_accounting.load(Ordering::Relaxed) {
            let asked = format!("--jobs={}", jobs.join(","));
            let format = "--format=JobID,State,NodeList,ExitCode";
            let asked =
                arguments(["--noheader", "--parsable2", "--allocations", asked.as_str(), format]);
            match self.commands.call("sacct", &asked) {
                Ok(called) if called.is_success => return parse::accounting(&called.out),
                // Many clusters have none: it is not asked again.
                _ => self.has_accounting.store(false, Ordering::Relaxed),
            }
        }
        let Some((array, _)) = jobs.first().and_then(|job| job.split_once('_')) else {
            return Vec::new();
        };
        // Of one array: a worker of another one is asked for when it is the first.
        let called =
            self.commands.call("scontrol", &arguments(["--oneliner", "show", "job", array]));
        called.map_or_else(|_| Vec::new(), |called| parse::jobs(&called.out))
    }

    fn cancel(&self, arrays: &[(&ArrayName, &str)]) -> Result<(), CallError> {
        let ids = arrays.iter().map(|(_, id)| *id);
        let called = self.commands.call("scancel", &arguments(ids))?;
        match called.is_success || is_only_over(&called.err) {
            true => Ok(()),
            false => Err(CallError::Passing(said(&called))),
        }
    }
}

/// Returns the arguments of `sbatch`.
fn submission(array: &Submission<'_>, script: &Path) -> Vec<OsString> {
    let Submission { name, workers, ask, output, command } = array;
    let Ask { threads, minutes, partition, account, options, .. } = ask;
    let mut texts = vec![
        "--parsable".to_owned(),
        format!("--array=1-{workers}"),
        format!("--job-name={name}"),
        // A worker that is started again would find its work taken.
        "--no-requeue".to_owned(),
        "--nodes=1".to_owned(),
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={threads}"),
    ];
    texts.extend(ask.megabytes().map(|megabytes| format!("--mem={megabytes}M")));
    texts.extend(minutes.map(|minutes| format!("--time={minutes}")));
    texts.extend(partition.as_ref().map(|partition| format!("--partition={partition}")));
    texts.extend(account.as_ref().map(|account| format!("--account={account}")));
    texts.extend(options.iter().cloned());
    let mut arguments = arguments(texts);
    let (begin, end) = output;
    let mut file = OsString::from("--output=");
    // Slurm replaces what follows `%`.
    file.push(begin.to_string_lossy().replace('%', "%%"));
    file.push(format!("%a{end}"));
    arguments.push(file);
    arguments.push(script.into());
    arguments.extend(command.iter().cloned());
    arguments
}

/// Returns whether an option is this one, with or without a value.
fn is_option(option: &str, name: &str) -> bool {
    option.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

/// Returns the option that the executor sets itself, if this is one. `sbatch` also takes the beginning of a name, such as `--job`.
fn own_option(option: &str) -> Option<&'static str> {
    let name = option.split('=').next().unwrap_or_default();
    // Shorter ones are those of other options, too.
    let is_own =
        |own: &&&str| **own == name || name.len() >= "--xyz".len() && own.starts_with(name);
    let long = OWN.iter().find(is_own);
    let short = || OWN_SHORT.iter().find(|own| option.starts_with(**own));
    long.or_else(short).copied()
}

/// Returns whether `scancel` complains of nothing but jobs that are over.
fn is_only_over(err: &str) -> bool {
    let text = err.to_ascii_lowercase();
    let is_over =
        text.contains("invalid job id") || text.contains("already completing or completed");
    is_over && !PASSING.iter().any(|passing| text.contains(passing))
}

/// Returns what a command that has failed says.
fn said(called: &Called) -> String {
    let text = if called.err.trim().is_empty() { &called.out } else { &called.err };
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.is_empty() {
        true => "it has failed without a message".to_owned(),
        false => lines.join("; "),
    }
}

/// What Slurm says if it cannot decide at the moment.
const PASSING: [&str; 13] = [
    "unable to contact slurm controller",
    "socket timed out",
    "connection refused",
    "connection timed out",
    "connection reset",
    "zero bytes were transmitted",
    "slurm temporarily unable to accept job",
    "temporarily unavailable",
    "communication failure",
    "communication connection failure",
    "in standby mode",
    "protocol authentication error",
    "try again",
];

/// What a command of Slurm says that finds no configuration, so that it has not asked Slurm.
const UNCONFIGURED: [&str; 6] = [
    "could not establish a configuration source",
    "failed to fetch config",
    "fetch_config",
    "resolve_ctls_from_dns_srv",
    "unable to process configuration file",
    "unable to status file",
];

/// How to get the commands of Slurm, and its configuration.
const ADVICE: &str =
    "run this on a machine of the cluster from which jobs are submitted, such as a login node";

/// What Slurm says if a user has too many jobs, and of which limit it is no matter of waiting: what a single job asks for is too
/// much.
const FULL: &str = "submit limit";
const TOO_LARGE: [&str; 2] = ["perjob", "notsatisfied"];

/// What Slurm says to an array of more workers than its arrays may have.
const LARGE_ARRAY: &str = "invalid job array specification";

/// Which option a message of `sbatch` is about.
const OPTIONS: [(&str, &[&str]); 8] = [
    ("wallduration", &["--time"]),
    // Every limit is a matter of "accounting".
    ("invalid account", &["--account", "-A"]),
    ("partition", &["--partition", "-p"]),
    ("qos", &["--qos", "-q"]),
    ("generic resource", &["--gres", "--gpus"]),
    ("feature", &["--constraint", "-C"]),
    ("memory", &["--mem"]),
    ("time limit", &["--time"]),
];

/// Returns the error of a submission that has failed.
fn refusal(called: &Called, arguments: &[OsString]) -> CallError {
    let said = said(called);
    let text = said.to_ascii_lowercase();
    if is_unconfigured(&text) || PASSING.iter().any(|passing| text.contains(passing)) {
        return failure(said);
    }
    if text.contains(FULL) && !TOO_LARGE.iter().any(|large| text.contains(large)) {
        return CallError::Full(said);
    }
    let is_single = arguments.iter().any(|argument| argument == "--array=1-1");
    if text.contains(LARGE_ARRAY) && !is_single {
        return CallError::Full(said);
    }
    let about = OPTIONS.iter().find(|(about, _)| text.contains(about));
    let mut options = arguments.iter().map(|argument| argument.to_string_lossy());
    let named = about.and_then(|(_, names)| {
        options.find(|option| names.iter().any(|name| is_option(option, name)))
    });
    CallError::Refused(match named {
        Some(option) => format!("{said} (the option is `{option}`)"),
        None => said,
    })
}

/// Returns the error of a command that has not been answered, by what it has said.
fn failure(said: String) -> CallError {
    match is_unconfigured(&said.to_ascii_lowercase()) {
        true => CallError::Unreachable(format!(
            "its commands find no configuration of it here: {ADVICE}, or name its file by the variable SLURM_CONF. They say: {said}"
        )),
        false => CallError::Passing(said),
    }
}

fn is_unconfigured(text: &str) -> bool {
    UNCONFIGURED.iter().any(|unconfigured| text.contains(unconfigured))
}

/// Adds how to get the commands of Slurm.
fn with_advice(error: CallError) -> CallError {
    match error {
        CallError::Unreachable(error) => CallError::Unreachable(format!("{error}: {ADVICE}")),
        other => other,
    }
}

/// Checks that `sbatch` submits to the cluster that `squeue` and `scancel` look at, which do not know the variable of `sbatch`.
///
/// # Errors
///
/// The variable of `sbatch` names other clusters.
fn check_clusters(of_sbatch: Option<OsString>, of_all: Option<OsString>) -> anyhow::Result<()> {
    let chosen =
        of_sbatch.filter(|clusters| !clusters.is_empty() && of_all.as_ref() != Some(clusters));
    match chosen {
        None => Ok(()),
        Some(clusters) => bail!(
            "the variable SBATCH_CLUSTERS is {clusters:?}, so that workers would be started where `squeue` does not look for them: \
             unset it, or set SLURM_CLUSTERS to the same"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn called(err: &str) -> Called {
        Called { is_success: false, out: String::new(), err: err.to_owned() }
    }

    fn ask() -> Ask {
        Ask {
            threads: 4,
            memory: Some(1500 << 20),
            minutes: Some(90),
            partition: Some("-gpu; rm".to_owned()),
            account: None,
            options: vec!["--gres=gpu:1".to_owned()],
        }
    }

    fn submitted(ask: &Ask) -> Vec<String> {
        let name = ArrayName::new("fedcba9876543210", 3);
        let array = Submission {
            name: &name,
            workers: 20,
            ask,
            output: (PathBuf::from("/s/100%/out-"), ".txt"),
            command: arguments(["/bin/iris", "worker", "--data", "/s"]),
        };
        let arguments = submission(&array, Path::new("/s/worker.sh"));
        arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_options_of_a_pool_are_arguments() {
        let expected = [
            "--parsable",
            "--array=1-20",
            "--job-name=flow-fedcba9876543210-3",
            "--no-requeue",
            "--nodes=1",
            "--ntasks=1",
            "--cpus-per-task=4",
            "--mem=1500M",
            "--time=90",
            "--partition=-gpu; rm",
            "--gres=gpu:1",
            "--output=/s/100%%/out-%a.txt",
            "/s/worker.sh",
            "/bin/iris",
            "worker",
            "--data",
            "/s",
        ];
        assert_eq!(submitted(&ask()), expected);
        let none =
            Ask { memory: None, minutes: None, partition: None, options: Vec::new(), ..ask() };
        assert!(
            !submitted(&none)
                .iter()
                .any(|option| option.starts_with("--mem") || option.starts_with("--time"))
        );
    }

    #[test]
    fn what_slurm_refuses_names_the_option() {
        let refused = |err: &str| {
            let arguments = arguments(submitted(&ask()));
            refusal(&called(err), &arguments)
        };
        let partition = "sbatch: error: invalid partition specified: none\n\
                         sbatch: error: Batch job submission failed: Invalid partition name specified\n";
        assert_eq!(
            refused(partition),
            CallError::Refused(
                "sbatch: error: invalid partition specified: none; sbatch: error: Batch job submission failed: Invalid \
                 partition name specified (the option is `--partition=-gpu; rm`)"
                    .to_owned()
            )
        );
        let gres = "sbatch: error: Invalid generic resource (gres) specification\n";
        assert!(
            matches!(refused(gres), CallError::Refused(text) if text.contains("`--gres=gpu:1`"))
        );
        let memory = "sbatch: error: Memory specification can not be satisfied\n\
                      sbatch: error: Batch job submission failed: Requested node configuration is not available\n";
        assert!(
            matches!(refused(memory), CallError::Refused(text) if text.contains("`--mem=1500M`"))
        );
        let unknown =
            "sbatch: unrecognized option '--bogus'\nTry \"sbatch --help\" for more information\n";
        assert!(matches!(refused(unknown), CallError::Refused(text) if text.contains("'--bogus'")));
    }

    #[test]
    fn a_limit_of_jobs_is_waited_for_and_one_of_a_job_is_not() {
        let policy = "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's \
                      size and/or time limits)\n";
        let refused =
            |limit: &str| refusal(&called(&format!("sbatch: error: {limit}\n{policy}")), &[]);
        for limit in ["AssocMaxSubmitJobLimit", "QOSMaxSubmitJobPerUserLimit"] {
            assert!(matches!(refused(limit), CallError::Full(text) if text.contains(limit)));
        }
        for limit in ["QOSMaxWallDurationPerJobLimit", "QOSMinCpuNotSatisfied"] {
            assert!(matches!(refused(limit), CallError::Refused(text) if text.contains(limit)));
        }
        let arguments = arguments(submitted(&Ask { account: Some("a".to_owned()), ..ask() }));
        let time = called(&format!("sbatch: error: QOSMaxWallDurationPerJobLimit\n{policy}"));
        let CallError::Refused(text) = refusal(&time, &arguments) else { panic!("it is refused") };
        assert!(text.ends_with("(the option is `--time=90`)"), "{text}");
    }

    #[test]
    fn an_array_that_is_too_large_for_the_cluster_is_made_smaller() {
        let error = "sbatch: error: Batch job submission failed: Invalid job array specification\n";
        let large = refusal(&called(error), &arguments(["--array=1-500"]));
        assert!(matches!(large, CallError::Full(_)), "{large:?}");
        // One that can be no smaller.
        let single = refusal(&called(error), &arguments(["--array=1-1"]));
        assert!(matches!(single, CallError::Refused(_)), "{single:?}");
    }

    #[test]
    fn options_by_which_workers_would_not_be_found_again_are_refused() {
        for (option, own) in [
            ("--array=1-9", "--array"),
            ("--job-name=x", "--job-name"),
            ("--job=x", "--job-name"),
            ("-Jx", "-J"),
            ("-o/tmp/out", "-o"),
            ("--clusters=other", "--clusters"),
            ("-Mother", "-M"),
        ] {
            assert_eq!(own_option(option), Some(own), "{option}");
        }
        for option in ["--gres=gpu:1", "-pmain", "--wait-all-nodes=1", "--exclusive", "-C fast"] {
            assert_eq!(own_option(option), None, "{option}");
        }
    }

    #[test]
    fn only_jobs_that_are_over_need_not_be_cancelled() {
        let over = "scancel: error: Kill job error on job id 5: Invalid job id specified\n";
        let busy =
            "scancel: error: Kill job error on job id 6: Socket timed out on send/recv operation\n";
        assert!(is_only_over(over));
        assert!(!is_only_over(busy) && !is_only_over(&format!("{over}{busy}")));
    }

    #[test]
    fn a_controller_that_does_not_answer_is_asked_again() {
        for error in [
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
            "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
            "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
            "sbatch: error: Batch job submission failed: Resource temporarily unavailable",
        ] {
            assert!(matches!(refusal(&called(error), &[]), CallError::Passing(_)), "{error}");
        }
    }

    #[test]
    fn a_machine_without_a_configuration_has_not_been_refused() {
        let error = "sbatch: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\n\
                     sbatch: error: fetch_config: DNS SRV lookup failed\n\
                     sbatch: fatal: Could not establish a configuration source\n";
        let CallError::Unreachable(text) = refusal(&called(error), &[]) else {
            panic!("it was not reached")
        };
        assert!(
            text.starts_with("its commands find no configuration of it here: run this on"),
            "{text}"
        );
        assert!(text.contains("SLURM_CONF") && text.ends_with("configuration source"), "{text}");
        assert!(matches!(failure("Socket timed out".to_owned()), CallError::Passing(_)));
    }

    #[test]
    fn workers_are_not_submitted_where_squeue_does_not_look() {
        let check = |sbatch: &str, slurm: Option<&str>| {
            check_clusters(Some(sbatch.into()), slurm.map(OsString::from))
        };
        assert!(check_clusters(None, None).is_ok() && check("", None).is_ok());
        assert!(check("east", Some("east")).is_ok());
        for other in [None, Some("west")] {
            let error = check("east", other).expect_err("it is another cluster").to_string();
            assert!(error.contains("SBATCH_CLUSTERS is \"east\""), "{error}");
        }
    }

    #[test]
    fn options_of_the_executor_are_known_with_and_without_a_value() {
        assert!(is_option("--array=1-5", "--array") && is_option("--parsable", "--parsable"));
        assert!(!is_option("--array-x=1", "--array"));
    }
}
