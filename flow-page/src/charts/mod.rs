//! Charts as SVG: a file for each kind of chart, and what they share.
//!
//! A chart gets [`Values`], the numbers or words of a variable, one for each point. An axis ([`axes`]) maps them to
//! positions: numbers by a linear or logarithmic [`scale`] with [`ticks`], words by [`bands`] of equal width. What cannot
//! be drawn, such as a missing number, NaN or infinity, is left out and counted below the chart. So are points beyond a
//! limit, because the size of a page is bounded: points at equal distances in the list are drawn.
//!
//! The colors are classes of the style sheet, which has them for dark and light pages. A chart has a title and a
//! description. Its points are links for the mouse alone, because the table beside each chart has the same content for
//! the keyboard and for screen readers.

mod axes;
mod bands;
mod heat;
mod line;
mod parallel;
mod scale;
mod scatter;
mod ticks;

pub(crate) use self::heat::heat_map;
pub(crate) use self::line::{Series, lines};
pub(crate) use self::parallel::parallel_coordinates;
pub(crate) use self::scatter::scatter;

use maud::{Markup, html};

use crate::elements::scroll;
use crate::text;

/// The number of classes for colors that stand for a number, from the smallest to the largest.
const STEPS: usize = 7;

/// The values of a variable, one for each point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Numbers(Vec<Option<f64>>),
    Words(Vec<Option<String>>),
}

/// A variable with its name.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) values: Values,
}

/// A point of a chart: what it leads to, and what it stands for.
pub(crate) struct Mark {
    pub(crate) href: String,
    pub(crate) hint: String,
    /// Whether its number is that of an output that is not complete any more.
    pub(crate) is_outdated: bool,
}

/// Returns the class of the color for a position from 0 to 1.
fn step_class(fraction: f64) -> String {
    // A cast of NaN gives 0.
    format!("step-{}", ((fraction * STEPS as f64) as usize).min(STEPS - 1))
}

/// Returns the distance in the list of points that are drawn, if at most `most` of `all` are.
fn stride(all: usize, most: usize) -> usize {
    all.div_ceil(most.max(1)).max(1)
}

/// Shows a chart. `fits` is set if it becomes as small as the page; others scroll.
fn picture(title: &str, about: &str, size: (f64, f64), fits: bool, content: &Markup) -> Markup {
    let ((width, height), title) = (size, text::clipped(title, 200));
    let chart = html! {
        svg.chart.fits[fits] viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
            role="group" aria-label=(title) {
            title { (title) }
            desc { (text::clipped(about, 1_000)) }
            (content)
        }
    };
    scroll(&format!("{title}, scrollable"), &chart)
}

/// Says what a chart does not show.
fn left_out(missing: usize, beyond: usize) -> Markup {
    html! {
        @if missing > 0 { p.note { "Not drawn: " (text::count(missing, "point")) " without a finite value, or without a place on an axis." } }
        @if beyond > 0 { p.note { "Not drawn: " (beyond) " of the other points, because there are too many." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_colors_cover_the_whole_range() {
        let steps = [0.0, 0.15, 0.5, 0.99, 1.0, f64::NAN].map(step_class);
        assert_eq!(steps, ["step-0", "step-1", "step-3", "step-6", "step-6", "step-0"]);
    }

    #[test]
    fn a_stride_draws_at_most_as_many_as_allowed() {
        assert_eq!((stride(0, 10), stride(10, 10), stride(11, 10), stride(100, 10)), (1, 1, 2, 10));
    }
}
