//! Signatures of workers, and of what killed runs have left: a run that requires signatures commits nothing that another process
//! has computed unless that process has signed it.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use flow::executor::{
    Job, JobEvent, JobEvents, JobExecutor, JobInbox, JobLink, JobQueue, JobRunner, RunOfJobs,
    SubmittedJob,
};
use flow::prelude::*;
use flow::signature::{SigningKey, TrustedKeys};

use crate::isolation::open;
use crate::isolation_drafts::{Costly, killed};
use crate::job_executors::Nearby;
use crate::support::{failed, failure, files_below, ran};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Step {
    n: u64,
}

runs!(Step: u64 = |self, cx| {
    cx.meta("third", 1.0 / 3.0)?;
    cx.note("a note is not signed")?;
    Ok(self.n + cx.env("FLOW_TEST_UNSET")?.map_or(0, |_| 1))
});

/// Reads, requires and records something, so that all of it is signed.
#[derive(Task)]
#[task(requires = Step { n: 1 }, target = Json<u64>)]
struct Last;

runs!(Last: u64 = |self, cx| {
    let more = cx.with(Step::N, 2_u64).require::<Step>()?;
    Ok(*cx.input().load()? + *more.load()?)
});

/// Returns two keys, and the list of both.
fn keys() -> Result<(SigningKey, SigningKey, TrustedKeys)> {
    let (own, of_worker) = (SigningKey::generate()?, SigningKey::generate()?);
    let both = [own.public_key(), of_worker.public_key()].into_iter().collect();
    Ok((own, of_worker, both))
}

#[test]
fn what_a_worker_has_signed_is_committed_with_its_signature() -> Result<()> {
    let opened = open();
    let (own, of_worker, both) = keys()?;
    let name = of_worker.public_key();
    let worker = opened.flow.sign(of_worker).require_signatures(both.clone());
    let executor = Nearby::new(&worker, Duration::ZERO);
    let flow = opened.flow.sign(own).require_signatures(both).executor(executor);
    assert_eq!(ran(&flow.run::<Last>()?), ["Last", "Step", "Step"]);
    assert_eq!(*flow.load::<Last>()?, 3);
    assert!(flow.is_complete::<Last>()?);
    let verified = flow.store().verify()?.to_string();
    assert!(verified.contains(&format!("3 outputs are signed by {name}")), "{verified}");
    let drafts = files_below(&flow.folder().join(".flow/drafts"));
    assert!(drafts.is_empty(), "{drafts:?}");
    Ok(())
}

#[test]
fn what_a_worker_has_not_signed_with_a_known_key_fails() -> Result<()> {
    let opened = open();
    let (own, of_worker, _) = keys()?;
    let name = of_worker.public_key();
    let trusted: TrustedKeys = [own.public_key()].into_iter().collect();
    let unsigned = Nearby::new(&opened.flow, Duration::ZERO);
    // A process that can write jobs could let it sign anything.
    let unverified = Nearby::new(&opened.flow.sign(SigningKey::generate()?), Duration::ZERO);
    let worker = opened.flow.sign(of_worker).require_signatures(trusted.clone());
    let unknown = Nearby::new(&worker, Duration::ZERO);
    let strict = opened.flow.sign(own).require_signatures(trusted);
    for (executor, reason) in [
        (unsigned, "its output is not signed; ".to_owned()),
        (unverified, "its output is not signed; ".to_owned()),
        (unknown, format!("its output is not signed by a known key: `{name}` signed it; ")),
    ] {
        let flow = strict.executor(executor);
        let summary = failure(flow.with(Step::N, 7_u64).run::<Step>());
        assert_eq!(failed(&summary), ["Step"]);
        assert!(summary.to_string().contains(&reason), "{summary}");
        assert!(!strict.with(Step::N, 7_u64).is_complete::<Step>()?);
    }
    // The same task in this process is signed by the run.
    assert_eq!(ran(&strict.with(Step::N, 7_u64).run::<Step>()?), ["Step"]);
    Ok(())
}

#[test]
fn a_run_that_requires_nothing_signs_what_its_workers_compute() -> Result<()> {
    let opened = open();
    let (own, of_worker, both) = keys()?;
    let name = own.public_key();
    let executor = Nearby::new(&opened.flow.sign(of_worker), Duration::ZERO);
    opened.flow.sign(own).executor(executor).with(Step::N, 7_u64).run::<Step>()?;
    let verified = opened.flow.require_signatures(both).store().verify()?.to_string();
    assert!(verified.contains(&format!("1 output is signed by {name}")), "{verified}");
    Ok(())
}

#[test]
fn a_worker_that_requires_signatures_takes_only_jobs_of_known_runs() -> Result<()> {
    let opened = open();
    let (own, of_worker, both) = keys()?;
    let strict = opened.flow.sign(of_worker).require_signatures(both);
    let (stranger, step) = (SigningKey::generate()?, |flow: &Flow| flow.with(Step::N, 7_u64));
    let name = stranger.public_key();
    for (flow, reason) in [
        (opened.flow.clone(), "it is not signed".to_owned()),
        (
            opened.flow.sign(stranger),
            format!("it is not signed by a known key: `{name}` signed it"),
        ),
    ] {
        let executor = Nearby::new(&strict, Duration::ZERO);
        let summary = failure(step(&flow.executor(executor)).run::<Step>()).to_string();
        assert!(
            summary.contains(&format!("the worker does not accept the job: {reason}")),
            "{summary}"
        );
    }
    let executor = Nearby::new(&strict, Duration::ZERO);
    assert_eq!(ran(&step(&opened.flow.sign(own).executor(executor)).run::<Step>()?), ["Step"]);
    Ok(())
}

#[test]
fn an_unsigned_draft_of_a_killed_run_is_not_committed() -> Result<()> {
    let opened = open();
    let draft = killed(&opened.folder)?;
    let key = SigningKey::generate()?;
    let trusted: TrustedKeys = [key.public_key()].into_iter().collect();
    let strict = opened.flow.sign(key).require_signatures(trusted);
    assert!(ran(&strict.run::<Costly>()?).contains(&"Costly".to_owned()));
    assert_eq!(*strict.load::<Costly>()?, 3);
    assert!(draft.exists(), "another flow may accept it");
    Ok(())
}

/// The path of a draft record, and its content.
type Draft = (PathBuf, Vec<u8>);

/// Lets a worker run each job, and tells the run that it was lost. Keeps the last draft record.
#[derive(Clone)]
struct Losing {
    runner: Arc<JobRunner>,
    jobs: Arc<AtomicUsize>,
    kept: Arc<Mutex<Option<Draft>>>,
}

impl JobExecutor for Losing {
    fn name(&self) -> &str {
        "losing"
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        Ok(Arc::new(self.clone()))
    }
}

impl JobQueue for Losing {
    fn submit(&self, job: Job, events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        let Self { runner, jobs, kept } = self.clone();
        thread::spawn(move || {
            let drafts = runner.folder().join(".flow/drafts");
            let draft = drafts.join(format!("link-{}", jobs.fetch_add(1, Ordering::SeqCst)));
            runner.run(&job.payload, &JobInbox::new(), &Silent(draft));
            let draft = files_below(&drafts)
                .into_iter()
                .find(|file| file.extension().is_some_and(|extension| extension == "json"));
            let read = draft.and_then(|draft| Some((draft.clone(), fs::read(draft).ok()?)));
            *kept.lock().expect("no panic") = read;
            events.send(JobEvent::Lost("the network is down".to_owned()));
        });
        Ok(Arc::new(Gone))
    }

    fn end(&self) {}
}

/// Sends nothing to the run.
struct Silent(PathBuf);

impl JobLink for Silent {
    fn send(&self, _message: String, _is_urgent: bool) -> io::Result<()> {
        Ok(())
    }

    fn draft(&self) -> Option<PathBuf> {
        Some(self.0.clone())
    }

    fn wait(&self, _is_waiting: bool) {}
}

struct Gone;

impl SubmittedJob for Gone {
    fn send(&self, _message: String) {}

    fn cancel(&self) {}
}

#[test]
fn a_draft_that_a_worker_has_signed_is_committed_by_the_next_run() -> Result<()> {
    let opened = open();
    let (own, of_worker, both) = keys()?;
    let name = of_worker.public_key();
    let worker = opened.flow.sign(of_worker).require_signatures(both.clone());
    let runner = Arc::new(worker.job_runner(1));
    let losing = Losing { runner, jobs: Arc::default(), kept: Arc::default() };
    let kept = Arc::clone(&losing.kept);
    let strict = opened.flow.sign(own).require_signatures(both).with(Step::N, 7_u64);
    assert_eq!(failed(&failure(strict.executor(losing).run::<Step>())), ["Step"]);
    // The run has removed the draft of the job that it was told is lost. Had it been killed before, the draft were there.
    let (path, bytes) = kept.lock().expect("no panic").take().context("a draft")?;
    assert!(!path.exists());
    let changed = String::from_utf8(bytes.clone())?.replace("\"third\":0.3", "\"third\":0.4");
    assert_ne!(changed.as_bytes(), bytes);
    fs::write(&path, changed)?;
    assert!(!strict.is_complete::<Step>()?);
    assert_eq!(ran(&strict.with(Step::N, 8_u64).run::<Step>()?), ["Step"], "drafts are looked for");
    assert!(!strict.is_complete::<Step>()?, "a draft that was changed is not committed");
    fs::write(&path, bytes)?;
    assert_eq!(ran(&strict.run::<Step>()?), [""; 0]);
    assert_eq!(*strict.load::<Step>()?, 7);
    assert!(!path.exists());
    let verified = strict.store().verify()?.to_string();
    assert!(verified.contains(&format!("1 output is signed by {name}")), "{verified}");
    Ok(())
}
