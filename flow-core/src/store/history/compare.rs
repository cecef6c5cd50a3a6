//! The comparison of two runs.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{InstanceOutcome, InstanceRun, RunHistory, RunInfo};
use crate::base::key::{Digest, Key};
use crate::base::seconds::Seconds;
use crate::value::{escaped_text, first_line};

/// The maximal number of instances that are printed in each part.
const LISTED: usize = 20;

/// The maximal number of characters of a metadata entry that are printed.
const SHOWN: usize = 60;

/// The differences of two runs: [`RunHistory::compare`].
///
/// Instances are the same if their keys are equal. It can be printed:
///
/// ```text
/// 20260131T120000.000456Z-3f2a91c04b77e010: success in 12.5 s: 3 ran (Report)
/// 20260131T130000.000201Z-8c1f02ab44d01e9f: failed in 7.1 s: 1 ran, 1 failed (Report)
///   only in the first run:
///     Report: ran in 2.0 ms
///   in both runs:
///     Get: ran in 6.2 s → 3.1 s (0.50 times), rows: 100 → 120, another output
///     Train: ran in 6.3 s → failed in 4.0 s: no luck
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunComparison {
    /// The first run.
    pub before: RunInfo,
    /// The second run.
    pub after: RunInfo,
    /// The instances that only the first run settled.
    pub only_before: Vec<InstanceRun>,
    /// The instances that only the second run settled.
    pub only_after: Vec<InstanceRun>,
    /// The instances that both runs settled, in the order of the second run.
    pub both: Vec<InstanceChange>,
}

/// What two runs did with one instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstanceChange {
    /// What the first run did.
    pub before: InstanceRun,
    /// What the second run did.
    pub after: InstanceRun,
    /// The metadata entries that differ, by name.
    pub metadata: BTreeMap<String, MetadataChange>,
}

/// A metadata entry that differs between two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetadataChange {
    /// The value in the first run; `None` if the task recorded none.
    pub before: Option<Value>,
    /// The value in the second run; `None` if the task recorded none.
    pub after: Option<Value>,
}

impl RunHistory {
    /// Compares this run with a later one: what ran, how long it took, and which metadata differ.
    ///
    /// If a run settled an instance several times, its most informative outcome is compared: a failure, or else that
    /// the task ran.
    pub fn compare(&self, later: &Self) -> RunComparison {
        let (before, after) = (by_key(&self.instances), by_key(&later.instances));
        let only =
            |runs: &[InstanceRun], own: &HashMap<Key, usize>, other: &HashMap<Key, usize>| {
                let runs = runs.iter().enumerate();
                let chosen = runs.filter(|(place, run)| own.get(&run.key) == Some(place));
                let only = chosen.filter(|(_, run)| !other.contains_key(&run.key));
                only.map(|(_, run)| run.clone()).collect::<Vec<_>>()
            };
        let both = later.instances.iter().enumerate().filter_map(|(place, run)| {
            let earlier = before.get(&run.key).filter(|_| after.get(&run.key) == Some(&place))?;
            Some(InstanceChange::new(&self.instances[*earlier], run))
        });
        RunComparison {
            before: self.info.clone(),
            after: later.info.clone(),
            only_before: only(&self.instances, &before, &after),
            only_after: only(&later.instances, &after, &before),
            both: both.collect(),
        }
    }
}

/// Returns the position of the most informative description of each instance, the last one of several.
fn by_key(instances: &[InstanceRun]) -> HashMap<Key, usize> {
    let mut places: HashMap<Key, usize> = HashMap::new();
    for (place, run) in instances.iter().enumerate() {
        let best = places.entry(run.key).or_insert(place);
        if run.outcome.rank() >= instances[*best].outcome.rank() {
            *best = place;
        }
    }
    places
}

impl InstanceChange {
    fn new(before: &InstanceRun, after: &InstanceRun) -> Self {
        let names = before.metadata.keys().chain(after.metadata.keys());
        let changes = names.filter_map(|name| {
            let (was, now) = (before.metadata.get(name), after.metadata.get(name));
            let change = || MetadataChange { before: was.cloned(), after: now.cloned() };
            (was != now).then(|| (name.clone(), change()))
        });
        // An instance without an output has no metadata either.
        let have_outputs = before.output.is_some() && after.output.is_some();
        let metadata = if have_outputs { changes.collect() } else { BTreeMap::new() };
        Self { before: before.clone(), after: after.clone(), metadata }
    }

    /// Returns whether the outcomes differ.
    pub fn is_other_outcome(&self) -> bool {
        self.before.outcome != self.after.outcome
    }

    /// Returns whether both runs have an output of the instance, and the contents differ.
    pub fn is_other_output(&self) -> bool {
        self.before
            .output
            .zip(self.after.output)
            .is_some_and(|(was, now): (Digest, Digest)| was != now)
    }

    /// Returns how many times as long the second run took, if the task ran in both.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # #[task(target = Json<u64>)]
    /// # fn one() -> u64 {
    /// #     1
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<one>()?;
    /// flow.force::<one>().run::<one>()?;
    /// let runs = flow.store().runs()?;
    /// let comparison = runs.load(&runs[1].id)?.compare(&runs.load(&runs[0].id)?);
    /// let ratio = comparison.both[0].ratio().expect("it ran in both");
    /// assert!(ratio > 0.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ratio(&self) -> Option<f64> {
        let ran = |run: &InstanceRun| run.outcome == InstanceOutcome::Ran && run.seconds > 0.0;
        (ran(&self.before) && ran(&self.after)).then(|| self.after.seconds / self.before.seconds)
    }
}

impl fmt::Display for InstanceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.after.label())?;
        self.before.write_outcome(f)?;
        match self.ratio() {
            Some(ratio) => {
                write!(f, " → {} ({ratio:.2} times)", Seconds(self.after.seconds))?;
            }
            None if self.is_other_outcome() || self.after.outcome.has_duration() => {
                f.write_str(" → ")?;
                self.after.write_outcome(f)?;
            }
            None => f.write_str(" in both")?,
        }
        for (name, change) in &self.metadata {
            let (was, now) = (shown(change.before.as_ref()), shown(change.after.as_ref()));
            write!(f, ", {}: {was} → {now}", escaped_text(name.chars()))?;
        }
        if self.is_other_output() { f.write_str(", another output") } else { Ok(()) }
    }
}

/// Returns the text of a metadata entry, which may be cut.
fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "none".to_owned() };
    let text = first_line(&value.to_string());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl fmt::Display for RunComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.before, self.after)?;
        let commits = [&self.before, &self.after].map(|run| match &run.commit {
            Some(commit) => escaped_text(commit.chars().take(12)),
            None => "none".to_owned(),
        });
        if commits[0] != commits[1] {
            write!(f, "\n  commit: {} → {}", commits[0], commits[1])?;
        }
        if self.before.program != self.after.program {
            let names = [&self.before, &self.after].map(|run| first_line(&run.program.name));
            write!(f, "\n  another build of the program: {} → {}", names[0], names[1])?;
        }
        write_part(f, "only in the first run", &self.only_before)?;
        write_part(f, "only in the second run", &self.only_after)?;
        write_part(f, "in both runs", &self.both)
    }
}

/// Writes a title and a line for each instance.
fn write_part(f: &mut fmt::Formatter<'_>, title: &str, part: &[impl fmt::Display]) -> fmt::Result {
    if part.is_empty() {
        return Ok(());
    }
    write!(f, "\n  {title}:")?;
    for one in part.iter().take(LISTED) {
        write!(f, "\n    {one}")?;
    }
    match part.len().checked_sub(LISTED) {
        Some(more @ 1..) => write!(f, "\n    … and {more} more"),
        _ => Ok(()),
    }
}
