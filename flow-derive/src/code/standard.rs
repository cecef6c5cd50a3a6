//! Names that need no import: keywords, and the names of the standard prelude and of this library's prelude.

/// Returns whether a name is a common one that needs no import. Digests depend on this list.
pub(crate) fn is_standard(name: &str) -> bool {
    matches!(
        name,
        "Some"
            | "None"
            | "Ok"
            | "Err"
            | "Vec"
            | "String"
            | "Box"
            | "Option"
            | "Result"
            | "Self"
            | "Default"
            | "Clone"
            | "Copy"
            | "Drop"
            | "Eq"
            | "PartialEq"
            | "Ord"
            | "PartialOrd"
            | "From"
            | "Into"
            | "Iterator"
            | "IntoIterator"
            | "ToString"
            | "ToOwned"
            | "AsRef"
            | "AsMut"
            | "Fn"
            | "FnMut"
            | "FnOnce"
            | "Send"
            | "Sync"
            | "Sized"
            | "drop"
            | "str"
            | "f32"
            | "f64"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "usize"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
            | "isize"
            | "bool"
            | "char"
            | "if"
            | "while"
            | "match"
            | "for"
            | "in"
            | "return"
            | "fn"
            | "move"
    )
}

/// Returns whether a name is a keyword, or a name of the standard prelude.
pub(crate) fn is_known(name: &str) -> bool {
    is_standard(name)
        || matches!(
            name,
            // Keywords that may stand where the name of a function stands.
            "as" | "async"
                | "await"
                | "box"
                | "break"
                | "const"
                | "continue"
                | "crate"
                | "dyn"
                | "else"
                | "enum"
                | "extern"
                | "false"
                | "gen"
                | "impl"
                | "let"
                | "loop"
                | "mod"
                | "mut"
                | "pub"
                | "ref"
                | "self"
                | "static"
                | "struct"
                | "super"
                | "trait"
                | "true"
                | "try"
                | "type"
                | "union"
                | "unsafe"
                | "use"
                | "where"
                | "yield"
                | "_"
        )
        || matches!(
            name,
            "Debug"
                | "Hash"
                | "Unpin"
                | "DoubleEndedIterator"
                | "ExactSizeIterator"
                | "Extend"
                | "FromIterator"
                | "TryFrom"
                | "TryInto"
                | "AsyncFn"
                | "AsyncFnMut"
                | "AsyncFnOnce"
                | "Future"
                | "IntoFuture"
                | "align_of"
                | "align_of_val"
                | "size_of"
                | "size_of_val"
                | "f16"
                | "f128"
        )
}

/// The names of this library's prelude. A test compares them with the prelude.
pub(crate) const PRELUDE: &[&str] = &[
    "ArrowIpc",
    "BatchStream",
    "Context",
    "Csv",
    "CsvGz",
    "Cx",
    "Dataset",
    "Deserialize",
    "Excel",
    "Flow",
    "FrameContext",
    "Input",
    "IntoParam",
    "Json",
    "JsonLines",
    "Loaded",
    "Lz4",
    "MakeReport",
    "Memory",
    "MessyCsv",
    "MessyExcel",
    "Outputs",
    "Param",
    "Parquet",
    "Pickle",
    "QueryCx",
    "RecordBatch",
    "Result",
    "Row",
    "Run",
    "ScanInput",
    "Secret",
    "Serialize",
    "ServePage",
    "Snappy",
    "SqlTable",
    "SweepTable",
    "Target",
    "Task",
    "Text",
    "Tracked",
    "Uncompressed",
    "Zstd",
    "anyhow",
    "bail",
    "ensure",
    "task",
    "tracked",
];

/// Returns whether a macro is one of the standard library. These read no files, except for `include!`,
/// `include_str!` and `include_bytes!`.
pub(crate) fn is_standard_macro(name: &str) -> bool {
    matches!(
        name,
        "addr_of"
            | "addr_of_mut"
            | "asm"
            | "assert"
            | "assert_eq"
            | "assert_ne"
            | "cfg"
            | "column"
            | "compile_error"
            | "concat"
            | "const_format_args"
            | "dbg"
            | "debug_assert"
            | "debug_assert_eq"
            | "debug_assert_ne"
            | "env"
            | "eprint"
            | "eprintln"
            | "file"
            | "format"
            | "format_args"
            | "global_asm"
            | "include"
            | "include_bytes"
            | "include_str"
            | "is_x86_feature_detected"
            | "join"
            | "line"
            | "macro_rules"
            | "matches"
            | "module_path"
            | "option_env"
            | "panic"
            | "pin"
            | "print"
            | "println"
            | "ready"
            | "stringify"
            | "thread_local"
            | "todo"
            | "try"
            | "unimplemented"
            | "unreachable"
            | "vec"
            | "write"
            | "writeln"
    )
}

/// Returns whether a derive of this name is one of the standard library, unless an import redefines it.
pub(crate) fn is_standard_derive(name: &str) -> bool {
    matches!(
        name,
        "Clone" | "Copy" | "Debug" | "Default" | "Eq" | "Hash" | "Ord" | "PartialEq" | "PartialOrd"
    )
}

/// Returns whether a macro or attribute of another crate is known to read no files: its strings are names or
/// messages. For macros of the standard library, see [`is_standard_macro`].
pub(crate) fn reads_no_files(name: &str) -> bool {
    let prefixes =
        ["assert_", "const_assert", "debug_span", "error_span", "info_span", "warn_span"];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
        || names_no_items(name)
        || matches!(
            name,
            // Errors and logs.
            "anyhow"
                | "bail"
                | "debug"
                | "ensure"
                | "error"
                | "event"
                | "eyre"
                | "info"
                | "instrument"
                | "log"
                | "log_enabled"
                | "span"
                | "trace"
                | "trace_span"
                | "warn"
                | "whatever"
                // Values.
                | "array"
                | "bitflags"
                | "btreemap"
                | "btreeset"
                | "col"
                | "concatcp"
                | "date"
                | "datetime"
                | "df"
                | "formatcp"
                | "hashmap"
                | "hashset"
                | "hex"
                | "indexmap"
                | "indexset"
                | "json"
                | "params"
                | "polars_bail"
                | "polars_ensure"
                | "polars_err"
                | "record_batch"
                | "regex"
                | "smallvec"
                | "toml"
                | "url"
                | "uuid"
                // Code.
                | "cfg_attr"
                | "cfg_if"
                | "format_ident"
                | "lazy_static"
                | "parse_quote"
                | "paste"
                | "proptest"
                | "quote"
                | "quote_spanned"
                | "select"
                | "try_join"
                // Attributes of command lines, builders and the like.
                | "arg"
                | "builder"
                | "clap"
                | "command"
                | "darling"
                | "derivative"
                | "derive_more"
                | "diesel"
                | "display"
                | "envconfig"
                | "garde"
                | "group"
                | "prost"
                | "pyclass"
                | "pyfunction"
                | "schemars"
                | "serde_as"
                | "serde_with"
                | "snafu"
                | "sqlx"
                | "structopt"
                | "strum"
                | "validate"
                | "value"
        )
}

/// Returns whether an attribute or derive generates no items with other names than the item below it.
pub(crate) fn names_no_items(name: &str) -> bool {
    is_standard_derive(name)
        || matches!(
            name,
            "Serialize"
                | "Deserialize"
                | "Error"
                | "Task"
                | "Tracked"
                | "Outputs"
                | "task"
                | "tracked"
                | "param"
                | "output"
                | "serde"
                | "error"
                | "cfg"
                | "test"
                | "bench"
                | "path"
                | "repr"
                | "non_exhaustive"
                | "track_caller"
                | "target_feature"
                | "no_mangle"
                | "export_name"
                | "link_name"
                | "link_section"
                | "link"
                | "used"
                | "global_allocator"
                | "panic_handler"
                | "macro_use"
                | "macro_export"
                | "proc_macro"
                | "proc_macro_derive"
                | "proc_macro_attribute"
                | "recursion_limit"
                | "automatically_derived"
                | "unsafe"
                | "default"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prelude_of_this_library_is_listed() {
        let facade = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/lib.rs");
        let text = std::fs::read_to_string(facade).expect("the facade");
        let (_, prelude) = text.split_once("pub mod prelude {").expect("a prelude");
        let (prelude, _) = prelude.split_once("\n}\n").expect("its end");
        let mut found: Vec<&str> = Vec::new();
        for import in prelude.split("pub use ").skip(1) {
            let (paths, _) = import.split_once(';').expect("the end of an import");
            let leaves = paths.rsplit_once("::{").map_or(paths, |(_, leaves)| leaves);
            for leaf in leaves.split(',') {
                let leaf = leaf.trim().trim_end_matches('}').trim();
                let leaf = leaf.strip_suffix(" as _").unwrap_or(leaf);
                found.extend(leaf.rsplit("::").next().filter(|name| !name.is_empty()));
            }
        }
        found.retain(|name| *name != "self");
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, PRELUDE);
    }
}
