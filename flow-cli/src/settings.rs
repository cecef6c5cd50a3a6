//! Settings from `FLOW_...` variables and `flow.toml`.
//!
//! ```toml
//! data = "data"             # FLOW_DATA: the folder of the store
//! namespace = "prod"        # FLOW_NAMESPACE
//! workers = 4               # FLOW_WORKERS
//!
//! [params]                  # values of parameters, as --param
//! "Train.model" = "tree"
//! c = 0.1
//!
//! [remotes]                 # folders that push and pull take by name
//! team = "/mnt/team/outputs"
//!
//! [limits]
//! versions = 5              # the earlier outputs that are kept of each instance
//! ```
//!
//! [`Settings::read`] reads both. A variable takes precedence over the file. [`Flow::open`](flow_core::Flow::open) reads
//! neither.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flow_core::{Flow, Limits};
use serde::Deserialize;

use crate::error::CliError;
use crate::given::{Given, flat};

/// The name of the file in the current folder.
const FILE: &str = "flow.toml";

/// The default folder of the store.
const DATA: &str = "data";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data: Option<PathBuf>,
    pub(crate) namespace: Option<String>,
    pub(crate) workers: Option<u16>,
    #[serde(default)]
    pub(crate) params: Given,
    #[serde(default)]
    pub(crate) remotes: BTreeMap<String, PathBuf>,
    #[serde(default)]
    pub(crate) limits: LimitSettings,
    /// The file that was read, for messages.
    #[serde(skip)]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitSettings {
    versions: Option<usize>,
}

impl Settings {
    /// Reads the file and the variables, which take precedence.
    ///
    /// Without `file` and `FLOW_CONFIG`, the file is `flow.toml` in the current folder, which need not exist.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, CliError> {
        let named = file.map(|file| ("--config", file.to_owned()));
        let named = named.or_else(|| Some(("FLOW_CONFIG", path_variable("FLOW_CONFIG")?)));
        let mut settings = match named {
            Some((by, path)) => Self::of_file(&path)
                .and_then(|read| {
                    let path = path.display();
                    let missing = || format!("the configuration file {path} does not exist");
                    read.ok_or_else(|| CliError::usage(missing()))
                })
                .map_err(|error| CliError::usage(format!("{by}: {error}")))?,
            None => Self::of_file(Path::new(FILE))?.unwrap_or_default(),
        };
        if let Some(data) = path_variable("FLOW_DATA") {
            settings.data = Some(data);
        }
        if let Some(namespace) = variable("FLOW_NAMESPACE")? {
            settings.namespace = Some(namespace);
        }
        if let Some(workers) = variable("FLOW_WORKERS")? {
            let parsed = workers.trim().parse();
            settings.workers = Some(parsed.map_err(|_| {
                CliError::usage(format!(
                    "FLOW_WORKERS is {workers:?}, which is not a number from 0 to {}",
                    u16::MAX
                ))
            })?);
        }
        Ok(settings)
    }

    /// Reads a file; `None` if it does not exist. Relative paths in it are relative to its folder.
    fn of_file(path: &Path) -> Result<Option<Self>, CliError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let path = path.display();
                let message = format!("cannot read the configuration file {path}: {error}");
                return Err(CliError::usage(message));
            }
        };
        let mut settings: Self = toml::from_str(&text).map_err(|error| {
            CliError::usage(format!(
                "{} is wrong: {}",
                path.display(),
                error.to_string().trim_end()
            ))
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let paths = settings.data.iter_mut().chain(settings.remotes.values_mut());
        paths.for_each(|path| *path = folder.join(&*path));
        settings.params = flat(std::mem::take(&mut settings.params));
        settings.file = path.to_owned();
        Ok(Some(settings))
    }

    /// Returns the folder of the store.
    pub(crate) fn folder(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(DATA))
    }

    /// Opens the store with these settings.
    pub(crate) fn open(&self) -> Result<Flow, CliError> {
        Ok(self.apply(Flow::open(self.folder())?))
    }

    /// Returns a flow with these settings, apart from the folder and the parameters.
    pub(crate) fn apply(&self, flow: Flow) -> Flow {
        let flow = match &self.namespace {
            Some(name) => flow.namespace(name),
            None => flow,
        };
        let flow = match self.workers {
            Some(workers) => flow.workers(usize::from(workers)),
            None => flow,
        };
        match self.limits.versions {
            Some(versions) => flow.limits(Limits::default().versions(versions)),
            None => flow,
        }
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
