//! Edits of a pipeline whose tasks are functions.

use crate::edit::Change::Replace;
use crate::edit::{Edit, check_each, counts, ignored};

const EDITS: &[Edit] = &[
    counts(
        "body",
        "the body of a function is its code",
        &[Replace("src/main.rs", "side::rounded(furthest)", "side::rounded(furthest) + 1.0")],
        &["spread"],
    )
    .because("spread", "code: fn spread (src/main.rs) changed"),
    counts(
        "helper_two_calls_deep",
        "a helper is code of every function that reaches it, at any depth",
        &[Replace("src/steps.rs", "x.is_finite()", "x.is_finite() && x > -1.0")],
        &["clean"],
    )
    .because("clean", "code: deeper (src/steps.rs) changed"),
    counts(
        "helper_in_a_dependency",
        "a helper in a path dependency is code of the functions that reach it",
        &[Replace("side/src/lib.rs", "x.round()", "x.ceil()")],
        &["spread"],
    )
    .because("spread", "step"),
    counts(
        "called_function",
        "a task that is called as a function is code of its caller",
        &[Replace(
            "src/main.rs",
            "    steps::average(clean)\n",
            "    steps::average(clean) + 0.5\n",
        )],
        &["mean", "spread"],
    )
    .because("spread", "code: mean (src/main.rs) changed"),
    counts(
        "helper_of_called_function",
        "helpers of a called task are code of its caller",
        &[Replace("src/steps.rs", "rows.len() as f64", "rows.len().max(1) as f64")],
        &["mean", "spread"],
    ),
    counts(
        "required_function",
        "a task that is only required, statically or dynamically, is not code of its dependents",
        &[Replace("src/steps.rs", "raw().into_iter()", "raw().into_iter().rev()")],
        &["data", "(in run) data"],
    ),
    counts(
        "constant_of_required_function",
        "constants of a required task are not code of the requiring task",
        &[Replace("src/steps.rs", "LOWEST: f64 = 1.0", "LOWEST: f64 = 1.5")],
        &["data", "(in run) data"],
    ),
    ignored(
        "execution",
        "options that say how a task is executed are not code of a function",
        &[Replace(
            "src/steps.rs",
            "#[task(requires = data, target = Json<Vec<f64>>)]",
            "#[task(requires = data, target = Json<Vec<f64>>, retries = 2, timeout = \"5m\", \
             resources(memory = twice(self.highest) as u64))]",
        )],
    ),
    counts(
        "name_of_an_input",
        "an input is part of the code, including its name",
        &[
            Replace("src/steps.rs", "clean(data: &[f64]", "clean(rows: &[f64]"),
            Replace("src/steps.rs", "Ok(data.iter()", "Ok(rows.iter()"),
        ],
        &["clean"],
    ),
    counts(
        "type_of_an_input",
        "the type of an input is part of the code",
        &[Replace("src/steps.rs", "clean(data: &[f64]", "clean(data: &Vec<f64>")],
        &["clean"],
    ),
    counts(
        "method_of_a_parameter",
        "methods of a parameter's type are code of the task",
        &[Replace("src/model.rs", "Self::Plain => 1.0", "Self::Plain => 1.5")],
        &["fit"],
    )
    .because("fit", "Kind::weight"),
    counts(
        "type_of_an_output",
        "the type of an output is code of the task and of tasks that load it",
        &[
            Replace(
                "src/model.rs",
                "pub slope: f64,\n}",
                "pub slope: f64,\n    #[serde(default)]\n    pub more: u8,\n}",
            ),
            Replace("src/model.rs", "+ f64::from(n) }", "+ f64::from(n), more: 0 }"),
        ],
        &["fit", "Report", "all"],
    ),
    counts(
        "check_of_an_output",
        "the check of an output is code of its task, and not of tasks that load it",
        &[Replace("src/model.rs", "values.len() < 100", "values.len() <= 100")],
        &["halves"],
    )
    .because("halves", "code: few (src/model.rs) changed"),
    counts(
        "body_alone",
        "`tracked(body)` tracks the body, and no helpers",
        &[
            Replace("src/main.rs", "steps::twice(mean)", "steps::twice(mean + 0.0)"),
            Replace("src/steps.rs", "x * 2.0", "x + x"),
        ],
        &["doubled"],
    )
    .because("doubled", "code: fn doubled (src/main.rs) changed"),
    counts(
        "version",
        "another version is other code",
        &[Replace(
            "src/main.rs",
            "target = Json<f64>, tracked(body)",
            "target = Json<f64>, version = 1, tracked(body)",
        )],
        &["doubled"],
    ),
    ignored(
        "helper_of_body_alone",
        "with `tracked(body)`, helpers are not tracked",
        &[Replace("src/steps.rs", "x * 2.0", "x + x")],
    ),
    ignored(
        "documentation",
        "documentation of a function and of its parameters is not code",
        &[
            Replace("src/steps.rs", "/// The raw values.", "/// The values, unchanged."),
            Replace(
                "src/steps.rs",
                "    /// The number of values to skip.\n",
                "    /// The number of leading values to skip.\n    // Of all.\n",
            ),
        ],
    ),
    ignored(
        "what_is_said_of_parameters",
        "limits, and code that computes an equal default, are not code",
        &[
            Replace(
                "src/steps.rs",
                "#[param(default = limit())]",
                "#[param(default = 50.0 + 50.0, range = 0.0..=200.0)]",
            ),
            Replace("src/model.rs", "#[param(default = 1)] n", "#[param(local, default = 1)] n"),
        ],
    ),
    ignored(
        "default_of_a_task_that_is_called",
        "the task attribute of a called function is not code of its caller",
        &[Replace(
            "src/main.rs",
            "#[task(requires = clean, target = Json<f64>)]",
            "#[flow::task(target = Json<f64>, requires = clean, refresh = \"300w\")]",
        )],
    ),
    ignored(
        "order_of_arguments",
        "parameters may be reordered, and placed among the inputs",
        &[Replace(
            "src/model.rs",
            "clean: &[f64], all: Option<&Vec<f64>>, kind: Kind, #[param(default = 1)] n: u8",
            "#[param(default = 1)] n: u8, clean: &[f64], #[param()] kind: Kind, all: Option<&Vec<f64>>,",
        )],
    ),
    ignored(
        "formatting",
        "formatting is not code",
        &[Replace(
            "src/main.rs",
            "fn mean(clean: &[f64]) -> f64 {",
            "fn mean(\n    clean: &[f64],\n) -> f64\n{",
        )],
    ),
    ignored(
        "renamed",
        "a renamed task with `was` keeps its code",
        &[
            Replace(
                "src/main.rs",
                "target = Json<f64>)]\nfn best(cx: &Cx<best>",
                "target = Json<f64>, was = \"best\")]\nfn highest(cx: &Cx<highest>",
            ),
            Replace(
                "src/main.rs",
                "requires(mean, spread, best,",
                "requires(mean, spread, highest,",
            ),
        ],
    ),
    ignored(
        "type_of_another_name",
        "a task with another `name` and with `was` keeps its code",
        &[
            Replace(
                "src/main.rs",
                "target = Json<f64>, tracked(body)",
                "target = Json<f64>, name = Doubled, was = \"doubled\", tracked(body)",
            ),
            Replace("src/main.rs", "best, doubled, fit, halves", "best, Doubled, fit, halves"),
        ],
    ),
    ignored(
        "not_reached",
        "functions that are not called are not tracked",
        &[Replace("src/steps.rs", "    3.0\n", "    4.0\n")],
    ),
    ignored(
        "visibility",
        "visibility and lint attributes are not code",
        &[
            Replace("src/steps.rs", "pub fn clean(", "#[allow(unused)]\npub(crate) fn clean("),
            Replace("src/model.rs", "pub fn fit(", "pub(crate) fn fit("),
            Replace("src/model.rs", "pub struct Report", "pub(crate) struct Report"),
        ],
    ),
    ignored(
        "moved",
        "a function may move together with its helpers",
        &[
            Replace("src/steps.rs", "fn usable(x: f64) -> bool {\n    deeper(x)\n}\n", ""),
            Replace(
                "src/steps.rs",
                "/// The raw values.",
                "fn usable(x: f64) -> bool {\n    deeper(x)\n}\n\n/// The raw values.",
            ),
        ],
    ),
];

#[test]
fn edits_of_functions_that_are_tasks() {
    check_each("functions", EDITS);
}
