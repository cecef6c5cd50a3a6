//! Predecessors: the instance that one was before its task, or one upstream, got a parameter.
//!
//! A parameter that is added to a task is in the key of each of its instances, and of each that requires
//! one. If it has its default, the instance may still be what it was: its predecessor is the instance
//! with the same parameters without the new ones. Which are new, the records of the task tell: those that
//! a record does not name.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::Plan;
use crate::plan::builder::{instance_key, parameters_digest};
use crate::plan::resolve::digest_value;
use crate::plan::types::TypeIndex;
use crate::plan::view::ParameterId;
use crate::store::record::Record;
use crate::store::{Folder, Found};

/// The names of all parameters in a record.
type Names = BTreeSet<String>;

/// An instance with fewer parameters, which has an output.
pub(crate) struct Predecessor {
    pub(crate) folder: Folder,
    pub(crate) record: Box<Record>,
    /// The task's own parameters that it does not have.
    pub(crate) new: Vec<&'static str>,
}

/// A search for predecessors, which reads the records of each task once.
pub(super) struct Predecessors<'a> {
    plan: &'a Plan,
    names: RefCell<HashMap<TypeIndex, Rc<BTreeSet<Names>>>>,
}

impl<'a> Predecessors<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self { plan, names: RefCell::default() }
    }

    /// The predecessor of an instance that has no output, if there is one.
    pub(super) fn find(&self, node: NodeIndex) -> Result<Option<Predecessor>, StoreError> {
        let (graph, store) = (&self.plan.graph, &self.plan.store);
        let task = &graph.task(node).folder;
        if graph.stand_in(node).is_some() {
            return Ok(None);
        }
        for names in &*self.names(graph.node(node).task)? {
            let Some((key, new)) = self.key_with(node, names) else { continue };
            let Some(folder) = store.listed(task, key.short())? else { continue };
            if let Found::Record(record) = store.record(&folder, key)? {
                return Ok(Some(Predecessor { folder, record, new }));
            }
        }
        Ok(None)
    }

    /// The sets of parameters that the records of a task name.
    fn names(&self, task: TypeIndex) -> Result<Rc<BTreeSet<Names>>, StoreError> {
        if let Some(known) = self.names.borrow().get(&task) {
            return Ok(Rc::clone(known));
        }
        let store = &self.plan.store;
        let mut found = BTreeSet::new();
        let folders = store.some_listed(&self.plan.graph.types.get(task).folder, usize::MAX)?;
        for folder in folders {
            if let Some(Ok(record)) =
                store.read_record(&store.path(&folder, crate::store::RECORD))?
            {
                found.insert(record.parameters.into_keys().collect());
            }
        }
        let found = Rc::new(found);
        self.names.borrow_mut().insert(task, Rc::clone(&found));
        Ok(found)
    }

    /// The key that an instance had when it had these parameters, if all others have their defaults; and
    /// which of the task's own are new.
    fn key_with(&self, node: NodeIndex, names: &Names) -> Option<(Key, Vec<&'static str>)> {
        let graph = &self.plan.graph;
        let entry = graph.task(node);
        let mut new = Vec::new();
        let mut dropped: HashSet<ParameterId> = HashSet::new();
        for one in graph.all_shown(node) {
            let param = &graph.param(one.id)?;
            let was = param.was.is_some_and(|was| match one.is_own {
                true => names.contains(was),
                false => {
                    let task = one.name.rsplit_once('.').map_or("", |(task, _)| task);
                    names.contains(&format!("{task}.{was}"))
                }
            });
            // What is inherited is no parameter of a record, and so may have been there before.
            if was || names.contains(&one.name) || one.is_inherited || !param.significant {
                continue;
            }
            if !one.is_default {
                return None;
            }
            dropped.insert(one.id);
            new.extend(one.is_own.then_some(param.name));
        }
        if dropped.is_empty() {
            return None;
        }
        let task = (entry.task.id)();
        let own = entry
            .task
            .params
            .iter()
            .enumerate()
            .filter(|(place, param)| param.significant && !dropped.contains(&(task, *place)));
        let own = own.map(|(place, param)| {
            let value = graph.own_value(node, place);
            let digest = digest_value(&self.plan.store, &value);
            // A value without a digest has no key either, and was refused.
            (param.identity(), digest.unwrap_or(Digest(0)))
        });
        let id = |task, param| ((graph.types.get(task).task.id)(), param);
        let kept = |task, param| !dropped.contains(&id(task, param));
        let draws = graph.draws.digest_of(graph.node(node).draws, &graph.types, kept);
        // The key has those of the inputs then, which have other ones, too.
        if draws.is_ambiguous {
            return None;
        }
        let own = parameters_digest(own.collect());
        Some((instance_key(entry.decl.identity(), own, draws.digest).key(), new))
    }
}
