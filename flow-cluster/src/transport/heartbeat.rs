//! The heartbeat of a run in progress: a small text that the run writes anew again and again.
//!
//! A process that wants to know whether a run is in progress, and cannot know it from a lock, watches the heartbeat. One that changes
//! belongs to a run that is alive. One that stays the same for the time that is written in it, by the clock of the process that
//! watches, belongs to a run that has died. Neither clocks of other machines nor times of files count.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Builder, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ClusterError;
use crate::format::FORMAT;

/// The longest time in which a run writes its heartbeat anew, so that the next run need not wait longer to know that it has died.
pub(super) const LONGEST: Duration = Duration::from_secs(20);

/// In how many parts that time is divided: the heartbeat is written after one of them.
const RENEWALS: u32 = 4;

/// The shortest time that a heartbeat of another process may have.
const SHORTEST: Duration = Duration::from_millis(50);

/// How often heartbeats are read while they are watched, at least and at most.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How often heartbeats may be unreadable while they are watched.
const MOST_FAILURES: u32 = 5;

/// The most bytes of a heartbeat.
pub(super) const MOST: u64 = 4 << 10;

/// What is in a heartbeat.
#[derive(Serialize, Deserialize)]
pub(super) struct Beat {
    format: u32,
    /// Grows each time.
    beat: u64,
    /// After how many seconds without a change the run has died.
    seconds: f64,
    /// The machine of the run, if it has told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) machine: Option<String>,
}

impl Beat {
    pub(super) fn new(beat: u64, time: Duration) -> Self {
        Self { format: FORMAT, beat, seconds: time.as_secs_f64(), machine: None }
    }

    pub(super) fn on(self, machine: &str) -> Self {
        Self { machine: Some(machine.to_owned()), ..self }
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data")
    }
}

/// Writes the heartbeat of a run on a thread of its own, until it is dropped.
pub(super) struct Heartbeat {
    ends: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Calls `write` with 1, 2 and so on, four times in the time after which the run counts as dead. The caller has written 0.
    ///
    /// # Errors
    ///
    /// The operating system refuses a thread.
    pub(super) fn begin(
        time: Duration,
        write: impl Fn(u64) + Send + 'static,
    ) -> Result<Self, ClusterError> {
        let ends = Arc::new((Mutex::new(false), Condvar::new()));
        let its_ends = Arc::clone(&ends);
        let renew = move || {
            let mut beat = 0;
            let mut has_ended = its_ends.0.lock().unwrap_or_else(PoisonError::into_inner);
            while !*has_ended {
                let waited = its_ends.1.wait_timeout(has_ended, time / RENEWALS);
                has_ended = waited.unwrap_or_else(PoisonError::into_inner).0;
                if *has_ended {
                    break;
                }
                drop(has_ended);
                beat += 1;
                write(beat);
                has_ended = its_ends.0.lock().unwrap_or_else(PoisonError::into_inner);
            }
        };
        let thread = Builder::new().name("flow-mark".to_owned()).spawn(renew);
        Ok(Self { ends, thread: Some(thread.map_err(ClusterError::Thread)?) })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        *self.ends.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ends.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Watches heartbeats, and returns the runs that have died. `read` returns the heartbeats by the names of their runs.
///
/// If there are any, it calls `on_wait` first, with how long that may take. Nothing is waited for if there is none.
///
/// # Errors
///
/// The heartbeats cannot be read.
pub(super) fn dead_runs(
    read: impl Fn() -> Result<HashMap<String, Vec<u8>>, ClusterError>,
    on_wait: &dyn Fn(Duration),
) -> Result<HashSet<String>, ClusterError> {
    let mut first = read()?;
    if let Some(most) = first.values().map(|beat| time_of(beat)).max() {
        on_wait(most);
    }
    // As long as they are read, none of them can be seen to change. If a server does not answer, that takes long, and the runs cannot
    // write either.
    let mut watched = Duration::ZERO;
    let mut failures = 0;
    let mut dead = HashSet::new();
    let mut pause = LOOKS.0;
    while !first.is_empty() {
        thread::sleep(pause);
        if flow_core::process::interrupted().is_some() {
            // The run ends before it begins. Runs of which nothing is known count as in progress.
            break;
        }
        let paused = pause;
        pause = (2 * pause).min(LOOKS.1);
        let now = match read() {
            Ok(now) => now,
            Err(error) if error.may_pass() && failures < MOST_FAILURES => {
                failures += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        watched += paused;
        first.retain(|run, beat| {
            // One that is gone has ended.
            let is_unchanged = now.get(run).is_some_and(|now| *now == *beat);
            let has_died = is_unchanged && watched >= time_of(beat);
            if has_died {
                dead.insert(run.clone());
            }
            is_unchanged && !has_died
        });
    }
    Ok(dead)
}

/// Returns what tells this machine from others, as long as it runs: its processes, also those in containers, see each other's locks.
pub(super) fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    boot.map_or_else(|_| flow_core::process::host(), |boot| boot.trim().to_owned())
}

/// Returns after what time without a change a run has died.
fn time_of(beat: &[u8]) -> Duration {
    let seconds = Beat::parse(beat).map_or(LONGEST.as_secs_f64(), |beat| beat.seconds);
    Duration::from_secs_f64(seconds.clamp(SHORTEST.as_secs_f64(), LONGEST.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn a_hostile_heartbeat_keeps_no_run_waiting_for_long() {
        assert_eq!(time_of(b"{"), LONGEST);
        let hostile = br#"{"format":1,"beat":0,"seconds":1e300}"#;
        assert_eq!(time_of(hostile), LONGEST);
        let hostile = br#"{"format":1,"beat":0,"seconds":-1}"#;
        assert_eq!(time_of(hostile), SHORTEST);
    }

    /// Returns the heartbeat of a run whose time is a tenth of a second.
    fn beats() -> HashMap<String, Vec<u8>> {
        HashMap::from([("run".to_owned(), Beat::new(7, Duration::from_millis(100)).bytes())])
    }

    #[test]
    fn a_server_that_does_not_answer_for_long_ends_no_run() {
        let looks = Cell::new(0);
        let read = || {
            looks.set(looks.get() + 1);
            match looks.get() {
                // The run has not been able to write meanwhile.
                2 => thread::sleep(Duration::from_millis(300)),
                4.. => return Ok(HashMap::from([("run".to_owned(), b"its next beat".to_vec())])),
                _ => {}
            }
            Ok(beats())
        };
        assert!(dead_runs(read, &|_| {}).expect("they are read").is_empty());
        assert_eq!(looks.get(), 4);
    }

    #[test]
    fn heartbeats_that_cannot_be_read_for_a_moment_are_watched_on() {
        let looks = Cell::new(0);
        let error = || ClusterError::Io {
            action: "list",
            path: "runs".into(),
            source: ErrorKind::TimedOut.into(),
        };
        let read_after = |failing: u32| {
            looks.set(0);
            let read = || {
                looks.set(looks.get() + 1);
                let fails = looks.get() > 1 && looks.get() <= 1 + failing;
                if fails { Err(error()) } else { Ok(beats()) }
            };
            dead_runs(read, &|_| {})
        };
        assert_eq!(read_after(2).expect("they are read").len(), 1);
        assert!(read_after(u32::MAX - 1).is_err());
    }

    #[test]
    fn a_heartbeat_is_written_until_it_is_dropped() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let of_thread = Arc::clone(&written);
        let write = move |beat| of_thread.lock().expect("no panic").push(beat);
        let heartbeat = Heartbeat::begin(Duration::from_millis(40), write).expect("a thread");
        while written.lock().expect("no panic").len() < 2 {
            thread::sleep(Duration::from_millis(1));
        }
        drop(heartbeat);
        let beats = written.lock().expect("no panic").clone();
        assert_eq!(beats, (1..=beats.len() as u64).collect::<Vec<_>>());
        thread::sleep(Duration::from_millis(100));
        assert_eq!(written.lock().expect("no panic").len(), beats.len());
    }
}
