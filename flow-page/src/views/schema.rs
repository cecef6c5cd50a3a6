//! The schemas of recorded outputs, and how they differ between two runs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use flow_core::{InstanceChange, InstanceRun, Key, RecordedOutput, StoredOutput};
use flow_targets::inspect::OutputFile;
use maud::{Markup, html};

use super::instance_link;
use super::versions::{change_table, changes};
use crate::inside;
use crate::snapshot::Snapshot;
use crate::state::Shared;
use crate::text;

/// The number of instances whose schemas are compared: each opens the files of two versions.
const COMPARED: usize = 50;

/// Returns the types of the columns of a version by name, as far as its files can be read.
#[cfg(feature = "tables")]
pub(super) fn of(shared: &Shared, output: &RecordedOutput) -> BTreeMap<String, String> {
    let mut columns = BTreeMap::new();
    for file in OutputFile::of_recorded(output) {
        if inside::check(shared.flow.folder(), &file).is_err() || !file.format().is_table() {
            continue;
        }
        let Ok(found) = file.columns() else { continue };
        for column in found {
            let name = match file.part() {
                "" => column.name,
                part => format!("{part}: {}", column.name),
            };
            columns.insert(name, column.kind);
        }
    }
    columns
}

/// Returns the formats of the files of a version by part.
#[cfg(not(feature = "tables"))]
pub(super) fn of(shared: &Shared, output: &RecordedOutput) -> BTreeMap<String, String> {
    let files = OutputFile::of_recorded(output).into_iter();
    let files = files.filter(|file| inside::check(shared.flow.folder(), file).is_ok());
    files.map(|file| (file.part().to_owned(), file.format().name().to_owned())).collect()
}

/// Shows how the schemas of the outputs differ that two runs have computed differently.
pub(super) fn compared(shared: &Shared, both: &[InstanceChange]) -> Markup {
    let changed: Vec<_> = both.iter().filter(|change| change.is_other_output()).collect();
    let mut versions = Versions::new(shared);
    let (mut parts, mut gone) = (Vec::new(), 0);
    for change in changed.iter().take(COMPARED) {
        let (Some(before), Some(after)) = (versions.of(&change.before), versions.of(&change.after))
        else {
            gone += 1;
            continue;
        };
        let schema =
            changes(&of(shared, &before), &of(shared, &after), |kind| text::clipped(kind, 100));
        if !schema.is_empty() {
            let caption =
                format!("Changes of the schema of {}", text::clipped(&change.after.instance, 100));
            parts.push(html! {
                h3 { (instance_link(change.after.key, &change.after.instance)) }
                (change_table(&caption, "Column", &schema))
            });
        }
    }
    html! {
        @if !changed.is_empty() {
            h2 { "Schemas" }
            @if parts.is_empty() { p { "No schema of a changed output differs." } }
            @for part in &parts { (part) }
            @if gone > 0 {
                p { "Of " (text::count(gone, "changed output")) ", a version is not stored any more." }
            }
            @if changed.len() > COMPARED {
                p { (changed.len() - COMPARED) " more changed outputs are not compared." }
            }
        }
    }
}

/// Finds the stored version that a run has computed.
struct Versions<'a> {
    shared: &'a Shared,
    snapshot: Option<Arc<Snapshot>>,
    /// The outputs that are not in the graph, once one was needed.
    stored: Option<HashMap<Key, StoredOutput>>,
}

impl<'a> Versions<'a> {
    fn new(shared: &'a Shared) -> Self {
        // A graph that cannot be planned now hides no stored output.
        Self { shared, snapshot: shared.snapshot().ok(), stored: None }
    }

    fn of(&mut self, run: &InstanceRun) -> Option<RecordedOutput> {
        let (fingerprint, digest) = (run.fingerprint?, run.output?);
        let is_of_run =
            |output: &RecordedOutput| (output.fingerprint, output.digest) == (fingerprint, digest);
        if let Some(snapshot) = &self.snapshot
            && let Some(place) = snapshot.find(run.key)
        {
            let versions = snapshot.instances[place].versions().ok()?.into_iter();
            let mut outputs = versions.map(|version| version.output);
            // A task that is not deterministic, or that reads files while it runs, may have several versions of one fingerprint.
            return outputs.find(is_of_run);
        }
        let shared = self.shared;
        let stored = self.stored.get_or_insert_with(|| {
            let listed = shared.flow.store().list().unwrap_or_default();
            listed.into_iter().map(|output| (output.key, output)).collect()
        });
        let output = stored.get(&run.key)?.recorded().ok()??;
        is_of_run(&output).then_some(output)
    }
}
