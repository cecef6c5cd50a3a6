//! `serve`: shows the flow as a page in a browser.

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};
use flow_core::{Flow, TaskInfo, process, tasks};
use flow_page::{PageError, PageOptions, PageServer};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::options::run_options;
use crate::ui::report;
use crate::verb::{Access, Takes, Verb};

/// How often a signal is looked for.
const INTERVAL: Duration = Duration::from_millis(100);

pub(crate) const VERB: Verb = Verb {
    name: "serve",
    about: "Shows the graph, instances, data and runs as a page in a browser, until Ctrl-C",
    takes: Takes::MaybeTasks,
    access: Access::Writes,
    options,
    run,
};

fn options(command: Command) -> Command {
    run_options(command)
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .value_parser(clap::value_parser!(u16))
                .default_value("0")
                .help("The port of the page; 0 is any free one"),
        )
        .arg(
            Arg::new("address")
                .long("address")
                .value_name("IP")
                .value_parser(clap::value_parser!(IpAddr))
                .default_value("127.0.0.1")
                .help("The address of the interface. Nothing is encrypted: prefer a tunnel, such as `ssh -L`"),
        )
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("NAME")
                .action(ArgAction::Append)
                .help("Allows requests to a host of this name, besides this machine"),
        )
        .arg(
            Arg::new("read-only")
                .long("read-only")
                .action(ArgAction::SetTrue)
                .help("Refuses every request that would change anything, and creates no store"),
        )
        .arg(
            Arg::new("run")
                .long("run")
                .action(ArgAction::SetTrue)
                .conflicts_with("read-only")
                .help("Also runs the tasks, which the page shows and can stop; it is served until Ctrl-C all the same"),
        )
}

/// Where the page is.
#[derive(Serialize)]
struct Served {
    url: String,
    tasks: Vec<String>,
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let matches = &context.matches;
    let flow = context.flow()?;
    let roots = match context.roots.as_slice() {
        [] => all_roots(&flow)?,
        roots => roots.to_vec(),
    };
    let address = *matches.get_one::<IpAddr>("address").expect("it has a default");
    let mut options = PageOptions::new()
        .address(address)
        .port(matches.get_one::<u16>("port").copied().unwrap_or_default());
    for host in matches.get_many::<String>("host").into_iter().flatten() {
        options = options.allow_host(host);
    }
    if matches.get_flag("read-only") {
        options = options.read_only();
    }
    if !address.is_loopback() {
        report(format_args!(
            "warning: other machines can reach {address}, and what is sent is not encrypted"
        ));
    }
    let tasks: Vec<_> = roots.iter().map(TaskInfo::name).collect();
    let page = flow_page::serve(&flow, roots, options).map_err(failed)?;
    let url = page.url();
    // The address has the token, and nothing else prints it.
    context.ui.write(&Served { url: url.clone(), tasks }, &url)?;
    if matches.get_flag("run") {
        #[cfg(feature = "cluster")]
        context.announce_bucket_of_run()?;
        page.start_run().map_err(failed)?;
    }
    Ok(wait(page))
}

/// Waits for a signal, and for the run that it has stopped. Without a run, the signal ends the process.
fn wait(page: PageServer) -> ExitCode {
    loop {
        if let Some(signal) = process::interrupted() {
            page.wait_for_run();
            return ExitCode::from(signal.exit_code());
        }
        std::thread::sleep(INTERVAL);
    }
}

fn failed(error: PageError) -> CliError {
    CliError::from(anyhow::Error::from(error))
}

/// Returns the tasks that no other task requires, if they can be planned.
pub(super) fn all_roots(flow: &Flow) -> Result<Vec<TaskInfo>, CliError> {
    let all = tasks();
    let required: Vec<_> = all.iter().flat_map(TaskInfo::requires).collect();
    let mut roots = Vec::new();
    let mut first_error = None;
    for task in all.into_iter().filter(|task| !required.contains(task)) {
        // Each of them is planned alone, so that one without a value hides no other.
        match flow.graph_of([task]).root_instances() {
            Ok(_) => roots.push(task),
            Err(error) => {
                report(format_args!("warning: {task} is left out: {error}"));
                first_error = first_error.or(Some(error));
            }
        }
    }
    match first_error {
        Some(error) if roots.is_empty() => Err(error.into()),
        _ => Ok(roots),
    }
}
