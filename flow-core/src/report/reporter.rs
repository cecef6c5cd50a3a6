//! [`Reporter`]: sends the events of one run to its consumers.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::base::callbacks::Registered;
use crate::base::panics::Contained;
use crate::base::pause::Moment;
use crate::plan::warning::Warning;
use crate::report::announcement;
use crate::report::consumer::{Consumer, Emitted, Report, consume};
use crate::report::event::Event;

/// The number of waiting events of a consumer beyond which progress, status and log events are dropped.
const CAPACITY: usize = 4096;

/// How long the end of a run waits for consumers to receive the remaining events.
///
/// A consumer that takes longer goes on in the background, and does not hold up the run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// The sender of the events of one run. All threads of the run share it.
pub(crate) struct Reporter {
    /// Whether there are consumers. Without any, no event is built.
    is_heard: bool,
    /// The queues of the consumers; none after the run.
    ///
    /// The lock makes sure that all consumers receive the events in the same order.
    queues: Mutex<Vec<Queue>>,
}

/// The queue of one consumer.
struct Queue {
    events: Sender<Emitted>,
    /// The number of events that were dropped since the last one.
    dropped: u64,
    /// Is disconnected when the run ends.
    _run: Sender<Infallible>,
}

impl Queue {
    fn send(&mut self, event: Event, at: Moment) {
        if event.is_droppable() && self.events.len() >= CAPACITY {
            self.dropped += 1;
            return;
        }
        self.flush(at);
        // The thread of the consumer receives until the queue is disconnected.
        let _ = self.events.send(Emitted { at, report: Report::Event(Contained::new(event)) });
    }

    /// Sends the number of events that were dropped, if there are any.
    fn flush(&mut self, at: Moment) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            let event = Contained::new(Event::Lagged(dropped));
            let _ = self.events.send(Emitted { at, report: Report::Event(event) });
        }
    }
}

impl Reporter {
    fn queues(&self) -> MutexGuard<'_, Vec<Queue>> {
        // An event that panics while it is built changes no queue.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no event is received, so that nothing has to be prepared for one.
    pub(crate) fn is_silent(&self) -> bool {
        !self.is_heard
    }

    /// Sends an event to all consumers, and never waits for one.
    ///
    /// The event is built only if there are consumers, under the lock that orders the events: `event` must be fast, and
    /// must not call code of users.
    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if self.is_silent() {
            return;
        }
        let mut queues = self.queues();
        let Some((last, others)) = queues.split_last_mut() else { return };
        let (event, at) = (event(), Moment::now());
        others.iter_mut().for_each(|queue| queue.send(event.clone(), at));
        last.send(event, at);
    }

    /// Ends the run: disconnects the queues after the events that they have.
    fn close(&self) {
        let now = Moment::now();
        let queues = std::mem::take(&mut *self.queues());
        queues.into_iter().for_each(|mut queue| queue.flush(now));
    }
}

/// The consumers of one run, and their threads. Dropping it ends them.
pub(crate) struct Reporting {
    reporter: Arc<Reporter>,
    threads: Vec<Thread>,
    /// Lets the display print lines about the process.
    announced: Option<Registered>,
}

/// The thread of a consumer.
struct Thread {
    /// Whether the consumer is an observer of the user, and not a display of this library.
    is_observer: bool,
    /// The events that it has not received yet.
    events: Receiver<Emitted>,
    /// The result of [`consume`], when the thread has ended.
    result: Receiver<Result<(), String>>,
}

impl Reporting {
    /// Starts a thread for each consumer: a display and any number of observers.
    ///
    /// # Errors
    ///
    /// The operating system refuses to start a thread.
    pub(super) fn start(
        display: Option<Box<dyn Consumer>>,
        observers: impl IntoIterator<Item = Box<dyn Consumer>>,
    ) -> io::Result<Self> {
        let (mut queues, mut threads, mut announced) = (Vec::new(), Vec::new(), None);
        let display = display.into_iter().map(|display| (false, display));
        let observers = observers.into_iter().map(|observer| (true, observer));
        for (is_observer, consumer) in display.chain(observers) {
            let (events, received) = unbounded();
            let (run, run_received) = bounded(0);
            let (sender, result) = bounded(1);
            let waiting = received.clone();
            let name = if is_observer { "flow-observer" } else { "flow-display" };
            // The thread is not joined: it may be blocked by the user's code.
            Builder::new().name(name.to_owned()).spawn(move || {
                let _ = sender.send(consume(consumer, &received, &run_received));
            })?;
            if !is_observer {
                announced = Some(announcement::register(events.clone()));
            }
            threads.push(Thread { is_observer, events: waiting, result });
            queues.push(Queue { events, dropped: 0, _run: run });
        }
        let reporter = Reporter { is_heard: !queues.is_empty(), queues: Mutex::new(queues) };
        Ok(Self { reporter: Arc::new(reporter), threads, announced })
    }

    /// Returns the sender of events.
    pub(crate) fn reporter(&self) -> &Arc<Reporter> {
        &self.reporter
    }

    /// Ends the reports, and waits until all events are received, but at most for [`PATIENCE`].
    ///
    /// Returns a warning for each observer that panicked or has not received all events.
    pub(crate) fn finish(mut self) -> Vec<Warning> {
        self.end()
    }

    fn end(&mut self) -> Vec<Warning> {
        self.announced = None;
        self.reporter.close();
        let deadline = Instant::now() + PATIENCE;
        let threads = std::mem::take(&mut self.threads).into_iter();
        let warnings = threads.filter_map(|thread| {
            let warning = match thread.result.recv_deadline(deadline) {
                Ok(Ok(())) => return None,
                Ok(Err(message)) => Warning::ObserverPanicked { message },
                // The thread sends a result, so this is the deadline.
                Err(_) => Warning::ObserverBehind { events: thread.events.len() },
            };
            thread.is_observer.then_some(warning)
        });
        warnings.collect()
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        // The run failed before it had a summary that could show the warnings.
        self.end();
    }
}
