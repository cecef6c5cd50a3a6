//! Settings from `FLOW_...` variables and `flow.toml`.
//!
//! ```toml
//! data = "data"             # FLOW_DATA: the folder of the store
//! namespace = "prod"        # FLOW_NAMESPACE
//! workers = 4               # FLOW_WORKERS
//! allow_failures = true     # FLOW_ALLOW_FAILURES
//! quiet = true              # FLOW_QUIET: hides the progress
//! color = "never"           # FLOW_COLOR
//! executor = "pull"         # FLOW_EXECUTOR: runs tasks by workers on other machines (feature `cluster`): pull, slurm, hq
//! jobs = 200                # FLOW_JOBS: the number of their jobs at the same time
//! sign_with = "flow.key"    # FLOW_SIGN_WITH: the private key that signs outputs (feature `signatures`)
//! trusted_keys = ["ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="]
//!                           # FLOW_TRUSTED_KEYS, with commas: only outputs that one of these has signed are accepted
//! bucket = "s3://b/prefix"  # FLOW_BUCKET: where they exchange jobs and files, if they have no folder in common
//! in_process = ["GetData"]  # the tasks that run in the process of the run, as --in-process
//!                           # FLOW_JSON: prints results as JSON
//!
//! [params]                  # values of parameters, as --param
//! "Train.model" = "tree"
//! c = 0.1
//!
//! [remotes]                 # folders and URLs of object stores that push and pull take by name
//! team = "/mnt/team/outputs"
//! bucket = "s3://team-bucket/outputs"
//!
//! [limits]
//! versions = 5              # FLOW_LIMIT_VERSIONS: the earlier outputs that are kept of each instance
//! bytes = "20 GB"           # FLOW_LIMIT_BYTES: the size of all earlier outputs of a task
//! runs = 200                # FLOW_LIMIT_RUNS: the runs in the history
//! run_days = 30             # FLOW_LIMIT_RUN_DAYS: the age of runs in the history
//!
//! [slurm]                   # what workers ask Slurm for; [hq] is for HyperQueue
//! partition = "main"
//! time = "2h"
//! memory = "4 GB"
//!
//! [slurm.tasks.Train]       # those of one task
//! options = ["--gres=gpu:1"]
//!
//! [profile.cluster]         # --profile cluster, or FLOW_PROFILE: settings that take precedence over those above
//! executor = "slurm"
//! jobs = 1000
//! ```
//!
//! [`Settings::read`] reads both. A variable takes precedence over the file. [`Flow::open`](flow_core::Flow::open) reads
//! neither.

use std::collections::BTreeMap;
use std::fmt::Display;
#[cfg(feature = "cluster")]
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::str::FromStr;
#[cfg(feature = "cluster")]
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "cluster")]
use flow_core::Remote;
use flow_core::{Amount, Flow, Limits};
#[cfg(feature = "signatures")]
use flow_signatures::{AnyKey, PublicKey, SigningKey, TrustedKeys};
use serde::Deserialize;

use crate::error::CliError;
#[cfg(feature = "cluster")]
use crate::executor::{ExecutorName, SchedulerSettings};
use crate::given::{Given, flat};
use crate::remotes::is_url;
#[cfg(feature = "cluster")]
use crate::remotes::{self, Shows};
use crate::text::{listed, shortened};
use crate::toml_error;
use crate::ui::Color;

/// The name of the file in the current folder.
const FILE: &str = "flow.toml";

/// The default folder of the store.
const DATA: &str = "data";

/// The longest value that an error quotes, in characters.
const QUOTED: usize = 100;

/// The number of profiles that an error lists.
const LISTED: usize = 20;

/// The variable for `--color`, which applies before all settings are read.
pub(crate) const COLOR: &str = "FLOW_COLOR";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data: Option<PathBuf>,
    pub(crate) namespace: Option<String>,
    pub(crate) workers: Option<u16>,
    pub(crate) allow_failures: Option<bool>,
    pub(crate) quiet: Option<bool>,
    pub(crate) color: Option<Color>,
    #[cfg(feature = "cluster")]
    pub(crate) executor: Option<ExecutorName>,
    #[cfg(feature = "cluster")]
    pub(crate) jobs: Option<NonZeroU16>,
    #[cfg(feature = "cluster")]
    bucket: Option<PathBuf>,
    /// The option, variable or key that has named the bucket, for messages.
    #[cfg(feature = "cluster")]
    #[serde(skip)]
    bucket_by: String,
    /// The folder to which the path of the bucket is relative.
    #[cfg(feature = "cluster")]
    #[serde(skip)]
    bucket_base: PathBuf,
    /// The tasks that run in the process of the run, besides those of `--in-process`.
    #[cfg(feature = "cluster")]
    #[serde(default)]
    pub(crate) in_process: Vec<String>,
    #[cfg(feature = "cluster")]
    #[serde(default)]
    pub(crate) slurm: SchedulerSettings,
    #[cfg(feature = "cluster")]
    #[serde(default)]
    pub(crate) hq: SchedulerSettings,
    /// Settings by the name of a profile, which take precedence over the others if it is chosen.
    #[serde(default)]
    profile: BTreeMap<String, toml::Table>,
    /// The file of the private key that signs outputs.
    #[cfg(feature = "signatures")]
    #[serde(alias = "sign-with")]
    pub(crate) sign_with: Option<PathBuf>,
    /// The public keys whose signatures are accepted, if signatures are required.
    #[cfg(feature = "signatures")]
    #[serde(alias = "trusted-keys")]
    trusted_keys: Option<Vec<String>>,
    /// Not in the file: who types a command sees text.
    #[serde(skip)]
    pub(crate) json: Option<bool>,
    #[serde(default)]
    pub(crate) params: Given,
    #[serde(default)]
    pub(crate) remotes: BTreeMap<String, PathBuf>,
    #[serde(default)]
    pub(crate) limits: LimitSettings,
    /// The file that was read, for messages.
    #[serde(skip)]
    pub(crate) file: PathBuf,
    /// The options that have chosen the file and the profile, for workers that a scheduler starts.
    #[cfg(feature = "cluster")]
    #[serde(skip)]
    chosen_by: Vec<String>,
}

/// The number of jobs that an executor has at the same time, unless it is set.
#[cfg(feature = "cluster")]
const JOBS: u16 = 100;

/// The limits that are set. The others stay as they are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitSettings {
    versions: Option<usize>,
    bytes: Option<Size>,
    runs: Option<usize>,
    run_days: Option<u32>,
}

impl LimitSettings {
    fn change(&self, limits: Limits) -> Limits {
        let limits = self.versions.map_or(limits, |versions| limits.versions(versions));
        let limits = self.bytes.map_or(limits, |Size(bytes)| limits.bytes(bytes));
        let limits = self.runs.map_or(limits, |runs| limits.runs(runs));
        let age = |days: u32| Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        self.run_days.map_or(limits, |days| limits.run_age(age(days)))
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "SizeText")]
pub(crate) struct Size(pub(crate) u64);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number of bytes, or a text such as \"20 GB\"")]
enum SizeText {
    Bytes(u64),
    Text(String),
}

impl TryFrom<SizeText> for Size {
    type Error = String;

    fn try_from(text: SizeText) -> Result<Self, String> {
        match text {
            SizeText::Bytes(bytes) => Ok(Self(bytes)),
            SizeText::Text(text) => text.amount().map(Self),
        }
    }
}

impl Settings {
    /// Reads the file and the variables, which take precedence.
    ///
    /// Without `file` and `FLOW_CONFIG`, the file is `flow.toml` in the current folder, which need not exist. Without `profile` and
    /// `FLOW_PROFILE`, no profile of it is chosen.
    pub(crate) fn read(file: Option<&Path>, profile: Option<&str>) -> Result<Self, CliError> {
        #[cfg(feature = "cluster")]
        let chosen_by = chosen_by(file, profile);
        let by_variable = match profile {
            Some(_) => None,
            None => variable("FLOW_PROFILE")?,
        };
        let profile = match (profile, &by_variable) {
            (Some(name), _) => Some(("--profile", name)),
            (None, Some(name)) => Some(("FLOW_PROFILE", name.as_str())),
            (None, None) => None,
        };
        let named = file.map(|file| ("--config", file.to_owned()));
        let named = named.or_else(|| Some(("FLOW_CONFIG", path_variable("FLOW_CONFIG")?)));
        let mut settings = match named {
            Some((by, path)) => Self::of_file(&path, profile)
                .and_then(|read| {
                    let path = path.display();
                    let missing = || format!("the configuration file {path} does not exist");
                    read.ok_or_else(|| CliError::usage(missing()))
                })
                .map_err(|error| CliError::usage(format!("{by}: {error}")))?,
            None => match Self::of_file(Path::new(FILE), profile)? {
                Some(settings) => settings,
                None => match profile {
                    Some((by, name)) => {
                        return Err(CliError::usage(format!(
                            "{by}: there is no profile `{name}`, because there is no {FILE}"
                        )));
                    }
                    None => Self::default(),
                },
            },
        };
        if let Some(data) = path_variable("FLOW_DATA") {
            settings.data = Some(data);
        }
        let set = &mut settings;
        replace(&mut set.namespace, variable("FLOW_NAMESPACE")?);
        replace(&mut set.workers, number("FLOW_WORKERS", u16::MAX)?);
        replace(&mut set.allow_failures, switch("FLOW_ALLOW_FAILURES")?);
        replace(&mut set.quiet, switch("FLOW_QUIET")?);
        replace(&mut set.json, switch("FLOW_JSON")?);
        let colors = "one of auto, always and never";
        replace(&mut set.color, parsed(COLOR, colors, Color::named)?);
        #[cfg(feature = "cluster")]
        {
            set.chosen_by = chosen_by;
            let names = format!("the name of an executor: {}", ExecutorName::NAMES.join(", "));
            replace(&mut set.executor, parsed("FLOW_EXECUTOR", &names, ExecutorName::named)?);
            if let Some(bucket) = path_variable("FLOW_BUCKET") {
                set.set_bucket("FLOW_BUCKET", bucket);
            }
            let numbers = format!("a number from 1 to {}", u16::MAX);
            replace(&mut set.jobs, parsed("FLOW_JOBS", &numbers, |text| text.parse().ok())?);
        }
        #[cfg(feature = "signatures")]
        {
            replace(&mut set.sign_with, path_variable("FLOW_SIGN_WITH"));
            let keys = variable("FLOW_TRUSTED_KEYS")?;
            let keys = keys.map(|keys| keys.split(',').map(str::to_owned).collect());
            replace(&mut set.trusted_keys, keys);
        }
        let limits = &mut set.limits;
        replace(&mut limits.versions, number("FLOW_LIMIT_VERSIONS", usize::MAX)?);
        let sizes = "a number of bytes, such as 20 GB";
        let size = |text: &str| text.amount().ok().map(Size);
        replace(&mut limits.bytes, parsed("FLOW_LIMIT_BYTES", sizes, size)?);
        replace(&mut limits.runs, number("FLOW_LIMIT_RUNS", usize::MAX)?);
        replace(&mut limits.run_days, number("FLOW_LIMIT_RUN_DAYS", u32::MAX)?);
        Ok(settings)
    }

    /// Reads a file; `None` if it does not exist. Relative paths in it are relative to its folder.
    ///
    /// `profile` is what has chosen a profile, and its name.
    fn of_file(path: &Path, profile: Option<(&str, &str)>) -> Result<Option<Self>, CliError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let path = path.display();
                let message = format!("cannot read the configuration file {path}: {error}");
                return Err(CliError::usage(message));
            }
        };
        let wrong = |place: &str, error: toml::de::Error| {
            let (path, error) = (path.display(), toml_error::text(&error));
            CliError::usage(format!("{path} is wrong: {place}{error}"))
        };
        let mut settings: Self = toml::from_str(&text).map_err(|error| wrong("", error))?;
        for (name, table) in &settings.profile {
            // Also those that are not chosen.
            let place = format!("[profile.{name}]: ");
            let of_profile: Self =
                table.clone().try_into().map_err(|error| wrong(&place, error))?;
            if !of_profile.profile.is_empty() {
                let path = path.display();
                return Err(CliError::usage(format!(
                    "{path} is wrong: {place}a profile has no profiles"
                )));
            }
        }
        if let Some((by, name)) = profile {
            let Some(table) = settings.profile.remove(name) else {
                let path = path.display();
                let names = listed(settings.profile.keys(), LISTED);
                let others = match settings.profile.is_empty() {
                    true => "it has none".to_owned(),
                    false => format!("it has these:{names}"),
                };
                return Err(CliError::usage(format!(
                    "{by}: there is no profile `{name}` in {path}: {others}"
                )));
            };
            let mut all: toml::Table = toml::from_str(&text).map_err(|error| wrong("", error))?;
            merge(&mut all, table);
            let place = format!("with [profile.{name}]: ");
            settings = all.try_into().map_err(|error| wrong(&place, error))?;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let remotes = settings.remotes.values_mut().filter(|remote| !is_url(remote));
        let paths = settings.data.iter_mut().chain(remotes);
        #[cfg(feature = "signatures")]
        let paths = paths.chain(settings.sign_with.iter_mut());
        #[cfg(feature = "cluster")]
        let paths = paths.chain(&mut settings.slurm.program).chain(&mut settings.hq.program);
        paths.for_each(|path| *path = folder.join(&*path));
        #[cfg(feature = "cluster")]
        {
            settings.bucket_by = format!("bucket of {}", path.display());
            settings.bucket_base = folder.to_owned();
        }
        settings.params = flat(std::mem::take(&mut settings.params));
        settings.file = path.to_owned();
        Ok(Some(settings))
    }

    /// Returns the tasks for which a scheduler has options, with the tables that these are in.
    #[cfg(feature = "cluster")]
    pub(crate) fn scheduled_tasks(&self) -> impl Iterator<Item = (&'static str, String)> {
        let slurm = self.slurm.tasks.keys().map(|task| ("slurm.tasks", task.clone()));
        slurm.chain(self.hq.tasks.keys().map(|task| ("hq.tasks", task.clone())))
    }

    /// Returns the folder of the store.
    pub(crate) fn folder(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(DATA))
    }

    /// Returns a flow with these settings, apart from the folder and the parameters.
    ///
    /// # Errors
    ///
    /// A key that signs or is trusted cannot be read, or the bucket of an executor cannot be opened.
    pub(crate) fn apply(&self, flow: Flow) -> Result<Flow, CliError> {
        #[cfg(feature = "signatures")]
        let flow = self.sign(flow)?;
        let flow = match &self.namespace {
            Some(name) => flow.namespace(name),
            None => flow,
        };
        let flow = match self.workers {
            Some(workers) => flow.workers(usize::from(workers)),
            None => flow,
        };
        #[cfg(feature = "cluster")]
        let flow = match self.executor {
            Some(executor) => {
                let jobs = self.jobs.map(NonZeroU16::get).or(self.workers).unwrap_or(JOBS);
                let flow = flow.workers(usize::from(jobs));
                match executor {
                    ExecutorName::Pull => {
                        let workers = flow_cluster::PullWorkers::new();
                        flow.executor(match self.open_bucket()? {
                            Some(bucket) => workers.bucket(bucket),
                            None => workers,
                        })
                    }
                    ExecutorName::Slurm | ExecutorName::Hq if self.bucket.is_some() => {
                        return Err(CliError::usage(
                            "the executors slurm and hq start workers on machines that have the folder of the store, and a bucket \
                             is set: remove it, or add `--executor pull`",
                        ));
                    }
                    ExecutorName::Slurm => {
                        flow.executor(self.slurm.slurm().worker_arguments(self.worker()))
                    }
                    ExecutorName::Hq => {
                        flow.executor(self.hq.hyper_queue().worker_arguments(self.worker()))
                    }
                }
            }
            None => flow,
        };
        let flow = if self.allow_failures == Some(true) { flow.allow_failures() } else { flow };
        let flow = if self.quiet == Some(true) { flow.quiet() } else { flow };
        Ok(flow.change_limits(|limits| self.limits.change(limits)))
    }

    /// Sets the bucket. `by` is the option or variable that names it.
    #[cfg(feature = "cluster")]
    pub(crate) fn set_bucket(&mut self, by: &str, bucket: PathBuf) {
        self.bucket = Some(bucket);
        by.clone_into(&mut self.bucket_by);
        self.bucket_base = PathBuf::new();
    }

    /// Returns the URL or the folder of the bucket of an executor and its workers, if there is one.
    ///
    /// # Errors
    ///
    /// It is neither a URL nor a path, and no remote has the name.
    #[cfg(feature = "cluster")]
    pub(crate) fn bucket(&self) -> Result<Option<PathBuf>, CliError> {
        let resolved = |bucket| remotes::resolved(bucket, &self.bucket_base, &self.remotes);
        let bucket = self.bucket.as_deref().map(resolved).transpose();
        bucket.map_err(|why| CliError::usage(format!("{}: {why}", self.bucket_by)))
    }

    /// Returns the folder of the bucket, if it is one that does not exist.
    #[cfg(feature = "cluster")]
    pub(crate) fn missing_bucket(&self) -> Result<Option<PathBuf>, CliError> {
        Ok(self.bucket()?.filter(|bucket| !is_url(bucket) && !bucket.exists()))
    }

    /// Opens the bucket of an executor and its workers, if there is one.
    #[cfg(feature = "cluster")]
    pub(crate) fn open_bucket(&self) -> Result<Option<Arc<dyn Remote>>, CliError> {
        let open = |bucket: PathBuf| remotes::open(&bucket, Shows::Nothing);
        self.bucket()?.map(open).transpose()
    }

    /// Returns the arguments of a worker with the same file and profile, such as for the keys in them. Variables reach it by the
    /// scheduler, as does the current folder.
    #[cfg(feature = "cluster")]
    fn worker(&self) -> impl Iterator<Item = &str> {
        ["worker"].into_iter().chain(self.chosen_by.iter().map(String::as_str))
    }

    /// Returns a flow that signs and requires signatures as it is set.
    #[cfg(feature = "signatures")]
    fn sign(&self, flow: Flow) -> Result<Flow, CliError> {
        let flow = match &self.sign_with {
            Some(path) => {
                let key = SigningKey::read(path);
                flow.sign(key.map_err(|error| CliError::usage(error.to_string()))?)
            }
            None => flow,
        };
        // `verify` reports signatures that are wrong, also if none are required.
        let flow = flow.check_signatures(AnyKey);
        let Some(keys) = &self.trusted_keys else { return Ok(flow) };
        // A private key that was put there by mistake is not shown.
        let key = |(place, key): (usize, &String)| {
            let wrong = |error| CliError::usage(format!("trusted key {}: {error}", place + 1));
            key.parse::<PublicKey>().map_err(wrong)
        };
        let keys = keys.iter().enumerate().map(key).collect::<Result<TrustedKeys, _>>()?;
        Ok(flow.require_signatures(keys))
    }
}

/// Returns the options that choose a file and a profile.
#[cfg(feature = "cluster")]
fn chosen_by(file: Option<&Path>, profile: Option<&str>) -> Vec<String> {
    let file =
        file.and_then(|file| std::path::absolute(file).ok()?.into_os_string().into_string().ok());
    let file = file.map(|file| ["--config".to_owned(), file]);
    let profile = profile.map(|name| ["--profile".to_owned(), name.to_owned()]);
    [file, profile].into_iter().flatten().flatten().collect()
}

/// Replaces what is in a table by what is in another one. Tables in them are merged, and all other values replaced.
fn merge(table: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match value {
            toml::Value::Table(new) => match table.get_mut(&key) {
                Some(toml::Value::Table(old)) => merge(old, new),
                _ => {
                    table.insert(key, toml::Value::Table(new));
                }
            },
            value => {
                table.insert(key, value);
            }
        }
    }
}

/// Sets a setting to the value of a variable, if there is one.
fn replace<T>(setting: &mut Option<T>, variable: Option<T>) {
    if variable.is_some() {
        *setting = variable;
    }
}

/// Returns the number in a variable; `None` if it is not set, or empty.
fn number<T: Display + FromStr>(name: &str, largest: T) -> Result<Option<T>, CliError> {
    let expected = format!("a number from 0 to {largest}");
    parsed(name, &expected, |text| text.parse().ok())
}

/// Returns whether a variable is on; `None` if it is not set, or empty.
fn switch(name: &str) -> Result<Option<bool>, CliError> {
    let switch = |text: &str| match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    };
    parsed(name, "one of true and false", switch)
}

/// Returns the value of a variable; `None` if it is not set, or empty.
fn parsed<T>(
    name: &str,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, CliError> {
    let Some(text) = variable(name)? else { return Ok(None) };
    match parse(text.trim()) {
        Some(value) => Ok(Some(value)),
        None => Err(CliError::usage(format!(
            "{name} is {:?}, which is not {expected}",
            shortened(&text, QUOTED)
        ))),
    }
}

/// Returns the path in a variable; `None` if it is not set, or empty.
fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Returns the text of a variable; `None` if it is not set, or empty.
fn variable(name: &str) -> Result<Option<String>, CliError> {
    match std::env::var_os(name).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => match value.into_string() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(CliError::usage(format!("the variable {name} is not UTF-8"))),
        },
    }
}

#[cfg(feature = "cluster")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_workers_is_relative_to_the_file_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("flow.toml");
        let text = "[slurm]\nprogram = 'bin/iris'\n[hq]\nprogram = '/opt/iris'\n";
        std::fs::write(&file, text).expect("a file");
        let read = Settings::of_file(&file, None).expect("settings").expect("a file");
        assert_eq!(read.slurm.program, Some(folder.path().join("bin/iris")));
        assert_eq!(read.hq.program.as_deref(), Some(Path::new("/opt/iris")));
    }
}
