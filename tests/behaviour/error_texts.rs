//! The message of each error is enough alone, and its chain of causes repeats nothing.

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;

use flow::Code;
use flow::prelude::*;
use flow::remote::Remote;
use flow::target::{Columnar, Sink, Source};

use crate::support::{failure, flow};

/// Returns the text of an error without and with its causes, and asserts that no cause is repeated.
fn texts(error: impl std::error::Error + Send + Sync + 'static) -> [String; 2] {
    let error = anyhow::Error::new(error);
    let causes: Vec<String> = error.chain().map(|cause| cause.to_string()).collect();
    for (place, cause) in causes.iter().enumerate() {
        for (other_place, other) in causes.iter().enumerate() {
            assert!(place == other_place || !other.contains(cause.as_str()), "{causes:?}");
        }
    }
    [error.to_string(), format!("{error:#}")]
}

/// Asserts the text of an error, and the causes that `{:#}` adds to it.
fn assert_texts(
    error: impl std::error::Error + Send + Sync + 'static,
    message: &str,
    causes: &str,
) {
    let [shown, in_full] = texts(error);
    assert_eq!(shown, message);
    assert_eq!(in_full, format!("{message}{causes}"));
}

/// Writes a number as a word, and cannot read it.
#[derive(Default)]
struct Spelling {}

impl Target for Spelling {
    type Value = u64;
    const EXTENSION: &'static str = "txt";
    const CODE: Code = Code::version(1);

    fn save(&self, _value: &u64, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        Ok(write!(sink, "seven")?)
    }

    fn load(&self, source: &Source) -> Result<u64> {
        let text = String::from_utf8(source.read()?)?;
        text.parse::<u64>().context("it is not a number")
    }
}

impl Columnar for Spelling {
    type Columns = u64;

    fn load_columns(&self, _source: &Source, names: &[&str]) -> Result<u64> {
        Err(anyhow!("there is no column {names:?}")).context("a column is missing")
    }
}

#[derive(Task)]
#[task(target = Spelling)]
struct Word;

runs!(Word: u64 = |self, cx| {
    cx.meta("letters", "five")?;
    Ok(7)
});

#[test]
fn an_output_that_cannot_be_read() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Word>()?;
    let output = flow.output::<Word>()?;
    let message = format!(
        "cannot load Word: cannot read {} (if its type was changed since it was made, `reset` the task or \
         write another `version`): it is not a number",
        output.path()?.display()
    );
    let cause = ": invalid digit found in string";
    assert_texts(output.load().expect_err("it is a word"), &message, cause);
    // The error of a flow has the same texts.
    assert_texts(flow.load::<Word>().expect_err("it is a word"), &message, cause);
    assert_texts(
        output.load_columns(&["n"]).expect_err("it has no columns"),
        "cannot load Word: cannot read the requested part of it: a column is missing",
        ": there is no column [\"n\"]",
    );
    Ok(())
}

#[test]
fn metadata_that_cannot_be_read() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Word>()?;
    let output = flow.output::<Word>()?;
    let message =
        "cannot load Word: its task recorded no metadata `words` with `cx.meta`, but `letters`";
    assert_texts(output.meta::<u64>("words").expect_err("there is none"), message, "");
    let [shown, in_full] = texts(output.meta::<u64>("letters").expect_err("it is a text"));
    assert!(shown.starts_with("cannot load Word: metadata `letters` cannot be read: "), "{shown}");
    assert_eq!(shown, in_full);
    Ok(())
}

#[test]
fn an_output_that_is_gone_or_has_changed() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Word>()?;
    let output = flow.output::<Word>()?;
    std::fs::write(output.path()?, "eleven")?;
    let message = "cannot load Word: it was replaced after the plan was made: run the tasks that require it again";
    assert_texts(output.load().expect_err("it was replaced"), message, "");
    std::fs::remove_file(output.path()?)?;
    let message = "cannot load Word: it was removed after the plan was made: run the task again";
    assert_texts(output.load().expect_err("it was removed"), message, "");
    Ok(())
}

#[derive(Task)]
#[task(external, path = self.folder.join(format!("{}.json", self.number.parse::<u8>()?)), target = Json<u64>)]
struct Numbered {
    folder: PathBuf,
    #[param(default = "1")]
    number: String,
}

#[test]
fn an_external_file_that_is_missing_or_cannot_be_read() -> Result<()> {
    let (flow, folder) = flow();
    let flow = flow.with(Numbered::FOLDER, folder.path());
    let path = folder.path().join("1.json");
    let [shown, in_full] = texts(flow.load::<Numbered>().expect_err("it is missing"));
    assert!(shown.starts_with("cannot load Numbered {"), "{shown}");
    let missing = format!(": external file {} does not exist", path.display());
    assert!(shown.ends_with(&missing), "{shown}");
    assert_eq!(shown, in_full);

    std::fs::write(&path, "[")?;
    let [shown, in_full] = texts(flow.load::<Numbered>().expect_err("it is invalid"));
    // The target names the file, and so the error of the flow does not.
    let message =
        format!(": cannot read its external file: cannot read {} as JSON", path.display());
    assert!(shown.ends_with(&message), "{shown}");
    assert!(in_full.starts_with(&format!("{shown}: ")), "{in_full}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Reads {
    file: PathBuf,
}

runs!(Reads: u64 = |self, cx| {
    let rows: Vec<(u64, u64)> = cx.read(&self.file, Json::default())?;
    Ok(rows.len() as u64)
});

#[test]
fn a_file_that_a_task_cannot_read_is_named_once() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("rows.json");
    std::fs::write(&path, "[")?;
    let summary = failure(flow.with(Reads::FILE, &*path).run::<Reads>());
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.starts_with(&format!("cannot read {} as JSON: ", path.display())), "{error}");
    assert_eq!(error.matches("rows.json").count(), 1, "{error}");
    Ok(())
}

#[test]
fn a_plan_that_fails() {
    let (flow, folder) = flow();
    let flow = flow.with(Numbered::FOLDER, folder.path()).with(Numbered::NUMBER, "one");
    let message =
        "evaluating `path` of external task `Numbered` failed: invalid digit found in string";
    assert_texts(flow.preview::<Numbered>().expect_err("no number"), message, "");
    let flow::Error::Plan(error) = flow.preview::<Numbered>().expect_err("no number") else {
        panic!("not an error of the plan");
    };
    assert_texts(error.kind, message, "");
}

#[test]
fn a_store_that_cannot_be_opened() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("data");
    std::fs::write(&path, "mine")?;
    let [shown, in_full] = texts(Flow::open(&path).expect_err("a file is no store"));
    assert!(shown.starts_with("cannot create the folder "), "{shown}");
    assert!(shown.contains("data") && shown.contains(" (os error "), "{shown}");
    assert_eq!(shown, in_full);
    Ok(())
}

/// A remote that cannot be reached, for a reason that has a cause.
struct Offline;

#[derive(Debug)]
struct NoServer;

#[derive(Debug)]
struct Unplugged;

impl fmt::Display for NoServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server does not answer")
    }
}

impl std::error::Error for NoServer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&Unplugged)
    }
}

impl fmt::Display for Unplugged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cable is unplugged")
    }
}

impl std::error::Error for Unplugged {}

impl Remote for Offline {
    fn list(&self, _folder: &str) -> io::Result<Vec<String>> {
        Err(io::Error::other(NoServer))
    }

    fn size(&self, _name: &str) -> io::Result<Option<u64>> {
        Err(io::Error::other(NoServer))
    }

    fn get(&self, _name: &str) -> io::Result<Box<dyn Read + Send>> {
        Err(io::Error::other(NoServer))
    }

    fn put(&self, _name: &str, _content: &mut dyn Read, _bytes: u64) -> io::Result<()> {
        Err(io::Error::other(NoServer))
    }
}

#[test]
fn a_remote_that_cannot_be_reached() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Word>()?;
    let (other, _other_folder) = crate::support::flow();
    for error in [flow.push::<Word>(&Offline).err(), other.pull::<Word>(&Offline).err()] {
        let [shown, in_full] = texts(error.context("the remote is offline")?);
        assert!(shown.starts_with("cannot "), "{shown}");
        assert!(shown.ends_with(" of the remote: the server does not answer"), "{shown}");
        assert_eq!(in_full, format!("{shown}: the cable is unplugged"));
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Fails;

runs!(Fails: u64 = |self, _cx| Err(anyhow!("the cause").context("the failure")));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Asks;

runs!(Asks: u64 = |self, cx| Ok(*cx.require::<Fails>()?.load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Tells;

runs!(Tells: u64 = |self, cx| {
    let error = cx.require::<Fails>().err().context("it fails")?;
    bail!("{error}")
});

#[test]
fn a_required_task_that_fails() {
    let (flow, _folder) = flow();
    let summary = failure(flow.run::<(Asks, Tells)>());
    let message = "cannot require Fails: it failed: the failure: the cause";
    for task in ["Asks", "Tells"] {
        let failed = summary.failed();
        let failed = failed.iter().find(|entry| entry.task() == task).expect("it failed");
        assert_eq!(failed.error.as_deref(), Some(message), "{task}");
    }
}

#[test]
fn a_thread_that_cannot_be_started() {
    let error = flow::Error::Thread(io::Error::other("no more threads"));
    assert_texts(error, "cannot start a thread: no more threads", "");
}
