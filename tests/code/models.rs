//! Edits of code that the compiler resolves by type: traits, generics, operators, and functions that
//! are values.
//!
//! ```text
//! Compare ─┬─ Score<Ols> ─ Fit<Ols> ─ Sample
//!          ├─ Score<Ridge> ─ Fit<Ridge> ─ Sample
//!          ├─ Vote, Blend, Totals ─ Sample
//!          └─ Curve, Ledger
//! ```

use crate::edit::Change::Replace;
use crate::edit::{Edit, check_each, counts, ignored};

const EDITS: &[Edit] = &[
    // Edits that count.
    counts(
        "type_argument",
        "the code of a type argument counts for the task that has it, and not for one with another",
        &[Replace("src/fit.rs", "let slope = least_squares(points) - zero;", "let slope = zero + least_squares(points);")],
        &["Fit<Ols>"],
    )
    .perhaps(&["Score<Ols>"])
    .because("Fit<Ols>", "src/fit.rs"),
    counts(
        "helper_of_type_argument",
        "so does what that code calls",
        &[Replace("src/fit.rs", "let (mut xy, mut xx) = (0.0, penalty);", "let (mut xy, mut xx) = (0.0, penalty * 2.0);")],
        &["Fit<Ridge>"],
    )
    .perhaps(&["Score<Ridge>"])
    .because("Fit<Ridge>", "shrunk_squares"),
    counts(
        "associated_constant",
        "so does an associated constant",
        &[Replace("src/fit.rs", "PENALTY: f64 = 0.125", "PENALTY: f64 = 0.25")],
        &["Fit<Ridge>"],
    )
    .perhaps(&["Score<Ridge>"]),
    counts(
        "associated_type",
        "so does an associated type",
        &[Replace("src/fit.rs", "type Number = f32;", "type Number = f64;")],
        &["Fit<Ridge>"],
    )
    .perhaps(&["Score<Ridge>"]),
    counts(
        "trait_default",
        "the default body of a trait's method counts where no impl has another",
        &[Replace("src/fit.rs", "- y).abs()).sum()", "- y).powi(2)).sum()")],
        &["Score<Ols>", "Score<Ridge>"],
    )
    .perhaps(&["Fit<Ols>", "Fit<Ridge>"])
    .because("Score<Ols>", "src/fit.rs"),
    counts(
        "overridden_default",
        "a type that gets a method of its own instead of the trait's default has other code",
        &[Replace(
            "src/fit.rs",
            "    const PENALTY: f64 = 0.125;",
            "    fn judge_line(line: &Line, points: &[Point]) -> f64 {\n        line.slope * points.len() as f64\n    }\n\n    const PENALTY: f64 = 0.125;",
        )],
        &["Score<Ridge>"],
    )
    .perhaps(&["Fit<Ridge>"]),
    counts(
        "generic_run",
        "the `run` of a generic task counts whatever the argument is",
        &[Replace("src/fit.rs", "M::learn(&points[self.skip..])", "M::learn(&points[self.skip.min(5)..])")],
        &["Fit<Ols>", "Fit<Ridge>"],
    ),
    counts(
        "trait_object",
        "what a trait object may be counts, although `run` does not name it",
        &[Replace("src/ensemble.rs", "fold(f64::MIN, f64::max)", "fold(0.0, f64::max)")],
        &["Vote"],
    ),
    counts(
        "field_behind_trait_object",
        "so does what that holds",
        &[Replace("src/ensemble.rs", "doubt: f64,", "doubt: f64, // How much.\n    _unused: (),"), Replace("src/ensemble.rs", "Pessimist { doubt: 0.5 }", "Pessimist { doubt: 0.5, _unused: () }")],
        &["Vote"],
    ),
    counts(
        "function_table",
        "a function counts that stands in a table, whichever of them is called",
        &[Replace("src/ensemble.rs", "x * 0.5", "x * 0.75")],
        &["Blend"],
    )
    .because("Blend", "code: flat (src/ensemble.rs) changed"),
    counts(
        "swapped_function_table",
        "which function stands where in the table counts",
        &[Replace("src/ensemble.rs", "[(\"flat\", flat), (\"steep\", steep)]", "[(\"flat\", steep), (\"steep\", flat)]")],
        &["Blend"],
    )
    .because("Blend", "KERNELS"),
    counts(
        "impl_for_foreign_type",
        "a trait of the crate counts that is implemented for a type of the standard library",
        &[Replace("src/series.rs", "self.get(self.len() / 2)", "self.get(self.len() / 3)")],
        &["Totals"],
    ),
    counts(
        "blanket_impl",
        "so does one that is implemented for whatever has another trait",
        &[Replace("src/series.rs", "numbers.first().copied().unwrap_or(0.0)", "numbers.last().copied().unwrap_or(0.0)")],
        &["Totals"],
    ),
    counts(
        "generic_function",
        "the body of a generic function counts",
        &[Replace("src/series.rs", "if *item > largest", "if *item >= largest")],
        &["Totals"],
    )
    .because("Totals", "code: largest (src/series.rs) changed"),
    counts(
        "const_generic",
        "the body of a method of a type with a constant for a parameter counts",
        &[Replace("src/series.rs", "window.iter().sum::<f64>()", "window.iter().rev().sum::<f64>()")],
        &["Totals"],
    ),
    counts(
        "closure_in_constant",
        "the body of a closure in a constant counts",
        &[Replace("src/series.rs", "|x| x * x,", "|x| x * x * x,")],
        &["Curve"],
    )
    .because("Curve", "EASE"),
    counts(
        "helper_of_closure_in_constant",
        "so does what that closure calls",
        &[Replace("src/series.rs", "    x * x * x\n", "    x * x\n")],
        &["Curve"],
    )
    .because("Curve", "code: eased (src/series.rs) changed"),
    counts(
        "async_function",
        "the body of an async function counts",
        &[Replace("src/series.rs", "x + 1.0", "x + 2.0")],
        &["Curve"],
    ),
    counts(
        "unsafe_function",
        "the body of an unsafe function counts",
        &[Replace("src/series.rs", "x.sqrt()", "x.abs().sqrt()")],
        &["Curve"],
    ),
    counts(
        "const_function",
        "the body of a const function counts, through the constant that it gives",
        &[Replace("src/sample.rs", "weeks * 7", "weeks * 5")],
        &["Sample"],
    )
    .because("Sample", "code: count_of (src/sample.rs) changed"),
    counts(
        "operator",
        "an operator counts, although nobody names its function",
        &[Replace("src/money.rs", "self.cents + other.cents", "other.cents + self.cents")],
        &["Ledger", "Compare"],
    )
    .because("Ledger", "Add"),
    counts(
        "display",
        "how a value is shown counts for who made it and who loads it, although nobody names `fmt`",
        &[Replace("src/money.rs", "{}.{:02}", "{},{:02}")],
        &["Ledger", "Compare"],
    ),
    counts(
        "conversion",
        "a conversion counts, although it is only called as `into`",
        &[Replace("src/money.rs", "fn from(cents: i64) -> Self {\n        Self { cents }", "fn from(cents: i64) -> Self {\n        Self { cents: cents * 2 }")],
        &["Ledger", "Compare"],
    ),
    counts(
        "drop",
        "what happens when a value is dropped counts",
        &[Replace("src/money.rs", "self.closed.get() + self.items.len() as i64", "self.closed.get() - self.items.len() as i64")],
        &["Ledger"],
    )
    .because("Ledger", "Drop"),
    counts(
        "deref",
        "what a value is taken for counts",
        &[Replace("src/money.rs", "&self.items\n", "&self.items[1..]\n")],
        &["Ledger"],
    ),
    counts(
        "derived_trait",
        "what a type derives counts for who makes it and who loads it",
        &[Replace("src/money.rs", "Deserialize)]\npub struct Money", "Deserialize)]\n#[serde(deny_unknown_fields)]\npub struct Money")],
        &["Ledger", "Compare"],
    ),
    // Edits that do not count.
    ignored(
        "unused_derive",
        "a derive of the standard library does not count: what uses it counts",
        &[Replace("src/money.rs", "PartialEq, PartialOrd, Serialize", "Hash, PartialEq, Eq, Serialize")],
    ),
    ignored(
        "unrelated_trait",
        "a trait that no task reaches does not count, although it is implemented for types that are",
        &[Replace(
            "src/series.rs",
            "/// How far numbers reach, whoever holds them.",
            "pub trait Loud {\n    fn shout(&self) -> String;\n}\n\nimpl Loud for Vec<f64> {\n    fn shout(&self) -> String {\n        format!(\"{self:?}!\")\n    }\n}\n\n/// How far numbers reach, whoever holds them.",
        )],
    ),
    ignored(
        "comments_in_traits",
        "documentation and comments do not count in traits and impls either",
        &[
            Replace("src/fit.rs", "/// How far the line is off.", "/// The sum of what is off."),
            Replace("src/fit.rs", "    type Number = f32;", "    // Half of it will do.\n    type Number = f32;"),
        ],
    ),
    ignored(
        "order_of_impls",
        "the order of the impls of a file does not matter",
        &[
            Replace("src/ensemble.rs", "struct Optimist;\n", ""),
            Replace("src/ensemble.rs", "fn voters() ->", "struct Optimist;\n\nfn voters() ->"),
        ],
    ),
    ignored(
        "unrelated_generic",
        "a type that could be an argument, and is none, does not count",
        &[Replace(
            "src/sample.rs",
            "const COUNT",
            "/// Not a model yet.\npub struct Lasso {\n    pub penalty: f64,\n}\n\nconst COUNT",
        )],
    ),
];

#[test]
fn edits_of_code_that_is_resolved_by_type() {
    check_each("models", EDITS);
}
