//! The views, a module each: a function from the state and the address to HTML.

#[cfg(feature = "tables")]
mod columns;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod figures;
pub(crate) mod file;
pub(crate) mod graph;
pub(crate) mod instance;
pub(crate) mod instances;
mod jobs;
mod json;
pub(crate) mod live;
pub(crate) mod log;
mod output;
pub(crate) mod run;
pub(crate) mod runs;
mod schema;
pub(crate) mod selection;
pub(crate) mod sweep;
#[cfg(feature = "tables")]
mod table;
pub(crate) mod timeline;
pub(crate) mod versions;
mod waits;

use std::sync::Arc;

use flow_core::{Key, RecordedOutput, StoredOutput};
use flow_targets::inspect::OutputFile;
use maud::{Markup, html};

use crate::error::ViewError;
use crate::inside;
use crate::links::Links;
use crate::snapshot::{Snapshot, State};
use crate::state::Shared;
use crate::text;

/// Returns the state of each instance, with those that run in this process.
fn states(shared: &Shared, snapshot: &Snapshot) -> Vec<State> {
    let mut states = snapshot.states.clone();
    for place in shared.live.running().into_iter().filter_map(|key| snapshot.find(key)) {
        states[place] = State::Running;
    }
    states
}

/// An instance that an address names.
pub(crate) enum Found {
    /// It is in the graph of the roots, or in that of the last run with other parameters.
    Planned(Arc<Snapshot>, usize),
    /// It is not, but the store has an output of it, such as that of an earlier run with other parameters.
    Stored(Box<StoredOutput>),
}

impl Found {
    /// Finds the instance with a key, which is 32 hexadecimal digits.
    fn of(shared: &Shared, key: &str) -> Result<Self, ViewError> {
        let unknown = || {
            ViewError::not_found("neither the graph nor the store has an instance with this key")
        };
        let key: Key = key.parse().map_err(|_| unknown())?;
        // A graph that cannot be planned now hides no stored output.
        let planned = shared.snapshot();
        if let Ok(snapshot) = &planned
            && let Some(place) = snapshot.find(key)
        {
            return Ok(Self::Planned(Arc::clone(snapshot), place));
        }
        if let Ok(Some(snapshot)) = shared.snapshot_of_run()
            && let Some(place) = snapshot.find(key)
        {
            return Ok(Self::Planned(snapshot, place));
        }
        let stored = shared.flow.store().list()?.into_iter().find(|stored| stored.key == key);
        match (stored, planned) {
            (Some(stored), _) => Ok(Self::Stored(Box::new(stored))),
            (None, Ok(_)) => Err(unknown()),
            (None, Err(error)) => Err(error.into()),
        }
    }

    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Planned(snapshot, place) => snapshot.instances[*place].key(),
            Self::Stored(stored) => stored.key,
        }
    }

    /// Returns the name of its task.
    pub(crate) fn task(&self) -> &str {
        match self {
            Self::Planned(snapshot, place) => snapshot.instances[*place].task(),
            Self::Stored(stored) => &stored.task,
        }
    }

    /// Returns the instance in one line.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Planned(snapshot, place) => snapshot.instances[*place].to_string(),
            Self::Stored(stored) => stored.instance.clone(),
        }
    }

    pub(crate) fn recorded(&self) -> Result<Option<RecordedOutput>, ViewError> {
        Ok(match self {
            Self::Planned(snapshot, place) => snapshot.instances[*place].recorded()?,
            Self::Stored(stored) => stored.recorded()?,
        })
    }

    /// Returns the files of its output; of a pending instance, those of its last output.
    pub(crate) fn files(&self) -> Result<Vec<OutputFile>, ViewError> {
        match self {
            Self::Planned(snapshot, place) => {
                let instance = &snapshot.instances[*place];
                if let Some(files) = OutputFile::of(instance)? {
                    return Ok(files);
                }
                let versions = instance.versions()?;
                let current = versions.iter().find(|version| version.is_current);
                Ok(current.map(|one| OutputFile::of_recorded(&one.output)).unwrap_or_default())
            }
            Self::Stored(stored) => {
                let recorded = stored.recorded()?;
                Ok(recorded.as_ref().map(OutputFile::of_recorded).unwrap_or_default())
            }
        }
    }

    /// Returns the file of a part, by its number, if the page may read it.
    fn file(&self, shared: &Shared, part: &str) -> Result<OutputFile, ViewError> {
        let part = part.parse::<usize>().ok();
        let file =
            part.and_then(|part| self.files().map(|files| files.into_iter().nth(part)).transpose());
        let file =
            file.transpose()?.ok_or_else(|| ViewError::not_found("the output has no such part"))?;
        inside::check(shared.flow.folder(), &file)?;
        Ok(file)
    }

    /// Shows the links to the views of this instance. `here` is the last part of the address of the present one.
    fn tabs(&self, here: &str) -> Markup {
        let key = self.key();
        let tabs =
            [("", "Overview"), ("/data", "Data"), ("/log", "Log"), ("/versions", "Versions")];
        html! {
            nav.tabs aria-label="Views of the instance" {
                @for (part, name) in tabs {
                    a href={ "/instance/" (key.to_string()) (part) } aria-current=[(part == here).then_some("page")] { (name) }
                }
            }
        }
    }
}

/// Shows an instance as a link to its view.
fn instance_link(key: Key, label: &str) -> Markup {
    Links::Server.to_instance(key, label)
}

/// The number of entries of metadata that are shown.
const ENTRIES: usize = 1_000;

/// Shows entries of metadata as rows of a table.
pub(crate) fn metadata<'a>(
    entries: impl IntoIterator<Item = (&'a String, &'a serde_json::Value)>,
) -> Markup {
    let mut entries = entries.into_iter();
    let shown: Vec<_> = entries.by_ref().take(ENTRIES).collect();
    let more = entries.count();
    html! {
        @for (name, value) in shown {
            tr { th scope="row" { (text::clipped(name, 200)) } td { (text::value(value)) } }
        }
        @if more > 0 { tr { th scope="row" { "…" } td { "and " (more) " more" } } }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_entries_of_metadata_are_shown() {
        let entries: BTreeMap<_, _> =
            (0..1_005).map(|entry| (format!("e{entry:04}"), json!(entry))).collect();
        let html = metadata(&entries).into_string();
        assert_eq!(html.matches("<tr>").count(), ENTRIES + 1);
        assert!(html.contains(">e0999<") && !html.contains(">e1000<"), "{html}");
        assert!(html.ends_with("<td>and 5 more</td></tr>"), "{html}");
    }
}
