//! `show --rejected`: shows the rows that violated expectations in the last run of a task.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::text::escaped;

/// The number of rows that are shown by default.
const ROWS: usize = 10;

/// The rejected rows of an instance.
#[derive(Serialize)]
struct Rejected {
    instance: String,
    path: PathBuf,
    /// The number of all rejected rows.
    total_rows: u64,
    rows: Vec<serde_json::Value>,
    /// Whether all of them are shown.
    whole: bool,
}

/// Shows the rejected rows of the instance that the arguments select.
pub(super) fn show(context: &Context, limit: Option<usize>) -> Result<ExitCode, CliError> {
    let instance = context.instance()?;
    let Some(rejected) = instance.rejected()? else {
        return Err(anyhow::anyhow!(
            "no row of {instance} violated an expectation in its last run"
        )
        .into());
    };
    let Some(text) = rejected.text() else {
        return Err(anyhow::anyhow!(
            "the rejected rows of {instance} are not in this store: a later run has replaced {}, or another \
             instance or store has computed the output",
            rejected.path().display()
        )
        .into());
    };
    let limit = limit.unwrap_or(ROWS);
    let lines: Vec<_> = text.lines().collect();
    let shown = &lines[..limit.min(lines.len())];
    let total = rejected.rows();
    let whole = shown.len() as u64 >= total;
    let s = if total == 1 { "" } else { "s" };
    let path = escaped(&rejected.path().display().to_string());
    let mut printed =
        format!("{}\n{path} ({total} rejected row{s})", escaped(&instance.to_string()));
    for line in shown {
        printed.extend(["\n", &*escaped(line)]);
    }
    if !whole {
        let more = total - shown.len() as u64;
        let s = if more == 1 { "" } else { "s" };
        printed.push_str(&format!("\n… and {more} more row{s}"));
    }
    let rows = shown.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let (instance, path) = (instance.to_string(), rejected.path().to_owned());
    context.ui.write(&Rejected { instance, path, total_rows: total, rows, whole }, printed)?;
    Ok(ExitCode::SUCCESS)
}
