//! `keys`: creates a key that signs outputs, and shows its public key.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, Command, ValueHint};
use flow_signatures::SigningKey;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "keys",
    about: "Creates a key that signs outputs, or shows its public key, which others trust",
    takes: Takes::Nothing,
    access: Access::Reads,
    options,
    run,
};

/// A key, without its private part.
#[derive(Serialize)]
struct KeyJson<'a> {
    file: &'a Path,
    public_key: String,
}

fn options(command: Command) -> Command {
    command
        .arg(
            Arg::new("action")
                .value_name("ACTION")
                .required(true)
                .value_parser(["new", "show"])
                .help("`new` creates a key in a new file; `show` prints the public key"),
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("The file of the private key. Default: `sign_with` of flow.toml, or FLOW_SIGN_WITH"),
        )
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let given = context.matches.get_one::<PathBuf>("file");
    let Some(file) = given.or(context.settings.sign_with.as_ref()) else {
        return Err(CliError::usage(
            "which key? Name its file, or set `sign_with` in flow.toml or the variable FLOW_SIGN_WITH",
        ));
    };
    let is_new = context.matches.get_one::<String>("action").is_some_and(|action| action == "new");
    let key = match is_new {
        true => SigningKey::generate().and_then(|key| key.write(file).map(|()| key)),
        false => SigningKey::read(file),
    };
    let public_key = key.map_err(anyhow::Error::from)?.public_key().to_string();
    let json = KeyJson { file, public_key: public_key.clone() };
    context.ui.write(&json, public_key)?;
    Ok(ExitCode::SUCCESS)
}
