//! [`Consumer`]: a receiver of events on a thread of its own.

use std::convert::Infallible;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::base::panics::{self, Contained};
use crate::base::pause::Moment;
use crate::report::event::Event;

/// A report with the time of its emission.
pub(super) struct Emitted {
    pub(super) at: Moment,
    pub(super) report: Report,
}

/// What a consumer receives.
pub(super) enum Report {
    /// It may hold the last reference to a plan, whose tasks have destructors.
    Event(Contained<Event>),
    /// A line about the process, which only displays receive.
    Line(String),
}

/// A receiver of the events of one run.
pub(crate) trait Consumer: Send {
    /// Receives an event, which was emitted at this time.
    fn receive(&mut self, event: &Event, at: Moment);

    /// Prints a line about the process.
    fn print(&mut self, _line: &str, _at: Moment) {}

    /// Returns the time between two calls of [`tick`](Self::tick).
    ///
    /// Events are then received once in that time, which wakes the thread less often. With `None` each event is received
    /// at once.
    fn interval(&self) -> Option<Duration> {
        None
    }

    /// Is called after the events of an interval have been received, except for the last interval.
    fn tick(&mut self) {}

    /// Is called after the last event.
    fn end(&mut self) {}
}

/// Passes events to a consumer until the run has ended and all events are received.
///
/// `events` and `run` are disconnected when the run ends; no message is sent through `run`.
///
/// # Errors
///
/// The consumer panicked with this message. It receives nothing after that.
pub(super) fn consume(
    mut consumer: Box<dyn Consumer>,
    events: &Receiver<Emitted>,
    run: &Receiver<Infallible>,
) -> Result<(), String> {
    let result = panics::catch(|| pass_on(&mut *consumer, events, run));
    panics::discard(consumer);
    if result.is_err() {
        // Otherwise the events would gather until the run ends.
        events.iter().for_each(drop);
    }
    result
}

fn pass_on(consumer: &mut dyn Consumer, events: &Receiver<Emitted>, run: &Receiver<Infallible>) {
    let Some(interval) = consumer.interval() else {
        events.iter().for_each(|emitted| pass(consumer, &emitted));
        return consumer.end();
    };
    loop {
        let is_over = run.recv_timeout(interval) != Err(RecvTimeoutError::Timeout);
        // Not more than there are now, so that a display is drawn again while events keep coming.
        for emitted in events.try_iter().take(events.len()) {
            pass(consumer, &emitted);
        }
        if is_over {
            return consumer.end();
        }
        consumer.tick();
    }
}

fn pass(consumer: &mut dyn Consumer, emitted: &Emitted) {
    match &emitted.report {
        Report::Event(event) => consumer.receive(event, emitted.at),
        Report::Line(line) => consumer.print(line, emitted.at),
    }
}
