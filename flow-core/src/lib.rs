//! The core of typed-flow: tasks, parameters, keys, plans, the store and the engine.
//!
//! Users depend on the facade crate, `typed-flow`, which re-exports the public items of this crate.

#![cfg_attr(not(unix), allow(dead_code, reason = "child processes that run tasks need Unix"))]

#[doc(hidden)]
pub mod __private;
mod base;
mod check;
mod engine;
mod export;
mod files;
mod flow;
mod plan;
mod plot;
mod remote;
mod report;
mod store;
mod sweep;
pub mod target;
mod task;
#[doc(hidden)]
pub mod value;

pub use base::code::{Code, Tracked};
pub use base::error::StoreError;
#[doc(hidden)]
pub use base::fs;
pub use base::key::{Digest, Key, NotHex};
pub use base::stop::{Signal, Stopper};
pub use check::{Checked, Problems, check};
pub use export::python::PYTHON_PACKAGE;
pub use flow::error::{Error, SelectError};
pub use flow::summary::{Entry, Summary};
pub use flow::sweep_summary::{SweepSummary, VariantOutcome};
pub use flow::{Bless, Blessed, Difference, NotBlessed};
pub use flow::{
    Damage, Flow, FlowStore, Garbage, Gc, Metadata, OutputVersion, Removed, ReuseSource, Roots,
    RunHandle, StoredOutput, Subgraph, UnsignedOutput, Verified,
};
pub use flow::{DebugError, DebugInput, DebugInstance, DebugOutcome, DebugRun};
pub use flow::{ExportSummary, Skipped, Transferred};
pub use flow::{RemoteGarbage, RemoteGc};
pub use plan::cost::Cost;
pub use plan::error::{PlanError, PlanErrorKind};
pub use plan::failure::LastFailure;
pub use plan::instance::Instance;
pub use plan::label::Show;
pub use plan::policy::OnFailure;
pub use plan::reason::{InputChange, Reason};
pub use plan::rejected::RejectedRows;
pub use plan::sweep_error::SweepError;
pub use plan::tree::Preview;
pub use plan::verdicts::Status;
pub use plan::versions::RecordedVersion;
pub use plan::warning::Warning;
pub use plan::why::{Cause, Step, Why};
pub use plot::Plot;
pub use remote::{Remote, RemoteEntry, RemoteFolder, RemoteHold};
pub use report::event::Event;
pub use store::change::CodeChange;
pub use store::figures::{Figure, FigureError, FigureFormat};
pub use store::history::{
    InstanceChange, InstanceOutcome, InstanceRun, MetadataChange, Program, RunComparison,
    RunHistory, RunInfo, RunOutcome, Runs,
};
pub use store::limit::Limits;
pub use store::log_text::{FollowedLog, TaskLog};
pub use store::recorded::{RecordedFile, RecordedInput, RecordedOutput};
pub use store::trust::Trust;
pub use store::verify::Harm;
pub use sweep::{Best, ByVariant, Cells, Drawn, Sweep, SweepPreview, Table, TableColumn};
pub use target::{Columnar, Pieces, ReadRows, Sink, Source, Streaming, Target, read};
pub use task::amount::Amount;
pub use task::backoff::Backoff;
pub use task::code_item::CodeItem;
pub use task::command::Command;
pub use task::cx::{Cx, LogEntered, LogScope, Over, Variants, With};
#[cfg(feature = "tracing")]
pub use task::cx::{LogLayer, Logger, layer, logger};
pub use task::error::{LoadError, LoadErrorKind, RequireError, RequireErrorKind};
pub use task::expectation::{
    CheckReport, ColumnStatistics, ExpectationResult, OutputQuality, Quality, Severity,
};
pub use task::info::{ParameterInfo, TaskInfo, UnknownTask, tasks};
pub use task::input::{Input, InputPart, Inputs, SelectedInput};
pub use task::keep::{File, Gathered, Keep, KeepPart, Memory, Outputs, Part, Several};
pub use task::loaded::Loaded;
pub use task::param::{IntoParam, Param, ParamKey, Parameter};
pub use task::setting::Setting;
pub use task::{Output, Run, Task, Uses};
pub use value::secret::Secret;

/// How sizes and durations are printed, and the most similar name is found, for the command line.
#[doc(hidden)]
pub use base::{bytes::Bytes, names::nearest, seconds::Seconds};

/// How graphs are laid out, for the page.
#[doc(hidden)]
pub use plot::layout;

/// The process as a whole, for the signal handlers of the facade.
#[doc(hidden)]
pub mod process {
    pub use crate::base::callbacks::Registered;
    pub use crate::base::pause::{Change, announce_exit, on_change, pause, resume, running_time};
    pub use crate::base::process::{host, local_time};
    pub use crate::base::programs::{continue_all, kill_all, suspend_all};
    pub use crate::base::stop::{clear_interrupt, interrupt, interrupted, runs_in_progress};
    pub use crate::engine::executor::take_over;
    pub use crate::flow::failures::without_shown_errors;
    pub use crate::report::announcement::announce;
}

/// Executors of other machines: running the tasks of a flow on a cluster.
///
/// [`Flow::executor`] sets the executor of a flow. `typed-flow` has one in the crate `flow-cluster`. This module is for who
/// writes another: a [`JobExecutor`](executor::JobExecutor), which a run hands its jobs to, and a program that runs them
/// by a [`JobRunner`](executor::JobRunner) on another machine. What passes between both is up to the executor; jobs and
/// messages are texts that it does not understand.
///
/// ```text
///   the run                 the executor                            a process of the same build, elsewhere
///   JobQueue::submit ─────► Job ──────────── its own way ─────────► JobRunner::run, in a child process
///   JobEvents ◄──────────── Begun, Message ◄─────────────────────── JobLink::send
///   SubmittedJob::send ───► message ──────────────────────────────► JobInbox::send
///   SubmittedJob::cancel ─► the job is taken away ────────────────► JobInbox::cancel
/// ```
///
/// - Events come in this order: any number of `Waiting`, then `Begun`, then messages. The last message says how the task
///   has ended. Instead of any of them, `Lost`, `GivenBack`, `Failed` or
///   `Cancelled` may come.
/// - After each of these, no message follows, and nothing that the lost process does from then on can be committed: neither by
///   this run nor, from a draft record, by a later one. The same holds when `cancel` has returned. A folder that is renamed
///   achieves both, if the lost process writes its draft record there.
/// - A job that was lost has not failed: the run submits it again, up to three times, without counting it as a retry.
/// - An executor may *adopt* a job that runs already, because an earlier run has submitted the same key and fingerprint
///   and was killed. Its messages follow from the first one on.
/// - An executor of machines that do not reach the folder of the store says that it
///   [moves files](executor::JobExecutor::moves_files), and carries those of inputs and outputs.
pub mod executor {
    pub use crate::engine::executor::{JobInbox, JobRunner};
    pub use crate::plan::executor::{
        Job, JobEnd, JobEvent, JobEvents, JobExecutor, JobFile, JobLink, JobQueue, RunOfJobs,
        SubmittedJob,
    };

    /// Returns a reader of content that should be that of a file. If it is not, an error of the kind
    /// [`InvalidData`](std::io::ErrorKind::InvalidData) comes in place of the end of the content.
    ///
    /// ```
    /// use std::io::{ErrorKind, Read};
    ///
    /// use flow::executor::{JobFile, verified};
    ///
    /// # fn main() -> flow::Result<()> {
    /// // The first 128 bits of BLAKE3.
    /// let file = JobFile::new("Train/a.json".into(), "af1349b9f5f9a1a6a0404dea36dcc949".parse()?, 0);
    /// let mut content = Vec::new();
    /// verified(&b""[..], &file).read_to_end(&mut content)?;
    /// let damaged = verified(&b"1"[..], &file).read_to_end(&mut content).unwrap_err();
    /// assert_eq!(damaged.kind(), ErrorKind::InvalidData);
    /// # Ok(())
    /// # }
    /// ```
    pub fn verified<R: std::io::Read>(content: R, file: &JobFile) -> impl std::io::Read + use<R> {
        crate::remote::checked_io::Checked::new(content, file.digest, file.bytes)
    }

    /// Returns 16 hexadecimal digits that no other call and no other process returns.
    pub fn unique() -> String {
        crate::base::names::unique()
    }
}

/// Signatures of outputs: the interface for who signs and verifies them.
///
/// [`Flow::sign`] and [`Flow::require_signatures`] set them. `typed-flow` implements both for ed25519 with the cargo feature
/// `signatures`.
pub mod signature {
    pub use crate::base::signature::{SignatureError, Signer, Verifier};
}

/// Re-export of the crate whose dates [`Sweep::days`] accepts, in the required version.
#[doc(no_inline)]
pub use jiff;
