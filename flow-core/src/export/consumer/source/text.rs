//! Text in the comments of the source.

use crate::export::text::between_backticks;

/// The maximal number of listed items.
const LISTED: usize = 12;

/// Joins the first items, and says how many more there are.
pub(super) fn listed(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(LISTED);
    let text = all.take(LISTED).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{text}, … and {more} more") } else { text }
}

/// Returns text as a code span on one line, without characters that change the direction of text.
///
/// The compiler refuses such characters in comments.
pub(super) fn code(text: impl AsRef<str>) -> String {
    format!("`{}`", between_backticks(text.as_ref()))
}
