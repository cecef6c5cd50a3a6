//! The source of the crate: its `Cargo.toml` ([`cargo`]), and its `src/lib.rs` with a [`task`] for each
//! task and a struct for each [`row`].

mod cargo;
mod row;
mod task;
mod text;

pub(super) use self::cargo::cargo;
use self::text::{code, listed};
use super::model::{Model, Type};

/// What a type must be that a file is read as.
const BOUNDS: &str = "Serialize + DeserializeOwned + Send + Sync + 'static";

/// The `src/lib.rs`.
pub(super) fn library(model: &Model) -> String {
    let parts = [header(model), imports(model), folder(model)];
    let tasks = model.types.iter().map(|of| task::task(of, &model.library()));
    parts.into_iter().chain(tasks).collect()
}

fn header(model: &Model) -> String {
    let not_here = |why: &str, instances: &[String]| match instances {
        [] => String::new(),
        _ => format!("//!\n//! Not here, for {why}: {}.\n", listed(instances.iter().map(code))),
    };
    // What would be formatted would be no file of the next export.
    format!(
        "//! Outputs, as external tasks.
//!
//! Written by an export of typed-flow: what is changed here, the next export leaves alone and
//! refuses to replace. `README.md` says of each output what it was made from.
{}{}{}#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]
",
        model
            .types
            .iter()
            .find(|of| of.is_named_alone())
            .map(|of| example(of, model))
            .unwrap_or_default(),
        not_here("it was in memory and has no file", &model.absent),
        not_here("what was exported since is read as another type", &model.outdated),
    )
}

/// How an output is loaded.
fn example(of: &Type, model: &Model) -> String {
    let Type { name, parameters, .. } = of;
    let open = parameters.iter().filter(|parameter| parameter.literals().len() > 1);
    let given: String = open
        .map(|parameter| {
            let key = parameter.field.to_uppercase();
            format!(".with({name}::{key}, {})", parameter.literal(0))
        })
        .collect();
    format!(
        "//!
//! ```no_run
//! use flow::prelude::*;
//! use {library}::{name};
//!
//! # fn main() -> Result<()> {{
//! let flow = Flow::open(\"data\")?{given};
//! let value = flow.load::<{name}>()?;
//! # Ok(())
//! # }}
//! ```
",
        library = model.library(),
    )
}

fn imports(model: &Model) -> String {
    let mut text = String::from("\n");
    if model.has_maps() {
        text.push_str("use std::collections::BTreeMap;\n");
    }
    if model.has_any() {
        text.push_str("use std::marker::PhantomData;\n");
    }
    text.push_str("\nuse flow::prelude::*;\n");
    if model.has_any() {
        text.push_str("use serde::de::DeserializeOwned;\n");
    }
    text
}

/// Where the outputs are.
fn folder(model: &Model) -> String {
    let variable = format!("{}_DIR", model.library().to_uppercase());
    format!(
        "
/// The folder that the outputs lie in: that of this crate, or what the variable `{variable}` of
/// the environment says.
pub fn folder() -> PathBuf {{
    match std::env::var_os({variable:?}) {{
        Some(folder) => folder.into(),
        None => env!(\"CARGO_MANIFEST_DIR\").into(),
    }}
}}
"
    )
}
