//! A number against one variable: a point for each, with a line through them if the variable is numeric and has each value once.

use maud::{Markup, html};

use super::axes::{self, Axis, HEIGHT, WIDTH};
use super::{Mark, Values, Variable, left_out, picture, stride};
use crate::text;

/// The number of points that are drawn.
const POINTS: usize = 1_000;

/// Shows the numbers of `upright` against `across`. `mark` returns what a point leads to.
///
/// Returns `None` if nothing can be drawn.
pub(crate) fn scatter(
    across: &Variable,
    upright: &Variable,
    mark: impl Fn(usize) -> Mark,
) -> Option<Markup> {
    let (lower, at_x) = Axis::of(&across.name, &across.values);
    let (left, at_y) = Axis::of(&upright.name, &upright.values);
    let placed = at_x.iter().zip(&at_y).enumerate();
    let mut points: Vec<_> =
        placed.filter_map(|(place, (x, y))| Some((place, (*x)?, (*y)?))).collect();
    if points.is_empty() {
        return None;
    }
    let missing = at_x.len() - points.len();
    let all = points.len();
    points = points.into_iter().step_by(stride(all, POINTS)).collect();
    let line = line(&across.values, &points);
    let title = format!("{} against {}", upright.name, across.name);
    let about =
        format!("A chart with {}. The table has the values.", text::count(points.len(), "point"));
    let content = html! {
        (axes::around(&lower, &left))
        @if let Some(line) = &line { path.trend d=(line) {} }
        g.marks aria-hidden="true" {
            @for (place, x, y) in &points {
                @let mark = mark(*place);
                a href=(mark.href) tabindex="-1" {
                    title { (text::block(&mark.hint)) }
                    circle.mark.outdated[mark.is_outdated] cx=(text::px(axes::x(*x))) cy=(text::px(axes::y(*y))) r="4" {}
                }
            }
        }
    };
    Some(html! {
        (picture(&title, &about, (WIDTH, HEIGHT), true, &content))
        (left_out(missing, all - points.len()))
    })
}

/// Returns the line through the points from left to right, if the variable is a number that each point has alone.
fn line(across: &Values, points: &[(usize, f64, f64)]) -> Option<String> {
    if matches!(across, Values::Words(_)) || points.len() < 2 {
        return None;
    }
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    if sorted.windows(2).any(|pair| pair[0].1 >= pair[1].1) {
        return None;
    }
    let at = sorted.iter().map(|(_, x, y)| format!("{:.1} {:.1}", axes::x(*x), axes::y(*y)));
    Some(format!("M{}", at.collect::<Vec<_>>().join("L")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(name: &str, values: &[f64]) -> Variable {
        let values = values.iter().copied().map(Some).collect();
        Variable { name: name.to_owned(), values: Values::Numbers(values) }
    }

    fn drawn(x: &[f64], y: &[f64]) -> Option<String> {
        let mark = |place: usize| Mark {
            href: format!("/{place}"),
            hint: format!("<{place}>"),
            is_outdated: place == 0,
        };
        Some(scatter(&numbers("c", x), &numbers("<b>", y), mark)?.into_string())
    }

    #[test]
    fn each_number_is_a_point_and_different_ones_are_connected() {
        let html = drawn(&[3.0, 1.0, 2.0], &[1.0, 2.0, f64::NAN]).expect("two points");
        assert_eq!(html.matches("<circle").count(), 2, "{html}");
        assert_eq!(html.matches("class=\"mark outdated\"").count(), 1, "{html}");
        assert!(
            html.contains("class=\"trend\"") && html.contains("1 point without a finite value"),
            "{html}"
        );
        assert!(
            html.contains("<title>&lt;b&gt; against c</title>") && html.contains("&lt;1&gt;"),
            "{html}"
        );
        let twice = drawn(&[1.0, 1.0, 2.0], &[1.0, 2.0, 3.0]).expect("three points");
        assert!(!twice.contains("class=\"trend\""), "{twice}");
        assert!(drawn(&[1.0], &[f64::INFINITY]).is_none() && drawn(&[], &[]).is_none());
    }

    #[test]
    fn the_number_of_points_is_bounded() {
        let values: Vec<_> = (0..10_000).map(f64::from).collect();
        let html = drawn(&values, &values).expect("points");
        assert_eq!(html.matches("<circle").count(), 1_000);
        assert!(
            html.contains("9000 of the other points") && html.len() < 300_000,
            "{}",
            html.len()
        );
    }
}
