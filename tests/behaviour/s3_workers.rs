//! Workers that have nothing but a bucket of a real S3 server in common with the run: an executor of
//! [`executors`](crate::executors).
//!
//! `tests/remote/s3.py` starts the server, with the bucket `team`, and sets the variable [`ENDPOINT`]. Each test has a prefix of
//! its own in the bucket. A worker is this test program, which runs the test [`worker`] alone, on a store of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flow::cluster::{PullWorkers, Worker};
use flow::prelude::*;
use flow::remote::{ObjectRemote, OpenOptions};

use crate::isolation::Opened;
use crate::pull_workers::{PATIENCE, Process, start_test};

/// The variable with the address of the server.
const ENDPOINT: &str = "FLOW_S3";

/// The variables of the test [`worker`]: the folder of its store, and the prefix in the bucket.
const STORE: &str = "FLOW_TEST_S3_STORE";
const PREFIX: &str = "FLOW_TEST_S3_PREFIX";

/// How often runs and workers poll: the server is a program in Python, which takes some milliseconds for each request.
const POLL: Duration = Duration::from_millis(100);

/// Is started by [`start_worker`].
#[test]
fn worker() -> Result<()> {
    let Some(store) = std::env::var_os(STORE) else { return Ok(()) };
    let flow = Flow::open(PathBuf::from(store))?.quiet();
    let _interrupts = flow::interrupts::install()?;
    let bucket = bucket(&std::env::var(PREFIX)?)?;
    let worker = Worker::new(&flow).bucket(bucket).poll(POLL).exit_when_idle(PATIENCE);
    worker.on_message(|message| eprintln!("{message}")).run()?;
    Ok(())
}

/// Starts a worker with a store of its own, for a run whose executor is [`executor`] with the folder of the same flow.
pub(crate) fn start_worker(opened: &Opened) -> Result<Process> {
    let store = opened.folder.join("s3-machine");
    fs::create_dir_all(&store)?;
    let variables = [(STORE, store.as_os_str()), (PREFIX, prefix(&opened.folder))];
    start_test(&std::env::current_exe()?, "s3_workers::worker", &variables)
}

/// Returns the executor of a run that exchanges files by a prefix of the bucket, which this folder has alone.
pub(crate) fn executor(folder: &Path) -> PullWorkers {
    let bucket =
        bucket(&prefix(folder).to_string_lossy()).expect("`tests/remote/s3.py` starts the tests");
    PullWorkers::new().bucket(bucket).poll(POLL)
}

/// Returns the prefix in the bucket that belongs to a folder: its name, which has the number of this process.
fn prefix(folder: &Path) -> &OsStr {
    folder.file_name().expect("a folder with a name")
}

fn bucket(prefix: &str) -> Result<ObjectRemote> {
    let endpoint = std::env::var(ENDPOINT).with_context(|| format!("{ENDPOINT} is not set"))?;
    let options = OpenOptions::new()
        .set("endpoint", &endpoint)
        .set("region", "us-east-1")
        .set("access_key_id", "AKIAIOSFODNN7EXAMPLE")
        .set("secret_access_key", "secret")
        .without_cache();
    Ok(options.open(&format!("s3://team/{prefix}"))?)
}
