//! Reports of a run: events, the observers that receive them, and what a user sees in a terminal.
//!
//! # How an event travels
//!
//! ```text
//! coordinator, workers, tasks ─► Reporter::emit ─┬─► queue ─► thread ─► observer of the user
//!                                                ├─► queue ─► thread ─► another observer
//!                                                └─► queue ─► thread ─► Lines or Terminal
//! ```
//!
//! An [`Event`](event::Event) is built only if anybody receives it. [`Reporter::emit`](reporter::Reporter::emit) puts it
//! into the queue of each [`Consumer`](consumer::Consumer), and never waits. All consumers receive events in the order of
//! their emission. Each consumer has its own thread, so that none can stall or crash the run:
//!
//! - If a task reports faster than a consumer works, only progress, status and log events are dropped. They are
//!   counted, and an event `Lagged` precedes the next event. Other events are bounded by the number of
//!   instances, and are always kept.
//! - If a consumer panics, it receives no more events in this run, and the summary has a warning.
//! - If a consumer blocks, the run ends without it: [`Reporting::finish`](reporter::Reporting::finish) waits for at most
//!   [`PATIENCE`](reporter::PATIENCE).
//!
//! [`Observers`](observers::Observers) is the setting of a flow: its observers, and whether it is quiet.
//!
//! # Displays
//!
//! If the standard error is a terminal, `terminal` shows a bar with the time left and a line for each running
//! instance (`screen`), which `bars` draws; this needs the cargo feature of the same name. Otherwise [`lines`] prints a line for each event. Nothing is
//! ever written to the standard output. Names, labels and messages come from users and their data: control characters in
//! them are escaped. A line about the process, such as the one about Ctrl-C, reaches a display as an
//! [`announcement`].
//!
//! `time_left` estimates when a run ends. It reads records of earlier runs only if a terminal shows the estimate.

pub(crate) mod announcement;
#[cfg(feature = "terminal")]
mod bars;
pub(crate) mod consumer;
pub(crate) mod display;
pub(crate) mod event;
pub(crate) mod lines;
pub(crate) mod observers;
pub(crate) mod reporter;
#[cfg(feature = "terminal")]
mod screen;
#[cfg(feature = "terminal")]
mod terminal;
#[cfg(feature = "terminal")]
mod time_left;
