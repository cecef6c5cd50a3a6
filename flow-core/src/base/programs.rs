//! The programs that tasks of this process run, so that signals of this process reach them.
//!
//! Each program runs in a process group of its own. So the terminal sends Ctrl-C and Ctrl-Z to this process only, and
//! this process decides what its programs receive. A program is registered under the id of its group, from its start
//! until just before its exit status is collected: after that, another process may get the id.
//!
//! On systems without process groups, nothing is registered.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

/// The ids of the process groups of running programs.
static RUNNING: Mutex<Running> = Mutex::new(Running { groups: BTreeSet::new(), is_over: false });

struct Running {
    groups: BTreeSet<u32>,
    /// Whether this process is about to exit, so that no program may run any more.
    is_over: bool,
}

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().expect("lock poisoned")
}

/// A registered program. Drop it before the exit status of the program is collected.
#[must_use = "the program is not registered after this was dropped"]
pub(crate) struct Program {
    group: u32,
}

impl Program {
    /// Registers a program, whose process id is also the id of its process group.
    pub(crate) fn register(id: u32) -> Self {
        let mut running = running();
        running.groups.insert(id);
        if running.is_over {
            send(id, Order::Kill);
        }
        Self { group: id }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        running().groups.remove(&self.group);
    }
}

impl Program {
    /// Asks the program, and the processes that it has started, to end.
    pub(crate) fn terminate(&self) {
        send(self.group, Order::Terminate);
    }

    /// Kills the program, and the processes that it has started.
    pub(crate) fn kill(&self) {
        send(self.group, Order::Kill);
    }
}

/// What a program is to do.
#[derive(Clone, Copy)]
enum Order {
    Suspend,
    Continue,
    Terminate,
    Kill,
}

/// Kills all programs that tasks run, and all that start from now on.
pub fn kill_all() {
    running().is_over = true;
    send_all(Order::Kill);
}

/// Suspends all programs that tasks run.
pub fn suspend_all() {
    send_all(Order::Suspend);
}

/// Continues all programs that were suspended.
pub fn continue_all() {
    send_all(Order::Continue);
}

fn send_all(order: Order) {
    // With the lock held, no id can be that of another process.
    running().groups.iter().for_each(|&group| send(group, order));
}

/// Sends a signal to a process group. A group whose processes have ended is ignored.
#[cfg(unix)]
fn send(group: u32, order: Order) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let signal = match order {
        Order::Suspend => Signal::TSTP,
        Order::Continue => Signal::CONT,
        Order::Terminate => Signal::TERM,
        Order::Kill => Signal::KILL,
    };
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(not(unix))]
fn send(_: u32, _: Order) {}

/// Puts a program into a process group of its own, and on Linux ends it with this process.
///
/// More exactly, the kernel ends it with the thread that starts it, which must outlive the program.
#[cfg_attr(target_os = "linux", expect(unsafe_code, reason = "what runs between fork and exec"))]
pub(crate) fn tie_to_parent(program: &mut std::process::Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(program, 0);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;

        use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

        let parent = getpid();
        // SAFETY: between fork and exec only functions that are safe in a signal handler may be called. These
        // are plain system calls, which neither allocate nor take a lock.
        unsafe {
            program.pre_exec(move || {
                set_parent_process_death_signal(Some(Signal::KILL))?;
                // The parent may have died before the signal was set.
                match getppid() {
                    Some(now) if now == parent => Ok(()),
                    _ => Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe)),
                }
            });
        }
    }
}
