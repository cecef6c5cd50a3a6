//! Boxes, and arrows as curves: the sizes and paths that all pictures of graphs have.

use std::fmt::Write as _;

/// The width of a character, in pixels, of the fixed-width font that the picture asks for.
pub const CHARACTER: f64 = 7.3;

/// The height of a line, in pixels.
pub const LINE: f64 = 16.0;

/// The space in a box on each side, in pixels.
pub const PADDING: f64 = 10.0;

/// The space around the picture, in pixels.
pub const MARGIN: f64 = 16.0;

/// A box: its middle, and its size.
#[derive(Clone, Copy, Default)]
pub struct Area {
    /// The middle.
    pub middle: Point,
    /// The width.
    pub width: f64,
    /// The height.
    pub height: f64,
}

/// A point of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// The distance from the left edge.
    pub x: f64,
    /// The distance from the upper edge.
    pub y: f64,
}

impl Area {
    /// Returns a box of this size, in pixels, that has no place yet.
    pub fn sized(width: f64, height: f64) -> Self {
        Self { middle: Point::default(), width, height }
    }

    /// Returns a box without a place that has room for a title, a word beside it, and lines below it.
    pub fn around(title: &str, word: &str, lines: &[String]) -> Self {
        let title = title.chars().count() + 2 + word.chars().count();
        let longest = lines.iter().map(|line| line.chars().count()).chain([title]).max();
        let width = longest.unwrap_or_default() as f64 * CHARACTER + 2.0 * PADDING;
        Self::sized(width, (lines.len() + 1) as f64 * LINE + PADDING)
    }

    /// Returns the left edge.
    pub fn left(&self) -> f64 {
        self.middle.x - self.width / 2.0
    }

    /// Returns the right edge.
    pub fn right(&self) -> f64 {
        self.middle.x + self.width / 2.0
    }

    /// Returns the upper edge.
    pub fn top(&self) -> f64 {
        self.middle.y - self.height / 2.0
    }

    /// Returns the lower edge.
    pub fn bottom(&self) -> f64 {
        self.middle.y + self.height / 2.0
    }
}

/// Returns an arrow as the data of an SVG path: a smooth curve through the midpoints of its segments.
pub fn curve(points: &[Point]) -> String {
    let [first, between @ .., last] = points else { return String::new() };
    let mut way = format!("M{:.1} {:.1}", first.x, first.y);
    for (place, point) in between.iter().enumerate() {
        let (x, y) = match between.get(place + 1) {
            Some(next) => ((point.x + next.x) / 2.0, (point.y + next.y) / 2.0),
            None => (last.x, last.y),
        };
        let _ = write!(way, "Q{:.1} {:.1} {x:.1} {y:.1}", point.x, point.y);
    }
    if between.is_empty() {
        let _ = write!(way, "L{:.1} {:.1}", last.x, last.y);
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_a_bend_for_each_point_between_its_ends() {
        let points = [(0.0, 0.0), (2.0, 0.0), (4.0, 2.0), (6.0, 2.0)].map(|(x, y)| Point { x, y });
        assert_eq!(curve(&points), "M0.0 0.0Q2.0 0.0 3.0 1.0Q4.0 2.0 6.0 2.0");
        assert_eq!(curve(&points[..2]), "M0.0 0.0L2.0 0.0");
        assert_eq!(curve(&points[..1]), "");
    }

    #[test]
    fn a_box_is_as_wide_as_its_longest_line() {
        let area = Area::around("Fit", "pending", &["c: 0.1".to_owned()]);
        assert_eq!((area.width, area.height), (12.0 * CHARACTER + 20.0, 42.0));
        let long = Area::around("Fit", "pending", &["x".repeat(30)]);
        assert_eq!(long.width, 30.0 * CHARACTER + 20.0);
    }
}
