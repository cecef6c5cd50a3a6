//! Numbers over runs: a line for each variant.

use maud::{Markup, html};

use super::axes::{self, Axis, HEIGHT, WIDTH};
use super::scale::Scale;
use super::{left_out, picture, stride};
use crate::text;

/// The number of points of a line that are drawn.
const POINTS: usize = 200;

/// The number of texts below the chart.
const TICKS: usize = 3;

/// A line: its points from left to right.
pub(crate) struct Series {
    pub(crate) name: String,
    /// The position among all runs, the number, and what the point stands for.
    pub(crate) points: Vec<(usize, f64, String)>,
}

/// Shows lines over `runs`, which are the texts of the runs in order. `name` is that of the number.
///
/// Returns `None` if nothing can be drawn.
pub(crate) fn lines(name: &str, runs: &[String], series: &[Series]) -> Option<Markup> {
    let numbers = series.iter().flat_map(|one| one.points.iter().map(|(_, number, _)| *number));
    let scale = Scale::of(numbers)?;
    let at = |run: usize| (run as f64 + 0.5) / runs.len().max(1) as f64;
    let each = stride(runs.len(), TICKS);
    let ticks = runs.iter().enumerate().step_by(each).map(|(run, text)| (at(run), text.clone()));
    let lower = Axis::marked("runs, the latest one last", ticks.collect());
    let left = Axis::scaled(name, &scale);
    let place = |(run, number, hint): &(usize, f64, String)| {
        Some((axes::x(at(*run)), axes::y(scale.fraction(*number)?), hint.clone()))
    };
    let mut missing = 0;
    let mut beyond = 0;
    let mut drawn = Vec::new();
    for one in series {
        let points: Vec<_> = one.points.iter().filter_map(place).collect();
        missing += one.points.len() - points.len();
        let each = stride(points.len(), POINTS);
        let shown: Vec<_> = points.iter().step_by(each).cloned().collect();
        beyond += points.len() - shown.len();
        drawn.push(shown);
    }
    let title = format!("{name} over runs");
    let about = format!(
        "A chart with {} over {}. The table has the values.",
        text::count(series.len(), "line"),
        text::count(runs.len(), "run")
    );
    let content = html! {
        (axes::around(&lower, &left))
        @for (place, points) in drawn.iter().enumerate() {
            g.series.{ "series-" (place) } {
                path.trend d=(path(points)) {}
                @for (x, y, hint) in points {
                    circle.mark cx=(text::px(*x)) cy=(text::px(*y)) r="3.5" { title { (text::block(hint)) } }
                }
            }
        }
    };
    Some(html! {
        (picture(&title, &about, (WIDTH, HEIGHT), true, &content))
        @if series.len() > 1 {
            ul.legend {
                @for (place, one) in series.iter().enumerate() {
                    li { span.key.{ "series-" (place) } {} " " (text::clipped(&one.name, 200)) }
                }
            }
        }
        (left_out(missing, beyond))
    })
}

fn path(points: &[(f64, f64, String)]) -> String {
    let at = points.iter().map(|(x, y, _)| format!("{x:.1} {y:.1}"));
    format!("M{}", at.collect::<Vec<_>>().join("L"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, numbers: &[f64]) -> Series {
        let points = numbers.iter().enumerate();
        let points = points.map(|(run, number)| (run, *number, format!("<{number}>"))).collect();
        Series { name: name.to_owned(), points }
    }

    #[test]
    fn each_variant_is_a_line_with_a_point_for_each_run() {
        let runs: Vec<_> = (0..3).map(|run| format!("run {run}")).collect();
        let two = [series("c=<1>", &[1.0, 2.0, 3.0]), series("c=2", &[3.0, f64::NAN])];
        let html = lines("loss", &runs, &two).expect("lines").into_string();
        assert_eq!(
            (html.matches("<circle").count(), html.matches("<path").count()),
            (4, 2),
            "{html}"
        );
        assert!(
            html.contains("class=\"series series-1\"") && html.contains("c=&lt;1&gt;"),
            "{html}"
        );
        assert!(html.contains("run 0") && html.contains("run 2"), "{html}");
        assert!(html.contains("without a finite value"), "{html}");
        assert!(lines("loss", &runs, &[series("a", &[f64::NAN])]).is_none());
        assert!(lines("loss", &[], &[]).is_none());
    }
}
