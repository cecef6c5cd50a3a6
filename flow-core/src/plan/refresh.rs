//! Refreshing: tasks that fetch, whose output may be out of date although nothing changed here.
//!
//! `#[task(refresh = ...)]` says when such a task runs again: always, when its output is older than
//! so long, or when the value of an expression is another. Whoever asks what a run would do, and
//! the run itself, asks that too; whoever loads takes what the last run gave, for the world may
//! have moved on since.
//!
//! An expression may fail, as one that asks a server does while there is no network. That concerns its
//! task alone: an output that is there is used as it is, with a warning, and an instance that has
//! to run fails with the error.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Key;
use crate::base::panics;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::judge::Judge;
use crate::plan::reason::Reason;
use crate::plan::resolve::digest_value;
use crate::plan::verdicts::Status;
use crate::plan::warning::Warning;
use crate::plan::{Graph, Plan};
use crate::store::Store;
use crate::store::record::Moment;
use crate::store::record::{MadeFrom, Record};
use crate::task::refresh::Refresh;
use crate::value::Value;

/// How much of a value is kept for people to read, in characters.
const SHOWN: usize = 80;

fn moment(value: &Value, store: &Store) -> Result<Moment, PlanErrorKind> {
    let digest = digest_value(store, value)?;
    let text = text(value);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Ok(Moment { value: shown, digest })
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
    /// What the expressions gave, each asked once: a value, or why there is none.
    moments: Arc<Mutex<HashMap<Key, Result<Moment, Unanswered>>>>,
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

    fn moments(&self) -> MutexGuard<'_, HashMap<Key, Result<Moment, Unanswered>>> {
        self.moments.lock().expect("no panic while a moment is looked up")
    }
}

/// An expression that failed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Unanswered {
    /// The name of its task.
    task: String,
    error: String,
}

impl Graph {
    /// Asks all instances that say by an expression when they are to be refreshed, and have not
    /// been asked.
    ///
    /// # Errors
    ///
    /// The key of the store, by which secrets are hashed, cannot be read.
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

    fn moment(
        &self,
        node: NodeIndex,
        store: &Store,
    ) -> Result<Result<Moment, Unanswered>, PlanErrorKind> {
        let entry = self.task(node);
        match panics::catch_error(|| entry.instances.refresh(self.node(node).instance)) {
            Ok(value) => moment(&value, store).map(Ok),
            Err(error) => {
                let (task, error) = (entry.decl.name.to_string(), panics::render(error));
                Ok(Err(Unanswered { task, error }))
            }
        }
    }

    /// Why it cannot be told whether an instance is to be refreshed, if its expression failed.
    pub(crate) fn refresh_error(&self, node: NodeIndex) -> Option<String> {
        if self.refresh(node) != Refresh::Asked {
            return None;
        }
        let moments = self.asked.as_ref()?.moments();
        let unanswered = moments.get(&self.node(node).key)?.as_ref().err()?;
        Some(unanswered.error.clone())
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

impl Plan {
    /// A warning for each task whose expression failed and whose outputs are used as they are: those of this
    /// plan, and of what its tasks have required while they ran.
    pub(crate) fn refresh_warnings(&self) -> Vec<Warning> {
        let Some(asked) = &self.graph.asked else { return Vec::new() };
        let nodes = self.graph.nodes();
        let pending = nodes.filter(|&node| self.verdicts.status(node) == Status::Pending);
        let pending: HashSet<Key> = pending.map(|node| self.graph.node(node).key).collect();
        let mut unanswered = BTreeMap::new();
        for (key, moment) in &*asked.moments() {
            if let Err(failed) = moment
                && !pending.contains(key)
            {
                *unanswered.entry(failed.clone()).or_insert(0) += 1;
            }
        }
        let warnings = unanswered.into_iter().map(|(failed, instances)| {
            let Unanswered { task, error } = failed;
            Warning::NotRefreshed { task, error, instances }
        });
        warnings.collect()
    }
}

impl Judge<'_> {
    /// What counts of the expression of an instance: its value now or, if it is not asked or failed, what
    /// it was when the output was made.
    pub(super) fn refreshed(&self, node: NodeIndex) -> Result<Option<Moment>, StoreError> {
        if self.graph.refresh(node) != Refresh::Asked {
            return Ok(None);
        }
        let asked = self.graph.asked.as_ref();
        let now = asked.and_then(|a| a.moments().get(&self.graph.node(node).key).cloned());
        match now {
            Some(Ok(moment)) => Ok(Some(moment)),
            Some(Err(_)) | None => {
                Ok(self.record(node)?.and_then(|record| record.made_from.refresh))
            }
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

    /// That an instance has to run and cannot, for its expression failed.
    pub(super) fn cannot_refresh(&self, node: NodeIndex) -> Option<Reason> {
        let error = self.graph.refresh_error(node)?;
        Some(Reason::Refresh { what: format!("its expression failed: {error}") })
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
