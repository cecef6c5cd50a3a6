//! Plans: which instances a root needs, what each is made from, and which are still good.
//!
//! A plan is made in two steps. [`build`] turns roots and the values given to the flow into a
//! graph of instances: it resolves parameters ([`resolve`]), passes values on ([`scope`]) and
//! finds out what each instance draws from outside ([`draws`]), which gives its key. Then
//! [`Plan::judge_all`] looks at the store and gives each instance a verdict ([`judge`]), upstream
//! first, for whether an output is still good depends on what its inputs contain.
//!
//! A plan never changes and writes nothing. Running it is an [execution](crate::engine).

pub(crate) mod affected;
pub(crate) mod builder;
pub(crate) mod cost;
mod crates;
pub(crate) mod draws;
pub(crate) mod dynamic;
pub(crate) mod error;
pub(crate) mod explain;
pub(crate) mod force;
pub(crate) mod format_1;
pub(crate) mod given;
pub(crate) mod instance;
pub(crate) mod judge;
pub(crate) mod label;
pub(crate) mod made_from;
mod origin;
pub(crate) mod predecessor;
pub(crate) mod provided;
pub(crate) mod reads;
pub(crate) mod reason;
pub(crate) mod refresh;
pub(crate) mod requester;
pub(crate) mod required;
pub(crate) mod resolve;
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
pub(crate) mod view;
pub(crate) mod warning;
pub(crate) mod why;

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use daggy::{Dag, NodeIndex};

use crate::base::key::{Digest, Key};
use crate::base::panics::Contained;
use crate::files::Contents;
use crate::plan::draws::{Draws, SetIndex};
use crate::plan::force::Force;
use crate::plan::given::Givens;
use crate::plan::refresh::Asked;
use crate::plan::stand_in::StandIn;
use crate::plan::types::{PlanType, TypeIndex, Types};
use crate::plan::verdicts::Verdicts;
use crate::plan::view::View;
use crate::plan::warning::Warning;
use crate::store::made::Made;
use crate::store::output::{Output, OutputFile};
use crate::store::record::Meta;
use crate::store::trust::Trust;
use crate::store::{Folder, Store};
use crate::task::requirement::Form;
use crate::task::{Kind, Task};
use crate::value::AnyValue;

/// The instances that some roots need, and a verdict on each.
pub(crate) struct Plan {
    pub(crate) store: Arc<Store>,
    /// The content of files outside the store.
    pub(crate) contents: Arc<Contents>,
    pub(crate) trust: Trust,
    /// The stores from which outputs are taken over, too.
    pub(crate) reading: Vec<Arc<Store>>,
    /// What tasks may use, by type.
    pub(crate) provided: Arc<HashMap<TypeId, Contained<AnyValue>>>,
    /// What parameters are that nobody gave a value.
    pub(crate) defaults: Arc<Givens>,
    /// What is to run although it is complete, in what is required while a task runs, too.
    pub(crate) force: Force,
    pub(crate) graph: Graph,
    pub(crate) verdicts: Verdicts,
    pub(crate) warnings: Vec<Warning>,
}

/// The instances that some roots need. An edge leads from an input to its consumer, and every
/// node comes after its inputs.
pub(crate) struct Graph {
    pub(crate) types: Types,
    pub(crate) draws: Draws,
    pub(crate) dag: Dag<Node, ()>,
    /// The inputs of all nodes, in the order in which they were required.
    pub(crate) inputs: Vec<NodeIndex>,
    /// The entries of `requires` of all nodes: role, form, and how many inputs.
    pub(crate) entries: Vec<(&'static str, Form, u32)>,
    pub(crate) roots: Vec<NodeIndex>,
    /// The same, to look one up: a sweep has many.
    is_root: HashSet<NodeIndex>,
    /// The files that are made elsewhere.
    pub(crate) externals: HashMap<NodeIndex, PathBuf>,
    /// The outputs that a test gave.
    pub(crate) stand_ins: HashMap<NodeIndex, StandIn>,
    /// Whether each node is to run although it is complete; empty if none is.
    pub(crate) forced: Vec<bool>,
    /// What says when instances are to be refreshed; `None` if nobody asks.
    pub(crate) asked: Option<Asked>,
    /// Whether it is of what a task requires while it runs, so that others are shown beside it.
    pub(crate) is_in_run: bool,
    view: OnceLock<View>,
}

/// One instance. It is kept small, for there may be a million of them.
pub(crate) struct Node {
    pub(crate) key: Key,
    /// Of its own significant parameters.
    pub(crate) parameters: Digest,
    pub(crate) task: TypeIndex,
    /// The places of the first parameters that differ from their defaults, a bit each.
    given: u32,
    /// Its place among the instances of its type.
    pub(crate) instance: u32,
    pub(crate) draws: SetIndex,
    /// Its place in [`Graph::inputs`].
    pub(crate) inputs: Range<u32>,
    /// Its place in [`Graph::entries`].
    pub(crate) entries: Range<u32>,
}

impl Node {
    /// Whether the task's own parameter in this place has the value of its default. Of the parameters after
    /// the first 32 that is not known.
    pub(crate) fn is_default(&self, place: usize) -> bool {
        place < u32::BITS as usize && self.given & (1 << place) == 0
    }
}

impl Graph {
    pub(crate) fn node(&self, node: NodeIndex) -> &Node {
        &self.dag[node]
    }

    /// All nodes, each after its inputs.
    pub(crate) fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeIndex> + use<> {
        (0..self.dag.node_count()).map(NodeIndex::new)
    }

    pub(crate) fn len(&self) -> usize {
        self.dag.node_count()
    }

    pub(crate) fn task(&self, node: NodeIndex) -> &PlanType {
        self.types.get(self.node(node).task)
    }

    pub(crate) fn inputs(&self, node: NodeIndex) -> &[NodeIndex] {
        let range = &self.node(node).inputs;
        &self.inputs[range.start as usize..range.end as usize]
    }

    pub(crate) fn entries(&self, node: NodeIndex) -> &[(&'static str, Form, u32)] {
        let range = &self.node(node).entries;
        &self.entries[range.start as usize..range.end as usize]
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

    /// Where the output of a task that is made elsewhere lies.
    pub(crate) fn external(&self, node: NodeIndex) -> &Path {
        &self.externals[&node]
    }

    /// Whether anything is made elsewhere.
    pub(crate) fn has_externals(&self) -> bool {
        !self.externals.is_empty()
    }

    /// All inputs but aggregates, and in the place of those what they gather; each once.
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

    /// The same, if anything is made elsewhere: else nobody asks.
    pub(crate) fn gathered_inputs_or_none(&self, node: NodeIndex) -> Vec<NodeIndex> {
        if self.has_externals() { self.gathered_inputs(node) } else { Vec::new() }
    }

    /// The output of an instance that is not made here, with this content.
    pub(crate) fn not_made(&self, node: NodeIndex, digest: Digest) -> Made {
        let external = self.externals.get(&node).map(|path| OutputFile {
            part: String::new(),
            file: path.to_string_lossy().into_owned(),
            digest,
            bytes: 0,
            modified: 0,
            executable: false,
            folder: None,
        });
        let output = Output { digest, files: external.into_iter().collect() };
        Made { folder: Folder::new(), output, meta: Meta::new(), from: None }
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

    /// Takes the task struct of a node whose type is known out of the graph.
    pub(crate) fn take_instance<T: Task>(&mut self, node: NodeIndex) -> T {
        let Node { task, instance, .. } = *self.node(node);
        let taken = self.types.all[task as usize].instances.take(instance);
        *taken.downcast().expect("the node's task has this type")
    }
}
