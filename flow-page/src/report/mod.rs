//! A flow as one HTML file: the views of the page without a server.
//!
//! ```text
//! source      plans the roots, and lists the stored outputs of the same tasks
//!   ▼
//! instances   lists those that the report has, to which links may lead
//!   ▼
//! the graph, `variants`, `runs`, and a section for each instance with its `preview`s
//!   ▼
//! document    policy, style sheet and navigation around them
//! ```
//!
//! The views are those of the server: they take the links that they show from [`Links`]. The `budget` bounds the size of
//! the report, and notes what was left out. Images are `data_url`s.
//!
//! Invariants:
//!
//! - A report refers to nothing outside of itself. Each link leads to an anchor that exists, and nothing is loaded.
//! - Nothing in it runs: its policy allows no script at all, and only the style sheet with a random number that no
//!   content knows.
//! - It is not larger than the limit, or than its frame. The time to build it is linear in the instances of the graph and
//!   in the outputs of the store.
//! - Of files, it has only those of outputs in the store: see [`inside`](crate::inside).

mod budget;
mod data_url;
mod document;
mod instances;
mod options;
mod preview;
mod runs;
mod source;
mod variants;
mod write;

use std::fmt;

use flow_core::{Flow, TaskInfo};
use maud::{Markup, html};

use self::budget::Budget;
use self::document::{Part, document};
use self::instances::{Listed, failed};
pub use self::options::ReportOptions;
use self::source::Source;
use crate::drawing::{By, Drawing, Selected};
use crate::error::ReportError;
use crate::links::Links;
use crate::query::Query;
use crate::text;
use crate::token::Token;
use crate::views::graph::{BOXES, INSTANCES, canvas};
use crate::views::selection::counts;

/// A flow as one HTML file, which needs neither a server nor a network: to mail, or to keep.
///
/// [`report`](crate::report()) and [`flow.report::<R>(..)`](crate::MakeReport::report) create it.
pub struct Report {
    html: String,
    instances: usize,
    instances_left_out: usize,
    previews_left_out: usize,
    bytes_left_out: u64,
}

impl Report {
    /// Builds the report of some roots.
    pub(crate) fn new(
        flow: &Flow,
        roots: Vec<TaskInfo>,
        options: &ReportOptions,
    ) -> Result<Self, ReportError> {
        let source = Source::new(flow, roots)?;
        let mut budget = Budget::new(options.most());
        let listed = Listed::new(&source, &mut budget);
        let links = Links::Report(&listed.anchors);
        let mut parts =
            vec![Part { id: "graph", title: "Graph", body: graph(&source, links, &mut budget) }];
        if let Some(body) = variants::tables(&source, links, &mut budget) {
            parts.push(Part { id: "variants", title: "Variants", body });
        }
        let runs = runs::last(&source, links, &mut budget);
        let runs = runs.unwrap_or_else(|error| failed(flow.folder(), &error));
        parts.push(Part { id: "instances", title: "Instances", body: listed.list() });
        parts.push(Part { id: "runs", title: "Last runs", body: runs });
        let (body, shown) = listed.sections(&source, &mut budget);
        parts.push(Part { id: "outputs", title: "Each instance", body });
        let instances_left_out = listed.omitted + listed.len() - shown;
        if budget.previews > 0 {
            parts.push(Part { id: "left-out", title: "Left out", body: budget.left_out(links) });
        }
        let title = format!("Report of {}", text::clipped(&source.roots.join(", "), 120));
        let nonce = Token::random().map_err(ReportError::Random)?;
        let summary = summary(&source, links, shown, instances_left_out);
        Ok(Self {
            html: document(&title, &nonce, &summary, &parts),
            instances: shown,
            instances_left_out,
            previews_left_out: budget.previews,
            bytes_left_out: budget.bytes,
        })
    }

    /// Returns the report.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// Returns its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.html.len() as u64
    }

    /// Returns the number of instances that it shows.
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// Returns the number of instances of which it has at most the name, because there was no room for more.
    pub fn instances_left_out(&self) -> usize {
        self.instances_left_out
    }

    /// Returns the number of previews, figures, notes and logs of instances that it shows for which there was no room, or
    /// that a report cannot show. The report lists the first ones with their sizes.
    pub fn previews_left_out(&self) -> usize {
        self.previews_left_out
    }

    /// Returns the size of the files and texts whose previews were left out, in bytes.
    pub fn bytes_left_out(&self) -> u64 {
        self.bytes_left_out
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("bytes", &self.bytes())
            .field("instances", &self.instances)
            .finish_non_exhaustive()
    }
}

/// Shows what the report is about.
fn summary(source: &Source<'_>, links: Links<'_>, shown: usize, left_out: usize) -> Markup {
    html! {
        (counts(links, &source.snapshot.states))
        p {
            "Planned at " (text::timestamp(source.snapshot.at)) ". This file is complete: it loads nothing, and runs nothing."
            @if left_out > 0 {
                " It shows " (text::count(shown, "instance")) "; for " (left_out) " more there was no room."
            }
        }
    }
}

/// Draws the graph by instance or, if there are many, by task.
fn graph(source: &Source<'_>, links: Links<'_>, budget: &mut Budget) -> Markup {
    let snapshot = &source.snapshot;
    let all = vec![true; snapshot.instances.len()];
    let by = match snapshot.instances.len() {
        0..=INSTANCES => By::Instance,
        _ => By::Task,
    };
    let query = Query::default();
    let drawing = Drawing::new(&Selected {
        snapshot,
        states: &snapshot.states,
        by,
        is_drawn: &all,
        fits: &all,
        query: &query,
        links,
    });
    let mut share = budget.share(8);
    if drawing.len() <= BOXES {
        let picture = canvas(&drawing);
        if budget.take(&mut share, picture.0.len()) {
            return picture;
        }
    }
    html! { p.warning { "The report has no room for the picture, which would have " (drawing.len()) " boxes." } }
}
