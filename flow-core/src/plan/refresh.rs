//! Refreshing: tasks that fetch, whose output may be out of date although nothing changed here.
//!
//! `#[task(refresh = ...)]` says when such a task runs again: always, when its output is older than
//! so long, or when the value of an expression is another. Whoever asks what a run would do, and
//! the run itself, asks that too; whoever loads takes what the last run gave, for the world may
//! have moved on since.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use daggy::NodeIndex;
use serde::{Deserialize, Serialize};

use crate::key::{Digest, Key};
use crate::plan::Graph;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::given::panic_message;
use crate::plan::judge::Judge;
use crate::plan::reason::Reason;
use crate::plan::resolve::digest_value;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::record::{MadeFrom, Record};
use crate::value::Value;

/// How much of a value is kept for people to read, in characters.
const SHOWN: usize = 80;

/// When a task runs again although nothing changed.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Never.
    Never,
    /// In each execution.
    Always,
    /// When the output is older than this.
    After {
        /// As the user wrote it.
        text: &'static str,
        /// In seconds.
        seconds: u64,
    },
    /// When the value of the user's expression is another.
    Asked,
}

/// The value of the expression in `#[task(refresh = ...)]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// For people to read, and not all of it.
    pub(crate) value: String,
    pub(crate) digest: Digest,
}

impl Moment {
    fn of(value: &Value, store: &Store) -> Result<Self, PlanErrorKind> {
        let digest = digest_value(store, value)?;
        let text = text(value);
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Ok(Self { value: shown, digest })
    }
}

/// The value as people read it, a text in quotes.
fn text(value: &Value) -> String {
    match value {
        Value::Str(value) => format!("{value:?}"),
        Value::Some(value) => text(value),
        value => value.to_string(),
    }
}

/// What was asked of the instances of a plan, and of what is required while they run, and when.
#[derive(Clone)]
pub(crate) struct Asked {
    /// When it was asked what a run would do.
    at: jiff::Timestamp,
    /// What the expressions gave, each asked once.
    moments: Arc<Mutex<HashMap<Key, Moment>>>,
}

impl Asked {
    /// Whoever asks does so now.
    pub(crate) fn now() -> Self {
        Self { at: jiff::Timestamp::now(), moments: Arc::default() }
    }

    /// Whoever asks wants what the expressions give now, and takes it as old as it is.
    pub(crate) fn however_old() -> Self {
        Self { at: jiff::Timestamp::MIN, moments: Arc::default() }
    }

    fn moments(&self) -> MutexGuard<'_, HashMap<Key, Moment>> {
        self.moments.lock().expect("no panic while a moment is looked up")
    }
}

impl Graph {
    /// Asks all instances that say by an expression when they are to be refreshed, and have not
    /// been asked.
    pub(crate) fn ask(&mut self, store: &Store, asked: Asked) -> Result<(), Box<PlanError>> {
        for node in self.nodes() {
            let key = self.node(node).key;
            if self.refresh(node) != Refresh::Asked || asked.moments().contains_key(&key) {
                continue;
            }
            let moment = self.moment(node, store);
            let error = |kind| Box::new(PlanError::new(kind, self.way(node)));
            let moment = moment.map_err(error)?;
            // Of two who ask at once, the first one is right.
            asked.moments().entry(key).or_insert(moment);
        }
        self.asked = Some(asked);
        Ok(())
    }

    /// When an instance runs again although nothing changed.
    fn refresh(&self, node: NodeIndex) -> Refresh {
        match self.stand_in(node) {
            Some(_) => Refresh::Never,
            None => self.task(node).task.refresh,
        }
    }

    fn moment(&self, node: NodeIndex, store: &Store) -> Result<Moment, PlanErrorKind> {
        let entry = self.task(node);
        let ask = || entry.instances.refresh(self.node(node).instance);
        let asked = catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|panic| {
            Err(anyhow::anyhow!("it panicked: {}", panic_message(&*panic)))
        });
        let task = || entry.decl.name.to_string();
        let value = asked.map_err(|source| PlanErrorKind::Refresh { task: task(), source })?;
        Moment::of(&value, store)
    }

    /// The tasks from a root to this one, by one way of several.
    pub(crate) fn way(&self, node: NodeIndex) -> Vec<String> {
        let next = |&node: &NodeIndex| {
            Some(node).filter(|node| !self.is_root(*node)).and_then(|n| self.consumers(n).next())
        };
        let way = std::iter::successors(Some(node), next);
        let mut way: Vec<_> = way.map(|node| self.task(node).decl.name.to_string()).collect();
        way.reverse();
        way
    }
}

impl Judge<'_> {
    /// What counts of the expression of an instance: its value now or, if nobody asks, what it was
    /// when the output was made.
    pub(super) fn refreshed(&self, node: NodeIndex) -> Result<Option<Moment>, StoreError> {
        if self.graph.refresh(node) != Refresh::Asked {
            return Ok(None);
        }
        match &self.graph.asked {
            Some(asked) => Ok(asked.moments().get(&self.graph.node(node).key).cloned()),
            None => Ok(self.record(node)?.and_then(|record| record.made_from.refresh)),
        }
    }

    /// Why an output that is as recorded is to be made again all the same, if it is and somebody
    /// asks.
    pub(super) fn due(&self, node: NodeIndex, record: &Record) -> Option<Reason> {
        let asked = self.graph.asked.as_ref().filter(|asked| asked.at > jiff::Timestamp::MIN)?;
        let what = match self.graph.refresh(node) {
            // What this run has made, for a task that required it, is as new as can be.
            Refresh::Always => (record.started < asked.at).then(|| "always".to_owned())?,
            // A time to come is that of another clock, and tells as little as one long ago.
            Refresh::After { text, seconds } => {
                let age = jiff::Timestamp::now().duration_since(record.started).as_secs();
                (age.unsigned_abs() >= seconds).then(|| format!("older than {text}"))?
            }
            Refresh::Never | Refresh::Asked => return None,
        };
        Some(Reason::Refresh { what })
    }

    /// That the expression gave another value.
    pub(super) fn compare_refresh(&self, was: &MadeFrom, now: &MadeFrom) -> Option<Reason> {
        let shown = |moment: &Option<Moment>| match moment {
            Some(moment) => moment.value.clone(),
            None => "not said".to_owned(),
        };
        let (before, after) = (shown(&was.refresh), shown(&now.refresh));
        let what = match before == after {
            true => format!("was another {after}"),
            false => format!("was {before}, is {after}"),
        };
        (was.refresh != now.refresh).then_some(Reason::Refresh { what })
    }
}
