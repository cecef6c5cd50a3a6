//! `show`: shows the first rows or lines of an output.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, Command};
use flow_core::Bytes;
use flow_targets::inspect::OutputFile;
use serde::Serialize;

use super::{figures, rejected};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{OutputFiles, output_options};
use crate::text::escaped;
use crate::ui::Ui;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "show",
    about: "Shows an output: the schema and first rows of a table, the first lines of JSON or text",
    takes: Takes::MaybeTask,
    access: Access::Reads,
    options,
    run,
};

/// The number of rows of a table that are shown.
#[cfg(feature = "tables")]
const ROWS: usize = 10;

/// The number of lines of text that are shown.
const LINES: usize = 40;

/// The number of files of a folder that are shown.
const FILES: usize = 40;

/// An output.
#[derive(Serialize)]
struct Shown {
    instance: String,
    parts: Vec<ShownPart>,
}

/// A file of an output, or a folder.
#[derive(Serialize)]
struct ShownPart {
    part: String,
    path: PathBuf,
    format: &'static str,
    bytes: Option<u64>,
    columns: Option<Vec<ShownColumn>>,
    rows: Option<Vec<Vec<Option<String>>>>,
    total_rows: Option<u64>,
    /// The text. JSON has an entry on each line.
    text: Option<String>,
    /// The statistics of each column, with `--statistics`.
    #[cfg(feature = "tables")]
    statistics: Option<Vec<ShownStatistics>>,
    files: Option<Vec<String>>,
    /// Whether the whole file is shown.
    whole: bool,
    /// The printed text.
    #[serde(skip)]
    printed: String,
}

/// A column of a table.
#[cfg_attr(not(feature = "tables"), allow(dead_code))]
#[derive(Serialize)]
struct ShownColumn {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// The statistics of a column of a table.
#[cfg(feature = "tables")]
#[derive(Serialize)]
struct ShownStatistics {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    nulls: u64,
    min: Option<String>,
    max: Option<String>,
    mean: Option<f64>,
    std: Option<f64>,
}

fn options(command: Command) -> Command {
    let command = output_options(command).arg(
        Arg::new("rows")
            .long("rows")
            .short('n')
            .value_name("N")
            .value_parser(clap::value_parser!(u32).range(1..=1_000_000))
            .help("The number of rows of a table, or of lines [default: 10 rows, 40 lines]"),
    );
    let command = command.arg(
        Arg::new("rejected")
            .long("rejected")
            .action(clap::ArgAction::SetTrue)
            .conflicts_with_all(["stored", "part"])
            .help("Shows the rows that violated expectations in the last run, also if that failed"),
    );
    let command = command.arg(
        Arg::new("figures")
            .long("figures")
            .action(clap::ArgAction::SetTrue)
            .conflicts_with_all(["stored", "part", "rows", "rejected"])
            .help("Lists the figures and notes that the task kept, also if its last run failed"),
    );
    #[cfg(feature = "tables")]
    let command = command.arg(
        Arg::new("statistics")
            .long("statistics")
            .action(clap::ArgAction::SetTrue)
            .conflicts_with_all(["rows", "rejected", "figures"])
            .help("Shows the nulls, range, mean and standard deviation of each column of a table"),
    );
    command
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let limit = context.matches.get_one::<u32>("rows").map(|&rows| rows as usize);
    if context.matches.get_flag("rejected") {
        return rejected::show(context, limit);
    }
    if context.matches.get_flag("figures") {
        return figures::show(context);
    }
    let output = OutputFiles::selected(context)?;
    let what = match context.matches.try_get_one("statistics") {
        Ok(Some(true)) => What::Statistics,
        _ => What::Rows(limit),
    };
    let parts = output.files.iter().map(|file| shown(file, what, context.ui));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let mut text = escaped(&output.instance);
    for part in &parts {
        let name = if part.part.is_empty() { "" } else { ": " };
        let path = escaped(&part.path.display().to_string());
        let _ = write!(text, "\n{}{name}{path} ({}", escaped(&part.part), part.format);
        if let Some(bytes) = part.bytes {
            let _ = write!(text, ", {}", Bytes(bytes));
        }
        match part.total_rows {
            Some(1) => text.push_str(", 1 row"),
            Some(rows) => {
                let _ = write!(text, ", {rows} rows");
            }
            None => {}
        }
        let _ = write!(text, ")\n{}", part.printed);
    }
    let shown = Shown { instance: output.instance, parts };
    context.ui.write(&shown, text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The part of a file that is shown.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "tables"), allow(dead_code))]
enum What {
    /// The first rows or lines; `None` for the default.
    Rows(Option<usize>),
    /// The statistics of the columns of a table; the first lines of other files.
    Statistics,
}

impl What {
    fn limit(self, default: usize) -> usize {
        match self {
            Self::Rows(Some(limit)) => limit,
            Self::Rows(None) | Self::Statistics => default,
        }
    }
}

/// Reads the beginning of a file, or all of a table for its statistics.
fn shown(file: &OutputFile, what: What, ui: Ui) -> Result<ShownPart, CliError> {
    let mut part = ShownPart {
        part: file.part().to_owned(),
        path: file.path().to_owned(),
        format: file.format().name(),
        bytes: None,
        columns: None,
        rows: None,
        total_rows: None,
        text: None,
        #[cfg(feature = "tables")]
        statistics: None,
        files: None,
        whole: false,
        printed: String::new(),
    };
    if file.is_folder() {
        return folder(file, part);
    }
    part.bytes = file.open()?.metadata().ok().map(|metadata| metadata.len());
    if file.format().is_table() && table(file, what, ui, &mut part)? {
        return Ok(part);
    }
    let first = file.first_lines(what.limit(LINES))?;
    if !first.is_text {
        part.printed.push_str("not text: `load --to FILE` copies it");
        return Ok(part);
    }
    let lines: Vec<_> = first.lines.iter().map(|line| escaped(line)).collect();
    let text = lines.join("\n");
    part.printed.push_str(&text);
    if !first.is_whole {
        part.printed.push_str("\n… and more lines");
    }
    (part.text, part.whole) = (Some(text), first.is_whole);
    Ok(part)
}

/// Lists the files of a folder, by name.
fn folder(file: &OutputFile, mut part: ShownPart) -> Result<ShownPart, CliError> {
    let mut names = file.entries()?;
    part.format = "folder";
    part.whole = names.len() <= FILES;
    let mut lines: Vec<_> = names.iter().take(FILES).map(|name| escaped(name)).collect();
    if !part.whole {
        lines.push(format!("… and {} more", names.len() - FILES));
    }
    part.printed = lines.join("\n");
    names.truncate(FILES);
    part.files = Some(names);
    Ok(part)
}

/// Reads the first rows of a table, or its statistics. Returns whether this program can read tables.
#[cfg(feature = "tables")]
fn table(file: &OutputFile, what: What, ui: Ui, part: &mut ShownPart) -> Result<bool, CliError> {
    if let What::Statistics = what {
        let all = file.statistics()?;
        part.printed = crate::table::statistics_text(&all, ui.width);
        (part.total_rows, part.whole) = (Some(all.rows), true);
        let columns = all.columns.into_iter().map(|one| ShownStatistics {
            name: one.name,
            kind: one.kind,
            nulls: one.nulls,
            min: one.min,
            max: one.max,
            mean: one.mean,
            std: one.std,
        });
        part.statistics = Some(columns.collect());
        return Ok(true);
    }
    let first = file.first_rows(what.limit(ROWS))?;
    part.printed = crate::table::rows_text(&first, ui.width);
    let columns = first.columns.into_iter();
    let columns = columns.map(|column| ShownColumn { name: column.name, kind: column.kind });
    part.columns = Some(columns.collect());
    (part.rows, part.total_rows, part.whole) = (Some(first.rows), first.total, first.is_whole);
    Ok(true)
}

#[cfg(not(feature = "tables"))]
fn table(_: &OutputFile, _: What, _: Ui, _: &mut ShownPart) -> Result<bool, CliError> {
    Ok(false)
}
