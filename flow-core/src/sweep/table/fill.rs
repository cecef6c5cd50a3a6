//! Fills a table from a plan of all variants and the records of their complete instances.
//!
//! A table has columns for parameters, reserved columns (name, status, seconds, failure), and columns for metadata,
//! which follow from the [`records`](super::records).

use std::collections::HashMap;

use daggy::NodeIndex;

use super::super::Sweep;
use super::super::name::{Given, Names};
use super::super::space::{Variant, Variants};
use super::super::upstream::{Instances, gather};
use super::cell::{self, Cell};
use super::records::Records;
use super::{Origin, Table, TableColumn};
use crate::flow::error::Error;
use crate::plan::Plan;
use crate::plan::label::Show;
use crate::plan::param_value::param_value;
use crate::plan::reason::Reason;
use crate::plan::types::TypeIndex;
use crate::plan::verdicts::Status;
use crate::task::TaskType;
use crate::task::param::{ParamId, full_name};
use crate::value::{Value, first_line};

/// Reserved column names, which no parameter and no metadata gets, because programs look them up.
pub(super) const RESERVED: [&str; 4] = ["variant", "status", "seconds", "failure"];

/// The most tasks, or pairs of variants, that the notes name.
pub(super) const LISTED: usize = 5;

impl<R> Sweep<R> {
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
            roots_of_each: self.tasks.len(),
            records: Records::new(&plan, self.tasks.len()),
            note: None,
        };
        let columns = filling.columns()?;
        let mut notes = filling.same_instances();
        notes.extend(filling.note);
        Ok(Table { columns, rows: variants.list.len(), notes })
    }
}

/// A column that is being filled: its name, which may still get a number, its cells, and its origin.
pub(super) type Filled = (String, Vec<Cell>, Origin);

/// A table that is being filled.
struct Filling<'a> {
    plan: &'a Plan,
    variants: &'a Variants,
    roots_of_each: usize,
    records: Records<'a>,
    /// The note about metadata that has no column.
    note: Option<String>,
}

/// Why a variant is not complete: an instance has failed.
struct Failure {
    /// The error, after the instance if that is upstream of the roots.
    text: String,
    /// Whether a root has failed. Otherwise the roots were not run.
    is_of_root: bool,
}

impl Filling<'_> {
    fn columns(&mut self) -> Result<Vec<TableColumn>, Error> {
        let rows = || self.variants.list.iter();
        let names: Vec<_> = rows().map(|variant| Cell::Text(variant.name.clone())).collect();
        let failures = self.failures();
        let mut columns = vec![("variant".to_owned(), names, Origin::Own)];
        columns.extend(self.parameters());
        columns.push(("status".to_owned(), self.statuses(&failures), Origin::Own));
        columns.push(("seconds".to_owned(), self.seconds()?, Origin::Own));
        let (metadata, note) = self.records.metadata(&columns)?;
        columns.extend(metadata);
        self.note = note;
        if failures.iter().any(Option::is_some) {
            let cell = |failure: Option<Failure>| match failure {
                Some(Failure { text, .. }) => Cell::Text(text),
                None => Cell::Nothing,
            };
            let cells = failures.into_iter().map(cell).collect();
            columns.push(("failure".to_owned(), cells, Origin::Own));
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

    /// Returns for each variant why it is not complete, if a root or an instance upstream has failed.
    fn failures(&self) -> Vec<Option<Failure>> {
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
            let of_each: Vec<_> = roots.iter().filter_map(|root| failed[root.index()]).collect();
            // As in a summary, a root that has failed counts more than one that was not run.
            let own = of_each.iter().find(|failed| roots.contains(failed));
            let failed = *own.or(of_each.first())?;
            let error = error(failed).unwrap_or_default();
            let is_of_root = roots.contains(&failed);
            let text = match is_of_root {
                true => error.to_owned(),
                false => format!("{}: {error}", graph.label(failed, Show::Clipped)),
            };
            Some(Failure { text, is_of_root })
        };
        self.roots().map(of_roots).collect()
    }

    fn statuses(&self, failures: &[Option<Failure>]) -> Vec<Cell> {
        let status = |(roots, failure): (&[NodeIndex], &Option<Failure>)| {
            let is_complete = |&root: &NodeIndex| {
                let status = self.plan.verdicts.status(root);
                status.is_complete() || status == Status::Evicted
            };
            let word = match (roots.iter().all(is_complete), failure) {
                (true, _) => "complete",
                (false, None) => "pending",
                (false, Some(Failure { is_of_root: true, .. })) => "failed",
                (false, Some(_)) => "not run",
            };
            Cell::Text(word.to_owned())
        };
        self.roots().zip(failures).map(status).collect()
    }

    fn seconds(&mut self) -> Result<Vec<Cell>, Error> {
        let plan = self.plan;
        let mut cells = Vec::with_capacity(self.variants.list.len());
        for roots in plan.graph.roots.chunks(self.roots_of_each) {
            let mut seconds = None;
            for &root in roots {
                if let Some(more) = self.records.get(root)?.seconds {
                    seconds = Some(seconds.unwrap_or(0.0) + more);
                }
            }
            cells.push(seconds.map_or(Cell::Nothing, Cell::Float));
        }
        Ok(cells)
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
