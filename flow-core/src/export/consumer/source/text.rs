//! Text within the comments of the source.

use crate::export::text::between_backticks;

/// How many of something are listed where people read it.
const LISTED: usize = 12;

/// Some of these, and how many more there are.
pub(super) fn listed(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(LISTED);
    let text = all.take(LISTED).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{text}, … and {more} more") } else { text }
}

/// Text between backticks, on one line, that reads from left to right: the compiler takes no other in
/// a comment.
pub(super) fn code(text: impl AsRef<str>) -> String {
    format!("`{}`", between_backticks(text.as_ref()))
}
