//! The positions of boxes and arrows in a picture.
//!
//! Small graphs are laid out by `dagre`, which leads arrows around boxes. It takes more than linear time:
//! minutes for 10,000 boxes. Its recursion is as deep as the graph: in a debug build, a chain of 3,000 boxes
//! overflows the stack. So from 600 boxes and passed columns on, a graph is laid out in [`columns`], in
//! linear time.

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir};

use crate::plot::columns;
use crate::plot::drawing::{Arrow, Drawing, Drawn};

/// The width of a character and the height of a line of the fixed-width font, in pixels.
pub(super) const CHARACTER: f64 = 7.3;
pub(super) const LINE: f64 = 16.0;

/// The space inside a box on each side, and around the picture, in pixels.
pub(super) const PADDING: f64 = 10.0;
pub(super) const MARGIN: f64 = 16.0;

/// The space between boxes of a column, and between columns, in pixels.
pub(super) const BESIDE: f64 = 24.0;
pub(super) const BETWEEN: f64 = 48.0;

/// From this number of boxes plus columns passed by arrows on, `dagre` is not used.
const MANY: usize = 600;

/// The positions of all boxes and arrows, in pixels.
pub(super) struct Layout {
    /// The area of each box.
    pub(super) boxes: Vec<Area>,
    /// The points of each arrow.
    pub(super) arrows: Vec<Vec<Point>>,
}

/// The area of a box: its center and its size.
#[derive(Clone, Copy, Default)]
pub(super) struct Area {
    pub(super) middle: Point,
    pub(super) width: f64,
    pub(super) height: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Layout {
    pub(super) fn of(drawing: &Drawing) -> Self {
        let columns = columns::of_each(drawing);
        let passed = |arrow: &Arrow| columns[arrow.to].abs_diff(columns[arrow.from]);
        let passed: usize = drawing.arrows.iter().map(passed).sum();
        match drawing.boxes.len() + passed {
            MANY.. => columns::layout(drawing, &columns),
            _ => by_dagre(drawing),
        }
    }
}

impl Area {
    /// Returns the size of a box, which has no position yet.
    pub(super) fn of(drawn: &Drawn) -> Self {
        let lines = std::iter::once(&drawn.title).chain(&drawn.lines);
        let longest = lines.map(|line| line.chars().count()).max().unwrap_or_default();
        // The state is printed to the right of the title.
        let title = drawn.title.chars().count() + 2 + drawn.state.word().len();
        let width = longest.max(title) as f64 * CHARACTER + 2.0 * PADDING;
        let height = (drawn.lines.len() + 1) as f64 * LINE + PADDING;
        Self { middle: Point::default(), width, height }
    }

    pub(super) fn left(&self) -> f64 {
        self.middle.x - self.width / 2.0
    }

    pub(super) fn right(&self) -> f64 {
        self.middle.x + self.width / 2.0
    }

    pub(super) fn top(&self) -> f64 {
        self.middle.y - self.height / 2.0
    }

    pub(super) fn bottom(&self) -> f64 {
        self.middle.y + self.height / 2.0
    }
}

fn by_dagre(drawing: &Drawing) -> Layout {
    let options = GraphOptions { directed: true, multigraph: true, compound: false };
    let mut graph = Graph::with_options(options);
    let mut boxes: Vec<_> = drawing.boxes.iter().map(Area::of).collect();
    for (place, Area { width, height, .. }) in boxes.iter().enumerate() {
        let label = NodeLabel { width: *width, height: *height, ..NodeLabel::default() };
        graph.set_node(name(place), Some(label));
    }
    for arrow in &drawing.arrows {
        let (from, to) = (name(arrow.from), name(arrow.to));
        graph.set_edge(from, to, Some(EdgeLabel::default()), Some(kind(arrow)));
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: BESIDE,
        edgesep: BESIDE / 2.0,
        ranksep: BETWEEN,
        marginx: MARGIN,
        marginy: MARGIN,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    for (place, area) in boxes.iter_mut().enumerate() {
        if let Some(NodeLabel { x: Some(x), y: Some(y), .. }) = graph.node(&name(place)) {
            area.middle = Point { x: *x, y: *y };
        }
    }
    let path = |arrow: &Arrow| {
        let edge = graph.edge(&name(arrow.from), &name(arrow.to), Some(kind(arrow)));
        let points = edge.map_or(&[][..], |edge| &edge.points);
        points.iter().map(|point| Point { x: point.x, y: point.y }).collect()
    };
    Layout { arrows: drawing.arrows.iter().map(path).collect(), boxes }
}

fn name(place: usize) -> String {
    format!("n{place}")
}

/// Returns the kind of an arrow: two boxes may have one arrow of each kind.
fn kind(arrow: &Arrow) -> &'static str {
    if arrow.in_run { "in run" } else { "required" }
}
