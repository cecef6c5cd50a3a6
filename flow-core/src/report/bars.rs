//! [`Bars`]: what all runs of the process draw on the terminal.
//!
//! Each run has a [`Part`] of the last lines, so that runs at the same time do not overwrite each other. Texts are printed
//! above all parts.
//!
//! Before the process is suspended, all parts are erased, so that the prompt of the shell is in an empty line. Until the
//! process is continued, a run that draws waits. After that, each run draws its part again. Nothing is left on the
//! terminal when the process exits at once, either.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use console::Term;
use crossbeam_channel::bounded;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::base::pause::Change;

/// How long a suspension or an exit waits until the parts are erased.
///
/// A terminal that takes nothing, as after Ctrl-S, delays neither for longer.
const PATIENCE: Duration = Duration::from_millis(300);

/// The size of a terminal that does not tell its own, in columns and lines.
const SIZE: (u16, u16) = (80, 24);

/// The parts of all runs on a terminal.
pub(super) struct Bars {
    /// It draws at every call: a run calls it once in an interval.
    bars: MultiProgress,
    canvas: Canvas,
    /// Locked while anything is drawn.
    drawn: Mutex<Drawn>,
    /// Whether nothing may be drawn. It is never locked for long.
    is_paused: Mutex<bool>,
    resumed: Condvar,
}

#[derive(Default)]
struct Drawn {
    /// The number of parts.
    parts: usize,
    /// How often all parts were erased.
    erasures: u64,
}

/// The lines of one run.
pub(super) struct Part {
    bar: ProgressBar,
    text: String,
    /// How often all parts had been erased when this one was drawn.
    erasures: u64,
}

impl Bars {
    pub(super) fn new(term: impl TermLike + 'static) -> Self {
        let canvas = Canvas(Arc::new(term));
        let target = ProgressDrawTarget::term_like(Box::new(canvas.clone()));
        let bars = MultiProgress::with_draw_target(target);
        Self {
            bars,
            canvas,
            drawn: Mutex::default(),
            is_paused: Mutex::default(),
            resumed: Condvar::new(),
        }
    }

    /// Returns the present width and height of the terminal.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.canvas.width().into(), self.canvas.height().into())
    }

    /// Draws the lines of a run, unless they are on the terminal already.
    pub(super) fn draw(&self, part: &mut Option<Part>, text: String) {
        let mut drawn = self.begin();
        match part {
            Some(part) if part.text == text && part.erasures == drawn.erasures => {}
            Some(part) => {
                part.bar.set_message(text.clone());
                (part.text, part.erasures) = (text, drawn.erasures);
            }
            none => {
                let bar = self.bars.add(ProgressBar::no_length());
                bar.set_style(ProgressStyle::with_template("{msg}").expect("a valid template"));
                bar.set_message(text.clone());
                drawn.parts += 1;
                *none = Some(Part { bar, text, erasures: drawn.erasures });
            }
        }
    }

    /// Prints lines above all parts.
    pub(super) fn print(&self, text: &str) {
        let drawn = self.begin();
        // A closed standard error is ignored.
        let _ = match drawn.parts {
            // Without a part, `println` would leave the cursor at the end of the last line.
            0 => self.canvas.write_line(text).and_then(|()| self.canvas.flush()),
            _ => self.bars.println(text),
        };
    }

    /// Removes the lines of a run.
    pub(super) fn erase(&self, part: &mut Option<Part>) {
        let Some(part) = part.take() else { return };
        let mut drawn = self.begin();
        part.bar.finish_and_clear();
        self.bars.remove(&part.bar);
        drawn.parts -= 1;
    }

    /// Waits until something may be drawn.
    fn begin(&self) -> MutexGuard<'_, Drawn> {
        loop {
            let drawn = self.drawn();
            let is_paused = self.is_paused();
            if !*is_paused {
                return drawn;
            }
            drop(drawn);
            let resumed = self.resumed.wait_while(is_paused, |is_paused| *is_paused);
            drop(resumed.unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        // A run whose display has panicked does not take the terminal from the others.
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_paused(&self) -> MutexGuard<'_, bool> {
        self.is_paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Erases all parts before the process is suspended or exits, and allows drawing again after it was continued.
    pub(super) fn follow(&'static self, change: Change) {
        match change {
            Change::Pause | Change::Exit => {
                *self.is_paused() = true;
                let (ended, erased) = bounded::<()>(0);
                let erase = move || {
                    self.erase_all();
                    drop(ended);
                };
                // Writing to the terminal may block, and this thread must not.
                if Builder::new().name("flow-bars".to_owned()).spawn(erase).is_ok() {
                    let _ = erased.recv_timeout(PATIENCE);
                }
            }
            Change::Resume => {
                *self.is_paused() = false;
                self.resumed.notify_all();
            }
        }
    }

    fn erase_all(&self) {
        let mut drawn = self.drawn();
        // It may have taken so long that the process was continued.
        if *self.is_paused() {
            let _ = self.bars.clear();
            drawn.erasures += 1;
        }
    }
}

/// A terminal that always has a size that can be drawn on.
///
/// A pseudo-terminal may have none, and no character is wider than two columns.
#[derive(Clone)]
struct Canvas(Arc<dyn TermLike>);

impl fmt::Debug for Canvas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TermLike for Canvas {
    fn width(&self) -> u16 {
        match self.0.width() {
            0 => SIZE.0,
            width => width.max(2),
        }
    }

    fn height(&self) -> u16 {
        match self.0.height() {
            0 => SIZE.1,
            height => height,
        }
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_up(lines)
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_down(lines)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_left(columns)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        // A line is as wide as the terminal. If the cursor stayed at its end, the `^C` that the terminal shows for
        // a key would be in the next line, and the first line would not be erased.
        self.0.write_str("\r")?;
        self.0.flush()
    }
}

/// Returns the terminal of the standard error, which collects what is written until it is flushed.
pub(super) fn stderr() -> Term {
    Term::buffered_stderr()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written in each flush.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<(String, Vec<String>)>>);

    impl Paper {
        fn add(&self, text: &str) -> io::Result<()> {
            self.0.lock().expect("no panic").0.push_str(text);
            Ok(())
        }

        /// Returns what was written since the last call, a text for each flush, with spaces removed at the ends.
        fn take(&self) -> Vec<String> {
            let flushes = std::mem::take(&mut self.0.lock().expect("no panic").1);
            flushes.iter().map(|text| text.trim().to_owned()).collect()
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            0
        }

        fn height(&self) -> u16 {
            0
        }

        fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
            self.add(&"^".repeat(lines))
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.add(&format!("{text}\n"))
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.add(text)
        }

        fn clear_line(&self) -> io::Result<()> {
            self.add("<clear>")
        }

        fn flush(&self) -> io::Result<()> {
            let (text, flushes) = &mut *self.0.lock().expect("no panic");
            flushes.push(std::mem::take(text));
            Ok(())
        }
    }

    fn bars() -> (&'static Bars, Paper) {
        let paper = Paper::default();
        (Box::leak(Box::new(Bars::new(paper.clone()))), paper)
    }

    #[test]
    fn a_terminal_without_a_size_has_one_of_80_columns() {
        assert_eq!(bars().0.size(), (80, 24));
    }

    #[test]
    fn an_unchanged_part_is_not_drawn_again() {
        let (bars, paper) = bars();
        let (mut one, mut other) = (None, None);
        bars.draw(&mut one, "one".to_owned());
        bars.draw(&mut one, "one".to_owned());
        assert_eq!(paper.take().len(), 1);
        bars.draw(&mut other, "other".to_owned());
        bars.draw(&mut one, "first".to_owned());
        let drawn = paper.take();
        assert_eq!(drawn.len(), 2, "{drawn:?}");
        assert!(drawn[1].contains("first") && drawn[1].ends_with("other"), "{drawn:?}");
        bars.erase(&mut one);
        bars.erase(&mut other);
        bars.erase(&mut other);
        assert!(paper.take().last().is_some_and(|last| last.ends_with("<clear>")));
        // Without parts, the cursor is left at the beginning of a line.
        bars.print("a\nb");
        assert_eq!(bars.drawn().parts, 0);
        assert_eq!(paper.take(), ["a\nb"]);
    }

    #[test]
    fn nothing_is_drawn_while_the_process_is_suspended() {
        let (bars, paper) = bars();
        let mut part = None;
        bars.draw(&mut part, "text".to_owned());
        paper.take();
        bars.follow(Change::Pause);
        assert_eq!(paper.take(), ["<clear>"]);
        let drawing = std::thread::spawn(move || {
            bars.print("above");
            bars.draw(&mut part, "text".to_owned());
        });
        std::thread::sleep(Duration::from_millis(30));
        assert!(!drawing.is_finished() && paper.take().is_empty());
        bars.follow(Change::Resume);
        drawing.join().expect("no panic");
        // The part is drawn again, although its text is the same.
        let drawn = paper.take().join("|");
        assert!(drawn.starts_with("above") && drawn.contains("text"), "{drawn}");
    }

    #[test]
    fn a_terminal_that_takes_nothing_does_not_delay_a_suspension() {
        let (bars, _paper) = bars();
        let blocked = bars.drawn();
        let begun = std::time::Instant::now();
        bars.follow(Change::Pause);
        assert!((PATIENCE..10 * PATIENCE).contains(&begun.elapsed()));
        bars.follow(Change::Resume);
        drop(blocked);
        // The erasure that comes too late does nothing.
        let mut part = None;
        bars.draw(&mut part, "text".to_owned());
        assert_eq!(part.map(|part| part.erasures), Some(0));
    }
}
