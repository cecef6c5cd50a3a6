//! Writes a plot as lines of text.

use crate::plot::drawing::Drawing;

/// Returns a line for each box: `Train {depth: 3} PENDING ← Load`.
pub(super) fn written(drawing: &Drawing) -> String {
    let mut required: Vec<Vec<String>> = vec![Vec::new(); drawing.boxes.len()];
    for arrow in &drawing.arrows {
        let from = &drawing.boxes[arrow.from].label;
        let in_run = if arrow.in_run { " (in run)" } else { "" };
        required[arrow.to].push(format!("{from}{in_run}"));
    }
    let lines = drawing.boxes.iter().zip(required).map(|(drawn, required)| {
        let line = format!("{} {}", drawn.label, drawn.state.word());
        match required.as_slice() {
            [] => line,
            required => format!("{line} ← {}", required.join(", ")),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
