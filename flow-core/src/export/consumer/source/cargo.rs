//! The `Cargo.toml` of the crate.

use super::super::model::Model;

/// What the crate is called, and what it takes.
pub(in super::super) fn cargo(model: &Model) -> String {
    let features = match model.features.len() {
        0 => String::new(),
        _ => format!(", features = {:?}", model.features.iter().collect::<Vec<_>>()),
    };
    let crates = model.crates.iter().map(|(name, version)| format!("{name} = {version:?}\n"));
    format!(
        "# Written by an export of typed-flow, as `src/lib.rs` was.
#
# Who has typed-flow from elsewhere than crates.io says so in the `Cargo.toml` of the program that takes
# this crate, for the two have to have the same one:
#
#     [patch.crates-io]
#     typed-flow = {{ path = \"../typed-flow\" }}

[package]
name = \"{package}\"
description = \"Outputs, as tasks that are made elsewhere\"
version = \"0.1.0\"
edition = \"2024\"
publish = false

[dependencies]
flow = {{ package = \"typed-flow\", version = \"{version}\"{features} }}
serde = {{ version = \"1\", features = [\"derive\"] }}
{crates}",
        package = model.package,
        version = env!("CARGO_PKG_VERSION"),
        crates = crates.collect::<String>(),
    )
}
