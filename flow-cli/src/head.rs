//! The beginning of a file as text: JSON is indented, and control characters are escaped.

use std::io::Read;

use anyhow::Context as _;

use crate::error::CliError;
use crate::format::Format;
use crate::output::OutputFile;
use crate::text::escaped;

/// The most bytes that are read of a file.
const BYTES: u64 = 1 << 20;

/// The beginning of a file.
pub(crate) struct Head {
    /// The text; `None` if the file is not text.
    pub(crate) text: Option<String>,
    /// Whether this is the whole file.
    pub(crate) is_whole: bool,
}

impl Head {
    /// Reads at most `lines` lines.
    pub(crate) fn read(file: &OutputFile, format: Format, lines: usize) -> Result<Self, CliError> {
        let mut bytes = Vec::new();
        let opened = file.open()?;
        let size = opened.take(BYTES + 1).read_to_end(&mut bytes);
        let size = size.with_context(|| format!("cannot read {}", file.path.display()))?;
        let is_cut = size as u64 > BYTES;
        bytes.truncate(BYTES as usize);
        let Some(text) = text_of(&bytes, is_cut) else {
            return Ok(Self { text: None, is_whole: false });
        };
        let text = if format == Format::Json { indented(text) } else { text.to_owned() };
        let mut all = text.lines();
        let shown: Vec<_> = all.by_ref().take(lines).map(escaped).collect();
        let is_whole = !is_cut && all.next().is_none();
        Ok(Self { text: Some(shown.join("\n")), is_whole })
    }
}

/// Returns the text of bytes, without a character at the end that was cut; `None` if they are not text.
fn text_of(bytes: &[u8], is_cut: bool) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// Returns JSON with an entry on each line.
///
/// It changes only the space between tokens, so that names keep their order and numbers their digits. The text may be the
/// beginning of a document.
fn indented(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    let mut chars = json.chars().peekable();
    let new_line = |text: &mut String, depth: usize| {
        text.push('\n');
        // A document that is nested more deeply stays readable, and short.
        text.extend(std::iter::repeat_n("  ", depth.min(50)));
    };
    while let Some(c) = chars.next() {
        if is_quoted {
            text.push(c);
            is_quoted = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            continue;
        }
        match c {
            '"' => {
                is_quoted = true;
                text.push(c);
            }
            '[' | '{' => {
                text.push(c);
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
                match chars.next_if(|next| matches!(next, ']' | '}')) {
                    Some(end) => text.push(end),
                    None => {
                        depth += 1;
                        new_line(&mut text, depth);
                    }
                }
            }
            ']' | '}' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth);
                text.push(c);
            }
            ',' => {
                text.push(c);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c if c.is_whitespace() => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_keeps_its_order_and_numbers() {
        let json = r#"{"b":[1.50,{"a":"x, {\" \\"}],"a":[],"c":{ }}"#;
        let expected = "{\n  \"b\": [\n    1.50,\n    {\n      \"a\": \"x, {\\\" \\\\\"\n    }\n  ],\n  \
                        \"a\": [],\n  \"c\": {}\n}";
        assert_eq!(indented(json), expected);
        assert_eq!(indented(expected), expected);
        assert_eq!(indented("[1,"), "[\n  1,\n  ");
        assert_eq!(indented("]"), "\n]");
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(text_of("aé".as_bytes(), false), Some("aé"));
        assert_eq!(text_of(&"aé".as_bytes()[..2], true), Some("a"));
        assert_eq!(text_of(&"aé".as_bytes()[..2], false), None);
        assert_eq!(text_of(b"a\0", false), None);
    }
}
