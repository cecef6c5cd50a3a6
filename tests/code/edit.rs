//! Edits of a pipeline, and the tasks that are pending after each.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::fixture::{Fixture, Printed};

/// `cargo test` makes every sixth edit, because each one is a build. With `FLOW_TEST_ALL`, as in
/// `.ci/long`, all edits are made. Unit tests of `flow-derive` also test on source text which code
/// a task reaches.
const SAMPLED: usize = 6;

/// An edit of a pipeline in its original state, and the expected result.
pub(crate) struct Edit {
    name: &'static str,
    /// The rule that this edit demonstrates, in one line.
    shows: &'static str,
    changes: &'static [Change],
    /// The tasks that are pending for a reason of their own, and not because of upstream tasks.
    pending: &'static [&'static str],
    /// Tasks that may be pending too, where the code of several items is tracked as a whole.
    may: &'static [&'static str],
    /// A task, and a text that its reasons must contain.
    because: Option<(&'static str, &'static str)>,
}

/// A change of one file.
pub(crate) enum Change {
    /// Replaces the first text, which occurs exactly once in this file, by the second.
    Replace(&'static str, &'static str, &'static str),
    /// Writes this file, whether it exists or not.
    Write(&'static str, &'static str),
    /// Removes this file.
    Remove(&'static str),
}

/// Returns an edit after which exactly these tasks must run again.
pub(crate) const fn counts(
    name: &'static str,
    shows: &'static str,
    changes: &'static [Change],
    pending: &'static [&'static str],
) -> Edit {
    Edit { name, shows, changes, pending, may: &[], because: None }
}

/// Returns an edit after which no task may run again.
pub(crate) const fn ignored(
    name: &'static str,
    shows: &'static str,
    changes: &'static [Change],
) -> Edit {
    counts(name, shows, changes, &[])
}

impl Edit {
    /// Allows these tasks to be pending, too.
    pub(crate) const fn perhaps(self, may: &'static [&'static str]) -> Self {
        Self { may, ..self }
    }

    /// Expects this text in the reasons of the task.
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

    /// Compares the pending tasks with the expected ones, and describes all differences.
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

/// Returns the tasks that are pending for reasons of their own, with these reasons. A task that
/// only waits for upstream tasks has none.
fn own_reasons(printed: &Printed) -> Vec<(String, String)> {
    let pending = printed.pending().into_iter().map(|(task, mut reasons)| {
        reasons.retain(|reason| !reason.starts_with("waits for "));
        (task, reasons.join("; "))
    });
    pending.filter(|(_, reasons)| !reasons.is_empty()).collect()
}

/// Runs the pipeline of this name, applies each edit to its original state, and compares the
/// pending tasks. All differences are reported at the end, edit by edit.
pub(crate) fn check_each(fixture: &str, edits: &[Edit]) {
    let names: BTreeSet<&str> = edits.iter().map(|edit| edit.name).collect();
    assert_eq!(names.len(), edits.len(), "each edit has a name of its own");

    let fixture = Fixture::copy(fixture);
    fixture.run();
    let preview = fixture.preview().expect("it was built before");
    assert!(preview.pending().is_empty(), "what was run is not complete: {:?}", preview.pending());

    // To try some edits only: `EDITS=rename cargo test --test code`.
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

    // If an edit were not fully reverted, later edits would have shown other pending tasks.
    let preview = fixture.preview().expect("it was built before");
    assert!(preview.pending().is_empty(), "left of an edit: {:?}", preview.pending());
    let (failed, all) = (failures.len(), edits.len());
    assert!(failures.is_empty(), "{failed} of {all} edits failed:\n{}", failures.join("\n"));
}

/// The original content of the files that an edit changes.
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
