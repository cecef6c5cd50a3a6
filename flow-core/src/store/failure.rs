//! Failures: a file for each instance that failed in its last run.
//!
//! It has the error with its causes, what the attempts left behind, and what is needed to run the instance again by
//! itself: its parameters, and the parts of its fingerprint with the digest of each input. The next commit of the
//! instance removes it, with the figures that it names.
//!
//! Earlier releases recorded the key, the error, its backtrace and the time. Those files are read, too. A file that is
//! no failure of the instance is ignored: it only explains, and decides nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::error_text::ErrorText;
use crate::base::key::{Digest, Key};
use crate::files::is_absent;
use crate::store::figures::is_figure;
use crate::store::log::is_log;
use crate::store::output::OutputFile;
use crate::store::record::{MadeFrom, Meta, RecordedInstance};
use crate::store::{Folder, Store, bounds, json};

pub(crate) const FAILURE: &str = "failure.json";

/// The longest text that is recorded of an error, a cause or a backtrace, in bytes.
const LONGEST: usize = 1 << 20;

/// The most inputs of an instance that are recorded. A record of more could be too large to be read.
const MOST_INPUTS: usize = 100_000;

/// The failure of an instance's last run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) key: Key,
    /// The message followed by all causes.
    pub(crate) error: String,
    /// The message, then each cause. Empty in a record of an earlier release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) chain: Vec<String>,
    /// The file and line of the panic, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) panicked_at: Option<String>,
    /// The backtrace of the error, if one was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) backtrace: Option<String>,
    /// When it failed.
    pub(crate) at: jiff::Timestamp,
    /// What the attempts left behind; `None` if the task was not started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<FailedRun>,
    /// What it was about to compute; `None` if that was not known, because it failed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<FailedInstance>,
}

/// What the attempts to run a task left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FailedRun {
    /// How often the task was started: the logs of the earlier times have these numbers.
    pub(crate) attempts: u32,
    /// How often it was lost before with the process or machine that ran it, without that counting as an attempt.
    #[serde(default)]
    pub(crate) losses: u32,
    /// When the last attempt began.
    pub(crate) started: jiff::Timestamp,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    pub(crate) host: String,
    /// The name of its log in the folder of the instance; `None` if it logged nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<String>,
    /// The metadata that the task had recorded when it failed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) meta: Meta,
    /// The figures and notes that the task had kept when it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) figures: Vec<OutputFile>,
}

impl FailedRun {
    /// Returns the number of attempts, without those that were lost and do not count.
    pub(crate) fn counted(&self) -> u32 {
        self.attempts.saturating_sub(self.losses)
    }
}

/// What a failed instance was about to compute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FailedInstance {
    pub(crate) task: String,
    /// The parameters, as in a [`Record`](crate::store::record::Record).
    pub(crate) parameters: BTreeMap<String, serde_json::Value>,
    pub(crate) fingerprint: Digest,
    /// The parts of the fingerprint, with the label and the digest of each input.
    pub(crate) made_from: MadeFrom,
    /// The paths of the first inputs, in order: relative to the store if they are in it, and empty if there is no
    /// file. For people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) paths: Vec<String>,
}

impl FailedInstance {
    pub(crate) fn new(instance: RecordedInstance, paths: Vec<String>) -> Self {
        let RecordedInstance { task, parameters, fingerprint, made_from, .. } = instance;
        Self { task, parameters, fingerprint, made_from, paths }
    }
}

impl Failure {
    /// Creates the record of a failure that happens now.
    pub(crate) fn new(
        key: Key,
        error: &ErrorText,
        run: Option<FailedRun>,
        instance: Option<FailedInstance>,
    ) -> Self {
        let ErrorText { text, chain, panicked_at, backtrace } = error;
        let is_small = |one: &FailedInstance| one.made_from.inputs.len() <= MOST_INPUTS;
        Self {
            key,
            error: clipped(text),
            chain: chain.iter().map(|cause| clipped(cause)).collect(),
            panicked_at: panicked_at.clone(),
            backtrace: backtrace.as_deref().map(clipped),
            at: jiff::Timestamp::now(),
            run,
            instance: instance.filter(is_small),
        }
    }
}

/// Returns a text that is short enough to be read again.
fn clipped(text: &str) -> String {
    match text.len() <= LONGEST {
        true => text.to_owned(),
        false => format!("{}…", &text[..text.floor_char_boundary(LONGEST)]),
    }
}

impl Store {
    /// Returns the failure of the instance's last run, if it failed.
    pub(crate) fn failure(&self, folder: &Folder, key: Key) -> Option<Failure> {
        self.read_failure(folder, key).ok().flatten()
    }

    /// Returns the failure of the instance's last run, or why its file cannot be used.
    pub(crate) fn read_failure(
        &self,
        folder: &Folder,
        key: Key,
    ) -> Result<Option<Failure>, String> {
        let path = self.path(folder, FAILURE);
        let bytes = match self.fs.read(&path, bounds::NOTE) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
        };
        let failure: Failure = json::parse(&bytes)
            .map_err(|error| format!("{} is damaged: {error}", path.display()))?;
        if failure.key != key {
            let reason = format!("is that of another instance, {}", failure.key);
            return Err(format!("{} {reason}", path.display()));
        }
        // The file may come from anyone: no name may lead out of the folder.
        let run = failure.run.map(|run| FailedRun {
            log: run.log.filter(|log| is_log(log)),
            figures: own_figures(run.figures),
            ..run
        });
        Ok(Some(Failure { run, ..failure }))
    }

    /// Records a failure in place of an earlier one, whose figures are removed.
    pub(crate) fn note_failure(&self, folder: &Folder, failure: &Failure) {
        let earlier = self.figures_of_failure(folder);
        self.note(&self.path(folder, FAILURE), failure);
        self.discard_figures(folder, &earlier);
    }

    /// Removes the failure of an instance, and its figures.
    pub(crate) fn clear_failure(&self, folder: &Folder) {
        let path = self.path(folder, FAILURE);
        let figures = match self.fs.read(&path, bounds::NOTE) {
            // The common case takes one operation.
            Err(error) if is_absent(&error) => return,
            Err(_) => Vec::new(),
            Ok(bytes) => figures_in(&bytes),
        };
        let _ = self.fs.remove(&path);
        self.discard_figures(folder, &figures);
    }

    /// Returns the figures that the failure in a folder names, of whichever instance it is.
    pub(super) fn figures_of_failure(&self, folder: &Folder) -> Vec<OutputFile> {
        let bytes = self.fs.read(&self.path(folder, FAILURE), bounds::NOTE);
        bytes.map_or_else(|_| Vec::new(), |bytes| figures_in(&bytes))
    }
}

/// Returns the figures that the file of a failure names.
fn figures_in(bytes: &[u8]) -> Vec<OutputFile> {
    let failure = json::parse::<Failure>(bytes).ok();
    let run = failure.and_then(|failure| failure.run);
    run.map_or_else(Vec::new, |run| own_figures(run.figures))
}

/// Returns the files whose names are those of figures in the folder of an instance.
fn own_figures(mut figures: Vec<OutputFile>) -> Vec<OutputFile> {
    figures.retain(|figure| is_figure(&figure.file));
    figures
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::base::fs::Disk;
    use crate::store::figures::FigureDrafts;

    fn key() -> Key {
        "000102030405060708090a0b0c0d0e0f".parse().expect("a key")
    }

    fn run() -> FailedRun {
        FailedRun {
            attempts: 3,
            losses: 1,
            started: jiff::Timestamp::UNIX_EPOCH,
            seconds: 1.5,
            host: "host1".to_owned(),
            log: Some("log.txt".to_owned()),
            meta: Meta::from([("rows".to_owned(), 3.into())]),
            figures: Vec::new(),
        }
    }

    #[test]
    fn a_failure_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::new(folder.path().to_owned(), Arc::new(Disk)));
        let at = Path::new("Train").join("0001020304050607");
        let error = ErrorText {
            text: "a: b".to_owned(),
            chain: vec!["a".to_owned(), "b".to_owned()],
            panicked_at: Some("src/a.rs:1".to_owned()),
            backtrace: None,
        };
        let failure = Failure::new(key(), &error, Some(run()), None);
        store.note_failure(&at, &failure);
        assert_eq!(store.read_failure(&at, key()), Ok(Some(failure)));
        assert_eq!(store.failure(&at, Key(7)), None);
        let reason = store.read_failure(&at, Key(7)).expect_err("of another instance");
        assert!(
            reason.contains("failure.json is that of another instance, 0001020304"),
            "{reason}"
        );
        store.clear_failure(&at);
        assert_eq!(store.read_failure(&at, key()), Ok(None));
    }

    #[test]
    fn failures_of_earlier_releases_are_read() {
        let text = format!(
            "{{\"key\": \"{}\", \"error\": \"e\", \"at\": \"2026-01-01T00:00:00Z\"}}",
            key()
        );
        let failure: Failure = json::parse(text.as_bytes()).expect("a failure");
        assert_eq!((failure.error.as_str(), failure.run, failure.instance), ("e", None, None));
    }

    #[test]
    fn damaged_and_hostile_files_are_ignored() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::new(folder.path().to_owned(), Arc::new(Disk)));
        let at = Path::new("Train").join("0001020304050607");
        std::fs::create_dir_all(folder.path().join(&at)).expect("a folder");
        let path = store.path(&at, FAILURE);
        let head = format!("{{\"key\": \"{}\", \"error\": \"e\", \"at\": ", key());
        for text in [
            String::new(),
            "[".repeat(1 << 20),
            format!("{head}\"never\"}}"),
            format!("{head}\"2026-01-01T00:00:00Z\", \"run\": {{\"attempts\": -1}}}}"),
            format!("{head}\"2026-01-01T00:00:00Z\", \"instance\": 7}}"),
        ] {
            std::fs::write(&path, &text).expect("a file");
            assert_eq!(store.failure(&at, key()), None, "{text:.80}");
            assert!(store.read_failure(&at, key()).is_err());
        }
        // A log outside the folder is not taken for one.
        let run = FailedRun { log: Some("../../secret".to_owned()), ..run() };
        let failure = Failure::new(key(), &"e".to_owned().into(), Some(run), None);
        store.note_failure(&at, &failure);
        assert_eq!(store.failure(&at, key()).and_then(|failure| failure.run?.log), None);
    }

    #[test]
    fn the_figures_of_a_failure_are_removed_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::new(folder.path().to_owned(), Arc::new(Disk)));
        let at = Path::new("Train").join("0001020304050607");
        let files = || std::fs::read_dir(folder.path().join(&at)).expect("a folder").count();
        let fail = || {
            let drafts = FigureDrafts::new(&store, &at);
            drafts.add_figure("roc", b"<svg/>").expect("kept");
            let run = FailedRun { figures: drafts.take(), ..run() };
            let failure = Failure::new(key(), &"e".to_owned().into(), Some(run), None);
            store.note_failure(&at, &failure);
        };
        fail();
        fail();
        assert_eq!(files(), 2, "the failure and its figure");
        store.clear_failure(&at);
        assert_eq!(files(), 0);

        // A file outside the folder is not taken for one, and not removed.
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "s").expect("a file");
        let drafts = FigureDrafts::new(&store, &at);
        drafts.add_figure("roc", b"<svg/>").expect("kept");
        let mut figures = drafts.take();
        figures[0].file = "../../secret".to_owned();
        let run = FailedRun { figures, ..run() };
        store.note_failure(&at, &Failure::new(key(), &"e".to_owned().into(), Some(run), None));
        let failure = store.failure(&at, key()).expect("a failure");
        assert!(failure.run.expect("a run").figures.is_empty());
        store.clear_failure(&at);
        assert!(secret.exists());
    }

    #[test]
    fn a_very_long_error_is_clipped() {
        let long = "ü".repeat(LONGEST);
        let failure = Failure::new(key(), &long.into(), None, None);
        assert!(failure.error.len() <= LONGEST + 3 && failure.error.ends_with("ü…"));
    }
}
