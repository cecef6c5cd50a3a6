//! Writes a plot as an SVG picture.

use std::fmt::Write;

use crate::plot::drawing::{Arrow, Drawing, Drawn};
use crate::plot::layout::{Area, CHARACTER, LINE, Layout, MARGIN, PADDING, Point};

/// Returns the SVG of a drawing.
pub(super) fn written(drawing: &Drawing) -> String {
    let arrows: Vec<_> = drawing.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    let layout = Layout::of(drawing.boxes.iter().map(size).collect(), &arrows);
    let (mut width, mut height) = (0.0_f64, 0.0_f64);
    let mut body = String::new();
    for (arrow, points) in drawing.arrows.iter().zip(&layout.arrows) {
        for point in points {
            (width, height) = (width.max(point.x), height.max(point.y));
        }
        draw_arrow(&mut body, arrow, points);
    }
    for (drawn, area) in drawing.boxes.iter().zip(&layout.boxes) {
        (width, height) = (width.max(area.right()), height.max(area.bottom()));
        draw_box(&mut body, drawn, area);
    }
    let (width, height) = (width + MARGIN, height + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"ui-monospace, Menlo, Consolas, \
         monospace\" font-size=\"12\">\n<defs><marker id=\"flow-arrow\" viewBox=\"0 0 8 8\" refX=\"8\" \
         refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" \
         fill=\"#666\"/></marker></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         {body}</svg>\n"
    )
}

/// Returns the size of a box, which has no place yet.
fn size(drawn: &Drawn) -> Area {
    let lines = std::iter::once(&drawn.title).chain(&drawn.lines);
    let longest = lines.map(|line| line.chars().count()).max().unwrap_or_default();
    // The name of the state stands beside the title.
    let title = drawn.title.chars().count() + 2 + drawn.state.word().len();
    let width = longest.max(title) as f64 * CHARACTER + 2.0 * PADDING;
    let height = (drawn.lines.len() + 1) as f64 * LINE + PADDING;
    Area::sized(width, height)
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

/// Draws a smooth curve through the midpoints of the segments.
fn draw_arrow(svg: &mut String, arrow: &Arrow, points: &[Point]) {
    let [first, between @ .., last] = points else { return };
    let mut way = format!("M{:.1} {:.1}", first.x, first.y);
    for (place, point) in between.iter().enumerate() {
        let end = match between.get(place + 1) {
            Some(next) => ((point.x + next.x) / 2.0, (point.y + next.y) / 2.0),
            None => (last.x, last.y),
        };
        let _ = write!(way, "Q{:.1} {:.1} {:.1} {:.1}", point.x, point.y, end.0, end.1);
    }
    if between.is_empty() {
        let _ = write!(way, "L{:.1} {:.1}", last.x, last.y);
    }
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
