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
use crate::ui::{self, Answer};
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
    confirmed_or(context, question, "nothing was removed")
}

/// Asks as [`confirmed`] does. `nothing` is what is printed if the answer is no.
fn confirmed_or(context: &Context, question: &str, nothing: &str) -> Result<(), CliError> {
    if context.matches.get_flag("yes") {
        return Ok(());
    }
    match ui::confirm(question) {
        Answer::Yes => Ok(()),
        Answer::No => Err(CliError::Declined(nothing.to_owned())),
        Answer::NotAsked => Err(CliError::usage(format!(
            "{nothing}: without a terminal, confirm with --yes. The question is: {question}"
        ))),
    }
}
