//! Values as people read them: in previews, folder names and messages.
//!
//! The text is short rather than reversible. `Some(3)` is shown as `3`, a string without quotes,
//! the name of a struct not at all. What is kept apart is what confuses a reader: the end of one
//! item and the start of the next, a float and an integer, `"none"` and `None`. Characters that
//! would break or reorder a line are escaped. It is as long as the value is; callers clip it.

use std::fmt::{self, Display, Write};

use super::Value;
use crate::secret::HIDDEN;

/// `Logistic`, `0.1`, `examples/data/iris.csv`, `[1, 2]`, `{a: 1, b: x}`, `Poly {degree: 3}`.
///
/// With `{:#}` a string is quoted where it would be inside a list.
impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nested = f.alternate();
        write_value(self, nested, f)
    }
}

fn write_value(value: &Value, nested: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::None => f.write_str("none"),
        Value::Unit => f.write_str("()"),
        Value::Bool(value) => write!(f, "{value}"),
        Value::Int(value) => write!(f, "{value}"),
        Value::Float(value) => write!(f, "{value}"),
        Value::Char(value) => write_text(value.encode_utf8(&mut [0; 4]), nested, f),
        Value::Str(value) => write_text(value, nested, f),
        Value::Bytes(value) => write!(f, "{}", Hex(value)),
        Value::Some(value) => {
            let nested = nested || matches!(&**value, Value::Str(text) if &**text == "none");
            write_value(value, nested, f)
        }
        Value::Seq(items) => write_items(items, ['[', ']'], f),
        Value::Map(entries) => write_entries(entries, |key, f| write_value(key, true, f), f),
        Value::Struct(fields) => write_entries(fields, |name, f| f.write_str(name), f),
        Value::UnitVariant(name) => f.write_str(name),
        Value::Variant(variant) => {
            let (name, content) = &**variant;
            f.write_str(name)?;
            match content {
                Value::Struct(_) => {
                    f.write_str(" ")?;
                    write_value(content, true, f)
                }
                Value::Seq(items) => write_items(items, ['(', ')'], f),
                content => write_items(std::slice::from_ref(content), ['(', ')'], f),
            }
        }
        Value::Secret(_) => f.write_str(HIDDEN),
    }
}

fn write_items(items: &[Value], around: [char; 2], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char(around[0])?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write_value(item, true, f)?;
    }
    f.write_char(around[1])
}

fn write_entries<K>(
    entries: &[(K, Value)],
    write_key: impl Fn(&K, &mut fmt::Formatter<'_>) -> fmt::Result,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    f.write_char('{')?;
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write_key(key, f)?;
        f.write_str(": ")?;
        write_value(value, true, f)?;
    }
    f.write_char('}')
}

fn write_text(text: &str, nested: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let quoted = text.is_empty() || nested && is_ambiguous(text);
    if !quoted {
        return text.chars().try_for_each(|c| write!(f, "{}", escaped(c)));
    }
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        write!(f, "{}", escaped(c))?;
    }
    f.write_char('"')
}

/// Whether a reader could take a string without quotes for something else, or miss its end.
fn is_ambiguous(text: &str) -> bool {
    text == "none"
        || text.contains(['{', '}', '[', ']', '(', ')', '"'])
        || text.contains(", ")
        || text.contains(": ")
        || text.ends_with([',', ':'])
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
}

/// The character, or its escape if it would break, hide or reorder what stands around it.
pub(super) fn escaped(c: char) -> impl Display {
    fmt::from_fn(move |f| match c {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        // Line and paragraph separators, the marks of bidirectional text, the byte order mark.
        '\u{2028}'
        | '\u{2029}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => write!(f, "{}", c.escape_unicode()),
        c if c.is_control() => write!(f, "{}", c.escape_unicode()),
        c => f.write_char(c),
    })
}

/// The text of something in a message, cut after some hundred characters.
pub(super) struct Clipped<T>(pub(super) T);

impl<T: Display> Display for Clipped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LIMIT: usize = 100;
        let text = self.0.to_string();
        text.chars().take(LIMIT).try_for_each(|c| write!(f, "{}", escaped(c)))?;
        if text.chars().nth(LIMIT).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// `` `a`, `b` and `c` ``.
pub(super) fn list(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Bytes as hexadecimal digits, `0x00ff`.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
