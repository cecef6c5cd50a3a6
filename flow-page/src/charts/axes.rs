//! Axes: the positions of the values of a variable, and the lines and texts beside the area of a chart.

use maud::{Markup, html};

use super::Values;
use super::bands::Bands;
use super::scale::Scale;
use crate::text;

/// The size of a chart in pixels. Without scrolling, it is as wide as the narrowest page.
pub(super) const WIDTH: f64 = 360.0;
pub(super) const HEIGHT: f64 = 270.0;

/// The distances of the area from the edges of the chart.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 46.0;

/// The number of bands of an axis, and of ticks of a scale.
pub(super) const BANDS: usize = 24;
const TICKS: u32 = 5;

/// The width of a character in pixels, and the most characters of the text of a tick beside the left axis.
const CHARACTER: f64 = 6.2;
const LONGEST: usize = 8;

/// The most characters of the name of an axis.
const NAME: usize = 44;

/// An axis: positions from 0 to 1 with texts.
pub(super) struct Axis {
    name: String,
    /// The positions with their texts.
    ticks: Vec<(f64, String)>,
    /// The number of bands; `None` for a scale.
    bands: Option<usize>,
}

impl Axis {
    /// Returns the axis of a variable with the position of each value. The position of a value that cannot be drawn is `None`.
    pub(super) fn of(name: &str, values: &Values) -> (Self, Vec<Option<f64>>) {
        if let Values::Numbers(numbers) = values
            && let Some(scale) = Scale::of(numbers.iter().flatten().copied())
        {
            let places = numbers.iter().map(|number| scale.fraction((*number)?));
            return (Self::scaled(name, &scale), places.collect());
        }
        let bands = Bands::of(values, BANDS);
        let axis = Self::banded(name, &bands.labels);
        let places = bands.of.iter().map(|band| Some(axis.middle((*band)?)));
        let places = places.collect();
        (axis, places)
    }

    /// Returns the axis of a scale.
    pub(super) fn scaled(name: &str, scale: &Scale) -> Self {
        let tick = |value: f64| Some((scale.fraction(value)?, text::number(value)));
        let ticks = scale.ticks(TICKS).into_iter().filter_map(tick).collect();
        let kind = if scale.is_log() { " (logarithmic)" } else { "" };
        Self { name: format!("{}{kind}", text::clipped(name, NAME)), ticks, bands: None }
    }

    /// Returns an axis with a band for each text.
    pub(super) fn banded(name: &str, labels: &[String]) -> Self {
        let count = labels.len();
        let mut axis =
            Self { name: text::clipped(name, NAME), ticks: Vec::new(), bands: Some(count) };
        axis.ticks = labels
            .iter()
            .enumerate()
            .map(|(band, label)| (axis.middle(band), text::clipped(label, LONGEST)))
            .collect();
        axis
    }

    /// Returns an axis with these texts at positions from 0 to 1.
    pub(super) fn marked(name: &str, ticks: Vec<(f64, String)>) -> Self {
        Self { name: text::clipped(name, NAME), ticks, bands: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    fn middle(&self, band: usize) -> f64 {
        (band as f64 + 0.5) / self.bands.unwrap_or(1).max(1) as f64
    }
}

/// Returns the horizontal position of a fraction in pixels.
pub(super) fn x(fraction: f64) -> f64 {
    LEFT + fraction * (WIDTH - LEFT - RIGHT)
}

/// Returns the vertical position of a fraction in pixels: 0 is at the bottom.
pub(super) fn y(fraction: f64) -> f64 {
    HEIGHT - BOTTOM - fraction * (HEIGHT - BOTTOM - TOP)
}

/// Shows two axes around the area of a chart. The texts of the lower one that would overlap are left out.
pub(super) fn around(lower: &Axis, left: &Axis) -> Markup {
    let bottom = y(0.0);
    let widest = lower.ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or_default();
    let fitting = ((x(1.0) - x(0.0)) / ((widest + 1) as f64 * CHARACTER)) as usize;
    let each = lower.ticks.len().div_ceil(fitting.max(1)).max(1);
    let rows = left.ticks.len().div_ceil(((bottom - y(1.0)) / 14.0) as usize).max(1);
    html! {
        g.axes {
            @for (at, text) in left.ticks.iter().step_by(rows) {
                line.grid x1=(text::px(x(0.0))) x2=(text::px(x(1.0))) y1=(text::px(y(*at))) y2=(text::px(y(*at))) {}
                text x=(text::px(LEFT - 5.0)) y=(text::px(y(*at) + 4.0)) text-anchor="end" { (text) }
            }
            @for (at, text) in lower.ticks.iter().step_by(each) {
                line.tick x1=(text::px(x(*at))) x2=(text::px(x(*at))) y1=(text::px(bottom)) y2=(text::px(bottom + 4.0)) {}
                text x=(text::px(x(*at))) y=(text::px(bottom + 16.0)) text-anchor="middle" { (text) }
            }
            line.tick x1=(text::px(x(0.0))) x2=(text::px(x(1.0))) y1=(text::px(bottom)) y2=(text::px(bottom)) {}
            text.name x="4" y="14" { (left.name()) }
            text.name x=(text::px(x(1.0))) y=(text::px(HEIGHT - 8.0)) text-anchor="end" { (lower.name()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_scale_and_words_have_bands() {
        let numbers = Values::Numbers(vec![Some(0.0), Some(5.0), None, Some(f64::NAN), Some(10.0)]);
        let (axis, places) = Axis::of("c", &numbers);
        assert_eq!(places, [Some(0.0), Some(0.5), None, None, Some(1.0)]);
        let texts: Vec<_> = axis.ticks().iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!((axis.name(), texts), ("c", vec!["0", "2", "4", "6", "8", "10"]));

        let words = Values::Words(["b", "a", "b"].map(|word| Some(word.to_owned())).to_vec());
        let (axis, places) = Axis::of("model", &words);
        assert_eq!(places, [Some(0.75), Some(0.25), Some(0.75)]);
        assert_eq!(axis.ticks(), [(0.25, "a".to_owned()), (0.75, "b".to_owned())]);
        let (axis, places) = Axis::of("none", &Values::Numbers(vec![None]));
        assert_eq!((axis.ticks().len(), places), (0, vec![None]));
    }

    #[test]
    fn the_area_is_inside_the_chart() {
        assert_eq!((x(0.0), x(1.0)), (LEFT, WIDTH - RIGHT));
        assert_eq!((y(0.0), y(1.0)), (HEIGHT - BOTTOM, TOP));
    }
}
