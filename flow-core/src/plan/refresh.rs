//! Refreshing: tasks that fetch data, whose output may be out of date although nothing changed here.
//!
//! `#[task(refresh = ...)]` says when such a task runs again: always, when its output is older than a given
//! age, or when the value of an expression changes. `preview`, `is_complete` and `run` evaluate this. `load`
//! does not: it returns what the last run gave, because data that changes faster than it is fetched could not
//! be loaded otherwise.
//!
//! The value of an expression is part of the fingerprint. An age and `always` are not: they are reasons to
//! run, and no earlier output is reused then. The age counts from the run that computed the output, whichever
//! instance reused it.
//!
//! An expression may fail, for example because a server cannot be reached. That concerns its task alone. An
//! existing output is used as it is, with a warning; an instance that has to run fails with the error. A
//! `path`, a default or `requires` that fails is an error of the plan, because there is no graph without
//! them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Key;
use crate::base::panics;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::judge::Judge;
use crate::plan::param_value::digest_value;
use crate::plan::reason::Reason;
use crate::plan::verdicts::Status;
use crate::plan::warning::Warning;
use crate::plan::{Graph, Plan};
use crate::store::Store;
use crate::store::record::{MadeFrom, Moment};
use crate::task::refresh::Refresh;
use crate::value::Value;

/// The number of characters of a value that are recorded, for display.
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

/// Returns the text of a value for display, with quotes around a string.
fn text(value: &Value) -> String {
    match value {
        Value::Str(value) => format!("{value:?}"),
        Value::Some(value) => text(value),
        value => value.to_string(),
    }
}

/// The values of `refresh` expressions in a plan and in the plans of its dynamic dependencies.
#[derive(Clone)]
pub(crate) struct Asked {
    /// The time against which ages are measured.
    at: jiff::Timestamp,
    /// The value of each expression, which is evaluated once, or why it failed.
    moments: Arc<Mutex<HashMap<Key, Result<Moment, FailedExpression>>>>,
}

impl Asked {
    /// Creates an empty set in which ages count from now.
    pub(crate) fn now() -> Self {
        Self { at: jiff::Timestamp::now(), moments: Arc::default() }
    }

    /// Creates an empty set in which outputs of any age are accepted.
    pub(crate) fn however_old() -> Self {
        Self { at: jiff::Timestamp::MIN, moments: Arc::default() }
    }

    fn moments(&self) -> MutexGuard<'_, HashMap<Key, Result<Moment, FailedExpression>>> {
        self.moments.lock().expect("lock poisoned")
    }
}

/// An expression that failed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FailedExpression {
    /// The name of its task.
    task: String,
    error: String,
}

impl Graph {
    /// Evaluates the `refresh` expressions of all instances that were not evaluated yet.
    ///
    /// # Errors
    ///
    /// The store's key, with which secrets are hashed, cannot be read.
    pub(crate) fn ask(&mut self, store: &Store, asked: Asked) -> Result<(), Box<PlanError>> {
        for node in self.nodes() {
            let key = self.node(node).key;
            if self.refresh(node) != Refresh::Asked || asked.moments().contains_key(&key) {
                continue;
            }
            let moment = self.moment(node, store);
            let error = |kind| Box::new(PlanError::new(kind, self.way(node)));
            let moment = moment.map_err(error)?;
            // If two threads evaluate it at once, the first value counts.
            asked.moments().entry(key).or_insert(moment);
        }
        self.asked = Some(asked);
        Ok(())
    }

    /// Returns when an instance runs again although nothing changed.
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
    ) -> Result<Result<Moment, FailedExpression>, PlanErrorKind> {
        let entry = self.task(node);
        let (instances, instance) = self.instances_of(node);
        match panics::catch_error(|| instances.refresh(instance)) {
            Ok(value) => moment(&value, store).map(Ok),
            Err(error) => {
                let (task, error) = (entry.decl.name.to_string(), panics::render(error));
                Ok(Err(FailedExpression { task, error }))
            }
        }
    }

    /// Returns the error of an instance's `refresh` expression, if it failed.
    pub(crate) fn refresh_error(&self, node: NodeIndex) -> Option<String> {
        if self.refresh(node) != Refresh::Asked {
            return None;
        }
        let moments = self.asked.as_ref()?.moments();
        let failed = moments.get(&self.node(node).key)?.as_ref().err()?;
        Some(failed.error.clone())
    }

    /// Returns the names of the tasks on one path from a root to this node.
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
    /// Returns a warning for each task whose expression failed and whose outputs are used as they are.
    ///
    /// The tasks of dynamic dependencies are included.
    pub(crate) fn refresh_warnings(&self) -> Vec<Warning> {
        let Some(asked) = &self.graph.asked else { return Vec::new() };
        let nodes = self.graph.nodes();
        let pending = nodes.filter(|&node| self.verdicts.status(node) == Status::Pending);
        let pending: HashSet<Key> = pending.map(|node| self.graph.node(node).key).collect();
        let mut failed_expressions = BTreeMap::new();
        for (key, moment) in &*asked.moments() {
            if let Err(failed) = moment
                && !pending.contains(key)
            {
                *failed_expressions.entry(failed.clone()).or_insert(0) += 1;
            }
        }
        let warnings = failed_expressions.into_iter().map(|(failed, instances)| {
            let FailedExpression { task, error } = failed;
            Warning::NotRefreshed { task, error, instances }
        });
        warnings.collect()
    }
}

impl Judge<'_> {
    /// Returns the value of an instance's expression for its fingerprint.
    ///
    /// That is today's value or, if the expression failed or is not evaluated, the recorded one.
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

    /// Returns why an output that is as recorded is due to be fetched again, if it is.
    ///
    /// `started` is when the run began that computed the output.
    pub(super) fn due(&self, node: NodeIndex, started: jiff::Timestamp) -> Option<Reason> {
        let asked = self.graph.asked.as_ref().filter(|asked| asked.at > jiff::Timestamp::MIN)?;
        let what = match self.graph.refresh(node) {
            // An output that this run has produced, for a task that required it, is as new as can be.
            Refresh::Always => (started < asked.at).then(|| "always".to_owned())?,
            // A time in the future comes from another clock, and counts as one long ago.
            Refresh::After { text, seconds } => {
                let age = jiff::Timestamp::now().duration_since(started).as_secs();
                (age.unsigned_abs() >= seconds).then(|| format!("older than {text}"))?
            }
            Refresh::Never | Refresh::Asked => return None,
        };
        Some(Reason::Refresh { what })
    }

    /// Returns whether this plan evaluates what may have changed elsewhere, as `preview` and `run` do and `load` does not.
    pub(super) fn is_asking(&self) -> bool {
        self.graph.asked.as_ref().is_some_and(|asked| asked.at > jiff::Timestamp::MIN)
    }

    /// Returns the reason that an instance cannot run, if its expression failed.
    pub(super) fn cannot_refresh(&self, node: NodeIndex) -> Option<Reason> {
        let error = self.graph.refresh_error(node)?;
        Some(Reason::Refresh { what: format!("its expression failed: {error}") })
    }

    /// Returns the reason that the value of the expression changed, if it did.
    pub(super) fn compare_refresh(&self, was: &MadeFrom, now: &MadeFrom) -> Option<Reason> {
        let shown = |moment: &Option<Moment>| match moment {
            Some(moment) => moment.value.clone(),
            None => "not recorded".to_owned(),
        };
        let (before, after) = (shown(&was.refresh), shown(&now.refresh));
        let what = match before == after {
            true => format!("was another {after}"),
            false => format!("was {before}, is {after}"),
        };
        (was.refresh != now.refresh).then_some(Reason::Refresh { what })
    }
}
