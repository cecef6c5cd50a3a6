//! Edits of macros, of included files, and of the formats of outputs.
//!
//! ```text
//! Publish ─┬─ Codebook
//!          ├─ Weight, Agreement ─ Answers
//!          └─ Winner ─ Shares ─ Answers
//! ```

use crate::edit::Change::{Remove, Replace, Write};
use crate::edit::{Edit, check_each, counts, ignored};

/// The tasks that load the output of `Answers`.
const READERS: &[&str] = &["Weight", "Agreement", "Shares"];

const EDITS: &[Edit] = &[
    // Edits that count.
    counts(
        "expression_macro",
        "the body of a macro is code of its callers",
        &[Replace(
            "src/tally.rs",
            "100.0 * $part as f64 / $whole as f64",
            "$part as f64 / $whole as f64 * 100.0",
        )],
        &["Shares"],
    )
    .because("Shares", "share"),
    counts(
        "macro_of_items",
        "the body of a macro that defines a called function is tracked",
        &[Replace(
            "src/scales.rs",
            "answer as f64 / $steps as f64",
            "answer as f64 / ($steps as f64 + 1.0)",
        )],
        &["Agreement"],
    )
    .because("Agreement", "src/scales.rs"),
    counts(
        "arguments_of_macro_of_items",
        "the arguments of a macro that defines a called function are tracked",
        &[Replace("src/scales.rs", "scale!(likert, 5);", "scale!(likert, 7);")],
        &["Agreement"],
    )
    .because("Agreement", "src/scales.rs"),
    counts(
        "macro_of_type",
        "the arguments of a macro that defines a type with methods are tracked",
        &[Replace("src/scales.rs", "No => \"no\",", "No => \"No\",")],
        &["Shares"],
    ),
    counts(
        "macro_of_dependency",
        "a macro of a path dependency is tracked",
        &[Replace(
            "toolkit/src/lib.rs",
            "if $a > $b { $a } else { $b }",
            "if $b < $a { $a } else { $b }",
        )],
        &["Winner"],
    )
    .because("Winner", "larger"),
    counts(
        "helper_of_macro_of_dependency",
        "a helper that a macro calls through `$crate` is tracked",
        &[Replace("toolkit/src/lib.rs", "number.max(low).min(high)", "number.min(high).max(low)")],
        &["Agreement"],
    )
    .because("Agreement", "bounded"),
    counts(
        "included_text",
        "a text file that a constant includes is tracked, with its path relative to the package",
        &[Write("data/answers.txt", "yes\nno\nyes\nyes\nno\nno\n")],
        &["Answers"],
    )
    .because("Answers", "answers.txt"),
    counts(
        "included_bytes",
        "the content of a file that is included as bytes is tracked",
        &[Write("data/codes.bin", "a1b2c4\n")],
        &["Codebook"],
    )
    .because("Codebook", "codes.bin"),
    counts(
        "included_code",
        "code included from a file that is no module is tracked",
        &[Write("src/table.in", "[1.0, 2.0, 4.0, 9.0]\n")],
        &["Weight"],
    )
    .because("Weight", "table.in"),
    counts(
        "other_file_included",
        "including another file with other content is other code",
        &[
            Write("data/codes-2.bin", "z9\n"),
            Replace(
                "src/answers.rs",
                "include_bytes!(\"../data/codes.bin\")",
                "include_bytes!(\"../data/codes-2.bin\")",
            ),
        ],
        &["Codebook"],
    ),
    counts(
        "module_with_path",
        "a module with `#[path]` is tracked",
        &[Replace("src/odd/weighing.rs", "place as f64 + 1.0", "place as f64 + 2.0")],
        &["Weight"],
    )
    .because("Weight", "code: weigh (src/odd/weighing.rs) changed"),
    counts(
        "other_module_with_path",
        "another file in `#[path]` is other code",
        &[
            Write("src/odd/heavy.rs", "pub fn weigh(place: usize) -> f64 {\n    place as f64\n}\n"),
            Replace("src/main.rs", "odd/weighing.rs", "odd/heavy.rs"),
        ],
        &["Weight"],
    ),
    counts(
        "target_of_ones_own",
        "the `save` of a target is code of the tasks stored with it",
        &[Replace("src/lines.rs", "for line in lines {", "for line in lines.iter() {")],
        &["Answers"],
    )
    .perhaps(READERS)
    .because("Answers", "code: impl Target for Lines (src/lines.rs) changed"),
    counts(
        "helper_of_target",
        "a helper of a target is code of the tasks stored with it",
        &[Replace("src/lines.rs", "format!(\"{MARK} {line}\")", "format!(\"{MARK}  {line}\")")],
        &["Answers"],
    )
    .perhaps(READERS)
    .because("Answers", "code: marked (src/lines.rs) changed"),
    counts(
        "constant_of_target",
        "a constant that a target only uses in a format string is tracked",
        &[Replace("src/lines.rs", "MARK: char = '>'", "MARK: char = '|'")],
        &["Answers"],
    )
    .perhaps(READERS),
    counts(
        "serialize_by_hand",
        "a handwritten `Serialize` is code of its task and of tasks that load the output",
        &[Replace("src/percent.rs", "{:.1} %", "{:.2} %")],
        &["Shares", "Winner"],
    )
    .because("Shares", "Serialize"),
    counts(
        "deserialize_by_hand",
        "a handwritten `Deserialize` is code of its task and of tasks that load the output",
        &[Replace(
            "src/percent.rs",
            "number.parse().map(Self)",
            "number.parse().map(|number: f64| Self(number * 2.0))",
        )],
        &["Shares", "Winner"],
    )
    .because("Winner", "Deserialize"),
    // Edits that do not count.
    ignored(
        "other_invocation",
        "another function defined by the same macro is another function",
        &[Replace("src/scales.rs", "scale!(thumbs, 2);", "scale!(thumbs, 3);")],
    ),
    ignored(
        "unused_macro",
        "an unused macro is not tracked",
        &[Replace(
            "src/tally.rs",
            "/// A share in percent.",
            "#[allow(unused_macros)]\nmacro_rules! part {\n    ($part:expr) => {\n        $part / 2\n    };\n}\n\n/// A share in percent.",
        )],
    ),
    ignored(
        "comments_in_macros",
        "comments in macros are not code",
        &[Replace(
            "src/tally.rs",
            "        Percent(100.0 *",
            "        // In percent.\n        Percent(100.0 *",
        )],
    ),
    ignored(
        "rewritten_file",
        "a file is tracked by its content, and not by its time",
        &[
            Write("data/codes.bin", "a1b2c3\n"),
            Write("data/answers.txt", "yes\nno\nyes\nyes\nmaybe\nno\n"),
        ],
    ),
    ignored(
        "renamed_module_file",
        "the file of a module with `#[path]` may be renamed",
        &[
            Remove("src/odd/weighing.rs"),
            Write(
                "src/weights.rs",
                "//! The weight of an answer.\n\n/// By its place.\npub fn weigh(place: usize) -> f64 {\n    1.0 / (place as f64 + 1.0)\n}\n",
            ),
            Replace("src/main.rs", "#[path = \"odd/weighing.rs\"]\n", ""),
        ],
    ),
];

#[test]
fn edits_of_macros_included_files_and_targets() {
    check_each("survey", EDITS);
}
