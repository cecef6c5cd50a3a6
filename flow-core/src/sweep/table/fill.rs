//! Fills a table from a plan of all variants and the records of their complete instances.
//!
//! A table has columns for parameters, reserved columns (name, status, seconds, failure), and columns for metadata.
//! Metadata of a task upstream has a value for a variant with one instance of the task, or if the root requires
//! the instance by a name: several instances have no single value. The instances of all variants are found by one
//! pass over the graph per task, and only the records of these instances are read.

use std::collections::{BTreeMap, HashMap, HashSet};

use daggy::NodeIndex;

use super::super::Sweep;
use super::super::name::{Given, Names};
use super::super::space::{Variant, Variants};
use super::super::upstream::{Instances, gather, instances_of_each};
use super::cell::{self, Cell};
use super::{Origin, Table, TableColumn};
use crate::base::error::StoreError;
use crate::flow::Roots;
use crate::flow::error::Error;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::plan::param_value::param_value;
use crate::plan::reason::Reason;
use crate::plan::types::TypeIndex;
use crate::plan::verdicts::Status;
use crate::store::Found;
use crate::store::record::Meta;
use crate::task::param::{ParamId, full_name};
use crate::task::requirement::Form;
use crate::task::{Kind, TaskType};
use crate::value::{Value, first_line};

/// Reserved column names, which no parameter and no metadata gets, because programs look them up.
const RESERVED: [&str; 4] = ["variant", "status", "seconds", "failure"];

/// The most tasks, or pairs of variants, that the notes name.
const LISTED: usize = 5;

impl<R: Roots> Sweep<R> {
    /// Returns a table with a row for each variant: its parameters, status, and recorded metadata.
    ///
    /// Nothing runs: the cells of instances that are not complete are empty.
    ///
    /// # Errors
    ///
    /// The sweep or the flow is invalid, or the store cannot be read.
    pub fn table(&self) -> Result<Table, Error> {
        let variants = self.variants()?;
        let plan = self.flow.as_is(&self.roots()?)?;
        let mut filling = Filling {
            plan: &plan,
            variants,
            roots_of_each: R::types().len(),
            records: HashMap::new(),
            notes: Vec::new(),
        };
        let columns = filling.columns()?;
        let mut notes = filling.same_instances();
        notes.extend(filling.notes);
        Ok(Table { columns, rows: variants.list.len(), notes })
    }
}

/// A column that is being filled: its name, which may still get a number, its cells, and its origin.
type Filled = (String, Vec<Cell>, Origin);

/// A table that is being filled.
struct Filling<'a> {
    plan: &'a Plan,
    variants: &'a Variants,
    roots_of_each: usize,
    /// The contents of the records that were read so far.
    records: HashMap<NodeIndex, Recorded>,
    notes: Vec<String>,
}

/// The content of a record that the table shows.
#[derive(Clone, Default)]
struct Recorded {
    meta: Meta,
    seconds: Option<f64>,
}

impl Filling<'_> {
    fn columns(&mut self) -> Result<Vec<TableColumn>, Error> {
        let rows = || self.variants.list.iter();
        let names: Vec<_> = rows().map(|variant| Cell::Text(variant.name.clone())).collect();
        let errors = self.errors();
        let mut columns = vec![("variant".to_owned(), names, Origin::Own)];
        columns.extend(self.parameters());
        columns.push(("status".to_owned(), self.statuses(&errors), Origin::Own));
        columns.push(("seconds".to_owned(), self.seconds()?, Origin::Own));
        columns.extend(self.metadata(&columns)?);
        if errors.iter().any(|error| *error != Cell::Nothing) {
            columns.push(("failure".to_owned(), errors, Origin::Own));
        }
        let mut names = Names::new(std::iter::empty());
        let column = |(name, cells, origin)| TableColumn {
            name: names.unique(name),
            cells: cell::column(cells),
            origin,
        };
        Ok(columns.into_iter().map(column).collect())
    }

    fn roots(&self) -> impl Iterator<Item = &[NodeIndex]> {
        self.plan.graph.roots.chunks(self.roots_of_each)
    }

    fn index(&self, task: &TaskType) -> Option<TypeIndex> {
        self.plan.graph.types.find((task.id)())
    }

    /// Returns a column for each parameter that any variant sets.
    ///
    /// A variant that does not set the parameter has the value of its instances, if they have only one.
    fn parameters(&self) -> Vec<Filled> {
        let mut columns = Vec::with_capacity(self.variants.labels.all.len());
        for (given, label) in &self.variants.labels.all {
            let (name, cells) = match given {
                Given::Named(name) if RESERVED.contains(&name.as_str()) => {
                    (format!("{name}#2"), self.named(name))
                }
                Given::Named(name) => (label.clone(), self.named(name)),
                Given::Typed(task, place) if RESERVED.contains(&label.as_str()) => {
                    (full_name(task, *place), self.typed(task, *place))
                }
                Given::Typed(task, place) => (label.clone(), self.typed(task, *place)),
            };
            columns.push((name, cells, Origin::Parameter(given.constant())));
        }
        columns
    }

    fn named(&self, name: &str) -> Vec<Cell> {
        let cell = |variant: &Variant| match variant.setting.named.get(name) {
            Some(Ok(value)) => Cell::from(value),
            _ => Cell::Nothing,
        };
        self.variants.list.iter().map(cell).collect()
    }

    fn typed(&self, task: &'static TaskType, place: usize) -> Vec<Cell> {
        let key = ParamId::new(task, place);
        let given = |variant: &Variant| {
            let value = variant.setting.typed(key)?;
            Some(self.value(task, place, &**value))
        };
        let cells: Vec<_> = self.variants.list.iter().map(given).collect();
        if cells.iter().all(Option::is_some) {
            return cells.into_iter().flatten().collect();
        }
        // Instances with equal values are represented by one of them.
        let graph = &self.plan.graph;
        let index = self.index(task);
        let mut values: HashMap<Value, NodeIndex> = HashMap::new();
        let has = gather(graph, self.roots_of_each, |node| {
            (Some(graph.node(node).task) == index).then_some(())?;
            let value = param_value("", &task.params[place], graph.field(node, place)).ok()?;
            Some(*values.entry(value).or_insert(node))
        });
        let cell = |(given, has): (Option<Cell>, Instances)| match (given, has) {
            (Some(given), _) => given,
            (None, Instances::One(node)) => self.value(task, place, graph.field(node, place)),
            (None, Instances::None | Instances::Several) => Cell::Nothing,
        };
        cells.into_iter().zip(has).map(cell).collect()
    }

    fn value(&self, task: &TaskType, place: usize, value: &dyn std::any::Any) -> Cell {
        // A value that cannot be converted has no key, and was an error of the plan.
        param_value("", &task.params[place], value).as_ref().map_or(Cell::Nothing, Cell::from)
    }

    /// Returns for each variant why it failed: the error of its root, or of the first failed instance upstream.
    fn errors(&self) -> Vec<Cell> {
        let (graph, verdicts) = (&self.plan.graph, &self.plan.verdicts);
        let mut failed: Vec<Option<NodeIndex>> = Vec::with_capacity(graph.len());
        let error = |node| {
            verdicts.reasons(node).iter().find_map(|reason| match reason {
                Reason::FailedLastTime { error, .. } => Some(error.as_str()),
                _ => None,
            })
        };
        for node in graph.nodes() {
            let is_open = matches!(verdicts.status(node), Status::Pending);
            let own = error(node).map(|_| node);
            let upstream = || graph.inputs(node).iter().find_map(|input| failed[input.index()]);
            failed.push(if is_open { own.or_else(upstream) } else { None });
        }
        let of_roots = |roots: &[NodeIndex]| {
            let Some(failed) = roots.iter().find_map(|root| failed[root.index()]) else {
                return Cell::Nothing;
            };
            let error = error(failed).unwrap_or_default();
            Cell::Text(match roots.contains(&failed) {
                true => error.to_owned(),
                false => format!("{}: {error}", graph.label(failed, Show::Clipped)),
            })
        };
        self.roots().map(of_roots).collect()
    }

    fn statuses(&self, errors: &[Cell]) -> Vec<Cell> {
        let status = |(roots, error): (&[NodeIndex], &Cell)| {
            let is_complete = |&root: &NodeIndex| {
                let status = self.plan.verdicts.status(root);
                status.is_complete() || status == Status::Evicted
            };
            let word = match (roots.iter().all(is_complete), error) {
                (true, _) => "complete",
                (false, Cell::Nothing) => "pending",
                (false, _) => "failed",
            };
            Cell::Text(word.to_owned())
        };
        self.roots().zip(errors).map(status).collect()
    }

    fn seconds(&mut self) -> Result<Vec<Cell>, Error> {
        let plan = self.plan;
        let mut cells = Vec::with_capacity(self.variants.list.len());
        for roots in plan.graph.roots.chunks(self.roots_of_each) {
            let mut seconds = None;
            for &root in roots {
                if let Some(more) = self.recorded(root)?.seconds {
                    seconds = Some(seconds.unwrap_or(0.0) + more);
                }
            }
            cells.push(seconds.map_or(Cell::Nothing, Cell::Float));
        }
        Ok(cells)
    }

    /// Returns the recorded content of a complete instance; empty if there is none.
    fn recorded(&mut self, node: NodeIndex) -> Result<&Recorded, StoreError> {
        if !self.records.contains_key(&node) {
            let recorded = self.read(node)?.unwrap_or_default();
            self.records.insert(node, recorded);
        }
        Ok(&self.records[&node])
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
    fn metadata(&mut self, before: &[Filled]) -> Result<Vec<Filled>, Error> {
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
        if !several.is_empty() {
            let more = several.len().saturating_sub(LISTED);
            several.truncate(LISTED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            self.notes.push(format!(
                "a variant has several instances of {}{more}: their metadata has no column",
                several.join(", ")
            ));
        }
        Ok(columns)
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
            for (of, value) in &self.recorded(node)?.meta {
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
        node.map_or(Ok(false), |node| Ok(!self.recorded(node)?.meta.is_empty()))
    }

    /// Returns notes about variants that have the same roots as another one.
    fn same_instances(&self) -> Vec<String> {
        let mut first: HashMap<&[NodeIndex], &str> = HashMap::new();
        let mut notes = Vec::new();
        let mut count = 0;
        for (roots, variant) in self.roots().zip(&self.variants.list) {
            let name = variant.name.as_str();
            let of = *first.entry(roots).or_insert(name);
            if of != name {
                count += 1;
                if count <= LISTED {
                    let (name, of) = (first_line(name), first_line(of));
                    notes.push(format!("`{name}` is the same instance as `{of}`"));
                }
            }
        }
        if count > LISTED {
            notes.push(format!("{} more variants are the same as others", count - LISTED));
        }
        notes
    }
}
