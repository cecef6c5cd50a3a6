//! [`HyperQueue`]: an executor whose workers HyperQueue starts.
//!
//! Its command `hq` prints JSON. The output is not promised to stay as it is, so whatever is not used is ignored, and a value of
//! another form is an error that passes. The tests have the form of HyperQueue 0.26.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use flow_core::Amount;
use flow_core::executor::{JobExecutor, JobQueue, RunOfJobs};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::command::{self, CallError, Called, Commands, arguments};
use super::options::{Ask, JobOptions, Setup, setup_methods};
use super::pools::Pools;
use super::words::End;
use super::{Report, Scheduler, State, Submission};
use crate::names::ArrayName;

/// The name of the executor, and of the command.
const NAME: &str = "hq";

/// What a debug build of HyperQueue appends to an error: which of its functions have called each other.
const BACKTRACE: &str = "Stack backtrace:";

/// How to get the command.
const ADVICE: &str = "install HyperQueue from https://github.com/It4innovations/hyperqueue, and start it with `hq server start`";

/// The executor of workers that [HyperQueue](https://it4innovations.github.io/hyperqueue) starts.
///
/// It works as [`Slurm`](crate::Slurm), by the command `hq` of version 0.24 or newer, which must be on `PATH`. A server must run. Threads
/// of a task become `--cpus`, and its time-out a part of `--time-limit`. HyperQueue does not limit memory: a task that declares some
/// gets a resource of HyperQueue if [`resource`](Self::resource) says which, such as `resource("memory", "--resource=mem={}")`.
/// `resources(gpu = n)` becomes `--resource=gpus/nvidia=n`.
///
/// ```no_run
/// use flow::cluster::HyperQueue;
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// # fn main() -> Result<()> {
/// let flow = Flow::open("/shared/store")?.workers(500).executor(HyperQueue::new().max_workers(20));
/// flow.sweep::<square>().over(square::N, 0..500_u64).run()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HyperQueue {
    setup: Setup,
}

impl Default for HyperQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl HyperQueue {
    /// Creates an executor with the default settings.
    pub fn new() -> Self {
        let setup = Setup::default();
        Self { setup }.resource("gpu", "--resource=gpus/nvidia={}")
    }

    setup_methods!();
}

impl JobExecutor for HyperQueue {
    fn name(&self) -> &str {
        NAME
    }

    fn check(&self) -> anyhow::Result<()> {
        let Setup { all, tasks, commands, .. } = &self.setup;
        let is_of_slurm = all.is_of_slurm() || tasks.values().any(JobOptions::is_of_slurm);
        ensure!(
            !is_of_slurm,
            "HyperQueue has no partitions and accounts: give them to `hq alloc add`"
        );
        self.setup.check(|_| None)?;
        command::find(commands.as_deref(), NAME).map_err(|error| anyhow!("{error}: {ADVICE}"))
    }

    fn begin(&self, run: &RunOfJobs) -> anyhow::Result<Arc<dyn JobQueue>> {
        self.check()?;
        let commands = Commands::of(NAME, &self.setup, run);
        Ok(Arc::new(Pools::begin(run, self.setup.clone(), Box::new(Calls { commands }))?))
    }
}

/// The commands of HyperQueue.
struct Calls {
    commands: Commands,
}

/// What `hq submit` prints.
#[derive(Deserialize)]
struct Submitted {
    id: u64,
}

/// A job in what `hq job list` prints.
#[derive(Deserialize)]
struct Info {
    id: u64,
    name: String,
}

/// A job in what `hq job info` prints.
#[derive(Deserialize)]
struct Detail {
    info: Info,
    tasks: Vec<Task>,
}

#[derive(Deserialize)]
struct Task {
    id: u32,
    state: String,
    #[serde(default)]
    error: Option<String>,
    /// The worker of HyperQueue; `None` also for a task that was cancelled, or whose worker is gone.
    #[serde(default)]
    worker: Option<u64>,
}

/// What each command prints if it fails.
#[derive(Deserialize)]
struct Failed {
    error: String,
}

impl Calls {
    /// Calls `hq`, and reads what it prints.
    fn call<T: DeserializeOwned>(&self, asked: &[OsString]) -> Result<T, CallError> {
        let called = self.call_any(asked)?;
        serde_json::from_str(&called.out).map_err(|error| {
            CallError::Passing(format!("the output of `hq` cannot be read: {error}"))
        })
    }

    fn call_any(&self, asked: &[OsString]) -> Result<Called, CallError> {
        let mut all = arguments(["--output-mode=json"]);
        all.extend(asked.iter().cloned());
        let called = self.commands.call(NAME, &all).map_err(|error| match error {
            CallError::Unreachable(error) => CallError::Unreachable(format!("{error}: {ADVICE}")),
            other => other,
        })?;
        match called.is_success {
            true => Ok(called),
            false => Err(refusal(&called)),
        }
    }
}

impl Scheduler for Calls {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "HyperQueue"
    }

    fn submit(&self, array: &Submission<'_>) -> Result<String, CallError> {
        let submitted: Submitted = self.call(&submission(array))?;
        Ok(submitted.id.to_string())
    }

    fn states(&self, arrays: &[(&ArrayName, Option<&str>)]) -> Result<Vec<Report>, CallError> {
        let mut ids: Vec<_> = arrays.iter().filter_map(|(_, id)| id.map(str::to_owned)).collect();
        if ids.len() < arrays.len() {
            let listed: Vec<Info> = self.call(&arguments(["job", "list", "--all"]))?;
            let is_asked = |info: &&Info| {
                arrays.iter().any(|(name, id)| id.is_none() && name.to_string() == info.name)
            };
            ids.extend(listed.iter().filter(is_asked).map(|info| info.id.to_string()));
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = ids.join(",");
        let details: Vec<Detail> = self.call(&arguments(["job", "info", ids.as_str()]))?;
        Ok(details.into_iter().flat_map(reports).collect())
    }

    fn ended(&self, _jobs: &[String]) -> Vec<Report> {
        // The server knows all jobs as long as it runs, and nothing afterwards.
        Vec::new()
    }

    fn cancel(&self, arrays: &[(&ArrayName, &str)]) -> Result<(), CallError> {
        // A server that was started again without its journal gives their numbers to other jobs.
        let listed: Vec<Info> = self.call(&arguments(["job", "list"]))?;
        let ids = own_ids(&listed, arrays);
        match ids.as_str() {
            "" => Ok(()),
            ids => self.call_any(&arguments(["job", "cancel", ids])).map(drop),
        }
    }
}

/// Returns the numbers of those jobs that have the number and the name of an array, in the form that `hq` takes.
fn own_ids(listed: &[Info], arrays: &[(&ArrayName, &str)]) -> String {
    let names = arrays.iter().map(|(name, id)| ((*id).to_owned(), name.to_string()));
    let names: HashMap<_, _> = names.collect();
    let ids = listed.iter().map(|info| (info.id.to_string(), &info.name));
    let own = ids.filter(|(id, name)| names.get(id) == Some(*name));
    own.map(|(id, _)| id).collect::<Vec<_>>().join(",")
}

/// Returns the arguments of `hq` that submit an array.
fn submission(array: &Submission<'_>) -> Vec<OsString> {
    let Submission { name, workers, ask, output: (begin, end), command, .. } = array;
    let Ask { threads, minutes, options, .. } = ask;
    let mut texts = vec![
        "submit".to_owned(),
        format!("--array=1-{workers}"),
        format!("--name={name}"),
        format!("--cpus={threads}"),
        // The run starts another worker if it needs one. Only a server that reads its journal starts one again.
        "--crash-limit=never-restart".to_owned(),
        // The program is no script with options of its own.
        "--directives=off".to_owned(),
        "--stdout=none".to_owned(),
    ];
    if let Some(minutes) = minutes {
        texts.push(format!("--time-limit={minutes}m"));
        texts.push(format!("--time-request={minutes}m"));
    }
    texts.extend(options.iter().cloned());
    let mut arguments = arguments(texts);
    let mut file = OsString::from("--stderr=");
    file.push(begin);
    file.push(format!("%{{TASK_ID}}{end}"));
    arguments.push(file);
    arguments.push("--".into());
    arguments.extend(command.iter().cloned());
    arguments
}

/// Returns what is known of the workers of an array.
fn reports(detail: Detail) -> impl Iterator<Item = Report> {
    let Detail { info, tasks } = detail;
    tasks.into_iter().map(move |task| Report {
        array: info.name.clone(),
        id: info.id.to_string(),
        task: task.id,
        node: task.worker.map_or_else(String::new, |worker| format!("its worker {worker}")),
        state: match task.state.as_str() {
            "waiting" => State::Queued("no worker of HyperQueue has room for it".to_owned()),
            "running" => State::Running,
            "finished" => State::Over(End::Completed),
            "canceled" | "aborted" => State::Over(End::Cancelled),
            "failed" => State::Over(failure(task.error)),
            other => State::Over(End::Other(other.to_owned())),
        },
    })
}

/// Returns how a worker has failed, by the text of HyperQueue.
fn failure(error: Option<String>) -> End {
    let text = error.as_deref().unwrap_or_default().to_ascii_lowercase();
    if text.contains("time limit") {
        return End::TimeLimit;
    }
    // The worker of HyperQueue is gone, and with it the machine.
    if text.contains("worker") && (text.contains("lost") || text.contains("crash")) {
        return End::NodeFailed;
    }
    End::Failed(error.map(|error| format!("the message {:?}", error.trim())))
}

/// Returns the error of a command that has failed.
fn refusal(called: &Called) -> CallError {
    let failed = serde_json::from_str::<Failed>(&called.out).map(|failed| failed.error);
    let said = failed.unwrap_or_else(|_| called.err.trim().to_owned());
    let lines = said.lines().map(str::trim).take_while(|line| *line != BACKTRACE);
    let said = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let text = said.to_ascii_lowercase();
    // Of the parser of its arguments, and of resources.
    let is_refused = [
        "unexpected argument",
        "invalid value",
        "required arguments",
        "unrecognized",
        "cannot be used",
        "invalid resource",
    ]
    .iter()
    .any(|refused| text.contains(refused));
    match is_refused {
        true => CallError::Refused(said),
        false => CallError::Passing(format!("{said} (a server is started with `hq server start`)")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_options_of_a_pool_are_arguments() {
        let name = ArrayName::new("fedcba9876543210", 3);
        let ask = Ask {
            threads: 4,
            memory: None,
            minutes: Some(90),
            partition: None,
            account: None,
            options: vec!["--resource=gpus/nvidia=1".to_owned()],
        };
        let array = Submission {
            name: &name,
            workers: 20,
            ask: &ask,
            output: (PathBuf::from("/s/out-"), ".txt"),
            command: arguments(["/bin/iris", "worker"]),
        };
        let asked = submission(&array);
        let texts: Vec<_> = asked.iter().map(|argument| argument.to_string_lossy()).collect();
        let expected = [
            "submit",
            "--array=1-20",
            "--name=flow-fedcba9876543210-3",
            "--cpus=4",
            "--crash-limit=never-restart",
            "--directives=off",
            "--stdout=none",
            "--time-limit=90m",
            "--time-request=90m",
            "--resource=gpus/nvidia=1",
            "--stderr=/s/out-%{TASK_ID}.txt",
            "--",
            "/bin/iris",
            "worker",
        ];
        assert_eq!(texts, expected);
    }

    /// In the form of HyperQueue 0.26.
    #[test]
    fn the_states_that_hq_prints_are_read() {
        let out = r#"[{
          "info": {"id": 7, "name": "flow-fedcba9876543210-3", "task_count": 7, "is_open": false,
            "task_stats": {"running": 1, "finished": 1, "failed": 3, "canceled": 1, "aborted": 0, "waiting": 1},
            "cancel_reason": null},
          "max_fails": null, "started_at": "2026-08-03T10:00:00Z", "finished_at": null, "submits": [],
          "tasks": [
            {"id": 1, "state": "waiting"},
            {"id": 2, "state": "running", "started_at": "2026-08-03T10:00:01Z", "worker": 3, "cwd": "/s",
              "stdout": null, "stderr": "/s/out-2.txt"},
            {"id": 3, "state": "finished", "worker": 3, "finished_at": "2026-08-03T10:00:02Z"},
            {"id": 4, "state": "failed", "worker": 3, "error": "Error: Program terminated with exit code 1"},
            {"id": 5, "state": "failed", "worker": 3, "error": "Time limit reached"},
            {"id": 6, "state": "canceled"},
            {"id": 7, "state": "failed", "finished_at": "2026-08-03T10:00:03Z",
              "error": "Task was running on a lost worker while never restart flag was set."}
          ]
        }]"#;
        let details: Vec<Detail> = serde_json::from_str(out).expect("JSON");
        let reports: Vec<_> = details.into_iter().flat_map(reports).collect();
        let states: Vec<_> = reports.iter().map(|report| report.state.clone()).collect();
        let how = "the message \"Error: Program terminated with exit code 1\"".to_owned();
        assert_eq!(
            states[1..],
            [
                State::Running,
                State::Over(End::Completed),
                State::Over(End::Failed(Some(how))),
                State::Over(End::TimeLimit),
                State::Over(End::Cancelled),
                State::Over(End::NodeFailed),
            ]
        );
        assert!(matches!(&states[0], State::Queued(_)));
        assert_eq!((reports[1].job().as_str(), reports[1].node.as_str()), ("7_2", "its worker 3"));
        assert_eq!((reports[5].job().as_str(), reports[5].node.as_str()), ("7_6", ""));
        assert_eq!(reports[1].array, "flow-fedcba9876543210-3");
    }

    #[test]
    fn a_wrong_option_is_refused_and_a_missing_server_is_not() {
        let failed = |out: &str, err: &str| {
            refusal(&Called { is_success: false, out: out.to_owned(), err: err.to_owned() })
        };
        let wrong = failed(
            "",
            "error: unexpected argument '--partition' found\n\nFor more information, try '--help'.\n",
        );
        assert!(matches!(wrong, CallError::Refused(text) if text.contains("'--partition'")));
        // One that the executor sets itself.
        let twice = failed("", "error: the argument '--name <NAME>' cannot be used multiple times");
        assert!(matches!(twice, CallError::Refused(text) if text.contains("'--name <NAME>'")));
        let missing = failed("{\"error\": \"No online server found\\n\"}", "");
        let expected = "No online server found (a server is started with `hq server start`)";
        assert_eq!(missing, CallError::Passing(expected.to_owned()));
        let debug = "No online server found\n\nStack backtrace:\n   0: hq::main\n   1: _start";
        let debug = serde_json::json!({ "error": debug }).to_string();
        assert_eq!(failed(&debug, ""), CallError::Passing(expected.to_owned()));
    }

    #[test]
    fn jobs_of_others_that_have_the_number_of_an_array_are_not_cancelled() {
        let out = r#"[{"id": 1, "name": "flow-fedcba9876543210-0", "task_count": 2},
            {"id": 2, "name": "other", "task_count": 1}, {"id": 3, "name": "flow-fedcba9876543210-2", "task_count": 1}]"#;
        let listed: Vec<Info> = serde_json::from_str(out).expect("JSON");
        let [first, second, third] =
            [0, 1, 2].map(|number| ArrayName::new("fedcba9876543210", number));
        assert_eq!(own_ids(&listed, &[(&first, "1"), (&second, "2"), (&third, "3")]), "1,3");
        assert_eq!(own_ids(&listed, &[(&first, "3"), (&second, "4")]), "");
    }

    #[test]
    fn a_worker_of_hyperqueue_that_is_lost_is_a_machine_that_failed() {
        assert_eq!(
            failure(Some(
                "Task was running on a worker that was lost; the task has occurred 1 times in this situation and limit was \
                 reached."
                    .to_owned()
            )),
            End::NodeFailed
        );
        assert_eq!(failure(None), End::Failed(None));
    }
}
