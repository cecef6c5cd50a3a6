//! The variants of a root task: its instances in the plan and in the store, as a table with what distinguishes them and with
//! their metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flow_core::Key;
use maud::{Markup, html};
use serde_json::Value;

use super::budget::Budget;
use super::source::Source;
use crate::elements::{badge, table};
use crate::links::Links;
use crate::snapshot::State;
use crate::text;
use crate::views::Found;

/// The number of variants of a task that are shown.
const VARIANTS: usize = 1_000;

/// The number of parameters and of metadata that have columns.
const COLUMNS: usize = 20;

/// The longest value in a cell, in characters.
const CELL: usize = 100;

/// A variant.
struct Variant {
    key: Key,
    label: String,
    /// `None` if it is stored and not in the plan.
    state: Option<State>,
    parameters: BTreeMap<String, Value>,
    metadata: BTreeMap<String, Value>,
    /// How long its task ran; `None` if it has no record.
    seconds: Option<f64>,
}

/// Shows a table for each root task that has several variants; `None` if none has.
pub(super) fn tables(source: &Source<'_>, links: Links<'_>, budget: &mut Budget) -> Option<Markup> {
    let mut share = budget.share(8);
    let mut tables = Vec::new();
    for root in &source.roots {
        let found = instances(source, root);
        if found.len() > 1 {
            tables.push(variant_table(root, &found, links, budget, &mut share));
        }
    }
    (!tables.is_empty()).then(|| html! { @for table in &tables { (table) } })
}

/// Returns the instances of a root task, those of the plan first.
fn instances(source: &Source<'_>, root: &str) -> Vec<Found> {
    let snapshot = &source.snapshot;
    let task = snapshot.task(root);
    let planned = snapshot.task_of.iter().enumerate().filter(|(_, of)| task == Some(**of));
    let planned = planned.map(|(place, _)| Found::Planned(Arc::clone(snapshot), place));
    let stored = source.variants.iter().filter_map(|key| source.stored.get(key));
    let stored = stored.filter(|stored| stored.task == root);
    planned.chain(stored.map(|stored| Found::Stored(Box::new(stored.clone())))).collect()
}

fn variant_table(
    root: &str,
    found: &[Found],
    links: Links<'_>,
    budget: &mut Budget,
    share: &mut u64,
) -> Markup {
    let variants: Vec<_> = found.iter().take(VARIANTS).map(Variant::new).collect();
    let parameters = distinguishing(&variants);
    let metadata: BTreeSet<_> = variants.iter().flat_map(|one| one.metadata.keys()).collect();
    let metadata: Vec<_> = metadata.into_iter().take(COLUMNS).map(String::as_str).collect();
    let names = parameters.iter().chain(&metadata).map(|name| text::clipped(name, CELL));
    let names: Vec<_> = names.collect();
    let (of_parameters, of_metadata) = names.split_at(parameters.len());
    let mut headers = vec!["Variant", "Status"];
    headers.extend(of_parameters.iter().map(String::as_str));
    headers.push("Took");
    headers.extend(of_metadata.iter().map(String::as_str));
    let caption = format!("{}: {}", text::clipped(root, 100), text::count(found.len(), "variant"));
    let frame = table(&caption, &headers, html! {});
    let mut rows = Vec::new();
    if budget.take(share, frame.0.len()) {
        for variant in &variants {
            let row = variant.row(&parameters, &metadata, links);
            if !budget.take(share, row.0.len()) {
                break;
            }
            rows.push(row);
        }
    }
    let omitted = found.len() - rows.len();
    html! {
        @if !rows.is_empty() {
            (table(&caption, &headers, html! { @for row in &rows { (row) } }))
        }
        @if omitted > 0 {
            p.warning { (text::clipped(root, 100)) ": the report has no room for " (text::count(omitted, "variant")) " more." }
        }
    }
}

/// Returns the parameters that do not have the same value in all variants. A variant without a record may lack those upstream that
/// have their defaults.
fn distinguishing(variants: &[Variant]) -> Vec<&str> {
    let names: BTreeSet<_> = variants.iter().flat_map(|one| one.parameters.keys()).collect();
    let differs = |name: &&String| {
        let values = variants.iter().map(|one| (one.seconds.is_some(), one.parameters.get(*name)));
        let known = values.filter(|(is_recorded, value)| *is_recorded || value.is_some());
        let mut known = known.map(|(_, value)| value.map(text::value));
        let first = known.next();
        known.any(|value| Some(&value) != first.as_ref())
    };
    names.into_iter().filter(differs).take(COLUMNS).map(String::as_str).collect()
}

impl Variant {
    fn new(found: &Found) -> Self {
        // Its section shows an error, if there is one.
        let recorded = found.recorded().ok().flatten();
        let (parameters, metadata, seconds) = match (recorded, found) {
            (Some(recorded), _) => (recorded.parameters, recorded.metadata, Some(recorded.seconds)),
            (None, Found::Planned(snapshot, place)) => {
                let parameters = snapshot.instances[*place].parameters().into_iter();
                let value = |text: String| match text.as_str() {
                    "none" => Value::Null,
                    _ => Value::String(text),
                };
                let parameters = parameters.map(|(name, text)| (name, value(text)));
                (parameters.collect(), BTreeMap::new(), None)
            }
            (None, Found::Stored(_)) => (BTreeMap::new(), BTreeMap::new(), None),
        };
        let state = match found {
            Found::Planned(snapshot, place) => Some(snapshot.states[*place]),
            Found::Stored(_) => None,
        };
        Self { key: found.key(), label: found.label(), state, parameters, metadata, seconds }
    }

    fn row(&self, parameters: &[&str], metadata: &[&str], links: Links<'_>) -> Markup {
        let cell = |value: Option<&Value>| {
            html! {
                td.number[value.is_some_and(Value::is_number)] {
                    @if let Some(value) = value { (text::clipped(&text::value(value), CELL)) }
                }
            }
        };
        html! {
            tr {
                th scope="row" { (links.to_instance(self.key, &self.label)) }
                td { (badge(self.state.map_or("stored", State::word))) }
                @for name in parameters { (cell(self.parameters.get(*name))) }
                td.number { @if let Some(seconds) = self.seconds { (text::seconds(seconds)) } }
                @for name in metadata { (cell(self.metadata.get(*name))) }
            }
        }
    }
}
