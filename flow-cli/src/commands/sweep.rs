//! `sweep`: runs a task with several values of parameters, and prints a table of the results.
//!
//! In a sweep, a comma separates values of a parameter: `--c 0.1,1,10`. A value that is a list is written as JSON. A range
//! is `first..last:logCOUNT` or `:linCOUNT`, as in `0.1..10:log5`.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use flow_core::{Best, Cells, Error, Seconds, Sweep, Table, TableColumn, TaskInfo};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::given::{Given, set};
use crate::grid::{Align, Column, Grid};
use crate::options::{restrict_options, run_options};
use crate::params;
use crate::text::escaped;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "sweep",
    about: "Runs a task with several values of parameters, and prints a table of the results",
    takes: Takes::Variants,
    access: Access::Writes,
    options,
    run,
};

/// The most columns of a terminal that a cell takes.
const WIDTH: usize = 60;

/// The reason why [`Best`] leaves out a variant whose value is NaN.
const NAN: &str = "is NaN";

/// The most variants that a note lists.
const LISTED: usize = 20;

/// The text of a missing value.
const NOTHING: &str = "-";

/// The results of a sweep.
#[derive(Serialize)]
struct Swept {
    success: bool,
    variants: Vec<serde_json::Map<String, serde_json::Value>>,
    best: Option<String>,
    notes: Vec<String>,
}

fn options(command: Command) -> Command {
    let dry = "Shows what a run would do, and runs nothing";
    restrict_options(run_options(command))
        .arg(Arg::new("dry-run").long("dry-run").short('n').action(ArgAction::SetTrue).help(dry))
        .arg(
            Arg::new("max-by")
                .long("max-by")
                .value_name("COLUMN")
                .conflicts_with("min-by")
                .help("Names the variant with the largest value of a column"),
        )
        .arg(
            Arg::new("min-by")
                .long("min-by")
                .value_name("COLUMN")
                .help("Names the variant with the smallest value of a column"),
        )
        .after_help(
            "A comma separates the values of a parameter: --c 0.1,1,10. A list is written as JSON.\n\
             A range has a number of values: --c 0.1..10:log5, --n 1..9:lin3.",
        )
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let sweep = context.restricted(declared(context)?)?;
    if context.matches.get_flag("dry-run") {
        let preview = sweep.preview()?.color(context.ui.has_color);
        let variants: Vec<_> = preview
            .variants()
            .map(|(name, status)| (name.to_owned(), crate::json::status(status)))
            .collect();
        context.ui.write(&variants, &preview)?;
        return Ok(ExitCode::SUCCESS);
    }
    #[cfg(feature = "cluster")]
    context.announce_bucket_of_run()?;
    let (is_success, is_allowed, failures) = match sweep.run() {
        Ok(summary) => (summary.is_success(), true, None),
        Err(Error::Sweep(summary)) => (false, false, Some(summary)),
        Err(error) => return Err(error.into()),
    };
    let table = sweep.table()?;
    let best = match (
        context.matches.get_one::<String>("max-by"),
        context.matches.get_one::<String>("min-by"),
    ) {
        (Some(column), _) => Some(("--max-by", sweep.max_by(column))),
        (None, Some(column)) => Some(("--min-by", sweep.min_by(column))),
        (None, None) => None,
    };
    let (best, wrong) = match best {
        None => (None, None),
        Some((_, Ok(best))) => (Some(best), None),
        // The tasks have run, and the table shows which columns there are.
        Some((option, Err(error @ Error::Select(_)))) => {
            (None, Some(anyhow::anyhow!("{option}: {error}")))
        }
        Some((_, Err(error))) => return Err(error.into()),
    };
    let mut notes = table.notes().to_vec();
    notes.extend(best.as_ref().and_then(not_ranked));
    let mut text = grid(&table).text(context.ui.width);
    for note in &notes {
        let _ = write!(text, "\nnote: {}", escaped(note));
    }
    if let Some(best) = &best {
        let _ = write!(text, "\n{best}");
    }
    if let Some(failures) = &failures {
        let _ = write!(text, "\n{failures}");
    }
    let row = |row: usize| {
        let cells = table.columns().iter().map(|column| {
            let value = match (&column.cells, column.cells.number(row)) {
                (Cells::Int(values), _) => values[row].into(),
                (_, Some(number)) => number.into(),
                (_, None) => column.cells.text(row).map_or(serde_json::Value::Null, Into::into),
            };
            (column.name.clone(), value)
        });
        cells.collect()
    };
    let swept = Swept {
        success: is_success,
        variants: (0..table.len()).map(row).collect(),
        best: best.map(|best| best.name),
        notes,
    };
    context.ui.write(&swept, text)?;
    if let Some(wrong) = wrong {
        return Err(wrong.into());
    }
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns a note about the variants whose value is NaN; `None` if there are none.
fn not_ranked(best: &Best) -> Option<String> {
    let is_nan = |(_, why): &&(String, String)| why == NAN;
    let names = best.left_out.iter().filter(is_nan).map(|(name, _)| name.as_str());
    let names: Vec<_> = names.collect();
    let column = &best.column;
    let listed = names.iter().take(LISTED).copied().collect::<Vec<_>>().join("; ");
    match names.len() {
        0 => None,
        1 => Some(format!("`{column}` of {listed} is NaN: the variant is ranked below all others")),
        count => {
            let more = if count > LISTED { "; …" } else { "" };
            Some(format!(
                "`{column}` of {count} variants is NaN: they are ranked below all others: {listed}{more}"
            ))
        }
    }
}

/// Returns the sweep that the arguments declare.
fn declared(context: &Context) -> Result<Sweep<TaskInfo>, CliError> {
    let (mut axes, mut fixed) = (Vec::new(), Given::new());
    let tasks = params::tasks_of(&context.roots);
    params::from_files(&context.matches, |origin, name, value| {
        params::check(&origin, &name, &value, &tasks)?;
        set(&mut fixed, name, value);
        Ok(())
    })?;
    let mut given = Vec::new();
    for (name, texts) in params::options(&context.matches) {
        given.push((format!("--{name}"), name, texts));
    }
    for param in params::from_param(&context.matches) {
        let (origin, name, values) = param?;
        given.push((origin, name, vec![values]));
    }
    for (option, name, texts) in given {
        let mut values = Vec::new();
        for text in &texts {
            values.extend(values_of(&option, text)?);
        }
        let parameters = params::named(&name, &tasks);
        match (values.as_slice(), parameters.as_slice()) {
            ([value], _) => {
                let text = value;
                let value = serde_json::Value::from(text.as_str());
                let checked = params::check(&option, &name, &value, &tasks);
                checked.map_err(|error| with_range_hint(error, text))?;
                set(&mut fixed, name, value);
            }
            (_, [parameter]) => axes.push((option, *parameter, values)),
            (_, []) => {
                return Err(CliError::usage(format!(
                    "{option}: no task that is required has a parameter `{name}`"
                )));
            }
            (_, several) => {
                let names: Vec<_> = several.iter().map(|one| one.full_name()).collect();
                return Err(CliError::usage(format!(
                    "{option}: several tasks have a parameter `{name}`: sweep one of {} with --param",
                    names.join(", ")
                )));
            }
        }
    }
    if axes.is_empty() {
        return Err(CliError::usage(
            "a sweep needs several values of a parameter, such as `--c 0.1,1,10` or `--c 0.1..10:log5`",
        ));
    }
    let sweep = context.flow_with(&fixed)?.sweep_of(context.roots.iter().copied());
    axes.into_iter().try_fold(sweep, |sweep, (option, parameter, values)| {
        sweep.over_named(parameter, values).map_err(|error| {
            CliError::usage(format!("invalid value for {option}: {}", params::why(&error)))
        })
    })
}

/// Adds how a range is written to the error of a value that looks like one.
fn with_range_hint(error: CliError, value: &str) -> CliError {
    match error {
        CliError::Usage(message) if value.contains("..") && !value.contains(':') => {
            CliError::Usage(format!("{message}. A range needs a number of values: `{value}:lin5`"))
        }
        error => error,
    }
}

/// The column that a table has for the duration of each run, in seconds.
const SECONDS: &str = "seconds";

/// Returns the table of the results. As in its own text, numbers have six digits.
fn grid(table: &Table) -> Grid {
    let column = |column: &TableColumn| {
        let is_number = matches!(column.cells, Cells::Int(_) | Cells::Float(_));
        let cells = (0..table.len()).map(|row| match &column.cells {
            Cells::Float(values) if column.name == SECONDS => {
                values[row].map(|seconds| Seconds(seconds).to_string())
            }
            Cells::Float(values) => values[row].map(rounded),
            cells => cells.text(row),
        });
        let cells = cells.map(|cell| cell.unwrap_or_else(|| NOTHING.to_owned()));
        let align = if is_number { Align::Right } else { Align::Left };
        Column::new([&column.name], align, cells).clipped(WIDTH)
    };
    Grid::new(table.columns().iter().map(column))
}

/// Returns the values that a text stands for.
fn values_of(option: &str, text: &str) -> Result<Vec<String>, CliError> {
    if let Some(range) = range(option, text)? {
        return Ok(range);
    }
    // A list or an object in JSON is one value, and `[[1], [2]]` is a list.
    let (mut values, mut depth, mut is_quoted, mut value) =
        (Vec::new(), 0_u32, false, String::new());
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '[' | '{' if !is_quoted => depth += 1,
            ']' | '}' if !is_quoted => depth = depth.saturating_sub(1),
            ',' if !is_quoted && depth == 0 => {
                values.push(std::mem::take(&mut value).trim().to_owned());
                continue;
            }
            _ => {}
        }
        value.push(c);
    }
    values.push(value.trim().to_owned());
    Ok(values)
}

/// The most steps of a range.
const STEPS: usize = 10_000;

/// Returns the values of a range such as `0.1..10:log5`; `None` if the text is no range.
fn range(option: &str, text: &str) -> Result<Option<Vec<String>>, CliError> {
    let Some((ends, steps)) = text.rsplit_once(':') else { return Ok(None) };
    let Some((first, last)) = ends.split_once("..") else { return Ok(None) };
    let (Ok(first), Ok(last)) = (first.trim().parse::<f64>(), last.trim().parse::<f64>()) else {
        return Ok(None);
    };
    let steps = steps.trim();
    let (is_log, count) = match steps.strip_prefix("log") {
        Some(count) => (true, count),
        None => (false, steps.strip_prefix("lin").unwrap_or(steps)),
    };
    let wrong =
        |why: String| CliError::usage(format!("the range {text:?} of {option} is wrong: {why}"));
    let count: usize = count.parse().map_err(|_| {
        wrong("write the number of values at the end, as in `0.1..10:log5`".to_owned())
    })?;
    if !(2..=STEPS).contains(&count) {
        return Err(wrong(format!("it must have from 2 to {STEPS} values")));
    }
    if is_log && (first <= 0.0 || last <= 0.0) {
        return Err(wrong("the ends of a logarithmic range must be positive".to_owned()));
    }
    let at = |step: usize| {
        let part = step as f64 / (count - 1) as f64;
        let value = match is_log {
            true => (first.ln() + (last.ln() - first.ln()) * part).exp(),
            false => first + (last - first) * part,
        };
        // The ends are exact, and others have no digits that only come from rounding.
        let value = if step == 0 {
            first
        } else if step == count - 1 {
            last
        } else {
            // Rounded to twelve significant digits.
            format!("{value:.11e}").parse().unwrap_or(value)
        };
        value.to_string()
    };
    Ok(Some((0..count).map(at).collect()))
}

/// Formats a number that is rounded to six digits.
fn rounded(value: f64) -> String {
    format!("{:?}", format!("{value:.5e}").parse().unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_separated_by_commas_outside_of_json() {
        let values = |text| values_of("--c", text).expect("values");
        assert_eq!(values("a,b , c"), ["a", "b", "c"]);
        assert_eq!(values("[1,2],[3]"), ["[1,2]", "[3]"]);
        assert_eq!(values(r#"{"a":[1,2]},"x,y""#), [r#"{"a":[1,2]}"#, r#""x,y""#]);
        assert_eq!(values(""), [""]);
        assert_eq!(values("2026-01-01..2026-02-01"), ["2026-01-01..2026-02-01"]);
    }

    #[test]
    fn a_range_has_exact_ends_and_even_steps() {
        let values = |text| values_of("--c", text).expect("values");
        assert_eq!(values("0.1..10:log3"), ["0.1", "1", "10"]);
        assert_eq!(values("1..9:5"), ["1", "3", "5", "7", "9"]);
        assert_eq!(values("0..1:lin3"), ["0", "0.5", "1"]);
        for wrong in ["1..2:x", "1..2:1", "0..2:log3", "1..2:99999"] {
            assert!(values_of("--c", wrong).is_err(), "{wrong}");
        }
    }
}
