//! The last failure of an instance, as users see it.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::Plan;
use crate::plan::reason::{Ago, Reason};
use crate::store::failure::{FailedRun, Failure};
use crate::store::figures::{Figure, Notes, figures_and_notes};
use crate::store::log_text::escaped_lines;
use crate::store::{Folder, Found, Store};
use crate::task::Kind;
use crate::task::expectation::{EXPECTATIONS, Quality};
use crate::value::{escaped_text, first_line};

/// The number of metadata entries that are printed.
const LISTED: usize = 20;

/// The failure of an instance's last run, as the store has recorded it.
///
/// [`Instance::failure`](crate::Instance::failure) returns it. It is printed in full: the error with its causes, the
/// number of attempts, the path of the log, the metadata and the backtrace, as far as they are known.
///
/// ```
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>)]
/// fn rows(cx: &Cx<rows>) -> Result<u64> {
///     cx.meta("read", 3)?;
///     Err(anyhow!("the file ends early")).context("cannot read a.csv")
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.run::<rows>().unwrap_err();
///
/// let instances = flow.graph::<rows>().instances()?;
/// let failure = instances[0].failure()?.context("it has failed")?;
/// assert_eq!(failure.chain, ["cannot read a.csv", "the file ends early"]);
/// assert_eq!((failure.attempts, &failure.metadata["read"]), (1, &3.into()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LastFailure {
    /// The message followed by all causes, in one text.
    pub error: String,
    /// The message, then each cause, the nearest first.
    pub chain: Vec<String>,
    /// The file and line of the panic, such as `src/train.rs:12`, if the task panicked.
    pub panicked_at: Option<String>,
    /// The backtrace of the error, if one was captured because `RUST_BACKTRACE` is set.
    pub backtrace: Option<String>,
    /// The number of attempts to run the task, without those that were lost with the process or machine that ran them, up to
    /// three; 0 if it failed before the task was started, or if an earlier release recorded it.
    pub attempts: u32,
    /// When the last attempt began, in seconds since 1970 (UTC), if the task was started.
    pub started: Option<i64>,
    /// When it failed, in seconds since 1970 (UTC).
    pub ended: i64,
    /// The duration of the last attempt in seconds, if the task was started.
    pub seconds: Option<f64>,
    /// The host name of the machine, if the task was started.
    pub host: Option<String>,
    /// The path of the log of the last attempt, if it logged anything.
    pub log: Option<PathBuf>,
    /// The metadata that the task had recorded when it failed.
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// The figures that the task had kept when it failed, in order. They are removed when an output is committed, or when
    /// the task fails again.
    pub figures: Vec<Figure>,
    notes: Notes,
}

impl LastFailure {
    fn new(failure: Failure, folder: &Folder, store: &Arc<Store>) -> Self {
        let Failure { error, chain, panicked_at, backtrace, at, run, .. } = failure;
        let chain = if chain.is_empty() { vec![error.clone()] } else { chain };
        let ended = at.as_second();
        let alone = Self {
            error,
            chain,
            panicked_at,
            backtrace,
            attempts: 0,
            started: None,
            ended,
            seconds: None,
            host: None,
            log: None,
            metadata: BTreeMap::new(),
            figures: Vec::new(),
            notes: Notes::default(),
        };
        let Some(run) = run else { return alone };
        let attempts = run.counted();
        let FailedRun { started, seconds, host, log, meta, figures, .. } = run;
        let (figures, notes) = figures_and_notes(store, folder, &figures);
        Self {
            attempts,
            started: Some(started.as_second()),
            seconds: Some(seconds),
            host: Some(host),
            log: log.map(|log| store.path(folder, &log)),
            metadata: meta,
            figures,
            notes,
            ..alone
        }
    }

    /// Returns the notes that the task had kept with [`Cx::note`](crate::Cx::note) when it failed, in order: Markdown.
    ///
    /// # Errors
    ///
    /// A note was removed or modified, or cannot be read.
    pub fn notes(&self) -> Result<Vec<String>, StoreError> {
        self.notes.read()
    }

    /// Returns how long ago it failed, such as `5 min ago`.
    pub(crate) fn ago(&self) -> impl fmt::Display + use<> {
        Ago::since(self.ended)
    }

    /// Returns the message and the causes, a line for each, with control characters escaped.
    pub(crate) fn error_lines(&self) -> String {
        let mut text = String::new();
        for (place, cause) in self.chain.iter().enumerate() {
            let (before, indent) = match place {
                0 => ("error: ", "       "),
                _ => ("\ncaused by: ", "           "),
            };
            let cause = escaped_lines(cause).replace('\n', &format!("\n{indent}"));
            text.extend([before, &*cause]);
        }
        text
    }

    /// Returns what it says beyond the first line of the error: a text for each, which may have several lines.
    pub(crate) fn details(&self) -> Vec<String> {
        let mut details = Vec::new();
        if self.chain.len() > 1 || self.error.trim_end().contains('\n') {
            details.push(self.error_lines());
        }
        if self.attempts > 1 {
            details.push(format!("attempts: {}", self.attempts));
        }
        if let Some(log) = &self.log {
            details.push(format!("log: {}", log.display()));
        }
        details.extend(self.metadata_lines());
        details.extend(self.figures.iter().map(|figure| {
            let path = escaped_text(figure.path().display().to_string().chars());
            format!("figure: {figure}: {path}")
        }));
        if let Some(backtrace) = &self.backtrace {
            details.push(format!("backtrace:\n{}", escaped_lines(backtrace.trim_end())));
        }
        details
    }

    /// Returns the metadata as text, a line for each entry, if there is any.
    pub(crate) fn metadata_lines(&self) -> Option<String> {
        if self.metadata.is_empty() {
            return None;
        }
        let mut text = "metadata:".to_owned();
        let quality = Quality::of(&self.metadata).map(|quality| format!("{quality:#}"));
        for (name, value) in self.metadata.iter().take(LISTED) {
            let value = match &quality {
                Some(quality) if name == EXPECTATIONS => {
                    escaped_lines(quality).replace('\n', "\n  ")
                }
                _ => first_line(&value.to_string()),
            };
            // Writing to a `String` does not fail.
            let _ = write!(text, "\n  {}: {value}", escaped_text(name.chars()));
        }
        if let Some(more @ 1..) = self.metadata.len().checked_sub(LISTED) {
            let _ = write!(text, "\n  … and {more} more");
        }
        Some(text)
    }
}

impl fmt::Display for LastFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut details = self.details();
        if !details.first().is_some_and(|first| first.starts_with("error: ")) {
            details.insert(0, self.error_lines());
        }
        f.write_str(&details.join("\n"))
    }
}

impl Plan {
    /// Returns the failure of an instance's last run, unless an output was committed since.
    pub(crate) fn last_failure(&self, node: NodeIndex) -> Result<Option<LastFailure>, StoreError> {
        let failure = self.recorded_failure(node)?;
        Ok(failure.map(|(folder, failure)| LastFailure::new(failure, &folder, &self.store)))
    }

    /// Returns the same as the store has it, with the folder of the instance.
    pub(crate) fn recorded_failure(
        &self,
        node: NodeIndex,
    ) -> Result<Option<(Folder, Failure)>, StoreError> {
        if self.graph.kind(node) != Kind::Made {
            return Ok(None);
        }
        let key = self.graph.node(node).key;
        let folder = self.graph.folder(node, &self.store)?;
        let Some(failure) = self.store.failure(&folder, key) else { return Ok(None) };
        let is_over = match self.store.record(&folder, key)? {
            Found::Record(record) => record.started >= failure.at,
            Found::Nothing | Found::Damaged(_) => false,
        };
        Ok((!is_over).then_some((folder, failure)))
    }
}

/// Returns the reason that an instance failed in its last run.
pub(super) fn reason(failure: &Failure) -> Reason {
    // The file may come from anyone, and the reason is printed within a line.
    let error = escaped_text(failure.error.lines().next().unwrap_or_default().chars());
    Reason::FailedLastTime {
        error,
        attempts: failure.run.as_ref().map_or(0, FailedRun::counted),
        seconds_ago: jiff::Timestamp::now().duration_since(failure.at).as_secs().max(0) as u64,
    }
}
