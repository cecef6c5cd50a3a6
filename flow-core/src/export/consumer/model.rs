//! What a crate says of the outputs of each task.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::names::{self, Names};
use super::parameter::Parameter;
use super::row::{self, Row};
use crate::base::key::Key;
use crate::export::manifest::{Exported, ExportedFile, Manifest};
use crate::flow::error::Error;
use crate::target::{Column, Description};

/// What stands for a type in a target.
const HOLE: &str = "{}";

/// The crate.
pub(super) struct Model {
    pub(super) package: String,
    pub(super) types: Vec<Type>,
    /// Crates that the types name, with their versions.
    pub(super) crates: BTreeMap<String, String>,
    /// Features of the library that the targets take.
    pub(super) features: BTreeSet<String>,
    /// The instances that have no file.
    pub(super) absent: Vec<String>,
    /// The instances that cannot be read as those are that were exported since.
    pub(super) outdated: Vec<String>,
}

/// A task that is made elsewhere.
pub(super) struct Type {
    pub(super) name: String,
    /// As the export calls it, and the part of its output, if it has several.
    pub(super) task: String,
    pub(super) part: String,
    pub(super) parameters: Vec<Parameter>,
    /// The files, in the order of the parameters' values.
    pub(super) files: Vec<String>,
    pub(super) reads: Reads,
}

/// How a file is read.
pub(super) enum Reads {
    /// As rows of the last of these structs; the others are in it.
    Rows { target: String, rows: Vec<Row> },
    /// As a type of the reader's own, or this one.
    Any { target: String, default: Option<String> },
    /// As what the target says.
    Plain(String),
}

/// How the files of some outputs can be read.
#[derive(Clone, PartialEq)]
enum Way {
    Rows { target: String, columns: Vec<Column> },
    Any { target: String, default: Option<String> },
    Plain(String),
}

impl Model {
    /// What the last output of each task can be read as, and with it the others that can. Of `now` none
    /// is left out.
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
        // Each task has its name before a row has.
        let named: Vec<_> =
            tasks.into_iter().map(|(of, files)| (names.of_task(of.0, of.1), of, files)).collect();
        for (name, (task, part), files) in named {
            let (way, outdated) = Way::common(&files, now)?;
            let (outdated, files): (Vec<_>, Vec<_>) =
                files.into_iter().partition(|(output, _)| outdated.contains(&output.key));
            model.outdated.extend(outdated.iter().map(|(output, _)| output.instance.clone()));
            let reads = way.reads(&name, &mut names);
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

    /// What Rust calls the crate.
    pub(super) fn library(&self) -> String {
        names::library(&self.package)
    }

    /// Whether a field of a row is a map.
    pub(super) fn has_maps(&self) -> bool {
        let has_map = |row: &Row| row.fields.iter().any(|field| field.kind.contains("BTreeMap<"));
        self.types.iter().any(|of| match &of.reads {
            Reads::Rows { rows, .. } => rows.iter().any(has_map),
            _ => false,
        })
    }

    /// Whether a file is read as a type of the reader's own.
    pub(super) fn has_any(&self) -> bool {
        self.types.iter().any(|of| matches!(of.reads, Reads::Any { .. }))
    }
}

impl Type {
    /// Whether its name is a type, for what it is generic over goes without saying.
    pub(super) fn is_named_alone(&self) -> bool {
        !matches!(self.reads, Reads::Any { default: None, .. })
    }
}

impl Way {
    /// The way to read the last of these, and all others that can be read so; with the keys of those
    /// that cannot.
    fn common(
        files: &[(&Exported, &ExportedFile)],
        now: &HashSet<Key>,
    ) -> Result<(Self, HashSet<Key>), Error> {
        let mut outdated = HashSet::new();
        let mut ways = files.iter().rev().map(|(output, file)| (*output, Self::of(file)));
        let Some((last, mut common)) = ways.next() else { return Ok((Self::file(), outdated)) };
        for (output, way) in ways {
            match common.with(&way) {
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

    /// The way to read what is read in either; if there is none, why.
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

    /// As the path.
    fn file() -> Self {
        Self::Plain("File".to_owned())
    }

    fn shown(&self) -> &str {
        match self {
            Self::Rows { target, .. } | Self::Any { target, .. } | Self::Plain(target) => target,
        }
    }

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

/// What stands in `whole` where `pattern` has its hole.
fn inside<'a>(pattern: &str, whole: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once(HOLE)?;
    whole.strip_prefix(before)?.strip_suffix(after)
}

/// The task's own parameters and, as far as these do not tell its outputs apart, those of what is
/// upstream that do.
fn parameters(files: &[(&Exported, &ExportedFile)]) -> Vec<Parameter> {
    let all: BTreeSet<&String> =
        files.iter().flat_map(|(output, _)| output.parameters.keys()).collect();
    let (upstream, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| name.contains('.'));
    let mut names = Names::default();
    let mut parameters = Vec::new();
    // Which outputs are the same as far as the parameters tell: those of one number.
    let mut alike = vec![0; files.len()];
    for (name, is_own) in own
        .into_iter()
        .map(|name| (name, true))
        .chain(upstream.into_iter().map(|name| (name, false)))
    {
        let value = |output: &Exported| output.parameters.get(name).cloned().unwrap_or_default();
        let values: Vec<_> = files.iter().map(|(output, _)| value(output)).collect();
        if tell_apart(&mut alike, &values) || is_own {
            parameters.push(Parameter::new(name, values, &mut names));
        }
    }
    // What is fixed for a branch of the graph is no parameter of the whole.
    let keys: Vec<_> =
        files.iter().map(|(output, _)| Value::from(output.key.short().to_string())).collect();
    if tell_apart(&mut alike, &keys) {
        parameters.push(Parameter::new("key", keys, &mut names));
    }
    parameters
}

/// Numbers the outputs by these values as well; says whether some are told apart by that.
fn tell_apart(alike: &mut [usize], values: &[Value]) -> bool {
    let mut numbers = BTreeMap::new();
    let before = alike.iter().collect::<BTreeSet<_>>().len();
    for (number, value) in alike.iter_mut().zip(values) {
        let next = numbers.len();
        *number = *numbers.entry((*number, value.to_string())).or_insert(next);
    }
    numbers.len() > before
}
