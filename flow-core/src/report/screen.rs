//! [`Screen`]: the lines that a terminal shows while a flow runs.
//!
//! ```text
//! [========>                     ] 12/40, 2 running, 1 failed, 65 s, about 3 min 20 s left
//!   Train {model: Logistic, Preprocess.scale: false}       40/200  5 s of about 12 s
//!   Fetch {day: 2024-02-29}: reading page 3                                     58 s
//! ```
//!
//! Each line fits the width of the terminal: long texts end in `…`. Characters count by the width that they are
//! displayed with. Control characters are escaped, and characters are removed whose width depends on the terminal.
//!
//! All times are [running times](crate::base::pause::running_time), which stand still while the process is suspended.

use std::time::Duration;

use console::{measure_text_width, truncate_str};

use crate::base::pause::Moment;
use crate::base::seconds::Seconds;
use crate::base::stop;
use crate::plan::instance::Instance;
use crate::report::event::{Event, label};
use crate::report::lines::rest_of_error;
use crate::report::time_left::TimeLeft;
use crate::value::escaped;

/// The maximum number of instances that are listed.
const LISTED: usize = 8;

/// The maximum width of a line, in columns: on a wide terminal the numbers stay near the labels.
const WIDTH: usize = 120;

/// The maximum width of the bar without its brackets, in columns. A shorter bar than `SHORTEST` is not shown.
const BAR: usize = 30;
const SHORTEST: usize = 5;

/// The time between two estimates of the time left.
const ESTIMATE: Duration = Duration::from_secs(1);

/// The state of a run as a terminal shows it.
pub(super) struct Screen {
    began: Duration,
    counts: Counts,
    running: Vec<Running>,
    time_left: Option<TimeLeft>,
    /// The latest estimate of the time left in seconds, and when it was made.
    estimate: Option<(Option<f64>, Duration)>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    settled: usize,
    of: usize,
    running: usize,
    failed: usize,
    /// Whether the process was interrupted, so that no other task starts.
    is_stopping: bool,
}

/// An instance that runs or waits.
struct Running {
    instance: Instance,
    since: Duration,
    /// Whether the task runs.
    is_started: bool,
    progress: Option<(u64, u64)>,
    /// The last status or line of the log, or what the instance waits for.
    status: Option<String>,
    /// The label and the expected seconds, found when the instance is first shown: most tasks end before.
    shown: Option<(String, Option<f64>)>,
}

impl Screen {
    /// Creates the screen of a run on this many workers; `None` if its time left cannot be estimated.
    pub(super) fn new(workers: Option<usize>, now: Duration) -> Self {
        Self {
            began: now,
            counts: Counts::default(),
            running: Vec::new(),
            time_left: workers.map(TimeLeft::new),
            estimate: None,
        }
    }

    /// Follows the run. Returns the text to print above the lines of the screen, if there is one.
    pub(super) fn receive(&mut self, event: &Event, at: Moment) -> Option<String> {
        let at = at.running;
        if let Some(time_left) = &mut self.time_left {
            time_left.receive(event);
        }
        match event {
            Event::Planned { pending, .. } => {
                let failed = self.counts.failed;
                self.counts = Counts { of: *pending, failed, ..Counts::default() };
                self.running.clear();
                self.estimate = None;
            }
            Event::Started { instance, .. } => self.add(instance, at, true, None),
            Event::Waiting { instance, reason, .. } => {
                self.add(instance, at, false, Some(format!("waits for {}", plain(reason))));
            }
            Event::Progress { instance, done, total } => {
                self.change(instance, |running| running.progress = Some((*done, *total)));
            }
            Event::Status { instance, message: text } | Event::Log { instance, line: text } => {
                self.change(instance, |running| running.status = Some(plain(text)));
            }
            Event::Finished { instance, settled, of, .. }
            | Event::Reused { instance, settled, of }
            | Event::Given { instance, settled, of }
            | Event::Unchanged { instance, settled, of }
            | Event::ByOtherProcess { instance, settled, of }
            | Event::Compared { instance, settled, of, .. }
            | Event::Failed { instance, settled, of, .. } => {
                self.remove(instance);
                (self.counts.settled, self.counts.of) = (*settled, *of);
                self.counts.failed += usize::from(matches!(event, Event::Failed { .. }));
            }
            Event::Skipped { instance, .. } => {
                self.remove(instance);
                self.counts.of = self.counts.of.saturating_sub(1);
            }
            Event::Stopped { instance }
            | Event::Retried { instance, .. }
            | Event::Lost { instance, .. } => self.remove(instance),
            Event::NotAsExpected { .. } | Event::Committed { .. } | Event::Lagged(_) => {}
        }
        match event {
            Event::Failed { .. } | Event::Retried { .. } | Event::Lost { .. } => {
                Some(unjoined(&format!("{event:#}\n{}", rest_of_error(event, "  "))))
            }
            _ => None,
        }
    }

    fn add(&mut self, instance: &Instance, at: Duration, is_started: bool, status: Option<String>) {
        self.remove(instance);
        let (instance, progress, shown) = (instance.clone(), None, None);
        self.running.push(Running { instance, since: at, is_started, progress, status, shown });
    }

    fn find(&self, instance: &Instance) -> Option<usize> {
        let key = instance.key();
        self.running.iter().position(|running| running.instance.key() == key)
    }

    fn change(&mut self, instance: &Instance, change: impl FnOnce(&mut Running)) {
        if let Some(place) = self.find(instance) {
            change(&mut self.running[place]);
        }
    }

    fn remove(&mut self, instance: &Instance) {
        if let Some(place) = self.find(instance) {
            self.running.remove(place);
        }
    }

    /// Returns the lines for a terminal of this width and height.
    pub(super) fn lines(&mut self, now: Duration, width: usize, height: usize) -> Vec<String> {
        let width = width.min(WIDTH);
        self.counts.running = self.running.iter().filter(|running| running.is_started).count();
        self.counts.is_stopping = stop::interrupted().is_some();
        let elapsed = now.saturating_sub(self.began).as_secs_f64();
        let mut lines = vec![overall(self.counts, elapsed, self.left(now), width)];
        // A line for the bar, one for the rest of the instances, and one for the cursor.
        let listed = LISTED.min(height.saturating_sub(3));
        for running in self.running.iter_mut().take(listed) {
            lines.push(running.line(now, width));
        }
        if let Some(more @ 1..) = self.running.len().checked_sub(listed) {
            lines.push(clipped(&format!("  … and {more} more"), width));
        }
        lines
    }

    /// Returns the seconds until the run ends, if they can be estimated.
    fn left(&mut self, now: Duration) -> Option<f64> {
        let time_left = self.time_left.as_mut()?;
        let (left, at) = match self.estimate {
            Some((left, at)) if now.saturating_sub(at) < ESTIMATE => (left, at),
            _ => {
                let running = self.running.iter().filter(|running| running.is_started);
                let running = running.map(|running| (&running.instance, running.elapsed(now)));
                (time_left.left(running), now)
            }
        };
        self.estimate = Some((left, at));
        left.map(|left| left - now.saturating_sub(at).as_secs_f64())
    }
}

impl Running {
    fn elapsed(&self, now: Duration) -> f64 {
        now.saturating_sub(self.since).as_secs_f64()
    }

    fn line(&mut self, now: Duration, width: usize) -> String {
        let elapsed = self.elapsed(now);
        let instance = &self.instance;
        let (label, expected) = self.shown.get_or_insert_with(|| {
            (unjoined(&label(instance)), instance.plan.expected_duration(instance.node))
        });
        let expected = (*expected).filter(|_| self.is_started);
        row(label, self.status.as_deref(), self.progress, (elapsed, expected), width)
    }
}

/// Returns the line about the whole run.
fn overall(counts: Counts, elapsed: f64, left: Option<f64>, width: usize) -> String {
    let Counts { settled, of, running, failed, is_stopping } = counts;
    let mut text = format!("{settled}/{of}, {running} running");
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    if is_stopping {
        text += ", stopping";
    }
    text += &format!(", {:#}", Seconds(elapsed));
    // Less than a second is not worth a number, and a late run may end at any time. So may one that is stopping.
    if let Some(left) = left.filter(|left| *left >= 0.5 && !is_stopping) {
        text += &format!(", about {:#} left", Seconds(left));
    }
    let cells = width.saturating_sub(measure_text_width(&text) + 3).min(BAR);
    if cells >= SHORTEST {
        text = format!("[{}] {text}", bar(settled, of, cells));
    }
    clipped(&text, width)
}

/// Returns a bar of this width: `====>   `.
fn bar(done: usize, of: usize, cells: usize) -> String {
    let full = (done.min(of) * cells).checked_div(of).unwrap_or(0);
    let head = if full < cells { ">" } else { "" };
    format!("{}{head}{}", "=".repeat(full), " ".repeat(cells - full - head.len()))
}

/// Returns the line about one instance, with its elapsed and expected seconds.
fn row(
    label: &str,
    status: Option<&str>,
    progress: Option<(u64, u64)>,
    (elapsed, expected): (f64, Option<f64>),
    width: usize,
) -> String {
    let mut right = match progress {
        Some((done, 0)) => format!("{done}  "),
        Some((done, total)) => format!("{done}/{total}  "),
        None => String::new(),
    };
    right += &format!("{:#}", Seconds(elapsed));
    if let Some(expected) = expected {
        right += &format!(" of about {:#}", Seconds(expected));
    }
    // Two columns of indentation, and two between the parts.
    let space = width.saturating_sub(measure_text_width(&right) + 4);
    let left = match status {
        // The status is worth more than the end of a long label.
        Some(status) => clipped(&format!("{}: {status}", clipped(label, space / 2)), space),
        None => clipped(label, space),
    };
    let gap = " ".repeat(space.saturating_sub(measure_text_width(&left)));
    clipped(&format!("  {left}{gap}  {right}"), width)
}

/// Returns a text of a user for one line of the screen.
fn plain(text: &str) -> String {
    unjoined(&escaped(text))
}

/// Returns a text without characters that may join with the one before.
///
/// Terminals do not agree on the width of the result: of an emoji that is made of several, or that has a color of skin.
/// A line that is wider than was computed would not be removed again.
pub(super) fn unjoined(text: &str) -> String {
    let joins =
        |c: char| matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    text.chars().filter(|&c| !joins(c)).collect()
}

/// Returns a text that is at most this wide. A text that is cut ends in `…`.
fn clipped(text: &str, width: usize) -> String {
    truncate_str(text, width, if width > 0 { "…" } else { "" }).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_has_a_bar_counts_and_times() {
        let counts = Counts { settled: 12, of: 40, running: 2, ..Counts::default() };
        let line = overall(counts, 65.2, Some(200.0), 80);
        let text = "12/40, 2 running, 65 s, about 3 min 20 s left";
        assert_eq!(line, format!("[=========>                    ] {text}"));
        let counts = Counts { failed: 1, settled: 40, ..counts };
        let line = overall(counts, 0.3, None, 46);
        assert_eq!(line, "[============] 40/40, 2 running, 1 failed, 0 s");
        // Without room for a bar there is none, and a narrow terminal cuts the text.
        assert_eq!(overall(counts, 0.3, Some(0.1), 36), "40/40, 2 running, 1 failed, 0 s");
        assert_eq!(overall(counts, 0.3, None, 10), "40/40, 2 …");
        // Once the run is stopping, it may end at any time.
        let counts = Counts { is_stopping: true, failed: 0, ..counts };
        let line = overall(counts, 9.0, Some(200.0), 40);
        assert_eq!(line, "[======] 40/40, 2 running, stopping, 9 s");
    }

    #[test]
    fn a_row_fits_the_terminal_and_its_numbers_are_on_the_right() {
        let line = row("Train {n: 1}", None, Some((40, 200)), (5.2, Some(12.0)), 50);
        assert_eq!(line, "  Train {n: 1}           40/200  5 s of about 12 s");
        let line = row("Train {n: 1}", Some("epoch 3"), None, (5.2, None), 40);
        assert_eq!(line, "  Train {n: 1}: epoch 3              5 s");
        // Wide characters take two columns each.
        for label in ["x".repeat(200), "数".repeat(100), "a数".repeat(60)] {
            for status in [None, Some("度".repeat(90))] {
                let line = row(&label, status.as_deref(), Some((1, 0)), (130.0, Some(9.0)), 80);
                let width = measure_text_width(&line);
                assert!((79..=80).contains(&width), "{width}: {line}");
                assert!(
                    line.contains('…') && line.ends_with("1  2 min 10 s of about 9 s"),
                    "{line}"
                );
            }
        }
        // However narrow the terminal is, no line is wider.
        for width in 0..40 {
            let line = row("Train {n: 1}", Some("度"), Some((1, 2)), (1.0, Some(2.0)), width);
            assert!(measure_text_width(&line) <= width, "{width}: {line}");
        }
    }

    #[test]
    fn no_text_has_characters_that_control_the_terminal_or_join() {
        // A family of three, and a waving hand with a color.
        let text = "a\u{1b}[2J\n\u{9b}1m\u{202e}b \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f44b}\u{1f3fd}\u{fe0f}";
        let shown = plain(text);
        assert_eq!(
            shown,
            "a\\u{1b}[2J\\n\\u{9b}1m\\u{202e}b \u{1f468}\u{1f469}\u{1f467} \u{1f44b}"
        );
        let each = |c: char| measure_text_width(c.encode_utf8(&mut [0; 4]));
        assert_eq!(measure_text_width(&shown), shown.chars().map(each).sum::<usize>());
    }

    #[test]
    fn a_bar_is_full_at_the_end() {
        let bars = [(0, 0), (0, 3), (1, 3), (3, 3), (4, 3)].map(|(done, of)| bar(done, of, 6));
        assert_eq!(bars, [">     ", ">     ", "==>   ", "======", "======"]);
    }
}
