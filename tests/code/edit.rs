//! Edits of a pipeline, and what is pending after each.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::fixture::{Fixture, Printed};

/// `cargo test` makes every fourth edit, for each is a build; with `FLOW_TEST_ALL`, as in `.ci/long`, all are
/// made. Which code a task reaches is tested on source text in `flow-derive`, too.
const SAMPLED: usize = 4;

/// One edit of a pipeline as it was at first, and what it must lead to.
pub(crate) struct Edit {
    name: &'static str,
    /// In a line, what is true if it leads to that.
    shows: &'static str,
    changes: &'static [Change],
    /// The tasks that are pending for a reason of their own, and not because of what is upstream.
    pending: &'static [&'static str],
    /// Tasks that may be pending, too, where the code of more than one item is taken as a whole.
    may: &'static [&'static str],
    /// A task, and what the reason that it is pending for says.
    because: Option<(&'static str, &'static str)>,
}

/// One change of a file.
pub(crate) enum Change {
    /// In this file, the one place where the first text stands is the second text.
    Replace(&'static str, &'static str, &'static str),
    /// This file has this text, whether it was there or not.
    Write(&'static str, &'static str),
    /// This file is gone.
    Remove(&'static str),
}

/// An edit that counts: these tasks must run again, and no other.
pub(crate) const fn counts(
    name: &'static str,
    shows: &'static str,
    changes: &'static [Change],
    pending: &'static [&'static str],
) -> Edit {
    Edit { name, shows, changes, pending, may: &[], because: None }
}

/// An edit that does not count.
pub(crate) const fn ignored(
    name: &'static str,
    shows: &'static str,
    changes: &'static [Change],
) -> Edit {
    counts(name, shows, changes, &[])
}

impl Edit {
    /// These may be pending, too.
    pub(crate) const fn perhaps(self, may: &'static [&'static str]) -> Self {
        Self { may, ..self }
    }

    /// The reasons of this task say so.
    pub(crate) const fn because(self, task: &'static str, says: &'static str) -> Self {
        Self { because: Some((task, says)), ..self }
    }

    fn apply(&self, fixture: &Fixture) {
        for change in self.changes {
            match *change {
                Change::Replace(file, from, to) => fixture.edit_in(file, from, to),
                Change::Write(file, text) => fixture.write(file, text),
                Change::Remove(file) => fixture.remove(file),
            }
        }
    }

    /// What is not as it must be.
    fn check(&self, printed: &Printed) -> Result<(), String> {
        let own = own_reasons(printed);
        let names: BTreeSet<&str> = own.iter().map(|(task, _)| task.as_str()).collect();
        let must: BTreeSet<&str> = self.pending.iter().copied().collect();
        let may: BTreeSet<&str> = self.may.iter().copied().collect();
        let mut wrong = String::new();
        for task in must.difference(&names) {
            let _ = writeln!(wrong, "    STALE: {task} is not pending");
        }
        for task in names.difference(&must).filter(|task| !may.contains(*task)) {
            let _ = writeln!(wrong, "    wasted: {task} is pending");
        }
        if let Some((task, says)) = self.because
            && names.contains(task)
            && !own.iter().any(|(of, reasons)| of == task && reasons.contains(says))
        {
            let _ = writeln!(wrong, "    unexplained: {task} does not say {says:?}");
        }
        if wrong.is_empty() {
            return Ok(());
        }
        for (task, reasons) in &own {
            let _ = writeln!(wrong, "    ({task} {reasons})");
        }
        Err(wrong)
    }
}

/// The tasks that are pending for reasons of their own, with those. A task that only waits for what
/// is upstream has none.
fn own_reasons(printed: &Printed) -> Vec<(String, String)> {
    let pending = printed.pending().into_iter().map(|(task, mut reasons)| {
        reasons.retain(|reason| !reason.starts_with("upstream:"));
        (task, reasons.join("; "))
    });
    pending.filter(|(_, reasons)| !reasons.is_empty()).collect()
}

/// Runs the pipeline of this name, and then applies each edit to it, alone, and compares what is
/// pending. Everything that is wrong is reported at the end, edit by edit.
pub(crate) fn check_each(fixture: &str, edits: &[Edit]) {
    let names: BTreeSet<&str> = edits.iter().map(|edit| edit.name).collect();
    assert_eq!(names.len(), edits.len(), "each edit has a name of its own");

    let fixture = Fixture::copy(fixture);
    fixture.run();
    let preview = fixture.preview().expect("it was built before");
    assert!(preview.pending().is_empty(), "what was run is not complete: {:?}", preview.pending());

    // A part of them, while working on one: `EDITS=rename cargo test --test code`.
    let wanted = std::env::var("EDITS").unwrap_or_default();
    let is_sampled = wanted.is_empty() && std::env::var_os("FLOW_TEST_ALL").is_none();
    let step = if is_sampled { SAMPLED } else { 1 };
    let mut failures = Vec::new();
    for edit in edits.iter().filter(|edit| edit.name.contains(&wanted)).step_by(step) {
        let before = Before::of(&fixture, edit);
        edit.apply(&fixture);
        let checked = fixture.preview().and_then(|printed| edit.check(&printed));
        before.restore(&fixture);
        if let Err(wrong) = checked {
            failures.push(format!("  {}: {}\n{wrong}", edit.name, edit.shows));
        }
    }

    // Were anything left over of an edit, the edits after it would have shown something else.
    let preview = fixture.preview().expect("it was built before");
    assert!(preview.pending().is_empty(), "left of an edit: {:?}", preview.pending());
    let (failed, all) = (failures.len(), edits.len());
    assert!(failures.is_empty(), "{failed} of {all} edits failed:\n{}", failures.join("\n"));
}

/// The files that an edit changes, as they were.
struct Before(Vec<(&'static str, Option<String>)>);

impl Before {
    fn of(fixture: &Fixture, edit: &Edit) -> Self {
        let files: BTreeSet<&'static str> = edit
            .changes
            .iter()
            .map(|change| match *change {
                Change::Replace(file, ..) | Change::Write(file, _) | Change::Remove(file) => file,
            })
            .collect();
        Self(files.into_iter().map(|file| (file, fixture.read(file))).collect())
    }

    fn restore(self, fixture: &Fixture) {
        for (file, text) in self.0 {
            match text {
                Some(text) => fixture.write(file, &text),
                None => fixture.remove(file),
            }
        }
    }
}
