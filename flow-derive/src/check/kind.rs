//! Checks the options that only one kind of task may have: functions, external tasks, aggregates, and
//! tasks with a stored output.

use quote::ToTokens;

use super::{is_name, name_rule, word};
use crate::code::{declared, file};
use crate::ctxt::Ctxt;
use crate::function::Function;
use crate::model::Task;
use crate::text;

/// Checks the options that only functions have, and those that functions must not have.
pub(super) fn function(task: &Task<'_>, ctxt: &Ctxt) {
    let attr = &task.attr;
    if task.function.is_none() {
        if let Some(name) = &attr.type_name {
            ctxt.error(&name.value, "expected a text in quotes, such as `\"Train\"`");
        }
        if let Some(tracked) = &attr.tracked {
            let message = "the code of a struct is that of its impl of `Run`; write \
                           `#[tracked(...)]` above the impl";
            ctxt.error(&tracked.word, message);
        }
        return;
    }
    let others = [
        (word(&attr.external), "the function computes the output; an external task"),
        (word(&attr.aggregate), "a function has an output of its own; an aggregate"),
    ];
    for (word, why) in others {
        if let Some(word) = word {
            let message = format!(
                "{why} is declared as a struct: \
                 `#[derive(Task)] #[task({word}, ...)] struct Name;`"
            );
            ctxt.error(word, message);
        }
    }
}

/// Checks how and where the output is stored.
pub(super) fn target(task: &Task<'_>, ctxt: &Ctxt) {
    let attr = &task.attr;
    if task.storage().is_none() && !attr.bad_target {
        let output = task.function.and_then(Function::output_type);
        let instead = match output.map(|ty| text::short_type(ty.to_token_stream())) {
            Some(ty) => {
                format!(
                    "`#[task(target = Json<{ty}>)]`, or another target for the `{ty}` that it returns"
                )
            }
            None => format!(
                "`#[task(target = Json<f64>)]`, with the target and the type that {} returns",
                if task.function.is_some() { "it" } else { "`run`" }
            ),
        };
        let name = task.struct_name();
        let message = format!("`{name}` does not say how its output is kept; write {instead}");
        ctxt.error(&task.input.ident, message);
    }
    if let (Some(_), Some(outputs)) = (&attr.target, &attr.outputs) {
        let message = "a task has one output, its `target`, or several, its `outputs`; keep one";
        ctxt.error(&outputs.word, message);
    }
    if let (Some(path), None) = (&attr.path, &attr.external) {
        let message = "`path` is the path of an external file; write \
                       `external, path = ...`, or leave it out";
        ctxt.error(&path.word, message);
    }
    if task.function.is_none() {
        external(task, ctxt);
        aggregate(task, ctxt);
        not_run(task, ctxt);
    }
    for folder in [&attr.group, &attr.dir].into_iter().flatten() {
        if !folder.value.value().split('/').all(is_name) {
            let message = format!(
                "a folder is a path of names with `/` between them, inside the store, and {}",
                name_rule("each")
            );
            ctxt.error(&folder.value, message);
        }
    }
}

/// Reports an impl of `Run` for a task that is not run, if the source has one.
fn not_run(task: &Task<'_>, ctxt: &Ctxt) {
    if !has_needless_run(task) {
        return;
    }
    let name = task.struct_name();
    if let Some(word) = word(&task.attr.external) {
        let message = format!(
            "an external task is not run; leave out `impl Run for {name}`, or leave out `external` and `path`"
        );
        ctxt.error(word, message);
    } else if let Some(word) = word(&task.attr.aggregate) {
        let message = format!(
            "an aggregate is not run; leave out `impl Run for {name}`, or write `target = Json<f64>` or \
             another target instead of `aggregate`"
        );
        ctxt.error(word, message);
    }
}

/// Returns whether a task that is external or an aggregate has an impl of `Run`.
pub(crate) fn has_needless_run(task: &Task<'_>) -> bool {
    let is_not_run = task.attr.external.is_some() || task.attr.aggregate.is_some();
    is_not_run
        && task.function.is_none()
        && file::here()
            .is_some_and(|file| declared::has_run(task.input.to_token_stream(), Some(&file)))
}

/// Checks that an external task has a path, and no option of tasks that run.
fn external(task: &Task<'_>, ctxt: &Ctxt) {
    let attr = &task.attr;
    let Some(external) = &attr.external else { return };
    if attr.path.is_none() {
        let message = "say where the file lies: `external, path = \"data/prices.csv\"`; the path \
                       may depend on `self`";
        ctxt.error(&external.word, message);
    }
    let needless = [
        (word(&attr.requires), "an external task requires nothing"),
        (word(&attr.outputs), "an external task is one file, with a `target`"),
        (word(&attr.aggregate), "an external task is no aggregate"),
        (word(&attr.uses), "an external task uses nothing"),
        (word(&attr.may_require), "an external task requires nothing"),
        (word(&attr.version), "an external task has no code"),
        (word(&attr.check), "an external file is not made by the task"),
        (word(&attr.refresh), "an external file is checked by each plan"),
        (word(&attr.group), "an external file is not in the store"),
        (word(&attr.dir), "an external file is not in the store"),
    ];
    for (word, why) in needless {
        if let Some(word) = word {
            ctxt.error(word, format_args!("{why}; leave out `{word}`"));
        }
    }
    for word in attr.policy.words() {
        ctxt.error(word, format_args!("an external task does not run; leave out `{word}`"));
    }
}

/// Checks that an aggregate has dependencies, and no option of an output.
fn aggregate(task: &Task<'_>, ctxt: &Ctxt) {
    let attr = &task.attr;
    let Some(aggregate) = &attr.aggregate else { return };
    if attr.requires.is_none() && !attr.bad_requires {
        let message = "an aggregate stands for what it requires; write `requires(...)`";
        ctxt.error(&aggregate.word, message);
    }
    let needless = [
        word(&attr.target),
        word(&attr.outputs),
        word(&attr.uses),
        word(&attr.may_require),
        word(&attr.version),
        word(&attr.check),
        word(&attr.refresh),
        word(&attr.group),
        word(&attr.dir),
    ];
    for word in needless.into_iter().flatten() {
        let message = format!("an aggregate has no output of its own; leave out `{word}`");
        ctxt.error(word, message);
    }
    for word in attr.policy.words() {
        ctxt.error(word, format_args!("an aggregate does not run; leave out `{word}`"));
    }
}
