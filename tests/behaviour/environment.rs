//! Environment variables that tasks read are dependencies, and their values are not stored in plain text.
//!
//! A process cannot change its own environment safely, so the tests start this test program again as a
//! child with each value of the variable.

use std::path::{Path, PathBuf};
use std::process::Command;

use flow::prelude::*;

use crate::support::{failed, files_below, preview, ran, reused};

const FOLDER: &str = "FLOW_TEST_ENVIRONMENT";
const VARIABLE: &str = "FLOW_TEST_VARIABLE";

#[derive(Task)]
#[task(target = Json<Option<String>>)]
struct Fetched;

runs!(Fetched: Option<String> = |self, cx| cx.env(VARIABLE));

#[derive(Task)]
#[task(requires = Fetched, target = Json<usize>)]
struct Length;

runs!(Length: usize = |self, cx| Ok(cx.input().load()?.as_deref().map_or(0, str::len)));

/// Runs the flow in the environment of this process, and writes the result to the file `said`.
#[test]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let flow = Flow::open(folder.join("data"))?.quiet();
    let shown = preview::<Fetched>(&flow);
    let summary = flow.allow_failures().run::<Length>()?;
    let said = serde_json::json!({
        "shown": shown,
        "ran": ran(&summary),
        "reused": reused(&summary),
        "failed": failed(&summary),
        "error": summary.failed().first().and_then(|entry| entry.error.clone()),
        "value": flow.load::<Fetched>().ok().map(|value| (*value).clone()),
    });
    std::fs::write(folder.join("said"), said.to_string())?;
    Ok(())
}

/// Starts a child with this value of the variable, and returns its result.
fn with(folder: &Path, value: Option<&std::ffi::OsStr>) -> Result<serde_json::Value> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["environment::child", "--exact", "--test-threads=1"]).env(FOLDER, folder);
    match value {
        Some(value) => command.env(VARIABLE, value),
        None => command.env_remove(VARIABLE),
    };
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(serde_json::from_slice(&std::fs::read(folder.join("said"))?)?)
}

#[test]
fn a_changed_variable_reruns_the_tasks_that_read_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let with = |value: Option<&str>| with(folder.path(), value.map(std::ffi::OsStr::new));
    let none = || serde_json::json!([]);

    let said = with(Some("hunter2"))?;
    assert_eq!(said["ran"], serde_json::json!(["Fetched", "Length"]));
    assert_eq!(said["value"], "hunter2");
    assert_eq!(with(Some("hunter2"))?["ran"], none());

    // Another value of the same length.
    let said = with(Some("hunter3"))?;
    assert_eq!(said["shown"], format!("Fetched PENDING env: {VARIABLE} changed"));
    assert_eq!(said["ran"], serde_json::json!(["Fetched", "Length"]));
    assert_eq!(said["value"], "hunter3");

    // Back to the first value: the outputs that were computed with it are reused.
    let said = with(Some("hunter2"))?;
    assert_eq!(
        (&said["ran"], &said["reused"]),
        (&none(), &serde_json::json!(["Fetched", "Length"]))
    );
    assert_eq!(said["value"], "hunter2");

    let said = with(None)?;
    assert_eq!(said["shown"], format!("Fetched PENDING env: {VARIABLE} is not set any more"));
    assert_eq!(said["value"], serde_json::Value::Null);
    assert_eq!(with(None)?["ran"], none());
    // An empty variable counts as set.
    let said = with(Some(""))?;
    assert_eq!(said["shown"], format!("Fetched PENDING env: {VARIABLE} is set now"));
    assert_eq!(said["value"], "");

    // Only the output holds the value, because the task wrote it there.
    with(Some("hunter2"))?;
    for file in files_below(&folder.path().join("data")) {
        let is_output = file.file_name().is_some_and(|n| n.to_string_lossy().starts_with("data-"));
        let bytes = std::fs::read(&file)?;
        let plain = blake3::hash(b"hunter2").to_hex()[..32].to_owned();
        for told in [&b"hunter"[..], plain.as_bytes()] {
            let tells = bytes.windows(told.len()).any(|window| window == told);
            assert!(is_output || !tells, "{}", file.display());
        }
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_unicode_is_an_error_and_a_change() -> Result<()> {
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir()?;
    let raw = std::ffi::OsStr::from_bytes(b"\xff");
    let said = with(folder.path(), Some(raw))?;
    assert_eq!(said["failed"], serde_json::json!(["Fetched"]));
    assert_eq!(said["error"], format!("the value of {VARIABLE} is not Unicode"));
    with(folder.path(), Some("text".as_ref()))?;
    let said = with(folder.path(), Some(raw))?;
    assert_eq!(said["shown"], format!("Fetched PENDING env: {VARIABLE} changed"));
    Ok(())
}
