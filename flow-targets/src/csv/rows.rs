//! Converts rows of a struct to lines, and lines to rows.

use std::any::type_name;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::absent::Check;
use super::content::Content;
use super::deserialize::field_names;
use super::line::Line;
use super::options::Options;
use super::serialize::{Names, Row, RowWriter};
use super::write::CellWriter;
use crate::absent::Columns;
use crate::ordered::Ordered;
use crate::strict;

/// How many lines are scanned at a time.
const LINES: usize = 8192;

pub(super) fn write<R: Serialize + DeserializeOwned>(
    rows: &[R],
    options: &Options,
    cells: &mut CellWriter<'_>,
) -> Result<()> {
    let Some(first) = rows.first() else {
        // Without a row, only the type can provide the names of the columns, if it is a plain
        // struct.
        return match field_names::<R>().filter(|_| options.header) {
            Some(names) => write_names(names, cells),
            None => Ok(()),
        };
    };
    let at = |i: usize| format!("row {i}, a `{}`", type_name::<R>());
    let mut names = Names::default();
    Ordered(first).serialize(Row(&mut names)).with_context(|| at(0))?;
    let names = names.0;
    ensure!(!names.is_empty(), "{}: it has no fields", at(0));
    if options.header {
        write_names(&names, cells)?;
    }
    for (i, row) in rows.iter().enumerate() {
        Ordered(row).serialize(Row(&mut RowWriter::new(cells, &names))).with_context(|| at(i))?;
        cells.end_line()?;
    }
    Ok(())
}

fn write_names<S: AsRef<str>>(names: &[S], cells: &mut CellWriter<'_>) -> Result<()> {
    names.iter().for_each(|name| cells.name(name.as_ref()));
    cells.end_line()
}

pub(super) fn read<R>(options: &Options, content: &Content) -> Result<Vec<R>>
where
    R: Serialize + DeserializeOwned + 'static,
{
    let mut scanner = options.scanner(content)?;
    let mut names = None;
    if options.header {
        if let Some(header) = scanner.block(1)? {
            names = Some(header.row(0).map(|cell| cell.text.into_owned()).collect::<Vec<_>>());
        } else {
            let unnamed = field_names::<R>().is_none();
            ensure!(unnamed, "the file is empty, without the names of the columns");
        }
    }
    let columns =
        names.as_deref().map(|names| Columns { names, delimiter: Some(options.delimiter) });
    let mut check = columns.map(Check::new::<R>).transpose()?;
    let mut rows = Vec::new();
    while let Some(block) = scanner.block(LINES)? {
        let mut line = Vec::new();
        for i in 0..block.rows() {
            line.clear();
            line.extend(block.row(i));
            if rows.is_empty()
                && let Some(check) = &mut check
            {
                check.first::<R>(&line)?;
            }
            let row = R::deserialize(strict::checked(Line::new(names.as_deref(), line.iter())))
                .with_context(|| format!("line {}, as `{}`", block.line(i, 0), type_name::<R>()))?;
            rows.push(row);
        }
    }
    if let Some(check) = &check {
        if rows.is_empty() {
            check.without_rows::<R>()?;
        }
        check.all(&rows)?;
    }
    Ok(rows)
}
