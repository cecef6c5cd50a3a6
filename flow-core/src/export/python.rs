//! The Python module of an export.
//!
//! What is the same in each stands in `flow_outputs.py`, beside this file. It ends in a table of
//! readers, one for each expression that a target gives for an output that is exported now, or gave
//! for an earlier one that has the [seal](super::seal) of this store. The module runs none of what a
//! manifest says: it looks the expression up in the table.

use std::fmt::Write;

use crate::export::manifest::Manifest;

/// The name of its file.
pub(crate) const MODULE: &str = "flow_outputs.py";

const HEAD: &str = include_str!("flow_outputs.py");

/// The module that loads these outputs.
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
        // A string of JSON is one of Python.
        let key = serde_json::Value::from(*expression);
        let _ = writeln!(text, "    {key}: _read_{place},");
    }
    text.push_str("}\n");
    text
}
