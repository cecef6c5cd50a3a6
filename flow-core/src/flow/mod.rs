//! Flows: a store, and the parameter values given to it.
//!
//! What a flow is [`given`] makes another flow. Whatever it is asked makes a [`plan`] first: as things are
//! (`reset`, `verify`, `gc`, `export`, `push`), as a load needs it ([`load`]), or as a run would find
//! them ([`view`], [`run`], `why`, `plot`). Which instances of it are meant, [`select`] finds.

mod bless;
pub(crate) mod error;
mod export;
mod gc;
mod given;
mod graph;
mod limits;
mod load;
mod plan;
mod plot;
mod reset;
mod roots;
mod run;
mod select;
mod stand_in;
mod store;
pub(crate) mod summary;
pub(crate) mod sweep_summary;
mod transfer;
mod transferred;
mod trust;
mod verify;
mod view;
mod why;

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::bless::{Bless, Blessed, Difference, NotBlessed};
pub use self::export::ExportSummary;
pub use self::gc::{Garbage, Gc};
pub use self::given::ReuseSource;
pub use self::graph::{Metadata, Subgraph};
pub(crate) use self::load::handle;
pub use self::reset::Removed;
pub use self::roots::Roots;
pub use self::stand_in::Scratch;
pub use self::store::{FlowStore, StoredOutput};
pub use self::transferred::{Skipped, Transferred};
pub use self::verify::{Damage, Verified};
use crate::base::error::IoContext;
use crate::base::event::Progress;
use crate::base::fs::{Disk, Fs};
use crate::base::panics::Contained;
use crate::base::stop::Stopper;
use crate::flow::error::Error;
use crate::plan::force::Force;
use crate::plan::given::Givens;
use crate::store::Store;
use crate::store::limit::Limits;
use crate::store::trust::Trust;
use crate::value::AnyValue;

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
///     week.preview::<Mean>()?.color(false).to_string(),
///     "Mean {Prices.days: 7} PENDING never run\n└─ Prices {days: 7} PENDING never run",
/// );
/// week.run::<Mean>()?;
///
/// // The tasks that a root requires, with the parameters they have there.
/// assert_eq!(week.graph::<Mean>().load::<Prices>()?.len(), 7);
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
    allow_failures: bool,
    force: Force,
    /// The stores from which outputs are taken over, too.
    reading: Vec<Arc<Store>>,
    provided: Arc<HashMap<TypeId, Contained<AnyValue>>>,
    trust: Trust,
    progress: Progress,
    stopper: Stopper,
    limits: Limits,
}

impl Flow {
    /// Opens the store in this folder, which is made if it is not there.
    ///
    /// A relative path is resolved once, here: the flow keeps using that folder when a task, or
    /// another part of the program, changes the current folder.
    ///
    /// The folder itself, and those above it, may be links. Links below it are not followed: a
    /// store, which others may have written, never leads out of its folder. What is done there
    /// fails with an error that names the link.
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
        let folder = std::path::absolute(&folder).during("open", &folder)?;
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
            allow_failures: false,
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
}

/// What a check looks at.
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
