//! Serves a child while it runs a task: its messages, its output, and a stop or time-out of the task.
//!
//! The thread waits for whatever comes first. The task belongs to a [`JobOwner`]: a [`Parent`] in this process, or a run
//! elsewhere, for which a [`relay`](super::relay) passes the messages on.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::thread::Scope;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::child::{Child, GRACE};
use super::crash;
use super::message::{FromChild, JobMessage, ToChild};
use super::output::{self, Output, Pipe};
use super::parent::{Parent, TaskEnd};
use crate::base::key::Digest;
use crate::base::process::executable;
use crate::base::stop::Stopped;
use crate::task::cx::{Host, TaskReport};

/// The time after which a task that waits for its process says so.
const SLOW: Duration = Duration::from_secs(5);

/// How serving a child has ended.
pub(super) struct Ended<R> {
    pub(super) result: R,
    /// Whether the child can run another task. Otherwise it has ended, or must not be used any more.
    pub(super) is_usable: bool,
}

/// The side that wants the result of a task.
pub(super) trait JobOwner {
    /// What the end of the task gives.
    type Result;

    /// Returns whether the task is to stop at its next checkpoint.
    fn is_stopped(&self) -> bool;

    /// Returns whether the process of the task is to be ended.
    fn is_abandoned(&self) -> bool;

    /// Returns the messages that are to be sent to the child.
    fn to_send(&mut self) -> Vec<ToChild> {
        Vec::new()
    }

    /// Takes note that the child has not taken over for long.
    fn wait_long(&mut self);

    /// Takes lines that the child has written to its standard output or error.
    fn log(&mut self, text: &[u8]);

    /// Takes a message of the child. Returns the result if the task has ended.
    fn receive<'scope>(
        &mut self,
        message: FromChild,
        scope: &'scope Scope<'scope, '_>,
    ) -> Option<Ended<Self::Result>>;

    /// Returns the result of a task whose child has ended: with the reason, or `None` if it was ended by request.
    fn lost(&mut self, reason: Option<String>) -> Self::Result;
}

impl JobOwner for Parent<'_> {
    type Result = anyhow::Result<crate::task::execute::Executed>;

    fn is_stopped(&self) -> bool {
        self.running.control.stopper.is_stopped()
    }

    fn is_abandoned(&self) -> bool {
        self.running.control.is_abandoned()
    }

    fn wait_long(&mut self) {
        let status = "waiting for its child process to reach `Flow::open`";
        self.running.report(TaskReport::Status(&status));
    }

    fn log(&mut self, text: &[u8]) {
        Parent::log(self, text);
    }

    fn receive<'scope>(
        &mut self,
        message: FromChild,
        scope: &'scope Scope<'scope, '_>,
    ) -> Option<Ended<Self::Result>> {
        let TaskEnd { result, is_usable } = Parent::receive(self, message, scope)?;
        Some(Ended { result, is_usable })
    }

    fn lost(&mut self, reason: Option<String>) -> Self::Result {
        self.discard_draft();
        Err(match reason {
            Some(reason) => anyhow::Error::msg(reason),
            None => Stopped.into(),
        })
    }
}

/// Runs a task in a child, and serves the child until the task has ended.
pub(super) fn serve<O: JobOwner>(
    child: &mut Child,
    owner: &mut O,
    job: JobMessage,
) -> Ended<O::Result> {
    output::discard(child);
    let (number, memory) = (job.number, job.memory);
    let is_ready = child.is_ready;
    let mut served = Served {
        child,
        owner,
        number,
        memory,
        output: Output::new(is_ready),
        job: Some(job),
        is_told_to_stop: false,
        kill_at: None,
        begun: Instant::now(),
        is_slow: false,
    };
    std::thread::scope(|scope| served.until_end(scope))
}

/// A child that runs a task.
struct Served<'a, O> {
    child: &'a mut Child,
    owner: &'a mut O,
    number: u64,
    memory: Option<u64>,
    output: Output,
    /// The job, until it was sent.
    job: Option<JobMessage>,
    is_told_to_stop: bool,
    /// When the processes of the child are killed, after they were asked to end.
    kill_at: Option<Instant>,
    begun: Instant,
    /// Whether it was reported that the child has not taken over for long.
    is_slow: bool,
}

impl<O: JobOwner> Served<'_, O> {
    fn until_end<'scope>(&mut self, scope: &'scope Scope<'scope, '_>) -> Ended<O::Result> {
        if self.child.is_ready
            && let Err(error) = self.send_job()
        {
            return self.lost(Some(error));
        }
        loop {
            // First: one of the messages may be that the task is to stop.
            for message in self.owner.to_send() {
                // A child that has ended is noticed by the end of the socket.
                let _ = self.child.sender().send(&message);
            }
            self.check_stop();
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
                let text = self.output.read(self.child, pipe);
                self.owner.log(&text);
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
    fn check_stop(&mut self) {
        if !self.child.is_ready && !self.is_slow && self.begun.elapsed() >= SLOW {
            self.is_slow = true;
            self.owner.wait_long();
        }
        if !self.owner.is_stopped() {
            return;
        }
        if let Some(at) = self.kill_at {
            if Instant::now() >= at {
                self.child.kill();
                self.kill_at = Some(Instant::now() + GRACE);
            }
            return;
        }
        if self.owner.is_abandoned() || !self.child.is_ready {
            // A task that is stopped ends at a checkpoint, and one that takes too long is ended. A child that has not
            // taken over runs no task.
            self.child.terminate();
            self.kill_at = Some(Instant::now() + GRACE);
            return;
        }
        if !std::mem::replace(&mut self.is_told_to_stop, true) {
            // A child that has ended is noticed by the end of the socket.
            let _ = self.child.sender().send(&ToChild::Stop { job: self.number });
        }
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
    ) -> Option<Ended<O::Result>> {
        if let FromChild::Hello { token, program } = message {
            let expected = (&*self.child.token, executable().digest);
            if let Err(error) = check_build(expected, (token.as_str(), program)) {
                let result = self.owner.lost(Some(error.to_string()));
                return Some(Ended { result, is_usable: false });
            }
            self.child.is_ready = true;
            self.output.begin_task(self.child);
            return self.send_job().err().map(|error| self.lost(Some(error)));
        }
        // A thread that has outlived an earlier task may send messages, too.
        if message.job() != Some(self.number) {
            return None;
        }
        if matches!(message, FromChild::Done(_)) {
            let text = self.output.drain(self.child);
            self.owner.log(&text);
        }
        self.owner.receive(message, scope)
    }

    /// Returns the result of a task whose child has ended, or cannot be understood.
    fn lost(&mut self, error: Option<io::Error>) -> Ended<O::Result> {
        let (has_begun, was_killed) = (self.child.is_ready, self.kill_at.is_some());
        // A child that cannot be understood is ended.
        let broken = error.filter(|error| {
            !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
        });
        if broken.is_some() {
            self.child.kill();
        }
        let status = self.child.wait();
        let text = self.output.drain(self.child);
        self.owner.log(&text);
        let last: Vec<_> = self.output.last.iter().cloned().collect();
        let message = || {
            crash::message(crash::Ended {
                status,
                has_begun,
                memory: self.memory,
                is_out_of_memory: self.output.is_out_of_memory,
                last: &last,
            })
        };
        let reason = match broken {
            _ if was_killed => None,
            Some(error) => Some(format!("cannot understand its child process: {error}")),
            None => Some(message()),
        };
        Ended { result: self.owner.lost(reason), is_usable: false }
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

/// Returns a function that sends messages to a child.
pub(super) fn reply(child: &Child) -> super::parent::Reply {
    let to = child.sender();
    // A child that has ended needs no reply.
    Arc::new(move |message: ToChild| drop(to.send(&message)))
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
