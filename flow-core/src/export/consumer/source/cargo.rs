//! The `Cargo.toml` of the crate.

use super::super::model::Model;
use crate::export::text::toml;

/// What the crate is called, and what it takes.
pub(in super::super) fn cargo(model: &Model) -> String {
    let features = match model.features.len() {
        0 => String::new(),
        _ => {
            let features: Vec<_> = model.features.iter().map(|name| toml(name)).collect();
            format!(", features = [{}]", features.join(", "))
        }
    };
    // No crate has another name.
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let crates = model.crates.iter().filter(|(name, _)| is_name(name));
    let crates = crates.map(|(name, version)| format!("{name} = {}\n", toml(version)));
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
description = \"Outputs, as external tasks\"
version = \"0.1.0\"
edition = \"2024\"
publish = false
# Only `src/lib.rs` is this crate's: no other file of the folder is built or run.
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
