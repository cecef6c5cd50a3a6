//! A real S3 server: `.ci/long` starts it by `s3.py`, which sets the variables that these tests read.
//!
//! `FLOW_S3` is the endpoint of a server with the bucket `team`. `FLOW_S3_FAULTY` is a proxy to it that answers every fifth
//! request with 503. `FLOW_S3_STRICT` is a server that checks credentials.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flow::cluster::{PullWorkers, Worker};
use flow::prelude::*;
use flow::remote::{ObjectRemote, OpenOptions, Remote};

use crate::texts::{Length, Team, assert_complete};

/// The number of texts: more than one page of a list has names.
const COUNT: u64 = 1200;

fn open(variable: &str, url: &str) -> Result<ObjectRemote> {
    let endpoint = std::env::var(variable).with_context(|| format!("{variable} is not set"))?;
    let options = OpenOptions::new()
        .set("endpoint", &endpoint)
        .set("region", "us-east-1")
        .set("access_key_id", "AKIAIOSFODNN7EXAMPLE")
        .set("secret_access_key", "secret")
        .without_cache();
    Ok(options.open(url)?)
}

#[test]
#[ignore = "it needs a server"]
fn outputs_pass_through_s3() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(COUNT)?;
    let remote = || open("FLOW_S3", "s3://team/passing");
    assert_eq!(made.push::<Length>(&remote()?)?.instances().len() as u64, COUNT + 1);
    let there = team.empty("there", COUNT)?;
    assert_eq!(there.pull::<Length>(&remote()?)?.instances().len() as u64, COUNT + 1);
    assert_complete(&there)?;
    let remote = remote()?;
    assert!(remote.put_new("leases/a", &mut &b"1"[..], 1)?);
    assert!(!remote.put_new("leases/a", &mut &b"2"[..], 1)?);
    let garbage = flow::remote::RemoteGc::new(&remote).by_age_alone();
    garbage.older_than(std::time::Duration::ZERO).find()?.remove()?;
    assert!(remote.list("outputs")?.is_empty());
    Ok(())
}

#[test]
#[ignore = "it needs a server"]
fn answers_503_are_repeated() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(COUNT)?;
    let remote = || open("FLOW_S3_FAULTY", "s3://team/faulty");
    made.push::<Length>(&remote()?)?;
    let there = team.empty("there", COUNT)?;
    there.pull::<Length>(&remote()?)?;
    assert_complete(&there)
}

#[test]
#[ignore = "it needs a server"]
fn a_wrong_bucket_is_an_error_that_says_so() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(3)?;
    let remote = open("FLOW_S3", "s3://no-such-bucket/x")?;
    let why = "the bucket of `s3://no-such-bucket/x` does not exist: create it, or check the URL, the region and the \
               endpoint";
    let error = made.push::<Length>(&remote).expect_err("there is no bucket").to_string();
    assert_eq!(error, format!("cannot push to outputs of the remote: {why}"));
    let error = made.pull::<Length>(&remote).expect_err("there is no bucket").to_string();
    assert_eq!(error, format!("cannot pull: {why}"));
    Ok(())
}

#[test]
#[ignore = "it needs a server"]
fn wrong_credentials_are_an_error_that_says_so() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(3)?;
    let remote = open("FLOW_S3_STRICT", "s3://team/x")?;
    let error = made.push::<Length>(&remote).expect_err("the key is unknown").to_string();
    assert!(
        error.starts_with(
            "cannot push to outputs of the remote: `s3://team/x` refuses the credentials (InvalidAccessKeyId)"
        ),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_server_that_does_not_answer_is_an_error_that_says_so() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(3)?;
    let options = OpenOptions::new().set("endpoint", "http://127.0.0.1:9").without_cache();
    let options = options.set("access_key_id", "x").set("secret_access_key", "y");
    let remote = options.open("s3://team/x")?;
    let error = made.push::<Length>(&remote).expect_err("nothing listens").to_string();
    assert!(error.contains("`s3://team/x` cannot be reached: "), "{error}");
    Ok(())
}

/// The variable that makes the test below a worker with a store in this folder.
const WORKER: &str = "FLOW_TEST_S3_WORKER";

/// Is started by [`machines_that_have_only_a_bucket_of_s3_in_common_compute_a_flow`].
#[test]
#[ignore = "it needs a server"]
fn bucket_worker() -> Result<()> {
    let Some(folder) = std::env::var_os(WORKER).map(PathBuf::from) else { return Ok(()) };
    // A child process runs up to this call.
    let flow = Flow::open(folder)?.quiet();
    let bucket = open("FLOW_S3_FAULTY", "s3://team/exchange")?;
    let worker = Worker::new(&flow).bucket(bucket).poll(Duration::from_millis(100));
    worker.exit_when_idle(Duration::from_secs(60)).run()?;
    Ok(())
}

/// A process, which is killed on drop.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "it needs a server"]
fn machines_that_have_only_a_bucket_of_s3_in_common_compute_a_flow() -> Result<()> {
    let team = Team::new()?;
    let start = |machine: &str| {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["s3::bucket_worker", "--exact", "--ignored", "--nocapture"]);
        command.arg("--test-threads=1").env(WORKER, team.folder.path().join(machine));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        anyhow::Ok(Process(command.spawn()?))
    };
    let _workers = [start("one")?, start("two")?];
    let bucket = open("FLOW_S3_FAULTY", "s3://team/exchange")?;
    let executor = PullWorkers::new().bucket(bucket).poll(Duration::from_millis(100));
    let flow = team.empty("coordinator", 30)?.workers(40).executor(executor);
    assert_eq!(flow.run::<Length>()?.ran().len(), 31);
    assert_complete(&team.empty("coordinator", 30)?)?;
    let bucket = open("FLOW_S3", "s3://team/exchange")?;
    for part in ["open", "runs"] {
        assert!(bucket.list(&format!("cluster/{part}"))?.is_empty(), "{part}");
    }
    Ok(())
}
