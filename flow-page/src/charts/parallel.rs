//! Parallel coordinates: an upright axis for each variable, and a line through the values of each variant.
//!
//! See Alfred Inselberg, "The plane with parallel coordinates", The Visual Computer, 1985. The last variable decides about the
//! colors.

use maud::{Markup, html};

use super::axes::{Axis, WIDTH};
use super::{Mark, Variable, left_out, picture, step_class, stride};
use crate::text;

/// The number of lines that are drawn.
const LINES: usize = 500;

/// The distance of two axes, and of the outer ones from the edges, in pixels.
const GAP: f64 = 92.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 70.0;

/// The height of the chart and the ends of the axes in pixels.
const HEIGHT: f64 = 300.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 286.0;

/// The most texts beside an axis, and the most characters of the name of one.
const TICKS: usize = 12;
const NAME: usize = 13;

/// Shows a line for each variant. `mark` returns what a line leads to.
///
/// Returns `None` if there are less than two variables, or no variant has two values in neighboring ones.
pub(crate) fn parallel_coordinates(
    variables: &[Variable],
    mark: impl Fn(usize) -> Mark,
) -> Option<Markup> {
    let (axes, places): (Vec<_>, Vec<_>) =
        variables.iter().map(|one| Axis::of(&one.name, &one.values)).unzip();
    let (last, count) = (places.last()?, places.first()?.len());
    let lines = (0..count).filter_map(|variant| Some((variant, line(&places, variant)?)));
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        return None;
    }
    let drawn: Vec<_> = lines.iter().step_by(stride(lines.len(), LINES)).collect();
    let width = (LEFT + (axes.len() - 1) as f64 * GAP + RIGHT).max(WIDTH);
    let name = &variables.last()?.name;
    let title = format!("{name} against all parameters");
    let about = format!(
        "Parallel coordinates with {} and {}. The table has the values.",
        count_of(axes.len(), "axis", "axes"),
        text::count(drawn.len(), "line")
    );
    let content = html! {
        g.marks aria-hidden="true" {
            @for (variant, line) in &drawn {
                @let mark = mark(*variant);
                a href=(mark.href) tabindex="-1" {
                    title { (text::block(&mark.hint)) }
                    path.variant.(color(last[*variant])).outdated[mark.is_outdated] d=(line) {}
                }
            }
        }
        g.axes {
            @for (place, axis) in axes.iter().enumerate() {
                line.tick x1=(text::px(x(place))) x2=(text::px(x(place))) y1=(text::px(TOP)) y2=(text::px(BOTTOM)) {}
                text.name x=(text::px(x(place))) y=(text::px(if place % 2 == 0 { 12.0 } else { 26.0 })) text-anchor="middle" {
                    (text::clipped(axis.name(), NAME))
                    title { (axis.name()) }
                }
                @for (at, tick) in axis.ticks().iter().step_by(stride(axis.ticks().len(), TICKS)) {
                    text.value x=(text::px(x(place) + 4.0)) y=(text::px(y(*at) + 4.0)) { (tick) }
                }
            }
        }
    };
    Some(html! {
        (picture(&title, &about, (width, HEIGHT), false, &content))
        (left_out(count - lines.len(), lines.len() - drawn.len()))
    })
}

/// Returns the class of the color of a variant.
fn color(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| "step-none".to_owned(), step_class)
}

/// Returns the line through the values of a variant, with a gap where one is missing; `None` if no two values are neighbors.
fn line(places: &[Vec<Option<f64>>], variant: usize) -> Option<String> {
    let at = |axis: usize| Some(format!("{:.1} {:.1}", x(axis), y(places[axis][variant]?)));
    let mut path = String::new();
    for axis in 1..places.len() {
        let (Some(from), Some(to)) = (at(axis - 1), at(axis)) else { continue };
        // The end of a segment is the beginning of the next one.
        if !path.ends_with(&from) {
            path.push('M');
            path.push_str(&from);
        }
        path.push('L');
        path.push_str(&to);
    }
    (!path.is_empty()).then_some(path)
}

fn x(axis: usize) -> f64 {
    LEFT + axis as f64 * GAP
}

fn y(fraction: f64) -> f64 {
    BOTTOM - fraction * (BOTTOM - TOP)
}

fn count_of(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Values;

    fn variable(name: &str, values: &[Option<f64>]) -> Variable {
        Variable { name: name.to_owned(), values: Values::Numbers(values.to_vec()) }
    }

    fn mark(place: usize) -> Mark {
        Mark { href: format!("/{place}"), hint: String::new(), is_outdated: false }
    }

    #[test]
    fn each_variant_is_a_line_through_all_axes() {
        let model = ["<gbm>", "ols", "ols"].map(|word| Some(word.to_owned())).to_vec();
        let model = Variable { name: "model".to_owned(), values: Values::Words(model) };
        let c = variable("c", &[Some(0.0), Some(1.0), Some(2.0)]);
        let loss = variable("loss", &[Some(5.0), Some(4.0), None]);
        let html = parallel_coordinates(&[model, c, loss], mark).expect("lines").into_string();
        assert_eq!(html.matches("<path").count(), 3, "{html}");
        assert_eq!(html.matches("class=\"tick\"").count(), 3, "{html}");
        for class in ["variant step-6", "variant step-0", "variant step-none"] {
            assert_eq!(html.matches(&format!("class=\"{class}\"")).count(), 1, "{class}: {html}");
        }
        assert!(html.contains("&lt;gbm&gt;") && html.contains("3 axes and 3 lines"), "{html}");
    }

    #[test]
    fn a_line_has_a_gap_where_a_value_is_missing() {
        let places =
            [vec![Some(0.0)], vec![Some(1.0)], vec![None], vec![Some(0.0)], vec![Some(0.0)]];
        let path = line(&places, 0).expect("two segments");
        assert_eq!(path, "M60.0 286.0L152.0 34.0M336.0 286.0L428.0 286.0");
        assert_eq!(line(&places[1..4], 0), None);
    }

    #[test]
    fn the_number_of_lines_is_bounded_and_nothing_gives_no_chart() {
        let values: Vec<_> = (0..10_000).map(|n| Some(f64::from(n))).collect();
        let two = [variable("a", &values), variable("b", &values)];
        let html = parallel_coordinates(&two, mark).expect("lines").into_string();
        assert_eq!(html.matches("<path").count(), 500);
        assert!(parallel_coordinates(&two[..1], mark).is_none());
        assert!(parallel_coordinates(&[], mark).is_none());
    }
}
