//! Escaping of untrusted text for Markdown, comments and string literals.

/// Replaces characters that end a line or change the direction of text by spaces.
pub(crate) fn in_line(text: &str) -> String {
    text.chars().map(|c| if is_shown(c) { c } else { ' ' }).collect()
}

/// Escapes text for a code span: as [`in_line`], and backticks become apostrophes.
pub(crate) fn between_backticks(text: &str) -> String {
    in_line(text).replace('`', "'")
}

/// Quotes text as a basic string of TOML.
pub(crate) fn toml(text: &str) -> String {
    use std::fmt::Write;

    let mut quoted = String::from('"');
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            c if is_shown(c) => write!(quoted, "{c}"),
            c => write!(quoted, "\\u{:04X}", u32::from(c)),
        };
    }
    quoted.push('"');
    quoted
}

/// Returns whether a character neither ends a line nor changes the direction of text.
///
/// All characters that do are in the basic multilingual plane, so that `\uXXXX` can escape them.
fn is_shown(c: char) -> bool {
    let is_direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}') && !is_direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_line_its_backticks_or_its_quotes() {
        let hostile = "a\n\r\u{85}\u{2028}\u{202e}`\"\\";
        assert_eq!(in_line(hostile), "a     `\"\\");
        assert_eq!(between_backticks(hostile), "a     '\"\\");
        assert_eq!(toml(hostile), r#""a\u000A\u000D\u0085\u2028\u202E`\"\\""#);
    }
}
