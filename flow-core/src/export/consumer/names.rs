//! Derives valid and unique Rust names from the names of tasks, columns and folders.

use std::collections::HashSet;
use std::path::Path;

/// Type names that the source of the crate uses or that Rust reserves.
const TAKEN: &[&str] = &[
    "ArrowIpc",
    "BTreeMap",
    "BatchStream",
    "Bytes",
    "Code",
    "Compression",
    "Csv",
    "CsvGz",
    "Cx",
    "Deserialize",
    "DeserializeOwned",
    "Err",
    "Excel",
    "File",
    "Flow",
    "Input",
    "IntoParam",
    "Json",
    "Loaded",
    "Lz4",
    "Memory",
    "None",
    "Ok",
    "Option",
    "Output",
    "Outputs",
    "Param",
    "Parquet",
    "Part",
    "Path",
    "PathBuf",
    "PhantomData",
    "Pickle",
    "RecordBatch",
    "Result",
    "Run",
    "Secret",
    "Self",
    "Send",
    "Serialize",
    "Sink",
    "Snappy",
    "Some",
    "Source",
    "String",
    "SweepTable",
    "Sync",
    "T",
    "Target",
    "Task",
    "Text",
    "Tracked",
    "Uncompressed",
    "Value",
    "Vec",
    "Zstd",
];

/// Names that cargo refuses for a package, or that would collide with a dependency of the crate.
const NO_PACKAGE: &[&str] = &[
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "flow",
    "incremental",
    "proc-macro",
    "std",
    "test",
];

/// The names that were given, so that each is given once.
#[derive(Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// Returns the name of a task type that loads an output or a part of one, such as `SplitTrain`.
    pub(super) fn of_task(&mut self, task: &str, part: &str) -> String {
        self.of_type(&format!("{task} {part}"))
    }

    /// Returns the name of a type, such as `FitGbm` for `Fit<Gbm>` and `Mean` for `mean`.
    pub(super) fn of_type(&mut self, text: &str) -> String {
        let mut name = String::new();
        for word in words(text) {
            let mut letters = word.chars();
            name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            name.push_str(letters.as_str());
        }
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            name.insert_str(0, "Task");
        }
        if TAKEN.contains(&name.as_str()) {
            name.push_str("Output");
        }
        self.give(name, "")
    }

    /// Returns the name of a field, such as `unit_price` for `Unit price` and `unitPrice`.
    pub(super) fn of_field(&mut self, text: &str) -> String {
        let mut name = String::new();
        let mut was_lower = false;
        for word in words(text) {
            if !name.is_empty() {
                name.push('_');
            }
            for c in word.chars() {
                if c.is_ascii_uppercase() && was_lower {
                    name.push('_');
                }
                was_lower = !c.is_ascii_uppercase();
                name.push(c.to_ascii_lowercase());
            }
            was_lower = false;
        }
        if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            name.insert_str(0, "column_");
        }
        if is_keyword(&name) {
            name.push('_');
        }
        self.give(name, "_")
    }

    /// Returns the name if it is unused; otherwise the name with the next free number.
    fn give(&mut self, name: String, between: &str) -> String {
        if self.0.insert(name.clone()) {
            return name;
        }
        let numbered = (2..).map(|i| format!("{name}{between}{i}"));
        let mut free = numbered.filter(|name| self.0.insert(name.clone()));
        free.next().unwrap_or(name)
    }
}

/// Returns the runs of ASCII letters and digits of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_keyword(name: &str) -> bool {
    // The keywords of all editions, and the reserved ones.
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
        "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
        "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
        "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type",
        "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    KEYWORDS.contains(&name)
}

/// Returns the name of the package in this folder.
pub(super) fn package(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name: Vec<_> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let name = name.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !NO_PACKAGE.contains(&name.as_str())
        && !is_keyword(&name);
    match name.as_str() {
        "" => "outputs".to_owned(),
        _ if is_plain => name,
        _ => format!("outputs-{name}"),
    }
}

/// Returns the name of the library of a package.
pub(super) fn library(package: &str) -> String {
    package.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_a_name_of_rust() {
        let mut names = Names::default();
        let given = ["Fit<Gbm>", "mean", "my-task_2", "Mean", "Text", "été", "1x", "é"]
            .map(|text| names.of_type(text));
        let expected =
            ["FitGbm", "Mean", "MyTask2", "Mean2", "TextOutput", "TOutput", "Task1x", "TaskOutput"];
        assert_eq!(given, expected);
    }

    #[test]
    fn a_field_has_a_name_of_rust() {
        let mut names = Names::default();
        let given = ["Unit price", "unitPrice", "URL", "type", "", "7", "x.y"]
            .map(|text| names.of_field(text));
        let expected = ["unit_price", "unit_price_2", "url", "type_", "column_", "column_7", "x_y"];
        assert_eq!(given, expected);
    }

    #[test]
    fn a_package_is_called_as_its_folder_if_it_can_be() {
        let name = |folder: &str| package(Path::new(folder));
        assert_eq!(name("/a/Sales outputs"), "sales-outputs");
        assert_eq!(name("/a/sales_2026/"), "sales-2026");
        assert_eq!(name("/a/2026"), "outputs-2026");
        assert_eq!(name("/a/flow"), "outputs-flow");
        assert_eq!(name("/a/type"), "outputs-type");
        assert_eq!(name("/"), "outputs");
        assert_eq!(library("sales-2026"), "sales_2026");
    }
}
