//! The choice of the display: a terminal or lines.

use crate::report::consumer::Consumer;
use crate::report::lines::Lines;

/// Returns the display of a run, which writes to the standard error.
///
/// It draws on a terminal if the standard error is one that can move the cursor. Otherwise, and without the cargo feature
/// `terminal`, it prints [`Lines`]. A terminal shows the time left if it knows the number of workers.
pub(super) fn display(workers: Option<usize>) -> Box<dyn Consumer> {
    #[cfg(feature = "terminal")]
    if let Some(terminal) = super::terminal::Terminal::of_stderr(workers) {
        return Box::new(terminal);
    }
    let _ = workers;
    Box::new(Lines::new(std::io::stderr()))
}
