//! [`Observers`]: who receives the events of a flow's runs.

use std::io;
use std::sync::Arc;

use crate::base::pause::Moment;
use crate::report::consumer::Consumer;
use crate::report::display::display;
use crate::report::event::Event;
use crate::report::reporter::Reporting;

/// A function of the user that receives events.
type Observe = Arc<dyn Fn(&Event) + Send + Sync>;

/// The setting of a flow: its observers, and whether the display is disabled.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    observers: Vec<Observe>,
    is_quiet: bool,
}

impl Observers {
    /// Returns the setting with one more observer.
    pub(crate) fn with(&self, observe: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let mut observers = self.clone();
        observers.observers.push(Arc::new(observe));
        observers
    }

    /// Returns the setting without the display.
    pub(crate) fn quiet(&self) -> Self {
        Self { is_quiet: true, ..self.clone() }
    }

    /// Returns whether the display is disabled.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Begins the reports of a run on this many workers; `None` if its time left cannot be estimated.
    ///
    /// # Errors
    ///
    /// The operating system refuses to start a thread.
    pub(crate) fn begin(&self, workers: Option<usize>) -> io::Result<Reporting> {
        let observers = self.observers.iter().cloned();
        let observers = observers.map(|observe| Box::new(Observer(observe)) as Box<dyn Consumer>);
        Reporting::start((!self.is_quiet).then(|| display(workers)), observers)
    }
}

/// A function of the user as a consumer.
struct Observer(Observe);

impl Consumer for Observer {
    fn receive(&mut self, event: &Event, _at: Moment) {
        (self.0)(event);
    }
}
