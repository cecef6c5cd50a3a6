//! The beginning of a file as lines of text. JSON is indented.

use std::io::Read;

use super::{Format, InspectError, OutputFile};

/// The most bytes that are read of a file.
const BYTES: u64 = 1 << 20;

/// The first lines of a file, returned by [`OutputFile::first_lines`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FirstLines {
    /// The lines, unchanged: they may have characters that control a terminal. Empty if the file is not text.
    pub lines: Vec<String>,
    /// Whether these lines are all of the file.
    pub is_whole: bool,
    /// Whether the file is text, which is UTF-8 without NUL.
    pub is_text: bool,
}

impl OutputFile {
    /// Reads the first lines of a text, at most `count` of them, and at most one MiB. JSON has an entry on each line.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn first_lines(&self, count: usize) -> Result<FirstLines, InspectError> {
        let mut bytes = Vec::new();
        let size = self.open()?.take(BYTES + 1).read_to_end(&mut bytes);
        let size = size.map_err(|error| InspectError::io(self.path(), error))?;
        let is_cut = size as u64 > BYTES;
        bytes.truncate(BYTES as usize);
        let Some(text) = text_of(&bytes, is_cut) else {
            return Ok(FirstLines { lines: Vec::new(), is_whole: false, is_text: false });
        };
        let indented = (self.format() == Format::Json).then(|| indented(text, count));
        let mut all = indented.as_deref().unwrap_or(text).lines();
        let lines = all.by_ref().take(count).map(str::to_owned).collect();
        let is_whole = !is_cut && all.next().is_none();
        Ok(FirstLines { lines, is_whole, is_text: true })
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

/// Returns JSON with an entry on each line: all of it, or at least one line more than `lines`. A document that is nested deeply has
/// much more space than text.
///
/// It changes only the space between tokens, so that names keep their order and numbers their digits. The text may be the
/// beginning of a document.
fn indented(json: &str, lines: usize) -> String {
    let mut text = String::new();
    let mut left = lines.saturating_add(1);
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    let mut chars = json.chars().peekable();
    let new_line = |text: &mut String, depth: usize, left: &mut usize| {
        *left = left.saturating_sub(1);
        text.push('\n');
        // A document that is nested more deeply stays readable, and short.
        text.extend(std::iter::repeat_n("  ", depth.min(50)));
    };
    while left > 0 {
        let Some(c) = chars.next() else { break };
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
                        new_line(&mut text, depth, &mut left);
                    }
                }
            }
            ']' | '}' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth, &mut left);
                text.push(c);
            }
            ',' => {
                text.push(c);
                new_line(&mut text, depth, &mut left);
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
        assert_eq!(indented(json, 100), expected);
        assert_eq!(indented(expected, 100), expected);
        assert_eq!(indented("[1,", 100), "[\n  1,\n  ");
        assert_eq!(indented("]", 100), "\n]");
    }

    #[test]
    fn no_more_lines_are_indented_than_are_shown() {
        let deep = "[".repeat(1 << 20);
        let text = indented(&deep, 200);
        assert_eq!(text.lines().count(), 202);
        assert!(text.len() < 202 * 102, "{} bytes", text.len());
        assert_eq!(indented("[1, 2]", 3).lines().count(), 4);
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(text_of("aé".as_bytes(), false), Some("aé"));
        assert_eq!(text_of(&"aé".as_bytes()[..2], true), Some("a"));
        assert_eq!(text_of(&"aé".as_bytes()[..2], false), None);
        assert_eq!(text_of(b"a\0", false), None);
    }
}
