//! A JSON document as a tree that opens and closes without JavaScript.

use maud::{Markup, html};
use serde_json::Value;

use crate::text;

/// The number of entries of one list or object that are shown.
const ENTRIES: usize = 200;

/// The number of entries of the whole document that are shown.
const ALL: usize = 2_000;

/// The depth to which the tree is open.
const OPEN: usize = 2;

/// The depth from which on entries are shown as text.
const DEEPEST: usize = 30;

/// Shows a document.
pub(super) fn tree(value: &Value) -> Markup {
    let mut left = ALL;
    html! { div.json { (node(value, 0, &mut left)) } }
}

fn node(value: &Value, depth: usize, left: &mut usize) -> Markup {
    let entries: Vec<(String, &Value)> = match value {
        Value::Array(items) if !items.is_empty() && depth < DEEPEST => {
            let items = items.iter().take(ENTRIES).enumerate();
            items.map(|(place, item)| (place.to_string(), item)).collect()
        }
        Value::Object(fields) if !fields.is_empty() && depth < DEEPEST => {
            let fields = fields.iter().take(ENTRIES);
            fields.map(|(name, item)| (text::clipped(name, 200), item)).collect()
        }
        Value::String(text) => {
            return html! { span.text { "\"" (text::clipped(text, 2_000)) "\"" } };
        }
        value => return html! { span.value { (text::clipped(&value.to_string(), 2_000)) } },
    };
    let (all, what) = match value {
        Value::Array(items) => (items.len(), "item"),
        Value::Object(fields) => (fields.len(), "field"),
        _ => (0, "entry"),
    };
    let mut shown = Vec::new();
    for (name, item) in entries {
        if *left == 0 {
            break;
        }
        *left -= 1;
        shown.push(html! { li { span.key { (name) ": " } (node(item, depth + 1, left)) } });
    }
    html! {
        details open[depth < OPEN] {
            summary { (text::count(all, what)) }
            ul {
                @for entry in &shown { (entry) }
                @if shown.len() < all { li { "… " (all - shown.len()) " more" } }
            }
        }
    }
}

/// Returns whether a document in memory has all digits of the numbers in its text. Whole numbers of more than 64 bits, and
/// decimal numbers of more digits than a double, have others there.
pub(super) fn has_all_digits(json: &[u8]) -> bool {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let mut number = String::new();
    for &byte in json {
        if is_quoted {
            is_quoted = is_escaped || byte != b'"';
            is_escaped = byte == b'\\' && !is_escaped;
            continue;
        }
        let is_first = byte.is_ascii_digit() || byte == b'-';
        if is_first || (!number.is_empty() && matches!(byte, b'.' | b'e' | b'E' | b'+')) {
            number.push(char::from(byte));
            continue;
        }
        if !is_exact(&std::mem::take(&mut number)) {
            return false;
        }
        is_quoted = byte == b'"';
    }
    is_exact(&number)
}

/// Returns whether a number in a text has the same digits in memory. An empty text is no number.
fn is_exact(number: &str) -> bool {
    let is_whole = number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
    let has_digits = |double: f64| digits(number) == digits(&format!("{double:e}"));
    number.is_empty() || is_whole || number.parse().is_ok_and(has_digits)
}

/// Returns the digits of a number without the zeros around them.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_with_more_digits_than_memory_keeps_are_found() {
        for exact in [
            "",
            "[18446744073709551615, -9223372036854775808, -0, 0.0]",
            r#"{"a": 0.10, "b": 1.50e3, "c": 0.30000000000000004, "d": 1E2, "e": 100000000000000000000}"#,
            r#"["12345678901234567890123", "\"", "\\", 1]"#,
        ] {
            assert!(has_all_digits(exact.as_bytes()), "{exact}");
        }
        for inexact in [
            "18446744073709551617",
            r#"["\"1", 0.12345678901234567890123]"#,
            "{\"a\":340282366920938463463374607431768211455}",
            "[1e400]",
        ] {
            assert!(!has_all_digits(inexact.as_bytes()), "{inexact}");
        }
    }

    #[test]
    fn a_tree_is_bounded_and_escaped() {
        let html = tree(&json!({"<b>": "</pre><script>"})).into_string();
        assert!(
            html.contains("&lt;b&gt;")
                && html.contains("&lt;script&gt;")
                && !html.contains("<script")
        );
        let many: Vec<Vec<usize>> = (0..200).map(|_| (0..200).collect()).collect();
        let html = tree(&json!(many)).into_string();
        assert!(html.matches("<li>").count() <= ALL + 300, "{}", html.len());
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        assert!(tree(&deep).into_string().contains("[[["));
    }
}
