//! Builds the graph of some roots: each instance once, and after its inputs.
//!
//! The graph is [walked](walk) depth first with an explicit stack, because a chain of dependencies may be
//! longer than a thread's stack. [`enter`] resolves the parameters of a required task and evaluates its
//! `requires`. [`leave`] computes the key and adds the node when all dependencies are built.
//!
//! A dependency that was built before with the same settings, in the same scope as far as the task can see
//! it, is not walked again. Without that, a ladder of diamonds would take time exponential in its height.

mod all;
mod enter;
mod leave;
mod walk;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use daggy::{Dag, NodeIndex};

pub(crate) use self::all::{Built, build_all};
pub(crate) use self::leave::{instance_key, parameters_digest};
use crate::base::key::{Digest, Key};
use crate::base::panics;
use crate::plan::draws::{Draws, SetIndex};
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::given::Givens;
use crate::plan::named;
use crate::plan::param_value::digest_param;
use crate::plan::requester::Requester;
use crate::plan::resolve::Resolver;
use crate::plan::stand_in::{self, StandIn};
use crate::plan::types::{TypeIndex, Types, TypesByRoots};
use crate::plan::variant::{Root, Visible};
use crate::plan::warning::{self, Warning};
use crate::plan::{Graph, Node};
use crate::store::Store;
use crate::task::TaskType;
use crate::task::instances::Instances;
use crate::task::requirement::{Dependency, Form};
use crate::task::setting::Setting;
use crate::value::AnyValue;

/// The length of a chain of dependencies that is taken for infinite.
const DEEPEST: usize = 1_000_000;

/// Builds the graph of `roots` and their dependencies.
pub(crate) fn build(
    roots: &[Root<'_>],
    store: &Store,
    givens: &Givens,
) -> Result<(Graph, Vec<Warning>), Box<PlanError>> {
    let Some(first) = roots.first() else { return build_roots(roots, store, givens) };
    panics::catch(|| build_roots(roots, store, givens)).unwrap_or_else(|message| {
        Err(Box::new(PlanError::new(walk::panicked(first.task, message), Vec::new())))
    })
}

fn build_roots(
    roots: &[Root<'_>],
    store: &Store,
    givens: &Givens,
) -> Result<(Graph, Vec<Warning>), Box<PlanError>> {
    let plan_error = |kind| Box::new(PlanError::new(kind, Vec::new()));
    let tasks: Vec<_> = roots.iter().map(|root| root.task).collect();
    let types = Arc::new(Types::new(&tasks, store).map_err(plan_error)?);
    if roots.is_empty() {
        // No variant is chosen, so unused values are no mistake.
        return Ok((
            Builder::new(types, Resolver::new(givens, store)).into_graph(Vec::new()),
            Vec::new(),
        ));
    }
    warning::check_names(&types, givens).map_err(plan_error)?;
    let assigned = named::assign(&types, givens).map_err(plan_error)?;
    let givens = assigned.as_ref().unwrap_or(givens);
    let settings = named::assign_variants(&types, roots)?;
    let replaced = (!settings.is_empty()).then(|| named::with_settings(roots, &settings));
    let roots = replaced.as_deref().unwrap_or(roots);
    let mut builder = Builder::new(types, Resolver::new(givens, store));
    let mut nodes = Vec::with_capacity(roots.len());
    let mut names = HashMap::new();
    for root in roots {
        let dependency = Dependency { task: root.task, own: Vec::new(), with: Vec::new() };
        let built = builder
            .set_variant(root.variant.map(|(_, setting)| setting), &mut names)
            .map_err(plan_error)
            .and_then(|()| builder.build_dependency(dependency, Rc::default()));
        let built = built.map_err(|mut error| {
            if let Some((name, _)) = root.variant {
                error.variant = Some(name.to_owned());
            }
            error
        });
        nodes.push(expect_built(built?).node);
    }
    warning::check_variants(&builder.types, &builder.resolver, roots).map_err(plan_error)?;
    let mut warnings = warning::unused(&builder.types, &builder.resolver);
    warnings.extend(roots.first().into_iter().flat_map(|root| root.warnings).cloned());
    warnings.extend(warning::stopped(&builder.resolver));
    warnings.extend(stand_in::unused(&givens.stand_ins));
    Ok((builder.into_graph(nodes), warnings))
}

/// Builds the graph of an instance's dynamic dependencies, which are its roots.
pub(crate) fn build_for(
    requester: &Requester,
    dependencies: Vec<Dependency>,
    store: &Store,
    types: &TypesByRoots,
) -> Result<Graph, Box<PlanError>> {
    let plan_error = |kind| Box::new(PlanError::new(kind, vec![requester.name.clone()]));
    let roots = dependencies.iter().map(|dependency| dependency.task);
    let types = types.get(roots, store).map_err(plan_error)?;
    let scope = Rc::new(requester.scope(&types));
    let mut builder = Builder::new(types, Resolver::new(&requester.givens, store));
    let mut nodes = Vec::with_capacity(dependencies.len());
    for mut dependency in dependencies {
        let with = builder.with(&scope, &requester.name, &mut dependency).map_err(plan_error)?;
        let scope = with.map_or_else(|| Rc::clone(&scope), |(scope, _)| Rc::new(scope));
        let root = builder.build_dependency(dependency, scope).map_err(|mut error| {
            error.way.insert(0, requester.name.clone());
            error
        })?;
        nodes.push(expect_built(root).node);
    }
    Ok(builder.into_graph(nodes))
}

struct Builder<'a> {
    types: Arc<Types>,
    instances: Vec<Instances>,
    resolver: Resolver<'a>,
    /// The values of the variant whose root is being walked.
    variant: Option<Visible>,
    draws: Draws,
    /// The node of each dependency that was built; `None` while it is being walked.
    memo: HashMap<Digest, Option<BuiltNode>>,
    by_key: HashMap<Key, NodeIndex>,
    dag: Dag<Node, ()>,
    inputs: Vec<NodeIndex>,
    entries: Vec<(&'static str, Form, u32)>,
    externals: HashMap<NodeIndex, PathBuf>,
    stand_ins: HashMap<NodeIndex, StandIn>,
    /// The errors, if all of them are collected; `None` if the first one ends the walk.
    problems: Option<Vec<PlanError>>,
    /// The nodes that lack a dependency, directly or upstream.
    incomplete: HashSet<NodeIndex>,
}

/// A dependency that is built.
#[derive(Clone, Copy)]
struct BuiltNode {
    node: NodeIndex,
    /// The draws of the dependency and its own parameters, without those that a literal sets.
    draws: SetIndex,
}

/// Returns the built dependency of a walk that ends with the first error.
fn expect_built(built: Option<BuiltNode>) -> BuiltNode {
    built.expect("the first error is returned")
}

impl<'a> Builder<'a> {
    fn new(types: Arc<Types>, resolver: Resolver<'a>) -> Self {
        let instances = types.all.iter().map(|entry| Instances::new(entry.task.build)).collect();
        Self {
            types,
            instances,
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
            incomplete: HashSet::new(),
        }
    }

    /// Sets the variant whose root is walked next.
    fn set_variant(
        &mut self,
        setting: Option<&'a Setting>,
        names: &mut HashMap<String, Rc<[TypeIndex]>>,
    ) -> Result<(), PlanErrorKind> {
        let visible =
            setting.map(|setting| Visible::new(setting, &self.types, self.resolver.store, names));
        self.variant = visible.transpose()?;
        self.resolver.lookup.variant = setting;
        Ok(())
    }

    fn into_graph(self, roots: Vec<NodeIndex>) -> Graph {
        Graph {
            is_root: roots.iter().copied().collect(),
            types: self.types,
            instances: self.instances,
            draws: self.draws,
            dag: self.dag,
            inputs: self.inputs,
            entries: self.entries,
            roots,
            externals: self.externals,
            stand_ins: self.stand_ins,
            forced: Vec::new(),
            asked: None,
            is_in_run: false,
            view: OnceLock::new(),
        }
    }

    fn digest(
        &self,
        task: &'static TaskType,
        place: usize,
        value: &AnyValue,
    ) -> Result<Digest, PlanErrorKind> {
        let (name, param) = ((task.decl)().name, &task.params[place]);
        digest_param(self.resolver.store, &name, param, value)
    }

    fn inputs_of(&self, node: NodeIndex) -> &[NodeIndex] {
        let range = &self.dag[node].inputs;
        &self.inputs[range.start as usize..range.end as usize]
    }
}
