//! The parameters of the variants: which of them vary, and the names of their columns and of the variants.
//!
//! A parameter is `c` or, if one of another task that varies has the same name, `Fit.c`.

use std::collections::{BTreeMap, HashMap, HashSet};

use flow_core::Key;
use serde_json::Value;

use super::cell::Cell;
use super::table::{Column, Origin, Planned, RESERVED};
use crate::snapshot::State;

/// The longest value in the name of a variant, in characters.
const CLIPPED: usize = 48;

/// A row whose columns are not known yet.
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) label: String,
    pub(super) parameters: BTreeMap<String, Value>,
    pub(super) state: Option<State>,
    pub(super) seconds: Option<f64>,
}

impl Row {
    /// Returns the row of an instance without a record. `texts` are the names of the parameters that are texts in records: the
    /// text `4` is no number then.
    pub(super) fn of(planned: Planned, texts: &HashSet<String>) -> Self {
        let value = |name: &str, text: &str| match (text, serde_json::from_str(text)) {
            ("none", _) => Value::Null,
            (_, Ok(value @ Value::String(_))) => value,
            (_, Ok(value)) if !texts.contains(name) => value,
            _ => Value::from(text),
        };
        let parameters = planned.parameters.iter();
        let parameters = parameters.map(|(name, text)| (name.clone(), value(name, text)));
        Self {
            key: planned.key,
            parameters: parameters.collect(),
            label: planned.label,
            state: Some(planned.state),
            seconds: None,
        }
    }
}

/// Returns the names of the parameters that are texts in all of these rows, as far as they have a value.
pub(super) fn texts(rows: &[Row]) -> HashSet<String> {
    let mut names: BTreeMap<&str, bool> = BTreeMap::new();
    for (name, value) in rows.iter().flat_map(|row| &row.parameters) {
        if !value.is_null() {
            *names.entry(name).or_insert(true) &= value.is_string();
        }
    }
    let texts = names.into_iter().filter(|(_, is_text)| *is_text);
    texts.map(|(name, _)| name.to_owned()).collect()
}

/// Returns the columns of the parameters that vary, and the other parameters. The first `recorded` rows have all
/// parameters, the others may lack those that have their defaults.
pub(super) fn parameters(
    task: &str,
    rows: &[Row],
    recorded: usize,
) -> (Vec<Column>, Vec<(String, Cell)>) {
    let mut names: BTreeMap<&str, (&Value, usize, bool)> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        for (name, value) in &row.parameters {
            let (first, count, differs) = names.entry(name).or_insert((value, 0, false));
            *count += usize::from(place < recorded);
            *differs |= *first != value;
        }
    }
    let varies = |count: usize, differs: bool| differs || (0 < count && count < recorded);
    let short = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let mut same: HashMap<String, usize> = HashMap::new();
    for (name, (_, count, differs)) in &names {
        *same.entry(short(name)).or_default() += usize::from(varies(*count, *differs));
    }
    let (mut own, mut upstream, mut equal) = (Vec::new(), Vec::new(), Vec::new());
    for (name, (first, count, differs)) in names {
        if !varies(count, differs) {
            equal.push((name.to_owned(), Cell::from(first)));
            continue;
        }
        let is_own = !name.contains('.');
        let full = if is_own { format!("{task}.{name}") } else { name.to_owned() };
        let short = short(name);
        let is_free = same[&short] == 1 && !RESERVED.contains(&short.as_str());
        let cell = |row: &Row| row.parameters.get(name).map_or(Cell::Nothing, Cell::from);
        let column = Column {
            name: if is_free { short } else { full.clone() },
            aliases: vec![full],
            origin: Origin::Parameter,
            cells: rows.iter().map(cell).collect(),
        };
        if is_own { own.push(column) } else { upstream.push(column) }
    }
    own.append(&mut upstream);
    (own, equal)
}

/// Returns the name of a variant: its values of the parameters that vary.
pub(super) fn name(parameters: &[Column], row: usize, label: &str) -> String {
    let value = |column: &Column| {
        let text = column.cells[row].text();
        let clipped = match text.char_indices().nth(CLIPPED) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        format!("{}={clipped}", column.name)
    };
    let values = parameters.iter().filter(|column| !column.cells[row].is_nothing()).map(value);
    match values.collect::<Vec<_>>() {
        values if values.is_empty() => label.to_owned(),
        values => values.join(","),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(parameters: Value) -> Row {
        let key = "0".repeat(32).parse().expect("a key");
        let Value::Object(parameters) = parameters else { panic!("an object") };
        let parameters = parameters.into_iter().collect();
        Row { key, label: "Fit".to_owned(), parameters, state: None, seconds: None }
    }

    fn names(columns: &[Column]) -> Vec<&str> {
        columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn parameters_that_vary_have_columns_with_short_names() {
        let rows = [
            row(json!({"c": 0.1, "degree": 1, "Load.n": 5, "Clean.c": 1, "Load.status": 1})),
            row(json!({"c": 1.0, "degree": 1, "Load.n": 6, "Clean.c": 2, "Load.status": 2})),
        ];
        let (columns, equal) = parameters("Fit", &rows, 2);
        assert_eq!(names(&columns), ["Fit.c", "Clean.c", "n", "Load.status"]);
        assert_eq!(columns[2].aliases, ["Load.n"]);
        assert_eq!(equal, [("degree".to_owned(), Cell::Int(1))]);
        assert_eq!(name(&columns[..1], 0, "Fit"), "Fit.c=0.1");
        assert_eq!(name(&[], 0, "Fit {}"), "Fit {}");
    }

    #[test]
    fn a_text_of_digits_is_the_same_with_and_without_a_record() {
        let mut rows = vec![row(json!({"id": "4", "n": 4, "of": null}))];
        let parameters_of = [("id", "4"), ("n", "4"), ("of", "none")];
        let planned = Planned {
            key: "1".repeat(32).parse().expect("a key"),
            state: State::Pending,
            label: "Fit".to_owned(),
            parameters: parameters_of.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
        };
        let texts = texts(&rows);
        rows.push(Row::of(planned, &texts));
        let (columns, equal) = parameters("Fit", &rows, 1);
        assert!(columns.is_empty(), "{:?}", names(&columns));
        let expected = [
            ("id".to_owned(), Cell::Text("4".to_owned())),
            ("n".to_owned(), Cell::Int(4)),
            ("of".to_owned(), Cell::Nothing),
        ];
        assert_eq!(equal, expected);
    }

    #[test]
    fn a_parameter_that_only_some_records_have_varies() {
        let rows = [row(json!({"c": 1})), row(json!({"c": 1, "d": 2})), row(json!({}))];
        let (columns, equal) = parameters("Fit", &rows, 2);
        // The last row has no record, and may leave out what has its default.
        assert_eq!((names(&columns), equal), (vec!["d"], vec![("c".to_owned(), Cell::Int(1))]));
    }
}
