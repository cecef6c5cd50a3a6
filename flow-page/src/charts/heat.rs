//! A number against two variables: a field for each pair of values, with the mean of the variants that have them.

use maud::{Markup, html};

use super::axes::{self, Axis, BANDS, HEIGHT, WIDTH};
use super::bands::Bands;
use super::scale::Scale;
use super::{STEPS, Variable, left_out, picture, step_class};
use crate::text;

/// The height of the legend below the chart in pixels.
const LEGEND: f64 = 30.0;

/// The mean of some numbers.
#[derive(Clone, Copy, Default)]
struct Mean {
    count: usize,
    mean: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.mean += (value - self.mean) / self.count as f64;
    }
}

/// Shows `numbers`, one for each variant, as colors against `across` and `upright`. `name` is that of the number.
///
/// Returns `None` if nothing can be drawn.
pub(crate) fn heat_map(
    across: &Variable,
    upright: &Variable,
    name: &str,
    numbers: &[Option<f64>],
) -> Option<Markup> {
    let (columns, rows) = (Bands::of(&across.values, BANDS), Bands::of(&upright.values, BANDS));
    let width = columns.labels.len();
    let mut means = vec![Mean::default(); width * rows.labels.len()];
    let mut drawn = 0;
    for ((column, row), number) in columns.of.iter().zip(&rows.of).zip(numbers) {
        let (Some(column), Some(row), Some(number)) = (column, row, number) else { continue };
        if number.is_finite() {
            means[row * width + column].add(*number);
            drawn += 1;
        }
    }
    // The mean of numbers at both ends of the range of doubles is infinite.
    let filled = || {
        let filled = means.iter().enumerate();
        filled.filter(|(_, mean)| mean.count > 0 && mean.mean.is_finite())
    };
    let scale = Scale::of(filled().map(|(_, mean)| mean.mean))?;
    let fields: Vec<_> = filled().collect();
    let lower = Axis::banded(&across.name, &columns.labels);
    let left = Axis::banded(&upright.name, &rows.labels);
    let (wide, high) = (1.0 / width.max(1) as f64, 1.0 / rows.labels.len().max(1) as f64);
    let size = (axes::x(wide) - axes::x(0.0), axes::y(0.0) - axes::y(high));
    let title = format!("{name} against {} and {}", across.name, upright.name);
    let about = format!(
        "A heat map with {}: each is the mean of the variants with these values. The table has the values.",
        text::count(fields.len(), "field")
    );
    let content = html! {
        (axes::around(&lower, &left))
        g.marks {
            @for (place, mean) in &fields {
                @let (column, row) = (place % width, place / width);
                @let fraction = scale.fraction(mean.mean).unwrap_or_default();
                @let (x, y) = (axes::x(column as f64 * wide), axes::y((row + 1) as f64 * high));
                rect.field.(step_class(fraction)) x=(text::px(x)) y=(text::px(y))
                    width=(text::px(size.0)) height=(text::px(size.1)) {
                    @let (column, row) = (columns.labels[column].as_str(), rows.labels[row].as_str());
                    title { (hint(name, (across, column), (upright, row), **mean)) }
                }
            }
        }
        (legend(name, &scale))
    };
    Some(html! {
        (picture(&title, &about, (WIDTH, HEIGHT + LEGEND), true, &content))
        (left_out(numbers.len() - drawn, 0))
    })
}

/// Returns the text of a field.
fn hint(
    name: &str,
    (across, column): (&Variable, &str),
    (upright, row): (&Variable, &str),
    mean: Mean,
) -> String {
    let of = match mean.count {
        1 => String::new(),
        count => format!(", the mean of {count}"),
    };
    let text = format!(
        "{} = {column}, {} = {row}: {name} {}{of}",
        across.name,
        upright.name,
        text::exact_number(mean.mean)
    );
    text::clipped(&text, 500)
}

/// Shows the colors with the numbers at both ends.
fn legend(name: &str, scale: &Scale) -> Markup {
    let (low, high) = scale.ends();
    let each = 16.0;
    let first = axes::x(0.0);
    let top = HEIGHT + 6.0;
    html! {
        g.legend {
            @for step in 0..STEPS {
                @let fraction = step as f64 / (STEPS - 1) as f64;
                @let left = first + step as f64 * each;
                rect.(step_class(fraction)) x=(text::px(left)) y=(text::px(top)) width=(text::px(each)) height="10" {}
            }
            text x=(text::px(first - 5.0)) y=(text::px(top + 10.0)) text-anchor="end" { (text::number(low)) }
            text x=(text::px(first + STEPS as f64 * each + 5.0)) y=(text::px(top + 10.0)) {
                (text::number(high)) " " (text::clipped(name, 16))
                @if scale.is_log() { " (log)" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Values;

    fn words(name: &str, values: &[&str]) -> Variable {
        let values = values.iter().map(|value| Some((*value).to_owned())).collect();
        Variable { name: name.to_owned(), values: Values::Words(values) }
    }

    #[test]
    fn each_pair_of_values_has_a_field_with_the_mean() {
        let across = words("a", &["x", "x", "y", "y"]);
        let upright = words("b", &["1", "1", "1", "<2>"]);
        let numbers = [Some(1.0), Some(3.0), Some(4.0), Some(f64::NAN)];
        let html = heat_map(&across, &upright, "loss", &numbers).expect("fields").into_string();
        assert_eq!(html.matches("class=\"field step-").count(), 2, "{html}");
        assert!(html.contains("a = x, b = 1: loss 2, the mean of 2"), "{html}");
        assert!(
            html.contains("class=\"field step-0\"") && html.contains("class=\"field step-6\""),
            "{html}"
        );
        assert!(
            html.contains("&lt;2&gt;") && html.contains("1 point without a finite value"),
            "{html}"
        );
        assert!(heat_map(&across, &upright, "loss", &[None; 4]).is_none());
    }

    #[test]
    fn extreme_numbers_are_drawn_without_a_panic() {
        let (across, upright) = (words("a", &["x", "x"]), words("b", &["1", "1"]));
        assert!(heat_map(&across, &upright, "n", &[Some(f64::MAX), Some(f64::MIN)]).is_none());
        assert!(heat_map(&across, &upright, "n", &[Some(f64::MAX), Some(f64::MAX)]).is_some());
    }
}
