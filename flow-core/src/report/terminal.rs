//! [`Terminal`]: the display of a run in a terminal.
//!
//! The lines of the [`Screen`] are drawn at the bottom, and failures are printed above them. All runs of the process share
//! one [`MultiProgress`], so that runs at the same time do not overwrite each other. When the run ends, its
//! lines are removed.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::consumer::Consumer;
use crate::report::event::Event;
use crate::report::screen::Screen;

/// The time between two drawings.
const INTERVAL: Duration = Duration::from_millis(100);

/// The time before the first drawing, so that nothing flickers in a run that ends at once.
const DELAY: Duration = Duration::from_millis(200);

/// The terminal, on which each run has a part.
///
/// The target draws at every call: a run calls it once in an [`INTERVAL`].
static TERMINAL: LazyLock<MultiProgress> = LazyLock::new(|| {
    let term = Box::new(Term::buffered_stderr());
    MultiProgress::with_draw_target(ProgressDrawTarget::term_like(term))
});

/// The display of one run.
pub(super) struct Terminal {
    screen: Screen,
    term: Term,
    began: Instant,
    /// The part of the terminal, and the text that is drawn there; `None` before the first drawing.
    drawn: Option<(ProgressBar, String)>,
}

impl Terminal {
    /// Returns the display, or `None` if the standard error is not a terminal that can move the cursor.
    pub(super) fn of_stderr(workers: Option<usize>) -> Option<Self> {
        let term = Term::stderr();
        let is_dumb = match std::env::var_os("TERM") {
            Some(kind) => kind == "dumb" || kind.is_empty(),
            None => cfg!(unix),
        };
        if !term.is_term() || is_dumb {
            return None;
        }
        Some(Self { screen: Screen::new(workers), term, began: Instant::now(), drawn: None })
    }

    fn draw(&mut self) {
        let (height, width) = self.term.size();
        let lines = self.screen.lines(Instant::now(), usize::from(width), usize::from(height));
        let text = lines.join("\n");
        match &mut self.drawn {
            Some((_, drawn)) if *drawn == text => {}
            Some((bar, drawn)) => {
                bar.set_message(text.clone());
                *drawn = text;
            }
            none => {
                let bar = TERMINAL.add(ProgressBar::no_length());
                bar.set_style(ProgressStyle::with_template("{msg}").expect("a valid template"));
                bar.set_message(text.clone());
                *none = Some((bar, text));
            }
        }
    }

    fn clear(&mut self) {
        if let Some((bar, _)) = self.drawn.take() {
            bar.finish_and_clear();
            TERMINAL.remove(&bar);
        }
    }
}

impl Consumer for Terminal {
    fn receive(&mut self, event: &Event, at: Instant) {
        if let Some(text) = self.screen.receive(event, at) {
            // A closed standard error is ignored.
            let _ = TERMINAL.println(text.trim_end());
        }
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn tick(&mut self) {
        if self.drawn.is_some() || self.began.elapsed() >= DELAY {
            self.draw();
        }
    }

    fn end(&mut self) {
        self.clear();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.clear();
    }
}
