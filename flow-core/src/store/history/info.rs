//! What is known of a run without its instances.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::line::{End, Header, PlannedRun};
use super::{InstanceOutcome, InstanceRun};
use crate::base::key::Digest;
use crate::base::seconds::Seconds;
use crate::value::{escaped_text, first_line};

/// A run in the history of a store: when and where it ran, and how it ended. [`Runs`](super::Runs) lists them.
///
/// It is printed on one line:
///
/// ```text
/// 20260131T120000.000456Z-3f2a91c04b77e010: success in 12.5 s: 3 complete already, 2 ran (Report {n: 3})
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunInfo {
    /// The name of the run in its store: the time of its start (UTC) and 16 digits. Ids have the order of the starts.
    pub id: String,
    /// When it started.
    pub started: jiff::Timestamp,
    /// How long it took, in seconds; `None` if it has not ended, or was killed.
    pub seconds: Option<f64>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// The name of the machine.
    pub host: String,
    /// The number of the process on that machine.
    pub pid: u32,
    /// The program.
    pub program: Program,
    /// The commit that was checked out in the current folder, if that is in a repository of git.
    ///
    /// It does not say whether files differed from that commit.
    pub commit: Option<String>,
    /// The roots, such as `Report {n: 3}`. Of many, as in a sweep, only the first 20 are recorded.
    pub roots: Vec<String>,
    /// The number of roots.
    pub root_count: u64,
    /// The number of worker threads.
    pub workers: u64,
    /// The number of instances of the graph by their status before the run, such as `complete` and `pending`.
    pub planned: BTreeMap<String, u64>,
    /// The number of instances that the run settled, by outcome.
    ///
    /// Empty if the run has not ended, or was killed. [`Runs::load`](super::Runs::load) counts them then.
    pub counts: BTreeMap<InstanceOutcome, u64>,
    /// The number of settled instances that the history leaves out, because there are too many.
    pub omitted: u64,
    /// The largest memory that the process had used when the run ended, in bytes.
    ///
    /// It is that of the whole program since its start, and not of this run alone. `None` on systems other than Linux,
    /// and if the run has not ended, or was killed.
    pub peak_bytes: Option<u64>,
}

/// The program that did a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Program {
    /// The name of its executable file.
    pub name: String,
    /// A digest that differs between builds: of the size and of the first and last 64 KiB of the executable file.
    ///
    /// The first part contains the build id that most linkers write. `None` if the file could not be read.
    #[serde(default)]
    pub digest: Option<Digest>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunOutcome {
    /// Every root is complete.
    Success,
    /// A task failed, or the run could not continue.
    Failed,
    /// The run was stopped, by a signal such as Ctrl-C for example, and no task failed.
    Stopped,
    /// The process was killed, or ended otherwise, before the run did.
    Killed,
    /// The run is in progress.
    Running,
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Killed => "killed",
            Self::Running => "running",
        })
    }
}

impl RunOutcome {
    /// Returns the outcome of a run that has ended.
    fn of(end: &End) -> Self {
        let has = |outcome| end.counts.get(&outcome).is_some_and(|count| *count > 0);
        match end.success {
            true => Self::Success,
            false if has(InstanceOutcome::Stopped) && !has(InstanceOutcome::Failed) => {
                Self::Stopped
            }
            false => Self::Failed,
        }
    }
}

impl RunInfo {
    /// Returns the description of the run whose file has this name, first line and last line.
    pub(super) fn new(id: &str, header: Header, end: Option<End>, is_running: bool) -> Self {
        let Header { started, host, pid, program, commit, planned, .. } = header;
        let PlannedRun { roots, root_count, workers, planned } = planned;
        let outcome = match &end {
            Some(end) => RunOutcome::of(end),
            None if is_running => RunOutcome::Running,
            None => RunOutcome::Killed,
        };
        let seconds = end.as_ref().map(|end| end.seconds);
        let End { counts, omitted, peak_bytes, .. } = end.unwrap_or_default();
        let id = id.to_owned();
        Self {
            id,
            started,
            seconds,
            outcome,
            host,
            pid,
            program,
            commit,
            roots,
            root_count,
            workers,
            planned,
            counts,
            omitted,
            peak_bytes,
        }
    }

    /// Counts the instances of a run that has no end.
    pub(super) fn count(&mut self, instances: &[InstanceRun]) {
        if self.seconds.is_none() {
            self.counts.clear();
            for instance in instances {
                *self.counts.entry(instance.outcome).or_default() += 1;
            }
        }
    }
}

impl fmt::Display for RunInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", escaped_text(self.id.chars()), self.outcome)?;
        if let Some(seconds) = self.seconds {
            write!(f, " in {}", Seconds(seconds))?;
        }
        let complete = self.planned.get("complete").filter(|count| **count > 0);
        let complete = complete.map(|count| format!("{count} complete already"));
        let counts = self.counts.iter().map(|(outcome, count)| format!("{count} {outcome}"));
        let counts: Vec<_> = complete.into_iter().chain(counts).collect();
        if !counts.is_empty() {
            write!(f, ": {}", counts.join(", "))?;
        }
        match self.roots.as_slice() {
            [] => Ok(()),
            [root] if self.root_count <= 1 => write!(f, " ({})", first_line(root)),
            [root, ..] => {
                write!(f, " ({} and {} more)", first_line(root), self.root_count.saturating_sub(1))
            }
        }
    }
}
