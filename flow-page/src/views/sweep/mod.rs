//! Sweeps: the tasks of which there are several variants, the variants of one task, and a metric over runs.
//!
//! The rows come from [`crate::sweep`], and [`crate::charts`] draws them. `charts` selects what is drawn, and `table`
//! shows the rows.

mod charts;
pub(crate) mod over_runs;
pub(crate) mod table;
pub(crate) mod tasks;
pub(crate) mod variants;

use maud::{Markup, html};

use crate::query::segment;

/// Returns the address of the variants of a task.
pub(super) fn address(task: &str) -> String {
    format!("/sweep/{}", segment(task))
}

/// Shows the links to the views of a task. `here` is the last part of the address of the present one.
fn tabs(task: &str, here: &str) -> Markup {
    let address = address(task);
    html! {
        nav.tabs aria-label="Views of the variants" {
            @for (part, name) in [("", "Variants"), ("/runs", "Over runs")] {
                a href={ (address) (part) } aria-current=[(part == here).then_some("page")] { (name) }
            }
        }
    }
}
