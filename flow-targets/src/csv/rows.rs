//! Rows of a struct, to lines and back.

use std::any::type_name;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cells::{CellReader, CellWriter};
use super::deserialize::{Line, field_names};
use super::options::Options;
use super::serialize::{Names, Row, RowWriter};

pub(super) fn write<R: Serialize + DeserializeOwned>(
    rows: &[R],
    options: &Options,
    cells: &mut CellWriter<'_, '_>,
) -> Result<()> {
    let Some(first) = rows.first() else {
        // Without a row only the type says what the columns are called, if it is a plain struct.
        return match field_names::<R>().filter(|_| options.header) {
            Some(names) => write_names(names, cells),
            None => Ok(()),
        };
    };
    let at = |i: usize| format!("row {i}, a `{}`", type_name::<R>());
    let mut names = Names::default();
    first.serialize(Row(&mut names)).with_context(|| at(0))?;
    let names = names.0;
    ensure!(!names.is_empty(), "{}: it has no fields", at(0));
    if options.header {
        write_names(&names, cells)?;
    }
    for (i, row) in rows.iter().enumerate() {
        row.serialize(Row(&mut RowWriter::new(cells, &names))).with_context(|| at(i))?;
        cells.end_line()?;
    }
    Ok(())
}

fn write_names<S: AsRef<str>>(names: &[S], cells: &mut CellWriter<'_, '_>) -> Result<()> {
    names.iter().try_for_each(|name| cells.name(name.as_ref()))?;
    cells.end_line()
}

pub(super) fn read<R: DeserializeOwned>(
    options: &Options,
    cells: &mut CellReader<'_>,
) -> Result<Vec<R>> {
    let mut line = Vec::new();
    let mut names = None;
    if options.header {
        if cells.read(&mut line)? {
            names =
                Some(line.iter().map(|cell| cell.text.clone().into_owned()).collect::<Vec<_>>());
        } else {
            let unnamed = field_names::<R>().is_none();
            ensure!(unnamed, "the file is empty, without the names of the columns");
        }
    }
    let mut rows = Vec::new();
    while cells.read(&mut line)? {
        let row = R::deserialize(Line::new(names.as_deref(), &line))
            .with_context(|| format!("line {}, as `{}`", cells.line(), type_name::<R>()))?;
        rows.push(row);
    }
    Ok(rows)
}
