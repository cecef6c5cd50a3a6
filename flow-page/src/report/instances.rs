//! The instances of a report: the list by task, and a section for each.
//!
//! The list comes first, because it decides which instances the report has, and so to which ones links lead: those of
//! the plan, the roots first, then the stored outputs of the root tasks with other parameters, and the outputs that
//! these were computed from.

use std::collections::{HashSet, VecDeque};
use std::path::{MAIN_SEPARATOR, Path};
use std::sync::Arc;

use flow_core::{Key, StoredOutput};
use maud::{Markup, html};

use super::budget::Budget;
use super::preview::Previews;
use super::source::Source;
use crate::elements::{badge, table};
use crate::error::{ViewError, chain};
use crate::links::{Anchors, Links};
use crate::text;
use crate::views::instances::{HEADERS, row};
use crate::views::{Found, instance};

/// The least room that is worth reading a record for, in bytes.
const LEAST: u64 = 500;

/// The instances that a report lists.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) anchors: Anchors,
    found: Vec<Found>,
    tasks: Vec<TaskRows>,
    /// The number of instances for which there was no room.
    pub(super) omitted: usize,
}

/// The rows of a task in the list.
struct TaskRows {
    task: String,
    rows: Vec<Markup>,
}

impl Listed {
    /// Lists the instances for which there is room.
    pub(super) fn new(source: &Source<'_>, budget: &mut Budget) -> Self {
        let mut listed = Self::default();
        let mut share = budget.share(4);
        let count = source.snapshot.instances.len();
        for place in (0..count).rev() {
            let found = Found::Planned(Arc::clone(&source.snapshot), place);
            if !listed.add(found, budget, &mut share) {
                listed.omitted = place + 1;
                break;
            }
        }
        let mut waiting: VecDeque<Key> = source.variants.iter().copied().collect();
        let mut tried = HashSet::new();
        while let Some(key) = waiting.pop_front() {
            let Some(stored) = source.other(key) else { continue };
            if !tried.insert(key) {
                continue;
            }
            if !listed.add(Found::Stored(Box::new(stored.clone())), budget, &mut share) {
                listed.omitted += 1;
                continue;
            }
            // Its section shows an error, if there is one.
            if let Ok(Some(recorded)) = stored.recorded() {
                waiting.extend(recorded.inputs.iter().filter_map(|input| input.key));
            }
        }
        listed
    }

    /// Adds an instance, if there is room for its row and for the frame of its section. Returns whether there is.
    fn add(&mut self, found: Found, budget: &mut Budget, share: &mut u64) -> bool {
        let key = found.key();
        if !self.anchors.instances.insert(key) {
            return true;
        }
        let links = Links::Report(&self.anchors);
        let (task, row) = match &found {
            Found::Planned(snapshot, place) => {
                let task = snapshot.instances[*place].task().to_owned();
                (task, row(links, snapshot, &snapshot.states, *place))
            }
            Found::Stored(stored) => (stored.task.clone(), stored_row(links, stored)),
        };
        let known = self.anchors.tasks.get(&task).copied();
        let number = known.unwrap_or(self.tasks.len());
        let frame = match known {
            Some(_) => 0,
            // The number of instances has more digits in the end.
            None => task_table(number, &task, &[]).0.len() + 40,
        };
        let section = section(key, &found.label(), &no_room());
        if !budget.take(share, row.0.len() + frame + section.0.len()) {
            self.anchors.instances.remove(&key);
            return false;
        }
        if known.is_none() {
            self.anchors.tasks.insert(task.clone(), number);
            self.tasks.push(TaskRows { task, rows: Vec::new() });
        }
        self.tasks[number].rows.push(row);
        self.found.push(found);
        true
    }

    /// Shows the list.
    pub(super) fn list(&self) -> Markup {
        html! {
            @for (number, task) in self.tasks.iter().enumerate() {
                (task_table(number, &task.task, &task.rows))
            }
            @if self.omitted > 0 {
                p.warning { (text::count(self.omitted, "instance")) " more: the report has no room for them." }
            }
        }
    }

    /// Shows a section for each instance, and returns how many have more than their names.
    pub(super) fn sections(&self, source: &Source<'_>, budget: &mut Budget) -> (Markup, usize) {
        let links = Links::Report(&self.anchors);
        let mut overviews = budget.share(4);
        let mut previews = budget.share(1).saturating_sub(overviews);
        let (mut sections, mut shown) = (Vec::with_capacity(self.found.len()), 0);
        for found in &self.found {
            let mut content = no_room();
            if budget.has(overviews, LEAST) {
                let root = source.flow.folder();
                let (overview, recorded) = match found.recorded() {
                    Ok(recorded) => {
                        let states = &source.snapshot.states;
                        let overview = instance::overview(links, found, states, recorded.as_ref());
                        (overview.unwrap_or_else(|error| failed(root, &error)), recorded)
                    }
                    // A record that cannot be read hides no other.
                    Err(error) => (failed(root, &error), None),
                };
                if budget.take(&mut overviews, overview.0.len()) {
                    shown += 1;
                    let mut of = Previews::new(root, found, budget, &mut previews);
                    let preview = of.all(recorded.as_ref());
                    content = html! { (overview) (preview) };
                }
            }
            sections.push(section(found.key(), &found.label(), &content));
        }
        (html! { @for section in &sections { (section) } }, shown)
    }

    /// Returns the number of instances that are listed.
    pub(super) fn len(&self) -> usize {
        self.found.len()
    }
}

/// Shows an error in the place of what it is about. `root` is the folder of the store: a report leaves the machine, so the paths
/// in it begin there.
pub(super) fn failed(root: &Path, error: &ViewError) -> Markup {
    let root = format!("{}{MAIN_SEPARATOR}", root.display());
    html! { pre.error { (text::block(&chain(error).replace(&root, ""))) } }
}

fn no_room() -> Markup {
    html! { p.note { "The report has no room for more of this instance." } }
}

fn section(key: Key, label: &str, content: &Markup) -> Markup {
    html! {
        section.instance id=(Anchors::of_instance(key)) {
            h2 { (text::clipped(label, 200)) }
            (content)
        }
    }
}

fn task_table(number: usize, task: &str, rows: &[Markup]) -> Markup {
    let caption = format!("{}: {}", text::clipped(task, 100), text::count(rows.len(), "instance"));
    html! {
        div id=(Anchors::of_task(number)) {
            (table(&caption, &HEADERS, html! { @for row in rows { (row) } }))
        }
    }
}

fn stored_row(links: Links<'_>, stored: &StoredOutput) -> Markup {
    html! {
        tr {
            th scope="row" { (links.to_instance(stored.key, &stored.instance)) }
            td { (badge("stored")) }
            td {}
            td { "an output with other parameters than the present ones" }
        }
    }
}
