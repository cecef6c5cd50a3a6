//! The executors of the command line, and their settings in `flow.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use flow_cluster::{HyperQueue, JobOptions, Slurm};
use flow_core::TaskInfo;
use serde::Deserialize;

use crate::settings::Size;

/// The executor of runs whose tasks run elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExecutorName {
    Pull,
    Slurm,
    Hq,
}

impl ExecutorName {
    /// The names, in the order of the variants.
    pub(crate) const NAMES: [&'static str; 3] = ["pull", "slurm", "hq"];

    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "pull" => Some(Self::Pull),
            "slurm" => Some(Self::Slurm),
            "hq" => Some(Self::Hq),
            _ => None,
        }
    }
}

/// `[slurm]` and `[hq]`: what all workers ask a scheduler for, and how many there are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchedulerSettings {
    partition: Option<String>,
    account: Option<String>,
    time: Option<Time>,
    memory: Option<Size>,
    grow: Option<f64>,
    #[serde(default)]
    options: Vec<String>,
    #[serde(alias = "max-workers")]
    max_workers: Option<usize>,
    idle: Option<Time>,
    #[serde(alias = "memory-margin")]
    memory_margin: Option<f64>,
    /// The options for resources that tasks declare, with `{}` in the place of the amount.
    #[serde(default)]
    resources: BTreeMap<String, String>,
    /// The file of the program of a worker.
    pub(crate) program: Option<PathBuf>,
    #[serde(default)]
    pub(crate) tasks: BTreeMap<String, TaskSettings>,
}

/// `[slurm.tasks.Train]`: what the workers of a task ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskSettings {
    partition: Option<String>,
    account: Option<String>,
    time: Option<Time>,
    memory: Option<Size>,
    grow: Option<f64>,
    #[serde(default)]
    options: Vec<String>,
}

/// A time, such as `"2h"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Time(Duration);

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        seconds(&text)
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Self(Duration::from_secs(seconds)))
            .ok_or_else(|| format!("{text:?} is not a time: write {TIMES}"))
    }
}

/// The texts that are times.
const TIMES: &str = "a number with `s`, `m`, `h` or `d`, such as \"90m\", or hours, minutes and seconds as \"02:00:00\"";

/// Returns the time in the value of an option: a number of seconds, or a text as in `flow.toml`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let found = text.trim().parse().ok().or_else(|| seconds(text));
    found.map(Duration::from_secs).ok_or_else(|| format!("write a number of seconds, or {TIMES}"))
}

/// Returns the seconds of a time; `None` if the text is not a time.
fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.split(':').collect::<Vec<_>>()[..] {
        [hours, minutes, seconds] => {
            let number = |text: &str| text.parse::<u64>().ok();
            let (minutes, seconds) = (number(minutes)?, number(seconds)?);
            if minutes > 59 || seconds > 59 {
                return None;
            }
            number(hours)?.checked_mul(3600)?.checked_add(60 * minutes + seconds)
        }
        [_] => {
            let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
            let unit = match unit.trim() {
                "s" => 1,
                "m" | "min" => 60,
                "h" => 3600,
                "d" => 24 * 3600,
                _ => return None,
            };
            number.parse::<u64>().ok()?.checked_mul(unit)
        }
        _ => None,
    }
}

impl TaskSettings {
    fn job_options(&self) -> JobOptions {
        let Self { partition, account, time, memory, grow, options } = self;
        let mut job = JobOptions::new();
        if let Some(name) = partition {
            job = job.partition(name);
        }
        if let Some(name) = account {
            job = job.account(name);
        }
        if let Some(Time(time)) = time {
            job = job.time_limit(*time);
        }
        if let Some(Size(bytes)) = memory {
            job = job.memory(*bytes);
        }
        if let Some(factor) = grow {
            job = job.grow(*factor);
        }
        options.iter().fold(job, JobOptions::option)
    }
}

/// Calls the methods of an executor that are set.
macro_rules! apply {
    ($settings:expr, $executor:expr) => {{
        let settings: &SchedulerSettings = $settings;
        let mut executor = $executor.options(settings.all().job_options());
        for (task, own) in &settings.tasks {
            // A task may be named by the end of its name.
            let name = TaskInfo::named(task).map_or_else(|_| task.clone(), |task| task.name());
            executor = executor.for_task(name, own.job_options());
        }
        for (name, option) in &settings.resources {
            executor = executor.resource(name, option);
        }
        if let Some(workers) = settings.max_workers {
            executor = executor.max_workers(workers);
        }
        if let Some(Time(idle)) = settings.idle {
            executor = executor.idle(idle);
        }
        if let Some(part) = settings.memory_margin {
            executor = executor.memory_margin(part);
        }
        if let Some(program) = &settings.program {
            executor = executor.program(program);
        }
        executor
    }};
}

impl SchedulerSettings {
    /// Returns what the workers of all tasks ask for.
    fn all(&self) -> TaskSettings {
        TaskSettings {
            partition: self.partition.clone(),
            account: self.account.clone(),
            time: self.time,
            memory: self.memory,
            grow: self.grow,
            options: self.options.clone(),
        }
    }

    /// Returns the executor of Slurm with these settings.
    pub(crate) fn slurm(&self) -> Slurm {
        apply!(self, Slurm::new())
    }

    /// Returns the executor of HyperQueue with these settings.
    pub(crate) fn hyper_queue(&self) -> HyperQueue {
        apply!(self, HyperQueue::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_error;

    #[test]
    fn a_time_has_a_unit_or_three_parts() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("90 m", Some(5400)),
            ("30min", Some(1800)),
            ("2h", Some(7200)),
            ("1d", Some(86_400)),
            ("01:30:10", Some(5410)),
            ("100:00:00", Some(360_000)),
            ("0s", None),
            ("90", None),
            ("h", None),
            ("-1h", None),
            ("1:60:00", None),
            ("10:00", None),
            ("99999999999999999999h", None),
        ] {
            let time = Time::try_from(text.to_owned()).ok();
            assert_eq!(time.map(|Time(time)| time.as_secs()), expected, "{text}");
        }
    }

    #[test]
    fn the_time_of_an_option_may_also_be_a_number_of_seconds() {
        let time = |text| duration(text).ok().map(|time| time.as_secs());
        for (text, expected) in [("90", 90), ("0", 0), ("0s", 0), ("90s", 90), ("2h", 7200)] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        assert_eq!([time("-1"), time("2 hrs"), time("1.5"), time("")], [None; 4]);
    }

    #[test]
    fn each_name_is_that_of_an_executor() {
        let executors = ExecutorName::NAMES.map(ExecutorName::named);
        assert_eq!(
            executors,
            [Some(ExecutorName::Pull), Some(ExecutorName::Slurm), Some(ExecutorName::Hq)]
        );
        assert_eq!(ExecutorName::named("push"), None);
    }

    #[test]
    fn the_tables_of_the_file_have_all_options() {
        let text = "partition = 'main'\naccount = 'a'\ntime = '2h'\nmemory = '4 GB'\nmax-workers = 9\ngrow = 2.0\n\
                    options = ['--x']\nidle = '10s'\nmemory_margin = 0.2\n[resources]\ndisk = '--tmp={}'\n[tasks.Train]\nmemory = 5\n";
        let settings: SchedulerSettings = toml::from_str(text).expect("settings");
        assert_eq!(
            (settings.max_workers, settings.idle),
            (Some(9), Some(Time(Duration::from_secs(10))))
        );
        let expected =
            JobOptions::new().partition("main").account("a").memory(4_000_000_000_u64).grow(2.0);
        let expected = expected.time_limit(Duration::from_secs(7200)).option("--x");
        assert_eq!(settings.all().job_options(), expected);
        assert_eq!(settings.tasks["Train"].job_options(), JobOptions::new().memory(5_u64));
        let error = |text: &str| {
            toml_error::text(&toml::from_str::<SchedulerSettings>(text).expect_err("it is wrong"))
        };
        assert!(error("partitions = 'main'").contains("did you mean `partition`?"));
        assert!(error("time = 'long'").contains("\"long\" is not a time"));
        assert!(error("[tasks.Train]\nmax-workers = 1").contains("there is no key `max-workers`"));
    }
}
