//! Logs: the lines that a task writes while it runs, and the output of the programs that it runs.
//!
//! ```text
//! Train/model=Logistic-3f2a91c04b77e010/
//!   log.txt     the log of the last attempt to run the task, or of the one in progress
//!   log-1.txt   the log of the first attempt, if another one followed
//!   log-2.txt   the log of the second
//! ```
//!
//! A log is created at its first line, so that a task that logs nothing costs no system call. It then replaces all
//! logs of the instance's previous run. Before another attempt begins, [`Store::rotate_log`] renames the log of the failed
//! attempt. The logs of the last [`EARLIER`] failed attempts are kept.
//!
//! A log has at most [`LIMIT`] bytes. Of a longer one the beginning and the last [`END`] bytes are kept: a notice marks
//! the place, and the end is written when the attempt ends. [`log_text`](super::log_text) reads logs.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::Key;
use crate::store::{Folder, Store};

/// The name of the file in the folder of an instance.
pub(crate) const LOG: &str = "log.txt";

/// The number of failed attempts whose logs are kept.
pub(crate) const EARLIER: u32 = 9;

/// The size that a log may reach before its middle is left out, in bytes.
pub(crate) const LIMIT: u64 = 64 << 20;

/// How much of the end of a longer log is kept, in bytes.
pub(crate) const END: usize = 256 << 10;

/// The number of attempts to create the file while other processes create it at the same moment.
const TRIES: usize = 8;

/// Returns the name of the log of a failed attempt, counted from 1.
pub(crate) fn earlier_log(attempt: u32) -> String {
    format!("log-{attempt}.txt")
}

/// Returns the number of the failed attempt whose log has this name.
pub(crate) fn attempt_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("log-")?.strip_suffix(".txt")?;
    let attempt = digits.parse().ok()?;
    // Numbers with a sign or with leading zeros are not names of the store.
    (earlier_log(attempt) == name).then_some(attempt)
}

/// Returns whether a file in the folder of an instance is a log.
pub(crate) fn is_log(name: &str) -> bool {
    name == LOG || attempt_of(name).is_some()
}

/// The log of one attempt to run a task: a file beside its output.
pub(crate) struct Log {
    store: Arc<Store>,
    folder: Folder,
    limit: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The file, once there is a line.
    out: Option<Box<dyn Write + Send>>,
    /// The number of bytes in the file.
    written: u64,
    /// The number of bytes beyond the limit, including those in `end`.
    beyond: u64,
    /// The last bytes beyond the limit.
    end: VecDeque<u8>,
    /// Whether the attempt has ended or has taken too long. Lines of threads that outlive it are dropped.
    is_closed: bool,
}

impl Log {
    pub(crate) fn new(store: &Arc<Store>, folder: &Folder) -> Self {
        let (store, folder) = (Arc::clone(store), folder.clone());
        Self { store, folder, limit: LIMIT, state: Mutex::default() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.store.path(&self.folder, LOG)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the name of the file, if anything was logged.
    pub(crate) fn name(&self) -> Option<&'static str> {
        (self.state().written > 0).then_some(LOG)
    }

    /// Appends one or more lines, unless the log was closed.
    ///
    /// # Errors
    ///
    /// The file cannot be created or written.
    pub(crate) fn write(&self, text: &[u8]) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.is_closed || text.is_empty() {
            return Ok(());
        }
        if state.out.is_none() {
            state.out = Some(self.begin().during("create", &self.path())?);
        }
        let room = self.limit.saturating_sub(state.written);
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(text.len());
        let (first, beyond) = text.split_at(fits);
        let written = state.append(first).and_then(|()| match (beyond, state.beyond) {
            ([], _) => Ok(()),
            (_, 0) => {
                let notice = format!(
                    "\n[the log is cut here, because it has {} bytes; its end follows when the task ends]\n",
                    self.limit
                );
                state.append(notice.as_bytes())
            }
            _ => Ok(()),
        });
        written.during("write", &self.path())?;
        state.keep_end(beyond);
        Ok(())
    }

    /// Ends the log: writes the end of a log that was cut, and drops all lines that follow.
    ///
    /// # Errors
    ///
    /// The end cannot be written.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        state.is_closed = true;
        let end = std::mem::take(&mut state.end);
        let left_out = state.beyond - end.len() as u64;
        let written = match end.is_empty() {
            true => Ok(()),
            false => {
                let mut text = match left_out {
                    0 => Vec::new(),
                    bytes => format!("[{bytes} bytes are left out]\n").into_bytes(),
                };
                text.extend(end);
                state.append(&text)
            }
        };
        state.out = None;
        written.during("write", &self.path())
    }

    fn begin(&self) -> io::Result<Box<dyn Write + Send>> {
        let (fs, path) = (self.store.fs(), self.path());
        for _ in 1..TRIES {
            match fs.create(&path) {
                // The log of the previous run: `rotate_log` leaves none of an earlier attempt under this name.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    self.store.remove_logs(&self.folder);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs.create_folder(&self.store.root().join(&self.folder))?;
                }
                created => return created,
            }
        }
        fs.create(&path)
    }
}

impl State {
    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        out.write_all(text)?;
        out.flush()?;
        self.written += text.len() as u64;
        Ok(())
    }

    /// Keeps the last bytes of the text beyond the limit.
    fn keep_end(&mut self, beyond: &[u8]) {
        self.beyond += beyond.len() as u64;
        self.end.extend(&beyond[beyond.len().saturating_sub(END)..]);
        let surplus = self.end.len().saturating_sub(END);
        self.end.drain(..surplus);
    }
}

impl Store {
    /// Renames the log of a failed attempt, counted from 1, to make room for that of the next attempt.
    ///
    /// The failure of the attempt must have been recorded: only its record tells whether the log is that of the
    /// attempt. If it logged nothing, there is nothing to rename.
    ///
    /// # Errors
    ///
    /// The file cannot be renamed. Then the log of the next attempt replaces it.
    pub(crate) fn rotate_log(
        &self,
        folder: &Folder,
        key: Key,
        attempt: u32,
    ) -> Result<(), StoreError> {
        let run = self.failure(folder, key).and_then(|failure| failure.run);
        if !run.is_some_and(|run| run.attempts == attempt && run.log.is_some()) {
            return Ok(());
        }
        let path = self.path(folder, LOG);
        let renamed = self.fs.rename(&path, &self.path(folder, &earlier_log(attempt)));
        if let Some(oldest @ 1..) = attempt.checked_sub(EARLIER) {
            // An attempt that logged nothing has no file.
            let _ = self.fs.remove(&self.path(folder, &earlier_log(oldest)));
        }
        renamed.during("rename", &path)
    }

    /// Removes the logs in the folder of an instance. Errors are ignored: a log that stays is replaced or reported by
    /// the operation that follows.
    fn remove_logs(&self, folder: &Folder) {
        let names = self.names(&self.root().join(folder)).unwrap_or_default();
        for name in names.iter().filter(|name| is_log(name)) {
            let _ = self.fs.remove(&self.path(folder, name));
        }
    }

    /// Returns the names of the logs in the folder of an instance, those of failed attempts first and in order.
    pub(crate) fn log_names(&self, folder: &Folder) -> Result<Vec<String>, StoreError> {
        let at = self.root().join(folder);
        let mut names = self.names_if_there(&at)?;
        names.retain(|name| is_log(name));
        names.sort_by_key(|name| attempt_of(name).unwrap_or(u32::MAX));
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::fs::Disk;
    use crate::store::failure::{FailedRun, Failure};
    use crate::store::record::Meta;

    const KEY: Key = Key(0x0123_4567_89ab_cdef << 64);

    /// Ends an attempt that fails, and begins the next one.
    fn fail(log: &Log, attempts: u32) {
        log.close().expect("closed");
        let log_name = log.name().map(str::to_owned);
        let run = FailedRun {
            attempts,
            losses: 0,
            started: jiff::Timestamp::UNIX_EPOCH,
            seconds: 0.0,
            host: String::new(),
            log: log_name,
            meta: Meta::new(),
            figures: Vec::new(),
        };
        let failure = Failure::new(KEY, &"it fails".to_owned().into(), Some(run), None);
        log.store.note_failure(&log.folder, &failure);
        log.store.rotate_log(&log.folder, KEY, attempts).expect("renamed");
    }

    fn store() -> (tempfile::TempDir, Arc<Store>, Folder) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::new(folder.path().to_owned(), Arc::new(Disk)));
        (folder, store, Path::new("Train").join("0123456789abcdef"))
    }

    fn read(store: &Store, folder: &Folder, name: &str) -> String {
        std::fs::read_to_string(store.path(folder, name)).expect("a log")
    }

    #[test]
    fn each_attempt_has_a_log_and_the_oldest_are_removed() {
        let (_folder, store, folder) = store();
        let attempts = EARLIER + 3;
        for attempt in 1..=attempts {
            let log = Log::new(&store, &folder);
            log.write(format!("attempt {attempt}\n").as_bytes()).expect("a line");
            match attempt == attempts {
                true => log.close().expect("closed"),
                false => fail(&log, attempt),
            }
            log.write(b"of a thread that outlives the attempt\n").expect("dropped");
        }
        let names = store.log_names(&folder).expect("the logs");
        let kept = (attempts - EARLIER..attempts).map(earlier_log);
        assert_eq!(names, kept.chain([LOG.to_owned()]).collect::<Vec<_>>());
        assert_eq!(read(&store, &folder, LOG), format!("attempt {attempts}\n"));
        assert_eq!(read(&store, &folder, &names[0]), format!("attempt {}\n", attempts - EARLIER));

        // The first line of the next run replaces all of them.
        let next = Log::new(&store, &folder);
        assert_eq!(store.log_names(&folder).expect("the logs").len(), names.len());
        assert_eq!(next.name(), None);
        next.write(b"next\n").expect("a line");
        assert_eq!(next.name(), Some(LOG));
        assert_eq!(store.log_names(&folder).expect("the logs"), [LOG]);
    }

    #[test]
    fn an_attempt_that_logs_nothing_has_no_log() {
        let (_folder, store, folder) = store();
        // The log of an earlier run is not that of the first attempt.
        let before = Log::new(&store, &folder);
        before.write(b"before\n").expect("a line");
        let first = Log::new(&store, &folder);
        fail(&first, 1);
        assert_eq!(store.log_names(&folder).expect("the logs"), [LOG]);
        let second = Log::new(&store, &folder);
        second.write(b"2\n").expect("a line");
        fail(&second, 2);
        let third = Log::new(&store, &folder);
        third.close().expect("closed");
        assert_eq!(store.log_names(&folder).expect("the logs"), ["log-2.txt"]);
    }

    #[test]
    fn a_long_log_keeps_its_beginning_and_its_end() {
        let (_folder, store, folder) = store();
        let log = Log { limit: 100, ..Log::new(&store, &folder) };
        for line in 0..100_000 {
            log.write(format!("line {line}\n").as_bytes()).expect("a line");
        }
        let cut = read(&store, &folder, LOG);
        assert!(cut.starts_with("line 0\nline 1\n"), "{cut}");
        assert!(
            cut.ends_with("because it has 100 bytes; its end follows when the task ends]\n"),
            "{cut}"
        );
        log.close().expect("closed");
        let whole = read(&store, &folder, LOG);
        assert!(whole.starts_with(&cut) && whole.ends_with("\nline 99999\n"));
        assert!(whole.contains(" bytes are left out]\n"));
        assert!(whole.len() < END + 400, "{}", whole.len());
        // A log that is a little too long keeps everything.
        let log = Log { limit: 10, ..Log::new(&store, &folder) };
        log.write(b"0123456789abcdef\n").expect("a line");
        log.close().expect("closed");
        let text = read(&store, &folder, LOG);
        assert!(text.starts_with("0123456789\n[") && text.ends_with("]\nabcdef\n"), "{text}");
        assert!(!text.contains("left out"), "{text}");
    }

    #[test]
    fn only_names_of_the_store_are_logs() {
        assert!(is_log("log.txt") && is_log("log-1.txt") && is_log("log-40.txt"));
        for name in ["log", "log-.txt", "log-01.txt", "log-+1.txt", "log-1.txt.gz", "my-log.txt"] {
            assert!(!is_log(name), "{name}");
        }
        assert_eq!(attempt_of("log-12.txt"), Some(12));
        assert_eq!(attempt_of(&format!("log-{}.txt", u64::MAX)), None);
    }
}
