//! Assertions on the outcome of a run.

use flow_core::{Entry, Error, Summary, SweepSummary};

/// A type that contains the summary of a run: a summary, the error of a failed run, or a result.
///
/// For a sweep, the summary covers the instances of all variants. An instance that several variants share counts once.
///
/// ```
/// use flow::prelude::*;
/// use flow::testing::{self, assert_already_complete, assert_ran};
/// # #[derive(Task)]
/// # #[task(target = Json<u32>)]
/// # struct Load;
/// # #[tracked]
/// # impl Run for Load {
/// #     fn run(&self, _cx: &Cx<Self>) -> Result<u32> { Ok(1) }
/// # }
/// # #[derive(Task)]
/// # #[task(requires = Load, target = Json<u32>)]
/// # struct Train { depth: u32 }
/// # #[tracked]
/// # impl Run for Train {
/// #     fn run(&self, cx: &Cx<Self>) -> Result<u32> { Ok(*cx.input().load()? + self.depth) }
/// # }
///
/// let flow = testing::flow();
/// let sweep = flow.sweep::<Train>().over(Train::DEPTH, [3, 5]);
/// assert_ran(&sweep.run(), ["Load", "Train {depth: 3}", "Train {depth: 5}"]);
/// assert_already_complete(&sweep.run(), ["Load", "Train", "Train"]);
/// ```
pub trait RunResult {
    /// Returns the summary of the run.
    ///
    /// # Errors
    ///
    /// There is no summary, because nothing ran: the flow has an error, or the store cannot be read.
    fn summary(&self) -> Result<&Summary, &Error>;
}

impl RunResult for Summary {
    fn summary(&self) -> Result<&Summary, &Error> {
        Ok(self)
    }
}

impl RunResult for Error {
    fn summary(&self) -> Result<&Summary, &Error> {
        match self {
            Self::Failed(summary) => Ok(summary),
            Self::Sweep(summary) => Ok(summary),
            error => Err(error),
        }
    }
}

impl RunResult for Result<Summary, Error> {
    fn summary(&self) -> Result<&Summary, &Error> {
        self.as_ref().map_or_else(RunResult::summary, Ok)
    }
}

impl RunResult for SweepSummary {
    fn summary(&self) -> Result<&Summary, &Error> {
        Ok(self)
    }
}

impl RunResult for Result<SweepSummary, Error> {
    fn summary(&self) -> Result<&Summary, &Error> {
        self.as_ref().map_or_else(RunResult::summary, RunResult::summary)
    }
}

/// Defines `assert_ran` and the similar assertions.
macro_rules! assertions {
    ($($(#[$doc:meta])* $name:ident: $which:ident, $text:literal;)*) => {
        $($(#[$doc])*
        ///
        /// `run` is the summary of a run or its result, `flow.run::<Train>()` or `sweep.run()`. `expected` names each
        /// instance once, in any order: by its task, `Train`, or with its parameters as in the
        /// summary, `Train {model: Logistic}`.
        ///
        /// # Panics
        ///
        /// Panics if the instances differ. The message has the whole summary.
        #[track_caller]
        pub fn $name<const N: usize>(run: &impl RunResult, expected: [&str; N]) {
            let summary = summary(run);
            compare(summary, $text, &summary.$which(), &expected);
        })*
    };
}

assertions! {
    /// Asserts that exactly these instances ran.
    assert_ran: ran, "ran";
    /// Asserts that the test gave the outputs of exactly these instances, with
    /// [`with_input`](super::Flow::with_input), and that this run saved them.
    assert_given: given, "were given";
    /// Asserts that exactly these instances did not have to run, because upstream tasks ran and
    /// produced equal outputs.
    assert_unchanged: unchanged, "have unchanged inputs";
    /// Asserts that exactly these instances reused an existing output with the same fingerprint.
    assert_reused: reused, "were reused";
    /// Asserts that exactly these instances failed.
    assert_failed: failed, "failed";
    /// Asserts that exactly these instances were not run because an upstream instance failed.
    assert_not_run: not_run, "were not run";
    /// Asserts that exactly these instances were complete before the run.
    assert_already_complete: already_complete, "were already complete";
}

/// Asserts why an instance failed, was not run, or ran.
///
/// The error of the instance, or one of its reasons in the preview, must contain `text`.
///
/// ```
/// # use flow::prelude::*;
/// use flow::testing::{self, assert_because};
/// # #[derive(Task)]
/// # #[task(target = Json<u32>)]
/// # struct Train;
/// # #[tracked]
/// # impl Run for Train {
/// #     fn run(&self, _cx: &Cx<Self>) -> Result<u32> { Ok(1) }
/// # }
///
/// assert_because(&testing::flow().run::<Train>(), "Train", "never run");
/// ```
///
/// # Panics
///
/// Panics if there is no such instance, or none of its reasons contains `text`. The message has the
/// whole summary.
#[track_caller]
pub fn assert_because(run: &impl RunResult, instance: &str, text: &str) {
    let summary = summary(run);
    let kinds = [
        summary.failed(),
        summary.not_run(),
        summary.ran(),
        summary.given(),
        summary.reused(),
        summary.unchanged(),
        summary.by_other_process(),
        summary.now_complete(),
        summary.already_complete(),
    ];
    let named = kinds.into_iter().flatten().filter(|entry| is_named(entry, instance));
    let named: Vec<Entry> = named.collect();
    assert!(!named.is_empty(), "this run has no instance `{instance}`\n{summary}");
    let reasons: Vec<String> = named.iter().flat_map(reasons).collect();
    assert!(
        reasons.iter().any(|reason| reason.contains(text)),
        "no reason of `{instance}` contains {text:?}; its reasons are {reasons:?}\n{summary}"
    );
}

fn reasons(entry: &Entry) -> Vec<String> {
    let reasons = entry.instance.reasons().iter().map(ToString::to_string);
    entry.error.iter().cloned().chain(reasons).collect()
}

#[track_caller]
fn summary(run: &impl RunResult) -> &Summary {
    run.summary().unwrap_or_else(|error| panic!("nothing was run: {error}"))
}

/// Returns whether an instance has this name: that of its task, alone or with its parameters.
fn is_named(entry: &Entry, name: &str) -> bool {
    entry.task() == name || entry.instance.to_string() == name
}

#[track_caller]
fn compare(summary: &Summary, what: &str, entries: &[Entry], expected: &[&str]) {
    let mut surplus: Vec<&Entry> = entries.iter().collect();
    let mut missing = Vec::new();
    // Names with parameters come first, so that a name without parameters does not take their
    // instances.
    let (full, short): (Vec<&str>, Vec<&str>) =
        expected.iter().partition(|name| name.contains(" {"));
    for name in full.into_iter().chain(short) {
        match surplus.iter().position(|entry| is_named(entry, name)) {
            Some(place) => drop(surplus.remove(place)),
            None => missing.push(name),
        }
    }
    if missing.is_empty() && surplus.is_empty() {
        return;
    }
    let mut message = format!("the instances that {what} are not {expected:?}");
    for name in missing {
        message += &format!("\n  missing: {name}");
    }
    for entry in surplus {
        message += &format!("\n  unexpected: {}", entry.instance);
    }
    panic!("{message}\n{summary}");
}
