//! Writes a plot as an SVG picture.

use std::fmt::Write;

use crate::plot::drawing::{Arrow, Drawing, Drawn};
use crate::plot::layout::{Area, LINE, Layout, PADDING, Point, curve};

/// Returns the SVG of a drawing.
pub(super) fn written(drawing: &Drawing) -> String {
    let arrows: Vec<_> = drawing.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    let size = |drawn: &Drawn| Area::around(&drawn.title, drawn.state.word(), &drawn.lines);
    let layout = Layout::of(drawing.boxes.iter().map(size).collect(), &arrows);
    let mut body = String::new();
    for (arrow, points) in drawing.arrows.iter().zip(&layout.arrows) {
        draw_arrow(&mut body, arrow, points);
    }
    for (drawn, area) in drawing.boxes.iter().zip(&layout.boxes) {
        draw_box(&mut body, drawn, area);
    }
    let (width, height) = layout.size();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"ui-monospace, Menlo, Consolas, \
         monospace\" font-size=\"12\">\n<defs><marker id=\"flow-arrow\" viewBox=\"0 0 8 8\" refX=\"8\" \
         refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" \
         fill=\"#666\"/></marker></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         {body}</svg>\n"
    )
}

fn draw_box(svg: &mut String, drawn: &Drawn, area: &Area) {
    let (fill, edge) = drawn.state.colors();
    let (x, y, width, height) = (area.left(), area.top(), area.width, area.height);
    let _ = write!(
        svg,
        "<g><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
         height=\"{height:.1}\" rx=\"6\" fill=\"{fill}\" stroke=\"{edge}\" stroke-width=\"1.5\"/>",
        escaped(&drawn.hint),
    );
    let (left, right, first) = (x + PADDING, x + width - PADDING, y + LINE);
    let _ = write!(
        svg,
        "<text x=\"{left:.1}\" y=\"{first:.1}\" font-weight=\"bold\">{}</text><text x=\"{right:.1}\" \
         y=\"{first:.1}\" text-anchor=\"end\" font-size=\"9\" fill=\"#555\">{}</text>",
        escaped(&drawn.title),
        drawn.state.word(),
    );
    for (place, line) in drawn.lines.iter().enumerate() {
        let y = first + (place + 1) as f64 * LINE;
        let _ = write!(
            svg,
            "<text x=\"{left:.1}\" y=\"{y:.1}\" fill=\"#333\">{}</text>",
            escaped(line)
        );
    }
    svg.push_str("</g>\n");
}

fn draw_arrow(svg: &mut String, arrow: &Arrow, points: &[Point]) {
    let way = curve(points);
    let dashes = if arrow.in_run { " stroke-dasharray=\"5 3\"" } else { "" };
    let _ = writeln!(
        svg,
        "<path d=\"{way}\" fill=\"none\" stroke=\"#666\" stroke-width=\"1.2\"{dashes} \
         marker-end=\"url(#flow-arrow)\"/>"
    );
}

/// Escapes text for XML, which cannot represent most control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => {
                escaped.push(' ');
            }
            char => escaped.push(char),
        }
    }
    escaped
}
