//! Runs jobs of runs elsewhere: the part of a process that an [executor](crate::plan::executor) has on another machine.
//!
//! A [`JobRunner`] runs each job in a child process, as an isolated task of this program, and passes its messages on
//! through a [`JobLink`]. So a crash of a task, and the end of a job that is cancelled, do not end the process that is
//! heard of by the run.
//!
//! A job names the folder of the store where its run is. The runner replaces it by its own, which may be mounted
//! elsewhere. The draft record is written where the link says, and moved to its place only as long as the link says so:
//! once the lease of a job was taken away, its output is committed by no one.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use anyhow::Context;

use super::Children;
use super::message::{FromChild, FromRelay, JobMessage, StoreAt, ToChild};
use super::serve::{self, Ended, JobOwner};
use crate::base::fs::Fs;
use crate::base::key::Digest;
use crate::base::process::{executable, host};
use crate::base::stop::RunInProgress;
use crate::store::Store;

/// Carries the messages of a job to the run that has submitted it.
pub trait JobLink: Send + Sync {
    /// Sends a message. One that is not urgent may be held back for a moment, to be sent with others.
    ///
    /// # Errors
    ///
    /// The run takes no more messages of this job, because it was taken away from this process, for example. The job is
    /// ended.
    fn send(&self, message: String, is_urgent: bool) -> io::Result<()>;

    /// Returns the path where the job's process writes a draft record of the output; `None` if it writes none.
    ///
    /// It must be on the file system of the store, in a folder that is gone once the job was taken away from this process.
    fn draft(&self) -> Option<PathBuf>;

    /// Takes note that the task waits for tasks that it has required, or that it goes on.
    ///
    /// What it waits for may be jobs of the same executor. So a task that waits must not keep them from running: neither
    /// by the place that it occupies, nor because they come after it.
    fn wait(&self, is_waiting: bool);
}

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

    /// Runs a job to its end. `payload` is that of a [`Job`](crate::executor::Job) of a process of the same build.
    ///
    /// The last message that the link receives says how the task has ended, unless sending fails before.
    pub fn run(&self, payload: &str, inbox: &JobInbox, link: &dyn JobLink) {
        if let Err(error) = self.try_run(payload, inbox, link) {
            // Without a link, nobody wants to know.
            let _ = send(link, &FromRelay::Crashed(format!("{error:#}")), true);
        }
    }

    fn try_run(&self, payload: &str, inbox: &JobInbox, link: &dyn JobLink) -> anyhow::Result<()> {
        let job = serde_json::from_str::<JobMessage>(payload);
        let mut job = job.context("the worker cannot read the job")?;
        // As long as it is held, `gc` removes nothing that the task writes.
        let _run_lock = self.store.begin_to_store()?;
        job.number = self.jobs.fetch_add(1, Ordering::Relaxed) + 1;
        job.store = StoreAt::of(&self.store);
        let folder = job.current_folder.as_ref().map(super::message::Bytes::to_path);
        if folder.is_none_or(|folder| !folder.is_dir()) {
            // The folder of the run does not exist on this machine.
            let own = std::env::current_dir().ok();
            job.current_folder = own.map(|folder| folder.as_path().into());
        }
        let written = link.draft();
        let draft = job.draft.take().zip(written).and_then(|(mut draft, written)| {
            let named = draft.path.to_path();
            let kept = self.store.draft_record_named(named.file_name()?);
            draft.path = written.as_path().into();
            job.draft = Some(draft);
            Some((written, kept))
        });
        let mut child = self.children.take(self.opened_by.as_deref())?;
        inbox.set_wake(Some(Box::new(child.waker())));
        let is_stopped = false;
        let mut relay = Relay {
            inbox,
            link,
            store: &self.store,
            job: job.number,
            draft,
            requests: 0,
            is_stopped,
            is_lost: false,
        };
        let ended = serve::serve(&mut child, &mut relay, job);
        inbox.set_wake(None);
        relay.answered(relay.requests);
        if ended.is_usable {
            self.children.give_back(child);
        }
        Ok(())
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
    /// Where the child writes a draft record, and where it belongs.
    draft: Option<(PathBuf, PathBuf)>,
    /// The number of requests of the task that wait for a reply.
    requests: usize,
    /// Whether the run has stopped the job.
    is_stopped: bool,
    /// Whether the run takes no more messages of the job.
    is_lost: bool,
}

impl Relay<'_> {
    fn send(&mut self, message: &FromRelay, is_urgent: bool) {
        self.is_lost |= send(self.link, message, is_urgent).is_err();
    }

    /// Takes note that requests of the task are answered.
    fn answered(&mut self, requests: usize) {
        if requests > 0 && requests >= self.requests {
            self.link.wait(false);
        }
        self.requests = self.requests.saturating_sub(requests);
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
        let mut answered = 0;
        for text in texts {
            match serde_json::from_str::<ToChild>(&text) {
                Ok(ToChild::Stop { .. }) => self.is_stopped = true,
                Ok(message @ ToChild::Required(_)) => {
                    answered += 1;
                    messages.push(message);
                }
                // Whatever this is, the run has not written it: its own messages can be read.
                Ok(ToChild::Job(_)) | Err(_) => {}
            }
        }
        self.answered(answered);
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
            FromChild::Done(done) => {
                done.has_draft = done.has_draft && self.keep_draft();
                Some(done.result.as_ref().err().is_none_or(|failed| !failed.has_panicked))
            }
            FromChild::Require { .. } => {
                if self.requests == 0 {
                    self.link.wait(true);
                }
                self.requests += 1;
                None
            }
            _ => None,
        };
        self.send(&FromRelay::Child(Box::new(message)), is_urgent);
        is_usable.map(|is_usable| Ended { result: (), is_usable })
    }

    fn lost(&mut self, reason: Option<String>) {
        let reason = reason.unwrap_or_else(|| "its process was ended".to_owned());
        self.send(&FromRelay::Crashed(reason), true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Link;

    impl JobLink for Link {
        fn send(&self, _: String, _: bool) -> io::Result<()> {
            Err(io::ErrorKind::NotFound.into())
        }

        fn draft(&self) -> Option<PathBuf> {
            None
        }

        fn wait(&self, _: bool) {}
    }

    fn relay<'a>(inbox: &'a JobInbox, store: &'a Store) -> Relay<'a> {
        let (draft, requests, is_stopped, is_lost) = (None, 0, false, false);
        Relay { inbox, link: &Link, store, job: 1, draft, requests, is_stopped, is_lost }
    }

    #[test]
    fn a_stop_a_cancellation_and_a_lost_link_end_the_job() {
        let store = Store::nowhere();
        let inbox = JobInbox::new();
        let mut stopped = relay(&inbox, &store);
        assert!(!stopped.is_stopped());
        inbox.send(serde_json::to_string(&ToChild::Stop { job: 7 }).expect("JSON"));
        inbox.send("{\"Stop".to_owned());
        assert!(stopped.to_send().is_empty());
        assert!(stopped.is_stopped() && !stopped.is_abandoned());

        let mut lost = relay(&inbox, &store);
        lost.log(b"a line\n");
        assert!(lost.is_abandoned());

        inbox.cancel();
        assert!(relay(&inbox, &store).is_abandoned());
    }
}
