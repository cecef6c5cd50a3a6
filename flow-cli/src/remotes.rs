//! Remotes by what a user calls them: a folder, the URL of an object store, or a name in `flow.toml`.

use std::collections::BTreeMap;
#[cfg(feature = "remote")]
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow_core::{Remote, RemoteFolder};

use crate::error::CliError;

/// Whether a line on the terminal shows how much was transferred, and how fast.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    Progress,
    #[cfg_attr(not(feature = "cluster"), expect(dead_code))]
    Nothing,
}

/// Opens a remote.
pub(crate) fn open(
    remote: &Path,
    named: &BTreeMap<String, PathBuf>,
    shows: Shows,
) -> Result<Arc<dyn Remote>, CliError> {
    let known = remote.to_str().and_then(|name| named.get(name));
    let remote = known.map_or(remote, PathBuf::as_path);
    match remote.to_str().filter(|_| is_url(remote)) {
        Some(url) => object_remote(url, shows),
        None => Ok(Arc::new(RemoteFolder::new(remote))),
    }
}

#[cfg(feature = "remote")]
fn object_remote(url: &str, shows: Shows) -> Result<Arc<dyn Remote>, CliError> {
    let mut options = flow_remote::OpenOptions::new();
    if shows == Shows::Progress && std::io::stderr().is_terminal() {
        options = options.on_progress(|progress| {
            // Without a terminal after all, nothing is lost.
            let _ = write!(std::io::stderr(), "\r\x1b[2K{progress}\r");
        });
    }
    let opened = options.open(url).map_err(|error| CliError::usage(error.to_string()))?;
    Ok(Arc::new(opened))
}

#[cfg(not(feature = "remote"))]
fn object_remote(url: &str, _shows: Shows) -> Result<Arc<dyn Remote>, CliError> {
    Err(CliError::usage(format!(
        "`{url}` is the URL of an object store: build the program with the cargo feature `s3`, `gcs` or `azure` of \
         typed-flow"
    )))
}

/// Removes the line with the progress.
pub(crate) fn clear_progress() {
    #[cfg(feature = "remote")]
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[2K");
    }
}

/// Returns whether a remote is the URL of an object store, and not the path of a folder.
pub(crate) fn is_url(remote: &Path) -> bool {
    remote.to_str().and_then(|remote| remote.split_once("://")).is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}
