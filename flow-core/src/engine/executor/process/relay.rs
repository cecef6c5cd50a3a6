//! Runs jobs of runs elsewhere: the part of a process that an [executor](crate::plan::executor) has on another machine.
//!
//! A [`JobRunner`] runs each job in a child process, as an isolated task of this program, and passes its messages on
//! through a [`JobLink`]. So a crash of a task, and the end of a job that is cancelled, do not end the process that is
//! heard of by the run.
//!
//! A job names the folder of the store where its run is. The runner replaces it by its own, which may be mounted
//! elsewhere. If the flow of the runner signs and requires signatures, the runner takes only jobs that a known key has
//! [signed], signs the record of each output, and sends the signature with the last message: a run that requires signatures compares it
//! with the record that it makes of the messages. A job says what its run requires, so that a runner that does not sign as
//! required [refuses](JobRunner::refusal) it before it computes anything.
//!
//! The draft record is written where the link says, and moved to its place only as long as the link says so:
//! once the lease of a job was taken away, its output is never committed.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::Instant;

use anyhow::{Context, anyhow};
use serde::Deserialize;

use super::Children;
use super::message::{
    DoneMessage, EnclosingMessage, FromChild, FromRelay, JobMessage, RequiredMessage, StoreAt,
    ToChild,
};
use super::moving;
use super::serve::{self, Ended, JobOwner};
use super::signed;
use crate::base::fs::Fs;
use crate::base::key::Digest;
use crate::base::process::{executable, host};
use crate::base::stop::RunInProgress;
use crate::engine::running::Ran;
use crate::plan::executor::{JobEnd, JobFile, JobLink};
use crate::store::Store;
use crate::store::draft_record::DraftRecord;
use crate::store::signature::RequiredSignature;

/// The messages of a run to a job, from any thread.
#[derive(Default)]
pub struct JobInbox(Mutex<Inbox>);

#[derive(Default)]
struct Inbox {
    messages: VecDeque<String>,
    is_cancelled: bool,
    /// Wakes the thread that serves the child.
    wake: Option<Box<dyn Fn() + Send + Sync>>,
}

impl JobInbox {
    /// Creates an inbox without messages.
    pub fn new() -> Self {
        Self::default()
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message of the run.
    pub fn send(&self, message: String) {
        self.change(|inbox| inbox.messages.push_back(message));
    }

    /// Ends the process of the job.
    pub fn cancel(&self) {
        self.change(|inbox| inbox.is_cancelled = true);
    }

    fn change(&self, change: impl FnOnce(&mut Inbox)) {
        let mut inbox = self.inbox();
        change(&mut inbox);
        if let Some(wake) = &inbox.wake {
            wake();
        }
    }

    fn set_wake(&self, wake: Option<Box<dyn Fn() + Send + Sync>>) {
        self.inbox().wake = wake;
    }
}

/// Runs jobs of runs elsewhere in child processes of this one: [`Flow::job_runner`](crate::Flow::job_runner).
pub struct JobRunner {
    store: Arc<Store>,
    children: Children,
    /// The name of the thread that opened the flow.
    opened_by: Option<String>,
    jobs: AtomicU64,
    /// Without it, a signal would end the process before it has given its jobs back.
    _in_progress: RunInProgress,
}

impl JobRunner {
    /// Creates a runner of at most `slots` jobs at a time.
    pub(crate) fn new(
        store: &Arc<Store>,
        opened_by: Option<&str>,
        slots: usize,
        in_progress: RunInProgress,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            children: Children::new(slots),
            opened_by: opened_by.map(str::to_owned),
            jobs: AtomicU64::new(0),
            _in_progress: in_progress,
        }
    }

    /// Returns the digest of this program; `None` if its file cannot be read.
    pub fn build(&self) -> Option<Digest> {
        executable().digest
    }

    /// Returns the name of this program.
    pub fn program(&self) -> &str {
        &executable().name
    }

    /// Returns the name of this machine.
    pub fn host(&self) -> String {
        host()
    }

    /// Returns the folder of the store.
    pub fn folder(&self) -> &Path {
        self.store.root()
    }

    /// Returns the file system through which files in the folder of the store are reached. It follows no links.
    pub fn fs(&self) -> Arc<dyn Fs> {
        Arc::clone(self.store.fs())
    }

    /// Returns what this process lacks to sign what its jobs compute, if its flow has a key to sign with, or trusted keys, and not
    /// both. It then [refuses](Self::refusal) the jobs of runs that require signatures.
    pub fn signing_gap(&self) -> Option<String> {
        let signatures = self.store.signatures();
        let signs_partly = signatures.can_sign() || signatures.are_required();
        let lacking = signatures.lacking().filter(|_| signs_partly)?;
        Some(format!(
            "this worker takes no jobs of runs that require signatures, because {lacking}"
        ))
    }

    /// Returns why this process must not run a job, which another process may run: the run would not accept the signature of its
    /// output, or this process does not accept the signature of the job.
    ///
    /// An executor asks before it [runs](Self::run) a job, so that nothing is computed for nothing. All jobs of a run have the
    /// same answer. A run that requires signatures refuses the output anyway, after the job.
    pub fn refusal(&self, payload: &str) -> Option<String> {
        let opened = match signed::open(&self.store, signed::JOB, payload) {
            Ok(opened) => opened,
            Err(why) => {
                return Some(format!(
                    "the worker does not accept the job: {why}; sign the run with a key (`sign_with`) that is among the \
                     `trusted_keys` in the flow.toml of the worker"
                ));
            }
        };
        // A job that cannot be read says so when it is run.
        let JobRequirements { requires_signature } = serde_json::from_str(&opened.message).ok()?;
        self.store.signatures().refused_by(&requires_signature?)
    }

    /// Runs a job to its end, and returns how it has ended. `payload` is that of a [`Job`](crate::executor::Job) of a process of
    /// the same build.
    ///
    /// The last message that the link receives says how the task has ended, unless sending fails before.
    pub fn run(&self, payload: &str, inbox: &JobInbox, link: &dyn JobLink) -> JobEnd {
        self.try_run(payload, inbox, link).unwrap_or_else(|error| {
            let reason = format!("{error:#}");
            // If the link is closed, the run has taken the job away.
            let _ = send(link, &FromRelay::NotStarted(reason.clone()), true);
            JobEnd::NotRun(reason)
        })
    }

    fn try_run(
        &self,
        payload: &str,
        inbox: &JobInbox,
        link: &dyn JobLink,
    ) -> anyhow::Result<JobEnd> {
        let opened = signed::open(&self.store, signed::JOB, payload);
        let opened = opened.map_err(|why| anyhow!("the worker does not accept the job: {why}"))?;
        let job = serde_json::from_str::<JobMessage>(&opened.message);
        let mut job = job.context("the worker cannot read the job")?;
        // As long as it is held, `gc` removes nothing that the task writes.
        let _run_lock = self.store.begin_to_store()?;
        job.number = self.jobs.fetch_add(1, Ordering::Relaxed) + 1;
        let of_run = std::mem::replace(&mut job.store, StoreAt::of(&self.store));
        job.store.checks_content |= of_run.checks_content;
        relocate(&mut job.enclosing, &of_run, &job.store);
        let folder = job.current_folder.as_ref().map(super::message::Bytes::to_path);
        if folder.is_none_or(|folder| !folder.is_dir()) {
            // The folder of the run does not exist on this machine.
            let own = std::env::current_dir().ok();
            job.current_folder = own.map(|folder| folder.as_path().into());
        }
        if job.moves_files {
            moving::bring_inputs(&self.store, &mut job.nodes, |files| link.bring(files))
                .context("its inputs cannot be brought to this machine")?;
        }
        // Of other jobs, anyone may have written which instance they are of.
        job.sends_draft = opened.is_verified && self.store.signatures().can_sign();
        let draft = link.draft().and_then(|written| {
            let draft = job.draft.as_mut()?;
            let named = draft.path.to_path();
            let kept = self.store.draft_record_named(named.file_name()?);
            draft.path = written.as_path().into();
            Some((written, kept))
        });
        job.writes_draft = draft.is_some();
        let order = signed::order(job.key, job.fingerprint);
        let mut child = self.children.take(self.opened_by.as_deref())?;
        inbox.set_wake(Some(Box::new(child.waker())));
        let is_stopped = false;
        let mut relay = Relay {
            inbox,
            link,
            store: &self.store,
            job: job.number,
            order,
            moves_files: job.moves_files.then(|| job.folder()),
            draft,
            begun: (jiff::Timestamp::now(), Instant::now()),
            requests: HashSet::new(),
            is_stopped,
            is_lost: false,
            end: JobEnd::Stopped,
        };
        let ended = serve::serve(&mut child, &mut relay, job);
        inbox.set_wake(None);
        relay.end_waiting();
        if ended.is_usable {
            self.children.give_back(child);
        }
        Ok(relay.end)
    }

    /// Ends all child processes.
    pub fn end(&self) {
        self.children.end();
    }
}

impl Drop for JobRunner {
    fn drop(&mut self) {
        self.end();
    }
}

/// What is read of a job before it is run.
#[derive(Deserialize)]
struct JobRequirements {
    requires_signature: Option<RequiredSignature>,
}

/// Replaces the folder of the run's store by that of this process in the tasks that enclose a job: a task that runs itself
/// would not be found otherwise, and wait for itself, where the folder is mounted elsewhere.
fn relocate(enclosing: &mut [EnclosingMessage], of_run: &StoreAt, here: &StoreAt) {
    for at in enclosing.iter_mut().filter(|at| at.root == of_run.root) {
        at.root = here.root.clone();
    }
}

/// Sends a message to the run.
fn send(link: &dyn JobLink, message: &FromRelay, is_urgent: bool) -> io::Result<()> {
    link.send(serde_json::to_string(message)?, is_urgent)
}

/// A run elsewhere as the child of a job sees it.
struct Relay<'a> {
    inbox: &'a JobInbox,
    link: &'a dyn JobLink,
    store: &'a Store,
    /// The number of the job in this process.
    job: u64,
    /// The first line of what is signed for a message of the run to this job.
    order: String,
    /// The folder of the instance, if the executor carries files.
    moves_files: Option<PathBuf>,
    /// Where the child writes a draft record, and where it belongs.
    draft: Option<(PathBuf, PathBuf)>,
    /// When the job was begun, by the clock of this machine.
    begun: (jiff::Timestamp, Instant),
    /// The numbers of the requests of the task that wait for a reply.
    requests: HashSet<u64>,
    /// Whether the run has stopped the job.
    is_stopped: bool,
    /// Whether the run takes no more messages of the job.
    is_lost: bool,
    /// How the job has ended, as far as is known.
    end: JobEnd,
}

impl Relay<'_> {
    fn send(&mut self, message: &FromRelay, is_urgent: bool) {
        self.is_lost |= send(self.link, message, is_urgent).is_err();
    }

    /// Takes note that a request of the task is answered. Returns whether the task waits for the answer: a run that has
    /// adopted the job answers the requests again that an earlier run has answered.
    fn answered(&mut self, request: u64) -> bool {
        let is_awaited = self.requests.remove(&request);
        if is_awaited && self.requests.is_empty() {
            self.link.wait(false);
        }
        is_awaited
    }

    /// Takes note that the task waits for nothing any more, because it has ended.
    fn end_waiting(&mut self) {
        if !std::mem::take(&mut self.requests).is_empty() {
            self.link.wait(false);
        }
    }

    /// Signs the record that the child has sent, and returns the signature. The draft record gets it, too, if there is one.
    fn sign(&self, mut draft: DraftRecord, is_written: bool) -> Option<String> {
        self.store.sign(&mut draft.record).ok()?;
        if let Some((written, _)) = self.draft.as_ref().filter(|_| is_written) {
            // The file is replaced as a whole, so that a run never finds half of it.
            let signed = written.with_extension("signed");
            let replaced = self.store.write_draft_record(&signed, &draft);
            if replaced.is_err() || self.store.fs().rename(&signed, written).is_err() {
                // Without a signature, the draft serves runs that require none.
                self.store.discard_path(&signed);
            }
        }
        draft.record.signature
    }

    /// Takes what the task has written to where the run finds it.
    fn deliver(&self, folder: &Path, done: &mut DoneMessage) -> io::Result<()> {
        let figures = moving::of_files(folder, &done.figures);
        match &done.result {
            Ok(output) => {
                let files: Vec<_> =
                    moving::of_files(folder, &output.files).chain(figures).collect();
                self.link.deliver(&files)
            }
            Err(_) => {
                // The error counts more than the figures of a task that has failed.
                if self.link.deliver(&figures.collect::<Vec<_>>()).is_err() {
                    done.figures.clear();
                }
                Ok(())
            }
        }
    }

    /// Brings what a task has required to this machine. Returns whether it is there.
    fn bring(&self, required: &mut RequiredMessage) -> bool {
        let carry = |files: &[JobFile]| self.link.bring(files);
        self.moves_files.is_none()
            || moving::bring_inputs(self.store, &mut required.nodes, carry).is_ok()
    }

    /// Moves the draft record to its place. Returns whether it is there.
    fn keep_draft(&self) -> bool {
        let Some((written, kept)) = &self.draft else { return false };
        let fs = self.store.fs();
        let is_there = kept.parent().is_some_and(|folder| fs.create_folder(folder).is_ok());
        is_there && fs.rename(written, kept).is_ok()
    }
}

impl JobOwner for Relay<'_> {
    type Result = ();

    fn is_stopped(&self) -> bool {
        self.is_stopped || self.is_abandoned()
    }

    fn is_abandoned(&self) -> bool {
        self.is_lost || self.inbox.inbox().is_cancelled
    }

    fn to_send(&mut self) -> Vec<ToChild> {
        let texts = std::mem::take(&mut self.inbox.inbox().messages);
        let mut messages = Vec::new();
        for text in texts {
            // A message that is not accepted is none of the run.
            let Ok(opened) = signed::open(self.store, &self.order, &text) else { continue };
            match serde_json::from_str::<ToChild>(&opened.message) {
                Ok(ToChild::Stop { .. }) => self.is_stopped = true,
                Ok(ToChild::Required(mut required)) => {
                    if !self.answered(required.request) {
                        continue;
                    }
                    match self.bring(&mut required) {
                        true => messages.push(ToChild::Required(required)),
                        // The job is ended, and the run submits it again.
                        false => self.is_lost = true,
                    }
                }
                // Whatever this is, the run has not written it: its own messages can be read.
                Ok(ToChild::Job(_)) | Err(_) => {}
            }
        }
        messages
    }

    fn wait_long(&mut self) {
        let text = "the worker waits for its child process to reach `Flow::open`".to_owned();
        let status = FromChild::Status { job: self.job, text };
        self.send(&FromRelay::Child(Box::new(status)), false);
    }

    fn log(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.send(&FromRelay::Output(text.to_vec().into()), false);
        }
    }

    fn receive<'scope>(
        &mut self,
        mut message: FromChild,
        _: &'scope Scope<'scope, '_>,
    ) -> Option<Ended<()>> {
        let is_urgent = message.is_urgent();
        let is_usable = match &mut message {
            // Its file is on this machine alone, until the task has ended.
            FromChild::Figure { .. } if self.moves_files.is_some() => return None,
            FromChild::Done(done) => {
                if let Some(folder) = &self.moves_files
                    && let Err(error) = self.deliver(folder, done)
                {
                    let has_panicked =
                        done.result.as_ref().is_err_and(|failed| failed.has_panicked);
                    self.end = JobEnd::NotRun(format!("its output cannot be delivered: {error}"));
                    self.send(&FromRelay::NotDelivered(error.to_string()), true);
                    return Some(Ended { result: (), is_usable: !has_panicked });
                }
                let record = done.record.take();
                done.signature = record.and_then(|record| self.sign(*record, done.has_draft));
                done.has_draft = done.has_draft && self.keep_draft();
                self.end = match &done.result {
                    Ok(_) => JobEnd::Computed,
                    Err(failed) if failed.is_stopped => JobEnd::Stopped,
                    Err(failed) => JobEnd::Failed(failed.error.text.clone()),
                };
                Some(done.result.as_ref().err().is_none_or(|failed| !failed.has_panicked))
            }
            FromChild::Require { request, .. } => {
                if self.requests.is_empty() {
                    self.link.wait(true);
                }
                self.requests.insert(*request);
                None
            }
            _ => None,
        };
        self.send(&FromRelay::Child(Box::new(message)), is_urgent);
        is_usable.map(|is_usable| Ended { result: (), is_usable })
    }

    fn lost(&mut self, reason: Option<String>) {
        let (started, begun) = self.begun;
        if let Some(reason) = &reason {
            self.link.crashed();
            self.end = JobEnd::Failed(reason.clone());
        }
        let message = reason.map_or(FromRelay::Ended, |reason| {
            let ran = Ran { started, seconds: begun.elapsed().as_secs_f64(), host: host() };
            FromRelay::Crashed { reason, ran }
        });
        self.send(&message, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::engine::executor::process::message::TaskMessage;

    /// A link to a run that takes no messages, with what it was told.
    #[derive(Default)]
    struct Link {
        sent: Mutex<Vec<String>>,
        waits: Mutex<Vec<bool>>,
    }

    impl JobLink for Link {
        fn send(&self, message: String, _: bool) -> io::Result<()> {
            self.sent.lock().expect("lock poisoned").push(message);
            Err(io::ErrorKind::NotFound.into())
        }

        fn draft(&self) -> Option<PathBuf> {
            None
        }

        fn wait(&self, is_waiting: bool) {
            self.waits.lock().expect("lock poisoned").push(is_waiting);
        }
    }

    fn relay<'a>(inbox: &'a JobInbox, link: &'a Link, store: &'a Store) -> Relay<'a> {
        let begun = (jiff::Timestamp::now(), Instant::now());
        let order = String::new();
        let (moves_files, draft, requests) = (None, None, HashSet::new());
        let (is_stopped, is_lost) = (false, false);
        Relay {
            inbox,
            link,
            store,
            job: 1,
            order,
            moves_files,
            draft,
            begun,
            requests,
            is_stopped,
            is_lost,
            end: JobEnd::Stopped,
        }
    }

    fn require(request: u64) -> FromChild {
        let task = TaskMessage { id: "Prices".to_owned(), name: "Prices".to_owned() };
        FromChild::Require { job: 1, request, task, settings: Vec::new() }
    }

    fn required(request: u64) -> String {
        let (results, nodes, recorded) = (Vec::new(), Vec::new(), Vec::new());
        let required = RequiredMessage { request, results, nodes, recorded };
        serde_json::to_string(&ToChild::Required(required)).expect("JSON")
    }

    #[test]
    fn the_tasks_that_enclose_a_job_are_in_the_store_of_this_process() {
        let at = |folder: &str| StoreAt {
            opened: Path::new(folder).into(),
            root: Path::new(folder).into(),
            checks_content: false,
        };
        let enclosing = |folder: &str| EnclosingMessage {
            root: Path::new(folder).into(),
            key: crate::base::key::Key(7),
            task: "Train".to_owned(),
        };
        let mut all = [enclosing("/shared/store"), enclosing("/other")];
        relocate(&mut all, &at("/shared/store"), &at("/mnt/store"));
        let roots = all.map(|at| at.root.to_path());
        assert_eq!(roots, [PathBuf::from("/mnt/store"), PathBuf::from("/other")]);
    }

    #[test]
    fn a_stop_a_cancellation_and_a_lost_link_end_the_job() {
        let (store, link) = (Store::nowhere(), Link::default());
        let inbox = JobInbox::new();
        let mut stopped = relay(&inbox, &link, &store);
        assert!(!stopped.is_stopped());
        inbox.send(serde_json::to_string(&ToChild::Stop { job: 7 }).expect("JSON"));
        inbox.send("{\"Stop".to_owned());
        assert!(stopped.to_send().is_empty());
        assert!(stopped.is_stopped() && !stopped.is_abandoned());

        let mut lost = relay(&inbox, &link, &store);
        lost.log(b"a line\n");
        assert!(lost.is_abandoned());

        inbox.cancel();
        assert!(relay(&inbox, &link, &store).is_abandoned());
    }

    #[test]
    fn a_task_waits_until_each_of_its_requests_is_answered_once() {
        let (store, link, inbox) = (Store::nowhere(), Link::default(), JobInbox::new());
        let mut relay = relay(&inbox, &link, &store);
        let waited = || link.waits.lock().expect("lock poisoned").clone();
        std::thread::scope(|scope| {
            for request in [4, 5] {
                assert!(relay.receive(require(request), scope).is_none());
            }
        });
        // A run that has adopted the job answers the first request again.
        for request in [4, 4, 9] {
            inbox.send(required(request));
        }
        assert_eq!(relay.to_send().len(), 1);
        assert_eq!(waited(), [true], "the second request waits");
        inbox.send(required(5));
        assert_eq!(relay.to_send().len(), 1);
        assert_eq!(waited(), [true, false]);
        relay.end_waiting();
        assert_eq!(waited(), [true, false], "nothing has waited");
    }

    #[test]
    fn a_crash_is_reported_with_when_and_where_the_task_has_run() {
        let (store, link, inbox) = (Store::nowhere(), Link::default(), JobInbox::new());
        let mut relay = relay(&inbox, &link, &store);
        relay.lost(None);
        assert_eq!(relay.end, JobEnd::Stopped);
        relay.lost(Some("it aborted".to_owned()));
        assert_eq!(relay.end, JobEnd::Failed("it aborted".to_owned()));
        let sent = link.sent.lock().expect("lock poisoned").clone();
        let sent: Vec<_> =
            sent.iter().map(|text| serde_json::from_str::<FromRelay>(text)).collect();
        let [Ok(FromRelay::Ended), Ok(FromRelay::Crashed { reason, ran })] = &sent[..] else {
            panic!("two messages");
        };
        assert_eq!((reason.as_str(), ran.host.as_str()), ("it aborted", host().as_str()));
        assert!(ran.seconds < 60.0 && ran.started <= jiff::Timestamp::now());
    }
}
