//! Records: the small files that make outputs exist.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::key::{Digest, Hasher, Key};
use crate::store::json;
use crate::store::output::Output;
use crate::store::read_columns::ReadColumns;

/// The version of the format of records, and of the computation of keys and fingerprints. Records
/// of newer formats are an error.
///
/// A store of an earlier format is used as it is. A record of format 1 is compared with what format
/// 1 would have recorded for today's instance. Where format 1 gave several keys of a map the same
/// text, the instance runs again, and its reason says so. An output that is reused gets a record of
/// today's format, unless its content follows from the earlier fingerprint (a value in memory) or
/// key (a seed).
///
/// | format | what changed |
/// | --- | --- |
/// | 1 | |
/// | 2 | A fingerprint has the digests of map keys instead of their text ([`format_1`]). Long parameters are shortened. The key of an instance includes the values that its dependencies inherit. |
///
/// [`format_1`]: crate::plan::format_1
pub(crate) const FORMAT: u32 = 2;

/// The record of an output: what it was computed from, and its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) format: u32,
    pub(crate) task: String,
    pub(crate) key: Key,
    /// The task's own parameters and, as `Task.parameter`, those that its dependencies take from
    /// outside them. For people: long values are shortened, those of other tasks sooner.
    pub(crate) parameters: BTreeMap<String, serde_json::Value>,
    /// The digest of `made_from`.
    pub(crate) fingerprint: Digest,
    pub(crate) made_from: MadeFrom,
    /// What the task read while it ran, apart from its inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reads: Vec<Read>,
    /// The inputs of which the task read single columns. The whole content of all other inputs counts.
    ///
    /// The fingerprint has the whole content of these inputs, too, so that a reader that does not know this field
    /// compares more than it has to, and never less.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) columns: Vec<ReadColumns>,
    /// What the task required while it ran, in order. Each group holds what was required together.
    ///
    /// This is not part of the fingerprint, which has to be known before the task runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) required: Vec<Vec<Required>>,
    pub(crate) output: Output,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) meta: Meta,
    /// The digest of the table with the versions of crates that the task was built with. They are
    /// reported but do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) crates: Option<Digest>,
    pub(crate) started: jiff::Timestamp,
    pub(crate) seconds: f64,
    pub(crate) host: String,
    /// The [signature](crate::store::signature) of everything above. Records have none unless the flow signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<String>,
}

/// The part of a record that depends on the instance. `Graph::recorded` returns it for an instance
/// of a plan.
///
/// The fields are those of [`Record`].
#[derive(Serialize, Deserialize)]
pub(crate) struct RecordedInstance {
    pub(crate) format: u32,
    pub(crate) task: String,
    pub(crate) key: Key,
    pub(crate) parameters: BTreeMap<String, serde_json::Value>,
    pub(crate) fingerprint: Digest,
    pub(crate) made_from: MadeFrom,
}

/// The part of a record that depends on the run that produced the output.
///
/// Another instance that reuses the output records the same run. The fields are those of
/// [`Record`].
pub(crate) struct RecordedRun {
    pub(crate) reads: Vec<Read>,
    pub(crate) columns: Vec<ReadColumns>,
    pub(crate) required: Vec<Vec<Required>>,
    pub(crate) output: Output,
    pub(crate) meta: Meta,
    pub(crate) crates: Option<Digest>,
    pub(crate) started: jiff::Timestamp,
    pub(crate) seconds: f64,
    pub(crate) host: String,
}

/// The metadata that a task recorded for its output, by name.
pub(crate) type Meta = BTreeMap<String, serde_json::Value>;

/// The parts of a fingerprint, kept separately so that a reason can name the one that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MadeFrom {
    /// The digest of the task's own significant parameters.
    pub(crate) parameters: Digest,
    /// The digest of the code, which is also the name of the table of its items.
    pub(crate) code: Digest,
    /// `#[task(version = ...)]`
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) version: u32,
    /// The target as the user wrote it.
    pub(crate) target: String,
    /// The path and content of each parameter that is a file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) files: BTreeMap<String, FileContent>,
    /// The value of `#[task(refresh = ...)]`, if it is an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh: Option<Moment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) inputs: Vec<InputContent>,
    /// The digest of the target of each required task, by the task's name. Another target may read
    /// another value from the same content.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) targets: BTreeMap<String, Digest>,
}

/// The value of the expression in `#[task(refresh = ...)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// The value as shortened text, for people.
    pub(crate) value: String,
    pub(crate) digest: Digest,
}

fn is_zero(version: &u32) -> bool {
    *version == 0
}

/// The path of a file, and the digest of its content if it could be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileContent {
    pub(crate) path: String,
    pub(crate) digest: Option<Digest>,
}

/// One input: its role, the required instance, and the digest of its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InputContent {
    /// The name in `requires`, with `[key]` for an item of a list or map. Empty if it has no name.
    pub(crate) role: String,
    /// The digest of the key of a map's item, which counts instead of its text. Records of format 1
    /// have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Digest>,
    /// The instance as text, such as `Train {model: Svc}`. For people, and not part of the
    /// fingerprint.
    pub(crate) instance: String,
    /// The key of the required instance, which is not part of the fingerprint either. Early records
    /// have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<Key>,
    pub(crate) digest: Digest,
}

/// Something that a task read through `Cx` while it ran. Later plans compare it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Read {
    /// A file named by `cx.file`.
    File {
        path: String,
        /// The path relative to the project, if `path` is absolute and inside the project.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<String>,
        digest: Option<Digest>,
    },
    /// The files that a path or pattern stands for, named by `cx.files`.
    Files {
        path: String,
        /// As for a file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<String>,
        digest: Option<Digest>,
    },
    /// An environment variable, with its digest if it was set.
    Env { name: String, digest: Option<Digest> },
    /// The parameters of an input. `input` is the position of the input, followed by that of its
    /// input and so on. If `required` is not 0, the path starts at the instance that was required
    /// as that number.
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
    /// The answer of a value that the flow provides, such as a database. `of` is the name of its type. The empty
    /// question asks for the identity of the value.
    Answer {
        of: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        question: String,
        digest: Digest,
    },
}

impl Read {
    /// Returns the read without its path relative to the project, which is not part of any digest.
    pub(crate) fn without_project(&self) -> Self {
        match self.clone() {
            Self::File { path, digest, .. } => Self::File { path, project: None, digest },
            Self::Files { path, digest, .. } => Self::Files { path, project: None, digest },
            other => other,
        }
    }

    /// Returns whether both read the same content from the same path, or from the same path in the
    /// project.
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

/// An instance that the task required while it ran, and the result.
///
/// Only digests are compared, whether the output was loaded or not. Parameters and metadata count
/// if they were read, as a [`Read`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Required {
    /// The name under which the task is stored.
    pub(crate) task: String,
    /// The module that declares the task, to distinguish it from others with its name.
    pub(crate) module: String,
    /// The instance as text, such as `Train {c: 0.1}`. For people.
    pub(crate) instance: String,
    /// The key of the instance. As long as this record exists, `gc` keeps the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Key>,
    /// The parameters that were set for it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) settings: Vec<Setting>,
    /// The digest of its output. `None` if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<Digest>,
    /// The digest of its target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Digest>,
}

/// Returns the digest of everything that was required while a task ran, with the results.
pub(crate) fn digest_required(required: &[Vec<Required>]) -> Digest {
    let mut hasher = Hasher::new("required");
    for group in required {
        hasher.number(group.len() as u64);
        for required in group {
            // The text of the instance, its module and its key do not count.
            let (instance, module) = (String::new(), String::new());
            let required = Required { instance, module, key: None, ..required.clone() };
            hasher.text(&serde_json::to_string(&required).expect("serializable as JSON"));
        }
    }
    hasher.digest()
}

/// A parameter that was set for a required instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setting {
    /// The names under which the task and the parameter are stored.
    pub(crate) task: String,
    pub(crate) param: String,
    /// The value. `None` if it was a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<serde_json::Value>,
}

/// The reason why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("it is not a valid record: {0}")]
    Garbage(#[from] serde_json::Error),
    #[error("it has format {0}, and this version of the library supports formats up to {FORMAT}")]
    Newer(u32),
    #[error("it names the file {0:?}, which is outside its folder")]
    Outside(String),
}

impl Record {
    /// Creates the record of an output of `instance` that `run` produced.
    pub(crate) fn new(instance: RecordedInstance, run: RecordedRun) -> Self {
        let RecordedInstance { format, task, key, parameters, fingerprint, made_from } = instance;
        let RecordedRun { reads, columns, required, output, meta, crates, .. } = run;
        let RecordedRun { started, seconds, host, .. } = run;
        Self {
            format,
            task,
            key,
            parameters,
            fingerprint,
            made_from,
            reads,
            columns,
            required,
            output,
            meta,
            crates,
            started,
            seconds,
            host,
            signature: None,
        }
    }

    /// Returns the part of the record that depends on the run.
    pub(crate) fn run(&self) -> RecordedRun {
        RecordedRun {
            reads: self.reads.clone(),
            columns: self.columns.clone(),
            required: self.required.clone(),
            output: self.output.clone(),
            meta: self.meta.clone(),
            crates: self.crates,
            started: self.started,
            seconds: self.seconds,
            host: self.host.clone(),
        }
    }

    /// Returns whether the record has the format that hashed the text of a map's keys.
    pub(crate) fn is_of_format_1(&self) -> bool {
        self.format <= 1
    }

    /// Returns whether the task read the seed of its instance.
    pub(crate) fn has_seed(&self) -> bool {
        self.reads.iter().any(|read| matches!(read, Read::Seed { .. }))
    }

    /// Returns the record with which `instance` reuses this output, whose files are now `output`.
    ///
    /// The new record has today's format where possible. A seed or the digest of a value in memory
    /// was computed from the key or fingerprint of format 1, and is only right in a record of
    /// format 1.
    ///
    /// A signed record of the same instance and fingerprint stays as it is, so that its signature is
    /// still right. A record for another instance has no signature.
    pub(crate) fn reused(&self, instance: RecordedInstance, output: Output) -> Self {
        let is_same = self.key == instance.key && self.fingerprint == instance.fingerprint;
        if is_same && self.signature.is_some() {
            return Self { output, ..self.clone() };
        }
        let keeps_format = self.is_of_format_1() && (self.output.is_in_memory() || self.has_seed());
        let instance = match keeps_format {
            false => instance,
            true => RecordedInstance {
                format: self.format,
                fingerprint: self.fingerprint,
                made_from: self.made_from.clone(),
                ..instance
            },
        };
        Self::new(instance, RecordedRun { output, ..self.run() })
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

/// Returns the error for a record of a newer format, of which only the format can be read.
fn newer(bytes: &[u8]) -> Option<Unreadable> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let format: Format = serde_json::from_slice(bytes).ok()?;
    (format.format > FORMAT).then_some(Unreadable::Newer(format.format))
}

/// Returns the digest of a metadata entry, which may be missing.
pub(crate) fn digest_meta(meta: Option<&serde_json::Value>) -> Digest {
    let mut hasher = Hasher::new("meta");
    hasher.text(&meta.map(ToString::to_string).unwrap_or_default());
    hasher.digest()
}
