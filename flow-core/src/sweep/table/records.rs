//! The records of the instances that a table shows, and the columns of metadata.
//!
//! Metadata of a task upstream has a value for a variant with one instance of the task, or if the root requires
//! the instance by a name: several instances have no single value. The instances of all variants are found by one
//! pass over the graph per task, and only the records of these instances are read.

use std::collections::{BTreeMap, HashMap, HashSet};

use daggy::NodeIndex;

use super::super::upstream::{Instances, instances_of_each};
use super::Origin;
use super::cell::Cell;
use super::fill::{Filled, LISTED, RESERVED};
use crate::base::error::StoreError;
use crate::flow::error::Error;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::types::TypeIndex;
use crate::plan::verdicts::Status;
use crate::store::Found;
use crate::store::record::Meta;
use crate::task::Kind;
use crate::task::expectation::EXPECTATIONS;
use crate::task::requirement::Form;

/// The records of complete instances, each read when it is first needed.
pub(super) struct Records<'a> {
    plan: &'a Plan,
    roots_of_each: usize,
    /// The contents of the records that were read so far.
    known: HashMap<NodeIndex, Recorded>,
}

/// The content of a record that the table shows.
#[derive(Clone, Default)]
pub(super) struct Recorded {
    meta: Meta,
    /// How long the run of the task took.
    pub(super) seconds: Option<f64>,
}

impl<'a> Records<'a> {
    /// Creates the records of a plan, in which each variant has `roots_of_each` roots.
    pub(super) fn new(plan: &'a Plan, roots_of_each: usize) -> Self {
        Self { plan, roots_of_each, known: HashMap::new() }
    }

    /// Returns the recorded content of a complete instance; empty if there is none.
    pub(super) fn get(&mut self, node: NodeIndex) -> Result<&Recorded, StoreError> {
        if !self.known.contains_key(&node) {
            let recorded = self.read(node)?.unwrap_or_default();
            self.known.insert(node, recorded);
        }
        Ok(&self.known[&node])
    }

    fn read(&self, node: NodeIndex) -> Result<Option<Recorded>, StoreError> {
        let (graph, verdicts) = (&self.plan.graph, &self.plan.verdicts);
        let status = verdicts.status(node);
        let is_there = status.is_complete() || status == Status::Evicted;
        if !is_there || graph.kind(node) != Kind::Made {
            return Ok(None);
        }
        Ok(match self.plan.output_record(node)? {
            Found::Record(record) if verdicts.digest(node) == Some(record.output.digest) => {
                Some(Recorded { meta: record.meta, seconds: Some(record.seconds) })
            }
            // The output was replaced or removed after the plan was made.
            _ => None,
        })
    }

    /// Returns the columns of metadata: first those of the roots, then those of the tasks upstream.
    ///
    /// A note names the tasks whose metadata has no column, if there are any.
    pub(super) fn metadata(
        &mut self,
        before: &[Filled],
    ) -> Result<(Vec<Filled>, Option<String>), Error> {
        let plan = self.plan;
        let graph = &plan.graph;
        let mut columns = Vec::new();
        let mut of_root: Option<TypeIndex> = None;
        if self.roots_of_each == 1 {
            let roots: Vec<_> = graph.roots.iter().map(|&root| Some(root)).collect();
            let task = graph.roots.first().map(|&root| graph.node(root).task);
            of_root = task;
            let taken: HashSet<&str> =
                before.iter().map(|(name, ..)| name.as_str()).chain(RESERVED).collect();
            let task = graph.roots.first().map(|&root| graph.task(root).decl.name.to_string());
            let metadata = self.metadata_of(&roots, str::to_owned)?.into_iter();
            columns.extend(metadata.map(|(meta, cells)| {
                let full = format!("{}.{meta}", task.as_deref().unwrap_or_default());
                let name = if taken.contains(meta.as_str()) { &full } else { &meta };
                (name.clone(), cells, Origin::Meta(vec![meta, full]))
            }));
        }
        let mut several = Vec::new();
        for (index, entry) in graph.types.all.iter().enumerate() {
            let index = index as TypeIndex;
            if entry.task.kind != Kind::Made || Some(index) == of_root {
                continue;
            }
            let each = instances_of_each(graph, index, self.roots_of_each);
            let one = |instances: &Instances| match instances {
                Instances::One(node) => Some(*node),
                Instances::None | Instances::Several => None,
            };
            let nodes: Vec<_> = each.iter().map(one).collect();
            let task = &entry.decl.name;
            // With several roots, the metadata of a root can also be referred to by its name alone.
            let is_root = graph.roots.iter().any(|&root| graph.node(root).task == index);
            columns.extend(self.metadata_of(&nodes, str::to_owned)?.into_iter().map(
                |(meta, cells)| {
                    let full = format!("{task}.{meta}");
                    let alone = is_root.then_some(meta);
                    (full.clone(), cells, Origin::Meta(alone.into_iter().chain([full]).collect()))
                },
            ));
            if each.contains(&Instances::Several) {
                let by_role = self.metadata_by_role(index)?;
                if by_role.is_empty() && self.has_metadata(index)? {
                    several.push(task.to_string());
                }
                let by_role = by_role.into_iter();
                columns.extend(by_role.map(|(name, cells)| {
                    let origin = Origin::Meta(vec![name.clone()]);
                    (name, cells, origin)
                }));
            }
        }
        if several.is_empty() {
            return Ok((columns, None));
        }
        let more = several.len().saturating_sub(LISTED);
        several.truncate(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let note = format!(
            "a variant has several instances of {}{more}: their metadata has no column",
            several.join(", ")
        );
        Ok((columns, Some(note)))
    }

    /// Returns a column for each name of metadata that one of these instances has recorded.
    fn metadata_of(
        &mut self,
        nodes: &[Option<NodeIndex>],
        name: impl Fn(&str) -> String,
    ) -> Result<Vec<(String, Vec<Cell>)>, Error> {
        let mut columns: BTreeMap<String, Vec<Cell>> = BTreeMap::new();
        for (row, node) in nodes.iter().enumerate() {
            let Some(node) = *node else { continue };
            // The results of expectations are no figures to compare.
            let meta = self.get(node)?.meta.iter().filter(|(of, _)| *of != EXPECTATIONS);
            for (of, value) in meta {
                let cells = columns.entry(of.clone());
                let cells = cells.or_insert_with(|| vec![Cell::Nothing; nodes.len()]);
                cells[row] = Cell::from(value);
            }
        }
        Ok(columns.into_iter().map(|(of, cells)| (name(&of), cells)).collect())
    }

    /// Returns the columns of a task that the root requires several times, by the names of the requirements.
    fn metadata_by_role(&mut self, task: TypeIndex) -> Result<Vec<(String, Vec<Cell>)>, Error> {
        if self.roots_of_each != 1 {
            return Ok(Vec::new());
        }
        let graph = &self.plan.graph;
        let mut roles: BTreeMap<&str, Vec<Option<NodeIndex>>> = BTreeMap::new();
        for (row, &root) in graph.roots.iter().enumerate() {
            let mut inputs = graph.inputs(root).iter();
            for (role, form, len) in graph.entries(root) {
                let mut of_entry = inputs.by_ref().take(*len as usize);
                let is_named = !role.is_empty() && matches!(form, Form::One | Form::Optional);
                let node = of_entry.by_ref().next();
                of_entry.for_each(drop);
                let node = node.filter(|&&node| is_named && graph.node(node).task == task);
                if let Some(&node) = node {
                    let nodes = roles.entry(role);
                    nodes.or_insert_with(|| vec![None; graph.roots.len()])[row] = Some(node);
                }
            }
        }
        let name = &graph.types.get(task).decl.name;
        let mut columns = Vec::new();
        for (role, nodes) in roles {
            columns.extend(self.metadata_of(&nodes, |meta| format!("{name}[{role}].{meta}"))?);
        }
        Ok(columns)
    }

    /// Returns whether a task records metadata, judged by one of its instances.
    fn has_metadata(&mut self, task: TypeIndex) -> Result<bool, Error> {
        let (graph, verdicts) = (&self.plan.graph, &self.plan.verdicts);
        let is_there = |node: &NodeIndex| {
            graph.node(*node).task == task && verdicts.status(*node).is_complete()
        };
        let node = graph.nodes().find(is_there);
        node.map_or(Ok(false), |node| Ok(self.get(node)?.meta.keys().any(|of| of != EXPECTATIONS)))
    }
}
