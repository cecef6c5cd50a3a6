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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
