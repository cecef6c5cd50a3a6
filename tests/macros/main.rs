//! Tests that the macros accept what users write, without a warning: 158 declarations in a crate that denies every
//! lint, has renamed the dependency, and uses edition 2021. The other tests of the workspace use edition 2024.
//!
//! | uses | module | subject |
//! | --- | --- | --- |
//! | 1–2 | `code_by_hand` | `const CODE` by hand; attributes above and inside `#[tracked] impl` |
//! | 3–9 | `crate_path` | `crate = ...` of each macro: a re-export, and the renamed facade |
//! | 10–15 | `deprecated` | deprecated structs, functions and outputs, also generic, with named inputs, with `from` |
//! | 16–19 | `docs` | `#[doc = concat!(...)]`, block comments, `doc(hidden)`, quotes, backslashes, unicode |
//! | 20–32 | `forms` | every entry above a struct: one, tuples, names, lists, maps, conditions, `with`, 16 unnamed |
//! | 33–47 | `functions` | every option, input and parameter of a function; generic functions; `macro_rules!` |
//! | 48–54 | `generic` | type parameters with defaults, constants, bounds in both places, `was` of a generic task |
//! | 55–64 | `kinds` | several outputs, files, user-defined targets, external, aggregate, memory |
//! | 65–67 | `limits` | paths in defaults and ranges, named lists, ranges of texts, options, tuples, enums |
//! | 68–76 | `modules` | visibility, private parameters, paths, `use super::*`, `macro_rules!` |
//! | 77–79 | `names` | user names that the generated code uses, too |
//! | 80–84 | `options` | every option of a struct, several attributes, long names, aliases |
//! | 85–88 | `own_types` | own types named as those of the standard library; hash maps and sets |
//! | 89–90 | `params` | every option of a parameter of a struct; `from` |
//! | 91–104 | `placement` | other derives, `cfg`, `cfg_attr`, attributes, full paths, function bodies |
//! | 105–109 | `raw_identifiers` | raw names of tasks, parameters, inputs, outputs and loop variables |
//! | 110 | `raw_strings` | text that looks like code |
//! | 111–119 | `refresh` | every form of `refresh` |
//! | 120–130 | `returns` | every return type of a function |
//! | 131–144 | `tracked` | every option of `#[tracked]`, above each item; tasks that a `macro_rules!` writes |
//! | 145–147 | `tracked_digest` | formatting and attributes leave the digest equal |
//! | 148–150 | `loaded` | loaded values in calculations, and inference beside them |
//! | 151–158 | `policy` | every form of the options of the execution: retries, time-outs, resources |
#![deny(warnings)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
// A function that is a task must not be `const`.
#![allow(clippy::missing_const_for_fn)]
// `Train {n: 3}`, the name of an instance, looks like an argument of `format!`.
#![allow(clippy::literal_string_with_formatting_args)]

mod code_by_hand;
mod crate_path;
mod deprecated;
mod docs;
mod forms;
mod functions;
mod generic;
mod kinds;
mod limits;
mod loaded;
mod modules;
mod names;
mod options;
mod own_types;
mod params;
mod placement;
mod policy;
mod raw_identifiers;
mod raw_strings;
mod refresh;
mod returns;
mod tracked;
mod tracked_digest;

/// The facade under the path of another crate.
mod reexport {
    pub use wf as flow;
}
