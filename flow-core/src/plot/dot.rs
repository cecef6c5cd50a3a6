//! Writes a plot in the language of Graphviz: <https://graphviz.org/doc/info/lang.html>.

use std::fmt::Write;

use crate::plot::drawing::Drawing;

/// Returns the DOT of a drawing.
pub(super) fn written(drawing: &Drawing) -> String {
    let mut text = String::from(
        "digraph flow {\n  rankdir=LR\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"]\n",
    );
    for (place, drawn) in drawing.boxes.iter().enumerate() {
        let (area, edge) = drawn.state.colors();
        let lines = std::iter::once(&drawn.title).chain(&drawn.lines).map(|line| escaped(line));
        let label = lines.collect::<Vec<_>>().join("\\n");
        let hint = drawn.hint.lines().map(escaped).collect::<Vec<_>>().join("\\n");
        let _ = writeln!(
            text,
            "  n{place} [label=\"{label}\", tooltip=\"{hint}\", fillcolor=\"{area}\", color=\"{edge}\"]"
        );
    }
    for arrow in &drawing.arrows {
        let style = if arrow.in_run { " [style=dashed]" } else { "" };
        let _ = writeln!(text, "  n{} -> n{}{style}", arrow.from, arrow.to);
    }
    text.push_str("}\n");
    text
}

/// Escapes text within quotes, in which a backslash begins what Graphviz calls an escString.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            // An ampersand begins an entity, as in HTML.
            '&' => escaped.push_str("&amp;"),
            char if char.is_control() => escaped.push(' '),
            char => escaped.push(char),
        }
    }
    escaped
}
