//! An instance that requires others while it runs, and the values that it passes on to them.
//!
//! The same dynamic dependencies must be found again when the instance is planned another time, in another
//! process or for other roots. So every value that reaches them must be in the instance's key, or follow from
//! it. A value that merely passes through the instance on its way from the root is in no key, and does not
//! reach them.
//!
//! - The instance's *own values* travel as usual, by name and type, unless they are `local`. The key does not
//!   tell whether a value was given or is the default. So a value that equals the default counts as the
//!   default, and does not travel.
//! - The instance's *draws*, the values that its static dependencies take from outside it, are given to the
//!   same parameters of the same tasks. Excepted are draws that these parameters have anyway, as their
//!   default or by inheritance. So a task that is required both statically and dynamically is one instance.
//!   If the draws of one parameter differ, none of them is used.
//!
//! Defaults come last. The values of the flow itself are ignored.

use std::collections::HashMap;

use daggy::NodeIndex;

use crate::base::key::Digest;
use crate::base::panics::Contained;
use crate::plan::alias::{source, source_id};
use crate::plan::error::PlanErrorKind;
use crate::plan::given::{Given, Givens};
use crate::plan::param_value::ParamValue;
use crate::plan::param_value::digest_param;
use crate::plan::scope::{Inherited, Scope, Shared};
use crate::plan::types::Types;
use crate::plan::{Graph, Plan};
use crate::task::TaskType;
use crate::task::param::ParamId;

/// An instance that requires others while it runs.
pub(crate) struct Requester {
    /// The name of its task.
    pub(crate) name: String,
    task: &'static TaskType,
    /// Its own values, in the order of its parameters, and whether each of them travels.
    own: Vec<(ParamValue, bool)>,
    /// Its draws, in the form of values given to a flow.
    pub(super) givens: Givens,
}

impl Requester {
    pub(crate) fn new(plan: &Plan, node: NodeIndex) -> Result<Self, PlanErrorKind> {
        let entry = plan.graph.task(node);
        let mut requester = Self {
            name: entry.decl.name.to_string(),
            task: entry.task,
            own: Vec::new(),
            givens: plan.defaults.without_values(),
        };
        for (place, param) in entry.task.params.iter().enumerate() {
            let value = (param.kind.clone)(plan.graph.field(node, place));
            let digest = digest_param(&plan.store, &entry.decl.name, param, &value)?;
            let (task, at) = source(entry.task, place);
            let default = plan.defaults.default(task, at).and_then(Result::ok);
            let default = default
                .map(|value| digest_param(&plan.store, &entry.decl.name, &task.params[at], &value));
            let travels = !param.local && default.transpose()? != Some(digest);
            requester.own.push((ParamValue { value, digest }, travels));
        }
        requester.take_draws(&plan.graph, node)?;
        Ok(requester)
    }

    fn take_draws(&mut self, graph: &Graph, node: NodeIndex) -> Result<(), PlanErrorKind> {
        let mut seen: HashMap<ParamId, Option<Digest>> = HashMap::new();
        for draw in graph.draws.set(graph.node(node).draws) {
            let digest = seen.entry(source_id(graph.types.get(draw.task).task, draw.param));
            let digest = digest.or_insert(Some(draw.digest));
            *digest = digest.filter(|digest| *digest == draw.digest);
        }
        for draw in graph.draws.set(graph.node(node).draws).filter(|draw| !draw.is_implied) {
            let entry = graph.types.get(draw.task);
            let (task, param) = (entry.task, entry.param(draw.param));
            if seen[&source_id(task, draw.param)].is_none() {
                continue;
            }
            let value = (param.kind.from_value)(draw.value);
            let value = value.map_err(|reason| PlanErrorKind::NoKey {
                task: entry.decl.name.to_string(),
                param: param.name,
                reason: reason.to_string(),
            })?;
            self.givens.typed.insert(
                ParamId::new(task, draw.param),
                Given { task, value: Contained::new(value) },
            );
        }
        Ok(())
    }

    /// Returns the scope of its dynamic dependencies.
    pub(super) fn scope(&self, types: &Types) -> Scope {
        let mut scope = Scope::default();
        for (place, (value, travels)) in self.own.iter().enumerate() {
            let (task, param) = (self.task, &self.task.params[place]);
            let source = types.find_source(task, place);
            if let Some(source) = source {
                scope.set_shared(source, Shared { task, place, value: value.clone() });
            }
            // A value is left out if no task has a parameter of its name.
            if *travels && let Some(name) = types.find_name(param) {
                let (value, giver) = (value.clone(), (task, place));
                let significant = param.significant;
                scope.set(name, Some(Inherited { value, giver, significant }));
            }
        }
        scope
    }
}
