//! Generates the Python module of an export, and holds the Python package for stores and programs.
//!
//! The fixed part of the module is the file `flow_outputs.py` beside this one, followed by the functions of two files of
//! the package: `values.py` and `tables.py`. The generated part is a table of readers, one for each Python expression that
//! targets return for their outputs. Expressions of earlier exports are included only if they have the
//! [seal](super::seal) of this store. At run time the module looks up the expression of an output in this table, and so
//! never evaluates text of the manifest.

use std::fmt::Write;

use crate::export::manifest::Manifest;

/// The file name of the module.
pub(crate) const MODULE: &str = "flow_outputs.py";

const HEAD: &str = include_str!("flow_outputs.py");
const VALUES: &str = include_str!("flow_outputs/values.py");
const TABLES: &str = include_str!("flow_outputs/tables.py");

/// The files of the Python package `flow_outputs`, which loads the outputs of a store: the name and text of each.
///
/// The verb `python` of the command line writes them. A program without it can do the same:
///
/// ```
/// use flow::export::PYTHON_PACKAGE;
///
/// # let notebooks = tempfile::tempdir()?;
/// # let notebooks = notebooks.path();
/// let folder = notebooks.join("flow_outputs");
/// std::fs::create_dir_all(&folder)?;
/// for (name, text) in PYTHON_PACKAGE {
///     std::fs::write(folder.join(name), text)?;
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub const PYTHON_PACKAGE: &[(&str, &str)] = &[
    ("__init__.py", include_str!("flow_outputs/__init__.py")),
    ("cells.py", include_str!("flow_outputs/cells.py")),
    ("errors.py", include_str!("flow_outputs/errors.py")),
    ("expressions.py", include_str!("flow_outputs/expressions.py")),
    ("formats.py", include_str!("flow_outputs/formats.py")),
    ("messagepack.py", include_str!("flow_outputs/messagepack.py")),
    ("names.py", include_str!("flow_outputs/names.py")),
    ("polars_frame.py", include_str!("flow_outputs/polars_frame.py")),
    ("program.py", include_str!("flow_outputs/program.py")),
    ("records.py", include_str!("flow_outputs/records.py")),
    ("store.py", include_str!("flow_outputs/store.py")),
    ("tables.py", TABLES),
    ("values.py", VALUES),
];

/// Returns the source of the module that loads the outputs of `manifest`.
pub(crate) fn module(manifest: &Manifest) -> String {
    let mut text = HEAD.to_owned();
    for file in [VALUES, TABLES] {
        let _ = write!(text, "\n\n{}", functions(file));
    }
    let readers = manifest.readers();
    for (place, (expression, imports)) in readers.iter().enumerate() {
        let _ = writeln!(text, "\n\ndef _read_{place}(path):");
        for import in imports {
            let _ = writeln!(text, "    import {import}");
        }
        let _ = writeln!(text, "\n    return {expression}");
    }
    text.push_str("\n\n_READERS = {\n");
    for (place, expression) in readers.keys().enumerate() {
        // A JSON string is a valid Python string.
        let key = serde_json::Value::from(*expression);
        let _ = writeln!(text, "    {key}: _read_{place},");
    }
    text.push_str("}\n");
    text
}

/// Returns the functions of a file, which follow its imports after two blank lines.
fn functions(file: &str) -> &str {
    file.split_once("\n\n\n").map_or(file, |(_, functions)| functions)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_package_has_all_files_of_its_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/export/flow_outputs");
        let names: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder of the package")
            .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".py"))
            .collect();
        let packed: BTreeSet<String> =
            PYTHON_PACKAGE.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(packed, names);
    }

    #[test]
    fn the_module_has_the_functions_of_the_package_and_no_relative_import() {
        let module = module(&Manifest::new());
        for name in [
            "_plain",
            "_same",
            "_full_names",
            "_frame",
            "_parquet",
            "_csv",
            "_excel",
            "_cell",
            "_clock",
        ] {
            assert_eq!(module.matches(&format!("\ndef {name}(")).count(), 1, "{name}");
        }
        assert!(!module.contains("\nfrom .") && !module.contains("\n\n\n\n"), "{module}");
        assert_eq!(module.matches("\nimport datetime\n").count(), 1);
    }
}
