//! Turns the lines of one file or sheet into rows of named columns.

use anyhow::{Result, bail, ensure};

use super::grid::{Grid, GridLine, RawCell};
use super::header::{Layout, locate};
use super::names::names;
use super::options::Options;
use super::report::{FileReport, RejectedRow, Steps};

/// The rows of a file or of a sheet.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<PartRow>,
    pub(super) rejected: Vec<RejectedRow>,
    pub(super) report: FileReport,
    pub(super) steps: Steps,
}

/// A row, whose cells are those of the named columns.
#[derive(Debug)]
pub(super) struct PartRow {
    /// The number of the line, from 1.
    pub(super) line: usize,
    pub(super) cells: Vec<RawCell>,
}

/// Finds the columns of a file or of a sheet, and its rows.
///
/// # Errors
///
/// The file has no columns, or their names cannot be found.
pub(super) fn part(grid: Grid, options: &Options) -> Result<Part> {
    let Grid { file, sheet, encoding, delimiter, mut lines, mut steps } = grid;
    lines.retain(|line| line.number > options.skip_lines);
    let all = lines.len();
    lines.retain(|line| !line.is_blank());
    steps.count("a blank line is skipped", "{} blank lines are skipped", all - lines.len());
    ensure!(!lines.is_empty(), "there are no lines with a text, and so no names of columns");
    let layout = locate(&lines, options)?;
    let above = layout.header.start;
    steps.count("a line above the table is skipped", "{} lines above the table are skipped", above);
    let rest = lines.split_off(layout.body());
    let header = &lines[layout.header.clone()];
    if let Some((line, fault)) =
        header.iter().find_map(|line| Some((line.number, line.fault.as_ref()?)))
    {
        bail!("line {line} has the names of the columns, and {fault}");
    }
    let columns = Columns::find(header, &rest, &layout, options, &mut steps)?;
    let mut part = Part {
        names: columns.names.clone(),
        rows: Vec::with_capacity(rest.len()),
        rejected: Vec::new(),
        report: FileReport {
            encoding: encoding.map(str::to_owned),
            delimiter,
            header_line: header.first().map(|line| line.number),
            columns: columns.names.clone(),
            ..FileReport::default()
        },
        steps,
    };
    let mut kept = 0;
    for mut line in rest {
        if is_repeated(header, &line) {
            part.steps.count(
                "a line repeats the names of the columns, and is skipped",
                "{} lines repeat the names of the columns, and are skipped",
                1,
            );
            continue;
        }
        kept += 1;
        match columns.row(&mut line, options, &mut part.steps) {
            Ok(cells) => part.rows.push(PartRow { line: line.number, cells }),
            Err(reason) => {
                let (place, text) = ((file.as_str(), sheet.as_deref()), line.text(delimiter));
                part.rejected.push(RejectedRow::new(place, line.number, reason, &text));
            }
        }
    }
    part.report.rows = kept;
    part.report.file = file;
    part.report.sheet = sheet;
    Ok(part)
}

/// Returns whether a line repeats the names of the columns, as in files that were joined.
fn is_repeated(header: &[GridLine], line: &GridLine) -> bool {
    let is_same = |names: &GridLine| {
        let texts = |line: &GridLine| -> Vec<String> {
            line.cells.iter().map(|cell| cell.text.trim().to_owned()).collect()
        };
        names.cells.first().map(|cell| cell.text.trim())
            == line.cells.first().map(|c| c.text.trim())
            && texts(names) == texts(line)
    };
    header.iter().any(is_same)
}

/// The columns of a file.
struct Columns {
    names: Vec<String>,
    /// The index of each column among the cells of a line.
    at: Vec<usize>,
}

impl Columns {
    /// Finds the columns: those with a name or a value.
    fn find(
        header: &[GridLine],
        rows: &[GridLine],
        layout: &Layout,
        options: &Options,
        steps: &mut Steps,
    ) -> Result<Self> {
        let named = match header {
            [] => {
                let widest = rows.iter().filter(|line| line.cells.len() <= layout.width);
                let width = widest.map(GridLine::width).max().unwrap_or_default();
                (1..=width).map(|i| Some(format!("column_{i}"))).collect()
            }
            _ => names(header, options, steps)?,
        };
        let mut columns = Self { names: Vec::new(), at: Vec::new() };
        for (at, name) in named.into_iter().enumerate() {
            let has_value = |line: &GridLine| line.cells.get(at).is_some_and(|c| !c.is_blank());
            let name = match name {
                Some(name) => name,
                None if rows.iter().any(has_value) => {
                    let name = format!("column_{}", at + 1);
                    steps.add(format!("column {} has no name, and is called `{name}`", at + 1));
                    name
                }
                None => {
                    steps.count(
                        "a column without a name and without values is left out",
                        "{} columns without a name and without values are left out",
                        1,
                    );
                    continue;
                }
            };
            ensure!(!columns.names.contains(&name), "several columns are called `{name}`");
            columns.names.push(name);
            columns.at.push(at);
        }
        ensure!(!columns.names.is_empty(), "there are no columns");
        Ok(columns)
    }

    /// Takes the cells of a line.
    ///
    /// # Errors
    ///
    /// The line is no row, for the reason returned. It keeps its cells.
    fn row(
        &self,
        line: &mut GridLine,
        options: &Options,
        steps: &mut Steps,
    ) -> Result<Vec<RawCell>, String> {
        if let Some(fault) = line.fault.take() {
            return Err(fault);
        }
        let needed = self.at.last().map_or(0, |last| last + 1);
        let found = line.cells.len();
        if line.cells.iter().skip(needed).any(|cell| !cell.is_blank()) {
            return Err(format!("it has {found} cells instead of {needed}"));
        }
        if found < needed {
            if !options.fill_short {
                let first = line.cells.first().map_or("", |cell| cell.text.trim());
                let hint = match first.chars().next() {
                    Some(c @ ('#' | '%' | '*')) if options.comment.is_none() => {
                        format!("; if it is a comment, set `comment = \"{c}\"`")
                    }
                    _ => "; to fill such rows with nulls, set `fill_short = true`".to_owned(),
                };
                return Err(format!("it has {found} cells instead of {needed}{hint}"));
            }
            steps.count(
                "a row with too few cells is filled with nulls",
                "{} rows with too few cells are filled with nulls",
                1,
            );
            line.cells.resize_with(needed, RawCell::default);
        }
        Ok(self.at.iter().map(|&at| std::mem::take(&mut line.cells[at])).collect())
    }
}
