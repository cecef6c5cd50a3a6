//! The user's entry points: [`Flow`], [`Subgraph`] and [`FlowStore`].
//!
//! A [`Flow`] is a store with parameter values and settings. It is immutable: the builder methods in [`given`],
//! [`limits`], [`policy`], [`sign`] and [`trust`] return a new flow.
//!
//! Almost every operation first builds a plan: the graph of instances, each judged complete or pending. There are
//! three kinds of plans (see the module [`plan`]):
//!
//! - a plan of the present state of the store, for `reset`, `verify`, `gc`, `bless`, `export` and `push`. It ignores
//!   `force`, `refresh` and [`Flow::trust`], and judges every instance;
//! - a plan for [`load`]. It ignores `force` and `refresh`, and respects [`Flow::trust`];
//! - a plan for [`run`], and for the operations that describe a run: [`view`], `why` and `plot`. It respects all three.
//!   That of [`debug`] evaluates `refresh`, but no output is too old, and nothing is forced.
//!
//! [`spawn`] starts a run on a thread of its own.
//!
//! [`graph`] and [`select`] select the instances of a plan that a call concerns; [`restrict`] makes some of them the
//! roots. Results implement `Display`:
//! [`summary`], [`sweep_summary`], [`transferred`] and `export::summary`.
//!
//! Planning changes no outputs. A flow keeps no state between two calls, except for caches.

mod bless;
mod by_name;
mod debug;
pub(crate) mod error;
mod export;
pub(crate) mod failures;
mod gc;
mod given;
mod graph;
mod label;
mod limits;
mod load;
mod log;
mod plan;
mod plot;
mod policy;
mod quality;
mod remote_gc;
mod reset;
mod restrict;
mod roots;
mod run;
mod select;
mod sign;
mod spawn;
mod stand_in;
mod store;
pub(crate) mod summary;
pub(crate) mod sweep_summary;
mod transfer;
mod transferred;
mod trust;
mod verify;
mod versions;
mod view;
mod why;

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::bless::{Bless, Blessed, Difference, NotBlessed};
pub use self::debug::{DebugError, DebugInput, DebugInstance, DebugOutcome, DebugRun};
pub use self::export::ExportSummary;
pub use self::gc::{Garbage, Gc};
pub use self::given::ReuseSource;
pub use self::graph::{Metadata, Subgraph};
pub(crate) use self::load::handle;
pub use self::remote_gc::{RemoteGarbage, RemoteGc};
pub use self::reset::Removed;
pub use self::roots::Roots;
pub use self::spawn::RunHandle;
pub use self::stand_in::Scratch;
pub use self::store::{FlowStore, StoredOutput};
pub use self::transferred::{Skipped, Transferred};
pub use self::verify::{Damage, UnsignedOutput, Verified};
pub use self::versions::OutputVersion;
use crate::base::error::IoContext;
use crate::base::fs::{Disk, Fs};
use crate::base::panics::Contained;
use crate::base::stop::Stopper;
use crate::engine::executor;
use crate::flow::error::Error;
use crate::plan::dynamic::Finder;
use crate::plan::force::Force;
use crate::plan::given::Givens;
use crate::plan::policy::Policies;
use crate::plan::restrict::Restriction;
use crate::report::observers::Observers;
use crate::store::Store;
use crate::store::limit::Limits;
use crate::store::signature::Signatures;
use crate::store::trust::Trust;
use crate::value::AnyValue;

/// A store together with parameter values and settings: the entry point of the library.
///
/// A flow is immutable and cheap to clone. [`with`](Self::with) and the other builder methods return a
/// new flow, so that flows with different parameter values can be used side by side. Every operation builds
/// a new plan from the present code, parameters and files.
///
/// - To show what a run would do: [`preview`](Self::preview), [`why`](Self::why), [`plot`](Self::plot),
///   [`is_complete`](Self::is_complete), [`check`](Self::check).
/// - To run and load: [`run`](Self::run), [`load`](Self::load), [`get`](Self::get), which does both,
///   [`output`](Self::output), which returns a handle, and [`spawn`](Self::spawn), which runs in the background.
/// - To set parameters: [`with`](Self::with), [`with_named`](Self::with_named), [`with_params`](Self::with_params) for
///   many at once, and [`sweep`](Self::sweep) for many values of each.
/// - To set options of runs: [`workers`](Self::workers), [`force`](Self::force),
///   [`allow_failures`](Self::allow_failures), [`provide`](Self::provide), [`observe`](Self::observe),
///   [`quiet`](Self::quiet), [`stopper`](Self::stopper), [`trust`](Self::trust), [`limits`](Self::limits).
/// - To set how tasks are executed that do not say it themselves: [`retries`](Self::retries),
///   [`backoff`](Self::backoff), [`timeout`](Self::timeout), [`offer`](Self::offer),
///   [`on_failure`](Self::on_failure), [`isolate`](Self::isolate), [`executor`](Self::executor).
/// - To look at a failure: [`debug`](Self::debug), which runs the instance again by itself, and [`log`](Self::log).
/// - To use the tasks upstream of a root: [`graph`](Self::graph).
/// - To remove outputs and maintain the store: [`reset`](Self::reset), [`store`](Self::store),
///   [`namespace`](Self::namespace).
/// - To share outputs: [`reuse_from`](Self::reuse_from), [`push`](Self::push), [`pull`](Self::pull),
///   [`export`](Self::export), [`export_crate`](Self::export_crate), [`import`](Self::import). To accept only outputs of known
///   machines: [`sign`](Self::sign), [`require_signatures`](Self::require_signatures).
///
/// Methods such as `run::<R>()` take their *roots* as a type argument: a task, or a tuple of tasks.
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
/// // A parameter value of one task, and the instances that it affects.
/// let week = flow.with(Prices::DAYS, 7);
/// assert_eq!(
///     week.preview::<Mean>()?.color(false).to_string(),
///     "Mean {Prices.days: 7} PENDING never run\n└─ Prices {days: 7} PENDING never run",
/// );
/// week.run::<Mean>()?;
///
/// // The tasks that a root requires, with the parameters that they have in its graph.
/// assert_eq!(week.graph::<Mean>().load::<Prices>()?.len(), 7);
///
/// // A task that was reset runs again. Its dependents do not if it produces an equal output.
/// flow.reset::<Prices>()?;
/// let summary = flow.run::<Mean>()?;
/// assert_eq!((summary.ran().len(), summary.unchanged().len()), (1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Flow {
    store: Arc<Store>,
    /// The folder passed to `open`. The stores of namespaces are in folders below it.
    opened: Arc<Path>,
    fs: Arc<dyn Fs>,
    givens: Arc<Givens>,
    workers: Option<usize>,
    allow_failures: bool,
    force: Force,
    /// Other stores whose outputs are reused.
    reading: Vec<Arc<Store>>,
    /// Remotes whose outputs are reused.
    remotes: Vec<Arc<dyn Finder + Send + Sync>>,
    provided: Arc<HashMap<TypeId, Contained<AnyValue>>>,
    trust: Trust,
    observers: Observers,
    stopper: Stopper,
    limits: Limits,
    policies: Policies,
    /// Who signs the outputs, and whose signatures are accepted. The stores have the same.
    signatures: Signatures,
    /// The tasks to which the plans of a subgraph are restricted.
    restriction: Option<Arc<Restriction>>,
}

impl Flow {
    /// Opens the store in a folder, and creates the folder if it does not exist.
    ///
    /// A relative path is resolved once, by this call: the flow keeps using that folder if a task or
    /// another part of the program changes the current folder.
    ///
    /// The folder and its parents may be symbolic links. Links below the folder are never followed,
    /// because another program may have written the store: an operation that meets a link fails with
    /// an error that names it.
    ///
    /// In a child process that runs [isolated](Self::isolate) tasks, the first call of this function runs them and does
    /// not return.
    ///
    /// # Errors
    ///
    /// The folder cannot be created, or the path names something other than a folder.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_on(folder, Arc::new(Disk))
    }

    /// Opens a store for reading, and does not create its folder.
    ///
    /// If the folder exists, this is [`open`](Self::open). Otherwise the store is empty: nothing is complete in it, plans write
    /// nothing, not even caches, and a run fails.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// # #[task(target = Json<u64>)]
    /// # fn answer() -> u64 {
    /// #     42
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let data = folder.path().join("data");
    /// let flow = Flow::open_to_read(&data)?.quiet();
    /// assert!(!flow.is_complete::<answer>()?);
    /// assert!(!data.exists());
    /// assert!(flow.run::<answer>().is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The path names something other than a folder, or cannot be made absolute.
    pub fn open_to_read(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        // In a child process, this call does not return.
        executor::take_over();
        let fs: Arc<dyn Fs> = Arc::new(Disk);
        let store = store_to_read(folder.into(), &fs)?;
        Ok(Self::of_store(store.root().into(), Arc::new(store), fs))
    }

    /// Opens a store on a custom file system, such as one that simulates failures.
    ///
    /// [Isolated](Self::isolate) tasks write to the disk, and not to the custom file system.
    ///
    /// # Errors
    ///
    /// The same as [`open`](Self::open).
    pub fn open_on(folder: impl Into<PathBuf>, fs: Arc<dyn Fs>) -> Result<Self, Error> {
        // In a child process, this call does not return.
        executor::take_over();
        let store = create_store(folder.into(), &fs)?;
        Ok(Self::of_store(store.root().into(), Arc::new(store), fs))
    }

    /// Returns this flow, with all its settings, on the store in another folder, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// The same as [`open`](Self::open).
    pub fn in_folder(&self, folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = create_store(folder.into(), &self.fs)?.with_signatures(&self.signatures);
        Ok(Self { opened: store.root().into(), store: Arc::new(store), ..self.clone() })
    }

    /// Returns this flow, with all its settings, on the store in another folder, which is opened as by
    /// [`open_to_read`](Self::open_to_read).
    ///
    /// # Errors
    ///
    /// The same as [`open_to_read`](Self::open_to_read).
    pub fn in_folder_to_read(&self, folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = store_to_read(folder.into(), &self.fs)?.with_signatures(&self.signatures);
        Ok(Self { opened: store.root().into(), store: Arc::new(store), ..self.clone() })
    }

    fn of_store(opened: Arc<Path>, store: Arc<Store>, fs: Arc<dyn Fs>) -> Self {
        Self {
            opened,
            store,
            fs,
            givens: Arc::default(),
            workers: None,
            allow_failures: false,
            force: Force::default(),
            reading: Vec::new(),
            remotes: Vec::new(),
            provided: Arc::default(),
            trust: Trust::default(),
            observers: Observers::default(),
            stopper: Stopper::default(),
            limits: Limits::default(),
            policies: Policies::of_this_thread(),
            signatures: Signatures::default(),
            restriction: None,
        }
    }

    /// Returns a flow without a store, which can be validated and not run.
    pub(crate) fn nowhere() -> Self {
        let store = crate::store::Store::nowhere();
        Self::of_store(store.root().into(), Arc::new(store), Arc::new(Disk))
    }

    /// Returns the folder of the store.
    pub fn folder(&self) -> &Path {
        self.store.root()
    }
}

/// Opens the store in a folder, and creates the folder if it does not exist.
fn create_store(folder: PathBuf, fs: &Arc<dyn Fs>) -> Result<Store, Error> {
    let folder = std::path::absolute(&folder).during("open", &folder)?;
    let store = Store::new(folder, Arc::clone(fs));
    store.create()?;
    Ok(store)
}

/// Opens the store in a folder for reading. If the folder does not exist, the store is absent.
fn store_to_read(folder: PathBuf, fs: &Arc<dyn Fs>) -> Result<Store, Error> {
    let folder = std::path::absolute(&folder).during("open", &folder)?;
    let store = Store::new(folder, Arc::clone(fs));
    if fs.stat(store.root()).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(store.absent());
    }
    // An error names what is wrong with the path.
    store.create()?;
    Ok(store)
}

/// Access for the module `check`.
impl Flow {
    pub(crate) fn own_store(&self) -> &Store {
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
