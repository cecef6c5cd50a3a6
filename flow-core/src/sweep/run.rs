//! Running a sweep: one plan of all variants, one execution.

use std::sync::Arc;

use daggy::NodeIndex;

use super::Sweep;
use super::preview::SweepPreview;
use super::space::Variant;
use crate::flow::error::Error;
use crate::flow::sweep_summary::LeftOut;
use crate::flow::sweep_summary::SweepSummary;
use crate::plan::Plan;
use crate::plan::reason::Reason;
use crate::plan::variant::Root;

/// The variants that a run covers, and the number of those that it leaves out.
pub(super) struct Chosen<'a> {
    pub(super) variants: Vec<&'a Variant>,
    pub(super) left_out: LeftOut,
}

impl<R> Sweep<R> {
    /// Returns a preview of a run: whether each variant is complete, why not, and what it would cost.
    ///
    /// # Errors
    ///
    /// The sweep or the flow is invalid, or the store cannot be read.
    pub fn preview(&self) -> Result<SweepPreview, Error> {
        let (chosen, plan) = self.to_run()?;
        plan.check_executor()?;
        let names = chosen.variants.iter().map(|variant| variant.name.clone()).collect();
        Ok(SweepPreview::new(plan, names, chosen.left_out))
    }

    /// Runs the pending instances of all variants in parallel, and returns a summary by variant.
    ///
    /// Instances that several variants share run once.
    ///
    /// # Errors
    ///
    /// The sweep or the flow is invalid, or the store cannot be read. If tasks failed or the execution was stopped, the
    /// error contains the whole summary, unless the flow [allows failures](crate::Flow::allow_failures). Tasks that
    /// do not depend on a failed task were run.
    pub fn run(&self) -> Result<SweepSummary, Error> {
        // Without `missing`, all variants are run, and no plan is needed to choose them.
        let chosen = match self.missing {
            None => self.all()?,
            Some(_) => self.to_run()?.0,
        };
        let names: Vec<_> = chosen.variants.iter().map(|variant| variant.name.clone()).collect();
        let warnings = &self.variants()?.warnings;
        let is_part = chosen.left_out.is_any();
        let roots: Vec<Root<'_>> = self.roots_of(chosen.variants, is_part, warnings);
        let summary = self.flow.restricted_to(self.restriction.as_ref()).run_roots(&roots)?;
        let is_ok = summary.is_success() || self.flow.allows_failures();
        let summary = SweepSummary::new(summary, names, chosen.left_out);
        if is_ok { Ok(summary) } else { Err(Error::Sweep(Box::new(summary))) }
    }

    fn all(&self) -> Result<Chosen<'_>, Error> {
        let variants = self.variants()?.list.iter().collect();
        Ok(Chosen { variants, left_out: LeftOut::default() })
    }

    /// Returns the variants that a run covers, and their plan.
    pub(super) fn to_run(&self) -> Result<(Chosen<'_>, Arc<Plan>), Error> {
        let all = self.all()?;
        let warnings = &self.variants()?.warnings;
        let roots_of_all = self.roots_of(all.variants.iter().copied(), false, warnings);
        let flow = self.flow.restricted_to(self.restriction.as_ref());
        let plan = flow.to_run(&roots_of_all)?;
        let Some(at_most) = self.missing else { return Ok((all, plan)) };
        let count = plan.graph.roots.len() / all.variants.len();
        let roots = |place: usize| &plan.graph.roots[place * count..][..count];
        let is_complete = |root: &NodeIndex| plan.verdicts.status(*root).is_complete();
        let missing: Vec<_> = (0..all.variants.len())
            .filter(|&place| !roots(place).iter().all(is_complete))
            .collect();
        let left_out = LeftOut {
            complete: all.variants.len() - missing.len(),
            later: missing.len().saturating_sub(at_most),
        };
        // Variants that failed in the last run come last: otherwise they would block the others forever.
        let failed = failed(&plan);
        let has_failed = |&place: &usize| roots(place).iter().any(|root| failed[root.index()]);
        let (again, new): (Vec<_>, Vec<_>) = missing.into_iter().partition(has_failed);
        let mut chosen: Vec<_> = new.into_iter().chain(again).take(at_most).collect();
        chosen.sort_unstable();
        let chosen = chosen.into_iter().map(|place| all.variants[place]);
        let chosen = Chosen { variants: chosen.collect(), left_out };
        if !left_out.is_any() {
            return Ok((chosen, plan));
        }
        let roots_of_part = self.roots_of(chosen.variants.iter().copied(), true, warnings);
        let plan = flow.to_run(&roots_of_part)?;
        Ok((chosen, plan))
    }
}

/// Returns for each instance whether it, or an instance upstream of it, failed in the last run.
fn failed(plan: &Plan) -> Vec<bool> {
    let mut failed = vec![false; plan.graph.len()];
    for node in plan.graph.nodes() {
        let mut reasons = plan.verdicts.reasons(node).iter();
        failed[node.index()] = reasons.any(|it| matches!(it, Reason::FailedLastTime { .. }))
            || plan.graph.inputs(node).iter().any(|input| failed[input.index()]);
    }
    failed
}
