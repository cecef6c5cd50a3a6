//! Generates the `Cargo.toml` of the crate.
//!
//! Only `src/lib.rs` belongs to the crate. All other targets are disabled, because anyone may have put a `build.rs` or
//! other sources into the folder.

use super::super::model::Model;
use crate::export::text::toml;

/// Returns the `Cargo.toml`.
pub(in super::super) fn cargo(model: &Model) -> String {
    let features = match model.features.len() {
        0 => String::new(),
        _ => {
            let features: Vec<_> = model.features.iter().map(|name| toml(name)).collect();
            format!(", features = [{}]", features.join(", "))
        }
    };
    // Names of crates come from a manifest, which may be damaged: any that cargo would refuse is left out.
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let crates = model.crates.iter().filter(|(name, _)| is_name(name));
    let crates = crates.map(|(name, version)| format!("{name} = {}\n", toml(version)));
    format!(
        "# Written by an export of typed-flow, together with `src/lib.rs`.
#
# A program that uses this crate must use the same typed-flow. If that is not from crates.io, add to the
# `Cargo.toml` of the program:
#
#     [patch.crates-io]
#     typed-flow = {{ path = \"../typed-flow\" }}

[package]
name = \"{package}\"
description = \"Outputs, as external tasks\"
version = \"0.1.0\"
edition = \"2024\"
publish = false
# Only `src/lib.rs` belongs to this crate: no other file of the folder is compiled or run.
build = false
autobins = false
autoexamples = false
autotests = false
autobenches = false

[lib]
path = \"src/lib.rs\"

[dependencies]
flow = {{ package = \"typed-flow\", version = \"{version}\"{features} }}
serde = {{ version = \"1\", features = [\"derive\"] }}
{crates}",
        package = model.package,
        version = env!("CARGO_PKG_VERSION"),
        crates = crates.collect::<String>(),
    )
}
