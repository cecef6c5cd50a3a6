//! The pipes of a running program, read and written without blocking for long.
//!
//! A pipe is closed when the last process that has it open ends. That may be long after the program: a service that it
//! has started in a session of its own has inherited the pipe. So the threads here read what was written until the
//! program ended, and then stop, instead of waiting for the end of the pipe.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that tells the threads that serve the pipes of a program that it has ended.
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

/// A reader of a pipe that stops at the bytes that were in the pipe when the program ended.
pub(super) struct UntilEnd<'a, P> {
    pipe: P,
    ended: &'a Ended,
    /// The number of bytes that are still to be read; `None` until the program has ended.
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
            // Bytes that are written from now on come from other processes, which might never end.
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

/// Writes the standard input of a program, until the program ends.
///
/// Errors are ignored: a program need not read all of its input.
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

/// Whether to wait until a pipe can be read or written.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    Read,
    Write,
}

/// One end of a pipe.
pub(super) trait Pipe {
    /// Makes reads and writes return `WouldBlock` instead of blocking.
    fn set_nonblocking(&self) -> io::Result<()>;

    /// Returns the number of bytes that can be read now; `None` on systems that do not report it.
    fn readable(&self) -> io::Result<Option<u64>>;

    /// Waits until the pipe can be read or written, but only for a short time.
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

        /// The longest time until the end of the program is noticed, in nanoseconds.
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

/// On other systems pipes block, and are read to their end.
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
