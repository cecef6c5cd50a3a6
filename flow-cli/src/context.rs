//! The context of a verb: the flow with its settings and parameters, the roots, and the printer of results.

#[cfg(feature = "cluster")]
use std::num::NonZeroU16;
#[cfg(feature = "cluster")]
use std::path::Path;
use std::path::PathBuf;

use clap::ArgMatches;
use flow_core::signature::SignatureError;
use flow_core::{
    Error, Flow, Instance, PlanErrorKind, Reason, SelectError, Subgraph, Sweep, TaskInfo,
};

use crate::error::CliError;
#[cfg(feature = "cluster")]
use crate::executor::ExecutorName;
use crate::given::{Given, in_order, set};
use crate::params::{self, Origins};
use crate::settings::Settings;
use crate::text::listed;
use crate::ui::{Color, Ui, report};

/// The origin of the flow.
pub(crate) enum Opener {
    /// The store of the configuration is opened.
    Configured,
    /// The program passed a flow.
    Given(Box<Flow>),
}

/// What a verb does with the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It creates no store, and finds nothing in one that does not exist.
    Reads,
    /// It creates the folder of the store, unless an option such as `--dry-run` or `--read-only` was given.
    Writes,
}

/// The context of a verb.
pub(crate) struct Context {
    /// The name of the program.
    pub(crate) name: String,
    pub(crate) matches: ArgMatches,
    pub(crate) roots: Vec<TaskInfo>,
    pub(crate) ui: Ui,
    pub(crate) settings: Settings,
    pub(crate) opener: Opener,
    access: Access,
    /// The values of parameters in the arguments.
    pub(crate) given: Given,
    /// The options that set these values.
    origins: Origins,
}

/// Returns whether a folder is that of a namespace, such as `data/env=prod`.
#[cfg(feature = "cluster")]
fn is_of_namespace(folder: &std::path::Path) -> bool {
    folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"env="))
}

/// The number of instances that a message lists.
const LISTED: usize = 20;

impl Context {
    pub(crate) fn new(
        name: String,
        opener: Opener,
        access: Access,
        matches: ArgMatches,
        roots: Vec<TaskInfo>,
    ) -> Result<Self, CliError> {
        let config = matches.get_one::<PathBuf>("config").map(PathBuf::as_path);
        let profile = matches.get_one::<String>("profile").map(String::as_str);
        let mut settings = Settings::read(config, profile)?;
        if let Some(data) = matches.get_one::<PathBuf>("data") {
            settings.data = Some(data.clone());
        }
        if let Some(namespace) = matches.get_one::<String>("namespace") {
            settings.namespace = Some(namespace.clone());
        }
        #[cfg(feature = "cluster")]
        if let Ok(pool) = matches.try_get_one::<String>("pool")
            && matches.get_one::<String>("namespace").is_none()
            && (pool.is_some() || is_of_namespace(settings.folder()))
        {
            // The folder that a run names for a worker is already that of its namespace.
            settings.namespace = None;
        }
        if let Ok(Some(workers)) = matches.try_get_one::<u16>("workers") {
            settings.workers = Some(*workers);
        }
        #[cfg(feature = "cluster")]
        {
            let executor = matches.try_get_one::<String>("executor");
            let is_of_run = executor.is_ok();
            if !is_of_run {
                // This verb begins no run: neither the executor that is set for those that do nor its bucket matters.
                settings.executor = None;
            }
            if let Ok(Some(executor)) = executor {
                settings.executor = ExecutorName::named(executor);
            }
            if let Ok(Some(bucket)) = matches.try_get_one::<PathBuf>("bucket") {
                if is_of_run && settings.executor.is_none() {
                    return Err(CliError::usage(
                        "--bucket is where an executor and its workers exchange jobs and files, and no executor is set: add \
                         `--executor pull`",
                    ));
                }
                settings.set_bucket("--bucket", bucket.clone());
            }
            if let Ok(Some(jobs)) = matches.try_get_one::<u16>("jobs") {
                if settings.executor.is_none() {
                    return Err(CliError::usage(
                        "--jobs is the number of jobs of an executor, and none is set: add `--executor pull` or another one, or give the \
                         number of tasks in this process with `--workers`",
                    ));
                }
                settings.jobs = NonZeroU16::new(*jobs);
            }
        }
        if let Some(color) = matches.get_one::<String>("color") {
            settings.color = Color::named(color);
        }
        let is_given = |flag: &str| matches!(matches.try_get_one::<bool>(flag), Ok(Some(true)));
        let flags = [
            ("json", &mut settings.json),
            ("quiet", &mut settings.quiet),
            ("allow-failures", &mut settings.allow_failures),
        ];
        for (flag, setting) in flags {
            if is_given(flag) {
                *setting = Some(true);
            }
        }
        let access = match is_given("dry-run") || is_given("no-run") || is_given("read-only") {
            true => Access::Reads,
            false => access,
        };
        let is_json = settings.json.unwrap_or_default();
        let ui = Ui::new(is_json, settings.color.unwrap_or_default());
        let (given, origins) = (Given::new(), Origins::new());
        Ok(Self { name, matches, roots, ui, settings, opener, access, given, origins })
    }

    /// Takes the values of parameters from the arguments, for verbs whose options are parameters.
    pub(crate) fn take_parameters(&mut self) -> Result<(), CliError> {
        (self.given, self.origins) = params::given(&self.matches, &self.roots)?;
        for warning in params::warnings(&self.matches, &self.roots) {
            report(format_args!("warning: {warning}"));
        }
        Ok(())
    }

    /// Opens the flow, without the values of parameters that the arguments give.
    pub(crate) fn store(&self) -> Result<Flow, CliError> {
        #[cfg(feature = "cluster")]
        if self.settings.executor == Some(ExecutorName::Pull) {
            // A bucket that is misspelt is an error before a store is created.
            self.settings.bucket()?;
        }
        let is_read = self.access == Access::Reads;
        let flow = match (&self.opener, &self.settings.data) {
            (Opener::Configured, _) if is_read => Flow::open_to_read(self.settings.folder())?,
            (Opener::Configured, _) => Flow::open(self.settings.folder())?,
            (Opener::Given(flow), Some(folder)) if is_read => flow.in_folder_to_read(folder)?,
            (Opener::Given(flow), Some(folder)) => flow.in_folder(folder)?,
            (Opener::Given(flow), None) => (**flow).clone(),
        };
        self.settings.apply(flow)
    }

    /// Returns the folder of the store, if this verb will create it.
    #[cfg(feature = "cluster")]
    pub(crate) fn missing_store(&self) -> Option<&Path> {
        let is_opened = matches!(self.opener, Opener::Given(_)) && self.settings.data.is_none();
        let folder = self.settings.folder();
        (!is_opened && self.access == Access::Writes && !folder.exists()).then_some(folder)
    }

    /// Announces by `say` that a run, or a worker, creates the folder of the bucket, because its name may be misspelt.
    #[cfg(feature = "cluster")]
    pub(crate) fn announce_bucket(&self, say: impl Fn(&str)) -> Result<(), CliError> {
        if let Some(folder) = self.settings.missing_bucket()?
            && self.settings.quiet != Some(true)
        {
            say(&format!("creates the folder {} as a bucket", folder.display()));
        }
        Ok(())
    }

    /// Announces the folder of the bucket for a run, if tasks run by an executor.
    #[cfg(feature = "cluster")]
    pub(crate) fn announce_bucket_of_run(&self) -> Result<(), CliError> {
        match self.settings.executor {
            Some(_) => self.announce_bucket(|line| report(line)),
            None => Ok(()),
        }
    }

    /// Opens the flow, with the values of parameters and the options of runs.
    pub(crate) fn flow(&self) -> Result<Flow, CliError> {
        self.flow_with(&self.given)
    }

    /// Opens the flow, with these values of parameters and the options of runs.
    pub(crate) fn flow_with(&self, given: &Given) -> Result<Flow, CliError> {
        self.check_configured()?;
        let mut flow = self.store()?;
        for (name, value) in self.values(given) {
            flow = match given.contains_key(&name) {
                true => flow.with_named(&name, value),
                // The file serves other roots, too.
                false => flow.with_configured(&name, value),
            };
        }
        if let Ok(Some(forced)) = self.matches.try_get_many::<String>("force") {
            for task in forced {
                flow = match task.as_str() {
                    "" => flow.force_roots(),
                    name => flow.force_task(task_of("force", name)?),
                };
            }
        }
        for task in self.selected("in-process")? {
            flow = flow.in_process_task(task);
        }
        #[cfg(feature = "cluster")]
        for name in &self.settings.in_process {
            let wrong = |error| {
                let file = self.settings.file.display();
                CliError::usage(format!("in_process of {file}: {error}"))
            };
            flow = flow.in_process_task(TaskInfo::named(name).map_err(wrong)?);
        }
        Ok(flow)
    }

    /// Refuses values of the configuration file for tasks that the program does not have.
    fn check_configured(&self) -> Result<(), CliError> {
        let tasks = self.settings.params.keys().filter_map(|name| name.rsplit_once('.'));
        let tasks = tasks.map(|(task, _)| ("params", task.to_owned()));
        #[cfg(feature = "cluster")]
        let tasks = tasks.chain(self.settings.scheduled_tasks());
        for (table, task) in tasks {
            if let Err(error) = TaskInfo::named(&task)
                && error.several.is_empty()
            {
                let file = self.settings.file.display();
                return Err(CliError::usage(format!("[{table}] of {file}: {error}")));
            }
        }
        Ok(())
    }

    /// Returns the values of parameters. Values of the arguments take precedence over those of `flow.toml`.
    fn values(&self, given: &Given) -> Given {
        let mut values = self.settings.params.clone();
        for (name, value) in in_order(given.clone()) {
            set(&mut values, name, value);
        }
        values
    }

    /// Returns the graph of the roots, restricted by `--until` or `--only`.
    pub(crate) fn graph(&self) -> Result<Subgraph<TaskInfo>, CliError> {
        let graph = self.flow()?.graph_of(self.roots.iter().copied());
        let graph = self.selected("until")?.into_iter().fold(graph, Subgraph::until_task);
        Ok(self.selected("only")?.into_iter().fold(graph, Subgraph::only_task))
    }

    /// Returns a sweep, restricted by `--until` or `--only`.
    pub(crate) fn restricted(&self, sweep: Sweep<TaskInfo>) -> Result<Sweep<TaskInfo>, CliError> {
        let sweep = self.selected("until")?.into_iter().fold(sweep, Sweep::until_task);
        Ok(self.selected("only")?.into_iter().fold(sweep, Sweep::only_task))
    }

    /// Returns the tasks that an option names.
    fn selected(&self, option: &str) -> Result<Vec<TaskInfo>, CliError> {
        self.texts(option).map(|name| task_of(option, name)).collect()
    }

    /// Returns the values of an option; none if the verb does not have the option.
    fn texts(&self, option: &str) -> impl Iterator<Item = &String> {
        self.matches.try_get_many::<String>(option).ok().flatten().into_iter().flatten()
    }

    /// Returns the graph of the roots or, with `--in ROOT`, of that root.
    pub(crate) fn graph_in(&self) -> Result<Subgraph<TaskInfo>, CliError> {
        match self.matches.get_one::<String>("in") {
            None => self.graph(),
            Some(root) => Ok(self.flow()?.graph_of([task_of("in", root)?])),
        }
    }

    /// Returns the instance of a verb for one output: that of the task or, with `--in ROOT`, the one that the root
    /// requires.
    pub(crate) fn instance(&self) -> Result<Instance, CliError> {
        let task = self.roots[0];
        let mut instances = self.graph_in()?.instances_of(task)?;
        match instances.len() {
            1 => Ok(instances.remove(0)),
            0 => Err(CliError::usage(format!(
                "invalid value for --in: {} does not require {task}",
                self.root_name()
            ))),
            several => Err(CliError::usage(format!(
                "{} requires {several} instances of {task}: give the parameters of one, without --in:{}",
                self.root_name(),
                listed(instances.iter(), LISTED)
            ))),
        }
    }

    /// Returns an error of the library with the option that caused it.
    pub(crate) fn located(&self, error: CliError) -> CliError {
        let option = match &error {
            CliError::Flow(cause) => self.option_of(cause),
            _ => None,
        };
        match option {
            Some(option) => CliError::usage(format!("{option}: {error}")),
            None => error,
        }
    }

    /// Returns the option that caused an error, if that is known.
    fn option_of(&self, error: &Error) -> Option<String> {
        match error {
            Error::Plan(plan) => match &plan.kind {
                PlanErrorKind::UnknownName { name, .. } | PlanErrorKind::WrongType { name, .. } => {
                    self.origin(name)
                }
                _ => None,
            },
            Error::Select(SelectError::None { .. } | SelectError::Incomplete { .. }) => {
                let is_given = |option: &&str| self.texts(option).next().is_some();
                ["until", "only"].into_iter().find(is_given).map(|option| format!("--{option}"))
            }
            _ => None,
        }
    }

    /// Returns the origin of the value of a parameter: an option, or the configuration file.
    fn origin(&self, name: &str) -> Option<String> {
        let of_file = || {
            let is_there = self.settings.params.contains_key(name);
            is_there.then(|| format!("[params] of {}", self.settings.file.display()))
        };
        self.origins.get(name).cloned().or_else(of_file)
    }

    /// Returns the name of the root in which an instance is selected.
    pub(crate) fn root_name(&self) -> String {
        let root = self.matches.get_one::<String>("in").cloned();
        root.unwrap_or_else(|| self.roots[0].name())
    }
}

/// Returns the task that an option names.
fn task_of(option: &str, name: &str) -> Result<TaskInfo, CliError> {
    TaskInfo::named(name)
        .map_err(|error| CliError::usage(format!("invalid value for --{option}: {error}")))
}

/// Returns the error for an instance without an output.
pub(crate) fn not_complete(instance: &Instance) -> CliError {
    let task = instance.task();
    if instance.info().is_aggregate() {
        return CliError::usage(format!(
            "{instance} has no output of its own, because {task} only groups other tasks: name one of them, with `--in {task}`"
        ));
    }
    let not_accepted = instance.reasons().iter().find_map(|reason| match reason {
        Reason::NotAccepted { why } => Some(why),
        _ => None,
    });
    if let Some(why) = not_accepted {
        let or_trust = match why {
            SignatureError::UnknownKey { .. } => {
                ", or add the key to `trusted_keys` in flow.toml if you trust it"
            }
            _ => "",
        };
        return anyhow::anyhow!(
            "{instance} has an output, which is not accepted: {why}. Compute it again, with `run {task}`{or_trust}"
        )
        .into();
    }
    let reasons: Vec<_> = instance.reasons().iter().map(ToString::to_string).collect();
    let why = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
    let message = match instance.versions() {
        Ok(versions) if !versions.is_empty() => format!(
            "the output of {instance} is out of date{why}: run it first, with `run {task}`. \
             `show --stored {task}` shows the last output"
        ),
        _ => format!("{instance} has no output{why}: run it first, with `run {task}`"),
    };
    anyhow::anyhow!(message).into()
}
