//! Runs a program: separate threads serve its pipes, while the thread of the task waits for its end.
//!
//! A program runs in a process group of its own, so that all processes that it starts are killed with it. It is
//! registered in [`programs`](crate::base::programs), so that a signal of this process reaches it. On Linux the kernel
//! kills it when this process dies.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::Command;
use super::pipe::{self, Ended, UntilEnd};
use crate::base::pause::{running_time, seconds_since};
use crate::base::programs::{Program, tie_to_parent};
use crate::base::seconds::Seconds;
use crate::base::stop::{Stopped, Stopper};
use crate::task::cx::RunLog;

/// The number of last lines that an error message shows.
const SHOWN: usize = 10;

/// The most bytes of a line that an error message shows; of a longer line it shows the end.
const SHOWN_OF_LINE: usize = 4 << 10;

/// The most bytes of a line that are read at a time.
///
/// A longer line is logged in pieces, and other output of the program may be logged in between.
const PIECE: u64 = 64 << 10;

/// The longest time until a stop is noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(20);

/// The time that a program has to end after `SIGTERM` before it is killed.
const GRACE: Duration = Duration::from_millis(500);

/// Runs the program to its end, and returns its standard output if `capture`; otherwise that is logged.
pub(super) fn run(command: Command<'_>, capture: bool) -> Result<Vec<u8>> {
    let Command { mut program, stdin, log, stopper } = command;
    if stopper.is_stopped() {
        return Err(Stopped.into());
    }
    let shown = shown(&program);
    log.write(format!("$ {shown}\n").as_bytes())?;
    let begun = running_time();
    program.stdin(if stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    tie_to_parent(&mut program);
    let started = program.spawn().with_context(|| format!("cannot start `{shown}`"))?;
    let mut running = Running::new(started);

    let (input, out, err) =
        (running.child.stdin.take(), running.child.stdout.take(), running.child.stderr.take());
    let ended = &Ended::default();
    let (printed, status, last) = thread::scope(|scope| {
        let out = scope.spawn(move || match out {
            Some(out) if capture => read_all(UntilEnd::new(out, ended)?),
            Some(out) => log_lines(UntilEnd::new(out, ended)?, log).map(|_| Vec::new()),
            None => Ok(Vec::new()),
        });
        let err = scope.spawn(move || match err {
            Some(err) => log_lines(UntilEnd::new(err, ended)?, log),
            None => Ok(VecDeque::new()),
        });
        let input = scope.spawn(move || input.map(|input| pipe::feed(input, &stdin, ended)));
        let status = running.wait(stopper);
        ended.set();
        let _ = input.join();
        let joined = |_| anyhow!("reading its output panicked");
        anyhow::Ok((out.join().map_err(joined)??, status?, err.join().map_err(joined)??))
    })?;

    let took = Seconds(seconds_since(begun));
    log.write(format!("[{status} after {took}]\n").as_bytes())?;
    if status.success() {
        return Ok(printed);
    }
    let last: Vec<String> =
        last.iter().map(|line| String::from_utf8_lossy(line).trim_end().to_owned()).collect();
    let said = if last.is_empty() { String::new() } else { format!(": {}", last.join("\n")) };
    bail!("`{shown}` failed ({status}){said}\nits log: {}", log.path().display());
}

/// Returns the program and its arguments as text for logs and messages.
fn shown(program: &std::process::Command) -> String {
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let words = words.map(|word| {
        let word = word.to_string_lossy();
        let plain = |c: char| c.is_alphanumeric() || "-_=./:,+@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("{word:?}") }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn read_all(mut out: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    out.read_to_end(&mut bytes).context("cannot read its output")?;
    Ok(bytes)
}

/// Logs the output of a program, and returns its last lines as an error message shows them.
fn log_lines(out: impl Read, log: &RunLog) -> Result<VecDeque<Vec<u8>>> {
    let mut out = BufReader::new(out);
    let mut last: VecDeque<Vec<u8>> = VecDeque::new();
    let mut is_within_line = false;
    let mut piece = Vec::new();
    loop {
        piece.clear();
        let read = out.by_ref().take(PIECE).read_until(b'\n', &mut piece);
        if read.context("cannot read its output")? == 0 {
            if is_within_line {
                log.write(b"\n")?;
            }
            return Ok(last);
        }
        log.write(&piece)?;
        if !is_within_line {
            last.push_back(Vec::new());
            if last.len() > SHOWN {
                last.pop_front();
            }
        }
        is_within_line = !piece.ends_with(b"\n");
        if let Some(line) = last.back_mut() {
            line.extend_from_slice(&piece);
            cut_start(line);
        }
    }
}

/// Cuts off the start of a line that is too long to show.
fn cut_start(line: &mut Vec<u8>) {
    if line.len() > SHOWN_OF_LINE {
        line.drain(..line.len() - SHOWN_OF_LINE);
        line.splice(..CUT.len(), CUT.bytes());
    }
}

/// The beginning of a line whose start was cut off.
const CUT: &str = "...";

/// A running program, which is killed on drop.
struct Running {
    child: Child,
    /// The program as one of this process; `None` from just before its exit status is collected. From then on the
    /// process id may be that of another process.
    program: Option<Program>,
}

impl Running {
    fn new(child: Child) -> Self {
        let program = Some(Program::register(child.id()));
        Self { child, program }
    }

    /// Waits for the end of the program. If the execution is stopped, the program is terminated, then killed.
    fn wait(&mut self, stopper: &Stopper) -> Result<ExitStatus> {
        let mut pause = Duration::from_micros(200);
        let mut stopped_at: Option<Instant> = None;
        loop {
            if self.has_ended()? {
                // Processes that the program has started end with it. Until the exit status is collected, its
                // process id and that of its group cannot be reused by other processes.
                self.kill();
                self.program = None;
                let status = self.child.wait().context("cannot wait for it")?;
                return if stopped_at.is_some() { Err(Stopped.into()) } else { Ok(status) };
            }
            match stopped_at {
                None if stopper.is_stopped() => {
                    self.terminate();
                    stopped_at = Some(Instant::now());
                }
                Some(at) if at.elapsed() > GRACE => self.kill(),
                _ => {}
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_WAIT);
        }
    }

    #[cfg(unix)]
    fn has_ended(&mut self) -> Result<bool> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};

        let Some(id) = self.id() else { return Ok(true) };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(id), look) {
            Ok(ended) => Ok(ended.is_some()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error).context("cannot wait for it"),
        }
    }

    #[cfg(not(unix))]
    fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait().context("cannot wait for it")?.is_some())
    }

    #[cfg(unix)]
    fn id(&self) -> Option<rustix::process::Pid> {
        i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw)
    }

    fn terminate(&mut self) {
        match &self.program {
            Some(program) if cfg!(unix) => program.terminate(),
            _ => drop(self.child.kill()),
        }
    }

    /// Kills the program, and the remaining processes that it has started.
    fn kill(&mut self) {
        if let Some(program) = &self.program {
            program.kill();
        }
        let _ = self.child.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.program.is_some() {
            self.kill();
            self.program = None;
            let _ = self.child.wait();
        }
    }
}
