//! Predecessors: the instance as it was before its task, or one upstream, got a new parameter.
//!
//! A parameter that is added to a task is part of the key of all its instances, and of all instances that
//! require them. If it has its default, the instance may be what it was before. Its predecessor is the
//! instance with the same parameters without the new ones. The records of the task tell which are new: those
//! that a record does not name.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::Plan;
use crate::plan::builder::{instance_key, parameters_digest};
use crate::plan::param_value::digest_value;
use crate::plan::types::TypeIndex;
use crate::store::record::Record;
use crate::store::{Folder, Found};
use crate::task::param::ParamId;

/// The names of all parameters in a record.
type Names = BTreeSet<String>;

/// An instance with fewer parameters that has an output.
pub(crate) struct Predecessor {
    pub(crate) folder: Folder,
    pub(crate) record: Box<Record>,
    /// The task's own parameters that it lacks.
    pub(crate) new: Vec<&'static str>,
}

/// A search for predecessors that reads the records of each task once.
pub(super) struct Predecessors<'a> {
    plan: &'a Plan,
    names: RefCell<HashMap<TypeIndex, Rc<BTreeSet<Names>>>>,
}

impl<'a> Predecessors<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self { plan, names: RefCell::default() }
    }

    /// Returns the predecessor of an instance without an output, if there is one.
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

    /// Returns the sets of parameter names in the records of a task.
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

    /// Returns the key that an instance had with only these parameters, and its own new parameters.
    ///
    /// It is `None` if no parameter is new, or if a new one differs from its default.
    fn key_with(&self, node: NodeIndex, names: &Names) -> Option<(Key, Vec<&'static str>)> {
        let graph = &self.plan.graph;
        let entry = graph.task(node);
        let mut new = Vec::new();
        let mut dropped: HashSet<ParamId> = HashSet::new();
        for one in graph.all_shown(node) {
            let param = &graph.param(one.id)?;
            let was = param.was.is_some_and(|was| match one.is_own {
                true => names.contains(was),
                false => {
                    let task = one.name.rsplit_once('.').map_or("", |(task, _)| task);
                    names.contains(&format!("{task}.{was}"))
                }
            });
            // An inherited value is not in the record, so the parameter may have existed before.
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
        let own = entry.task.params.iter().enumerate().filter(|(place, param)| {
            param.significant && !dropped.contains(&ParamId::new(entry.task, *place))
        });
        let own = own.map(|(place, param)| {
            let value = graph.own_value(node, place);
            let digest = digest_value(&self.plan.store, &value);
            // A value without a digest has no key either, and was refused by the builder.
            (param.identity(), digest.unwrap_or(Digest(0)))
        });
        let id = |task, param| ParamId::new(graph.types.get(task).task, param);
        let kept = |task, param| !dropped.contains(&id(task, param));
        let draws = graph.draws.digest_of(graph.node(node).draws, &graph.types, kept);
        // An ambiguous key includes the keys of the inputs, which are different as well.
        if draws.is_ambiguous {
            return None;
        }
        let own = parameters_digest(own.collect());
        Some((instance_key(entry.decl.identity(), own, draws.digest).key(), new))
    }
}
