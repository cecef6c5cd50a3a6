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
        "the code of a type argument is code of the tasks with this argument only",
        &[Replace("src/fit.rs", "let slope = least_squares(points) - zero;", "let slope = zero + least_squares(points);")],
        &["Fit<Ols>"],
    )
    .perhaps(&["Score<Ols>"])
    .because("Fit<Ols>", "src/fit.rs"),
    counts(
        "helper_of_type_argument",
        "helpers of a type argument's code are tracked",
        &[Replace("src/fit.rs", "let (mut xy, mut xx) = (0.0, penalty);", "let (mut xy, mut xx) = (0.0, penalty * 2.0);")],
        &["Fit<Ridge>"],
    )
    .perhaps(&["Score<Ridge>"])
    .because("Fit<Ridge>", "shrunk_squares"),
    counts(
        "associated_constant",
        "an associated constant of a type argument is tracked",
        &[Replace("src/fit.rs", "PENALTY: f64 = 0.125", "PENALTY: f64 = 0.25")],
        &["Fit<Ridge>"],
    )
    .perhaps(&["Score<Ridge>"]),
    counts(
        "associated_type",
        "an associated type of a type argument is tracked",
        &[Replace("src/fit.rs", "type Number = f32;", "type Number = f64;")],
        &["Fit<Ridge>"],
    )
    .perhaps(&["Score<Ridge>"]),
    counts(
        "trait_default",
        "the default body of a trait method is tracked where no impl overrides it",
        &[Replace("src/fit.rs", "- y).abs()).sum()", "- y).powi(2)).sum()")],
        &["Score<Ols>", "Score<Ridge>"],
    )
    .perhaps(&["Fit<Ols>", "Fit<Ridge>"])
    .because("Score<Ols>", "src/fit.rs"),
    counts(
        "overridden_default",
        "overriding the default of a trait method changes the code",
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
        "the `run` of a generic task is code of the task for every type argument",
        &[Replace("src/fit.rs", "M::learn(&points[self.skip..])", "M::learn(&points[self.skip.min(5)..])")],
        &["Fit<Ols>", "Fit<Ridge>"],
    ),
    counts(
        "trait_object",
        "types behind a trait object are tracked, although `run` does not name them",
        &[Replace("src/ensemble.rs", "fold(f64::MIN, f64::max)", "fold(0.0, f64::max)")],
        &["Vote"],
    ),
    counts(
        "field_behind_trait_object",
        "fields of types behind a trait object are tracked",
        &[Replace("src/ensemble.rs", "doubt: f64,", "doubt: f64, // How much.\n    _unused: (),"), Replace("src/ensemble.rs", "Pessimist { doubt: 0.5 }", "Pessimist { doubt: 0.5, _unused: () }")],
        &["Vote"],
    ),
    counts(
        "function_table",
        "every function in a table is tracked, whichever of them is called",
        &[Replace("src/ensemble.rs", "x * 0.5", "x * 0.75")],
        &["Blend"],
    )
    .because("Blend", "code: flat (src/ensemble.rs) changed"),
    counts(
        "swapped_function_table",
        "the order of functions in a table is tracked",
        &[Replace("src/ensemble.rs", "[(\"flat\", flat), (\"steep\", steep)]", "[(\"flat\", steep), (\"steep\", flat)]")],
        &["Blend"],
    )
    .because("Blend", "KERNELS"),
    counts(
        "impl_for_foreign_type",
        "a trait impl for a type of the standard library is tracked",
        &[Replace("src/series.rs", "self.get(self.len() / 2)", "self.get(self.len() / 3)")],
        &["Totals"],
    ),
    counts(
        "blanket_impl",
        "a blanket impl is tracked",
        &[Replace("src/series.rs", "numbers.first().copied().unwrap_or(0.0)", "numbers.last().copied().unwrap_or(0.0)")],
        &["Totals"],
    ),
    counts(
        "generic_function",
        "the body of a generic function is tracked",
        &[Replace("src/series.rs", "if *item > largest", "if *item >= largest")],
        &["Totals"],
    )
    .because("Totals", "code: largest (src/series.rs) changed"),
    counts(
        "const_generic",
        "methods of a type with a const parameter are tracked",
        &[Replace("src/series.rs", "window.iter().sum::<f64>()", "window.iter().rev().sum::<f64>()")],
        &["Totals"],
    ),
    counts(
        "closure_in_constant",
        "the body of a closure in a constant is tracked",
        &[Replace("src/series.rs", "|x| x * x,", "|x| x * x * x,")],
        &["Curve"],
    )
    .because("Curve", "EASE"),
    counts(
        "helper_of_closure_in_constant",
        "helpers of a closure in a constant are tracked",
        &[Replace("src/series.rs", "    x * x * x\n", "    x * x\n")],
        &["Curve"],
    )
    .because("Curve", "code: eased (src/series.rs) changed"),
    counts(
        "async_function",
        "the body of an async function is tracked",
        &[Replace("src/series.rs", "x + 1.0", "x + 2.0")],
        &["Curve"],
    ),
    counts(
        "unsafe_function",
        "the body of an unsafe function is tracked",
        &[Replace("src/series.rs", "x.sqrt()", "x.abs().sqrt()")],
        &["Curve"],
    ),
    counts(
        "const_function",
        "the body of a const function is tracked through the constant that it computes",
        &[Replace("src/sample.rs", "weeks * 7", "weeks * 5")],
        &["Sample"],
    )
    .because("Sample", "code: count_of (src/sample.rs) changed"),
    counts(
        "operator",
        "the impl of an operator is tracked, although no code names its function",
        &[Replace("src/money.rs", "self.cents + other.cents", "other.cents + self.cents")],
        &["Ledger", "Compare"],
    )
    .because("Ledger", "Add"),
    counts(
        "display",
        "the `Display` impl of an output is code of its task and of tasks that load it",
        &[Replace("src/money.rs", "{}.{:02}", "{},{:02}")],
        &["Ledger", "Compare"],
    ),
    counts(
        "conversion",
        "a `From` impl is tracked, although it is only called through `into`",
        &[Replace("src/money.rs", "fn from(cents: i64) -> Self {\n        Self { cents }", "fn from(cents: i64) -> Self {\n        Self { cents: cents * 2 }")],
        &["Ledger", "Compare"],
    ),
    counts(
        "drop",
        "the `Drop` impl of a used type is tracked",
        &[Replace("src/money.rs", "self.closed.get() + self.items.len() as i64", "self.closed.get() - self.items.len() as i64")],
        &["Ledger"],
    )
    .because("Ledger", "Drop"),
    counts(
        "deref",
        "the `Deref` impl of a used type is tracked",
        &[Replace("src/money.rs", "&self.items\n", "&self.items[1..]\n")],
        &["Ledger"],
    ),
    counts(
        "derived_trait",
        "the derives of an output's type are code of its task and of tasks that load it",
        &[Replace("src/money.rs", "Deserialize)]\npub struct Money", "Deserialize)]\n#[serde(deny_unknown_fields)]\npub struct Money")],
        &["Ledger", "Compare"],
    ),
    // Edits that do not count.
    ignored(
        "unused_derive",
        "derives of the standard library are not tracked: code that uses them is",
        &[Replace("src/money.rs", "PartialEq, PartialOrd, Serialize", "Hash, PartialEq, Eq, Serialize")],
    ),
    ignored(
        "unrelated_trait",
        "an unreached trait is not tracked, although reached types implement it",
        &[Replace(
            "src/series.rs",
            "/// The range of any collection of numbers.",
            "pub trait Loud {\n    fn shout(&self) -> String;\n}\n\nimpl Loud for Vec<f64> {\n    fn shout(&self) -> String {\n        format!(\"{self:?}!\")\n    }\n}\n\n/// The range of any collection of numbers.",
        )],
    ),
    ignored(
        "comments_in_traits",
        "documentation and comments in traits and impls are not code",
        &[
            Replace("src/fit.rs", "/// The error of the line.", "/// The sum of errors."),
            Replace("src/fit.rs", "    type Number = f32;", "    // Half the precision suffices.\n    type Number = f32;"),
        ],
    ),
    ignored(
        "order_of_impls",
        "the order of impls in a file does not matter",
        &[
            Replace("src/ensemble.rs", "struct Optimist;\n", ""),
            Replace("src/ensemble.rs", "fn voters() ->", "struct Optimist;\n\nfn voters() ->"),
        ],
    ),
    ignored(
        "unrelated_generic",
        "a type that could be a type argument, and is none, is not tracked",
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
