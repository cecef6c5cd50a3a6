//! Starts children on a thread that lives as long as this process.
//!
//! On Linux the kernel kills a child when the *thread* ends that has started it. A worker may end while another worker
//! uses a child that it has started, so workers do not start children themselves.

use std::io;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::thread::Builder;

use crossbeam_channel::{Sender, bounded, unbounded};

type Request = (Command, Sender<io::Result<Child>>);

/// Starts a child.
///
/// # Errors
///
/// The operating system refuses to start the process or the thread.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: Mutex<Option<Sender<Request>>> = Mutex::new(None);

    let ended = |_| io::Error::other("the thread that starts processes has ended");
    let (reply, replied) = bounded(1);
    {
        let mut spawner = SPAWNER.lock().expect("lock poisoned");
        let spawner = match &mut *spawner {
            Some(spawner) => spawner,
            none => none.insert(start()?),
        };
        spawner.send((command, reply)).map_err(|_| ended(()))?;
    }
    replied.recv().map_err(|_| ended(()))?
}

fn start() -> io::Result<Sender<Request>> {
    let (requests, received) = unbounded::<Request>();
    let spawn = move || {
        for (mut command, reply) in received {
            // The caller, which waits for the child, keeps the receiver.
            let _ = reply.send(command.spawn());
        }
    };
    Builder::new().name("flow-spawner".to_owned()).spawn(spawn)?;
    Ok(requests)
}
