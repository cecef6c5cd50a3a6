//! `export`, `import`, `push` and `pull`: share outputs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgAction, Command, ValueHint};
use flow_core::{ExportSummary, Remote, Transferred};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::remotes::{self, Shows};
use crate::verb::{Access, Takes, Verb};

pub(crate) const EXPORT: Verb = Verb {
    name: "export",
    about: "Copies outputs to a folder, under readable names and with a manifest",
    takes: Takes::Tasks,
    access: Access::Writes,
    options: |command: Command| {
        let help = "Also exports the outputs of all tasks upstream";
        to(command, "The folder of the export")
            .arg(Arg::new("upstream").long("upstream").action(ArgAction::SetTrue).help(help))
    },
    run: export,
};

pub(crate) const IMPORT: Verb = Verb {
    name: "import",
    about: "Copies the outputs of an export into the store",
    takes: Takes::Nothing,
    access: Access::Writes,
    options: |command: Command| {
        command.arg(
            Arg::new("from")
                .value_name("DIR")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf))
                .value_hint(ValueHint::DirPath)
                .help("The folder of the export"),
        )
    },
    run: import,
};

pub(crate) const PUSH: Verb = Verb {
    name: "push",
    about: "Copies outputs of tasks and of all tasks upstream to a remote",
    takes: Takes::Tasks,
    access: Access::Writes,
    options: |command: Command| dry_run(to(command, REMOTE)),
    run: push,
};

pub(crate) const PULL: Verb = Verb {
    name: "pull",
    about: "Copies outputs from a remote instead of running the tasks",
    takes: Takes::Tasks,
    access: Access::Writes,
    options: |command: Command| dry_run(remote(command, "from", REMOTE)),
    run: pull,
};

/// The help of the option that names a remote.
const REMOTE: &str = "The remote: a folder, the URL of an object store, or a name in `flow.toml`";

/// The outputs that were exported or imported.
#[derive(Serialize)]
struct ExportJson {
    folder: PathBuf,
    instances: Vec<String>,
    present: usize,
    files: usize,
    bytes: u64,
}

/// The outputs that were pushed or pulled.
#[derive(Serialize)]
struct TransferJson {
    instances: Vec<String>,
    present: usize,
    skipped: Vec<String>,
    files: usize,
    bytes: u64,
    warnings: Vec<String>,
}

fn dry_run(command: Command) -> Command {
    let help = "Only prints what would be copied";
    command
        .arg(Arg::new("dry-run").long("dry-run").short('n').action(ArgAction::SetTrue).help(help))
}

fn to(command: Command, help: &'static str) -> Command {
    remote(command, "to", help)
}

fn remote(command: Command, name: &'static str, help: &'static str) -> Command {
    command.arg(
        Arg::new("remote")
            .long(name)
            .value_name("DIR")
            .required(true)
            .value_parser(clap::value_parser!(PathBuf))
            .value_hint(ValueHint::DirPath)
            .help(help),
    )
}

fn named(context: &Context) -> PathBuf {
    context.matches.get_one::<PathBuf>("remote").cloned().unwrap_or_default()
}

/// Returns the remote that the option names: a folder, the URL of an object store, or a name in `flow.toml`.
fn named_remote(context: &Context, option: &str) -> Result<Arc<dyn Remote>, CliError> {
    let remote = remotes::resolved(&named(context), Path::new(""), &context.settings.remotes);
    let remote = remote.map_err(|why| CliError::usage(format!("--{option}: {why}")))?;
    remotes::open(&remote, Shows::Progress)
}

fn export(context: &Context) -> Result<ExitCode, CliError> {
    let graph = context.graph()?;
    let folder = named(context);
    let summary = match context.matches.get_flag("upstream") {
        true => graph.export(&folder)?,
        false => graph.export_roots(&folder)?,
    };
    exported(context, &summary)
}

fn import(context: &Context) -> Result<ExitCode, CliError> {
    let folder = context.matches.get_one::<PathBuf>("from").cloned().unwrap_or_default();
    exported(context, &context.store()?.import(folder)?)
}

fn exported(context: &Context, summary: &ExportSummary) -> Result<ExitCode, CliError> {
    let json = ExportJson {
        folder: summary.folder().to_owned(),
        instances: summary.instances().to_vec(),
        present: summary.present(),
        files: summary.files(),
        bytes: summary.bytes(),
    };
    context.ui.write(&json, summary)?;
    Ok(ExitCode::SUCCESS)
}

fn push(context: &Context) -> Result<ExitCode, CliError> {
    let (graph, remote) = (context.graph()?, named_remote(context, "to")?);
    let pushed = match context.matches.get_flag("dry-run") {
        true => graph.push_dry_run(&*remote)?,
        false => graph.push(&*remote)?,
    };
    transferred(context, &pushed)
}

fn pull(context: &Context) -> Result<ExitCode, CliError> {
    let (graph, remote) = (context.graph()?, named_remote(context, "from")?);
    let pulled = match context.matches.get_flag("dry-run") {
        true => graph.pull_dry_run(&*remote)?,
        false => graph.pull(&*remote)?,
    };
    transferred(context, &pulled)
}

fn transferred(context: &Context, summary: &Transferred) -> Result<ExitCode, CliError> {
    remotes::clear_progress();
    let skipped = summary.skipped().iter().map(|one| format!("{}: {}", one.instance, one.why));
    let json = TransferJson {
        instances: summary.instances().to_vec(),
        present: summary.present(),
        skipped: skipped.collect(),
        files: summary.files(),
        bytes: summary.bytes(),
        warnings: summary.warnings().to_vec(),
    };
    context.ui.write(&json, summary)?;
    Ok(ExitCode::SUCCESS)
}
