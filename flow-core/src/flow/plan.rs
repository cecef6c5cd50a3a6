//! Planning for the operations of a flow. There are three kinds of plans.
//!
//! | kind | `force` | `refresh` | `Trust::Records` |
//! | --- | --- | --- | --- |
//! | present state ([`Flow::as_is`]) | ignored | ignored | ignored: every instance gets a verdict |
//! | load ([`Flow::to_load`]) | ignored | ignored | respected |
//! | run ([`Flow::to_run`]) | respected | evaluated | respected |
//!
//! `force` affects runs and their previews only: there, a forced instance is pending. Its output stays, and can be
//! loaded until the forced run has replaced it, so that a failed run loses nothing. A load ignores `refresh` too and
//! returns the output of the last run. Otherwise an output with `refresh = always` could never be loaded.
//!
//! The plans of a subgraph that was restricted to some of its tasks ([`restrict`](super::restrict)) have these as roots.

use std::any::Any;
use std::sync::Arc;

use crate::base::key::Digest;
use crate::base::trace::span;
use crate::flow::error::Error;
use crate::flow::restrict::{check_inputs, restricted};
use crate::flow::{Flow, Roots};
use crate::plan::error::PlanError;
use crate::plan::force::Force;
use crate::plan::refresh::Asked;
use crate::plan::variant::Root;
use crate::plan::verdicts::Verdicts;
use crate::plan::warning::Warning;
use crate::plan::{Graph, Plan, builder, param_value};
use crate::store::trust::Trust;
use crate::task::TaskType;

impl Flow {
    pub(super) fn build_graph(&self, roots: &[Root<'_>]) -> Result<(Graph, Vec<Warning>), Error> {
        self.store.refresh();
        Ok(builder::build(roots, &self.store, &self.givens)?)
    }

    /// Builds a plan of the present state, with a verdict on each instance.
    pub(super) fn plan<R: Roots>(&self) -> Result<Arc<Plan>, Error> {
        self.as_is(&roots_of::<R>())
    }

    /// Builds a plan of the present state, with a verdict on each instance.
    pub(crate) fn as_is(&self, roots: &[Root<'_>]) -> Result<Arc<Plan>, Error> {
        let trust = match self.trust {
            Trust::Records => Trust::Stamps,
            trust => trust,
        };
        self.judged(roots, &Force::default(), trust, RefreshMode::Ignore).map(Arc::new)
    }

    /// Builds a plan for a load, with a verdict on the roots.
    pub(super) fn plan_to_load<R: Roots>(&self) -> Result<Arc<Plan>, Error> {
        self.to_load(&roots_of::<R>())
    }

    /// Builds a plan for a load, with a verdict on the roots.
    pub(super) fn to_load(&self, roots: &[Root<'_>]) -> Result<Arc<Plan>, Error> {
        self.judged(roots, &Force::default(), self.trust, RefreshMode::Ignore).map(Arc::new)
    }

    /// Builds a plan for a run, in which forced instances are pending.
    pub(super) fn plan_to_run<R: Roots>(&self) -> Result<Arc<Plan>, Error> {
        self.to_run(&roots_of::<R>())
    }

    /// Builds a plan for a run, in which forced instances are pending.
    pub(crate) fn to_run(&self, roots: &[Root<'_>]) -> Result<Arc<Plan>, Error> {
        let mut plan = self.judged(roots, &self.force, self.trust, RefreshMode::Evaluate)?;
        plan.check_provided()?;
        plan.warnings.extend(plan.thread_warnings());
        plan.warnings.extend(self.signature_warning(&plan));
        if let Some(restriction) = &self.restriction {
            check_inputs(&plan, restriction)?;
        }
        Ok(Arc::new(plan))
    }

    pub(super) fn judged(
        &self,
        roots: &[Root<'_>],
        force: &Force,
        trust: Trust,
        refresh: RefreshMode,
    ) -> Result<Plan, Error> {
        let mut plan = self.unjudged(roots, force, trust, refresh)?;
        {
            span!("judge", instances = plan.graph.len());
            plan.judge_all()?;
        }
        plan.contents.keep();
        Ok(plan)
    }

    /// Builds a plan without verdicts.
    pub(super) fn unjudged(
        &self,
        roots: &[Root<'_>],
        force: &Force,
        trust: Trust,
        refresh: RefreshMode,
    ) -> Result<Plan, Error> {
        span!("plan", roots = roots.len());
        let (mut graph, mut warnings) = self.build_graph(roots)?;
        if let Some(restriction) = &self.restriction {
            let before = force.tasks_in(&graph);
            graph = restricted(graph, restriction, roots)?;
            warnings.extend(force.left_out(&before, &graph));
        }
        force.mark(&mut graph);
        warnings.extend(force.unused(&graph));
        match refresh {
            RefreshMode::Ignore => {}
            RefreshMode::Evaluate => graph.ask(&self.store, Asked::now())?,
            RefreshMode::EvaluateIgnoringAge => graph.ask(&self.store, Asked::however_old())?,
        }
        Ok(Plan {
            store: Arc::clone(&self.store),
            contents: self.contents(trust),
            trust,
            reading: self.reading.clone(),
            remotes: self.remotes.clone(),
            provided: Arc::clone(&self.provided),
            defaults: Arc::new(self.givens.without_values()),
            force: force.clone(),
            policies: Arc::new(self.policies()),
            types: Arc::default(),
            graph,
            verdicts: Verdicts::default(),
            warnings,
        })
    }

    /// Returns the digest of a value of the parameter at `place`.
    pub(super) fn digest(
        &self,
        task: &TaskType,
        place: usize,
        value: &dyn Any,
    ) -> Result<Digest, Error> {
        let name = (task.decl)().name;
        let value = param_value::param_value(&name, &task.params[place], value);
        let digest = value.and_then(|value| param_value::digest_value(&self.store, &value));
        digest.map_err(|kind| Box::new(PlanError::new(kind, vec![name.into_owned()])).into())
    }
}

pub(super) fn roots_of<R: Roots>() -> Vec<Root<'static>> {
    R::types().into_iter().map(Root::from).collect()
}

/// How a plan treats the `refresh` attribute of tasks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshMode {
    /// Ignores `refresh`: the output of the last run counts.
    Ignore,
    /// Expressions are evaluated, and outputs that are too old are pending.
    Evaluate,
    /// Expressions are evaluated, for their values are part of fingerprints. The age of an output is ignored.
    EvaluateIgnoringAge,
}
