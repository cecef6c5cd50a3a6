//! From roots to a graph: each instance once, what it requires before it.
//!
//! The graph is walked in depth, with a stack of its own, for a chain of requirements may be
//! longer than a thread's stack. [`enter`](Builder::enter) resolves the parameters of a task
//! wished for and asks the task what it requires; [`leave`](Builder::leave), when all of that is
//! there, computes the key and adds the node. What was wished for before with the same settings
//! in the same scope, as far as the task can see it, is not walked again: without that, a ladder
//! of diamonds takes time exponential in its height.

mod all;

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::rc::Rc;

use daggy::{Dag, NodeIndex};

pub(crate) use self::all::{Built, build_all};
use crate::key::{Digest, Hasher, Key};
use crate::param::AnyValue;
use crate::plan::asker::Asker;
use crate::plan::draws::{DrawIndex, Draws, SetIndex};
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::given::{Givens, panic_message};
use crate::plan::resolve::{self, Resolved, Resolver};
use crate::plan::scope::{OnTheWay, Scope};
use crate::plan::stand_in::{self, StandIn};
use crate::plan::types::{PlanType, TypeIndex, Types};
use crate::plan::variant::{Root, Visible};
use crate::plan::warning::{self, Warning};
use crate::plan::{Graph, Node};
use crate::require::{Entry, Form, Requirements, Wish};
use crate::setting::Setting;
use crate::store::Store;
use crate::task::{Kind, TaskType};
use crate::value::Value;

/// How long a chain of requirements may be before it is taken for endless.
const DEEPEST: usize = 1_000_000;

/// Builds the graph of what `roots` require.
pub(crate) fn build(
    roots: &[Root<'_>],
    store: &Store,
    givens: &Givens,
) -> Result<(Graph, Vec<Warning>), Box<PlanError>> {
    let nowhere = |kind| Box::new(PlanError::new(kind, Vec::new()));
    let tasks: Vec<_> = roots.iter().map(|root| root.task).collect();
    let types = Types::new(&tasks, store).map_err(nowhere)?;
    if roots.is_empty() {
        // No variant is chosen: no value can reach anything, and nobody meant it to.
        return Ok((
            Builder::new(types, Resolver::new(givens, store)).into_graph(Vec::new()),
            Vec::new(),
        ));
    }
    warning::check_names(&types, givens).map_err(nowhere)?;
    let mut builder = Builder::new(types, Resolver::new(givens, store));
    let mut nodes = Vec::with_capacity(roots.len());
    let mut names = HashMap::new();
    for root in roots {
        let wish = Wish { task: root.task, own: Vec::new(), with: Vec::new() };
        let root_grown = builder
            .turn_to(root.variant.map(|(_, setting)| setting), &mut names)
            .map_err(nowhere)
            .and_then(|()| builder.grow(wish, Rc::default()));
        let root_grown = root_grown.map_err(|mut error| {
            if let Some((name, _)) = root.variant {
                error.kind = in_variant(error.kind, || build(&[*root], store, givens).is_ok());
                error.variant = Some(name.to_owned());
            }
            error
        });
        nodes.push(grown(root_grown?).node);
    }
    let mut warnings = warning::unused(&builder.resolver, roots);
    warnings.extend(stand_in::unused(&givens.stand_ins));
    Ok((builder.into_graph(nodes), warnings))
}

/// What is wrong with a variant that may be right by itself.
fn in_variant(kind: PlanErrorKind, is_right_alone: impl FnOnce() -> bool) -> PlanErrorKind {
    match kind {
        PlanErrorKind::SameKey { task } if is_right_alone() => {
            PlanErrorKind::SameKeyInVariants { task }
        }
        kind => kind,
    }
}

/// Builds the graph of what an instance requires while it runs: what it wishes for are the roots.
pub(crate) fn build_for(
    asker: &Asker,
    wishes: Vec<Wish>,
    store: &Store,
) -> Result<Graph, Box<PlanError>> {
    let nowhere = |kind| Box::new(PlanError::new(kind, vec![asker.name.clone()]));
    let roots: Vec<_> = wishes.iter().map(|wish| wish.task).collect();
    let types = Types::new(&roots, store).map_err(nowhere)?;
    let scope = Rc::new(asker.scope(&types));
    let mut builder = Builder::new(types, Resolver::new(&asker.givens, store));
    let mut nodes = Vec::with_capacity(roots.len());
    for mut wish in wishes {
        let with = builder.with(&scope, &asker.name, &mut wish).map_err(nowhere)?;
        let scope = with.map_or_else(|| Rc::clone(&scope), |(scope, _)| Rc::new(scope));
        let root = builder.grow(wish, scope).map_err(|mut error| {
            error.way.insert(0, asker.name.clone());
            error
        })?;
        nodes.push(grown(root).node);
    }
    Ok(builder.into_graph(nodes))
}

struct Builder<'a> {
    types: Types,
    resolver: Resolver<'a>,
    /// What the variant gives whose root is being walked.
    variant: Option<Visible>,
    draws: Draws,
    /// What became of a wish; `None` while it is being walked.
    memo: HashMap<Digest, Option<Grown>>,
    by_key: HashMap<Key, NodeIndex>,
    dag: Dag<Node, ()>,
    inputs: Vec<NodeIndex>,
    entries: Vec<(&'static str, Form, u32)>,
    externals: HashMap<NodeIndex, PathBuf>,
    stand_ins: HashMap<NodeIndex, StandIn>,
    /// What is wrong, if all of that is to be told; if not, the first mistake ends it.
    problems: Option<Vec<PlanError>>,
    /// The nodes that lack something that they require, or require one of these.
    lacking: HashSet<NodeIndex>,
}

/// A wish fulfilled.
#[derive(Clone, Copy)]
struct Grown {
    node: NodeIndex,
    /// What it draws from outside its consumer's literal, its own parameters included.
    draws: SetIndex,
}

/// A wish, where the first that cannot be fulfilled is an error.
fn grown(grown: Option<Grown>) -> Grown {
    grown.expect("what is wrong is an error, and not noted")
}

/// A task whose requirements are being walked.
struct Frame {
    memo: Digest,
    index: TypeIndex,
    instance: u32,
    resolved: Vec<Resolved>,
    /// Where the output lies, if it is made elsewhere.
    external: Option<PathBuf>,
    /// The output, if a test gave one.
    stand_in: Option<StandIn>,
    scope: Rc<Scope>,
    entries: Vec<Entry>,
    wishes: std::vec::IntoIter<Wish>,
    /// What was set by `with` for the wish being walked.
    with: Box<[(TypeIndex, usize)]>,
    inputs: Vec<NodeIndex>,
    draws: Vec<SetIndex>,
    /// Whether something that it requires could not be built.
    lacks: bool,
}

enum Entered {
    Known(Grown),
    /// It could not be built, which has been noted.
    Missed,
    New(Box<Frame>),
    /// It is being walked: what it requires leads back to it.
    Again(Digest),
}

/// What is set by `with` for a wish, and the scope with that in it.
type With = (Scope, Box<[(TypeIndex, usize)]>);

impl<'a> Builder<'a> {
    fn new(types: Types, resolver: Resolver<'a>) -> Self {
        Self {
            types,
            resolver,
            variant: None,
            draws: Draws::new(),
            memo: HashMap::new(),
            by_key: HashMap::new(),
            dag: Dag::new(),
            inputs: Vec::new(),
            entries: Vec::new(),
            externals: HashMap::new(),
            stand_ins: HashMap::new(),
            problems: None,
            lacking: HashSet::new(),
        }
    }

    /// Walks the root of this variant next.
    fn turn_to(
        &mut self,
        setting: Option<&'a Setting>,
        names: &mut HashMap<String, Rc<[TypeIndex]>>,
    ) -> Result<(), PlanErrorKind> {
        let visible =
            setting.map(|setting| Visible::new(setting, &self.types, self.resolver.store, names));
        self.variant = visible.transpose()?;
        self.resolver.variant = setting;
        Ok(())
    }

    fn into_graph(self, roots: Vec<NodeIndex>) -> Graph {
        Graph {
            is_root: roots.iter().copied().collect(),
            types: self.types,
            draws: self.draws,
            dag: self.dag,
            inputs: self.inputs,
            entries: self.entries,
            roots,
            externals: self.externals,
            stand_ins: self.stand_ins,
            forced: Vec::new(),
            asked: None,
        }
    }

    /// Fulfils a wish; `None` if that is not possible and why has been noted.
    fn grow(&mut self, root: Wish, scope: Rc<Scope>) -> Result<Option<Grown>, Box<PlanError>> {
        let mut stack: Vec<Frame> = Vec::new();
        let mut next = Some((root, scope));
        loop {
            let grown = if let Some((wish, scope)) = next.take() {
                let task = wish.task;
                let entered =
                    catch_unwind(AssertUnwindSafe(|| self.enter(wish, &scope, stack.len())));
                for kind in std::mem::take(&mut self.resolver.wrong) {
                    self.miss(self.at(kind, &stack, Some(task)))?;
                }
                match entered.unwrap_or_else(|panic| Err(panicked(task, &*panic))) {
                    Ok(Entered::Known(grown)) => Some(grown),
                    Ok(Entered::New(frame)) => {
                        stack.push(*frame);
                        next = self.next_wish(&mut stack)?;
                        continue;
                    }
                    Ok(Entered::Missed) => None,
                    Ok(Entered::Again(memo)) => self.miss(self.cycle(memo, &stack))?,
                    Err(kind) => self.miss(self.at(kind, &stack, Some(task)))?,
                }
            } else {
                let frame = stack.pop().expect("a frame whose wishes are fulfilled");
                let (task, memo) = (self.types.get(frame.index).task, frame.memo);
                match self.leave(frame) {
                    Ok(grown) => Some(grown),
                    Err(kind) => {
                        // It is not being walked any more.
                        self.memo.remove(&memo);
                        self.miss(self.at(kind, &stack, Some(task)))?
                    }
                }
            };
            let Some(consumer) = stack.last_mut() else { return Ok(grown) };
            let with = std::mem::take(&mut consumer.with);
            if let Some(grown) = grown {
                let names = self.types.names(consumer.index);
                consumer.inputs.push(grown.node);
                consumer.draws.push(self.draws.outside(grown.draws, consumer.index, names, &with));
                consumer.lacks |= self.lacking.contains(&grown.node);
            } else {
                consumer.lacks = true;
            }
            next = self.next_wish(&mut stack)?;
        }
    }

    /// Notes a mistake, if all of them are to be told, and leaves out what has it.
    fn miss(&mut self, problem: Box<PlanError>) -> Result<Option<Grown>, Box<PlanError>> {
        match &mut self.problems {
            Some(problems) => problems.push(*problem),
            None => return Err(problem),
        }
        Ok(None)
    }

    /// The next wish of the task on top of the stack that can be wished.
    fn next_wish(
        &mut self,
        stack: &mut [Frame],
    ) -> Result<Option<(Wish, Rc<Scope>)>, Box<PlanError>> {
        loop {
            match self.take_wish(stack) {
                Ok(next) => return Ok(next),
                Err(kind) => self.miss(self.at(kind, stack, None))?,
            };
            stack.last_mut().expect("a task that wishes").lacks = true;
        }
    }

    /// The next wish of the task on top of the stack, and the scope in which it is wished.
    fn take_wish(
        &mut self,
        stack: &mut [Frame],
    ) -> Result<Option<(Wish, Rc<Scope>)>, PlanErrorKind> {
        let frame = stack.last_mut().expect("a task that wishes");
        let Some(mut wish) = frame.wishes.next() else { return Ok(None) };
        let scope = Rc::clone(&frame.scope);
        let by = self.types.get(frame.index).decl.name.clone();
        let Some((scope, with)) = self.with(&scope, &by, &mut wish)? else {
            return Ok(Some((wish, scope)));
        };
        frame.with = with;
        Ok(Some((wish, Rc::new(scope))))
    }

    /// Takes what a wish sets by `with` into the scope; `None` if it sets nothing.
    fn with(
        &mut self,
        scope: &Scope,
        by: &str,
        wish: &mut Wish,
    ) -> Result<Option<With>, PlanErrorKind> {
        if wish.with.is_empty() {
            return Ok(None);
        }
        let mut scope = Scope::clone(scope);
        let required = self.types.index(wish.task);
        let reach = self.types.reach(required);
        let mut keys = Vec::with_capacity(wish.with.len());
        for (task, place, value) in std::mem::take(&mut wish.with) {
            let entry = self.types.find((task.id)()).filter(|&index| reach.has_type(index));
            let Some(index) = entry else {
                return Err(PlanErrorKind::WithReachesNothing {
                    task: by.to_owned(),
                    required: self.types.get(required).decl.name.to_string(),
                    param: format!("{}.{}", (task.decl)().name, task.params[place].name),
                });
            };
            let digest = self.digest(index, place, &value)?;
            scope.set_with(index, place, OnTheWay { value, digest });
            keys.push((index, place));
        }
        Ok(Some((scope, keys.into())))
    }

    fn digest(
        &self,
        index: TypeIndex,
        place: usize,
        value: &AnyValue,
    ) -> Result<Digest, PlanErrorKind> {
        let entry = self.types.get(index);
        resolve::digest_param(self.resolver.store, &entry.decl.name, entry.param(place), value)
    }

    fn enter(
        &mut self,
        wish: Wish,
        scope: &Rc<Scope>,
        depth: usize,
    ) -> Result<Entered, PlanErrorKind> {
        let index = self.types.index(wish.task);
        let memo = self.memo_key(index, &wish, scope)?;
        let name = |builder: &Self| builder.types.get(index).decl.name.to_string();
        match self.memo.get(&memo) {
            Some(Some(grown)) => return Ok(Entered::Known(*grown)),
            Some(None) => return Ok(Entered::Again(memo)),
            None if depth >= DEEPEST => {
                return Err(PlanErrorKind::TooDeep { task: name(self), depth });
            }
            None => {}
        }
        let resolved = self.resolver.resolve(&self.types, index, &wish, scope)?;
        if resolved.len() < wish.task.params.len() {
            return Ok(Entered::Missed);
        }
        let values: Vec<AnyValue> = resolved.iter().map(|param| param.value.clone()).collect();
        let entry = &mut self.types.all[index as usize];
        let instance = entry.instances.push(&values);
        let given = &self.resolver.givens.stand_ins;
        let stand_in = stand_in::find(given, (wish.task.id)(), entry.instances.get(instance));
        let required = match &stand_in {
            Some(_) => Requirements::default(),
            None => catch_unwind(AssertUnwindSafe(|| entry.instances.requires(instance)))
                .unwrap_or_else(|panic| {
                    Err(anyhow::anyhow!("it panicked: {}", panic_message(&*panic)))
                })
                .map_err(|source| PlanErrorKind::Requires { task: name(self), source })?,
        };
        let entry = self.types.get(index);
        let external = match entry.task.kind {
            _ if stand_in.is_some() => None,
            Kind::External => Some(external(entry, instance)?),
            Kind::Made | Kind::Aggregate => None,
        };
        let scope = if resolved.is_empty() || required.wishes.is_empty() {
            Rc::clone(scope)
        } else {
            let mut scope = Scope::clone(scope);
            resolve::pass_on(&self.types, index, &resolved, &mut scope);
            Rc::new(scope)
        };
        self.memo.insert(memo, None);
        Ok(Entered::New(Box::new(Frame {
            memo,
            index,
            instance,
            resolved,
            external,
            stand_in,
            scope,
            inputs: Vec::with_capacity(required.wishes.len()),
            draws: Vec::with_capacity(required.wishes.len()),
            entries: required.entries,
            wishes: required.wishes.into_iter(),
            lacks: false,
            with: Box::default(),
        })))
    }

    /// All that the task wished for can see.
    fn memo_key(
        &mut self,
        index: TypeIndex,
        wish: &Wish,
        scope: &Scope,
    ) -> Result<Digest, PlanErrorKind> {
        let mut hasher = Hasher::new("wish");
        hasher.number(u64::from(index)).number(wish.own.len() as u64);
        let mut hidden = Vec::with_capacity(wish.own.len());
        for (place, value) in &wish.own {
            hasher.number(*place as u64).part(self.digest(index, *place, value)?);
            hidden.push(self.types.names(index)[*place]);
        }
        let reach = self.types.reach(index);
        scope.hash(&reach, &hidden, &mut hasher);
        if let Some(digest) = self.variant.as_mut().and_then(|v| v.digest(index, &reach)) {
            hasher.text("variant").part(digest);
        }
        Ok(hasher.digest())
    }

    fn leave(&mut self, frame: Frame) -> Result<Grown, PlanErrorKind> {
        let Frame { memo, index, instance, resolved, external, stand_in, entries, .. } = frame;
        let (inputs, draws) = (frame.inputs, frame.draws);
        let outside = self.draws.union(&[], draws);
        let parameters = self.parameters_digest(index, &resolved);
        let parameters = stand_in.as_ref().map_or(parameters, |it| it.mark(parameters));
        let mut hasher = Hasher::new("key");
        hasher.text(self.types.get(index).decl.identity()).part(parameters);
        hasher.part(self.draws.digest(outside, &self.types));
        if self.problems.is_some() {
            // Another task may have its name.
            hasher.number(u64::from(index));
        }
        if frame.lacks {
            // With all that it requires it might be another one than it seems to be.
            hasher.number(self.lacking.len() as u64);
        }
        let key = hasher.key();

        let node = match self.by_key.get(&key) {
            Some(&node) if self.inputs_of(node) == inputs => node,
            Some(_) => {
                let task = self.types.get(index).decl.name.to_string();
                return Err(PlanErrorKind::SameKey { task });
            }
            None => self.add(index, instance, key, parameters, outside, &inputs, entries)?,
        };
        if let Some(path) = external {
            // It is that of the first instance with this key, as all its parameters are.
            self.externals.entry(node).or_insert(path);
        }
        if frame.lacks {
            self.lacking.insert(node);
        }
        self.stand_ins.extend(stand_in.map(|stand_in| (node, stand_in)));
        let own = self.own_draws(index, &resolved);
        let grown = Grown { node, draws: self.draws.union(&own, vec![outside]) };
        self.memo.insert(memo, Some(grown));
        Ok(grown)
    }

    /// The digest of the task's own significant parameters, in an order that fields do not have.
    fn parameters_digest(&self, index: TypeIndex, resolved: &[Resolved]) -> Digest {
        let params = self.types.get(index).task.params.iter().zip(resolved);
        let mut significant: Vec<_> = params
            .filter(|(param, _)| param.significant)
            .map(|(param, resolved)| (param.identity(), resolved.digest))
            .collect();
        significant.sort_unstable();
        let mut hasher = Hasher::new("parameters");
        for (name, digest) in significant {
            hasher.text(name).part(digest);
        }
        hasher.digest()
    }

    /// The task's own parameters, as its consumers draw them.
    fn own_draws(&mut self, index: TypeIndex, resolved: &[Resolved]) -> Vec<DrawIndex> {
        let mut own = Vec::new();
        for (place, resolved) in resolved.iter().enumerate() {
            let slot = resolve::slot(&self.types, index, place, resolved.from);
            let entry = self.types.get(index);
            let param = entry.param(place);
            let Some(slot) = slot.filter(|_| param.significant) else { continue };
            let details = || {
                // A value without this form has no digest either, and was refused.
                let value = resolve::param_value(&entry.decl.name, param, &*resolved.value);
                let is_default = resolved.from == resolve::From::Default
                    || self.resolver.is_default(entry, place, resolved.digest);
                (value.unwrap_or(Value::None), is_default)
            };
            own.push(self.draws.draw(index, place, slot, resolved.digest, details));
        }
        own
    }

    #[expect(clippy::too_many_arguments, reason = "a node's parts")]
    fn add(
        &mut self,
        index: TypeIndex,
        instance: u32,
        key: Key,
        parameters: Digest,
        draws: SetIndex,
        inputs: &[NodeIndex],
        entries: Vec<Entry>,
    ) -> Result<NodeIndex, PlanErrorKind> {
        let limit = u32::MAX - 1;
        let places = [self.dag.node_count(), self.inputs.len(), self.entries.len()];
        if places.into_iter().any(|place| place + inputs.len() >= limit as usize) {
            return Err(PlanErrorKind::TooMany { limit });
        }
        let node = self.dag.add_node(Node {
            key,
            parameters,
            task: index,
            instance,
            draws,
            inputs: self.inputs.len() as u32..(self.inputs.len() + inputs.len()) as u32,
            entries: self.entries.len() as u32..(self.entries.len() + entries.len()) as u32,
        });
        self.inputs.extend(inputs);
        self.entries.extend(entries.into_iter().map(|e| (e.role, e.form, e.len as u32)));
        // A new node has no consumers, so that no edge to it can close a cycle and daggy, which
        // knows that, looks for none.
        let edges = inputs.iter().map(|&input| (input, node, ()));
        self.dag.add_edges(edges).expect("a new node is in no cycle");
        self.by_key.insert(key, node);
        Ok(node)
    }

    fn inputs_of(&self, node: NodeIndex) -> &[NodeIndex] {
        let range = &self.dag[node].inputs;
        &self.inputs[range.start as usize..range.end as usize]
    }

    fn at(
        &self,
        kind: PlanErrorKind,
        stack: &[Frame],
        last: Option<&'static TaskType>,
    ) -> Box<PlanError> {
        let way = stack.iter().map(|frame| self.types.get(frame.index).decl.name.to_string());
        let last = last.map(|task| (task.decl)().name.to_string());
        Box::new(PlanError::new(kind, way.chain(last).collect()))
    }

    /// The part of the stack that forms a cycle: all from the frame of that wish.
    fn cycle(&self, memo: Digest, stack: &[Frame]) -> Box<PlanError> {
        let way: Vec<_> =
            stack.iter().map(|frame| self.types.get(frame.index).decl.name.to_string()).collect();
        let start = stack.iter().position(|frame| frame.memo == memo).expect("it is walked");
        let mut cycle = way[start..].to_vec();
        let task = way[start].clone();
        cycle.push(task.clone());
        Box::new(PlanError::new(PlanErrorKind::Cycle { task, cycle }, way))
    }
}

/// Where the output of an instance lies that is made elsewhere.
fn external(entry: &PlanType, instance: u32) -> Result<PathBuf, PlanErrorKind> {
    let path = catch_unwind(AssertUnwindSafe(|| entry.instances.path(instance)))
        .unwrap_or_else(|panic| Err(anyhow::anyhow!("it panicked: {}", panic_message(&*panic))))
        .and_then(|path| {
            anyhow::ensure!(path.to_str().is_some(), "{path:?} is not Unicode");
            anyhow::ensure!(!path.as_os_str().is_empty(), "it is empty");
            Ok(std::path::absolute(path)?)
        });
    path.map_err(|source| PlanErrorKind::ExternalPath { task: entry.decl.name.to_string(), source })
}

/// A panic in the code of a user's types: a clone, a comparison, or serialising a value.
fn panicked(task: &'static TaskType, panic: &(dyn std::any::Any + Send)) -> PlanErrorKind {
    let message = panic_message(panic);
    PlanErrorKind::Panicked { task: (task.decl)().name.into_owned(), message }
}
