//! Blessing: taking outputs for today's after a change of code that was meant to change nothing.

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
use crate::plan::verdicts::Status;
use crate::store::Store;
use crate::store::record::Record;
use crate::store::stage::Staged;

/// How many outputs are committed at once.
const GROUP: usize = 512;

/// How many lines of a list are printed.
const LISTED: usize = 10;

impl FlowStore<'_> {
    /// Takes the outputs of these roots, and of what they require, while they run too, for today's,
    /// after a refactoring that was meant to change nothing: those that are pending only because code,
    /// a version or a target changed, or because their task, or one upstream, got a new parameter that has
    /// its default. What is pending for something else stays so, and is [told](Blessed::pending).
    ///
    /// That is proved first: the tasks run aside, with the inputs that are in the store, all of them
    /// or a [sample](Bless::sample), and what they make is compared with what is recorded, byte for
    /// byte. Only if all agree, the outputs get the fingerprint of today's code. If one does not,
    /// nothing is changed, and the error says what is different. A task that makes other bytes each
    /// time cannot be blessed.
    ///
    /// ```
    /// # mod before {
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
    ///         Ok((0..self.n).map(|n| n.pow(2)).collect()) // it was `n * n`
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
        Bless { flow: self.flow.clone(), sample: None, roots: PhantomData }
    }
}

/// Outputs that are to be taken for today's, if they are. Made by [`FlowStore::bless`].
#[must_use = "nothing is compared before `run` is called"]
pub struct Bless<R> {
    flow: Flow,
    sample: Option<usize>,
    roots: PhantomData<fn() -> R>,
}

impl<R: Roots> Bless<R> {
    /// Runs this many instances of each task, at least one, instead of all of them: which ones, the
    /// digits of their keys say. The others are believed if these agree.
    pub fn sample(self, instances: usize) -> Self {
        Self { sample: Some(instances.max(1)), ..self }
    }

    /// Runs the tasks aside, compares, and blesses if all agree.
    ///
    /// If the process ends while it runs, nothing has changed or, at the very end, some outputs have
    /// been blessed: do it again for the others.
    ///
    /// # Errors
    ///
    /// Something is different, and nothing has been changed; the flow is wrong; or the store cannot
    /// be used.
    pub fn run(self) -> Result<Blessed, Error> {
        let flow = &self.flow;
        let assumption = flow.plan::<R>()?.affected()?;
        let affected = assumption.affected();
        let chosen = choose(&assumption, &affected, self.sample);
        let different = self.compare(&assumption, &chosen)?;
        if !different.is_empty() {
            let (root, of) = (crate::base::names::short_name::<R>(), chosen.len());
            return Err(Error::NotBlessed(Box::new(NotBlessed { root, of, different })));
        }
        // What was read may have changed meanwhile.
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
        // What requires others first: a value in memory is known by what it is made from, and what was
        // made of it could no longer be told when its own record had gone on.
        still.sort_by_key(|(place, one)| (*place, Reverse(one.node)));
        still.chunks(GROUP).try_for_each(|group| commit(&assumption, group))?;
        let compared = chosen.iter().map(label).collect();
        Ok(Blessed { instances, compared, pending: flow.pending::<R>()? })
    }

    /// Makes these aside, and says what is different.
    fn compare(
        &self,
        assumption: &Assumption,
        chosen: &[(usize, &Affected)],
    ) -> Result<Vec<Difference>, Error> {
        let flow = &self.flow;
        let session = Session::new(flow.threads(), flow.limits, None);
        let progress = flow.progress.for_run();
        session.known.take_over(&assumption.known);
        let done = AtomicUsize::new(0);
        let mut all = Vec::new();
        for (place, assumed) in assumption.plans.iter().enumerate() {
            let these = chosen.iter().filter(|(of, _)| *of == place);
            let these: Vec<_> = these.map(|(_, one)| *one).collect();
            if these.is_empty() {
                continue;
            }
            let plan = &assumed.plan;
            let (stopper, progress) = (flow.stopper.clone(), progress.clone());
            let execution = Execution::in_session(&session, Arc::clone(plan), stopper, progress);
            let aside = Aside::new(&execution, assumed, (&done, chosen.len()));
            let different = aside.compare(&these, flow.threads()).map_err(Error::Thread)?;
            all.extend(different.into_iter().map(|(node, what)| Difference {
                task: plan.graph.task(node).decl.name.to_string(),
                instance: plan.graph.label(node, Show::Clipped),
                what,
            }));
        }
        Ok(all)
    }
}

impl Flow {
    /// What is pending, and why.
    fn pending<R: Roots>(&self) -> Result<Vec<String>, Error> {
        let plan = self.plan::<R>()?;
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

/// The instances to be made aside, upstream first. A value in memory is made for those that
/// load it, and is of no use for itself.
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

/// Gives the outputs of a group their new fingerprints.
fn commit(assumption: &Assumption, group: &[(usize, &Affected)]) -> Result<(), StoreError> {
    let store = &assumption.plans[0].plan.store;
    let mut staged = Vec::with_capacity(group.len());
    for (place, one) in group {
        let plan = &assumption.plans[*place].plan;
        let entry = plan.graph.task(one.node);
        entry.keep_tables(store);
        let mut record = one.blessed();
        record.parameters = plan.graph.recorded_parameters(one.node);
        // It was found to be what today's crates make.
        record.crates = entry.crates;
        record.made_from = plan.graph.with_labels(one.node, record.made_from);
        match stage(store, one, record) {
            Ok(one) => staged.push((Arc::clone(&entry.folder), one)),
            Err(error) => {
                staged.iter().for_each(|(_, staged)| store.discard_path(&staged.draft));
                return Err(error);
            }
        }
    }
    store.commit(staged).into_iter().try_for_each(|(_, _, result)| result)
}

/// Writes the record of an output, which is linked if it was that of the instance before a parameter was
/// added.
fn stage(store: &Store, one: &Affected, mut record: Record) -> Result<Staged, StoreError> {
    if one.from == one.folder || record.output.is_in_memory() {
        return store.stage_record(&one.folder, &record, one.from != one.folder);
    }
    let from = store.root().join(&one.from);
    record.output = store.stage_links(&from, &record.output, &one.folder, record.fingerprint)?;
    store
        .stage_record(&one.folder, &record, true)
        .inspect_err(|_| store.discard(&one.folder, &record.output))
}

/// What was blessed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blessed {
    instances: Vec<String>,
    compared: Vec<String>,
    pending: Vec<String>,
}

impl Blessed {
    /// The instances whose outputs are today's now, such as `Train {model: Logistic}`.
    pub fn instances(&self) -> &[String] {
        &self.instances
    }

    /// Those that were made aside, and gave the same.
    pub fn compared(&self) -> &[String] {
        &self.compared
    }

    /// Those that are pending all the same, and why: `Train {model: Logistic}: file: a.csv changed`.
    pub fn pending(&self) -> &[String] {
        &self.pending
    }
}

impl fmt::Display for Blessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.instances.len(), self.compared.len()) {
            (0, _) => f.write_str("nothing was pending for its code alone")?,
            (1, compared) => write!(f, "1 output blessed, {compared} made aside gave the same")?,
            (n, compared) => write!(f, "{n} outputs blessed, {compared} made aside gave the same")?,
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        f.write_str("; still pending:")?;
        list(f, &self.pending)
    }
}

/// The first few of many, each in a line of its own.
fn list(f: &mut fmt::Formatter<'_>, lines: &[impl fmt::Display]) -> fmt::Result {
    lines.iter().take(LISTED).try_for_each(|line| write!(f, "\n  {line}"))?;
    match lines.len().checked_sub(LISTED) {
        Some(more @ 1..) => write!(f, "\n  … and {more} more"),
        _ => Ok(()),
    }
}

/// Why nothing was blessed: tasks run aside gave something else than what is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotBlessed {
    root: String,
    of: usize,
    different: Vec<Difference>,
}

/// What is different in the output of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The name of the task.
    pub task: String,
    /// The instance, such as `Train {model: Logistic}`.
    pub instance: String,
    /// What is different: which file or metadata, or how it failed.
    pub what: String,
}

impl NotBlessed {
    /// All that is different.
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
        let outputs = if self.of == 1 { "output" } else { "outputs" };
        write!(f, "nothing was blessed: of {} {outputs} made aside,", self.of)?;
        f.write_str(" these are not what is recorded:")?;
        list(f, &self.different)?;
        write!(
            f,
            "\nrun them with `flow.run::<{}>()`; what is another each time, for it holds random numbers or \
             the time, cannot be blessed",
            self.root
        )
    }
}
