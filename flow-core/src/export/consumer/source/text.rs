//! Text within the comments of the source.

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
    let is_plain = |c: &char| {
        !c.is_control() && !matches!(c, '`' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text = text.as_ref().chars().map(|c| if is_plain(&c) { c } else { '\'' });
    format!("`{}`", text.collect::<String>())
}
