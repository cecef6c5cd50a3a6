//! The pipes of a program that runs: they are read and written without ever waiting for longer than a moment.
//!
//! A pipe ends when the last process that has it is gone, which may be long after the program: a service that it
//! has left in a session of its own has inherited the pipe. So what is read is what was written until
//! the program ended, and then nothing more is waited for.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells those that serve the pipes of a program that it has ended.
#[derive(Default)]
pub(super) struct Ended(AtomicBool);

impl Ended {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A pipe that a program writes to, up to what was in it when the program ended.
pub(super) struct UntilEnd<'a, P> {
    pipe: P,
    ended: &'a Ended,
    /// How many bytes are still to be read, if the program has ended.
    left: Option<u64>,
}

impl<'a, P: Pipe> UntilEnd<'a, P> {
    pub(super) fn new(pipe: P, ended: &'a Ended) -> io::Result<Self> {
        pipe.set_nonblocking()?;
        Ok(Self { pipe, ended, left: None })
    }
}

impl<P: Pipe + Read> Read for UntilEnd<'_, P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // What is written from now on, others have written: they might never end.
            if self.left.is_none() && self.ended.is_set() {
                self.left = self.pipe.readable()?;
            }
            let most = self.left.map_or(buffer.len(), |left| buffer.len().min(left as usize));
            if most == 0 {
                return Ok(0);
            }
            match self.pipe.read(&mut buffer[..most]) {
                Ok(read) => {
                    self.left = self.left.map(|left| left - read as u64);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.pipe.wait(Direction::Read)?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Writes what a program reads, until it ends. One that does not read it all does not want it.
pub(super) fn feed<P: Pipe + Write>(mut pipe: P, mut bytes: &[u8], ended: &Ended) {
    let _ = pipe.set_nonblocking();
    while !bytes.is_empty() && !ended.is_set() {
        match pipe.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if pipe.wait(Direction::Write).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    Read,
    Write,
}

/// One end of a pipe.
pub(super) trait Pipe {
    /// Lets reading and writing fail instead of waiting.
    fn set_nonblocking(&self) -> io::Result<()>;

    /// How many bytes can be read now; `None` where the system does not tell.
    fn readable(&self) -> io::Result<Option<u64>>;

    /// Waits a moment until it can be read or written.
    fn wait(&self, direction: Direction) -> io::Result<()>;
}

#[cfg(unix)]
impl<P: std::os::fd::AsFd> Pipe for P {
    fn set_nonblocking(&self) -> io::Result<()> {
        Ok(rustix::io::ioctl_fionbio(self, true)?)
    }

    fn readable(&self) -> io::Result<Option<u64>> {
        Ok(Some(rustix::io::ioctl_fionread(self)?))
    }

    fn wait(&self, direction: Direction) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        /// How long it is at most until it is noticed that the program has ended, in nanoseconds.
        const MOMENT: i64 = 10_000_000;

        let flags = match direction {
            Direction::Read => PollFlags::IN,
            Direction::Write => PollFlags::OUT,
        };
        let moment = Timespec { tv_sec: 0, tv_nsec: MOMENT as _ };
        match poll(&mut [PollFd::new(self, flags)], Some(&moment)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Elsewhere pipes are read to their end.
#[cfg(not(unix))]
impl<P> Pipe for P {
    fn set_nonblocking(&self) -> io::Result<()> {
        Ok(())
    }

    fn readable(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }

    fn wait(&self, _: Direction) -> io::Result<()> {
        Ok(())
    }
}
