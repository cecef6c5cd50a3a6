//! Assertions on what a run did.

use flow_core::{Entry, Error, Summary};

/// What a run gave: a summary, be it that of a run that failed.
pub trait Told {
    /// The summary.
    ///
    /// # Errors
    ///
    /// There is none: the flow is wrong, or the store cannot be read.
    fn summary(&self) -> Result<&Summary, &Error>;
}

impl Told for Summary {
    fn summary(&self) -> Result<&Summary, &Error> {
        Ok(self)
    }
}

impl Told for Error {
    fn summary(&self) -> Result<&Summary, &Error> {
        match self {
            Self::Failed(summary) => Ok(summary),
            error => Err(error),
        }
    }
}

impl Told for Result<Summary, Error> {
    fn summary(&self) -> Result<&Summary, &Error> {
        self.as_ref().map_or_else(Told::summary, Ok)
    }
}

/// `assert_ran` and its like.
macro_rules! assertions {
    ($($(#[$doc:meta])* $name:ident: $which:ident, $text:literal;)*) => {
        $($(#[$doc])*
        ///
        /// Each is named by its task, or as the summary prints it: `Train {model: Logistic}`. The order
        /// does not matter, and as many have to be named as there are.
        ///
        /// # Panics
        ///
        /// It was others; the message has the whole summary.
        #[track_caller]
        pub fn $name<const N: usize>(told: &impl Told, expected: [&str; N]) {
            let summary = summary(told);
            compare(summary, $text, &summary.$which(), &expected);
        })*
    };
}

assertions! {
    /// Asserts that just these instances ran.
    assert_ran: ran, "ran";
    /// Asserts that the outputs of just these instances were given by the test, and saved in this run.
    assert_given: given, "were given";
    /// Asserts that just these instances did not have to run, for what they require ran and gave the same.
    assert_cut_off: cut_off, "were cut off";
    /// Asserts that just these instances took over an output that is made from the same.
    assert_adopted: adopted, "were adopted";
    /// Asserts that just these instances failed.
    assert_failed: failed, "failed";
    /// Asserts that just these instances were not run, for something upstream failed.
    assert_not_run: not_run, "were not run";
    /// Asserts that just these instances were complete before the run.
    assert_complete_before: complete_before, "were complete before";
}

/// Asserts why an instance failed, was not run or, if it ran, why it had to: that `text` is in its error
/// or in one of the reasons that the preview gave.
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
/// There is no such instance, or none of that name has such a reason; the message has the whole summary.
#[track_caller]
pub fn assert_because(told: &impl Told, instance: &str, text: &str) {
    let summary = summary(told);
    let kinds = [
        summary.failed(),
        summary.not_run(),
        summary.ran(),
        summary.given(),
        summary.adopted(),
        summary.cut_off(),
        summary.found(),
        summary.complete_before(),
    ];
    let named = kinds.into_iter().flatten().filter(|entry| is_named(entry, instance));
    let named: Vec<Entry> = named.collect();
    assert!(!named.is_empty(), "there is no `{instance}` in what was run\n{summary}");
    let reasons: Vec<String> = named.iter().flat_map(reasons).collect();
    assert!(
        reasons.iter().any(|reason| reason.contains(text)),
        "`{instance}` is not there because of {text:?}, but because of {reasons:?}\n{summary}"
    );
}

fn reasons(entry: &Entry) -> Vec<String> {
    let reasons = entry.instance.reasons().iter().map(ToString::to_string);
    entry.error.iter().cloned().chain(reasons).collect()
}

#[track_caller]
fn summary(told: &impl Told) -> &Summary {
    told.summary().unwrap_or_else(|error| panic!("nothing was run: {error}"))
}

/// Whether an instance is meant: by its task alone or with its parameters.
fn is_named(entry: &Entry, name: &str) -> bool {
    entry.task() == name || entry.instance.to_string() == name
}

#[track_caller]
fn compare(summary: &Summary, what: &str, entries: &[Entry], expected: &[&str]) {
    let mut surplus: Vec<&Entry> = entries.iter().collect();
    let mut missing = Vec::new();
    // Those with parameters first, so that one named by its task alone is not taken away from them.
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
    let mut message = format!("it is not {expected:?} that {what}");
    for name in missing {
        message += &format!("\n  missing: {name}");
    }
    for entry in surplus {
        message += &format!("\n  besides: {}", entry.instance);
    }
    panic!("{message}\n{summary}");
}
