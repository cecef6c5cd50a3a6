//! The values that a flow is given, and its defaults.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use crate::base::panics;
use crate::base::panics::Contained;
use crate::plan::stand_in::StandIn;
use crate::task::TaskType;
use crate::task::param::ParamId;
use crate::task::setting::Named;
use crate::value::AnyValue;

/// The values that a flow is given.
#[derive(Clone, Default)]
pub(crate) struct Givens {
    /// By typed key: the task and the index of the field.
    pub(crate) typed: HashMap<ParamId, Given>,
    /// By name.
    pub(crate) named: BTreeMap<String, Named>,
    /// The names in `named` whose values are from a configuration that serves other roots, too.
    pub(crate) configured: BTreeSet<String>,
    /// What was given instead of a map of values.
    pub(crate) not_params: Option<String>,
    /// Whether these are the values for tasks that are required in a run, which those of the flow do not reach.
    pub(crate) in_run: bool,
    /// Outputs that a test gave, the latest last.
    pub(crate) stand_ins: Vec<StandIn>,
    defaults: Arc<Defaults>,
}

/// A value given to one task.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) task: &'static TaskType,
    pub(crate) value: Contained<AnyValue>,
}

impl Givens {
    /// Returns the defaults and the stand-ins, without the given values, for tasks that are required in a run.
    pub(crate) fn without_values(&self) -> Self {
        let (defaults, stand_ins) = (Arc::clone(&self.defaults), self.stand_ins.clone());
        Self { defaults, stand_ins, in_run: true, ..Default::default() }
    }

    /// Returns the default of a parameter; `None` if it has none.
    ///
    /// A default is evaluated once for a flow and all flows derived from it, so that `default = today()` is
    /// one day throughout.
    ///
    /// # Errors
    ///
    /// The message with which the expression panicked.
    pub(crate) fn default(
        &self,
        task: &'static TaskType,
        index: usize,
    ) -> Option<Result<AnyValue, String>> {
        let make = task.params[index].default?;
        let key = ParamId::new(task, index);
        let defaults = || self.defaults.0.lock().expect("lock poisoned");
        let shared = |known: &Evaluated| match known {
            Ok(value) => Ok(AnyValue::clone(value)),
            Err(message) => Err(message.clone()),
        };
        if let Some(known) = defaults().get(&key) {
            return Some(shared(known));
        }
        // The lock is not held here, because the expression may use a flow itself.
        let value = panics::catch(make).map(Contained::new);
        // If two threads evaluate it at once, the first value counts.
        Some(shared(defaults().entry(key).or_insert(value)))
    }
}

/// The defaults evaluated so far.
#[derive(Default)]
struct Defaults(Mutex<HashMap<ParamId, Evaluated>>);

/// A default, or the message with which its expression panicked.
type Evaluated = Result<Contained<AnyValue>, String>;
