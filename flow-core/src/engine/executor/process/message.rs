//! The messages between a process and a child that runs its tasks.
//!
//! ```text
//!  parent                                   child
//!    │ ◄──────────────────────────── Hello ── │  the child has reached `Flow::open`
//!    │ ── Job ──────────────────────────────► │
//!    │ ◄──── Progress, Status, Log, Figure ── │
//!    │ ◄─────────────────────────── Refuse ── │
//!    │ ◄────────────────────────── Require ── │
//!    │ ── Required ─────────────────────────► │  after the parent has planned and run it
//!    │ ── Stop ─────────────────────────────► │  if the run is stopped
//!    │ ◄───────────────────────────── Done ── │  then another Job, or the parent closes the socket
//! ```
//!
//! A job has everything that its task needs, so that the child never plans: the task and its inputs as
//! [`NodeMessage`]s, with the values of their parameters and the places of their outputs. Values of parameters contain
//! secrets. So messages are never logged, and do not implement `Debug`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::base::error_text::ErrorText;
use crate::base::key::{Digest, Key};
use crate::engine::running::{ProcessCost, Ran};
use crate::store::draft_record::DraftRecord;
use crate::store::output::{Output, OutputFile};
use crate::store::read_columns::ReadColumns;
use crate::store::record::{Meta, Read, RecordedInstance, Required};
use crate::store::signature::RequiredSignature;
use crate::task::Kind;

/// A message to a child.
#[derive(Serialize, Deserialize)]
pub(super) enum ToChild {
    /// Runs a task.
    Job(Box<JobMessage>),
    /// The reply to [`FromChild::Require`].
    Required(RequiredMessage),
    /// The job is to stop at its next checkpoint.
    Stop { job: u64 },
}

/// A message of a child. `job` is the number of the job that it concerns.
#[derive(Serialize, Deserialize)]
pub(super) enum FromChild {
    /// The child is ready. `program` is the digest of its executable file.
    Hello {
        token: String,
        program: Option<Digest>,
    },
    Progress {
        job: u64,
        done: u64,
        total: u64,
    },
    Status {
        job: u64,
        text: String,
    },
    /// Text of the task's log.
    Log {
        job: u64,
        text: Bytes,
    },
    /// A figure or note that the task has kept.
    Figure {
        job: u64,
        file: Box<OutputFile>,
    },
    /// The task requires instances of a task, one for each of the settings.
    Require {
        job: u64,
        request: u64,
        task: TaskMessage,
        settings: Vec<Vec<SettingMessage>>,
    },
    /// A requirement of the task was refused.
    Refuse {
        job: u64,
        task: TaskMessage,
        setting: Vec<SettingMessage>,
    },
    /// The task has ended.
    Done(Box<DoneMessage>),
}

impl FromChild {
    /// Returns the number of the job that the message concerns.
    pub(super) fn job(&self) -> Option<u64> {
        match self {
            Self::Hello { .. } => None,
            Self::Progress { job, .. }
            | Self::Status { job, .. }
            | Self::Log { job, .. }
            | Self::Figure { job, .. }
            | Self::Require { job, .. }
            | Self::Refuse { job, .. } => Some(*job),
            Self::Done(done) => Some(done.job),
        }
    }

    /// Returns whether the run waits for the message: it must not be held back to be sent with others.
    pub(super) fn is_urgent(&self) -> bool {
        matches!(self, Self::Require { .. } | Self::Done(_))
    }
}

/// What a process that runs jobs for a run elsewhere sends to that run: the text of a
/// [`JobEvent::Message`](crate::plan::executor::JobEvent::Message).
#[derive(Serialize, Deserialize)]
pub(super) enum FromRelay {
    /// A message of the child that runs the task. `Done` is the last one.
    Child(Box<FromChild>),
    /// Lines that the child has written to its standard output or error.
    Output(Bytes),
    /// The job could not be started, for a reason that is not the task's. It is the last message.
    NotStarted(String),
    /// The files of the output could not be handed to the executor. It is the last message.
    NotDelivered(String),
    /// The child has ended without ending the task. It is the last message.
    Crashed { reason: String, ran: Ran },
    /// The child was ended, because a run has stopped or cancelled the job. It is the last message.
    Ended,
}

/// A task to run.
#[derive(Serialize, Deserialize)]
pub(super) struct JobMessage {
    /// Distinguishes the jobs of a child.
    pub(super) number: u64,
    /// The name of the task.
    pub(super) task: String,
    pub(super) key: Key,
    /// The running tasks that the child runs inside of, the innermost one, which is its own, first.
    pub(super) enclosing: Vec<EnclosingMessage>,
    pub(super) fingerprint: Digest,
    /// The folder of the instance, relative to the store.
    pub(super) folder: Bytes,
    pub(super) store: StoreAt,
    pub(super) seed: u64,
    /// The number of the attempt, beginning with 1.
    pub(super) attempt: u32,
    /// The current folder, against which relative paths are resolved.
    pub(super) current_folder: Option<Bytes>,
    /// The paths of the parameters that are files.
    pub(super) file_parameters: Vec<String>,
    /// What the child needs for a draft record; `None` if it makes none.
    pub(super) draft: Option<DraftMessage>,
    /// Whether the child writes the draft record.
    pub(super) writes_draft: bool,
    /// Whether the child sends the draft record with its last message, for a worker that signs it.
    pub(super) sends_draft: bool,
    /// Whether progress and status are wanted.
    pub(super) is_watched: bool,
    /// How many bytes of memory the task may allocate, if there is a limit.
    pub(super) memory: Option<u64>,
    /// Whether no other process can read the messages of the job, so that they may have secrets.
    pub(super) sends_secrets: bool,
    /// Whether the executor carries the files of inputs and outputs.
    pub(super) moves_files: bool,
    /// What the run requires of the signature of the output, if another machine computes it.
    pub(super) requires_signature: Option<RequiredSignature>,
    /// The instance, then its inputs and the members of those that are aggregates.
    pub(super) nodes: Vec<NodeMessage>,
}

/// A running task, by which a child [detects](crate::engine::nested) that the task would wait for itself.
#[derive(Serialize, Deserialize)]
pub(super) struct EnclosingMessage {
    /// The folder of the store.
    pub(super) root: Bytes,
    pub(super) key: Key,
    /// The name of the task.
    pub(super) task: String,
}

/// What a child needs for a [draft record](crate::store::draft_record).
#[derive(Serialize, Deserialize)]
pub(super) struct DraftMessage {
    /// Where it is written.
    pub(super) path: Bytes,
    /// The module that declares the task.
    pub(super) module: String,
    pub(super) instance: RecordedInstance,
    /// The digest of the versions of the crates that the task is compiled with.
    pub(super) crates: Option<Digest>,
}

/// A task that a running task requires.
#[derive(Serialize, Deserialize)]
pub(super) struct TaskMessage {
    /// Its [type](crate::task::registry::type_id).
    pub(super) id: String,
    /// The name under which it is stored.
    pub(super) name: String,
}

/// A store, to open it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct StoreAt {
    /// The folder that the user opened.
    pub(super) opened: Bytes,
    pub(super) root: Bytes,
    /// Whether the content of its files is compared with their digests before they are read.
    #[serde(default)]
    pub(super) checks_content: bool,
}

/// An instance: the one that runs, or one whose output it can load.
#[derive(Serialize, Deserialize)]
pub(super) struct NodeMessage {
    /// The [type](crate::task::registry::type_id) of its task.
    pub(super) task: String,
    pub(super) kind: Kind,
    pub(super) label: String,
    /// The label in full, if it is another one.
    pub(super) full_label: Option<String>,
    /// The places of its inputs among the nodes of the message, if a task can reach them.
    pub(super) inputs: Vec<u32>,
    pub(super) entries: Vec<EntryMessage>,
    /// The values of its parameters, in order.
    pub(super) parameters: Vec<Json>,
    pub(super) parameters_digest: Digest,
    /// The path of an external file.
    pub(super) external: Option<Bytes>,
    /// Its output; `None` for the instance that runs.
    pub(super) made: Option<Result<MadeMessage, MissingMessage>>,
}

/// An entry of `requires`, with the number of its inputs.
#[derive(Serialize, Deserialize)]
pub(super) struct EntryMessage {
    pub(super) form: FormMessage,
    pub(super) len: usize,
}

#[derive(Serialize, Deserialize)]
pub(super) enum FormMessage {
    One,
    Optional,
    List,
    /// With the keys of the map.
    Map(Vec<Json>),
}

/// Where the files of an output are.
#[derive(Serialize, Deserialize)]
pub(super) struct MadeMessage {
    pub(super) folder: Bytes,
    pub(super) output: Output,
    pub(super) meta: Meta,
    pub(super) fingerprint: Option<Digest>,
    /// The store that has the output, if it is not that of the job.
    pub(super) from: Option<StoreAt>,
}

/// Why an output cannot be loaded.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum MissingMessage {
    Gone,
    Changed,
    Record(String),
}

/// A parameter that is set for a required instance.
#[derive(Serialize, Deserialize)]
pub(super) struct SettingMessage {
    /// The [type](crate::task::registry::type_id) of the task that has the parameter.
    pub(super) task: String,
    pub(super) place: usize,
    pub(super) value: Json,
}

/// The outputs of required instances.
#[derive(Serialize, Deserialize)]
pub(super) struct RequiredMessage {
    pub(super) request: u64,
    /// For each setting, the place of the instance among `nodes`, and the number of the requirement.
    pub(super) results: Vec<Result<(u32, u32), RefusedMessage>>,
    pub(super) nodes: Vec<NodeMessage>,
    /// All that the task has required so far, as it is recorded.
    pub(super) recorded: Vec<Vec<Required>>,
}

/// A required instance without an output.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct RefusedMessage {
    pub(super) instance: String,
    pub(super) why: WhyRefused,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) enum WhyRefused {
    Failed(String),
    Cycle(Vec<String>),
    Settings(String),
    Stopped,
    Thread(String),
}

/// What a task has left behind.
#[derive(Serialize, Deserialize)]
pub(super) struct DoneMessage {
    pub(super) job: u64,
    pub(super) result: Result<Output, FailedMessage>,
    /// The metadata that the task has recorded, also if it failed.
    pub(super) meta: Meta,
    /// The figures and notes that the task has kept, also if it failed.
    pub(super) figures: Vec<OutputFile>,
    /// What the task has read besides its inputs.
    pub(super) reads: Vec<Read>,
    /// The inputs of which the task has read single columns.
    pub(super) columns: Vec<ReadColumns>,
    pub(super) used: ProcessCost,
    /// When and where the task has run.
    pub(super) ran: Ran,
    /// Whether a draft record was written.
    pub(super) has_draft: bool,
    /// The draft record, on its way from the child to a worker that signs it: no other process can change it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<Box<DraftRecord>>,
    /// The signature of the record, by a worker that signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<String>,
}

/// Why a task has no output.
#[derive(Serialize, Deserialize)]
pub(super) struct FailedMessage {
    /// Whether the task ended because the run was stopped.
    pub(super) is_stopped: bool,
    /// Whether the task panicked, so that the process may be in a strange state.
    pub(super) has_panicked: bool,
    pub(super) error: ErrorText,
    /// The file that could not be written and the error of the operating system, if nothing can be written to the store.
    pub(super) unwritable: Option<(Bytes, i32)>,
}

/// Bytes that are text in most cases: a path, or lines of a log.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Bytes {
    Text(String),
    Other(Vec<u8>),
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Other(error.into_bytes()), Self::Text)
    }
}

impl From<&Path> for Bytes {
    fn from(path: &Path) -> Self {
        path.as_os_str().as_bytes().to_vec().into()
    }
}

impl Bytes {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Other(bytes) => bytes,
        }
    }

    pub(super) fn to_path(&self) -> PathBuf {
        OsString::from_vec(self.as_bytes().to_vec()).into()
    }
}
