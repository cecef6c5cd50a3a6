//! Blessing: taking outputs for today's after a change of code that was meant to change nothing.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::engine::Execution;
use crate::engine::aside::Aside;
use crate::error::Error;
use crate::flow::{Flow, Roots};
use crate::plan::Plan;
use crate::plan::affected::Affected;
use crate::plan::label::Show;
use crate::store::error::StoreError;

/// How many outputs are committed at once.
const GROUP: usize = 512;

/// How many differences are printed.
const LISTED: usize = 10;

impl Flow {
    /// Takes the outputs of these roots, and of what they require, for today's, after a refactoring
    /// that was meant to change nothing: those that are pending only because code, a version or a
    /// target changed.
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
    /// let blessed = flow.bless::<Squares>().run()?;
    /// assert_eq!(blessed.instances(), ["Squares {n: 3}"]);
    /// assert!(flow.is_complete::<Squares>()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn bless<R: Roots>(&self) -> Bless<R> {
        Bless { flow: self.clone(), sample: None, roots: PhantomData }
    }
}

/// Outputs that are to be taken for today's, if they are. Made by [`Flow::bless`].
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
        let plan = flow.plan::<R>()?;
        let assumed = plan.affected()?;
        let label = |node| plan.graph.label(node, Show::Clipped);
        let chosen = choose(&plan, &assumed.affected, self.sample);
        let (stopper, progress) = (flow.stopper.clone(), flow.progress.clone());
        let execution =
            Execution::new(Arc::clone(&plan), flow.threads(), stopper, progress, flow.limits);
        let different = {
            let aside = Aside::new(&execution, &assumed);
            aside.compare(&chosen, &assumed, flow.threads()).map_err(Error::Thread)?
        };
        if !different.is_empty() {
            let of = chosen.len();
            let different = different.into_iter().map(|(node, what)| Difference {
                task: plan.graph.task(node).decl.name.to_string(),
                instance: label(node),
                what,
            });
            let root = crate::__private::short_name::<R>();
            let different = different.collect();
            return Err(Error::NotBlessed(Box::new(NotBlessed { root, of, different })));
        }
        let compared = chosen.iter().map(|one| label(one.node)).collect();
        // What was read may have changed meanwhile.
        let again = plan.affected()?.affected;
        let now: HashMap<_, _> = again.iter().map(|one| (one.node, one)).collect();
        let still = assumed.affected.iter().filter(|one| {
            now.get(&one.node)
                .is_some_and(|now| now.fingerprint == one.fingerprint && now.record == one.record)
        });
        // What requires others first: a value in memory is known by what it is made from, and what was
        // made of it could no longer be told when its own record had gone on.
        let still: Vec<_> = still.rev().collect();
        still.chunks(GROUP).try_for_each(|group| commit(&plan, group))?;
        let instances = still.iter().rev().map(|one| label(one.node)).collect();
        Ok(Blessed { instances, compared })
    }
}

/// The instances to be made aside, in the order of the plan. A value in memory is made for those that
/// load it, and is of no use for itself.
fn choose<'a>(plan: &Plan, affected: &'a [Affected], sample: Option<usize>) -> Vec<&'a Affected> {
    let mut tasks: BTreeMap<u32, Vec<&Affected>> = BTreeMap::new();
    for one in affected.iter().filter(|one| !one.record.output.is_in_memory()) {
        tasks.entry(plan.graph.node(one.node).task).or_default().push(one);
    }
    let mut chosen = Vec::new();
    for mut of_task in tasks.into_values() {
        of_task.sort_by_key(|one| one.key);
        of_task.truncate(sample.unwrap_or(usize::MAX));
        chosen.extend(of_task);
    }
    chosen.sort_by_key(|one| one.node);
    chosen
}

/// Gives the outputs of a group their new fingerprints.
fn commit(plan: &Plan, group: &[&Affected]) -> Result<(), StoreError> {
    let store = &plan.store;
    let mut staged = Vec::with_capacity(group.len());
    for one in group {
        let entry = plan.graph.task(one.node);
        entry.keep_tables(store);
        let mut record = one.blessed();
        // It was found to be what today's crates make.
        record.crates = entry.crates;
        let inputs = plan.graph.inputs(one.node);
        for (input, &required) in record.made_from.inputs.iter_mut().zip(inputs) {
            input.instance = plan.graph.label(required, Show::Clipped);
        }
        match store.stage_record(&one.folder, &record, false) {
            Ok(one) => staged.push((Arc::clone(&entry.folder), one)),
            Err(error) => {
                staged.iter().for_each(|(_, staged)| store.discard_path(&staged.draft));
                return Err(error);
            }
        }
    }
    store.commit(staged).into_iter().try_for_each(|(_, _, result)| result)
}

/// What was blessed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blessed {
    instances: Vec<String>,
    compared: Vec<String>,
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
}

impl fmt::Display for Blessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.instances.len(), self.compared.len()) {
            (0, _) => f.write_str("nothing was pending for its code alone"),
            (1, compared) => write!(f, "1 output blessed, {compared} made aside gave the same"),
            (n, compared) => write!(f, "{n} outputs blessed, {compared} made aside gave the same"),
        }
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

impl fmt::Display for NotBlessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs = if self.of == 1 { "output" } else { "outputs" };
        write!(f, "nothing was blessed: of {} {outputs} made aside,", self.of)?;
        f.write_str(" these are not what is recorded:")?;
        for Difference { instance, what, .. } in self.different.iter().take(LISTED) {
            write!(f, "\n  {instance}: {}", what.replace('\n', "\n    "))?;
        }
        if let Some(more @ 1..) = self.different.len().checked_sub(LISTED) {
            write!(f, "\n  … and {more} more")?;
        }
        write!(
            f,
            "\nrun them with `flow.run::<{}>()`; what is another each time, for it holds random numbers or \
             the time, cannot be blessed",
            self.root
        )
    }
}
