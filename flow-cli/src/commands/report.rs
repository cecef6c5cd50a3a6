//! `report`: writes the views of the page as one HTML file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, Command, ValueHint};
use flow_core::{Amount, Bytes};
use flow_page::{Report, ReportError, ReportOptions};
use serde::Serialize;

use super::serve::all_roots;
use crate::context::Context;
use crate::error::CliError;
use crate::ui::write;
use crate::verb::{Access, Takes, Verb};

/// The path that stands for the standard output.
const STANDARD: &str = "-";

pub(crate) const VERB: Verb = Verb {
    name: "report",
    about: "Writes the graph, instances, data and runs as one HTML file, to mail or to keep",
    takes: Takes::MaybeTasks,
    access: Access::Reads,
    options,
    run,
};

fn options(command: Command) -> Command {
    command
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .default_value("report.html")
                .help("The file, which is replaced if it exists; `-` is the standard output"),
        )
        .arg(
            Arg::new("max-size")
                .long("max-size")
                .value_name("SIZE")
                .value_parser(|text: &str| text.amount())
                .default_value("10 MB")
                .help("The largest size of the file; what has no place is left out, and listed in the report"),
        )
}

/// The report that was written.
#[derive(Serialize)]
struct Written {
    path: PathBuf,
    bytes: u64,
    instances: usize,
    instances_left_out: usize,
    previews_left_out: usize,
    bytes_left_out: u64,
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let matches = &context.matches;
    let path = matches.get_one::<PathBuf>("out").expect("it has a default");
    let limit = *matches.get_one::<u64>("max-size").expect("it has a default");
    let is_standard = path == Path::new(STANDARD);
    if is_standard && context.ui.is_json {
        return Err(CliError::usage(
            "--json prints what was written, and `--out -` prints the report: use one of them",
        ));
    }
    if !is_standard && path.file_name().is_none() {
        return Err(CliError::usage(format!(
            "invalid value for --out: {} is not the name of a file",
            path.display()
        )));
    }
    let flow = context.flow()?;
    let roots = match context.roots.as_slice() {
        [] => all_roots(&flow)?,
        roots => roots.to_vec(),
    };
    let options = ReportOptions::new().limit(limit);
    let report = flow_page::report(&flow, roots, &options).map_err(failed)?;
    if is_standard {
        write(report.html().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    report.write(path).map_err(failed)?;
    let text = text(path, &report);
    let written = Written {
        path: path.clone(),
        bytes: report.bytes(),
        instances: report.instances(),
        instances_left_out: report.instances_left_out(),
        previews_left_out: report.previews_left_out(),
        bytes_left_out: report.bytes_left_out(),
    };
    context.ui.write(&written, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(path: &Path, report: &Report) -> String {
    let count =
        |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let mut text = format!(
        "{}: {}, {}",
        path.display(),
        Bytes(report.bytes()),
        count(report.instances(), "instance")
    );
    if report.instances_left_out() > 0 {
        text.push_str(&format!("; {} left out", count(report.instances_left_out(), "instance")));
    }
    if report.previews_left_out() > 0 {
        text.push_str(&format!(
            "; {} of {} left out",
            count(report.previews_left_out(), "preview"),
            Bytes(report.bytes_left_out())
        ));
    }
    text
}

fn failed(error: ReportError) -> CliError {
    match error {
        ReportError::Flow(error) => CliError::from(*error),
        error => anyhow::Error::from(error).into(),
    }
}
