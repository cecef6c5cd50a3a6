//! The builder methods of a flow: parameter values, namespace and settings of runs. Each returns a new flow.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::base::panics::Contained;
use crate::base::stop::Stopper;
use crate::flow::Flow;
use crate::plan::dynamic::Finder;
use crate::plan::force::Force;
use crate::plan::given::{Given, Givens};
use crate::remote::Remote;
use crate::remote::shared::SharedRemote;
use crate::report::event::Event;
use crate::store::Store;
use crate::task::param::{IntoParam, ParamId, ParamKey, full_name};
use crate::task::setting::{Setting, all_named, named};
use crate::task::{Task, TaskType};

impl Flow {
    /// Returns this flow with a value for a parameter of one task, given by its typed key: `with(Fit::C, 0.1)`.
    ///
    /// The value also reaches tasks upstream that have a parameter of the same name and type, and all
    /// parameters that are linked to this one through `#[param(from = ...)]`: linked parameters have one value.
    /// If `key` is a `local` parameter, its value does not reach other tasks.
    #[must_use]
    pub fn with<P: ParamKey>(&self, key: P, value: impl IntoParam<P::Value>) -> Self {
        let mut givens = Givens::clone(&self.givens);
        let task = TaskType::of::<P::Task>();
        let place = key.param().index();
        // A value that was given to this parameter by its full name would replace this one.
        givens.named.remove(&full_name(task, place));
        let given = Given { task, value: Contained::new(Arc::new(value.into_param())) };
        givens.typed.insert(ParamId::new(task, place), given);
        Self { givens: Arc::new(givens), ..self.clone() }
    }

    /// Returns this flow with a value for the parameter of this name of every task, or of one task: `Fit.c`.
    ///
    /// `Fit.c`, the name that previews print, is the parameter of that task alone, like the key of
    /// [`with`](Self::with). Of two values for one parameter, the later counts.
    ///
    /// The value may be of any type, and may be text, as on a command line. The type of the parameter decides how
    /// text is read:
    ///
    /// | type of the parameter | text |
    /// | --- | --- |
    /// | `String`, paths, dates | the text itself |
    /// | numbers | `3`, `1_000`, `0.5`, `1e-3` |
    /// | `bool` | `true`, `yes`, `on`, `1`, `false`, `no`, `off`, `0`, in upper or lower case |
    /// | `Option` | `none`, `null` or an empty text for `None`; otherwise as the type inside |
    /// | `Vec`, sets, tuples | JSON, `["a", "b"]`, or items separated by commas, `a,b` |
    /// | maps, structs | JSON, `{"a": 1}` |
    /// | enums | the name of a variant, or JSON if it has data, `{"Poly": {"degree": 3}}` |
    ///
    /// Planning fails if the value does not fit the type of a parameter with this name, or if no task of the
    /// program has such a parameter. If only tasks have it that are not required, the plan has the warning
    /// [`NotRequired`](crate::Warning::NotRequired). [`with_params`](Self::with_params) gives many values at once.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    /// enum Kernel {
    ///     Linear,
    ///     Poly { degree: u8 },
    /// }
    ///
    /// #[derive(Task, Clone)]
    /// #[task(target = Json<f64>)]
    /// struct Fit {
    ///     c: f64,
    ///     columns: Vec<String>,
    ///     kernel: Kernel,
    ///     limit: Option<u32>,
    /// }
    /// # #[tracked]
    /// # impl Run for Fit {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<f64> { Ok(self.c) }
    /// # }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let flow = Flow::open(folder)?
    ///     .with_named("Fit.c", "1e-3")
    ///     .with_named("columns", "height,weight")
    ///     .with_named("kernel", r#"{"Poly": {"degree": 3}}"#)
    ///     .with_named("limit", "none");
    /// let fit = flow.graph::<Fit>().instance::<Fit>()?;
    /// assert_eq!((fit.c, fit.kernel, fit.limit), (0.001, Kernel::Poly { degree: 3 }, None));
    /// assert_eq!(fit.columns, ["height", "weight"]);
    ///
    /// let error = flow.with_named("Fit.c", "fast").preview::<Fit>().unwrap_err().to_string();
    /// assert!(error.starts_with("the value given for `Fit.c` does not fit `Fit.c`: expected a number"));
    /// assert!(error.ends_with("the parameter has type `f64`, written as `0.5`"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_named(&self, name: &str, value: impl Serialize) -> Self {
        let mut givens = Givens::clone(&self.givens);
        givens.named.insert(name.to_owned(), named(&value));
        givens.configured.remove(name);
        Self { givens: Arc::new(givens), ..self.clone() }
    }

    /// Returns this flow with a value from a configuration that serves all roots of a program.
    ///
    /// It is [`with_named`](Self::with_named), except that there is no warning if only tasks have the parameter that are not
    /// required. A name that no task of the program has is an error, as there.
    #[must_use]
    pub fn with_configured(&self, name: &str, value: impl Serialize) -> Self {
        let mut givens = Givens::clone(&self.givens);
        givens.named.insert(name.to_owned(), named(&value));
        givens.configured.insert(name.to_owned());
        Self { givens: Arc::new(givens), ..self.clone() }
    }

    /// Returns this flow with values for many parameters: a map or a struct whose keys are the names of parameters.
    ///
    /// Each entry is given as by [`with_named`](Self::with_named): the key is `c` or `Fit.c`, and the value may be
    /// text. So the map may come from a command line, a configuration file or `serde_json::json!`. A field that is
    /// `None` is given, too, and sets an `Option` to `None`: to leave it out, write
    /// `#[serde(skip_serializing_if = "Option::is_none")]`.
    ///
    /// Planning fails if the value is neither a map nor a struct, and as for [`with_named`](Self::with_named).
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use flow::prelude::*;
    ///
    /// #[derive(Task, Clone)]
    /// #[task(target = Json<f64>)]
    /// struct Fit {
    ///     c: f64,
    ///     #[param(default = true)]
    ///     scale: bool,
    /// }
    /// # #[tracked]
    /// # impl Run for Fit {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<f64> { Ok(self.c) }
    /// # }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// // The arguments `c=0.5 Fit.scale=no` of a command line.
    /// let arguments = ["c=0.5", "Fit.scale=no"];
    /// let params: BTreeMap<_, _> = arguments.iter().filter_map(|text| text.split_once('=')).collect();
    /// let flow = Flow::open(folder)?.with_params(&params);
    /// let fit = flow.graph::<Fit>().instance::<Fit>()?;
    /// assert_eq!((fit.c, fit.scale), (0.5, false));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_params(&self, params: impl Serialize) -> Self {
        let mut givens = Givens::clone(&self.givens);
        match all_named(&params) {
            Ok(params) => givens.named.extend(params),
            Err(found) => givens.not_params = Some(found),
        }
        Self { givens: Arc::new(givens), ..self.clone() }
    }

    /// Returns this flow with the store of a namespace, such as `prod`.
    ///
    /// The store of `prod` is the folder `env=prod` of the opened folder. It shares nothing with other
    /// namespaces. Namespaces do not nest: the folder is always below the one that was opened.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Self {
        let folder = self.opened.join(crate::store::folder::env_folder(name));
        let store = Store::within(&self.opened, folder, Arc::clone(&self.fs));
        let store = if self.store.is_only_read() { store.absent() } else { store };
        Self { store: Arc::new(store.with_signatures(&self.signatures)), ..self.clone() }
    }

    /// Sets the number of worker threads. The default is the number of processors.
    ///
    /// With 0, tasks run one after the other on the thread that calls [`run`](Self::run), which helps in a debugger.
    #[must_use]
    pub fn workers(&self, workers: usize) -> Self {
        Self { workers: Some(workers), ..self.clone() }
    }

    /// Makes [`run`](Self::run) return its summary instead of an error if tasks failed.
    ///
    /// The caller inspects [`Summary::failed`](crate::Summary::failed). With and without this setting, a failed
    /// task does not stop tasks that do not depend on it.
    #[must_use]
    pub fn allow_failures(&self) -> Self {
        Self { allow_failures: true, ..self.clone() }
    }

    /// Makes [`run`](Self::run) run all instances of `A` even if they are complete.
    ///
    /// If `A` is an aggregate, its dependencies are forced. Tasks downstream run only if the new outputs
    /// differ. Present outputs stay until a forced run replaces them.
    #[must_use]
    pub fn force<A: Task>(&self) -> Self {
        let mut flow = self.clone();
        flow.force.tasks.push(TaskType::of::<A>());
        flow
    }

    /// Makes [`run`](Self::run) run the roots even if they are complete.
    #[must_use]
    pub fn force_roots(&self) -> Self {
        Self { force: Force { roots: true, ..self.force.clone() }, ..self.clone() }
    }

    /// Makes [`run`](Self::run) run all instances of the graph even if they are complete.
    #[must_use]
    pub fn force_all(&self) -> Self {
        Self { force: Force { all: true, ..self.force.clone() }, ..self.clone() }
    }

    /// Reuses outputs of another flow's store, or of a remote, in addition to those of its own store.
    ///
    /// An instance does not run if the other store has an output with the same fingerprint: the same code,
    /// parameters and input content. The run links or copies the output into this store. The other store is
    /// opened for reading only.
    ///
    /// A [remote](crate::Remote) is searched after all stores. Planning reads its manifests, and looks for new ones once a
    /// minute. The files of an output are fetched when they are needed: by a task that runs, by a load, or because the
    /// output is a root of the run. If they cannot be fetched in a run, the task runs instead; so it does if a manifest is
    /// damaged, cannot be read, or was written by a newer version of this library. Nothing is pushed.
    ///
    /// Use it to build on the results of a team: your tasks require the team's tasks like any others. To use an
    /// output that other code has produced, declare an `external` task instead.
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
    /// let mine = Flow::open(folder)?.reuse_from(&team);
    /// # let mine = mine.quiet();
    /// let summary = mine.run::<Report>()?;
    /// assert_eq!(summary.reused()[0].task(), "Prices");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn reuse_from(&self, source: impl Into<ReuseSource>) -> Self {
        let mut flow = self.clone();
        let ReuseSource { stores, remotes } = source.into();
        let stores = stores.iter().map(|store| Arc::new(store.with_signatures(&self.signatures)));
        flow.reading.extend(stores);
        flow.remotes.extend(remotes);
        flow
    }

    /// Provides tasks with a value that is not a parameter, such as a connection, a client or a pool.
    ///
    /// Tasks with `#[task(uses(Client))]` get it with [`Cx::provided`](crate::Cx::provided). All running tasks
    /// share it. It is part of neither keys nor fingerprints, so that another client does not make tasks run again. A
    /// database is the exception: a task that queries it runs again with another one.
    /// Planning a run fails if a pending task uses a type that was not provided.
    #[must_use]
    pub fn provide<C: Send + Sync + 'static>(&self, handle: C) -> Self {
        let mut provided = HashMap::clone(&self.provided);
        provided.insert(TypeId::of::<C>(), Contained::new(Arc::new(handle)));
        Self { provided: Arc::new(provided), ..self.clone() }
    }

    /// Disables the display of runs on the standard error. [Observers](Self::observe) still receive events.
    ///
    /// Without this setting, a run shows its progress. On a terminal, with the cargo feature `terminal`, this is a bar
    /// with the time left, if earlier runs tell how long tasks take, and a line for each running instance, and errors
    /// stay above them. Otherwise it is a line with the time for each event:
    ///
    /// ```text
    /// 12:04:05 3 instances, 2 pending
    /// 12:04:05 Prices {days: 30} started
    /// 12:04:29 [1/2] Prices {days: 30} ran in 24.1 s
    /// 12:04:29 Mean started
    /// 12:04:29 [2/2] Mean failed: there are no prices
    /// ```
    ///
    /// The bar fits the width of the terminal, and has no colors. If `TERM` is `dumb`, or `CI` or `TF_BUILD` is set, a terminal
    /// gets lines, too.
    ///
    /// Nothing is written to the standard output. The line about Ctrl-C of `flow::interrupts` is not part of the display.
    #[must_use]
    pub fn quiet(&self) -> Self {
        Self { observers: self.observers.quiet(), ..self.clone() }
    }

    /// Calls `observer` with each [`Event`] of a run.
    ///
    /// A flow may have several observers; each receives all events, in the order in which they happen. Observers do not
    /// replace the display: use [`quiet`](Self::quiet), too.
    ///
    /// An observer is called on a thread of its own, and cannot slow down or stop the run:
    ///
    /// - The events `Progress`, `Status` and `Log` are dropped while more than 4,096 events wait for the observer. Then
    ///   [`Event::Lagged`] tells how many were dropped. Other events are never dropped.
    /// - When a run ends, it waits until its observers have received all events, but at most for three seconds. Later
    ///   events are received in the background, and the summary has the warning
    ///   [`ObserverBehind`](crate::Warning::ObserverBehind).
    /// - An observer that panics receives no more events of that run, and the summary has the warning
    ///   [`ObserverPanicked`](crate::Warning::ObserverPanicked).
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// use flow::Event;
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<u32>)]
    /// struct Prices {
    ///     #[param(default = 30)]
    ///     days: u32,
    /// }
    /// # #[tracked]
    /// # impl Run for Prices {
    /// #     fn run(&self, cx: &Cx<Self>) -> Result<u32> { Ok(self.days) }
    /// # }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let ran = Arc::new(Mutex::new(Vec::new()));
    /// let seen = Arc::clone(&ran);
    /// let flow = Flow::open(folder)?.quiet().observe(move |event| {
    ///     if let Event::Finished { instance, .. } = event {
    ///         seen.lock().unwrap().push(instance.to_string());
    ///     }
    /// });
    /// flow.run::<Prices>()?;
    /// assert_eq!(*ran.lock().unwrap(), ["Prices {days: 30}"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn observe(&self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { observers: self.observers.with(observer), ..self.clone() }
    }

    /// Returns the handle that stops the runs of this flow and of all flows derived from it.
    ///
    /// To stop one run, start it with [`spawn`](Self::spawn).
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Returns this flow with the values of a setting.
    pub(crate) fn with_setting(&self, setting: &Setting) -> Self {
        let mut givens = Givens::clone(&self.givens);
        for (task, place, _) in &setting.typed {
            givens.named.remove(&full_name(task, *place));
        }
        givens.typed.extend(setting.typed.iter().map(|(task, place, value)| {
            (ParamId::new(task, *place), Given { task, value: Contained::new(Arc::clone(value)) })
        }));
        let named = setting.named.iter().map(|(name, value)| (name.clone(), value.clone()));
        givens.named.extend(named);
        Self { givens: Arc::new(givens), ..self.clone() }
    }
}

/// A source of outputs for [`Flow::reuse_from`]: another flow's store and what it reuses from, or a remote.
///
/// The stores are opened for reading only. Nothing is recorded in them, not even a new modification time of an output.
/// Which task has which name is checked for each flow on its own.
pub struct ReuseSource {
    stores: Vec<Arc<Store>>,
    remotes: Vec<Arc<dyn Finder + Send + Sync>>,
}

/// The outputs of a remote: a [`RemoteFolder`](crate::RemoteFolder), for example, or an `Arc<dyn Remote>`.
impl<T: Remote + 'static> From<T> for ReuseSource {
    fn from(remote: T) -> Self {
        let shared = SharedRemote::new(Arc::new(remote));
        Self { stores: Vec::new(), remotes: vec![Arc::new(shared)] }
    }
}

impl From<&Flow> for ReuseSource {
    fn from(flow: &Flow) -> Self {
        let own = Arc::new(flow.store.only_read());
        let stores = std::iter::once(own).chain(flow.reading.iter().cloned()).collect();
        Self { stores, remotes: flow.remotes.clone() }
    }
}

impl From<Flow> for ReuseSource {
    fn from(flow: Flow) -> Self {
        Self::from(&flow)
    }
}
