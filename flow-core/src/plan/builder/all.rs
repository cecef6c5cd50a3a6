//! Builds as much of a graph as possible, to report all errors of a flow at once.
//!
//! This is the builder for a check. It collects errors instead of stopping at the first. An instance that
//! cannot be built is left out, and its consumers are built without it, under keys that no other instance
//! has. Values are hashed with a store of their own, because the flow's store would write a key for secrets.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use super::Builder;
use super::walk::panicked;
use crate::base::panics;
use crate::plan::Graph;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::given::Givens;
use crate::plan::named;
use crate::plan::resolve::Resolver;
use crate::plan::types::{TypeIndex, Types};
use crate::plan::warning::{self, Warning};
use crate::store::Store;
use crate::task::TaskType;
use crate::task::requirement::Dependency;

/// The part of the graph that could be built, and all errors.
pub(crate) struct Built {
    /// `None` if a parameter is `from` itself, so that no type can be resolved.
    pub(crate) graph: Option<(Graph, Vec<Warning>)>,
    pub(crate) problems: Vec<PlanError>,
    /// The parameters of instances that took their default, or have no value.
    pub(crate) unmet: HashSet<(TypeIndex, usize)>,
}

/// Builds as much of the graph of `roots` as can be built.
///
/// Names are looked up in `store`; values are hashed with `hashing`.
pub(crate) fn build_all(
    roots: &[&'static TaskType],
    store: &Store,
    hashing: &Store,
    givens: &Givens,
) -> Built {
    let built = panics::catch(|| build_possible(roots, store, hashing, givens));
    built.unwrap_or_else(|message| {
        let wrong = |first: &&'static TaskType| {
            PlanError::new(panicked(first, message.clone()), Vec::new())
        };
        let problems = roots.first().map(wrong).into_iter().collect();
        Built { graph: None, problems, unmet: HashSet::new() }
    })
}

fn build_possible(
    roots: &[&'static TaskType],
    store: &Store,
    hashing: &Store,
    givens: &Givens,
) -> Built {
    let mut problems = Vec::new();
    let plan_error = |kind| PlanError::new(kind, Vec::new());
    let ends = |kind: &PlanErrorKind| matches!(kind, PlanErrorKind::FromItself { .. });
    let types = Types::with_error_handler(roots, store, &mut |kind| {
        // A parameter that is `from` itself cannot be resolved.
        if ends(&kind) {
            return Err(kind);
        }
        problems.push(plan_error(kind));
        Ok(())
    });
    let types = match types {
        Ok(types) => Arc::new(types),
        Err(kind) => {
            problems.push(plan_error(kind));
            return Built { graph: None, problems, unmet: HashSet::new() };
        }
    };
    problems.extend(warning::check_names(&types, givens).err().map(plan_error));
    let assigned = named::assign(&types, givens).unwrap_or_else(|wrong| {
        problems.push(plan_error(wrong));
        None
    });
    let givens = assigned.as_ref().unwrap_or(givens);
    let mut builder = Builder::new(types, Resolver::collecting_errors(givens, hashing));
    builder.problems = Some(problems);
    let mut nodes = Vec::with_capacity(roots.len());
    for root in roots {
        let dependency = Dependency { task: root, own: Vec::new(), with: Vec::new() };
        // An error is collected in `builder.problems`.
        let built = builder.build_dependency(dependency, Rc::default()).ok().flatten();
        nodes.extend(built.map(|built| built.node));
    }
    let mut warnings = warning::unused(&builder.types, &builder.resolver);
    warnings.extend(warning::stopped(&builder.resolver));
    let problems = builder.problems.take().unwrap_or_default();
    let unmet = std::mem::take(&mut builder.resolver.unmet);
    Built { graph: Some((builder.into_graph(nodes), warnings)), problems, unmet }
}
