//! `why`: shows why roots are not complete, down to the root causes.

use std::process::ExitCode;

use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, PENDING};
use crate::options::exit_code_option;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "why",
    about: "Explains why a task is pending, down to the root causes",
    takes: Takes::Tasks,
    access: Access::Reads,
    options: exit_code_option,
    run,
};

/// The causes for which roots are not complete.
#[derive(Serialize)]
struct Explained {
    complete: bool,
    causes: Vec<Cause>,
}

/// A chain from a root to a cause.
#[derive(Serialize)]
struct Cause {
    steps: Vec<Step>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Step {
    instance: String,
    reason: String,
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let why = context.graph()?.why()?;
    let causes = why.causes().iter().map(|cause| Cause {
        steps: cause
            .steps
            .iter()
            .map(|step| Step {
                instance: step.instance.to_string(),
                reason: step.reason.to_string(),
            })
            .collect(),
        error: cause.failure.as_ref().map(ToString::to_string),
    });
    let explained = Explained { complete: why.is_complete(), causes: causes.collect() };
    context.ui.write(&explained, &why)?;
    let is_pending = context.matches.get_flag("exit-code") && !why.is_complete();
    Ok(if is_pending { ExitCode::from(PENDING) } else { ExitCode::SUCCESS })
}
