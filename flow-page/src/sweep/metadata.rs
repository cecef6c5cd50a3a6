//! The metadata of the variants and of the tasks upstream.
//!
//! As in the table of a sweep of the library, metadata of a task upstream has a value for a variant that has one instance
//! of it, under the name `Train.accuracy`. Of several instances, those that the variant requires by a name have one:
//! `Train[ols].accuracy`. One pass over all records finds the instances of all tasks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::cell::Cell;
use super::records::{Input, Records};
use super::table::{Column, Origin, RESERVED};

/// The number of entries that have columns: those that most variants have.
pub(super) const METADATA: usize = 60;

/// The number of tasks upstream whose metadata has columns.
const TASKS: usize = 50;

/// The entry with the results of expectations, which are no values to compare.
const EXPECTATIONS: &str = "expectations";

/// The instances of a task upstream of a record, itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instances {
    None,
    One(usize),
    Several,
}

impl Instances {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, other) | (other, Self::None) => other,
            (Self::One(a), Self::One(b)) if a == b => self,
            _ => Self::Several,
        }
    }
}

/// The metadata of all variants: for each name, the rows that have a value.
#[derive(Default)]
pub(super) struct Metadata {
    /// Metadata of the variants themselves, by its name.
    pub(super) own: BTreeMap<String, Vec<(usize, Cell)>>,
    /// That of tasks upstream, by names such as `Train.accuracy`.
    pub(super) upstream: BTreeMap<String, Vec<(usize, Cell)>>,
    /// The tasks whose metadata has no column, because a variant has several instances of them.
    pub(super) several: Vec<String>,
}

impl Metadata {
    /// Gathers the metadata of some records.
    pub(super) fn of(records: &Records) -> Self {
        let mut metadata = Self::default();
        for (row, record) in records.all.iter().take(records.variants).enumerate() {
            for (name, value) in entries(&record.metadata) {
                add(&mut metadata.own, name.clone(), row, value);
            }
        }
        metadata.add_upstream(records);
        metadata
    }

    fn add_upstream(&mut self, records: &Records) {
        let own = records.all.first().map(|record| record.task.as_str());
        let mut tasks: HashMap<&str, usize> = HashMap::new();
        for record in &records.all[records.variants..] {
            let task = record.task.as_str();
            let has_metadata = entries(&record.metadata).next().is_some();
            if has_metadata && Some(task) != own && tasks.len() < TASKS {
                let next = tasks.len();
                tasks.entry(task).or_insert(next);
            }
        }
        let upstream = upstream(records, &tasks);
        for (&task, &index) in &tasks {
            let mut has_several = false;
            let mut has_role = false;
            for row in 0..records.variants {
                match upstream[row * tasks.len() + index] {
                    Instances::None => {}
                    Instances::One(place) => {
                        for (name, value) in entries(&records.all[place].metadata) {
                            add(&mut self.upstream, format!("{task}.{name}"), row, value);
                        }
                    }
                    Instances::Several => {
                        has_several = true;
                        has_role |= self.add_roles(records, row, task);
                    }
                }
            }
            if has_several && !has_role {
                self.several.push(task.to_owned());
            }
        }
        self.several.sort();
    }

    /// Adds the metadata of the instances that a variant requires by a name. Returns whether there are any.
    fn add_roles(&mut self, records: &Records, row: usize, task: &str) -> bool {
        let mut has_role = false;
        for input in records.all[row].inputs.iter().filter(|input| is_named(input)) {
            let record = input.place.map(|place| &records.all[place]);
            for record in record.into_iter().filter(|record| record.task == task) {
                has_role = true;
                for (name, value) in entries(&record.metadata) {
                    let name = format!("{task}[{}].{name}", input.role);
                    add(&mut self.upstream, name, row, value);
                }
            }
        }
        has_role
    }
}

/// Returns for each variant and each of these tasks, by its index, the instances of the task upstream of the variant.
fn upstream(records: &Records, tasks: &HashMap<&str, usize>) -> Vec<Instances> {
    let count = tasks.len();
    let mut all = vec![Instances::None; records.all.len() * count];
    for place in records.upstream_first() {
        let record = &records.all[place];
        for input in record.inputs.iter().filter_map(|input| input.place) {
            for task in 0..count {
                let joined = all[place * count + task].and(all[input * count + task]);
                all[place * count + task] = joined;
            }
        }
        if let Some(task) = tasks.get(record.task.as_str()) {
            let own = &mut all[place * count + task];
            *own = own.and(Instances::One(place));
        }
    }
    all
}

/// Returns whether an input is required by a name, and is not an item of a list or map.
fn is_named(input: &Input) -> bool {
    let is_index = input.role.bytes().all(|byte| byte.is_ascii_digit());
    !is_index && !input.role.contains('[')
}

fn entries(metadata: &BTreeMap<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    metadata.iter().filter(|(name, _)| *name != EXPECTATIONS)
}

fn add(
    columns: &mut BTreeMap<String, Vec<(usize, Cell)>>,
    name: String,
    row: usize,
    value: &Value,
) {
    columns.entry(name).or_default().push((row, Cell::from(value)));
}

/// Adds the columns of metadata: first those of the task, then those of the tasks upstream.
pub(super) fn add_metadata(
    task: &str,
    metadata: Metadata,
    rows: usize,
    columns: &mut Vec<Column>,
    notes: &mut Vec<String>,
) {
    let taken: HashSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    let own = metadata.own.into_iter().map(|(name, cells)| {
        let full = format!("{task}.{name}");
        let is_taken = taken.contains(&name) || RESERVED.contains(&name.as_str());
        (if is_taken { full.clone() } else { name.clone() }, vec![name, full], cells)
    });
    let upstream = metadata.upstream.into_iter().map(|(name, cells)| (name, Vec::new(), cells));
    let mut all: Vec<_> = own.chain(upstream).collect();
    if all.len() > METADATA {
        notes.push(format!("{} more entries of metadata have no column", all.len() - METADATA));
        // The sort is stable: of names that equally many variants have, the first ones stay.
        all.sort_by_key(|(_, _, cells)| Reverse(cells.len()));
        all.truncate(METADATA);
    }
    for (name, aliases, found) in all {
        let mut cells = vec![Cell::Nothing; rows];
        for (row, cell) in found {
            cells[row] = cell;
        }
        columns.push(Column { name, aliases, origin: Origin::Metadata, cells });
    }
    if !metadata.several.is_empty() {
        notes.push(format!(
            "a variant has several instances of {}: their metadata has no column",
            metadata.several.join(", ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sweep::records::Recorded;

    fn record(task: &str, name: &str, value: u64, inputs: &[(&str, usize)]) -> Recorded {
        let metadata = BTreeMap::from([(name.to_owned(), json!(value))]);
        let mut record = Recorded::of_test(0, BTreeMap::new(), metadata);
        record.task = task.to_owned();
        record.inputs = inputs.iter().map(|(role, place)| Input::of_test(role, *place)).collect();
        record
    }

    /// Two variants: the first requires two instances of `Train`, the second one of them.
    fn gathered(roles: [&str; 2]) -> Metadata {
        let all = vec![
            record("Fit", "loss", 1, &[(roles[0], 2), (roles[1], 3)]),
            record("Fit", "expectations", 2, &[(roles[0], 2)]),
            record("Train", "accuracy", 3, &[("", 4)]),
            record("Train", "accuracy", 4, &[("", 4)]),
            record("Load", "rows", 5, &[]),
        ];
        Metadata::of(&Records { all, variants: 2, outdated: 0, is_cut: false })
    }

    fn upstream_of(metadata: &Metadata) -> Vec<(&str, Vec<(usize, Cell)>)> {
        metadata.upstream.iter().map(|(name, cells)| (name.as_str(), cells.clone())).collect()
    }

    #[test]
    fn metadata_of_one_instance_upstream_has_a_column_and_that_of_named_ones() {
        let metadata = gathered(["ols", "gbm"]);
        assert_eq!(metadata.own.keys().collect::<Vec<_>>(), ["loss"]);
        let expected = [
            ("Load.rows", vec![(0, Cell::Int(5)), (1, Cell::Int(5))]),
            ("Train.accuracy", vec![(1, Cell::Int(3))]),
            ("Train[gbm].accuracy", vec![(0, Cell::Int(4))]),
            ("Train[ols].accuracy", vec![(0, Cell::Int(3))]),
        ];
        assert_eq!(upstream_of(&metadata), expected);
        assert!(metadata.several.is_empty());
    }

    #[test]
    fn a_task_with_several_instances_without_names_has_no_column() {
        let metadata = gathered(["0", "1"]);
        let names: Vec<_> = upstream_of(&metadata).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Load.rows", "Train.accuracy"]);
        assert_eq!(metadata.several, ["Train"]);
    }
}
