//! An instance that requires others while it runs, and the values that reach them.
//!
//! What is required then is found again when the instance is planned another time, in another
//! process and for other roots. So all that reaches it must be in the instance's key, or follow from
//! it: what merely passes through the instance on its way from the root does not.
//!
//! - The instance's *own values* travel as they always do, by name and type, if they are not local.
//!   The key does not tell whether a value was given or is the default; one that equals the default
//!   counts as default, and does not travel.
//! - The instance's *draws*, the values that its static requirements take from outside it, are given
//!   to the same parameters of the same tasks, unless they are what these have anyway: their default,
//!   or the value that they inherit. So a task that is required both ways is one instance. Where the
//!   draws of one parameter differ, none of them is taken.
//!
//! Then come the defaults. What the flow was given is not looked at.

use std::any::TypeId;
use std::collections::HashMap;

use daggy::NodeIndex;

use crate::base::key::Digest;
use crate::base::panics::Contained;
use crate::plan::error::PlanErrorKind;
use crate::plan::given::{Given, Givens};
use crate::plan::resolve::digest_param;
use crate::plan::scope::{Inherited, OnTheWay, Scope, Shared};
use crate::plan::types::{Types, source};
use crate::plan::{Graph, Plan};
use crate::task::TaskType;

/// An instance that requires others while it runs.
pub(crate) struct Requester {
    /// What it is called.
    pub(crate) name: String,
    task: &'static TaskType,
    /// Its own values, by place, and whether they travel.
    own: Vec<(OnTheWay, bool)>,
    /// What it draws, as if a flow had been given that.
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
        let instance = plan.graph.node(node).instance;
        for (place, param) in entry.task.params.iter().enumerate() {
            let value = (param.kind.clone)(entry.instances.field(instance, place));
            let digest = digest_param(&plan.store, &entry.decl.name, param, &value)?;
            let (task, at) = source(entry.task, place);
            let default = plan.defaults.default(task, at).and_then(Result::ok);
            let default = default
                .map(|value| digest_param(&plan.store, &entry.decl.name, &task.params[at], &value));
            let travels = !param.local && default.transpose()? != Some(digest);
            requester.own.push((OnTheWay { value, digest }, travels));
        }
        requester.take_draws(&plan.graph, node)?;
        Ok(requester)
    }

    fn take_draws(&mut self, graph: &Graph, node: NodeIndex) -> Result<(), PlanErrorKind> {
        let mut seen: HashMap<(TypeId, usize), Option<Digest>> = HashMap::new();
        for draw in graph.draws.set(graph.node(node).draws) {
            let digest = seen.entry(key(graph.types.get(draw.task).task, draw.param));
            let digest = digest.or_insert(Some(draw.digest));
            *digest = digest.filter(|digest| *digest == draw.digest);
        }
        for draw in graph.draws.set(graph.node(node).draws).filter(|draw| !draw.is_implied) {
            let entry = graph.types.get(draw.task);
            let (task, param) = (entry.task, entry.param(draw.param));
            if seen[&key(task, draw.param)].is_none() {
                continue;
            }
            let value = (param.kind.from_value)(draw.value);
            let value = value.map_err(|reason| PlanErrorKind::NoKey {
                task: entry.decl.name.to_string(),
                param: param.name,
                reason: reason.to_string(),
            })?;
            self.givens
                .typed
                .insert(((task.id)(), draw.param), Given { task, value: Contained::new(value) });
        }
        Ok(())
    }

    /// The scope of what it requires.
    pub(super) fn scope(&self, types: &Types) -> Scope {
        let mut scope = Scope::default();
        for (place, (value, travels)) in self.own.iter().enumerate() {
            let (task, param) = (self.task, &self.task.params[place]);
            let source = types.find_source(task, place);
            if let Some(source) = source {
                scope.set_shared(source, Shared { task, place, value: value.clone() });
            }
            // No task takes a value whose name it does not have.
            if *travels && let Some(name) = types.find_name(param) {
                let (value, giver) = (value.clone(), (task, place));
                let significant = param.significant;
                scope.set(name, Some(Inherited { value, giver, significant }));
            }
        }
        scope
    }
}

/// What a value is given to.
fn key(task: &'static TaskType, place: usize) -> (TypeId, usize) {
    let (of, at) = source(task, place);
    ((of.id)(), at)
}
