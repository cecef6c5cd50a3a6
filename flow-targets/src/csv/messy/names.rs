//! The names of columns: cleaned, renamed, and unique.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::grid::GridLine;
use super::options::Options;
use super::report::Steps;

/// Returns the names of the columns of a file, and `None` for each column without one.
///
/// # Errors
///
/// Two columns have the same name, and they are not to be numbered.
pub(super) fn names(
    header: &[GridLine],
    options: &Options,
    steps: &mut Steps,
) -> Result<Vec<Option<String>>> {
    let width = header.iter().map(|line| line.cells.len()).max().unwrap_or_default();
    let mut names: Vec<Option<String>> = Vec::with_capacity(width);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for column in 0..width {
        let Some(written) = written(header, column) else {
            names.push(None);
            continue;
        };
        let name = options.renamed(&written).into_owned();
        if name.is_empty() {
            names.push(None);
            continue;
        }
        if name != written {
            steps.add(format!("column `{written}` is called `{name}`"));
        }
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        names.push(Some(name));
    }
    let twice = counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name);
    let twice: BTreeSet<String> = twice.collect();
    if let Some(name) = twice.first() {
        if !options.number_duplicates {
            bail!(
                "columns {} are called `{name}`; set `number_duplicates = true` to call them `{name}`, \
                 `{name}_2` and so on",
                places(&names, name),
            );
        }
        number(&mut names, &twice, steps);
    }
    Ok(names)
}

/// Returns the name of a column as it is written, without blanks at its ends, if it has one.
///
/// The parts of a name in several lines are joined, each once: a merged cell fills several lines.
fn written(header: &[GridLine], column: usize) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for cell in header.iter().filter_map(|line| line.cells.get(column)) {
        let words: Vec<_> = cell.text.split(is_blank).filter(|word| !word.is_empty()).collect();
        let part = words.join(" ");
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Returns whether a character is blank, or invisible as a byte order mark is.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}')
}

/// Returns the numbers of the columns with a name, from 1, for an error.
fn places(names: &[Option<String>], name: &str) -> String {
    let has_name = |(_, other): &(usize, &Option<String>)| other.as_deref() == Some(name);
    let places = names.iter().enumerate().filter(has_name);
    let places: Vec<_> = places.map(|(i, _)| (i + 1).to_string()).collect();
    match places.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => places.join(", "),
    }
}

/// Numbers all columns but the first of each name in `twice`.
fn number(names: &mut [Option<String>], twice: &BTreeSet<String>, steps: &mut Steps) {
    let mut taken: BTreeSet<String> = names.iter().flatten().cloned().collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (i, name) in names.iter_mut().enumerate() {
        let Some(old) = name.as_ref().filter(|name| twice.contains(*name)).cloned() else {
            continue;
        };
        if seen.insert(old.clone()) {
            continue; // The first one keeps its name.
        }
        let numbered = (2..).map(|n| format!("{old}_{n}")).find(|new| !taken.contains(new));
        let new = numbered.unwrap_or_else(|| old.clone());
        steps.add(format!("column {}, another `{old}`, is called `{new}`", i + 1));
        taken.insert(new.clone());
        *name = Some(new);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::csv::messy::grid::RawCell;

    fn of(header: &[&[&str]], options: &Options) -> Result<(Vec<String>, Vec<String>), String> {
        let line = |cells: &&[&str]| GridLine {
            cells: cells.iter().map(|cell| RawCell::written(*cell)).collect(),
            ..GridLine::default()
        };
        let lines: Vec<_> = header.iter().map(line).collect();
        let mut steps = Steps::default();
        let names = names(&lines, options, &mut steps).map_err(|error| error.to_string())?;
        Ok((names.into_iter().map(Option::unwrap_or_default).collect(), steps.into_texts()))
    }

    #[test]
    fn blanks_are_removed_and_parts_are_joined() {
        let (names, steps) = of(
            &[&["\u{feff}id", "2023", "2023", ""], &["id", " Q1\n", "Q2", " "]],
            &Options::default(),
        )
        .unwrap();
        assert_eq!(names, ["id", "2023 Q1", "2023 Q2", ""]);
        assert!(steps.is_empty(), "{steps:?}");
    }

    #[test]
    fn columns_of_one_name_are_an_error_unless_they_are_numbered() {
        let header: &[&[&str]] = &[&["x", "y", "x", "x_2", "x"]];
        let error = of(header, &Options::default()).unwrap_err();
        assert!(error.starts_with("columns 1, 3 and 5 are called `x`; set"), "{error}");
        let options = Options { number_duplicates: true, ..Options::default() };
        let (names, steps) = of(header, &options).unwrap();
        assert_eq!(names, ["x", "y", "x_3", "x_2", "x_4"]);
        assert_eq!(steps[0], "column 3, another `x`, is called `x_3`");
    }
}
