//! Flows: a store, and the parameter values given to it.

mod bless;
mod claim;
mod export;
mod gc;
mod of;
mod plot;
mod reset;
mod roots;
mod stand_in;
mod transfer;
mod transferred;
mod trust;
mod verify;
mod versions;
mod why;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use daggy::NodeIndex;
use serde::Serialize;

pub use bless::{Bless, Blessed, Difference, NotBlessed};
pub use export::Handed;
pub use gc::{Garbage, Gc};
pub use of::Of;
pub use reset::Removed;
pub use roots::Roots;
pub use stand_in::Scratch;
pub use transferred::{Skipped, Transferred};
pub use verify::{Damage, Verified};

use crate::engine::progress::{Event, Progress};
use crate::engine::stopper::Stopper;
use crate::engine::{Execution, coordinator};
use crate::error::{Error, LoadError, SelectError};
use crate::fs::{Disk, Fs};
use crate::input::{Handle, Input};
use crate::key::Digest;
use crate::loaded::Loaded;
use crate::param::{AnyValue, IntoParam, Param, Parameter};
use crate::plan::error::PlanError;
use crate::plan::force::Force;
use crate::plan::given::{Given, Givens};
use crate::plan::instance::Instance;
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::plan::refresh::Asked;
use crate::plan::tree::Preview;
use crate::plan::trust::Trust;
use crate::plan::variant::Root;
use crate::plan::verdicts::{Status, Verdicts};
use crate::plan::warning::Warning;
use crate::plan::{Graph, Plan, build, resolve};
use crate::setting::Setting;
use crate::store::Store;
use crate::store::limit::Limits;
use crate::summary::Summary;
use crate::task::{Kind, Output, Task, TaskType};

/// A store, and the parameter values given to it.
///
/// It is cheap to clone. [`with`](Self::with) and its like leave a flow as it is and return a new
/// one, so that two settings stand side by side. Whatever is asked of a flow makes a plan anew:
/// what it says is what the code, the parameters and the files are at that moment.
///
/// ```
/// use flow::prelude::*;
///
/// #[derive(Task)]
/// #[task(target = Json<Vec<f64>>)]
/// struct Prices {
///     #[param(default = 3)]
///     days: usize,
/// }
///
/// #[tracked]
/// impl Run for Prices {
///     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<f64>> {
///         Ok((0..self.days).map(|day| 100.0 + day as f64).collect())
///     }
/// }
///
/// #[derive(Task)]
/// #[task(requires = Prices, target = Json<f64>)]
/// struct Mean;
///
/// #[tracked]
/// impl Run for Mean {
///     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
///         let prices = cx.input().load()?;
///         cx.meta("rows", prices.len())?;
///         Ok(prices.iter().sum::<f64>() / prices.len() as f64)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let flow = Flow::open(folder)?.quiet();
/// assert!(!flow.is_complete::<Mean>()?);
/// assert_eq!(flow.run::<Mean>()?.ran().len(), 2);
/// assert_eq!(*flow.load::<Mean>()?, 101.0);
/// assert_eq!(flow.output::<Mean>()?.meta::<usize>("rows")?, 3);
///
/// // A value for one task, and what it changes.
/// let week = flow.with(Prices::DAYS, 7);
/// assert_eq!(
///     week.preview::<Mean>()?.colour(false).to_string(),
///     "Mean {Prices.days: 7} PENDING never run\n└─ Prices {days: 7} PENDING never run",
/// );
/// week.run::<Mean>()?;
///
/// // The tasks that a root requires, with the parameters they have there.
/// assert_eq!(week.of::<Mean>().load::<Prices>()?.len(), 7);
///
/// // What is taken away runs again, and what follows need not if it gives the same.
/// flow.reset::<Prices>()?;
/// let summary = flow.run::<Mean>()?;
/// assert_eq!((summary.ran().len(), summary.cut_off().len()), (1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Flow {
    store: Arc<Store>,
    /// The folder that was opened, which the store of an environment lies in.
    opened: Arc<Path>,
    fs: Arc<dyn Fs>,
    givens: Arc<Givens>,
    workers: Option<usize>,
    keep_going: bool,
    force: Force,
    /// The stores from which outputs are taken over, too.
    reading: Vec<Arc<Store>>,
    provided: Arc<HashMap<TypeId, AnyValue>>,
    trust: Trust,
    progress: Progress,
    stopper: Stopper,
    limits: Limits,
}

impl Flow {
    /// Opens the store in this folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, or something else has its name.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_on(folder, Arc::new(Disk))
    }

    /// Opens a store on another file system than the disk, such as one that fails on purpose.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_on(folder: impl Into<PathBuf>, fs: Arc<dyn Fs>) -> Result<Self, Error> {
        let folder = folder.into();
        let store = Store::new(folder.clone(), Arc::clone(&fs));
        store.create()?;
        Ok(Self::of_store(folder.as_path().into(), Arc::new(store), fs))
    }

    fn of_store(opened: Arc<Path>, store: Arc<Store>, fs: Arc<dyn Fs>) -> Self {
        Self {
            opened,
            store,
            fs,
            givens: Arc::default(),
            workers: None,
            keep_going: false,
            force: Force::default(),
            reading: Vec::new(),
            provided: Arc::default(),
            trust: Trust::default(),
            progress: Progress::default(),
            stopper: Stopper::default(),
            limits: Limits::default(),
        }
    }

    /// A flow without a store, which is only asked what is wrong.
    pub(crate) fn nowhere() -> Self {
        let store = crate::store::Store::nowhere();
        Self::of_store(store.root().into(), Arc::new(store), Arc::new(Disk))
    }

    /// The folder of the store.
    pub fn folder(&self) -> &Path {
        self.store.root()
    }

    /// Gives a value to a parameter of one task. It reaches the tasks upstream that have a
    /// parameter of that name and type, too.
    #[must_use]
    pub fn with<K: Task, T: Parameter>(&self, key: Param<K, T>, value: impl IntoParam<T>) -> Self {
        let mut givens = Givens::clone(&self.givens);
        let given = Given { task: TaskType::of::<K>(), value: Arc::new(value.into_param()) };
        givens.typed.insert((TypeId::of::<K>(), key.index()), given);
        Self { givens: Arc::new(givens), ..self.clone() }
    }

    /// Gives a value to the parameter of this name of every task, as a command line does: text
    /// fits a number, a truth value or a variant that it is the text of. It must fit all of them;
    /// that it does not, or that no task has the name, is an error of the plan.
    #[must_use]
    pub fn with_named(&self, name: &str, value: impl Serialize) -> Self {
        let mut givens = Givens::clone(&self.givens);
        givens.named.insert(name.to_owned(), resolve::named(&value));
        Self { givens: Arc::new(givens), ..self.clone() }
    }

    /// Uses the part of the store that belongs to this environment, such as `prod`: a folder of
    /// its own in the folder that was opened, `env=prod`, which shares nothing with the others.
    #[must_use]
    pub fn env(&self, name: &str) -> Self {
        let folder = self.opened.join(crate::store::folder::env_folder(name));
        Self { store: Arc::new(Store::new(folder, Arc::clone(&self.fs))), ..self.clone() }
    }

    /// Runs on this many worker threads, at least one; without this, on as many as there are
    /// processors.
    #[must_use]
    pub fn workers(&self, workers: usize) -> Self {
        Self { workers: Some(workers), ..self.clone() }
    }

    /// Lets [`run`](Self::run) return its summary even if tasks failed, for a caller that goes on
    /// and looks at [`Summary::failed`] itself.
    #[must_use]
    pub fn keep_going(&self) -> Self {
        Self { keep_going: true, ..self.clone() }
    }

    /// Lets [`run`](Self::run) run all instances of `A`, even if they are complete; of an aggregate,
    /// what it requires. What requires them runs if they give something else.
    #[must_use]
    pub fn force<A: Task>(&self) -> Self {
        let mut flow = self.clone();
        flow.force.tasks.push(TaskType::of::<A>());
        flow
    }

    /// Lets [`run`](Self::run) run the roots, even if they are complete.
    #[must_use]
    pub fn force_roots(&self) -> Self {
        Self { force: Force { roots: true, ..self.force.clone() }, ..self.clone() }
    }

    /// Lets [`run`](Self::run) run everything, even if it is complete.
    #[must_use]
    pub fn force_all(&self) -> Self {
        Self { force: Force { all: true, ..self.force.clone() }, ..self.clone() }
    }

    /// Takes over outputs of another flow's store, too: what is not complete here and is kept there,
    /// made from the same, does not run, but is linked or copied. Nothing is written there.
    ///
    /// So a team's results are the inputs of one's own: their tasks are required as any others.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<u32>)]
    /// # struct Prices;
    /// # #[tracked]
    /// # impl Run for Prices {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<u32> { Ok(1) }
    /// # }
    /// # #[derive(Task)]
    /// # #[task(requires = Prices, target = Json<u32>)]
    /// # struct Report;
    /// # #[tracked]
    /// # impl Run for Report {
    /// #     fn run(&self, cx: &Cx<Self>) -> Result<u32> { Ok(*cx.input().load()? + 1) }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let team = Flow::open(folder.path().join("team"))?.quiet();
    /// # team.run::<Prices>()?;
    /// # let folder = folder.path().join("mine");
    /// let mine = Flow::open(folder)?.read(&team);
    /// # let mine = mine.quiet();
    /// let summary = mine.run::<Report>()?;
    /// assert_eq!(summary.adopted()[0].task(), "Prices");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn read(&self, other: &Self) -> Self {
        let mut flow = self.clone();
        flow.reading.push(Arc::new(other.store.only_read()));
        flow.reading.extend(other.reading.iter().cloned());
        flow
    }

    /// Gives the tasks something to use that is no parameter: a connection, a client, a pool. Those
    /// that say `#[task(uses(Client))]` get it by [`Cx::provided`](crate::Cx::provided).
    ///
    /// It is shared by all tasks that run, and counts neither in keys nor in fingerprints. A task
    /// that has to run and uses what was not provided is an error of the plan.
    #[must_use]
    pub fn provide<C: Send + Sync + 'static>(&self, handle: C) -> Self {
        let mut provided = HashMap::clone(&self.provided);
        provided.insert(TypeId::of::<C>(), Arc::new(handle));
        Self { provided: Arc::new(provided), ..self.clone() }
    }

    /// Prints nothing while it runs.
    #[must_use]
    pub fn quiet(&self) -> Self {
        Self { progress: Progress::Quiet, ..self.clone() }
    }

    /// Tells `observer` what happens while it runs, instead of printing it to the standard error.
    #[must_use]
    pub fn observe(&self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { progress: Progress::Observer(Arc::new(observer)), ..self.clone() }
    }

    /// What stops this flow's executions, and those of all flows made from it.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// What a run of these roots would do, and why.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn preview<R: Roots>(&self) -> Result<Preview, Error> {
        Ok(Preview::new(self.plan_to_run::<R>()?))
    }

    /// Whether the outputs of these roots are there, and are what running them now would give.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn is_complete<R: Roots>(&self) -> Result<bool, Error> {
        self.are_complete(&roots_of::<R>())
    }

    /// The same for these roots.
    pub(crate) fn are_complete(&self, roots: &[Root<'_>]) -> Result<bool, Error> {
        let plan = self.judged(roots, &Force::default(), self.trust, Asks::Refresh)?;
        Ok(plan.graph.roots.iter().all(|&root| plan.verdicts.status(root) == Status::Complete))
    }

    /// The roots and everything that they require, each after what it requires itself.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn upstream<R: Roots>(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.plan_to_run::<R>()?;
        let instance = |node| Instance { plan: Arc::clone(&plan), node };
        Ok(plan.graph.nodes().map(instance).collect())
    }

    /// The instances of `A` in the graph of `R`, and everything between them and the roots: what
    /// a change of `A` may affect, each after what it requires itself.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn downstream<A: Task, R: Roots>(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.plan_to_run::<R>()?;
        let between = between(&plan, TaskType::of::<A>());
        Ok(between.into_iter().map(|node| Instance { plan: Arc::clone(&plan), node }).collect())
    }

    /// Runs what is not complete, and says what was done.
    ///
    /// Nothing runs if all is complete, and nothing is forced. A failed task stops what requires it, and nothing else;
    /// the next run takes up where this one ended.
    ///
    /// # Errors
    ///
    /// The flow is wrong, the store cannot be read or, with the whole summary, tasks failed or
    /// the execution was stopped.
    pub fn run<R: Roots>(&self) -> Result<Summary, Error> {
        self.told(self.run_roots(&roots_of::<R>())?)
    }

    /// Runs what is not complete of these roots.
    pub(crate) fn run_roots(&self, roots: &[Root<'_>]) -> Result<Summary, Error> {
        let mut summary = self.execute(self.to_run(roots)?)?;
        // An output that was gone, and is made again for a task that has to run, may have other
        // content: what the plan took for good because of it has to be judged again. Each time
        // one more of those that were gone is there.
        for _ in 0..summary.len() {
            if !summary.is_outdated() || !summary.is_success() {
                break;
            }
            summary = self.execute(self.to_load(roots)?)?.after(&summary);
        }
        Ok(summary)
    }

    /// The summary, or the error that it is.
    fn told(&self, summary: Summary) -> Result<Summary, Error> {
        if summary.is_success() || self.keep_going {
            Ok(summary)
        } else {
            Err(Error::Failed(Box::new(summary)))
        }
    }

    /// The output of a task, if it is complete.
    ///
    /// # Errors
    ///
    /// The task is not complete, its file cannot be read, or the flow is wrong.
    pub fn load<T: Task>(&self) -> Result<Loaded<Output<T>>, Error> {
        self.output::<T>()?.load()
    }

    /// A handle on the output of a task, if it is complete.
    ///
    /// # Errors
    ///
    /// The task is not complete, or the flow is wrong.
    pub fn output<T: Task>(&self) -> Result<Input<T>, Error> {
        let plan = self.plan_to_load::<T>()?;
        let root = plan.graph.roots[0];
        handle::<T, T>(plan, root)
    }

    /// The task with its parameters resolved.
    ///
    /// # Errors
    ///
    /// The flow is wrong.
    pub fn instance<T: Task>(&self) -> Result<T, Error> {
        let (mut graph, _) = self.graph(&roots_of::<T>())?;
        let root = graph.roots[0];
        Ok(graph.take_instance(root))
    }

    /// The graph of a root, for asking about the tasks that it requires: with the parameters that
    /// they have there.
    pub fn of<R: Roots>(&self) -> Of<'_, R> {
        Of::new(self)
    }

    /// This flow with the values of a setting.
    pub(crate) fn with_setting(&self, setting: &Setting) -> Self {
        let mut givens = Givens::clone(&self.givens);
        givens.typed.extend(setting.typed.iter().map(|(task, place, value)| {
            (((task.id)(), *place), Given { task, value: Arc::clone(value) })
        }));
        let named = setting.named.iter().map(|(name, value)| (name.clone(), value.clone()));
        givens.named.extend(named);
        Self { givens: Arc::new(givens), ..self.clone() }
    }

    pub(crate) fn is_to_keep_going(&self) -> bool {
        self.keep_going
    }

    /// On how many threads it works.
    fn threads(&self) -> usize {
        self.workers.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        })
    }

    fn execute(&self, plan: Arc<Plan>) -> Result<Summary, Error> {
        let workers = self.threads();
        let (stopper, progress) = (self.stopper.clone(), self.progress.clone());
        let execution = Execution::new(Arc::clone(&plan), workers, stopper, progress, self.limits);
        let outcomes = coordinator::run(&execution, workers).map_err(Error::Thread)?;
        plan.contents.keep();
        Ok(Summary::new(plan, outcomes))
    }

    fn graph(&self, roots: &[Root<'_>]) -> Result<(Graph, Vec<Warning>), Error> {
        self.store.refresh();
        Ok(build::build(roots, &self.store, &self.givens)?)
    }

    /// The plan as things are, with a verdict on each instance.
    fn plan<R: Roots>(&self) -> Result<Arc<Plan>, Error> {
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
    fn plan_to_load<R: Roots>(&self) -> Result<Arc<Plan>, Error> {
        self.to_load(&roots_of::<R>())
    }

    /// The same for these roots.
    fn to_load(&self, roots: &[Root<'_>]) -> Result<Arc<Plan>, Error> {
        self.judged(roots, &Force::default(), self.trust, Asks::Nothing).map(Arc::new)
    }

    /// The plan of what a run does, in which what is forced is not complete.
    fn plan_to_run<R: Roots>(&self) -> Result<Arc<Plan>, Error> {
        self.to_run(&roots_of::<R>())
    }

    /// The same for these roots.
    pub(crate) fn to_run(&self, roots: &[Root<'_>]) -> Result<Arc<Plan>, Error> {
        let plan = self.judged(roots, &self.force, self.trust, Asks::Refresh)?;
        plan.check_provided()?;
        Ok(Arc::new(plan))
    }

    fn judged(
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
    fn unjudged(
        &self,
        roots: &[Root<'_>],
        force: &Force,
        trust: Trust,
        asks: Asks,
    ) -> Result<Plan, Error> {
        let (mut graph, mut warnings) = self.graph(roots)?;
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
            graph,
            verdicts: Verdicts::default(),
            warnings,
        })
    }
}

fn roots_of<R: Roots>() -> Vec<Root<'static>> {
    R::types().into_iter().map(Root::from).collect()
}

/// Whether tasks that fetch are asked if they are to be refreshed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// What the last run gave counts.
    Nothing,
    Refresh,
    /// What their expressions give now counts, and no age.
    HoweverOld,
}

impl Flow {
    /// The digest of a value of a parameter.
    fn digest(&self, task: &TaskType, place: usize, value: &dyn Any) -> Result<Digest, Error> {
        let name = (task.decl)().name;
        let value = resolve::param_value(&name, &task.params[place], value);
        let digest = value.and_then(|value| resolve::digest_value(&self.store, &value));
        digest.map_err(|kind| Box::new(PlanError::new(kind, vec![name.into_owned()])).into())
    }
}

/// What a check looks at.
impl Flow {
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn givens(&self) -> &Givens {
        &self.givens
    }

    pub(crate) fn with_givens(&self, givens: Givens) -> Self {
        Self { givens: Arc::new(givens), ..self.clone() }
    }

    pub(crate) fn provides(&self, handle: TypeId) -> bool {
        self.provided.contains_key(&handle)
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("folder", &self.folder()).finish_non_exhaustive()
    }
}

/// A handle on a complete output in the graph of `R`.
pub(crate) fn handle<A: Task, R: Roots>(
    plan: Arc<Plan>,
    node: NodeIndex,
) -> Result<Input<A>, Error> {
    if plan.graph.kind(node) == Kind::External && plan.verdicts.digest(node).is_none() {
        let path = plan.graph.external(node).to_owned();
        return Err(Handle::outside(plan, node).error(LoadError::Missing { path }));
    }
    check_complete::<R>(&plan, node)?;
    Ok(Input::new(Handle::outside(plan, node)))
}

/// Refuses what is not complete in the graph of `R`.
fn check_complete<R: Roots>(plan: &Plan, node: NodeIndex) -> Result<(), Error> {
    if plan.verdicts.status(node) == Status::Complete {
        return Ok(());
    }
    let reasons = plan.verdicts.reasons(node).iter().map(ToString::to_string);
    Err(Error::NotComplete {
        instance: plan.graph.label(node, Show::Clipped),
        root: crate::__private::short_name::<R>(),
        reason: reasons.collect::<Vec<_>>().join("; "),
    })
}

/// The nodes of a task, and all that lies between them and the roots.
fn between(plan: &Plan, task: &TaskType) -> Vec<NodeIndex> {
    let mut below = vec![false; plan.graph.len()];
    for node in plan.graph.nodes() {
        let inputs = plan.graph.inputs(node);
        below[node.index()] =
            is(plan, node, task) || inputs.iter().any(|input| below[input.index()]);
    }
    plan.graph.nodes().filter(|node| below[node.index()]).collect()
}

/// The nodes of `A`.
fn nodes_of<A: Task>(plan: &Plan) -> Vec<NodeIndex> {
    plan.graph.nodes().filter(|&node| is(plan, node, TaskType::of::<A>())).collect()
}

fn is(plan: &Plan, node: NodeIndex, task: &TaskType) -> bool {
    (plan.graph.task(node).task.id)() == (task.id)()
}

/// The one node of these, or why there is not one.
fn one_of(
    plan: &Plan,
    nodes: &[NodeIndex],
    task: &str,
    selected: Vec<String>,
) -> Result<NodeIndex, SelectError> {
    let names = |nodes: &[NodeIndex], show| {
        nodes.iter().map(|&node| plan.graph.label(node, show)).collect::<Vec<_>>()
    };
    let root = names(&plan.graph.roots, Show::Hidden).join(", ");
    match nodes {
        [one] => Ok(*one),
        [] => Err(SelectError::None { root, task: task.to_owned(), selected }),
        several => {
            let instances = names(several, Show::Clipped);
            Err(SelectError::Several { root, task: task.to_owned(), instances })
        }
    }
}
