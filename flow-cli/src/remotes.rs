//! Remotes by what a user calls them: a folder, the URL of an object store, or a name in `flow.toml`.

use std::collections::BTreeMap;
#[cfg(feature = "remote")]
use std::io::{IsTerminal, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use flow_core::{Remote, RemoteFolder, nearest};

use crate::error::CliError;
use crate::text::{listed, one_line, shortened};

/// The longest text that an error quotes, in characters.
const QUOTED: usize = 100;

/// The number of remotes that an error lists.
const LISTED: usize = 20;

/// Whether a line on the terminal shows how much was transferred, and how fast.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    Progress,
    #[cfg_attr(not(feature = "cluster"), expect(dead_code))]
    Nothing,
}

/// Returns the URL or the folder of a remote: that of a name in `flow.toml`, or the remote itself. The path of a folder is
/// relative to `base`.
///
/// A word may be a name that is misspelt, so it is the name of a folder only if there is one. `./word` is always a folder.
///
/// # Errors
///
/// A word is neither a name nor the name of a folder. The error is the reason.
pub(crate) fn resolved(
    remote: &Path,
    base: &Path,
    named: &BTreeMap<String, PathBuf>,
) -> Result<PathBuf, String> {
    if let Some(known) = remote.to_str().and_then(|name| named.get(name)) {
        return Ok(known.clone());
    }
    if is_url(remote) {
        return Ok(remote.to_owned());
    }
    let folder = base.join(remote);
    match is_word(remote) && !folder.exists() {
        true => Err(unknown(remote, named)),
        false => Ok(folder),
    }
}

/// Returns whether a path could be a name: it is relative and has no slash.
fn is_word(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    let has_slash = bytes.iter().any(|byte| std::path::is_separator(char::from(*byte)));
    !has_slash && matches!(path.components().next(), Some(Component::Normal(_)))
}

/// Returns what to say of a word that is neither the name of a remote nor that of a folder.
fn unknown(word: &Path, named: &BTreeMap<String, PathBuf>) -> String {
    let word = shortened(&one_line(&word.to_string_lossy()), QUOTED);
    let names: Vec<_> = named.keys().map(String::as_str).collect();
    let hint = nearest(&word, &names).map(|name| format!(": did you mean `{name}`?"));
    let folder = format!("For a new folder, write `./{word}`");
    match names.is_empty() {
        true => format!(
            "there is no folder `{word}`, and `[remotes]` of flow.toml has no names. {folder}"
        ),
        false => format!(
            "`{word}` is neither the name of a remote in flow.toml nor that of a folder{}\n{folder}. The remotes are:{}",
            hint.unwrap_or_else(|| ".".to_owned()),
            listed(names.into_iter(), LISTED)
        ),
    }
}

/// Opens a remote: a URL or a folder, as [`resolved`] returns it.
pub(crate) fn open(remote: &Path, shows: Shows) -> Result<Arc<dyn Remote>, CliError> {
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
