//! Edits of a program of several modules, with its own library and two path dependencies, one of
//! which depends on the other.
//!
//! ```text
//! Report ─ Evaluate ─┬─ Train ─ Features ─┬─ Clean ─ LoadOrders
//!                    └─ Features          └─ LoadCalendar
//! ```

use crate::edit::Change::{Remove, Replace, Write};
use crate::edit::{Edit, check_each, counts, ignored};

const SPREAD: &str = "/// The standard deviation; 1 where all numbers are the same.
pub fn spread(numbers: &[f64]) -> f64 {
    let deviation = moments::variance(numbers).sqrt();
    if deviation > 0.0 { deviation } else { 1.0 }
}
";

/// The type of the first outputs.
const ORDER: &str = "/// One order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// When.
    pub day: u32,
    pub shop: String,
    pub amount: f64,
}
";

/// The same type in a file of its own.
const SOLD: &str = "//! Sold orders.

use flow::prelude::*;

/// One order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// When.
    pub day: u32,
    pub shop: String,
    pub amount: f64,
}
";

const EDITS: &[Edit] = &[
    // Edits that count.
    counts(
        "rename_local",
        "a local variable of a helper is code of exactly the tasks that reach the helper",
        &[Replace(
            "src/prep/scale.rs",
            "let deviation = moments::variance(numbers).sqrt();\n    if deviation > 0.0 { deviation }",
            "let sigma = moments::variance(numbers).sqrt();\n    if sigma > 0.0 { sigma }",
        )],
        &["Features", "Evaluate"],
    )
    .because("Features", "code: spread (src/prep/scale.rs) changed"),
    counts(
        "helper",
        "a called function is tracked, and the reason names it and its file",
        &[Replace("src/prep.rs", "(x - mean) / deviation", "(x - mean) / deviation / 2.0")],
        &["Features"],
    )
    .because("Features", "code: standardise (src/prep.rs) changed"),
    counts(
        "path_dependency",
        "a function of a path dependency is tracked, also if the manifest renames the crate",
        &[Replace("stats/src/lib.rs", "(x - mean).powi(2)", "(x - mean) * (x - mean)")],
        &["Features", "Evaluate"],
    )
    .because("Evaluate", "variance"),
    counts(
        "dependency_of_dependency",
        "a function of an indirect path dependency is tracked",
        &[Replace("mathkit/src/kit.rs", "let new = sum + next;", "let new = next + sum;")],
        &["Features", "Evaluate"],
    )
    .because("Features", "exact_sum"),
    counts(
        "own_library",
        "the library of the package is tracked for the program of the package",
        &[Replace("src/calendar.rs", "day % WEEK < 6", "day % WEEK < 5")],
        &["LoadCalendar"],
    )
    .because("LoadCalendar", "code: is_open (src/calendar.rs) changed"),
    counts(
        "constant_of_own_library",
        "a constant of the library is tracked through the function that uses it",
        &[Replace("src/calendar.rs", "WEEK: u32 = 7", "WEEK: u32 = 8")],
        &["LoadCalendar"],
    ),
    counts(
        "feature_switched_on",
        "a cargo feature that selects code is tracked where it does",
        &[Replace("Cargo.toml", "default = []", "default = [\"holidays\"]")],
        &["LoadCalendar"],
    ),
    counts(
        "constant",
        "the value of a constant is tracked",
        &[Replace("src/prep.rs", "LIMIT: f64 = 500.0", "LIMIT: f64 = 600.0")],
        &["Clean"],
    )
    .because("Clean", "LIMIT"),
    counts(
        "static",
        "the value of a static is tracked",
        &[Replace("src/load.rs", "SEPARATOR: char = ';'", "SEPARATOR: char = ','")],
        &["LoadOrders"],
    )
    .because("LoadOrders", "SEPARATOR"),
    counts(
        "constant_in_pattern",
        "a constant that is only used in a pattern is tracked",
        &[Replace("src/prep.rs", "SUNDAY: u32 = 0", "SUNDAY: u32 = 6")],
        &["Features"],
    ),
    counts(
        "constant_in_nested_modules",
        "a constant in a nested module is tracked",
        &[Replace("src/report.rs", "\"We will sell \"", "\"We shall sell \"")],
        &["Report"],
    ),
    counts(
        "included_text",
        "the content of a file that is included as text is tracked",
        &[Replace("data/orders.csv", "5;south;14.5", "5;south;14.75")],
        &["LoadOrders"],
    )
    .because("LoadOrders", "orders.csv"),
    counts(
        "field_of_output",
        "a new field of an output's type is code of its task and of tasks that load it",
        &[Replace(
            "src/order.rs",
            "pub amount: f64,",
            "pub amount: f64,\n    #[serde(default)]\n    pub note: String,",
        )],
        &["LoadOrders", "Clean", "Features"],
    )
    .because("Clean", "Order"),
    counts(
        "display_of_output",
        "the `Display` impl of an output is code of its task and of tasks that load it",
        &[Replace("src/model.rs", "{:.2} and {:.2} more", "{:.3} and {:.3} more")],
        &["Train", "Evaluate", "Report"],
    )
    .because("Report", "src/model.rs"),
    counts(
        "type_alias",
        "the target of a type alias is tracked",
        &[Replace("src/order.rs", "pub type Cents = i64;", "pub type Cents = i32;")],
        &["Clean"],
    ),
    counts(
        "variant_of_parameter",
        "a new variant of a parameter's type is code of the task with the parameter only",
        &[Replace("src/model.rs", "    Trend,\n}", "    Trend,\n    Season,\n}")],
        &["Train"],
    ),
    counts(
        "method_of_parameter",
        "a method of a parameter's type is code of the task with the parameter",
        &[Replace("src/model.rs", "map_or(0.0, |row| last - row[1])", "map_or(1.0, |row| last - row[1])")],
        &["Train"],
    )
    .because("Train", "fit_line"),
    counts(
        "method_of_task",
        "a method of the task is tracked, and so are its helpers",
        &[Replace("src/prep.rs", "in_cents(order) >= self.least", "in_cents(order) > self.least")],
        &["Clean"],
    )
    .because("Clean", "is_large"),
    counts(
        "helper_of_method",
        "a helper of a method of the task is tracked",
        &[Replace("src/prep.rs", "order.amount * 100.0", "order.amount * 100.5")],
        &["Clean"],
    ),
    counts(
        "switched_import",
        "the same name imported from another module is other code",
        &[Replace("src/prep.rs", "use smooth::fast::smoothed;", "use smooth::slow::smoothed;")],
        &["Features"],
    ),
    counts(
        "swapped_imports",
        "two swapped names are other code, although the same items are reached",
        &[
            Replace("src/prep.rs", "use near::weight as light;", "use wide::weight as light;"),
            Replace("src/prep.rs", "use wide::weight as heavy;", "use near::weight as heavy;"),
        ],
        &["Features"],
    ),
    counts(
        "switched_re_export",
        "a re-export that names another item is other code",
        &[
            Replace("src/prep.rs", "pub use scale::spread as deviation;", "pub use scale::reach as deviation;"),
            Replace("src/prep/scale.rs", "//! The spread of numbers.\n", "//! The spread of numbers.\n\npub fn reach(numbers: &[f64]) -> f64 {\n    numbers.iter().fold(1.0, |a, b| a.max(b.abs()))\n}\n"),
        ],
        &["Features", "Evaluate"],
    ),
    counts(
        "glob_import",
        "a function imported by `use rules::*` is tracked",
        &[Replace("src/rules.rs", "order.amount > 0.0", "order.amount > 0.5")],
        &["Clean"],
    )
    .because("Clean", "code: has_an_amount (src/rules.rs) changed"),
    counts(
        "glob_import_shadowed",
        "an import by name takes precedence over a glob import",
        &[
            Replace("src/prep.rs", "use crate::rules::*;", "use crate::rules::is_recent as has_a_shop;\nuse crate::rules::*;"),
        ],
        &["Clean"],
    ),
    counts(
        "run_of_one_task",
        "the `run` of a task is its code",
        &[Replace("src/prep.rs", "[f64::from(order.day), amount, open(order.day)]", "[f64::from(order.day), amount, -open(order.day)]")],
        &["Features"],
    )
    .because("Features", "code: impl Run for Features (src/prep.rs) changed"),
    // Edits that do not count.
    ignored(
        "comment",
        "comments are not code",
        &[Replace("src/prep/scale.rs", "    if deviation", "    // All the same?\n    if /* so */ deviation")],
    ),
    ignored(
        "documentation",
        "documentation of functions, fields, types and modules is not code",
        &[
            Replace("src/prep.rs", "/// Mean 0 and variance 1.", "/// Scales them.\n///\n/// With `deviation`."),
            Replace("src/order.rs", "/// When.", "/// On which day."),
            Replace("src/calendar.rs", "//! Days, counted", "//! All days, counted"),
        ],
    ),
    ignored(
        "formatting",
        "formatting is not code, including trailing commas",
        &[
            Replace("src/prep/scale.rs", "if deviation > 0.0 { deviation } else { 1.0 }", "if deviation>0.0 {\n        deviation\n    } else {\n        1.0\n    }"),
            Replace("src/prep.rs", "pub fn standardise(numbers: &[f64]) -> Vec<f64> {", "pub fn standardise(\n    numbers: &[f64],\n) -> Vec<f64> {"),
            Replace("src/load.rs", "Ok(Order { day, shop, amount, ..Default::default() })", "Ok(Order {\n        day,\n        shop,\n        amount,\n        ..Default::default()\n    })"),
        ],
    ),
    ignored(
        "lint_attributes",
        "lint attributes are not code",
        &[
            Replace("src/prep.rs", "/// Mean 0 and variance 1.", "#[allow(clippy::cast_lossless, reason = \"so\")]\n#[warn(missing_docs)]"),
            Replace("src/main.rs", "use flow::prelude::*;\n\nmod load;", "#![allow(dead_code)]\n\nuse flow::prelude::*;\n\nmod load;"),
        ],
    ),
    ignored(
        "unrelated_function",
        "an unreached function is not tracked",
        &[Replace("src/calendar.rs", "year % 4 == 0", "year % 4 == 0 && year % 100 != 0")],
    ),
    ignored(
        "unrelated_function_of_glob",
        "a glob import does not make an unreached function tracked",
        &[Replace("src/rules.rs", "order.day > 1", "order.day > 2")],
    ),
    ignored(
        "unrelated_function_of_dependency",
        "an unreached function of a reached crate is not tracked",
        &[
            Replace("stats/src/order.rs", "sorted.len() / 2", "(sorted.len() - 1) / 2"),
            Replace("mathkit/src/kit.rs", "numbers.iter().product()", "numbers.iter().copied().product()"),
        ],
    ),
    ignored(
        "unreached_alternative",
        "a function of the same name in another module is another function",
        &[Replace("src/prep/smooth.rs", "(pair[0] + pair[1]) / 2.0", "(pair[0] + pair[1]) * 0.5")],
    ),
    ignored(
        "item_order",
        "the order of items in a file does not matter",
        &[
            Replace("src/prep.rs", "/// The largest amount of an order.\nconst LIMIT: f64 = 500.0;\n", ""),
            Replace("src/prep.rs", "/// The second day of a weekend.\nconst SUNDAY: u32 = 0;\n", ""),
            Replace("src/prep.rs", "/// Mean 0 and variance 1.", "const SUNDAY: u32 = 0;\n\nconst LIMIT: f64 = 500.0;\n\n/// Mean 0 and variance 1."),
        ],
    ),
    ignored(
        "moved_function",
        "a function may move to another file together with its imports",
        &[
            Write("src/prep/scale.rs", "//! Nothing is left here.\n"),
            Write("src/spread.rs", SPREAD),
            Replace("src/main.rs", "mod rules;", "mod rules;\nmod spread;"),
            Replace("src/prep.rs", "pub use scale::spread as deviation;", "pub use crate::spread::spread as deviation;"),
        ],
    ),
    ignored(
        "moved_type",
        "a type may move to another file together with its derives",
        &[
            Replace("src/main.rs", "mod rules;", "mod rules;\nmod sold;"),
            Replace("src/order.rs", ORDER, "pub use crate::sold::Order;\n"),
            Write("src/sold.rs", SOLD),
        ],
    ),
    ignored(
        "moved_module",
        "a module may move from `near.rs` to `near/mod.rs`",
        &[
            Remove("src/prep/near.rs"),
            Write(
                "src/prep/near/mod.rs",
                "/// The weight of a day in a short period.\npub fn weight(day: u32) -> f64 {\n    f64::from(day) + 1.0\n}\n",
            ),
        ],
    ),
    ignored(
        "new_module",
        "a new unreached module is not tracked",
        &[
            Write("src/extra.rs", "//! Not used yet.\n\npub fn extra() -> u32 {\n    7\n}\n"),
            Replace("src/main.rs", "mod load;", "mod extra;\nmod load;"),
        ],
    ),
    ignored(
        "tests",
        "tests are not code of a task",
        &[Replace(
            "src/report.rs",
            "assert!(super::banner::greeting::TEXT.ends_with(' '));",
            "let text = super::banner::greeting::TEXT;\n        assert!(text.len() > 1 && text.ends_with(' '));",
        )],
    ),
    ignored(
        "renamed_task",
        "a renamed task with `was` keeps its outputs, and so do the tasks that require it",
        &[
            Replace("src/prep.rs", "#[task(requires = LoadOrders, target = Json<Vec<Order>>)]\npub struct Clean", "#[task(requires = LoadOrders, target = Json<Vec<Order>>, was = \"Clean\")]\npub struct Tidy"),
            Replace("src/prep.rs", "impl Run for Clean {", "impl Run for Tidy {"),
            Replace("src/prep.rs", "impl Clean {", "impl Tidy {"),
            Replace("src/prep.rs", "requires(Clean, LoadCalendar)", "requires(Tidy, LoadCalendar)"),
        ],
    ),
    ignored(
        "reordered_parameters",
        "the order of a task's parameters does not matter",
        &[Replace(
            "src/load.rs",
            "#[param(default = 100)]\n    limit: usize,\n    #[param(default = 0)]\n    skip: usize,",
            "#[param(default = 0)]\n    skip: usize,\n    #[param(default = 100)]\n    limit: usize,",
        )],
    ),
    ignored(
        "main",
        "other code of the program is not code of a task",
        &[Replace("src/main.rs", "println!(\"{}\", flow.load::<Report>()?);", "println!(\"report: {}\", flow.load::<Report>()?);")],
    ),
    ignored(
        "unrelated_type",
        "an unreached type is not tracked, with all its impls",
        &[Replace(
            "src/order.rs",
            "/// An amount in cents.",
            "pub struct Basket(pub Vec<Order>);\n\nimpl Basket {\n    pub fn total(&self) -> f64 {\n        self.0.iter().map(|order| order.amount).sum()\n    }\n}\n\n/// An amount in cents.",
        )],
    ),
    ignored(
        "metadata",
        "package metadata in the manifest is not code",
        &[Replace("Cargo.toml", "description = \"A forecast of sales\"", "description = \"Forecasts for a shop\"\nversion = \"0.2.0\"\nauthors = [\"Ada Example\"]")],
    ),
    ignored(
        "unused_import",
        "an unused import is not tracked",
        &[
            Replace("src/model.rs", "use std::fmt;", "use std::collections::HashMap;\nuse std::fmt;"),
            Replace("src/load.rs", "use retail::calendar;", "use retail::calendar::{self, is_leap};"),
        ],
    ),
    ignored(
        "sorted_imports",
        "grouping and sorting imports does not matter",
        &[Replace("src/prep.rs", "use crate::load::{LoadCalendar, LoadOrders};\nuse crate::order::{Cents, Order};\nuse crate::rules::*;", "use crate::{load::LoadOrders, rules::*, order::{Order, Cents}, load::LoadCalendar};")],
    ),
    ignored(
        "import_of_more",
        "other names in an import line do not matter",
        &[Replace("src/prep.rs", "use smooth::fast::smoothed;", "use self::smooth::fast::{self, smoothed};")],
    ),
];

#[test]
fn edits_of_a_program_of_modules_and_crates() {
    check_each("retail", EDITS);
}
