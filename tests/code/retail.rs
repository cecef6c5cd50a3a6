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
const SOLD: &str = "//! What was sold.

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
        "a local variable of a helper two calls deep is code of what reaches it, and of nothing else",
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
        "a function that `run` calls counts, and the reason names it and its file",
        &[Replace("src/prep.rs", "(x - mean) / deviation", "(x - mean) / deviation / 2.0")],
        &["Features"],
    )
    .because("Features", "code: standardise (src/prep.rs) changed"),
    counts(
        "path_dependency",
        "a function of a crate that is named by a path in the manifest counts, under another name there",
        &[Replace("stats/src/lib.rs", "(x - mean).powi(2)", "(x - mean) * (x - mean)")],
        &["Features", "Evaluate"],
    )
    .because("Evaluate", "variance"),
    counts(
        "dependency_of_dependency",
        "so does what that crate calls in a crate of its own",
        &[Replace("mathkit/src/kit.rs", "let new = sum + next;", "let new = next + sum;")],
        &["Features", "Evaluate"],
    )
    .because("Features", "exact_sum"),
    counts(
        "own_library",
        "the library of the package counts for the program of the package",
        &[Replace("src/calendar.rs", "day % WEEK < 6", "day % WEEK < 5")],
        &["LoadCalendar"],
    )
    .because("LoadCalendar", "code: is_open (src/calendar.rs) changed"),
    counts(
        "constant_of_own_library",
        "a constant in it counts, through the function that names it",
        &[Replace("src/calendar.rs", "WEEK: u32 = 7", "WEEK: u32 = 8")],
        &["LoadCalendar"],
    ),
    counts(
        "feature_switched_on",
        "a feature of cargo that decides what is compiled counts where it does",
        &[Replace("Cargo.toml", "default = []", "default = [\"holidays\"]")],
        &["LoadCalendar"],
    ),
    counts(
        "constant",
        "the value of a constant counts",
        &[Replace("src/prep.rs", "LIMIT: f64 = 500.0", "LIMIT: f64 = 600.0")],
        &["Clean"],
    )
    .because("Clean", "LIMIT"),
    counts(
        "static",
        "the value of a static counts",
        &[Replace("src/load.rs", "SEPARATOR: char = ';'", "SEPARATOR: char = ','")],
        &["LoadOrders"],
    )
    .because("LoadOrders", "SEPARATOR"),
    counts(
        "constant_in_pattern",
        "a constant counts that is named in a pattern alone",
        &[Replace("src/prep.rs", "SUNDAY: u32 = 0", "SUNDAY: u32 = 6")],
        &["Features"],
    ),
    counts(
        "constant_in_nested_modules",
        "a constant counts that lies in a module in a module",
        &[Replace("src/report.rs", "\"We will sell \"", "\"We shall sell \"")],
        &["Report"],
    ),
    counts(
        "included_text",
        "the content of a file counts that is included as text",
        &[Replace("data/orders.csv", "5;south;14.5", "5;south;14.75")],
        &["LoadOrders"],
    )
    .because("LoadOrders", "orders.csv"),
    counts(
        "field_of_output",
        "a new field of the type of an output counts for who makes it and who loads it",
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
        "how the type of an output is shown counts for who makes it and who loads it",
        &[Replace("src/model.rs", "{:.2} and {:.2} more", "{:.3} and {:.3} more")],
        &["Train", "Evaluate", "Report"],
    )
    .because("Report", "src/model.rs"),
    counts(
        "type_alias",
        "what an alias stands for counts",
        &[Replace("src/order.rs", "pub type Cents = i64;", "pub type Cents = i32;")],
        &["Clean"],
    ),
    counts(
        "variant_of_parameter",
        "a new variant of the type of a parameter counts for its task, and no other",
        &[Replace("src/model.rs", "    Trend,\n}", "    Trend,\n    Season,\n}")],
        &["Train"],
    ),
    counts(
        "method_of_parameter",
        "a method of the type of a parameter counts for the task that has the parameter",
        &[Replace("src/model.rs", "map_or(0.0, |row| last - row[1])", "map_or(1.0, |row| last - row[1])")],
        &["Train"],
    )
    .because("Train", "fit_line"),
    counts(
        "method_of_task",
        "a method of the task itself counts, and what that calls",
        &[Replace("src/prep.rs", "in_cents(order) >= self.least", "in_cents(order) > self.least")],
        &["Clean"],
    )
    .because("Clean", "is_large"),
    counts(
        "helper_of_method",
        "what a method of the task calls counts",
        &[Replace("src/prep.rs", "order.amount * 100.0", "order.amount * 100.5")],
        &["Clean"],
    ),
    counts(
        "switched_import",
        "the same name, imported from elsewhere, is other code",
        &[Replace("src/prep.rs", "use smooth::fast::smoothed;", "use smooth::slow::smoothed;")],
        &["Features"],
    ),
    counts(
        "swapped_imports",
        "two names that are swapped are other code, although all the same items are reached",
        &[
            Replace("src/prep.rs", "use near::weight as light;", "use wide::weight as light;"),
            Replace("src/prep.rs", "use wide::weight as heavy;", "use near::weight as heavy;"),
        ],
        &["Features"],
    ),
    counts(
        "switched_re_export",
        "a name that a module passes on, and that is now another's, is other code",
        &[
            Replace("src/prep.rs", "pub use scale::spread as deviation;", "pub use scale::reach as deviation;"),
            Replace("src/prep/scale.rs", "//! How wide numbers lie.\n", "//! How wide numbers lie.\n\npub fn reach(numbers: &[f64]) -> f64 {\n    numbers.iter().fold(1.0, |a, b| a.max(b.abs()))\n}\n"),
        ],
        &["Features", "Evaluate"],
    ),
    counts(
        "glob_import",
        "a function counts that comes by `use rules::*`",
        &[Replace("src/rules.rs", "order.amount > 0.0", "order.amount > 0.5")],
        &["Clean"],
    )
    .because("Clean", "code: has_an_amount (src/rules.rs) changed"),
    counts(
        "glob_import_shadowed",
        "an import by name goes before one by `*`",
        &[
            Replace("src/prep.rs", "use crate::rules::*;", "use crate::rules::is_recent as has_a_shop;\nuse crate::rules::*;"),
        ],
        &["Clean"],
    ),
    counts(
        "run_of_one_task",
        "the `run` of a task counts for that task",
        &[Replace("src/prep.rs", "[f64::from(order.day), amount, open(order.day)]", "[f64::from(order.day), amount, -open(order.day)]")],
        &["Features"],
    )
    .because("Features", "code: impl Run for Features (src/prep.rs) changed"),
    // Edits that do not count.
    ignored(
        "comment",
        "a comment is no code",
        &[Replace("src/prep/scale.rs", "    if deviation", "    // All the same?\n    if /* so */ deviation")],
    ),
    ignored(
        "documentation",
        "documentation is no code, of functions, fields, types and modules",
        &[
            Replace("src/prep.rs", "/// Mean 0 and variance 1.", "/// Scales them.\n///\n/// With `deviation`."),
            Replace("src/order.rs", "/// When.", "/// On which day."),
            Replace("src/calendar.rs", "//! Days, counted", "//! All days, counted"),
        ],
    ),
    ignored(
        "formatting",
        "how the code is laid out does not matter, trailing commas among it",
        &[
            Replace("src/prep/scale.rs", "if deviation > 0.0 { deviation } else { 1.0 }", "if deviation>0.0 {\n        deviation\n    } else {\n        1.0\n    }"),
            Replace("src/prep.rs", "pub fn standardise(numbers: &[f64]) -> Vec<f64> {", "pub fn standardise(\n    numbers: &[f64],\n) -> Vec<f64> {"),
            Replace("src/load.rs", "Ok(Order { day, shop, amount, ..Default::default() })", "Ok(Order {\n        day,\n        shop,\n        amount,\n        ..Default::default()\n    })"),
        ],
    ),
    ignored(
        "lint_attributes",
        "what is said to lints is no code",
        &[
            Replace("src/prep.rs", "/// Mean 0 and variance 1.", "#[allow(clippy::cast_lossless, reason = \"so\")]\n#[warn(missing_docs)]"),
            Replace("src/main.rs", "use flow::prelude::*;\n\nmod load;", "#![allow(dead_code)]\n\nuse flow::prelude::*;\n\nmod load;"),
        ],
    ),
    ignored(
        "unrelated_function",
        "a function that no task reaches does not count",
        &[Replace("src/calendar.rs", "year % 4 == 0", "year % 4 == 0 && year % 100 != 0")],
    ),
    ignored(
        "unrelated_function_of_glob",
        "one does not count either because its module is imported by `*`",
        &[Replace("src/rules.rs", "order.day > 1", "order.day > 2")],
    ),
    ignored(
        "unrelated_function_of_dependency",
        "one of a crate that is reached for another function does not count",
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
        "in which order the items of a file stand does not matter",
        &[
            Replace("src/prep.rs", "/// What an order is at most.\nconst LIMIT: f64 = 500.0;\n", ""),
            Replace("src/prep.rs", "/// The second day of a weekend.\nconst SUNDAY: u32 = 0;\n", ""),
            Replace("src/prep.rs", "/// Mean 0 and variance 1.", "const SUNDAY: u32 = 0;\n\nconst LIMIT: f64 = 500.0;\n\n/// Mean 0 and variance 1."),
        ],
    ),
    ignored(
        "moved_function",
        "a function may move to another file, with its imports",
        &[
            Write("src/prep/scale.rs", "//! Nothing is left here.\n"),
            Write("src/spread.rs", SPREAD),
            Replace("src/main.rs", "mod rules;", "mod rules;\nmod spread;"),
            Replace("src/prep.rs", "pub use scale::spread as deviation;", "pub use crate::spread::spread as deviation;"),
        ],
    ),
    ignored(
        "moved_type",
        "a type may move to another file, with what it derives",
        &[
            Replace("src/main.rs", "mod rules;", "mod rules;\nmod sold;"),
            Replace("src/order.rs", ORDER, "pub use crate::sold::Order;\n"),
            Write("src/sold.rs", SOLD),
        ],
    ),
    ignored(
        "moved_module",
        "a module may become a folder, `near.rs` to `near/mod.rs`",
        &[
            Remove("src/prep/near.rs"),
            Write(
                "src/prep/near/mod.rs",
                "/// What a day counts from near by.\npub fn weight(day: u32) -> f64 {\n    f64::from(day) + 1.0\n}\n",
            ),
        ],
    ),
    ignored(
        "new_module",
        "a new module that nothing reaches does not count",
        &[
            Write("src/extra.rs", "//! Not used yet.\n\npub fn extra() -> u32 {\n    7\n}\n"),
            Replace("src/main.rs", "mod load;", "mod extra;\nmod load;"),
        ],
    ),
    ignored(
        "tests",
        "tests are no code of a task",
        &[Replace(
            "src/report.rs",
            "assert!(super::banner::greeting::TEXT.ends_with(' '));",
            "let text = super::banner::greeting::TEXT;\n        assert!(text.len() > 1 && text.ends_with(' '));",
        )],
    ),
    ignored(
        "renamed_task",
        "a task that says what it was called keeps its outputs, and so do those that require it",
        &[
            Replace("src/prep.rs", "#[task(requires = LoadOrders, target = Json<Vec<Order>>)]\npub struct Clean", "#[task(requires = LoadOrders, target = Json<Vec<Order>>, was = \"Clean\")]\npub struct Tidy"),
            Replace("src/prep.rs", "impl Run for Clean {", "impl Run for Tidy {"),
            Replace("src/prep.rs", "impl Clean {", "impl Tidy {"),
            Replace("src/prep.rs", "requires(Clean, LoadCalendar)", "requires(Tidy, LoadCalendar)"),
        ],
    ),
    ignored(
        "reordered_parameters",
        "the order of the parameters of a task does not matter",
        &[Replace(
            "src/load.rs",
            "#[param(default = 100)]\n    limit: usize,\n    #[param(default = 0)]\n    skip: usize,",
            "#[param(default = 0)]\n    skip: usize,\n    #[param(default = 100)]\n    limit: usize,",
        )],
    ),
    ignored(
        "main",
        "what the program does besides is no code of a task",
        &[Replace("src/main.rs", "println!(\"{}\", flow.load::<Report>()?);", "println!(\"report: {}\", flow.load::<Report>()?);")],
    ),
    ignored(
        "unrelated_type",
        "a type that no task reaches does not count, with whatever it implements",
        &[Replace(
            "src/order.rs",
            "/// What is counted in cents.",
            "pub struct Basket(pub Vec<Order>);\n\nimpl Basket {\n    pub fn total(&self) -> f64 {\n        self.0.iter().map(|order| order.amount).sum()\n    }\n}\n\n/// What is counted in cents.",
        )],
    ),
    ignored(
        "metadata",
        "what the manifest says about the package is no code",
        &[Replace("Cargo.toml", "description = \"What a shop will sell\"", "description = \"Forecasts for a shop\"\nversion = \"0.2.0\"\nauthors = [\"Somebody\"]")],
    ),
    ignored(
        "unused_import",
        "an import of what is not used does not count",
        &[
            Replace("src/model.rs", "use std::fmt;", "use std::collections::HashMap;\nuse std::fmt;"),
            Replace("src/load.rs", "use retail::calendar;", "use retail::calendar::{self, is_leap};"),
        ],
    ),
    ignored(
        "sorted_imports",
        "how imports are grouped and sorted does not matter",
        &[Replace("src/prep.rs", "use crate::load::{LoadCalendar, LoadOrders};\nuse crate::order::{Cents, Order};\nuse crate::rules::*;", "use crate::{load::LoadOrders, rules::*, order::{Order, Cents}, load::LoadCalendar};")],
    ),
    ignored(
        "import_of_more",
        "what else a line imports does not matter",
        &[Replace("src/prep.rs", "use smooth::fast::smoothed;", "use self::smooth::fast::{self, smoothed};")],
    ),
];

#[test]
fn edits_of_a_program_of_modules_and_crates() {
    check_each("retail", EDITS);
}
