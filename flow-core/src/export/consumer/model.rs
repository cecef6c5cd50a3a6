//! The model of a generated crate: its tasks, with their parameters, files and types.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::names::{self, Names};
use super::parameter::Parameter;
use super::row::{self, Row};
use crate::base::key::Key;
use crate::export::manifest::{Exported, ExportedFile, Manifest};
use crate::flow::error::Error;
use crate::target::{Column, Description};

/// The placeholder for a type in a target.
const HOLE: &str = "{}";

/// A generated crate.
pub(super) struct Model {
    pub(super) package: String,
    pub(super) types: Vec<Type>,
    /// The crates that the types refer to, with their versions.
    pub(super) crates: BTreeMap<String, String>,
    /// The features of this library that the targets need.
    pub(super) features: BTreeSet<String>,
    /// The instances without files.
    pub(super) absent: Vec<String>,
    /// The instances of earlier exports that do not fit the types.
    pub(super) outdated: Vec<String>,
}

/// An external task of the crate.
pub(super) struct Type {
    pub(super) name: String,
    /// The name of the task in the export.
    pub(super) task: String,
    /// The part of its output; empty if it has only one.
    pub(super) part: String,
    pub(super) parameters: Vec<Parameter>,
    /// The files, in the order of the values in `parameters`.
    pub(super) files: Vec<String>,
    pub(super) reads: Reads,
}

/// The target of a task of the crate.
pub(super) enum Reads {
    /// Reads rows of the last of these structs, whose fields contain the others.
    Rows { target: String, rows: Vec<Row> },
    /// Reads a type `T` that the user chooses, with this default.
    Any { target: String, default: Option<String> },
    /// Reads the type of the target.
    Plain(String),
}

/// How files can be read, as their descriptions say.
#[derive(Clone, PartialEq)]
enum ReadAs {
    /// As structs with these columns.
    Rows { target: String, columns: Vec<Column> },
    /// As any type, with this default.
    Any { target: String, default: Option<String> },
    /// As the type of this target.
    Plain(String),
}

impl Model {
    /// Computes the model of an export. `now` are the outputs of the current export.
    ///
    /// The last output of each task decides the type. Outputs of earlier exports that do not fit are left out.
    ///
    /// # Errors
    ///
    /// An output in `now` does not fit.
    pub(super) fn of(
        manifest: &Manifest,
        package: &str,
        now: &HashSet<Key>,
    ) -> Result<Self, Error> {
        let mut tasks: BTreeMap<(&str, &str), Vec<(&Exported, &ExportedFile)>> = BTreeMap::new();
        let mut model = Self {
            package: package.to_owned(),
            types: Vec::new(),
            crates: BTreeMap::new(),
            features: BTreeSet::new(),
            absent: Vec::new(),
            outdated: Vec::new(),
        };
        for output in &manifest.outputs {
            for file in &output.files {
                tasks.entry((&output.task, &file.part)).or_default().push((output, file));
                model.crates.extend(file.description.crates.clone());
                model.features.extend(file.description.features.iter().cloned());
            }
            if output.files.is_empty() {
                model.absent.push(output.instance.clone());
            }
        }
        let mut names = Names::default();
        // Tasks are named before rows, so that the name of a row gets a number if they collide.
        let named: Vec<_> = tasks
            .into_iter()
            .map(|((task, part), files)| (names.of_task(task, part), (task, part), files))
            .collect();
        for (name, (task, part), files) in named {
            let (read_as, outdated) = ReadAs::common(&files, now)?;
            let (outdated, files): (Vec<_>, Vec<_>) =
                files.into_iter().partition(|(output, _)| outdated.contains(&output.key));
            model.outdated.extend(outdated.iter().map(|(output, _)| output.instance.clone()));
            let reads = read_as.reads(&name, &mut names);
            model.types.push(Type {
                name,
                task: task.to_owned(),
                part: part.to_owned(),
                parameters: parameters(&files),
                files: files.iter().map(|(_, file)| file.path.clone()).collect(),
                reads,
            });
        }
        model.outdated.sort_unstable();
        model.outdated.dedup();
        Ok(model)
    }

    /// Returns the name of the library.
    pub(super) fn library(&self) -> String {
        names::library(&self.package)
    }

    /// Returns whether a field of a row is a map.
    pub(super) fn has_maps(&self) -> bool {
        let has_map = |row: &Row| row.fields.iter().any(|field| field.kind.contains("BTreeMap<"));
        self.types.iter().any(|of| match &of.reads {
            Reads::Rows { rows, .. } => rows.iter().any(has_map),
            _ => false,
        })
    }

    /// Returns whether a task is generic over its type.
    pub(super) fn has_any(&self) -> bool {
        self.types.iter().any(|of| matches!(of.reads, Reads::Any { .. }))
    }
}

impl Type {
    /// Returns whether the name alone is a type: the task is not generic, or has a default type.
    pub(super) fn is_named_alone(&self) -> bool {
        !matches!(self.reads, Reads::Any { default: None, .. })
    }
}

impl ReadAs {
    /// Returns how to read the last of these files and all that fit, with the keys of the outputs that do not.
    ///
    /// # Errors
    ///
    /// An output in `now` does not fit.
    fn common(
        files: &[(&Exported, &ExportedFile)],
        now: &HashSet<Key>,
    ) -> Result<(Self, HashSet<Key>), Error> {
        let mut outdated = HashSet::new();
        let mut all = files.iter().rev().map(|(output, file)| (*output, Self::of(file)));
        let Some((last, mut common)) = all.next() else { return Ok((Self::file(), outdated)) };
        for (output, read_as) in all {
            match common.with(&read_as) {
                Ok(both) => common = both,
                Err(difference) if now.contains(&output.key) => {
                    let (first, second) = (output.instance.clone(), last.instance.clone());
                    return Err(Error::Unlike { first, second, difference });
                }
                Err(_) => {
                    outdated.insert(output.key);
                }
            }
        }
        Ok((common, outdated))
    }

    /// Returns how to read the files of both.
    ///
    /// # Errors
    ///
    /// A message that says how they differ.
    fn with(&self, other: &Self) -> Result<Self, String> {
        match (self, other) {
            (Self::Rows { target, columns }, Self::Rows { target: other, columns: others })
                if target == other =>
            {
                let columns = row::common(others, columns)?;
                Ok(Self::Rows { target: target.clone(), columns })
            }
            _ if self == other => Ok(self.clone()),
            _ => Err(format!("one is {}, the other {}", other.shown(), self.shown())),
        }
    }

    /// Returns how to read a file, by its description.
    fn of(file: &ExportedFile) -> Self {
        let Description { columns, rust, typed, .. } = &file.description;
        match (typed, rust) {
            _ if file.within.is_some() => Self::file(),
            (Some(target), _) if row::is_typed(columns) => {
                Self::Rows { target: target.clone(), columns: columns.clone() }
            }
            (Some(target), rust) if columns.is_empty() => {
                let default = rust.as_deref().and_then(|rust| inside(target, rust));
                Self::Any { target: target.clone(), default: default.map(str::to_owned) }
            }
            (_, Some(rust)) => Self::Plain(rust.clone()),
            (_, None) => Self::file(),
        }
    }

    /// Returns how to load a file as its path.
    fn file() -> Self {
        Self::Plain("File".to_owned())
    }

    /// Returns the target, for messages.
    fn shown(&self) -> &str {
        match self {
            Self::Rows { target, .. } | Self::Any { target, .. } | Self::Plain(target) => target,
        }
    }

    /// Converts this to the target of the task `name`, with structs for rows.
    fn reads(self, name: &str, names: &mut Names) -> Reads {
        match self {
            Self::Rows { target, columns } => {
                let rows =
                    row::rows(&format!("{name} Row"), &format!("[`{name}`]"), &columns, names);
                let last = rows.last().map_or("()", |row| &row.name);
                Reads::Rows { target: target.replace(HOLE, last), rows }
            }
            Self::Any { target, default } => {
                Reads::Any { target: target.replace(HOLE, "T"), default }
            }
            Self::Plain(target) => Reads::Plain(target),
        }
    }
}

/// Returns the part of `whole` at the place of the [`HOLE`] in `pattern`.
fn inside<'a>(pattern: &str, whole: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once(HOLE)?;
    whole.strip_prefix(before)?.strip_suffix(after)
}

/// Returns the task's own parameters, and those upstream that are needed to distinguish its outputs.
fn parameters(files: &[(&Exported, &ExportedFile)]) -> Vec<Parameter> {
    let all: BTreeSet<&String> =
        files.iter().flat_map(|(output, _)| output.parameters.keys()).collect();
    let (upstream, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| name.contains('.'));
    let mut names = Names::default();
    let mut parameters = Vec::new();
    // Outputs in one group have equal values of all parameters so far.
    let mut groups = vec![0; files.len()];
    for (name, is_own) in own
        .into_iter()
        .map(|name| (name, true))
        .chain(upstream.into_iter().map(|name| (name, false)))
    {
        let value = |output: &Exported| output.parameters.get(name).cloned().unwrap_or_default();
        let values: Vec<_> = files.iter().map(|(output, _)| value(output)).collect();
        if refine(&mut groups, &values) || is_own {
            parameters.push(Parameter::new(name, values, &mut names));
        }
    }
    // Values that are set for a single branch of the graph are not among the parameters. If outputs differ in
    // them alone, the key becomes a parameter.
    let keys: Vec<_> =
        files.iter().map(|(output, _)| Value::from(output.key.short().to_string())).collect();
    if refine(&mut groups, &keys) {
        parameters.push(Parameter::new("key", keys, &mut names));
    }
    parameters
}

/// Splits groups of outputs by these values; returns whether a group was split.
fn refine(groups: &mut [usize], values: &[Value]) -> bool {
    let mut numbers = BTreeMap::new();
    let before = groups.iter().collect::<BTreeSet<_>>().len();
    for (number, value) in groups.iter_mut().zip(values) {
        let next = numbers.len();
        *number = *numbers.entry((*number, value.to_string())).or_insert(next);
    }
    numbers.len() > before
}
