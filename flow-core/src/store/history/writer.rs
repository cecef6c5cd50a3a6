//! Writes the file of one run, on a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::line::{End, Header, Line};
use super::{BATCH, INTERVAL, InstanceOutcome, InstanceRun, MOST, MOST_WITH_FAILURES};
use crate::base::error::{IoContext, StoreError};
use crate::base::{panics, process};
use crate::files::is_absent;
use crate::store::Store;
use crate::store::limit::Limits;

/// The longest text of an error that is recorded, in bytes.
const ERROR: usize = 16 << 10;

/// The longest reason, and the largest number of reasons, that are recorded. A reason is in bytes.
const REASON: usize = 1 << 10;
const REASONS: usize = 50;

/// The longest metadata entry that is recorded, in bytes of JSON.
const METADATA: usize = 4 << 10;

/// The longest name of a metadata entry that is recorded, in bytes.
const NAME: usize = 256;

/// The largest number of metadata entries that are recorded of an instance.
const ENTRIES: usize = 100;

/// How much of the run the file can still take.
#[derive(Default)]
pub(super) struct Room {
    /// Whether the file has room for failed instances only.
    pub(super) is_full: AtomicBool,
    /// The number of instances that were left out.
    pub(super) omitted: AtomicU64,
}

/// What the engine passes to the thread that writes the file.
pub(super) enum Entry {
    /// Describes an instance. The thread of the history calls it, because labels take time.
    Instance(Box<dyn FnOnce() -> InstanceRun + Send>),
    End(End),
}

/// The thread that writes the file.
pub(super) struct Writer {
    store: Arc<Store>,
    path: PathBuf,
    room: Arc<Room>,
    /// The lines that are not written yet.
    buffer: Vec<u8>,
    /// The number of bytes that were written.
    written: u64,
    has_instances: bool,
}

impl Writer {
    pub(super) fn new(store: Arc<Store>, id: &str, room: Arc<Room>) -> Self {
        let path = store.run_path(id);
        Self { store, path, room, buffer: Vec::new(), written: 0, has_instances: false }
    }

    /// Writes all entries, and removes the runs beyond the limits.
    pub(super) fn write(
        mut self,
        header: Header,
        entries: &Receiver<Entry>,
        limits: Limits,
    ) -> Result<(), StoreError> {
        self.push(&Line::Run(Box::new(header)));
        let result = self.write_batches(entries);
        // They may hold the last references to values of users' types.
        entries.try_iter().for_each(panics::discard);
        result?;
        if self.written > 0 {
            self.store.remove_runs_beyond(limits);
        }
        Ok(())
    }

    /// Appends what has gathered after each [`INTERVAL`], until there are no more entries.
    fn write_batches(&mut self, entries: &Receiver<Entry>) -> Result<(), StoreError> {
        // When the lines in the buffer have to be written.
        let mut due = Some(Instant::now() + INTERVAL);
        loop {
            let entry = match due {
                Some(due) => entries.recv_deadline(due),
                None => entries.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match entry {
                Ok(entry) => {
                    self.push_entry(entry);
                    due = due.or_else(|| Some(Instant::now() + INTERVAL));
                    if self.buffer.len() < BATCH {
                        continue;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // A run that has settled nothing has no file.
                Err(RecvTimeoutError::Disconnected) if self.written == 0 && !self.has_instances => {
                    return Ok(());
                }
                Err(RecvTimeoutError::Disconnected) => return self.append(),
            }
            self.append()?;
            due = None;
        }
    }

    fn push_entry(&mut self, entry: Entry) {
        match entry {
            Entry::Instance(describe) => {
                self.has_instances = true;
                let Ok(instance) = panics::catch(describe) else { return };
                self.push_instance(shortened(instance));
            }
            Entry::End(end) => {
                let omitted = self.room.omitted.load(Ordering::Relaxed);
                let peak_bytes = process::peak_bytes();
                self.push(&Line::End(End { omitted, peak_bytes, ..end }));
            }
        }
    }

    fn push_instance(&mut self, instance: InstanceRun) {
        let is_failed = instance.outcome == InstanceOutcome::Failed;
        let limit = if is_failed { MOST_WITH_FAILURES } else { MOST };
        let size = self.written + self.buffer.len() as u64;
        self.room.is_full.store(size >= MOST, Ordering::Relaxed);
        match size < limit {
            true => self.push(&Line::Instance(Box::new(instance))),
            false => drop(self.room.omitted.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn push(&mut self, line: &Line) {
        let before = self.buffer.len();
        match serde_json::to_writer(&mut self.buffer, line) {
            Ok(()) => self.buffer.push(b'\n'),
            // No type of a line can fail to be JSON, and a buffer can always be written.
            Err(_) => self.buffer.truncate(before),
        }
    }

    /// Appends the gathered lines to the file.
    fn append(&mut self) -> Result<(), StoreError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let (fs, path) = (&self.store.fs, &self.path);
        let appended = fs.append(path, &self.buffer).or_else(|error| match path.parent() {
            Some(folder) if self.written == 0 && is_absent(&error) => {
                fs.create_folder(folder)?;
                fs.append(path, &self.buffer)
            }
            _ => Err(error),
        });
        appended.during("write", path)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Returns the description of an instance with texts and metadata of limited size, so that the line can be read again.
fn shortened(mut instance: InstanceRun) -> InstanceRun {
    for error in [&mut instance.error, &mut instance.error_text].into_iter().flatten() {
        cut(error, ERROR);
    }
    instance.reasons.truncate(REASONS);
    instance.reasons.iter_mut().for_each(|reason| cut(reason, REASON));
    let mut entries = 0;
    instance.metadata.retain(|name, entry| {
        // Most entries are numbers, whose length need not be computed.
        if entry.is_string() || entry.is_array() || entry.is_object() {
            let bytes = entry.to_string().len();
            if bytes > METADATA {
                *entry = format!("({bytes} bytes of JSON)").into();
            }
        }
        let is_recorded = entries < ENTRIES && name.len() <= NAME;
        entries += usize::from(is_recorded);
        is_recorded
    });
    instance
}

/// Cuts a text that is longer than `limit` bytes.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        let more = text.len() - limit;
        text.truncate(text.floor_char_boundary(limit));
        text.push_str(&format!("… ({more} more bytes)"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::base::fs::Disk;
    use crate::base::key::Key;
    use crate::store::history::{PlannedRun, Recorder};

    /// Returns the description of an instance with this number.
    fn described(number: u64, outcome: InstanceOutcome) -> InstanceRun {
        InstanceRun {
            task: "Task".to_owned(),
            instance: format!("Task {{n: {number}}}"),
            key: Key(number.into()),
            outcome,
            fingerprint: None,
            output: None,
            started: None,
            seconds: 0.0,
            cpu_seconds: None,
            peak_bytes: None,
            attempts: 0,
            losses: 0,
            worker: None,
            queue_seconds: None,
            reasons: Vec::new(),
            error: None,
            error_text: None,
            metadata: BTreeMap::new(),
        }
    }

    #[test]
    fn a_very_long_history_is_cut_and_its_failures_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::new(folder.path().to_owned(), Arc::new(Disk)));
        let recorder = Recorder::default();
        recorder.begin(&store, None, Limits::default(), PlannedRun::default);
        let count = MOST / (ENTRIES * METADATA) as u64 + 20;
        for number in 0..count {
            recorder.record(InstanceOutcome::Ran, move || {
                let entry = |name: usize| (name.to_string(), Value::from("x".repeat(METADATA - 2)));
                let metadata = (0..ENTRIES).map(entry).collect();
                InstanceRun { metadata, ..described(number, InstanceOutcome::Ran) }
            });
        }
        recorder.record(InstanceOutcome::Failed, move || described(count, InstanceOutcome::Failed));
        assert_eq!(recorder.finish(false), None);

        let runs = store.runs().expect("a history");
        let (info, history) = (&runs[0], runs.load(&runs[0].id).expect("it can be read"));
        assert_eq!(info.counts[&InstanceOutcome::Ran], count);
        assert!(info.omitted > 5, "{info:?}");
        assert_eq!(history.instances.len() as u64 + info.omitted, count + 1);
        let last = history.instances.last().expect("a failure");
        assert_eq!((last.outcome, last.key), (InstanceOutcome::Failed, Key(count.into())));
    }

    #[test]
    fn long_texts_and_entries_are_cut() {
        let mut instance = described(1, InstanceOutcome::Failed);
        instance.error = Some("ä".repeat(ERROR));
        instance.reasons = vec!["reason".repeat(REASON); 2 * REASONS];
        instance.metadata =
            (0..2 * ENTRIES).map(|name| (format!("{name:03}"), name.into())).collect();
        instance.metadata.insert("000".to_owned(), vec![0; METADATA].into());
        instance.metadata.insert("0".repeat(NAME + 1), 0.into());
        let instance = shortened(instance);
        let error = instance.error.expect("an error");
        assert!(error.ends_with(&format!("ä… ({ERROR} more bytes)")), "{}", error.len());
        assert_eq!(instance.reasons.len(), REASONS);
        assert!(instance.reasons.iter().all(|reason| reason.len() < REASON + 40));
        assert_eq!(instance.metadata.len(), ENTRIES);
        assert_eq!(instance.metadata["000"], format!("({} bytes of JSON)", 2 * METADATA + 1));
        assert_eq!(instance.metadata["001"], 1);
    }

    #[test]
    fn nothing_is_recorded_before_a_run_begins_or_if_no_run_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::new(folder.path().to_owned(), Arc::new(Disk)));
        let recorder = Recorder::default();
        recorder.record(InstanceOutcome::Ran, || described(1, InstanceOutcome::Ran));
        assert_eq!(recorder.finish(true), None);
        recorder.begin(&store, None, Limits::default().runs(0), PlannedRun::default);
        recorder.record(InstanceOutcome::Ran, || described(1, InstanceOutcome::Ran));
        assert_eq!(recorder.finish(true), None);
        assert!(store.runs().expect("no history").is_empty());
        assert!(!folder.path().join(".flow").exists());
    }
}
