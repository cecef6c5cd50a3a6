//! Values as text for people, in previews, folder names and messages.
//!
//! The text is short instead of reversible. `Some(3)` is shown as `3`, a string without quotes, and
//! a struct without its name. The text distinguishes what would confuse a reader: the end of one
//! item from the start of the next, a float from an integer, `none` for `None`, `Some(none)` for
//! `Some(None)`, and the quoted text `"none"`. Characters that would break or reorder a line are
//! escaped. The text has no length limit: callers [shorten](shortened) it.

use std::fmt::{self, Display, Write};

use super::Value;
use crate::value::secret::HIDDEN;

/// Writes text such as `Logistic`, `0.1`, `examples/data/iris.csv`, `[1, 2]`, `{a: 1, b: x}`, `Poly {degree: 3}`.
///
/// With `{:#}` a string is quoted if it would be quoted inside a list.
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
        Value::Some(inner) => {
            let reads_like_none = match &**inner {
                Value::None | Value::Some(_) => true,
                Value::UnitVariant(name) => is_none(name),
                _ => false,
            };
            if !reads_like_none {
                return write_value(inner, nested, f);
            }
            f.write_str("Some")?;
            write_items(std::slice::from_ref(inner), ['(', ')'], f)
        }
        Value::Seq(items) => write_items(items, ['[', ']'], f),
        Value::Map(entries) => write_entries(entries, |key, f| write_value(key, true, f), f),
        Value::OrderedMap(entries) => write_entries(entries, |key, f| write_value(key, true, f), f),
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

impl Value {
    /// Returns whether no other value of the same Rust type has the same text.
    ///
    /// Returns `false` for secrets, for text with escapes or quotes, and for a few others that are
    /// uncertain.
    pub(crate) fn is_told_by_text(&self) -> bool {
        let is_plain = |c: char| !matches!(c, '"' | '\\') && !is_escaped(c);
        match self {
            Self::None | Self::Unit | Self::Bool(_) | Self::Int(_) | Self::Float(_) => true,
            Self::Bytes(_) | Self::UnitVariant(_) => true,
            Self::Some(inner) => inner.is_told_by_text(),
            Self::Char(c) => is_plain(*c),
            Self::Str(text) => text.chars().all(is_plain),
            Self::Seq(items) => items.iter().all(Self::is_told_by_text),
            Self::Map(entries) => {
                entries.iter().all(|(key, value)| key.is_told_by_text() && value.is_told_by_text())
            }
            Self::Struct(fields) => fields.iter().all(|(_, value)| value.is_told_by_text()),
            Self::Variant(variant) => variant.1.is_told_by_text(),
            Self::Secret(_) | Self::OrderedMap(_) => false,
        }
    }

    /// Returns whether format 1 showed part of the value like something else.
    ///
    /// It showed `None` like `Some(None)`, and the text `none` like `None`.
    pub(crate) fn has_none(&self) -> bool {
        match self {
            Self::None => true,
            Self::Str(text) => text.is_empty() || is_none(text),
            Self::Some(inner) => inner.has_none(),
            Self::Seq(items) => items.iter().any(Self::has_none),
            Self::Map(entries) => entries.iter().any(|(k, v)| k.has_none() || v.has_none()),
            Self::OrderedMap(entries) => entries.iter().any(|(k, v)| k.has_none() || v.has_none()),
            Self::Struct(fields) => fields.iter().any(|(_, value)| value.has_none()),
            Self::Variant(variant) => variant.1.has_none(),
            _ => false,
        }
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
    let quoted = text.is_empty() || is_none(text) || nested && is_ambiguous(text);
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

/// Returns whether a string without quotes could be misread, or its end missed.
fn is_ambiguous(text: &str) -> bool {
    text.contains(['{', '}', '[', ']', '(', ')', '"'])
        || text.contains(", ")
        || text.contains(": ")
        || text.ends_with([',', ':'])
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
}

/// Returns the character, or its escape if it would break, hide or reorder the text around it.
pub(super) fn escaped(c: char) -> impl Display {
    fmt::from_fn(move |f| match c {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        c if is_escaped(c) => write!(f, "{}", c.escape_unicode()),
        c => f.write_char(c),
    })
}

/// Returns whether a character is [escaped].
///
/// These are control characters, line and paragraph separators, marks of bidirectional text, and
/// the byte order mark.
pub(super) fn is_escaped(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{2028}'
            | '\u{2029}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}')
}

/// Returns whether a text looks like an absent value.
fn is_none(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
}

/// A text in a message, shortened to 100 characters.
pub(super) struct Clipped<T>(pub(super) T);

impl<T: Display> Display for Clipped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LIMIT: usize = 100;
        let text = self.0.to_string();
        text.chars().take(LIMIT).try_for_each(|c| write!(f, "{}", escaped(c)))?;
        if text.chars().nth(LIMIT).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Returns names as a list in a sentence: `` `a`, `b` and `c` ``.
pub(super) fn list(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Shortens a text to `limit` characters.
///
/// The result has the beginning and the end of the text, and the first digits of its digest, so
/// that texts that differ in the middle stay distinct.
///
/// ```text
/// https://example.org/a…e/report.csv #1f0a99c2
/// ```
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.len() <= limit || text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let digest = crate::base::key::digest_bytes(text.as_bytes()).short();
    let kept = limit.saturating_sub(digest.len() + 3);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    let end = text.char_indices().nth(head).map_or(text.len(), |(at, _)| at);
    let start = text.char_indices().rev().nth(tail.saturating_sub(1)).map_or(0, |(at, _)| at);
    let tail = if tail == 0 { "" } else { &text[start..] };
    format!("{}…{tail} #{digest}", &text[..end])
}

/// Bytes as hexadecimal digits, `0x00ff`.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
