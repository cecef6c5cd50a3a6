//! The plans that are made for what a flow is asked: as things are, for a load, and for a run.

use std::any::Any;
use std::sync::Arc;

use crate::base::key::Digest;
use crate::flow::error::Error;
use crate::flow::{Flow, Roots};
use crate::plan::error::PlanError;
use crate::plan::force::Force;
use crate::plan::refresh::Asked;
use crate::plan::variant::Root;
use crate::plan::verdicts::Verdicts;
use crate::plan::warning::Warning;
use crate::plan::{Graph, Plan, builder, resolve};
use crate::store::trust::Trust;
use crate::task::TaskType;

impl Flow {
    pub(super) fn build_graph(&self, roots: &[Root<'_>]) -> Result<(Graph, Vec<Warning>), Error> {
        self.store.refresh();
        Ok(builder::build(roots, &self.store, &self.givens)?)
    }

    /// The plan as things are, with a verdict on each instance.
    pub(super) fn plan<R: Roots>(&self) -> Result<Arc<Plan>, Error> {
        self.as_is(&roots_of::<R>())
    }

    /// The same for these roots.
    pub(crate) fn as_is(&self, roots: &[Root<'_>]) -> Result<Arc<Plan>, Error> {
        let trust = match self.trust {
            Trust::Records => Trust::Stamps,
            trust => trust,
        };
        self.judged(roots, &Force::default(), trust, Asks::Nothing).map(Arc::new)
    }

    /// The plan as things are, with a verdict on the roots.
    pub(super) fn plan_to_load<R: Roots>(&self) -> Result<Arc<Plan>, Error> {
        self.to_load(&roots_of::<R>())
    }

    /// The same for these roots.
    pub(super) fn to_load(&self, roots: &[Root<'_>]) -> Result<Arc<Plan>, Error> {
        self.judged(roots, &Force::default(), self.trust, Asks::Nothing).map(Arc::new)
    }

    /// The plan of what a run does, in which what is forced is not complete.
    pub(super) fn plan_to_run<R: Roots>(&self) -> Result<Arc<Plan>, Error> {
        self.to_run(&roots_of::<R>())
    }

    /// The same for these roots.
    pub(crate) fn to_run(&self, roots: &[Root<'_>]) -> Result<Arc<Plan>, Error> {
        let plan = self.judged(roots, &self.force, self.trust, Asks::Refresh)?;
        plan.check_provided()?;
        Ok(Arc::new(plan))
    }

    pub(super) fn judged(
        &self,
        roots: &[Root<'_>],
        force: &Force,
        trust: Trust,
        asks: Asks,
    ) -> Result<Plan, Error> {
        let mut plan = self.unjudged(roots, force, trust, asks)?;
        plan.judge_all()?;
        plan.contents.keep();
        Ok(plan)
    }

    /// A plan with no verdicts yet.
    pub(super) fn unjudged(
        &self,
        roots: &[Root<'_>],
        force: &Force,
        trust: Trust,
        asks: Asks,
    ) -> Result<Plan, Error> {
        let (mut graph, mut warnings) = self.build_graph(roots)?;
        force.mark(&mut graph);
        warnings.extend(force.unused(&graph));
        match asks {
            Asks::Nothing => {}
            Asks::Refresh => graph.ask(&self.store, Asked::now())?,
            Asks::HoweverOld => graph.ask(&self.store, Asked::however_old())?,
        }
        Ok(Plan {
            store: Arc::clone(&self.store),
            contents: self.contents(trust),
            trust,
            reading: self.reading.clone(),
            provided: Arc::clone(&self.provided),
            defaults: Arc::new(self.givens.without_values()),
            force: force.clone(),
            types: Arc::default(),
            graph,
            verdicts: Verdicts::default(),
            warnings,
        })
    }

    /// The digest of a value of a parameter.
    pub(super) fn digest(
        &self,
        task: &TaskType,
        place: usize,
        value: &dyn Any,
    ) -> Result<Digest, Error> {
        let name = (task.decl)().name;
        let value = resolve::param_value(&name, &task.params[place], value);
        let digest = value.and_then(|value| resolve::digest_value(&self.store, &value));
        digest.map_err(|kind| Box::new(PlanError::new(kind, vec![name.into_owned()])).into())
    }
}

pub(super) fn roots_of<R: Roots>() -> Vec<Root<'static>> {
    R::types().into_iter().map(Root::from).collect()
}

/// Whether tasks that fetch are asked if they are to be refreshed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// What the last run gave counts.
    Nothing,
    Refresh,
    /// What their expressions give now counts, and no age.
    HoweverOld,
}
