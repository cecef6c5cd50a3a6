//! [`Terminal`]: the display of a run in a terminal.
//!
//! The lines of the [`Screen`] are drawn at the bottom, and failures are printed above them. All runs of the process share
//! one [`Bars`]. When the run ends, its lines are removed.
//!
//! # Cost
//!
//! Events change the [`Screen`], which is cheap. Ten times a second, what has failed since is printed at once, and the lines are
//! drawn if they have changed. The width of the terminal is read each time, so that a terminal may be resized. A terminal
//! that wraps the lines that it has when it becomes narrower may keep some of them above the bar.

use std::ffi::OsString;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use console::Term;

use crate::base::callbacks::Registered;
use crate::base::pause::{Moment, on_change, running_time};
use crate::report::bars::{self, Bars, Part};
use crate::report::consumer::Consumer;
use crate::report::event::Event;
use crate::report::screen::Screen;

/// The time between two drawings.
const INTERVAL: Duration = Duration::from_millis(100);

/// The time before the first drawing, so that nothing flickers in a run that ends at once.
const DELAY: Duration = Duration::from_millis(200);

/// The terminal of the standard error.
static BARS: LazyLock<Bars> = LazyLock::new(|| Bars::new(bars::stderr()));

/// Keeps [`BARS`] informed of suspensions, as long as the process exists.
static FOLLOWS: OnceLock<Registered> = OnceLock::new();

/// The display of one run.
pub(super) struct Terminal {
    bars: &'static Bars,
    screen: Screen,
    /// The [`running_time`] at the start.
    began: Duration,
    /// The lines of the screen; `None` before the first drawing.
    part: Option<Part>,
    /// The text that is not printed yet.
    above: String,
}

impl Terminal {
    /// Returns the display, or `None` if the standard error is not a terminal that can be drawn on.
    pub(super) fn of_stderr(workers: Option<usize>) -> Option<Self> {
        if !Term::stderr().is_term() || !is_drawable(|name| std::env::var_os(name)) {
            return None;
        }
        FOLLOWS.get_or_init(|| on_change(|change| BARS.follow(change)));
        let began = running_time();
        let screen = Screen::new(workers, began);
        Some(Self { bars: &BARS, screen, began, part: None, above: String::new() })
    }

    /// Prints what happened since the last call.
    fn flush(&mut self) {
        if !self.above.is_empty() {
            self.bars.print(self.above.trim_end());
            self.above.clear();
        }
    }

    fn draw(&mut self) {
        let (width, height) = self.bars.size();
        let lines = self.screen.lines(running_time(), width, height);
        self.bars.draw(&mut self.part, lines.join("\n"));
    }
}

/// Returns whether a terminal can move its cursor, and is no log of a CI service, given the environment.
fn is_drawable(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let can_move = match variable("TERM") {
        Some(kind) => kind != "dumb" && !kind.is_empty(),
        None => !cfg!(unix),
    };
    // Some services for continuous integration have terminals, whose output they keep as text.
    let is_set = |name| {
        variable(name).is_some_and(|value| !value.is_empty() && value != "0" && value != "false")
    };
    can_move && !is_set("CI") && !is_set("TF_BUILD")
}

/// Returns whether the shell lets this process use the terminal now.
///
/// After Ctrl-Z and `bg`, a drawing would overwrite the prompt of the shell.
fn is_in_foreground() -> bool {
    #[cfg(unix)]
    {
        use rustix::process::getpgrp;
        use rustix::termios::tcgetpgrp;

        // A terminal that does not control this process has no foreground for it.
        tcgetpgrp(std::io::stderr()).map_or(true, |group| group == getpgrp())
    }
    #[cfg(not(unix))]
    true
}

impl Consumer for Terminal {
    fn receive(&mut self, event: &Event, at: Moment) {
        if let Some(text) = self.screen.receive(event, at) {
            self.above.push_str(text.trim_end());
            self.above.push('\n');
        }
    }

    fn print(&mut self, line: &str, _at: Moment) {
        self.above.push_str(line);
        self.above.push('\n');
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn tick(&mut self) {
        let is_in_foreground = is_in_foreground();
        if !is_in_foreground {
            self.bars.erase(&mut self.part);
        }
        self.flush();
        let is_late = running_time().saturating_sub(self.began) >= DELAY;
        if is_in_foreground && (self.part.is_some() || is_late) {
            self.draw();
        }
    }

    fn end(&mut self) {
        self.bars.erase(&mut self.part);
        self.flush();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.bars.erase(&mut self.part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_whether_the_terminal_is_drawn_on() {
        let drawable = |variables: &[(&str, &str)]| {
            is_drawable(|name| {
                let found = variables.iter().find(|(other, _)| *other == name);
                found.map(|(_, value)| OsString::from(value))
            })
        };
        let xterm = ("TERM", "xterm");
        assert!(drawable(&[xterm]) && drawable(&[xterm, ("NO_COLOR", "1")]));
        assert!(drawable(&[xterm, ("CI", "false")]) && drawable(&[xterm, ("CI", "")]));
        for variables in [
            [("TERM", "dumb"), ("CI", "")],
            [("TERM", ""), ("CI", "")],
            [xterm, ("CI", "true")],
            [xterm, ("TF_BUILD", "True")],
        ] {
            assert!(!drawable(&variables), "{variables:?}");
        }
        assert_eq!(drawable(&[]), !cfg!(unix));
    }
}
