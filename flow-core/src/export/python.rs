//! Generates the Python module of an export.
//!
//! The fixed part of the module is the file `flow_outputs.py` beside this one. The generated part is a table of
//! readers, one for each Python expression that targets return for their outputs. Expressions of earlier
//! exports are included only if they have the [seal](super::seal) of this store. At run time the module looks up
//! the expression of an output in this table, and so never evaluates text of the manifest.

use std::fmt::Write;

use crate::export::manifest::Manifest;

/// The file name of the module.
pub(crate) const MODULE: &str = "flow_outputs.py";

const HEAD: &str = include_str!("flow_outputs.py");

/// Returns the source of the module that loads the outputs of `manifest`.
pub(crate) fn module(manifest: &Manifest) -> String {
    let mut text = HEAD.to_owned();
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
