//! A child as its parent sees it: started, addressed through a socket, and ended.

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::frame::{self, Frames};
use super::message::ToChild;
use super::{arguments, spawner};
use crate::base::key::Digest;
use crate::base::names::unique;
use crate::base::process::executable;
use crate::base::programs::{Program, tie_to_parent};

/// The variable that makes a process a child. Its value is the process id of the parent, a token and the digest of the
/// program, separated by colons.
pub(super) const VARIABLE: &str = "FLOW_CHILD";

/// The time that a child has to end by itself before it is killed.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// The longest time until the end of a child is noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// A child process, which is ended on drop.
pub(super) struct Child {
    process: std::process::Child,
    /// The process as a program of this one; `None` from just before its exit status is collected.
    program: Option<Program>,
    pub(super) socket: UnixStream,
    /// The same socket, for all threads that send messages.
    writer: Arc<Mutex<UnixStream>>,
    /// The standard output and error of the child.
    pub(super) out: ChildStdout,
    pub(super) err: ChildStderr,
    /// What was read from the socket.
    pub(super) frames: Frames,
    /// A byte in this socket wakes the thread that serves the child: another thread writes it into `waker`.
    pub(super) wake: UnixStream,
    waker: Arc<UnixStream>,
    /// What the child has to name in its first message.
    pub(super) token: String,
    /// Whether the child has taken over.
    pub(super) is_ready: bool,
    /// The environment and the current folder that it was started with.
    surroundings: Digest,
}

impl Child {
    /// Starts a child. It is ready when its first message arrives.
    ///
    /// # Errors
    ///
    /// The operating system refuses it.
    pub(super) fn start(opened_by: Option<&str>, surroundings: Digest) -> anyhow::Result<Self> {
        let digest = executable().digest.ok_or_else(|| {
            anyhow!(
                "cannot start a child process: the executable file of this process cannot be read"
            )
        })?;
        let (socket, of_child) = UnixStream::pair().context("cannot create a socket")?;
        let (wake, waker) = UnixStream::pair().context("cannot create a socket")?;
        wake.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        let writer = Arc::new(Mutex::new(socket.try_clone()?));
        let token = unique();
        let program = arguments::program().context("cannot find this program")?;
        let mut command = Command::new(&program);
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }
        command
            .args(arguments::arguments(opened_by))
            .env(VARIABLE, format!("{}:{token}:{digest}", std::process::id()))
            .stdin(Stdio::from(OwnedFd::from(of_child)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        tie_to_parent(&mut command);
        let mut process = spawner::spawn(command)
            .with_context(|| format!("cannot start a child process from {}", program.display()))?;
        let of_child = Program::register(process.id());
        let (out, err) = (process.stdout.take(), process.stderr.take());
        Ok(Self {
            program: Some(of_child),
            out: out.expect("a pipe was requested"),
            err: err.expect("a pipe was requested"),
            process,
            socket,
            writer,
            frames: Frames::default(),
            wake,
            waker: Arc::new(waker),
            token,
            is_ready: false,
            surroundings,
        })
    }

    /// Returns whether an idle child can run another task: it lives, and was started in the same environment.
    pub(super) fn is_usable(&mut self, surroundings: Digest) -> bool {
        self.surroundings == surroundings && !self.has_ended()
    }

    /// Returns the sender of messages to the child.
    pub(super) fn sender(&self) -> ToThisChild {
        ToThisChild(Arc::clone(&self.writer))
    }

    /// Returns a function that wakes the thread that serves the child.
    pub(super) fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let waker = Arc::clone(&self.waker);
        move || {
            // A socket that is full wakes it as well.
            let _ = io::Write::write(&mut &*waker, &[1]);
        }
    }

    /// Asks the processes of the child to end.
    pub(super) fn terminate(&self) {
        if let Some(program) = &self.program {
            program.terminate();
        }
    }

    /// Kills the processes of the child.
    pub(super) fn kill(&self) {
        if let Some(program) = &self.program {
            program.kill();
        }
    }

    /// Closes the socket, so that the child exits.
    pub(super) fn close(&self) {
        // A child that has ended has closed it, too.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Returns whether the process has ended. Its exit status is not collected.
    fn has_ended(&self) -> bool {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

        if self.program.is_none() {
            return true;
        }
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let Some(id) = id else { return true };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(id), look) {
            Ok(ended) => ended.is_some(),
            Err(rustix::io::Errno::INTR) => false,
            Err(_) => true,
        }
    }

    /// Waits for the end of the process, which is killed after [`GRACE`]. Returns its exit status, if it is known.
    ///
    /// All processes that it has started are killed.
    pub(super) fn wait(&mut self) -> Option<ExitStatus> {
        self.program.as_ref()?;
        let begun = Instant::now();
        let mut pause = Duration::from_micros(100);
        while !self.has_ended() {
            if begun.elapsed() > GRACE {
                self.kill();
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_WAIT);
        }
        // Until the exit status is collected, the id of the process and its group cannot be those of others.
        self.kill();
        self.program = None;
        self.process.wait().ok()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.close();
        self.wait();
    }
}

/// Sends messages to a child, from any thread.
#[derive(Clone)]
pub(super) struct ToThisChild(Arc<Mutex<UnixStream>>);

impl ToThisChild {
    /// Sends a message.
    ///
    /// # Errors
    ///
    /// The child has ended.
    pub(super) fn send(&self, message: &ToChild) -> io::Result<()> {
        frame::write(&mut *self.0.lock().expect("lock poisoned"), message)
    }
}
