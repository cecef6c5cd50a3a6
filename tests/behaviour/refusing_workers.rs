//! Workers that cannot sign as a run requires: they compute nothing, say which setting they lack, and leave the jobs for others.
//!
//! A worker is this test program, which runs the test [`worker`] alone.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use flow::cluster::Worker;
use flow::prelude::*;
use flow::signature::{KeyError, PublicKey, SigningKey, TrustedKeys};

use crate::isolation::{Opened, open};
use crate::pull_workers::{
    All, Gates, PATIENCE, Process, joined, line_with, observed, pulling, run_all, start_test,
    wait_for,
};
use crate::support::ran;

/// The variables of the test [`worker`]: its store, the file of its log, that of its key, and its trusted keys with commas.
const STORE: &str = "FLOW_TEST_REFUSING_WORKER";
const LOG: &str = "FLOW_TEST_REFUSING_LOG";
const KEY: &str = "FLOW_TEST_REFUSING_KEY";
const TRUSTED: &str = "FLOW_TEST_REFUSING_TRUSTED";

/// Is started by [`Team::start`].
#[test]
fn worker() -> Result<()> {
    let Some(store) = std::env::var_os(STORE) else { return Ok(()) };
    let mut flow = Flow::open(PathBuf::from(store))?.quiet();
    if let Some(key) = std::env::var_os(KEY) {
        flow = flow.sign(SigningKey::read(PathBuf::from(key))?);
    }
    if let Ok(keys) = std::env::var(TRUSTED) {
        let keys = keys.split(',').map(str::parse::<PublicKey>);
        flow = flow.require_signatures(keys.collect::<Result<TrustedKeys, KeyError>>()?);
    }
    let log = PathBuf::from(std::env::var_os(LOG).context("a log")?);
    let _interrupts = flow::interrupts::install()?;
    let worker = Worker::new(&flow).poll(Duration::from_millis(10)).exit_when_idle(PATIENCE);
    let append = move |message: &str| {
        let file = fs::OpenOptions::new().append(true).create(true).open(&log);
        file.and_then(|mut file| writeln!(file, "{message}")).expect("the log can be written");
    };
    worker.on_message(append).run()?;
    Ok(())
}

/// The keys of a run, of a worker that the run trusts, and of one that it does not trust.
struct Team {
    folder: PathBuf,
}

impl Team {
    fn new(opened: &Opened) -> Result<Self> {
        let folder = opened.folder.join("keys");
        fs::create_dir_all(&folder)?;
        for name in ["run", "known", "unknown"] {
            SigningKey::generate()?.write(folder.join(name))?;
        }
        Ok(Self { folder })
    }

    fn key(&self, name: &str) -> Result<SigningKey> {
        Ok(SigningKey::read(self.folder.join(name))?)
    }

    fn public(&self, name: &str) -> Result<PublicKey> {
        Ok(self.key(name)?.public_key())
    }

    /// Returns a flow that signs, and accepts only what it and the known worker have signed.
    fn strict(&self, flow: &Flow) -> Result<Flow> {
        let trusted = [self.public("run")?, self.public("known")?];
        let trusted: TrustedKeys = trusted.into_iter().collect();
        Ok(flow.sign(self.key("run")?).require_signatures(trusted))
    }

    /// Starts a worker that signs with one key and trusts another one, as far as it has either. Returns it and the file of its log.
    fn start(
        &self,
        store: &Path,
        key: Option<&str>,
        trusts: Option<&str>,
    ) -> Result<(Process, PathBuf)> {
        let log = self.folder.join(format!("{}-{}.log", key.unwrap_or(""), trusts.unwrap_or("")));
        let key = key.map(|name| self.folder.join(name));
        let trusted = trusts.map(|name| self.public(name)).transpose()?;
        let trusted = trusted.map(|key| key.to_string());
        let mut variables = vec![(STORE, store.as_os_str()), (LOG, log.as_os_str())];
        variables.extend(key.iter().map(|key| (KEY, key.as_os_str())));
        variables.extend(trusted.iter().map(|trusted| (TRUSTED, OsStr::new(trusted))));
        let program = std::env::current_exe()?;
        let process = start_test(&program, "refusing_workers::worker", &variables)?;
        Ok((process, log))
    }
}

/// Returns the text of a log, once it has another one.
fn log_with(log: &Path, text: &str) -> Result<String> {
    wait_for(text, || fs::read_to_string(log).ok().filter(|lines| lines.contains(text)))
}

#[test]
fn a_worker_that_cannot_sign_as_required_computes_nothing_and_another_one_does() -> Result<()> {
    for (key, trusts, lacking) in [
        (None, None, "set `sign_with` and `trusted_keys` in the flow.toml of the worker"),
        (Some("known"), None, "set `trusted_keys` in the flow.toml of the worker"),
        (None, Some("run"), "set `sign_with` in the flow.toml of the worker"),
        (Some("unknown"), Some("run"), "add it to `trusted_keys` in the flow.toml of the run"),
        (Some("known"), Some("unknown"), "among the `trusted_keys` in the flow.toml of the worker"),
    ] {
        let opened = open();
        let (gates, team) = (Gates::new(&opened)?, Team::new(&opened)?);
        (0..2).try_for_each(|n| gates.open(n))?;
        let (refusing, log) = team.start(opened.flow.folder(), key, trusts)?;
        let (flow, lines) = observed(&team.strict(&pulling(&opened, &gates))?);
        let run = run_all(&flow);
        // The run says which worker has refused its jobs, and why, and waits.
        let line = line_with(&lines, "refuses the jobs of this run")?;
        assert!(line.contains("waits for another worker: ") && line.contains(lacking), "{line}");
        assert!(line.contains(&format!("(process {})", refusing.0.id())), "{line}");
        let text = log_with(&log, "warning: refuses Gated")?;
        assert!(text.contains(lacking), "{text}");
        // It looks at the queue many times meanwhile, and takes nothing.
        thread::sleep(Duration::from_millis(300));
        assert!(!run.is_finished() && gates.begun(0).is_empty() && gates.begun(1).is_empty());
        let (_signing, signed) = team.start(opened.flow.folder(), Some("known"), Some("run"))?;
        assert_eq!(ran(&joined(run)?), ["All", "Gated", "Gated"]);
        assert!(flow.is_complete::<All>()?);
        let verified = flow.store().verify()?.to_string();
        let known = team.public("known")?;
        assert!(verified.contains(&format!("3 outputs are signed by {known}")), "{verified}");
        log_with(&signed, "ran All")?;
        let text = fs::read_to_string(&log)?;
        let has_run = text.lines().any(|line| line.starts_with("runs "));
        assert!(!has_run && text.matches("refuses Gated").count() == 1, "{text}");
    }
    Ok(())
}

#[test]
fn a_worker_that_can_do_half_of_signing_says_so_at_its_start() -> Result<()> {
    let opened = open();
    let team = Team::new(&opened)?;
    let expected =
        "warning: this worker takes no jobs of runs that require signatures, because it has ";
    for (key, trusts, rest) in [
        (Some("known"), None, "a key to sign with, and no trusted keys"),
        (None, Some("run"), "trusted keys, and no key to sign with"),
    ] {
        let (_worker, log) = team.start(opened.flow.folder(), key, trusts)?;
        log_with(&log, &format!("{expected}{rest}"))?;
    }
    Ok(())
}

#[test]
fn a_worker_without_a_key_runs_the_jobs_of_runs_that_require_no_signatures() -> Result<()> {
    let opened = open();
    let (gates, team) = (Gates::new(&opened)?, Team::new(&opened)?);
    (0..2).try_for_each(|n| gates.open(n))?;
    let (_worker, log) = team.start(opened.flow.folder(), None, None)?;
    // The run signs, and requires nothing.
    let flow = pulling(&opened, &gates).sign(team.key("run")?);
    assert_eq!(ran(&flow.run::<All>()?), ["All", "Gated", "Gated"]);
    let text = log_with(&log, "ran All")?;
    assert!(!text.contains("warning"), "{text}");
    Ok(())
}
