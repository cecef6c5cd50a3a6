//! Plans: which instances the roots need, what each one is computed from, and which are complete.
//!
//! A plan is built in two steps. [`build`](builder::build) turns the roots and the values given to the flow
//! into a graph of instances. It resolves parameters ([`resolve`]), passes values on to dependencies
//! ([`scope`]) and finds the values that each instance draws from outside ([`draws`]), which are part of its
//! key. Then [`Plan::judge_all`] compares each instance with the store and gives it a verdict ([`judge`]).
//! Upstream instances come first, because a verdict depends on the content of the inputs.
//!
//! Two invariants hold. A plan never changes and writes nothing; running it is an [execution](crate::engine).
//! In a graph each node comes after its inputs, so that a pass from upstream to downstream, or back, is a
//! loop over the nodes.

mod advice;
pub(crate) mod affected;
pub(crate) mod alias;
mod bring;
pub(crate) mod builder;
mod cached;
pub(crate) mod claim;
mod columns;
pub(crate) mod cost;
mod crates;
pub(crate) mod draws;
pub(crate) mod dynamic;
pub(crate) mod error;
pub(crate) mod executor;
pub(crate) mod explain;
pub(crate) mod failure;
mod figures;
pub(crate) mod force;
pub(crate) mod format_1;
pub(crate) mod given;
pub(crate) mod instance;
mod isolated;
pub(crate) mod judge;
pub(crate) mod label;
pub(crate) mod lookup;
pub(crate) mod made_from;
mod named;
mod origin;
pub(crate) mod outside;
pub(crate) mod param_value;
mod partitions;
pub(crate) mod policy;
pub(crate) mod predecessor;
pub(crate) mod provided;
pub(crate) mod reads;
pub(crate) mod reason;
pub(crate) mod refresh;
pub(crate) mod rejected;
pub(crate) mod requester;
pub(crate) mod required;
pub(crate) mod resolve;
pub(crate) mod restrict;
pub(crate) mod role;
pub(crate) mod scope;
pub(crate) mod stand_in;
mod storable;
pub(crate) mod stored;
pub(crate) mod sweep_error;
pub(crate) mod tree;
pub(crate) mod trust;
pub(crate) mod types;
pub(crate) mod variant;
pub(crate) mod verdicts;
pub(crate) mod versions;
pub(crate) mod view;
pub(crate) mod warning;
pub(crate) mod why;

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use daggy::{Dag, NodeIndex};

use crate::base::key::{Digest, Key};
use crate::base::panics::Contained;
use crate::files::Contents;
use crate::plan::draws::{Draws, SetIndex};
use crate::plan::dynamic::Finder;
use crate::plan::force::Force;
use crate::plan::given::Givens;
use crate::plan::policy::Policies;
use crate::plan::refresh::Asked;
use crate::plan::stand_in::StandIn;
use crate::plan::types::{PlanType, TypeIndex, Types, TypesByRoots};
use crate::plan::verdicts::Verdicts;
use crate::plan::view::View;
use crate::plan::warning::Warning;
use crate::store::made::Made;
use crate::store::output::{Output, OutputFile};
use crate::store::record::Meta;
use crate::store::trust::Trust;
use crate::store::{Folder, Store};
use crate::target::ColumnDigests;
use crate::task::instances::Instances;
use crate::task::requirement::Form;
use crate::task::{Kind, Task};
use crate::value::AnyValue;

/// The instances that some roots need, with a verdict on each.
pub(crate) struct Plan {
    pub(crate) store: Arc<Store>,
    /// The content of files outside the store.
    pub(crate) contents: Arc<Contents>,
    pub(crate) trust: Trust,
    /// Other stores, whose outputs are reused.
    pub(crate) reading: Vec<Arc<Store>>,
    /// Remotes, whose outputs are reused.
    pub(crate) remotes: Vec<Arc<dyn Finder + Send + Sync>>,
    /// The clients and handles that the flow provides to tasks, by type.
    pub(crate) provided: Arc<HashMap<TypeId, Contained<AnyValue>>>,
    /// The defaults of parameters.
    pub(crate) defaults: Arc<Givens>,
    /// Which complete instances run all the same, also among the dynamic dependencies.
    pub(crate) force: Force,
    /// How instances are executed, as the flow sets it.
    pub(crate) policies: Arc<Policies>,
    /// The types that dynamic dependencies reach.
    pub(crate) types: Arc<TypesByRoots>,
    pub(crate) graph: Graph,
    pub(crate) verdicts: Verdicts,
    pub(crate) warnings: Vec<Warning>,
}

/// The instances that some roots need.
///
/// An edge leads from an input to its consumer. Every node comes after its inputs.
pub(crate) struct Graph {
    pub(crate) types: Arc<Types>,
    /// The task structs, by type.
    pub(crate) instances: Vec<Instances>,
    pub(crate) draws: Draws,
    pub(crate) dag: Dag<Node, ()>,
    /// The inputs of all nodes, in the order in which they were required.
    pub(crate) inputs: Vec<NodeIndex>,
    /// The entries of `requires` of all nodes: role, form, and number of inputs.
    pub(crate) entries: Vec<(&'static str, Form, u32)>,
    pub(crate) roots: Vec<NodeIndex>,
    /// The roots as a set, for lookups: a sweep has many.
    is_root: HashSet<NodeIndex>,
    /// The paths of external tasks.
    pub(crate) externals: HashMap<NodeIndex, PathBuf>,
    /// The outputs that a test provides instead of running the task.
    pub(crate) stand_ins: HashMap<NodeIndex, StandIn>,
    /// Whether each node runs although it is complete; empty if `force` marks none.
    pub(crate) forced: Vec<bool>,
    /// The values of the `refresh` expressions; `None` if they were not evaluated.
    pub(crate) asked: Option<Asked>,
    /// Whether its roots are dynamic dependencies, whose labels are shown beside those of other graphs.
    pub(crate) is_in_run: bool,
    view: OnceLock<View>,
}

/// One instance.
///
/// It is kept small, because a graph may have a million of them.
pub(crate) struct Node {
    pub(crate) key: Key,
    /// The digest of its own significant parameters.
    pub(crate) parameters: Digest,
    pub(crate) task: TypeIndex,
    /// Bit `i` is set if parameter `i` differs from its default; for the first 32 parameters.
    given: u32,
    /// Its index among the instances of its type.
    pub(crate) instance: u32,
    pub(crate) draws: SetIndex,
    /// The range of its inputs in [`Graph::inputs`].
    pub(crate) inputs: Range<u32>,
    /// The range of its entries in [`Graph::entries`].
    pub(crate) entries: Range<u32>,
}

impl Node {
    /// Returns whether the task's own parameter at this index has its default value.
    ///
    /// It returns `false` for all parameters after the first 32, whose state is not stored.
    pub(crate) fn is_default(&self, place: usize) -> bool {
        place < u32::BITS as usize && self.given & (1 << place) == 0
    }
}

impl Graph {
    pub(crate) fn node(&self, node: NodeIndex) -> &Node {
        &self.dag[node]
    }

    /// Returns all nodes, each after its inputs.
    pub(crate) fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeIndex> + use<> {
        (0..self.dag.node_count()).map(NodeIndex::new)
    }

    pub(crate) fn len(&self) -> usize {
        self.dag.node_count()
    }

    pub(crate) fn task(&self, node: NodeIndex) -> &PlanType {
        self.types.get(self.node(node).task)
    }

    /// Returns the instances of a node's type, and the index of the node's own one.
    pub(crate) fn instances_of(&self, node: NodeIndex) -> (&Instances, u32) {
        let Node { task, instance, .. } = *self.node(node);
        (&self.instances[task as usize], instance)
    }

    /// Returns the value of a parameter of a node.
    pub(crate) fn field(&self, node: NodeIndex, place: usize) -> &dyn Any {
        let (instances, instance) = self.instances_of(node);
        instances.field(instance, place)
    }

    pub(crate) fn inputs(&self, node: NodeIndex) -> &[NodeIndex] {
        let range = &self.node(node).inputs;
        &self.inputs[range.start as usize..range.end as usize]
    }

    pub(crate) fn entries(&self, node: NodeIndex) -> &[(&'static str, Form, u32)] {
        let range = &self.node(node).entries;
        &self.entries[range.start as usize..range.end as usize]
    }

    /// Returns the root tasks as Rust source: the name of one, or a tuple of several.
    pub(crate) fn root_names(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for &root in &self.roots {
            let name = (self.task(root).task.rust_name)();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        match names.as_slice() {
            [one] => one.clone(),
            several => format!("({})", several.join(", ")),
        }
    }

    pub(crate) fn is_root(&self, node: NodeIndex) -> bool {
        self.is_root.contains(&node)
    }

    pub(crate) fn is_forced(&self, node: NodeIndex) -> bool {
        self.forced.get(node.index()).is_some_and(|&forced| forced)
    }

    pub(crate) fn kind(&self, node: NodeIndex) -> Kind {
        match self.stand_ins.contains_key(&node) {
            true => Kind::Made,
            false => self.task(node).task.kind,
        }
    }

    /// Returns the path of an external task. Panics if the node is not external.
    pub(crate) fn external(&self, node: NodeIndex) -> &Path {
        &self.externals[&node]
    }

    /// Returns whether the graph has external tasks.
    pub(crate) fn has_externals(&self) -> bool {
        !self.externals.is_empty()
    }

    /// Returns the inputs of a node, each once, with the inputs of an aggregate in place of the aggregate.
    pub(crate) fn gathered_inputs(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let mut gathered = Vec::new();
        let mut seen = HashSet::new();
        let mut new = vec![node];
        while let Some(node) = new.pop() {
            for &input in self.inputs(node).iter().filter(|&&input| seen.insert(input)) {
                match self.kind(input) {
                    Kind::Aggregate => new.push(input),
                    Kind::Made | Kind::External => gathered.push(input),
                }
            }
        }
        gathered
    }

    /// Returns [`gathered_inputs`](Self::gathered_inputs), or nothing if the graph has no external tasks.
    pub(crate) fn gathered_inputs_or_none(&self, node: NodeIndex) -> Vec<NodeIndex> {
        if self.has_externals() { self.gathered_inputs(node) } else { Vec::new() }
    }

    /// Returns the output of an external or aggregate task with this content.
    pub(crate) fn not_made(&self, node: NodeIndex, digest: Digest) -> Made {
        let external = self.externals.get(&node).map(|path| OutputFile {
            part: String::new(),
            file: path.to_string_lossy().into_owned(),
            digest,
            bytes: 0,
            modified: 0,
            executable: false,
            folder: None,
            columns: ColumnDigests::default(),
        });
        let files = external.into_iter().collect();
        let output = Output { digest, files, figures: Vec::new() };
        let (folder, meta) = (Folder::new(), Meta::new());
        Made { folder, output, meta, fingerprint: None, from: None }
    }

    /// Marks everything that the marked nodes require, directly or through others.
    pub(crate) fn mark_upstream(&self, marked: &mut [bool]) {
        for node in self.nodes().rev() {
            if marked[node.index()] {
                self.inputs(node).iter().for_each(|input| marked[input.index()] = true);
            }
        }
    }

    pub(crate) fn consumers(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> {
        self.dag.graph().neighbors(node)
    }

    /// Moves the task struct of a node, whose type is known, out of the graph.
    pub(crate) fn take_instance<T: Task>(&mut self, node: NodeIndex) -> T {
        let Node { task, instance, .. } = *self.node(node);
        let taken = self.instances[task as usize].take(instance);
        *taken.downcast().expect("the node's task has this type")
    }
}
