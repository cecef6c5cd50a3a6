//! Lines about the process that the display of a run prints, such as the one about Ctrl-C.
//!
//! Only a display knows what is on the terminal, and which lines are to come before this one. So the line goes through
//! the queue of a display, like an event. Without a display, because all runs are quiet, the caller prints the line.

use std::sync::{Mutex, MutexGuard};

use crossbeam_channel::Sender;

use crate::base::callbacks::Registered;
use crate::base::pause::Moment;
use crate::report::consumer::{Emitted, Report};

/// The queues of the displays of all runs in progress.
static DISPLAYS: Mutex<Displays> = Mutex::new(Displays { next: 0, queues: Vec::new() });

struct Displays {
    next: u64,
    queues: Vec<(u64, Sender<Emitted>)>,
}

fn displays() -> MutexGuard<'static, Displays> {
    DISPLAYS.lock().expect("lock poisoned")
}

/// Lets a display print lines, until the guard is dropped.
///
/// Drop it before the run ends: the display receives all that is in its queue then.
pub(super) fn register(queue: Sender<Emitted>) -> Registered {
    let mut displays = displays();
    let id = displays.next;
    displays.next += 1;
    displays.queues.push((id, queue));
    Registered::new(move || self::displays().queues.retain(|(other, _)| *other != id))
}

/// Prints a line by the display of one of the runs in progress, and does not wait for it.
///
/// Returns `false` if no run has a display.
pub fn announce(line: &str) -> bool {
    let displays = displays();
    let Some((_, queue)) = displays.queues.first() else { return false };
    // With the lock held, the display has not received its last report.
    queue.send(Emitted { at: Moment::now(), report: Report::Line(line.to_owned()) }).is_ok()
}
