//! The variants of each root task as a table, as the page has it: its instances in the plan and in the store.

use maud::{Markup, html};

use super::budget::Budget;
use super::instances::failed;
use super::source::Source;
use crate::elements::table;
use crate::links::Links;
use crate::sweep::Variants;
use crate::text;
use crate::views::sweep::table::row;

/// The number of variants of a task that are shown.
const VARIANTS: usize = 1_000;

/// Shows a table for each root task that has several variants; `None` if none has.
pub(super) fn tables(source: &Source<'_>, links: Links<'_>, budget: &mut Budget) -> Option<Markup> {
    let planned = Some((&*source.snapshot, source.snapshot.states.as_slice()));
    let mut share = budget.share(8);
    let mut tables = Vec::new();
    for root in &source.roots {
        match Variants::read(root, &source.stored, planned, VARIANTS) {
            Ok(variants) if variants.known.len() > 1 => {
                tables.push(variant_table(root, &variants, links, budget, &mut share));
            }
            Ok(_) => {}
            // Outputs that cannot be read hide nothing else.
            Err(error) => {
                let error = failed(source.flow.folder(), &error.into());
                if budget.take(&mut share, error.0.len()) {
                    tables.push(error);
                }
            }
        }
    }
    (!tables.is_empty()).then(|| html! { @for table in &tables { (table) } })
}

fn variant_table(
    root: &str,
    variants: &Variants,
    links: Links<'_>,
    budget: &mut Budget,
    share: &mut u64,
) -> Markup {
    let count = variants.known.len();
    let names = variants.table.columns.iter().map(|column| text::clipped(&column.name, 60));
    let names: Vec<_> = names.collect();
    let headers: Vec<_> = names.iter().map(String::as_str).collect();
    let root = text::clipped(root, 100);
    let caption = format!("{root}: {}", text::count(count, "variant"));
    let frame = table(&caption, &headers, html! {});
    let mut rows = Vec::new();
    if budget.take(share, frame.0.len()) {
        for place in 0..variants.table.variants.len().min(VARIANTS) {
            let row = row(links, &variants.table, place);
            if !budget.take(share, row.0.len()) {
                break;
            }
            rows.push(row);
        }
    }
    let omitted = count.saturating_sub(rows.len());
    html! {
        @if !rows.is_empty() {
            (table(&caption, &headers, html! { @for row in &rows { (row) } }))
        }
        @if omitted > 0 {
            p.warning { (root) ": the report has no room for " (text::count(omitted, "variant")) " more." }
        }
    }
}
