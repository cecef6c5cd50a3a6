//! The size of a report: how much of it is left, and what was left out.
//!
//! Each section may take a share of what is left when it begins. The share is a number that the section keeps, and each
//! part of the section is taken from both. So no section displaces a later one, and a section that needs less leaves
//! its share to the later ones.

use flow_core::Key;
use maud::{Markup, html};

use crate::elements::{more, table};
use crate::links::Links;
use crate::text;

/// What the frame of a report has at most, in bytes: head, style sheet, headings, the list of what was left out.
const FRAME: u64 = 128 << 10;

/// The number of previews that were left out and are listed.
const LISTED: usize = 50;

/// What is left of the size of a report.
pub(super) struct Budget {
    /// The largest size of the report.
    limit: u64,
    left: u64,
    /// The first previews that were left out.
    listed: Vec<LeftOut>,
    /// The number of previews that were left out, and the bytes that they show.
    pub(super) previews: usize,
    pub(super) bytes: u64,
}

/// A preview that was left out.
struct LeftOut {
    key: Key,
    instance: String,
    what: String,
    bytes: u64,
}

impl Budget {
    /// Returns the budget of a report with this limit.
    pub(super) fn new(limit: u64) -> Self {
        let left = limit.saturating_sub(FRAME);
        Self { limit, left, listed: Vec::new(), previews: 0, bytes: 0 }
    }

    /// Returns the share of a section: one of `parts` equal parts of what is left.
    pub(super) fn share(&self, parts: u64) -> u64 {
        self.left / parts
    }

    /// Returns whether a share has room for this many bytes.
    pub(super) fn has(&self, share: u64, bytes: u64) -> bool {
        bytes <= self.left.min(share)
    }

    /// Takes the size of a part from a share, if it has room. Returns whether it has.
    pub(super) fn take(&mut self, share: &mut u64, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let has_room = self.has(*share, bytes);
        if has_room {
            self.left -= bytes;
            *share -= bytes;
        }
        has_room
    }

    /// Notes that a preview was left out, which would show a file or text of this size.
    pub(super) fn leave_out(&mut self, key: Key, instance: &str, what: &str, bytes: u64) {
        self.previews += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.listed.len() < LISTED {
            let instance = text::clipped(instance, 100);
            let what = text::clipped(what, 100);
            self.listed.push(LeftOut { key, instance, what, bytes });
        }
    }

    /// Shows what was left out.
    pub(super) fn left_out(&self, links: Links<'_>) -> Markup {
        let rows = html! {
            @for one in &self.listed {
                tr {
                    th scope="row" { a href=[links.instance(one.key)] { (one.instance) } }
                    td { (one.what) }
                    td.number { (text::bytes(one.bytes)) }
                }
            }
        };
        html! {
            p {
                "Left out: " (text::count(self.previews, "preview")) " of " (text::bytes(self.bytes)) ". A report cannot show \
                 them, or there is no room: the report has at most " (text::bytes(self.limit)) "."
            }
            (table("Previews that were left out", &["Instance", "What", "Size"], rows))
            (more(self.previews, self.listed.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_no_more_than_its_share_and_leaves_the_rest() {
        let mut budget = Budget::new(FRAME + 1_000);
        let mut first = budget.share(4);
        assert!(!budget.take(&mut first, 251));
        assert!(budget.take(&mut first, 50) && budget.take(&mut first, 200));
        assert!(!budget.take(&mut first, 1));
        let mut second = budget.share(1);
        assert_eq!(second, 750);
        assert!(budget.take(&mut second, 750) && !budget.has(u64::MAX, 1));
        assert_eq!(Budget::new(0).share(1), 0);
    }

    #[test]
    fn what_was_left_out_is_counted_and_the_first_are_listed() {
        let mut budget = Budget::new(1_000_000);
        let key: Key = "0".repeat(32).parse().expect("a key");
        for _ in 0..LISTED + 2 {
            budget.leave_out(key, "<A>", "Data", 1_000);
        }
        let html = budget.left_out(Links::Server).into_string();
        assert!(html.contains("Left out: 52 previews of 52.0 kB."), "{html}");
        assert!(html.contains("at most 1.0 MB") && html.contains("… and 2 more"), "{html}");
        assert_eq!(html.matches("&lt;A&gt;").count(), LISTED);
    }
}
