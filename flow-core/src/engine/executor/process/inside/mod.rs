//! What runs in a child: it takes over in the first `Flow::open` and runs the jobs of its parent.
//!
//! The thread that calls `Flow::open` reads the messages of the parent until the end of the process. Another thread, with
//! the stack of a worker, runs the tasks, one after the other.

mod host;
mod limit;
mod link;
mod received;
mod run;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;

use crossbeam_channel::unbounded;
use rustix::process::{Signal, getpgrp, getpid, getppid, kill_process_group};

use self::link::Link;
use self::run::Runner;
use super::child::VARIABLE;
use super::frame;
use super::message::{FromChild, ToChild};
use crate::base::process::executable;

/// The stack of the thread that runs tasks, in bytes: that of a worker.
const STACK: usize = 8 << 20;

/// The exit code of a child whose parent has died, or that cannot take over.
const LOST: i32 = 70;

/// What the variable of a child says.
struct Order {
    parent: i32,
    token: String,
}

impl Order {
    fn parse(text: &str) -> Option<Self> {
        let (parent, rest) = text.split_once(':')?;
        let (token, _) = rest.split_once(':')?;
        Some(Self { parent: parent.parse().ok()?, token: token.to_owned() })
    }
}

/// Runs the tasks of the parent and never returns, if this process is a child and has not taken over before.
///
/// Later calls return: a task may open a flow of its own.
pub fn take_over() {
    static HAS_TAKEN_OVER: AtomicBool = AtomicBool::new(false);

    let Some(order) = std::env::var(VARIABLE).ok().and_then(|text| Order::parse(&text)) else {
        return;
    };
    if HAS_TAKEN_OVER.swap(true, Ordering::SeqCst) {
        return;
    }
    let parent = getppid().map(|parent| parent.as_raw_nonzero().get());
    if parent == Some(order.parent) {
        let error = run(order.token);
        // The parent reads this from the standard error.
        eprintln!("cannot run as a child process: {error}");
        exit(LOST);
    }
    // A program that a child has started inherits the variable. But the child of a parent that has died must not become
    // the program itself.
    if is_socket() {
        exit(LOST);
    }
}

/// Returns whether the standard input is a socket, as that of a child.
fn is_socket() -> bool {
    use rustix::fs::{FileType, fstat};

    let input = io::stdin();
    fstat(&input).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket)
}

/// Runs the tasks of the parent until it closes the socket, then exits. Returns if that is impossible.
fn run(token: String) -> io::Error {
    match start(token) {
        Ok((socket, link, jobs)) => read(socket, &link, &jobs),
        Err(error) => error,
    }
}

type Jobs = crossbeam_channel::Sender<Box<super::message::JobMessage>>;

/// Takes the socket, tells the parent that the child is ready, and starts the thread that runs tasks.
fn start(token: String) -> io::Result<(UnixStream, Arc<Link>, Jobs)> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // Programs that tasks start must not read from the socket.
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let link = Arc::new(Link::new(socket.try_clone()?));
    let (jobs, received) = unbounded();
    let runner = Runner::new(Arc::clone(&link));
    let work = move || received.iter().for_each(|job: Box<_>| runner.run(*job));
    Builder::new().name("flow-worker-child".to_owned()).stack_size(STACK).spawn(work)?;
    // What the program has printed so far is not output of a task.
    let _ = io::stdout().flush();
    link.send(&FromChild::Hello { token, program: executable().digest });
    Ok((socket, link, jobs))
}

/// Reads the messages of the parent.
fn read(mut socket: UnixStream, link: &Link, jobs: &Jobs) -> io::Error {
    loop {
        match frame::read::<ToChild>(&mut socket) {
            Ok(Some(ToChild::Job(job))) => {
                link.begin(job.number);
                // The thread that runs tasks lives as long as the process.
                let _ = jobs.send(job);
            }
            Ok(Some(ToChild::Required(required))) => link.reply(required),
            Ok(Some(ToChild::Stop { job })) => link.stop(job),
            Ok(None) => end(link),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => end(link),
            Err(error) => return error,
        }
    }
}

/// Exits, because the parent has closed the socket or died.
fn end(link: &Link) -> ! {
    // The parent ends children that are idle. If a task runs, the parent has died, or ends this process because of a
    // time-out.
    if link.is_running() && getpgrp() == getpid() {
        let _ = kill_process_group(getpgrp(), Signal::KILL);
    }
    exit(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_names_the_parent_and_the_token() {
        let order = Order::parse("12:abc:0123").expect("an order");
        assert_eq!((order.parent, &*order.token), (12, "abc"));
        assert!(Order::parse("abc:12").is_none() && Order::parse("").is_none());
    }
}
