//! The table of the variants of a task.

use std::collections::{HashMap, HashSet};

use flow_core::Key;

use super::cell::Cell;
use super::metadata::{Metadata, add_metadata};
use super::parameters::{Row, name, parameters, texts};
use super::records::Records;
use crate::charts::Values;
use crate::snapshot::State;

/// The names of columns that no parameter and no metadata gets, as in the table of a sweep of the library.
pub(super) const RESERVED: [&str; 4] = ["variant", "status", "seconds", "failure"];

/// The number of parameters that have columns.
const PARAMETERS: usize = 30;

/// The word for the state of an instance that is not in the graph.
const STORED: &str = "stored";

/// The variants of a task.
pub(crate) struct Table {
    pub(crate) variants: Vec<Variant>,
    pub(crate) columns: Vec<Column>,
    /// The parameters that are equal in all variants.
    pub(crate) equal: Vec<(String, Cell)>,
    pub(crate) notes: Vec<String>,
}

/// A row of the table.
pub(crate) struct Variant {
    pub(crate) key: Key,
    /// The values that vary, such as `c=0.1,degree=2`, or the instance in one line if none do.
    pub(crate) name: String,
    /// The state in the present graph; `None` if it is not in the graph.
    pub(crate) state: Option<State>,
}

/// A column of the table.
pub(crate) struct Column {
    pub(crate) name: String,
    /// Other names that a filter may use.
    pub(super) aliases: Vec<String>,
    pub(crate) origin: Origin,
    /// A value for each variant.
    pub(crate) cells: Vec<Cell>,
}

/// The source of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// One of the columns that each table has.
    Own,
    Parameter,
    Metadata,
}

/// An instance of the present graph.
pub(crate) struct Planned {
    pub(crate) key: Key,
    pub(crate) state: State,
    /// The instance in one line.
    pub(crate) label: String,
    /// Its parameters, as far as they differ from their defaults or are its own.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Variant {
    /// Returns the word for the state.
    pub(crate) fn word(&self) -> &'static str {
        self.state.map_or(STORED, State::word)
    }

    /// Returns whether its values are not those of the present code and parameters, as far as is known.
    pub(crate) fn is_outdated(&self) -> bool {
        self.state.is_some_and(|state| state >= State::Pending)
    }
}

impl Column {
    /// Returns the values of some rows for a chart: numbers if all values are numbers.
    pub(crate) fn values(&self, rows: &[usize]) -> Values {
        let cells = || rows.iter().map(|row| &self.cells[*row]);
        if cells().all(|cell| cell.is_nothing() || cell.number().is_some()) {
            return Values::Numbers(cells().map(Cell::number).collect());
        }
        let word = |cell: &Cell| (!cell.is_nothing()).then(|| cell.text());
        Values::Words(cells().map(word).collect())
    }

    /// Returns the numbers of some rows, also if there are texts in others.
    pub(crate) fn numbers(&self, rows: &[usize]) -> Vec<Option<f64>> {
        rows.iter().map(|row| self.cells[*row].ranked()).collect()
    }

    /// Returns whether variants can be ranked by it.
    pub(crate) fn is_metric(&self) -> bool {
        self.origin != Origin::Parameter && self.cells.iter().any(|cell| cell.number().is_some())
    }
}

impl Table {
    /// Builds the table of the variants among some records. `states` has the states of the instances in the graph, `failures`
    /// the errors of those that failed, and `pending` those instances of the task that have no record.
    pub(crate) fn new(
        task: &str,
        records: &Records,
        states: &HashMap<Key, State>,
        failures: &HashMap<Key, String>,
        pending: Vec<Planned>,
    ) -> Self {
        let mut rows: Vec<_> = records.all[..records.variants]
            .iter()
            .map(|record| Row {
                key: record.key,
                label: record.label.clone(),
                parameters: record.parameters.clone(),
                state: states.get(&record.key).copied(),
                seconds: Some(record.seconds),
            })
            .collect();
        let texts = texts(&rows);
        rows.extend(pending.into_iter().map(|planned| Row::of(planned, &texts)));
        let (mut parameters, equal) = parameters(task, &rows, records.variants);
        let mut notes = Vec::new();
        if parameters.len() > PARAMETERS {
            notes.push(format!("{} more parameters vary", parameters.len() - PARAMETERS));
            parameters.truncate(PARAMETERS);
        }
        let variants: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(place, row)| Variant {
                key: row.key,
                name: name(&parameters, place, &row.label),
                state: row.state,
            })
            .collect();
        let own = |name: &str, cells| Column {
            name: name.to_owned(),
            aliases: Vec::new(),
            origin: Origin::Own,
            cells,
        };
        let names = variants.iter().map(|variant| Cell::Text(variant.name.clone())).collect();
        let words = variants.iter().map(|variant| Cell::Text(variant.word().to_owned())).collect();
        let seconds =
            rows.iter().map(|row| row.seconds.map_or(Cell::Nothing, Cell::Float)).collect();
        let mut columns = vec![own("variant", names)];
        columns.extend(parameters);
        columns.extend([own("status", words), own("seconds", seconds)]);
        add_metadata(task, Metadata::of(records), rows.len(), &mut columns, &mut notes);
        if !failures.is_empty() {
            let error =
                |row: &Row| failures.get(&row.key).cloned().map_or(Cell::Nothing, Cell::Text);
            columns.push(own("failure", rows.iter().map(error).collect()));
        }
        if records.outdated > 0 {
            notes.push(format!(
                "{} inputs have other outputs now than those that the variants were computed from: the metadata of these \
                 is not shown",
                records.outdated
            ));
        }
        if records.is_cut {
            notes.push(
                "the variants were computed from too many instances to read all their metadata"
                    .to_owned(),
            );
        }
        make_unique(&mut columns);
        Self { variants, columns, equal, notes }
    }

    /// Returns the column with a name: its own, or another one by which it may be referred to.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        let is_named = |column: &Column| column.name == name;
        let is_alias = |column: &Column| column.aliases.iter().any(|alias| alias == name);
        self.columns.iter().position(is_named).or_else(|| self.columns.iter().position(is_alias))
    }

    /// Returns all names of columns with their positions, the longest first.
    pub(super) fn names(&self) -> Vec<(&str, usize)> {
        let mut names = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            names.push((column.name.as_str(), place));
            names.extend(column.aliases.iter().map(|alias| (alias.as_str(), place)));
        }
        // The sort is stable, so that a column's own name comes before an equal one of another column.
        names.sort_by_key(|(name, place)| {
            (std::cmp::Reverse(name.len()), self.columns[*place].name != *name)
        });
        names
    }

    /// Returns the columns of this origin.
    pub(crate) fn of(&self, origin: Origin) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |column| column.origin == origin)
    }

    /// Returns the columns by which variants can be ranked: first metadata, then the duration.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = &Column> {
        self.of(Origin::Metadata).chain(self.of(Origin::Own)).filter(|column| column.is_metric())
    }
}

/// Gives the second of two columns with the same name a number.
fn make_unique(columns: &mut [Column]) {
    let mut names = HashSet::new();
    for column in columns {
        let mut number = 1;
        let name = column.name.clone();
        while !names.insert(column.name.clone()) {
            number += 1;
            column.name = format!("{name}#{number}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::sweep::metadata::METADATA;
    use crate::sweep::records::Recorded;
    use crate::sweep::{Filter, best};

    fn entries(entries: &[(&str, Value)]) -> BTreeMap<String, Value> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn table(all: Vec<Recorded>) -> Table {
        let variants = all.len();
        let records = Records { all, variants, outdated: 0, is_cut: false };
        Table::new("Fit", &records, &HashMap::new(), &HashMap::new(), Vec::new())
    }

    fn names(table: &Table) -> Vec<&str> {
        table.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn metadata_with_the_name_of_another_column_has_the_name_of_the_task() {
        let of = |key: usize| {
            let metadata =
                entries(&[("c", json!(key)), ("status", json!("ok")), ("loss", json!(1))]);
            Recorded::of_test(key, entries(&[("c", json!(key))]), metadata)
        };
        let table = table(vec![of(1), of(2)]);
        let expected = ["variant", "c", "status", "seconds", "Fit.c", "loss", "Fit.status"];
        assert_eq!(names(&table), expected);
        assert_eq!((table.column("Fit.c"), table.column("Fit.loss")), (Some(4), Some(5)));
        assert_eq!(table.variants[1].name, "c=2");
    }

    #[test]
    fn ten_thousand_variants_with_names_of_their_own_have_a_bounded_table() {
        let of = |key: usize| {
            let own = format!("only in {key}");
            let metadata = entries(&[("loss", json!(key)), (own.as_str(), json!(1))]);
            Recorded::of_test(key, entries(&[("c", json!(key as f64 / 8.0))]), metadata)
        };
        let table = table((0..10_000).map(of).collect());
        assert_eq!((table.variants.len(), table.columns.len()), (10_000, 4 + METADATA));
        assert!(table.column("loss").is_some() && table.notes[0].starts_with("9941 more entries"));
        let filter = Filter::parse("c >= 1000", &table);
        let rows: Vec<_> = (0..10_000).filter(|row| filter.fits(&table, *row)).collect();
        assert_eq!(rows.len(), 2_000);
        let loss = &table.columns[table.column("loss").expect("a column")];
        let found = best(&table, loss, &rows, false).expect("numbers");
        assert_eq!(
            (found.row, found.value, found.compared, found.left_out),
            (8_000, 8_000.0, 2_000, 0)
        );
    }
}
