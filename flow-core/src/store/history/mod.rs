//! The history of runs: what each run did, in one file for each run.
//!
//! ```text
//! .flow/runs/20260131T120000.000456Z-3f2a91c04b77e010.jsonl
//! ```
//!
//! The name has the time at which the run began (UTC) and the name of the run's lock in `.flow/running`. The file is
//! JSON Lines: an object on each line, in UTF-8. Lines are only appended. Programs may read it; this is schema 1:
//!
//! | line | fields |
//! | --- | --- |
//! | first, `kind` is `run` | `schema`, `id`, `library` (its version), `started`, `host`, `pid`, `program` (`name` and `digest` of the executable file), `commit` (of git, if there is one), `roots` (the first [`ROOTS`]), `root_count`, `workers`, `planned` (the number of instances by status before the run) |
//! | one for each instance that the run settled, `kind` is `instance` | `task`, `instance` (its label), `key`, `outcome`, `fingerprint`, `output` (the digest of its content), `started`, `seconds`, `cpu_seconds`, `peak_bytes`, `attempts`, `losses`, `worker` and `queue_seconds` (only if an executor ran it elsewhere), `reasons`, `error` (its first line), `error_text` (the whole error, if it has more lines), `metadata` |
//! | last, `kind` is `end` | `seconds`, `success`, `counts` (the number of instances by outcome), `omitted`, `peak_bytes` |
//!
//! Times are RFC 3339 in UTC. Durations are seconds, without the time for which the process was suspended by Ctrl-Z.
//! What is not known is `null`: `cpu_seconds` is the CPU time of the thread that ran the task, where the system reports it.
//!
//! `peak_bytes` of an instance is the largest memory of the process that ran it. It is `null` if the task ran in a thread
//! of the program, because threads share their memory; so it is known only for tasks that run in a process of their
//! own. `peak_bytes` of the last line is that of the whole program since its start, with everything that it did
//! beside and before this run. It is `null` on systems other than Linux.
//!
//! `worker` and `queue_seconds` are those of the last attempt, by the clock of the process that did the run. A job that an
//! earlier run had submitted has no `queue_seconds`, and one that no worker began with has no `worker` and no `started`.
//!
//! `outcome` is one of `ran`, `reused`, `unchanged`, `other_process`, `given`, `completed`, `failed`, `not_run` and `stopped`:
//! the variants of [`InstanceOutcome`]. Instances that were complete before have no line.
//! An instance may have several lines, for example if its output turned out to be up to date and was later produced
//! again because its file was missing.
//!
//! A later version of this library may add fields, kinds of lines and outcomes to schema 1. Readers ignore those that
//! they do not know. Any other change gives the schema another number.
//!
//! Secrets are not in the file: labels show them as `***`. Errors and metadata are what the task has put into them.
//!
//! # How a run writes it
//!
//! The engine has a [`Recorder`], which passes the lines to a thread of its own, so that a slow disk does not delay
//! the run. The thread appends what has gathered after [`INTERVAL`], or sooner if it is [`BATCH`] bytes, and at the
//! end. A run that settles nothing writes no file.
//!
//! Nothing is synced: a process that is killed loses at most the last [`INTERVAL`], and a power loss at most what the
//! operating system had not written, or the whole file. No output depends on it. An error of writing ends the history
//! of that run, and is a warning in its summary.
//!
//! After [`MOST`] bytes only failed instances get a line, and none after [`MOST_WITH_FAILURES`] bytes; `omitted` says
//! how many have none. Very long texts and metadata entries are shortened, and of very many entries some are left out.
//!
//! # How it is read
//!
//! A file has no `end` if the process was killed, and its last line may be torn. Such a line is ignored. If a run has
//! no end and its lock is not held, it was killed. Files may be damaged or hostile: each is read within limits
//! of its own, and one that cannot be read hides no other.
//!
//! The end of a run, and `gc`, remove the files [beyond the limits](keep), but never that of a run in progress.
//! Nothing else in the store refers to a file of the history, and pushes and exports do not copy it.

mod compare;
mod git;
mod info;
mod instance;
mod keep;
mod line;
mod read;
mod recorder;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

pub use self::compare::{InstanceChange, MetadataChange, RunComparison};
pub use self::info::{Program, RunInfo, RunOutcome};
pub use self::instance::{InstanceOutcome, InstanceRun};
pub(crate) use self::line::PlannedRun;
pub use self::read::{RunHistory, Runs};
pub(crate) use self::recorder::Recorder;
use crate::store::Store;

/// The number of the schema, which the [module documentation](self) describes.
const SCHEMA: u32 = 1;

/// The folder of the files, in the store's internal folder.
const RUNS: &str = "runs";

/// The extension of the files.
const EXTENSION: &str = ".jsonl";

/// How long lines gather before they are appended to the file.
const INTERVAL: Duration = Duration::from_millis(100);

/// The size at which lines are appended at once, in bytes.
const BATCH: usize = 64 << 10;

/// The size of a file from which on only failed instances get a line, in bytes: about 80,000 instances.
const MOST: u64 = 32 << 20;

/// The size of a file from which on no instance gets a line, in bytes.
const MOST_WITH_FAILURES: u64 = 48 << 20;

/// The number of roots that a file names.
pub(crate) const ROOTS: usize = 20;

/// Returns the id of a run that starts now. `unique` is the name of its lock.
fn run_id(started: Timestamp, unique: &str) -> String {
    format!("{}-{unique}", time_of_id(started))
}

/// Returns the first part of the ids of runs that start at this time. Such texts have the order of the times.
fn time_of_id(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%S%.6fZ").to_string()
}

/// Returns the name of the lock of a run from the run's id, which must have the form that [`run_id`] returns.
fn lock_of(id: &str) -> Option<&str> {
    let (time, unique) = id.split_once('-')?;
    let is_time = time.len() == "20260131T120000.000456Z".len()
        && time.starts_with(|c: char| c.is_ascii_digit());
    let is_unique = unique.len() == 16 && unique.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_time && time.is_ascii() && is_unique).then_some(unique)
}

impl Store {
    /// Returns the path of the file of a run.
    fn run_path(&self, id: &str) -> PathBuf {
        self.internal(RUNS).join(format!("{id}{EXTENSION}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_time_and_the_lock_of_its_run() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let id = run_id(time("2026-01-31T12:00:00.000456Z"), "3f2a91c04b77e010");
        assert_eq!(id, "20260131T120000.000456Z-3f2a91c04b77e010");
        assert_eq!(lock_of(&id), Some("3f2a91c04b77e010"));
        for other in ["", "-", "x-3f2a91c04b77e010", &id[..id.len() - 1], format!("{id}0").as_str()]
        {
            assert_eq!(lock_of(other), None, "{other:?}");
        }
        // The order of the texts is the order of the times.
        let times = ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.1Z", "2026-10-01T00:00:00Z"];
        let ids = times.map(|text| time_of_id(time(text)));
        assert!(ids.is_sorted(), "{ids:?}");
    }
}
