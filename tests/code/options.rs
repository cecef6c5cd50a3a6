//! Edits of a program that selects how its code is tracked: `#[tracked(body)]`,
//! `#[tracked(crate)]`, `Code::version`, `#[task(version = ...)]`.

use crate::edit::Change::{Replace, Write};
use crate::edit::{Edit, check_each, counts, ignored};

const EDITS: &[Edit] = &[
    counts(
        "helper",
        "a helper is code with full tracking, and not with `body` or `Code::version`",
        &[Replace("src/steps.rs", "x * 2", "x + x")],
        &["Followed", "Whole", "Versioned"],
    )
    .because("Whole", "helper"),
    counts(
        "body",
        "`#[tracked(body)]` tracks its own body",
        &[Replace("src/steps.rs", "helper(2)", "helper(2) + 1")],
        &["Bodily", "Whole"],
    )
    .because("Bodily", "code: impl Run for Bodily (src/steps.rs) changed"),
    counts(
        "unrelated",
        "`#[tracked(crate)]` tracks unreached code",
        &[Replace("src/steps.rs", "fn helper", "pub fn nobody_calls_it() {}\n\nfn helper")],
        &["Whole"],
    )
    .because("Whole", "nobody_calls_it"),
    counts(
        "unrelated_in_dependency",
        "`#[tracked(crate)]` tracks path dependencies",
        &[Replace("side/src/lib.rs", "x + 1", "1 + x")],
        &["Whole"],
    )
    .because("Whole", "unused"),
    counts(
        "new_module",
        "`#[tracked(crate)]` tracks new modules",
        &[
            Write("src/extra.rs", "pub fn extra() {}\n"),
            Replace("src/main.rs", "mod steps;", "mod extra;\nmod steps;"),
        ],
        &["Whole"],
    ),
    counts(
        "uncounted",
        "a task with `Code::version` is unaffected by other changes of its code",
        &[Replace("src/steps.rs", "helper(4)", "helper(4) + 1")],
        &["Whole"],
    ),
    counts(
        "counted",
        "another number in `Code::version` is other code",
        &[Replace("src/steps.rs", "Code::version(1)", "Code::version(2)")],
        &["Counted"],
    )
    .perhaps(&["Whole"])
    .because("Counted", "version 1 is version 2 now"),
    counts(
        "version_of_task",
        "another number in `#[task(version = ...)]` reruns the task",
        &[Replace("src/steps.rs", "version = 1)]", "version = 2)]")],
        &["Versioned"],
    )
    .perhaps(&["Whole"])
    .because("Versioned", "version: was 1, is 2"),
    ignored(
        "execution",
        "options that say how a task is executed are not code, also with `#[tracked(crate)]`",
        &[
            Replace(
                "src/steps.rs",
                "/// Tracks all code that it reaches.\n#[derive(Task)]\n#[task(target = Json<u64>)]",
                "/// Tracks all code that it reaches.\n#[derive(Task)]\n#[task(target = Json<u64>, retries = 3, \
                 timeout = 30, threads = 1, priority = 2)]",
            ),
            Replace(
                "src/steps.rs",
                "/// Tracks all code of the crate.\n#[derive(Task)]\n#[task(target = Json<u64>)]",
                "/// Tracks all code of the crate.\n#[derive(Task)]\n#[task(retries = helper(1) as u32, \
                 resources(memory = \"1MB\"), target = Json<u64>)]",
            ),
        ],
    ),
    ignored(
        "comments_of_crate",
        "`#[tracked(crate)]` ignores comments and documentation",
        &[
            Replace(
                "src/steps.rs",
                "/// Tracks all code of the crate.",
                "/// Tracks the whole crate.",
            ),
            Replace("src/main.rs", "mod steps;", "// The steps.\nmod steps;"),
            Replace("side/src/lib.rs", "/// Not called.", "/// Not needed."),
        ],
    ),
    ignored(
        "order_in_crate",
        "`#[tracked(crate)]` ignores the order of items",
        &[
            Replace("src/steps.rs", "fn helper(x: u64) -> u64 {\n    x * 2\n}\n", ""),
            Replace(
                "src/steps.rs",
                "/// Tracks the code of `run` only.",
                "fn helper(x: u64) -> u64 {\n    x * 2\n}\n\n/// Tracks the code of `run` only.",
            ),
        ],
    ),
];

#[test]
fn edits_under_each_tracking_option() {
    check_each("options", EDITS);
}
