//! A plot as a picture of its own: SVG, laid out in layers by `dagre`.

use std::fmt::Write;

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, Point, RankDir, Ranker};

use crate::plot::drawing::{Arrow, Drawing, Drawn};

/// How wide a character and how high a line is, in pixels, of the fixed-width font that is asked for.
const CHARACTER: f64 = 7.3;
const LINE: f64 = 16.0;

/// What is left free in a box on each side, and around the picture, in pixels.
const PADDING: f64 = 10.0;
const MARGIN: f64 = 16.0;

/// From how many boxes on layers are found by the longest way, in time linear in what is drawn.
const MANY: usize = 300;

pub(super) fn written(drawing: &Drawing) -> String {
    let layout = layout(drawing);
    let (mut width, mut height) = (0.0_f64, 0.0_f64);
    let mut body = String::new();
    for arrow in &drawing.arrows {
        let Some(edge) = layout.edge(&name(arrow.from), &name(arrow.to), Some(kind(arrow))) else {
            continue;
        };
        for point in &edge.points {
            (width, height) = (width.max(point.x), height.max(point.y));
        }
        draw_arrow(&mut body, arrow, &edge.points);
    }
    for (place, drawn) in drawing.boxes.iter().enumerate() {
        let Some(at) = layout.node(&name(place)) else { continue };
        let (x, y) = (at.x.unwrap_or_default(), at.y.unwrap_or_default());
        (width, height) = (width.max(x + at.width / 2.0), height.max(y + at.height / 2.0));
        draw_box(
            &mut body,
            drawn,
            (x - at.width / 2.0, y - at.height / 2.0),
            (at.width, at.height),
        );
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

fn layout(drawing: &Drawing) -> Graph<NodeLabel, EdgeLabel> {
    let options = GraphOptions { directed: true, multigraph: true, compound: false };
    let mut graph = Graph::with_options(options);
    for (place, drawn) in drawing.boxes.iter().enumerate() {
        let lines = std::iter::once(&drawn.title).chain(&drawn.lines);
        let longest = lines.map(|line| line.chars().count()).max().unwrap_or_default();
        // The title stands beside what the state is called.
        let title = drawn.title.chars().count() + 2 + drawn.state.word().len();
        let width = longest.max(title) as f64 * CHARACTER + 2.0 * PADDING;
        let height = (drawn.lines.len() + 1) as f64 * LINE + PADDING;
        graph.set_node(name(place), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for arrow in &drawing.arrows {
        let (from, to) = (name(arrow.from), name(arrow.to));
        graph.set_edge(from, to, Some(EdgeLabel::default()), Some(kind(arrow)));
    }
    let ranker = match drawing.boxes.len() {
        MANY.. => Ranker::LongestPath,
        _ => Ranker::NetworkSimplex,
    };
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: 24.0,
        edgesep: 12.0,
        ranksep: 48.0,
        marginx: MARGIN,
        marginy: MARGIN,
        ranker,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    graph
}

fn name(place: usize) -> String {
    format!("n{place}")
}

/// Between the same boxes there may be an arrow of each kind.
fn kind(arrow: &Arrow) -> &'static str {
    if arrow.in_run { "in run" } else { "required" }
}

fn draw_box(svg: &mut String, drawn: &Drawn, (x, y): (f64, f64), (width, height): (f64, f64)) {
    let (area, edge) = drawn.state.colours();
    let _ = write!(
        svg,
        "<g><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
         height=\"{height:.1}\" rx=\"6\" fill=\"{area}\" stroke=\"{edge}\" stroke-width=\"1.5\"/>",
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

/// A curve through the middles of the way's pieces, so that it turns no corner.
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

/// Text of XML, which has no way to write most control characters.
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
