//! What a verb works with: the flow with its settings and parameters, the roots, and how to print.

use std::path::PathBuf;

use clap::{ArgMatches, Command};
use flow_core::{Flow, Instance, Subgraph, TaskInfo};

use crate::error::CliError;
use crate::given::{Given, set};
use crate::params;
use crate::settings::Settings;
use crate::ui::{Color, Ui};

/// Where the flow comes from.
pub(crate) enum Opener {
    /// The configured store.
    Configured,
    /// A flow of the program.
    Given(Box<Flow>),
}

/// What a verb works with.
pub(crate) struct Context {
    /// The parser of all verbs, without the parameters of tasks.
    pub(crate) parser: Command,
    pub(crate) matches: ArgMatches,
    pub(crate) roots: Vec<TaskInfo>,
    pub(crate) ui: Ui,
    pub(crate) settings: Settings,
    pub(crate) opener: Opener,
    /// The values of parameters that the arguments give.
    pub(crate) given: Given,
}

impl Context {
    pub(crate) fn new(
        parser: Command,
        opener: Opener,
        matches: ArgMatches,
        roots: Vec<TaskInfo>,
    ) -> Result<Self, CliError> {
        let color = match matches.get_one::<String>("color").map(String::as_str) {
            Some("always") => Color::Always,
            Some("never") => Color::Never,
            _ => Color::Auto,
        };
        let ui = Ui { is_json: matches.get_flag("json"), has_color: color.is_on() };
        let mut settings =
            Settings::read(matches.get_one::<PathBuf>("config").map(PathBuf::as_path))?;
        if let Some(data) = matches.get_one::<PathBuf>("data") {
            settings.data = Some(data.clone());
        }
        if let Some(namespace) = matches.get_one::<String>("namespace") {
            settings.namespace = Some(namespace.clone());
        }
        if let Ok(Some(workers)) = matches.try_get_one::<usize>("workers") {
            settings.workers = Some(*workers);
        }
        Ok(Self { parser, matches, roots, ui, settings, opener, given: Given::new() })
    }

    /// Takes the values of parameters from the arguments, for verbs whose options are parameters.
    pub(crate) fn take_parameters(&mut self) -> Result<(), CliError> {
        self.given = params::given(&self.matches, &self.roots)?;
        Ok(())
    }

    /// Opens the flow, without the values of parameters that the arguments give.
    pub(crate) fn store(&self) -> Result<Flow, CliError> {
        let flow = match &self.opener {
            Opener::Configured => self.settings.open()?,
            Opener::Given(flow) => {
                let flow = match &self.settings.data {
                    Some(folder) => flow.in_folder(folder)?,
                    None => (**flow).clone(),
                };
                self.settings.apply(flow)
            }
        };
        Ok(if self.matches.get_flag("quiet") { flow.quiet() } else { flow })
    }

    /// Opens the flow, with the values of parameters and the options of runs.
    pub(crate) fn flow(&self) -> Result<Flow, CliError> {
        self.flow_with(&self.given)
    }

    /// Opens the flow, with these values of parameters and the options of runs.
    pub(crate) fn flow_with(&self, given: &Given) -> Result<Flow, CliError> {
        let mut flow = params::apply(self.store()?, &self.values(given));
        if let Ok(Some(forced)) = self.matches.try_get_many::<String>("force") {
            for task in forced {
                flow = match task.as_str() {
                    "" => flow.force_roots(),
                    name => flow.force_task(TaskInfo::named(name)?),
                };
            }
        }
        if let Ok(Some(true)) = self.matches.try_get_one::<bool>("allow-failures") {
            flow = flow.allow_failures();
        }
        Ok(flow)
    }

    /// Returns the values of parameters: those of `flow.toml`, and over them those of the arguments.
    fn values(&self, given: &Given) -> Given {
        let mut values = self.settings.params.clone();
        for (name, value) in given {
            set(&mut values, name.clone(), value.clone());
        }
        values
    }

    /// Returns the graph of the roots.
    pub(crate) fn graph(&self) -> Result<Subgraph<TaskInfo>, CliError> {
        Ok(self.flow()?.graph_of(self.roots.iter().copied()))
    }

    /// Returns the instance that a verb for one output is about: that of the task or, with `--in ROOT`, the one that
    /// the root requires.
    pub(crate) fn instance(&self) -> Result<Instance, CliError> {
        let task = self.roots[0];
        let graph = match self.matches.get_one::<String>("in") {
            None => self.graph()?,
            Some(root) => self.flow()?.graph_of([TaskInfo::named(root)?]),
        };
        let mut instances = graph.instances_of(task)?;
        match instances.len() {
            1 => Ok(instances.remove(0)),
            0 => Err(CliError::usage(format!("{} does not require {task}", self.root_name()))),
            several => {
                let labels: Vec<_> = instances.iter().map(|one| format!("\n  {one}")).collect();
                Err(CliError::usage(format!(
                    "{} requires {several} instances of {task}: give the parameters of one, without --in:{}",
                    self.root_name(),
                    labels.concat()
                )))
            }
        }
    }

    fn root_name(&self) -> String {
        let root = self.matches.get_one::<String>("in").cloned();
        root.unwrap_or_else(|| self.roots[0].name())
    }
}
