//! Events of the crates `tracing` and `log`, which go to the log of the task that runs on the thread.
//!
//! Both crates have one receiver for the whole program, which the program installs: [`layer`] for `tracing`, and
//! [`logger`] for `log`. What is emitted while no task runs on the thread is not logged here.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::log::log_event;

/// Returns a layer that writes the events of `tracing` to the log of the task that runs on the thread.
///
/// Filter it like any layer. The lines have the level, the target, the message and the fields.
///
/// ```
/// use flow::prelude::*;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// #[task(target = Json<u64>)]
/// fn sum() -> u64 {
///     tracing::info!(parts = 3, "adding");
///     (1..=3).sum()
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// // Once, at the start of the program. There may be further layers, such as one that prints.
/// tracing::subscriber::set_global_default(tracing_subscriber::registry().with(flow_core::layer()))?;
///
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.run::<sum>()?;
/// let log = flow.log::<sum>()?.context("a log")?;
/// assert!(log.text().contains(" INFO ") && log.text().ends_with(": adding parts=3\n"));
/// # Ok(())
/// # }
/// ```
pub fn layer() -> LogLayer {
    LogLayer
}

/// A layer of `tracing` that writes events to the log of the running task. Created by [`layer`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LogLayer;

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        log_event(|| {
            let metadata = event.metadata();
            let mut line = Line { is_log: metadata.target() == "log", ..Line::default() };
            event.record(&mut line);
            let Line { message, fields, log_target, .. } = line;
            let target = log_target.as_deref().unwrap_or(metadata.target());
            format!("{:>5} {target}: {message}{fields}", metadata.level())
        });
    }
}

/// The message and the fields of an event, as text.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
    /// Whether it is a record of the crate `log` that `tracing-log` has forwarded.
    is_log: bool,
    /// The target of such a record. The event has it, and the place in the source, as fields.
    log_target: Option<String>,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" if self.is_log => self.log_target = Some(value.to_owned()),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a `String` does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name if self.is_log && name.starts_with("log.") => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

/// Returns a logger for the crate `log` that writes records to the log of the task that runs on the thread.
///
/// A program has one logger: [`and`](Logger::and) adds the one that prints, such as that of `env_logger`. If
/// the program forwards records to `tracing`, as `tracing-subscriber` does by default, install [`layer`] alone.
///
/// ```no_run
/// # fn main() -> Result<(), log::SetLoggerError> {
/// log::set_boxed_logger(Box::new(flow_core::logger()))?;
/// log::set_max_level(log::LevelFilter::Info);
/// # Ok(())
/// # }
/// ```
pub fn logger() -> Logger {
    Logger { next: None }
}

/// A logger of the crate `log` that writes records to the log of the running task. Created by [`logger`].
pub struct Logger {
    next: Option<Box<dyn ::log::Log>>,
}

impl Logger {
    /// Passes all records on to another logger, too.
    #[must_use]
    pub fn and(self, next: impl ::log::Log + 'static) -> Self {
        Self { next: Some(Box::new(next)) }
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger").field("has_next", &self.next.is_some()).finish()
    }
}

impl ::log::Log for Logger {
    fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
        // Whether a task runs on the thread is known only for a record.
        true
    }

    fn log(&self, record: &::log::Record<'_>) {
        log_event(|| format!("{:>5} {}: {}", record.level(), record.target(), record.args()));
        if let Some(next) = &self.next
            && next.enabled(record.metadata())
        {
            next.log(record);
        }
    }

    fn flush(&self) {
        if let Some(next) = &self.next {
            next.flush();
        }
    }
}
