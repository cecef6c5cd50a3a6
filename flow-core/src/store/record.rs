//! Records: the small file that says an output is there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::decl::TaskDecl;
use crate::base::key::{Digest, Hasher, Key};
use crate::store::json;
use crate::store::output::Output;

/// The version of the form of records, and of how keys and fingerprints are computed. A record of a newer
/// one is left alone.
///
/// | format | what changed |
/// | --- | --- |
/// | 1 | |
/// | 2 | A fingerprint has the digests of the keys of maps, and not their text ([`format_1`]). Long parameters are shortened. The keys of instances have the values that what they require inherits. |
///
/// [`format_1`]: crate::plan::format_1
pub(crate) const FORMAT: u32 = 2;

/// Says that an output is there, what it is made from and where its files lie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) format: u32,
    pub(crate) task: String,
    pub(crate) key: Key,
    /// The task's own parameters and, as `Task.parameter`, those its requirements draw from
    /// outside it, for people to read. Long ones are shortened, those of other tasks sooner.
    pub(crate) parameters: BTreeMap<String, serde_json::Value>,
    /// The digest of `made_from`.
    pub(crate) fingerprint: Digest,
    pub(crate) made_from: MadeFrom,
    /// What was read while it ran, apart from its inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reads: Vec<Read>,
    /// What was required while it ran, in order: in each group what was asked for together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) required: Vec<Vec<Required>>,
    pub(crate) output: Output,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) meta: Meta,
    /// The versions of crates that it was made with, which stand in the table of this name. They are
    /// told, and do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) crates: Option<Digest>,
    pub(crate) started: jiff::Timestamp,
    pub(crate) seconds: f64,
    pub(crate) host: String,
}

/// What a task noted about its output, by name.
pub(crate) type Meta = BTreeMap<String, serde_json::Value>;

/// The parts of a fingerprint, kept apart so that a reason can name the one that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MadeFrom {
    /// Of the task's own significant parameters.
    pub(crate) parameters: Digest,
    /// Of the code, whose items stand in the table of this name.
    pub(crate) code: Digest,
    /// `#[task(version = ...)]`
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) version: u32,
    /// How the user wrote the target.
    pub(crate) target: String,
    /// The content of each parameter that is a file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) files: BTreeMap<String, FileContent>,
    /// The value of `#[task(refresh = ...)]`, if it is an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh: Option<Moment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) inputs: Vec<InputContent>,
    /// What the outputs of each task required are read by: its target. Another one may give another
    /// value for the same content.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) targets: BTreeMap<String, Digest>,
}

/// The value of the expression in `#[task(refresh = ...)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// For people to read, and not all of it.
    pub(crate) value: String,
    pub(crate) digest: Digest,
}

fn is_zero(version: &u32) -> bool {
    *version == 0
}

/// A file's path, and its content if it could be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileContent {
    pub(crate) path: String,
    pub(crate) digest: Option<Digest>,
}

/// One input: its role, what was required, and the content it had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InputContent {
    /// The name in `requires`, with `[key]` for the item of a list or map; empty if it has none.
    pub(crate) role: String,
    /// The digest of the key of a map's item, which counts instead of its text. Records of format 1
    /// have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Digest>,
    /// Such as `Train {model: Svc}`: for people, and not part of the fingerprint.
    pub(crate) instance: String,
    /// The key of the instance that was required, which is not part of the fingerprint either. Early
    /// records have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<Key>,
    pub(crate) digest: Digest,
}

/// Something that was read through `Cx` while the task ran, and counts from then on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Read {
    /// A file named by `cx.file`.
    File {
        path: String,
        /// The path relative to the project, if it is absolute and leads to something in the project.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<String>,
        digest: Option<Digest>,
    },
    /// The files that a path stands for, named by `cx.files`.
    Files {
        path: String,
        /// As of a file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<String>,
        digest: Option<Digest>,
    },
    /// A variable of the environment; its digest, if it was set.
    Env { name: String, digest: Option<Digest> },
    /// The parameters of the input at this place, or of an input of an input: of the instance itself
    /// or, if `required` is not 0, of the one that was required as that while it ran.
    Task {
        input: Vec<usize>,
        #[serde(default, skip_serializing_if = "is_zero")]
        required: u32,
        digest: Digest,
    },
    /// A metadata entry of such an input.
    Meta {
        input: Vec<usize>,
        #[serde(default, skip_serializing_if = "is_zero")]
        required: u32,
        name: String,
        digest: Digest,
    },
    /// The seed of the instance.
    Seed { seed: u64 },
}

impl Read {
    /// The read as it was before reads had a path relative to the project, and as digests have it.
    pub(crate) fn without_project(&self) -> Self {
        match self.clone() {
            Self::File { path, digest, .. } => Self::File { path, project: None, digest },
            Self::Files { path, digest, .. } => Self::Files { path, project: None, digest },
            other => other,
        }
    }

    /// Whether both read the same content by the same path, or by the same path of the project.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let project = |read: &Self| match read {
            Self::File { project, digest, .. } => Some((true, project.clone()?, *digest)),
            Self::Files { project, digest, .. } => Some((false, project.clone()?, *digest)),
            _ => None,
        };
        self.without_project() == other.without_project()
            || project(self).is_some() && project(self) == project(other)
    }
}

/// An instance that was required while the task ran, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Required {
    /// The name that the task is stored under.
    pub(crate) task: String,
    /// Where it was declared, which tells it from others of that name.
    pub(crate) module: String,
    /// Such as `Train {c: 0.1}`: for people.
    pub(crate) instance: String,
    /// Of the instance, so that it is not taken for garbage as long as this record is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Key>,
    /// What was set for it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) settings: Vec<Setting>,
    /// The content of its output; none if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<Digest>,
    /// What its output is read by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Digest>,
}

/// The digest of what was required while a task ran, and what came of it.
pub(crate) fn digest_required(required: &[Vec<Required>]) -> Digest {
    let mut hasher = Hasher::new("required");
    for group in required {
        hasher.number(group.len() as u64);
        for required in group {
            // What it is called and where it stands is for people.
            let (instance, module) = (String::new(), String::new());
            let required = Required { instance, module, key: None, ..required.clone() };
            hasher.text(&serde_json::to_string(&required).expect("it is JSON"));
        }
    }
    hasher.digest()
}

/// A parameter that was set for what was required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setting {
    /// The names that the task and the parameter are stored under.
    pub(crate) task: String,
    pub(crate) param: String,
    /// The value, to be read back; none if it was a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<serde_json::Value>,
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("it is no record: {0}")]
    Garbage(#[from] serde_json::Error),
    #[error("it is in form {0}, and this version of the library knows forms up to {FORMAT}")]
    Newer(u32),
    #[error("it names the file {0:?}, which is outside its folder")]
    Outside(String),
}

impl Record {
    /// Whether it was written in the form in which the text of a map's key was hashed.
    pub(crate) fn is_of_format_1(&self) -> bool {
        self.format <= 1
    }

    /// The record that says that the instance `key` of a task has the same output, whose files are these,
    /// made from `made_from`.
    ///
    /// It is of today's format where it can be. What was computed from the key or the fingerprint of
    /// format 1, a seed or the digest of a value in memory, is only right in a record of that format.
    pub(crate) fn adopted(
        &self,
        decl: &TaskDecl,
        key: Key,
        parameters: BTreeMap<String, serde_json::Value>,
        made_from: MadeFrom,
        output: Output,
    ) -> Self {
        let is_of_form = self.is_of_format_1()
            && (self.output.is_in_memory()
                || self.reads.iter().any(|read| matches!(read, Read::Seed { .. })));
        let task = decl.name.to_string();
        let adopted = Self { task, key, parameters, output, ..self.clone() };
        if is_of_form {
            return adopted;
        }
        let fingerprint = made_from.fingerprint(decl.identity());
        Self { format: FORMAT, fingerprint, made_from, ..adopted }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let record: Self = match json::parse(bytes) {
            Ok(record) => record,
            Err(error) => return Err(newer(bytes).unwrap_or(Unreadable::Garbage(error))),
        };
        if record.format > FORMAT {
            return Err(Unreadable::Newer(record.format));
        }
        if let Some(name) = record.output.outside() {
            return Err(Unreadable::Outside(name.to_owned()));
        }
        Ok(record)
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// A record of a newer form may have other fields; its form is all that can be known of it.
fn newer(bytes: &[u8]) -> Option<Unreadable> {
    #[derive(Deserialize)]
    struct Form {
        format: u32,
    }
    let form: Form = serde_json::from_slice(bytes).ok()?;
    (form.format > FORMAT).then_some(Unreadable::Newer(form.format))
}

/// The digest of a metadata entry, which may be missing.
pub(crate) fn digest_meta(meta: Option<&serde_json::Value>) -> Digest {
    let mut hasher = Hasher::new("meta");
    hasher.text(&meta.map(ToString::to_string).unwrap_or_default());
    hasher.digest()
}
