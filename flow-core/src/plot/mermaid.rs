//! Writes a plot in the language of Mermaid: <https://mermaid.js.org/syntax/flowchart.html>.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::plot::drawing::Drawing;

/// Returns the Mermaid of a drawing.
pub(super) fn written(drawing: &Drawing) -> String {
    let mut text = String::from("flowchart LR\n");
    for (place, drawn) in drawing.boxes.iter().enumerate() {
        let lines = std::iter::once(&drawn.title).chain(&drawn.lines).map(|line| escaped(line));
        let label = lines.collect::<Vec<_>>().join("<br>");
        let class = drawn.state.word().to_lowercase();
        let _ = writeln!(text, "  n{place}[\"{label}\"]:::{class}");
    }
    for arrow in &drawing.arrows {
        let line = if arrow.in_run { "-.->" } else { "-->" };
        let _ = writeln!(text, "  n{} {line} n{}", arrow.from, arrow.to);
    }
    let states: BTreeSet<_> = drawing.boxes.iter().map(|drawn| drawn.state).collect();
    for state in states {
        let (area, edge) = state.colors();
        let class = state.word().to_lowercase();
        let _ = writeln!(text, "  classDef {class} fill:{area},stroke:{edge},color:#000");
    }
    text
}

/// Escapes text within quotes, in which entities are written with `#` instead of `&`.
///
/// Every character with a meaning in Mermaid, HTML or Markdown is written as an entity.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            char if char.is_control() => escaped.push(' '),
            char if char.is_alphanumeric() || " .,:-_…×/(){}".contains(char) => {
                escaped.push(char)
            }
            char => {
                let _ = write!(escaped, "#{};", u32::from(char));
            }
        }
    }
    escaped
}
