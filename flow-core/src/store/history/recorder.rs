//! Records one run: passes what the engine says of it to the thread that writes the file.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};
use jiff::Timestamp;

use super::line::{End, Header};
use super::writer::{Entry, Room, Writer};
use super::{InstanceOutcome, InstanceRun, PlannedRun, Program, SCHEMA, git, run_id};
use crate::base::error::StoreError;
use crate::base::names::unique;
use crate::base::pause::{running_time, seconds_since};
use crate::base::{panics, process};
use crate::store::Store;
use crate::store::limit::Limits;
use crate::store::run_lock::RunLock;

/// Records one run in the history of its store: the engine's only access to the history.
///
/// No method fails, and none waits for the file system except [`finish`](Self::finish).
#[derive(Default)]
pub(crate) struct Recorder(Mutex<State>);

#[derive(Default)]
enum State {
    /// The run has not begun to do anything, has ended, or is not to be recorded.
    #[default]
    Idle,
    Recording(Box<Recording>),
    /// The thread could not be started.
    Failed(String),
}

struct Recording {
    entries: Sender<Entry>,
    writer: JoinHandle<Result<(), StoreError>>,
    /// The lock that shows that the run is in progress, whose name the file has.
    run_lock: Option<Arc<RunLock>>,
    /// The [`running_time`] at the start.
    begun: Duration,
    counts: BTreeMap<InstanceOutcome, u64>,
    room: Arc<Room>,
}

impl Recorder {
    fn state(&self) -> MutexGuard<'_, State> {
        // A destructor of a user's type may have panicked. The state is whole all the same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the lock of the run that is being recorded.
    pub(crate) fn run_lock(&self) -> Option<Arc<RunLock>> {
        match &*self.state() {
            State::Recording(recording) => recording.run_lock.clone(),
            State::Idle | State::Failed(_) => None,
        }
    }

    /// Begins to record a run that has something to do. Later calls do nothing: a run may consist of several
    /// executions.
    ///
    /// The lock is held until the run has [finished](Self::finish).
    pub(crate) fn begin(
        &self,
        store: &Arc<Store>,
        run_lock: Option<&Arc<RunLock>>,
        limits: Limits,
        planned: impl FnOnce() -> PlannedRun + Send + 'static,
    ) {
        let mut state = self.state();
        if limits.runs == 0 || !matches!(*state, State::Idle) {
            return;
        }
        let (entries, received) = unbounded();
        let started = Timestamp::now();
        let lock = run_lock.and_then(|lock| lock.name()).map_or_else(unique, str::to_owned);
        let id = run_id(started, &lock);
        // A task may change the current folder.
        let folder = std::env::current_dir().ok();
        let room = Arc::<Room>::default();
        let (store, room_of_writer) = (Arc::clone(store), Arc::clone(&room));
        let writer = Builder::new().name("flow-history".to_owned()).spawn(move || {
            let planned = panics::catch(planned).unwrap_or_default();
            let executable = process::executable();
            let header = Header {
                schema: SCHEMA,
                id: id.clone(),
                library: env!("CARGO_PKG_VERSION").to_owned(),
                started,
                host: process::host(),
                pid: std::process::id(),
                program: Program { name: executable.name.clone(), digest: executable.digest },
                commit: folder.and_then(|folder| git::commit(&folder)),
                planned,
            };
            Writer::new(store, &id, room_of_writer).write(header, &received, limits)
        });
        *state = match writer {
            Ok(writer) => State::Recording(Box::new(Recording {
                entries,
                writer,
                run_lock: run_lock.cloned(),
                begun: running_time(),
                counts: BTreeMap::new(),
                room,
            })),
            Err(error) => State::Failed(format!("cannot start a thread: {error}")),
        };
    }

    /// Records that an instance was settled. `describe` is called on another thread.
    pub(crate) fn record(
        &self,
        outcome: InstanceOutcome,
        describe: impl FnOnce() -> InstanceRun + Send + 'static,
    ) {
        let mut state = self.state();
        let State::Recording(recording) = &mut *state else { return };
        *recording.counts.entry(outcome).or_default() += 1;
        let is_full = recording.room.is_full.load(Ordering::Relaxed);
        if is_full && outcome != InstanceOutcome::Failed {
            recording.room.omitted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // If the thread has ended because of an error, `finish` returns the error.
        panics::discard(recording.entries.send(Entry::Instance(Box::new(describe))));
    }

    /// Records that the run has ended, and waits until all of it is written. Returns why it is not, if there was an
    /// error.
    pub(crate) fn finish(&self, success: bool) -> Option<String> {
        let state = std::mem::take(&mut *self.state());
        let recording = match state {
            State::Idle => return None,
            State::Failed(error) => return Some(error),
            State::Recording(recording) => *recording,
        };
        let Recording { entries, writer, run_lock, begun, counts, room: _ } = recording;
        let seconds = seconds_since(begun);
        // The thread adds the rest.
        let end = End { seconds, success, counts, ..End::default() };
        let _ = entries.send(Entry::End(end));
        drop(entries);
        let written = writer.join();
        // Only now may others take the file for one that has ended.
        drop(run_lock);
        match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => {
                panics::discard(panic);
                Some("the thread that writes it panicked".to_owned())
            }
        }
    }
}
