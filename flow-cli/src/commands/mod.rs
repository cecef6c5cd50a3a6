//! The verbs, each in a file: its options, and a function that does it.

mod bless;
#[cfg(feature = "cluster")]
mod cancel;
mod completions;
mod debug;
mod describe;
mod figures;
mod gc;
mod graph;
mod history;
#[cfg(feature = "cluster")]
mod jobs;
#[cfg(feature = "signatures")]
mod keys;
mod list;
mod load;
mod log;
mod meta;
mod path;
mod plan;
mod python;
mod rejected;
#[cfg(feature = "page")]
mod report;
mod reset;
mod run;
#[cfg(feature = "page")]
mod serve;
mod share;
mod show;
mod status;
mod sweep;
mod verify;
mod versions;
mod why;
#[cfg(feature = "cluster")]
mod worker;

use crate::context::Context;
use crate::error::CliError;
use crate::ui;
use crate::verb::Verb;

/// All verbs, in the order of the help.
pub(crate) const VERBS: &[Verb] = &[
    list::VERB,
    plan::VERB,
    run::VERB,
    why::VERB,
    sweep::VERB,
    status::VERB,
    show::VERB,
    load::VERB,
    path::VERB,
    meta::VERB,
    versions::VERB,
    describe::VERB,
    log::VERB,
    debug::VERB,
    graph::VERB,
    history::VERB,
    bless::VERB,
    reset::VERB,
    gc::VERB,
    verify::VERB,
    share::EXPORT,
    share::IMPORT,
    share::PUSH,
    share::PULL,
    #[cfg(feature = "signatures")]
    keys::VERB,
    python::VERB,
    #[cfg(feature = "page")]
    serve::VERB,
    #[cfg(feature = "page")]
    report::VERB,
    #[cfg(feature = "cluster")]
    worker::VERB,
    #[cfg(feature = "cluster")]
    cancel::VERB,
    completions::VERB,
];

/// Asks whether to continue, unless `--yes` was given.
fn confirmed(context: &Context, question: &str) -> Result<(), CliError> {
    confirmed_or(context, question, "Nothing was removed")
}

/// Asks as [`confirmed`] does. `nothing` is what the error says has happened.
fn confirmed_or(context: &Context, question: &str, nothing: &str) -> Result<(), CliError> {
    if context.matches.get_flag("yes") || ui::confirm(question) {
        return Ok(());
    }
    Err(CliError::usage(format!("{question} {nothing}: without a terminal, confirm with --yes")))
}
