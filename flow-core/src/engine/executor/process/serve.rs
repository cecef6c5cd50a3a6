//! Serves a child while it runs a task: its messages, its output, and a stop or time-out of the task.
//!
//! The thread of the worker waits for whatever comes first. A request of the task for other instances blocks for as long
//! as these run, so it has a thread of its own. If the child dies meanwhile, the task fails after they have ended.

use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::child::{Child, GRACE};
use super::message::{
    DoneMessage, FailedMessage, FromChild, JobMessage, RefusedMessage, RequiredMessage,
    SettingMessage, TaskMessage, ToChild, WhyRefused,
};
use super::output::{self, Output, Pipe};
use super::{crash, describe};
use crate::base::error::StoreError;
use crate::base::error_text::ForeignError;
use crate::base::key::Digest;
use crate::base::process::executable;
use crate::base::stop::Stopped;
use crate::engine::running::Running;
use crate::target::footprint::Footprint;
use crate::task::cx::{Attempt, Host, TaskReport};
use crate::task::execute::Executed;

/// The stack of a thread that waits for required instances: it may run them, if the calling thread is the only worker.
const STACK: usize = 8 << 20;

/// The time after which a task that waits for its process says so.
const SLOW: Duration = Duration::from_secs(5);

/// How serving a child has ended.
pub(super) enum Ended {
    /// The task has ended. If the child `is_usable`, it can run another one.
    Task { result: anyhow::Result<Executed>, is_usable: bool },
    /// The child has ended, or must not be used any more.
    Process(anyhow::Error),
}

/// Runs a task in a child, and serves the child until the task has ended.
pub(super) fn serve(
    child: &mut Child,
    running: &Arc<Running>,
    attempt: &Arc<Attempt>,
    job: JobMessage,
) -> Ended {
    output::discard(child);
    let (number, memory, draft) = (job.number, job.memory, job.draft.path.to_path());
    let is_ready = child.is_ready;
    let _wakes = running.control.stopper.on_stop(child.waker());
    let mut served = Served {
        child,
        running,
        number,
        memory,
        draft,
        output: Output::new(running, attempt, is_ready),
        job: Some(job),
        is_told_to_stop: false,
        kill_at: None,
        begun: Instant::now(),
        is_slow: false,
    };
    std::thread::scope(|scope| served.until_end(scope))
}

/// A child that runs a task.
struct Served<'a> {
    child: &'a mut Child,
    running: &'a Arc<Running>,
    number: u64,
    memory: Option<u64>,
    /// Where the child writes a draft record.
    draft: PathBuf,
    output: Output<'a>,
    /// The job, until it was sent.
    job: Option<JobMessage>,
    is_told_to_stop: bool,
    /// When the processes of the child are killed, after they were asked to end.
    kill_at: Option<Instant>,
    begun: Instant,
    /// Whether it was reported that the child has not taken over for long.
    is_slow: bool,
}

impl Served<'_> {
    fn until_end<'scope>(&mut self, scope: &'scope Scope<'scope, '_>) -> Ended {
        if self.child.is_ready
            && let Err(error) = self.send_job()
        {
            return self.lost(Some(error));
        }
        loop {
            if let Some(ended) = self.check_stop() {
                return ended;
            }
            let (has_message, is_woken) = match self.wait() {
                Ok(ready) => ready,
                Err(error) => return self.lost(Some(error)),
            };
            if is_woken {
                let mut bytes = [0; 64];
                while self.child.wake.read(&mut bytes).is_ok_and(|read| read == bytes.len()) {}
            }
            if !has_message {
                continue;
            }
            match self.child.frames.fill(&mut self.child.socket) {
                Ok(0) => return self.lost(None),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return self.lost(None),
            }
            loop {
                match self.child.frames.next::<FromChild>() {
                    Ok(None) => break,
                    Ok(Some(message)) => {
                        if let Some(ended) = self.receive(message, scope) {
                            return ended;
                        }
                    }
                    Err(error) => return self.lost(Some(error)),
                }
            }
        }
    }

    /// Waits until something can be read. Reads output, and returns whether there is a message or a wake-up.
    fn wait(&mut self) -> io::Result<(bool, bool)> {
        let timeout = self.timeout().map(|wait| Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(wait.subsec_nanos()),
        });
        let flags = |pipe| match self.output.is_over(pipe) {
            // A pipe that has ended would end each wait at once.
            true => PollFlags::empty(),
            false => PollFlags::IN,
        };
        let (out, err) = (flags(Pipe::Out), flags(Pipe::Err));
        let Child { socket, out: of_out, err: of_err, wake, .. } = &*self.child;
        let mut fds = vec![PollFd::new(socket, PollFlags::IN), PollFd::new(wake, PollFlags::IN)];
        let places = [out, err].map(|flags| !flags.is_empty());
        if places[0] {
            fds.push(PollFd::new(of_out, out));
        }
        if places[1] {
            fds.push(PollFd::new(of_err, err));
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok((false, false)),
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<_> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        let mut pipes = ready[2..].iter();
        for (pipe, is_polled) in [Pipe::Out, Pipe::Err].into_iter().zip(places) {
            if is_polled && pipes.next() == Some(&true) {
                self.output.read(self.child, pipe);
            }
        }
        Ok((ready[0], ready[1]))
    }

    /// Returns the longest time to wait; `None` until something happens.
    fn timeout(&self) -> Option<Duration> {
        let kill = self.kill_at.map(|at| at.saturating_duration_since(Instant::now()));
        let slow = (!self.child.is_ready && !self.is_slow)
            .then(|| SLOW.saturating_sub(self.begun.elapsed()));
        kill.into_iter().chain(slow).min()
    }

    /// Tells the task to stop, or ends its process, if that is due.
    fn check_stop(&mut self) -> Option<Ended> {
        let control = &self.running.control;
        if !self.child.is_ready && !self.is_slow && self.begun.elapsed() >= SLOW {
            self.is_slow = true;
            let status = "waiting for its child process to reach `Flow::open`";
            self.running.report(TaskReport::Status(&status));
        }
        if !control.stopper.is_stopped() {
            return None;
        }
        if let Some(at) = self.kill_at {
            if Instant::now() >= at {
                self.child.kill();
                self.kill_at = Some(Instant::now() + GRACE);
            }
            return None;
        }
        if control.is_abandoned() || !self.child.is_ready {
            // A task that is stopped ends at a checkpoint, and one that takes too long is ended. A child that has not
            // taken over runs no task.
            self.child.terminate();
            self.kill_at = Some(Instant::now() + GRACE);
            return None;
        }
        if !std::mem::replace(&mut self.is_told_to_stop, true) {
            // A child that has ended is noticed by the end of the socket.
            let _ = self.child.sender().send(&ToChild::Stop { job: self.number });
        }
        None
    }

    fn send_job(&mut self) -> io::Result<()> {
        let job = self.job.take().expect("sent once");
        self.child.sender().send(&ToChild::Job(Box::new(job)))
    }

    /// Takes a message of the child. Returns how serving has ended, if it has.
    fn receive<'scope>(
        &mut self,
        message: FromChild,
        scope: &'scope Scope<'scope, '_>,
    ) -> Option<Ended> {
        let number = self.number;
        match message {
            FromChild::Hello { token, program } => {
                let expected = (&*self.child.token, executable().digest);
                if let Err(error) = check_build(expected, (token.as_str(), program)) {
                    return Some(Ended::Process(error));
                }
                self.child.is_ready = true;
                self.output.begin_task(self.child);
                if let Err(error) = self.send_job() {
                    return Some(self.lost(Some(error)));
                }
            }
            FromChild::Progress { job, done, total } if job == number => {
                self.running.report(TaskReport::Progress { done, total });
            }
            FromChild::Status { job, text } if job == number => {
                self.running.report(TaskReport::Status(&text));
            }
            FromChild::Log { job, text } if job == number => self.output.log(text.as_bytes()),
            FromChild::Figure { job, file } if job == number => {
                self.output.attempt.figures().adopt(*file);
            }
            FromChild::Refuse { job, task, setting } if job == number => {
                let known = describe::task_type(&task.id)
                    .and_then(|task| Ok((task, describe::settings(&setting)?)));
                match known {
                    Ok((task, setting)) => self.running.refuse(task, setting),
                    Err(_) => self.running.refuse_unknown(task.name),
                }
            }
            FromChild::Require { job, request, task, settings } if job == number => {
                self.require(request, task, settings, scope);
            }
            FromChild::Done(done) if done.job == number => return Some(self.done(*done)),
            // A thread that has outlived an earlier task.
            _ => {}
        }
        None
    }

    /// Requires instances for the task on another thread, which sends the reply.
    fn require<'scope>(
        &self,
        request: u64,
        task: TaskMessage,
        settings: Vec<Vec<SettingMessage>>,
        scope: &'scope Scope<'scope, '_>,
    ) {
        let (running, to) = (Arc::clone(self.running), self.child.sender());
        let (count, name) = (settings.len(), task.name.clone());
        let require = move || {
            let known = describe::task_type(&task.id).and_then(|task| {
                let settings = settings.iter().map(|setting| describe::settings(setting));
                Ok((task, settings.collect::<Result<Vec<_>, _>>()?))
            });
            let reply = match known {
                Ok((task, settings)) => {
                    let results = running.require(task, settings);
                    describe::required(request, results, running.required())
                }
                Err(error) => {
                    running.refuse_unknown(task.name.clone());
                    refused(request, count, &task.name, WhyRefused::Failed(error))
                }
            };
            // A child that has ended needs no reply.
            let _ = to.send(&ToChild::Required(reply));
        };
        let thread = Builder::new().name("flow-require".to_owned()).stack_size(STACK);
        if let Err(error) = thread.spawn_scoped(scope, require) {
            let reply = refused(request, count, &name, WhyRefused::Thread(error.to_string()));
            let _ = self.child.sender().send(&ToChild::Required(reply));
        }
    }

    /// Takes the result of the task.
    fn done(&mut self, done: DoneMessage) -> Ended {
        let DoneMessage { result, meta, figures, reads, columns, used, has_draft, .. } = done;
        self.output.drain(self.child);
        self.output.attempt.figures().adopt_all(figures);
        self.running.set_used(used);
        let of_task = self.running.reads();
        reads.into_iter().for_each(|read| of_task.add(read));
        of_task.add_read_columns(columns);
        let FailedMessage { is_stopped, has_panicked, error, unwritable } = match result {
            Ok(output) => {
                if has_draft {
                    self.running.set_draft(self.draft.clone());
                }
                let executed =
                    Executed { output, meta, value: None, footprint: Footprint::default() };
                return Ended::Task { result: Ok(executed), is_usable: true };
            }
            Err(failed) => failed,
        };
        meta.into_iter().for_each(|(name, value)| self.output.attempt.set_meta(&name, value));
        let error = match unwritable {
            _ if is_stopped => Stopped.into(),
            Some((path, code)) => {
                let (path, source) = (path.to_path(), io::Error::from_raw_os_error(code));
                StoreError::Io { action: "write", path, source }.into()
            }
            None => ForeignError::new(error).into(),
        };
        Ended::Task { result: Err(error), is_usable: !has_panicked }
    }

    /// Returns the error of a task whose child has ended, or cannot be understood.
    fn lost(&mut self, error: Option<io::Error>) -> Ended {
        let (has_begun, was_killed) = (self.child.is_ready, self.kill_at.is_some());
        // A child that cannot be understood is ended.
        let broken = error.filter(|error| {
            !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
        });
        if broken.is_some() {
            self.child.kill();
        }
        let status = self.child.wait();
        self.output.drain(self.child);
        // A result that was not received does not count.
        self.running.execution.plan.store.discard_path(&self.draft);
        if was_killed {
            return Ended::Process(Stopped.into());
        }
        let last: Vec<_> = self.output.last.iter().cloned().collect();
        let message = crash::message(crash::Ended {
            status,
            has_begun,
            memory: self.memory,
            is_out_of_memory: self.output.is_out_of_memory,
            last: &last,
        });
        Ended::Process(match broken {
            Some(error) => anyhow!("cannot understand its child process: {error}"),
            None => anyhow!(message),
        })
    }
}

/// Returns the reply to a request for `count` instances of a task that all fail.
fn refused(request: u64, count: usize, task: &str, why: WhyRefused) -> RequiredMessage {
    let refused = RefusedMessage { instance: task.to_owned(), why };
    RequiredMessage {
        request,
        results: vec![Err(refused); count],
        nodes: Vec::new(),
        recorded: Vec::new(),
    }
}

/// Returns an error if the token and the digest of a child are not those of this program.
fn check_build(
    expected: (&str, Option<Digest>),
    of_child: (&str, Option<Digest>),
) -> anyhow::Result<()> {
    anyhow::ensure!(
        expected == of_child && of_child.1.is_some(),
        "the child process is of another build of this program: was it built again while it runs? Start it again"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_of_another_build_is_refused() {
        let (one, other) = (Some(Digest(1)), Some(Digest(2)));
        assert!(check_build(("token", one), ("token", one)).is_ok());
        for child in [("token", other), ("token", None), ("another", one)] {
            let error = check_build(("token", one), child).expect_err("another build").to_string();
            assert!(error.contains("another build"), "{error}");
        }
        assert!(check_build(("token", None), ("token", None)).is_err());
    }
}
