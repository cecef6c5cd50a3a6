//! Handles on outputs, and how the handles of a task's inputs take the form of its `requires`.

use std::any::Any;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use daggy::NodeIndex;
use serde::de::DeserializeOwned;

use crate::content::is_absent;
use crate::cx::{Reads, meta_from_json};
use crate::engine::{Execution, Made};
use crate::error::{Error, LoadError};
use crate::loaded::Loaded;
use crate::param::{AnyValue, Parameter};
use crate::plan::Plan;
use crate::plan::given::panic_message;
use crate::plan::judge::{Upstream, digest_meta};
use crate::plan::label::Show;
use crate::require::Form;
use crate::store::Found;
use crate::store::kept::Look;
use crate::store::record::Read;
use crate::target::{Columnar, Pieces, Source, Streaming, Target};
use crate::task::{Output, Task};

/// A handle on the output of one instance of the task `A`.
///
/// It is what [`Cx::input`](crate::Cx::input) gives for each task required, and what
/// [`Flow::output`](crate::Flow::output) gives to everybody else.
pub struct Input<A> {
    plan: Arc<Plan>,
    node: NodeIndex,
    /// The execution in which it is an input.
    execution: Option<Arc<Execution>>,
    /// Where it is noted what is read of it, and its place among the inputs.
    reads: Option<(Arc<Reads>, usize)>,
    of: PhantomData<fn() -> A>,
}

impl<A: Task> Input<A> {
    /// A handle for somebody who is no task.
    pub(crate) fn outside(plan: Arc<Plan>, node: NodeIndex) -> Self {
        Self { plan, node, execution: None, reads: None, of: PhantomData }
    }

    /// The value.
    ///
    /// In a running task this is the value that was made just now, if a reload would give the
    /// same, and else what its file holds.
    ///
    /// # Errors
    ///
    /// The file is gone or cannot be read.
    pub fn load(&self) -> Result<Loaded<Output<A>>, Error> {
        let execution = self.execution.as_ref();
        if let Some(value) = execution.and_then(|execution| execution.held.value(self.node)) {
            return Ok(Loaded(downcast(value)));
        }
        let value: Arc<Output<A>> = Arc::new(self.read_by(|target, source| target.load(source))?);
        if let Some(execution) = execution {
            let shared: AnyValue = Arc::clone(&value) as _;
            execution.held.share(self.node, &shared);
        }
        Ok(Loaded(value))
    }

    /// The pieces of the output, one after the other, in memory that does not grow with it: the
    /// record batches of a columnar file.
    ///
    /// # Errors
    ///
    /// The file is gone or cannot be read. What is found out later comes as a piece.
    pub fn stream(&self) -> Result<Pieces<<A::Target as Streaming>::Piece>, Error>
    where
        A::Target: Streaming,
    {
        let pieces = self.read_by(|target, source| target.stream(source))?;
        let instance = self.plan.graph.label(self.node, Show::Clipped);
        Ok(Box::new(pieces.map(move |piece| {
            piece.with_context(|| format!("cannot read the output of {instance}"))
        })))
    }

    /// Some columns of the output, in the order asked for; the others are not read.
    ///
    /// # Errors
    ///
    /// There is no such column, the file is gone or cannot be read.
    pub fn load_columns(&self, names: &[&str]) -> Result<<A::Target as Columnar>::Columns, Error>
    where
        A::Target: Columnar,
    {
        self.read_by(|target, source| target.load_columns(source, names))
    }

    /// Reads the file. If it is gone, another process has put a new one in its place: the record
    /// is read again, once.
    fn read_by<V>(
        &self,
        read: impl Fn(&A::Target, &Source) -> anyhow::Result<V>,
    ) -> Result<V, Error> {
        let store = &self.plan.store;
        let mut first = true;
        loop {
            let made = self.made()?;
            let path = store.path(&made.folder, &made.output.file);
            // It was whole when the plan was made, or when it was written.
            if store.look_at(&path, &made.output)?.0 == Look::Modified {
                return Err(self.error(LoadError::Changed));
            }
            let source = Source::new(store.fs(), path.clone());
            let loaded = catch_unwind(AssertUnwindSafe(|| read(&A::__target(), &source)));
            let loaded = loaded.unwrap_or_else(|panic| {
                Err(anyhow::anyhow!("the target panicked: {}", panic_message(&*panic)))
            });
            match loaded {
                Ok(value) => return Ok(value),
                Err(_) if store.fs().stat(&path).is_err_and(|error| is_absent(&error)) => {
                    if !first {
                        return Err(self.error(LoadError::Gone));
                    }
                    first = false;
                }
                Err(source) => return Err(self.error(LoadError::Unreadable { path, source })),
            }
        }
    }

    /// The record, and where it lies: of the output that the plan or the execution knows.
    fn made(&self) -> Result<Arc<Made>, Error> {
        let execution = self.execution.as_ref();
        if let Some(made) = execution.and_then(|execution| execution.held.made(self.node)) {
            return Ok(made);
        }
        let (graph, store) = (&self.plan.graph, &self.plan.store);
        let folder = graph.folder(self.node, store)?;
        let record = match store.record(&folder, graph.node(self.node).key)? {
            Found::Record(record) => *record,
            Found::Nothing => return Err(self.error(LoadError::Gone)),
            Found::Damaged(reason) => return Err(self.error(LoadError::Record { reason })),
        };
        if self.plan.verdicts.digest(self.node) != Some(record.output.digest) {
            return Err(self.error(LoadError::Changed));
        }
        Ok(Arc::new(Made::new(folder, record)))
    }

    fn error(&self, source: LoadError) -> Error {
        Error::Load { instance: self.plan.graph.label(self.node, Show::Clipped), source }
    }

    /// The task, with its parameters resolved.
    ///
    /// In a running task, reading them counts: if they change, it runs again.
    pub fn task(&self) -> &A {
        if let Some((reads, input)) = &self.reads {
            let digest = self.plan.graph.parameters_digest(self.node, &self.plan.store);
            reads.add(Read::Task { input: *input, digest });
        }
        self.plan.graph.instance_of(self.node)
    }

    /// What the task noted about its output with [`Cx::meta`](crate::Cx::meta).
    ///
    /// In a running task, reading it counts: if it changes, the task runs again.
    ///
    /// # Errors
    ///
    /// There is nothing of that name, or it has another type.
    pub fn meta<V: DeserializeOwned>(&self, name: &str) -> Result<V, Error> {
        let made = self.made()?;
        let json = made.meta.get(name);
        if let Some((reads, input)) = &self.reads {
            let (name, digest) = (name.to_owned(), digest_meta(json));
            reads.add(Read::Meta { input: *input, name, digest });
        }
        let missing = || {
            let known = made.meta.keys().cloned().collect();
            LoadError::NoMeta { name: name.to_owned(), known }
        };
        let json = json.ok_or_else(missing).map_err(|error| self.error(error))?;
        let wrong = |source| LoadError::Meta { name: name.to_owned(), source };
        meta_from_json(json).map_err(wrong).map_err(|error| self.error(error))
    }

    /// Where the file lies. It is never rewritten, and must not be.
    ///
    /// # Errors
    ///
    /// There is no output any more.
    pub fn path(&self) -> Result<PathBuf, Error> {
        let made = self.made()?;
        Ok(self.plan.store.path(&made.folder, &made.output.file))
    }
}

impl<A> Clone for Input<A> {
    fn clone(&self) -> Self {
        Self {
            plan: Arc::clone(&self.plan),
            node: self.node,
            execution: self.execution.clone(),
            reads: self.reads.clone(),
            of: PhantomData,
        }
    }
}

impl<A> std::fmt::Debug for Input<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({})", self.plan.graph.label(self.node, Show::Full))
    }
}

fn downcast<V: Send + Sync + 'static>(value: AnyValue) -> Arc<V> {
    let value: Arc<dyn Any + Send + Sync> = value;
    value.downcast().expect("an output has the type of its task's target")
}

/// The inputs of a task, in the form in which they were required.
///
/// | `requires` | inputs |
/// | --- | --- |
/// | nothing | `()` |
/// | `= A` | [`Input<A>`](Input) |
/// | `(A, B)` | `(Input<A>, Input<B>)` |
/// | `(a = A, b = B)` | a struct with the fields `a` and `b` |
/// | `= [A for x in xs]` | `Vec<Input<A>>` |
/// | `= {k => A for k in ks}` | `BTreeMap<K, Input<A>>` |
/// | `= A if cond` | `Option<Input<A>>` |
pub trait Inputs: Sized + Send + Sync + 'static {
    /// Takes the next entries off `wires`.
    #[doc(hidden)]
    fn take(wires: &mut Wires<'_>) -> Self;
}

/// The inputs of one instance, entry by entry.
#[doc(hidden)]
pub struct Wires<'a> {
    execution: &'a Arc<Execution>,
    reads: &'a Arc<Reads>,
    node: NodeIndex,
    /// How many entries and inputs have been taken.
    entries: usize,
    inputs: usize,
}

impl<'a> Wires<'a> {
    pub(crate) fn new(
        execution: &'a Arc<Execution>,
        node: NodeIndex,
        reads: &'a Arc<Reads>,
    ) -> Self {
        Self { execution, reads, node, entries: 0, inputs: 0 }
    }

    fn input<A: Task>(&mut self) -> Input<A> {
        let plan = &self.execution.plan;
        let place = self.inputs;
        self.inputs += 1;
        Input {
            plan: Arc::clone(plan),
            node: plan.graph.inputs(self.node)[place],
            execution: Some(Arc::clone(self.execution)),
            reads: Some((Arc::clone(self.reads), place)),
            of: PhantomData,
        }
    }

    fn entry(&mut self) -> (Form, usize) {
        let (_, form, len) = &self.execution.plan.graph.entries(self.node)[self.entries];
        self.entries += 1;
        (form.clone(), *len as usize)
    }
}

impl Inputs for () {
    fn take(_: &mut Wires<'_>) -> Self {}
}

impl<A: Task> Inputs for Input<A> {
    fn take(wires: &mut Wires<'_>) -> Self {
        wires.entry();
        wires.input()
    }
}

impl<A: Task> Inputs for Option<Input<A>> {
    fn take(wires: &mut Wires<'_>) -> Self {
        let (_, len) = wires.entry();
        (len == 1).then(|| wires.input())
    }
}

impl<A: Task> Inputs for Vec<Input<A>> {
    fn take(wires: &mut Wires<'_>) -> Self {
        let (_, len) = wires.entry();
        (0..len).map(|_| wires.input()).collect()
    }
}

impl<A: Task, M: Parameter + Ord> Inputs for BTreeMap<M, Input<A>> {
    fn take(wires: &mut Wires<'_>) -> Self {
        let (form, _) = wires.entry();
        let Form::Map(keys) = form else { unreachable!("a map is required as a map") };
        let keys: &Vec<M> = keys.as_any().downcast_ref().expect("keys of the map's type");
        keys.iter().map(|key| (key.clone(), wires.input())).collect()
    }
}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {
        $(
            tuples!($($rest)*);

            impl<$first: Inputs, $($rest: Inputs),*> Inputs for ($first, $($rest,)*) {
                fn take(wires: &mut Wires<'_>) -> Self {
                    ($first::take(wires), $($rest::take(wires),)*)
                }
            }
        )?
    };
}

tuples!(A B C D E F G H I J K L M N O P);
