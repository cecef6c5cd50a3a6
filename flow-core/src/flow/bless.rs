//! Blessing: declaring outputs up to date after a refactoring that did not change results.
//!
//! [`Bless::run`] has four steps:
//!
//! 1. The plan finds the *affected* instances: those that are pending only because of a change of code, a version,
//!    a target, or a new parameter with its default. An instance from before a parameter was added has another key,
//!    which is computed from the present key: the records of the task show which parameters are new.
//! 2. The chosen tasks run in a shadow folder with the inputs in the store. Their outputs, metadata and reads are
//!    compared with the records. If one differs, nothing is changed.
//! 3. The plan is built again. Instances whose fingerprint or record changed during the comparison are dropped.
//! 4. The records of the remaining instances get today's fingerprints, in groups and downstream first, so that a
//!    process that dies in between leaves outputs that can be blessed later.
//!
//! A value in memory has no bytes to compare. It is covered by the comparison of the outputs downstream. Instances that
//! a task required while it ran are treated like inputs: they are blessed with the instances that required them. A task
//! that requires other instances than before, or one without an output, counts as different.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::base::error::StoreError;
use crate::engine::Execution;
use crate::engine::session::Session;
use crate::engine::shadow::Aside;
use crate::flow::error::Error;
use crate::flow::{Flow, FlowStore, Roots};
use crate::plan::affected::{Affected, Assumption};
use crate::plan::label::Show;
use crate::plan::variant::Root;
use crate::plan::verdicts::Status;
use crate::report::event::Event;
use crate::store::Store;
use crate::store::record::Record;
use crate::store::stage::Staged;
use crate::task::TaskType;
use crate::task::info::TaskInfo;

/// The maximal number of outputs in one commit.
const GROUP: usize = 512;

/// The maximal number of printed lines of a list.
const LISTED: usize = 10;

impl FlowStore<'_> {
    /// Declares stored outputs up to date after a refactoring that did not change results.
    ///
    /// Nothing happens before [`Bless::run`] is called. It covers the outputs of these roots and of all instances
    /// upstream, including those that tasks required while they ran. An output can be blessed if it is pending
    /// only because code, a version or a target changed, or because its task or one upstream got a new parameter
    /// that has its default. Outputs that are pending for other reasons stay pending, and [`Blessed::pending`]
    /// lists them.
    ///
    /// The tasks, or a [sample](Bless::sample) of them, first run in a separate folder with the inputs in the
    /// store, and their outputs are compared with the recorded ones byte by byte. If all are equal, the records
    /// get the fingerprint of today's code. If one differs, nothing is changed and the error names the
    /// differences. A task whose output differs from run to run cannot be blessed.
    ///
    /// The blessed records are [signed](Flow::sign) by this flow. Without a signer they have no signature, even if they had
    /// one. A flow that [requires signatures](Flow::require_signatures) blesses only signed outputs.
    ///
    /// ```
    /// # mod before {
    /// #     use flow::Code;
    /// #     use flow::prelude::*;
    /// #     #[derive(Task)]
    /// #     #[task(target = Json<Vec<u64>>)]
    /// #     pub struct Squares {
    /// #         #[param(default = 3)]
    /// #         n: u64,
    /// #     }
    /// #     impl Run for Squares {
    /// #         const CODE: Code = Code::version(1);
    /// #         fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
    /// #             Ok((0..self.n).map(|n| n * n).collect())
    /// #         }
    /// #     }
    /// # }
    /// # use flow::Code;
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<Vec<u64>>)]
    /// struct Squares {
    ///     #[param(default = 3)]
    ///     n: u64,
    /// }
    ///
    /// # impl Run for Squares {
    /// #     const CODE: Code = Code::version(2);
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
    /// #         Ok((0..self.n).map(|n| n.pow(2)).collect())
    /// #     }
    /// # }
    /// # #[cfg(any())]
    /// #[tracked]
    /// impl Run for Squares {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
    ///         Ok((0..self.n).map(|n| n.pow(2)).collect()) // before: `n * n`
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// # Flow::open(folder)?.quiet().run::<before::Squares>()?;
    /// # let flow = Flow::open(folder)?.quiet();
    /// assert!(!flow.is_complete::<Squares>()?); // its code changed
    /// let blessed = flow.store().bless::<Squares>().run()?;
    /// assert_eq!(blessed.instances(), ["Squares {n: 3}"]);
    /// assert!(flow.is_complete::<Squares>()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn bless<R: Roots>(&self) -> Bless<R> {
        Bless { flow: self.flow.clone(), sample: None, roots: R::types(), of: PhantomData }
    }

    /// Declares stored outputs of roots that are named at run time up to date, as [`bless`](Self::bless) does.
    pub fn bless_of(&self, roots: impl IntoIterator<Item = TaskInfo>) -> Bless<TaskInfo> {
        let roots = roots.into_iter().map(|root| root.task).collect();
        Bless { flow: self.flow.clone(), sample: None, roots, of: PhantomData }
    }
}

/// A builder that blesses outputs when it is [run](Bless::run). Created by [`FlowStore::bless`].
#[must_use = "nothing is compared before `run` is called"]
pub struct Bless<R> {
    flow: Flow,
    sample: Option<usize>,
    roots: Vec<&'static TaskType>,
    of: PhantomData<fn() -> R>,
}

impl<R> Bless<R> {
    /// Compares only this many instances of each task, at least one.
    ///
    /// The instances with the smallest keys are taken. If their outputs are equal, all others are blessed
    /// without a comparison.
    pub fn sample(self, instances: usize) -> Self {
        Self { sample: Some(instances.max(1)), ..self }
    }

    /// Runs the tasks in a separate folder, compares their outputs, and blesses them if all are equal.
    ///
    /// If the process dies during the comparison, nothing has changed. If it dies while records are written,
    /// some outputs have been blessed: bless again for the others.
    ///
    /// # Errors
    ///
    /// [`Error::NotBlessed`] if an output differs; then nothing has been changed. Planning fails, or the store
    /// cannot be read or written.
    pub fn run(self) -> Result<Blessed, Error> {
        let flow = &self.flow;
        let assumption = flow.as_is(&self.planned())?.affected()?;
        let affected = assumption.affected();
        let chosen = choose(&assumption, &affected, self.sample);
        let different = self.compare(&assumption, &chosen)?;
        if !different.is_empty() {
            let root = assumption.plans[0].plan.graph.root_names();
            let compared = chosen.len();
            return Err(Error::NotBlessed(Box::new(NotBlessed { root, compared, different })));
        }
        // Files and records may have changed during the comparison: bless only what still is as compared.
        let again = assumption.plans[0].plan.affected()?;
        let again = again.affected();
        let now: HashMap<_, _> = again.iter().map(|(_, one)| (one.key, one)).collect();
        let still = affected.iter().filter(|(_, one)| {
            now.get(&one.key)
                .is_some_and(|now| now.fingerprint == one.fingerprint && now.record == one.record)
        });
        let mut still: Vec<_> = still.copied().collect();
        let label = |(place, one): &(usize, &Affected)| {
            assumption.plans[*place].plan.graph.label(one.node, Show::Clipped)
        };
        let instances = still.iter().map(label).collect();
        // Downstream first. A value in memory has its fingerprint as its digest. If its record were replaced
        // first, the records downstream would name a digest that no record has, and could not be blessed
        // after a crash.
        still.sort_by_key(|(place, one)| (*place, Reverse(one.node)));
        still.chunks(GROUP).try_for_each(|group| commit(&assumption, group))?;
        let compared = chosen.iter().map(label).collect();
        Ok(Blessed { instances, compared, pending: flow.pending(&self.planned())? })
    }

    fn planned(&self) -> Vec<Root<'static>> {
        self.roots.iter().copied().map(Root::from).collect()
    }

    /// Runs the chosen instances in a shadow folder and returns the differences from their records.
    fn compare(
        &self,
        assumption: &Assumption,
        chosen: &[(usize, &Affected)],
    ) -> Result<Vec<Difference>, Error> {
        let flow = &self.flow;
        // Instances are compared by workers that look for a stop before each one.
        let _in_progress = flow.stopper.begin_run(|| {});
        let session = Session::new(flow.threads(), flow.limits, 0, None, Arc::default());
        let reporting = flow.observers.begin(None).map_err(Error::Thread)?;
        reporting.reporter().emit(|| Event::Planned {
            instances: assumption.plans.iter().map(|assumed| assumed.plan.graph.len()).sum(),
            pending: chosen.len(),
        });
        session.known.take_over(&assumption.known);
        let done = AtomicUsize::new(0);
        let mut all = Vec::new();
        for (place, assumed) in assumption.plans.iter().enumerate() {
            let of_plan = chosen.iter().filter(|(of, _)| *of == place);
            let of_plan: Vec<_> = of_plan.map(|(_, one)| *one).collect();
            if of_plan.is_empty() {
                continue;
            }
            let plan = &assumed.plan;
            let (stopper, reporter) = (flow.stopper.clone(), Arc::clone(reporting.reporter()));
            let execution = Execution::in_session(&session, Arc::clone(plan), stopper, reporter);
            let aside = Aside::new(&execution, assumed, (&done, chosen.len()));
            let different = aside.compare(&of_plan, flow.threads()).map_err(Error::Thread)?;
            all.extend(different.into_iter().map(|(node, what)| Difference {
                task: plan.graph.task(node).decl.name.to_string(),
                instance: plan.graph.label(node, Show::Clipped),
                what,
            }));
        }
        // Its warnings concern the events alone, and `Blessed` has none.
        drop(reporting.finish());
        Ok(all)
    }
}

impl Flow {
    /// Returns the pending instances, each with its reasons.
    fn pending(&self, roots: &[Root<'_>]) -> Result<Vec<String>, Error> {
        let plan = self.as_is(roots)?;
        let pending =
            plan.graph.nodes().filter(|&node| plan.verdicts.status(node) == Status::Pending);
        let line = |node| {
            let reasons = plan.verdicts.reasons(node).iter().map(ToString::to_string);
            let reasons = reasons.collect::<Vec<_>>().join("; ");
            format!("{}: {reasons}", plan.graph.label(node, Show::Clipped))
        };
        Ok(pending.map(line).collect())
    }
}

/// Returns the instances to compare, upstream first.
///
/// Values in memory are left out: they are computed when an instance downstream loads them.
fn choose<'a>(
    assumption: &Assumption,
    affected: &[(usize, &'a Affected)],
    sample: Option<usize>,
) -> Vec<(usize, &'a Affected)> {
    let mut tasks: BTreeMap<String, Vec<(usize, &Affected)>> = BTreeMap::new();
    for (place, one) in affected.iter().filter(|(_, one)| !one.record.output.is_in_memory()) {
        let task = assumption.plans[*place].plan.graph.task(one.node).decl.identity();
        tasks.entry(task.to_owned()).or_default().push((*place, *one));
    }
    let mut chosen = Vec::new();
    for mut of_task in tasks.into_values() {
        of_task.sort_by_key(|(_, one)| one.key);
        of_task.truncate(sample.unwrap_or(usize::MAX));
        chosen.extend(of_task);
    }
    chosen.sort_by_key(|(place, one)| (Reverse(*place), one.node));
    chosen
}

/// Commits records with today's fingerprints for a group of outputs.
fn commit(assumption: &Assumption, group: &[(usize, &Affected)]) -> Result<(), StoreError> {
    let store = &assumption.plans[0].plan.store;
    let mut staged = Vec::with_capacity(group.len());
    for (place, one) in group {
        let plan = &assumption.plans[*place].plan;
        let entry = plan.graph.task(one.node);
        entry.keep_tables(store);
        match stage(store, one, one.blessed(&plan.graph)) {
            Ok(one) => staged.push((Arc::clone(&entry.folder), one)),
            Err(error) => {
                staged.iter().for_each(|(_, staged)| store.discard_path(&staged.draft));
                return Err(error);
            }
        }
    }
    store.commit(staged).into_iter().try_for_each(|(_, _, result)| result)
}

/// Stages the record of an output, and signs it anew: today's fingerprint is another claim.
///
/// If a parameter was added, the instance has a new folder: the files of the old one are linked into it.
fn stage(store: &Store, one: &Affected, mut record: Record) -> Result<Staged, StoreError> {
    if one.from == one.folder || record.output.is_in_memory() {
        store.sign(&mut record)?;
        return store.stage_record(&one.folder, &record, one.from != one.folder);
    }
    let from = store.root().join(&one.from);
    record.output = store.stage_links(&from, &record.output, &one.folder, record.fingerprint)?;
    let signed = store.sign(&mut record);
    let staged = signed.and_then(|()| store.stage_record(&one.folder, &record, true));
    staged.inspect_err(|_| store.discard(&one.folder, &record.output))
}

/// The result of [`Bless::run`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blessed {
    instances: Vec<String>,
    compared: Vec<String>,
    pending: Vec<String>,
}

impl Blessed {
    /// Returns the instances that were blessed, such as `Train {model: Logistic}`.
    pub fn instances(&self) -> &[String] {
        &self.instances
    }

    /// Returns the instances that ran for the comparison and produced equal outputs.
    pub fn compared(&self) -> &[String] {
        &self.compared
    }

    /// Returns the instances that are still pending, with the reasons: `Train {model: Logistic}: file: a.csv changed`.
    pub fn pending(&self) -> &[String] {
        &self.pending
    }
}

impl fmt::Display for Blessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.instances.len(), self.compared.len()) {
            (0, _) => f.write_str("no output is pending only because of its code")?,
            (1, compared) => write!(f, "1 output blessed, {compared} compared")?,
            (n, compared) => write!(f, "{n} outputs blessed, {compared} compared")?,
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        f.write_str("; still pending:")?;
        list(f, &self.pending)
    }
}

/// Writes the first of `lines`, and how many more there are.
fn list(f: &mut fmt::Formatter<'_>, lines: &[impl fmt::Display]) -> fmt::Result {
    lines.iter().take(LISTED).try_for_each(|line| write!(f, "\n  {line}"))?;
    match lines.len().checked_sub(LISTED) {
        Some(more @ 1..) => write!(f, "\n  … and {more} more"),
        _ => Ok(()),
    }
}

/// Why nothing was blessed: tasks produced other outputs than the recorded ones.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotBlessed {
    root: String,
    /// The number of instances that were compared.
    compared: usize,
    different: Vec<Difference>,
}

/// How the output of one instance differs from its record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The name of the task.
    pub task: String,
    /// The instance, such as `Train {model: Logistic}`.
    pub instance: String,
    /// The file or metadata that differs, or the error if the task failed.
    pub what: String,
}

impl NotBlessed {
    /// Returns all differences.
    pub fn different(&self) -> &[Difference] {
        &self.different
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.instance, self.what.replace('\n', "\n    "))
    }
}

impl fmt::Display for NotBlessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs = if self.compared == 1 { "output" } else { "outputs" };
        write!(f, "nothing was blessed: of {} compared {outputs},", self.compared)?;
        f.write_str(" these differ from their records:")?;
        list(f, &self.different)?;
        write!(
            f,
            "\nrun them with `flow.run::<{}>()`; an output that differs in every run, for example because of \
             random numbers or the time, cannot be blessed",
            self.root
        )
    }
}
