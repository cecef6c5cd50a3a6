//! `export`, `import`, `push` and `pull`: share outputs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command, ValueHint};
use flow_core::{ExportSummary, RemoteFolder, Transferred};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
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
    options: |command: Command| to(command, "The remote: a folder, or a name in `flow.toml`"),
    run: push,
};

pub(crate) const PULL: Verb = Verb {
    name: "pull",
    about: "Copies outputs from a remote instead of running the tasks",
    takes: Takes::Tasks,
    access: Access::Writes,
    options: |command: Command| {
        remote(command, "from", "The remote: a folder, or a name in `flow.toml`")
    },
    run: pull,
};

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

fn remote_folder(context: &Context) -> RemoteFolder {
    let name = named(context);
    let known = name.to_str().and_then(|name| context.settings.remotes.get(name)).cloned();
    RemoteFolder::new(known.unwrap_or(name))
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
    transferred(context, &context.graph()?.push(&remote_folder(context))?)
}

fn pull(context: &Context) -> Result<ExitCode, CliError> {
    transferred(context, &context.graph()?.pull(&remote_folder(context))?)
}

fn transferred(context: &Context, summary: &Transferred) -> Result<ExitCode, CliError> {
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
