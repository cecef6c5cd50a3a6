//! The handlers, and the thread that acts on signals.
//!
//! A handler only passes the number of its signal to a thread, which `signal-hook` does. The thread starts with the
//! first call of [`install`] and lasts as long as the process, because a handler cannot be removed safely: without a
//! guard, the thread does what the system does by default.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use flow_core::{Signal, process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::{flag, low_level};

/// The signals that are handled.
const HANDLED: [i32; 4] = [SIGHUP, SIGINT, SIGTERM, SIGTSTP];

/// For how long a signal of the same kind counts as the first one.
///
/// Some programs signal a process and then its group, as `timeout` does, so that the process receives two signals within
/// microseconds. A person does not press a key twice in this time.
const SAME_SIGNAL: Duration = Duration::from_millis(100);

struct Installed {
    /// The number of guards.
    guards: usize,
    /// Adds signals to those that the thread waits for; `None` until the thread was started.
    signals: Option<Handle>,
}

static INSTALLED: Mutex<Installed> = Mutex::new(Installed { guards: 0, signals: None });

/// Whether the process is exiting. Then another signal ends it from within the handler, even if the thread hangs.
static IS_EXITING: AtomicBool = AtomicBool::new(false);

fn installed() -> MutexGuard<'static, Installed> {
    INSTALLED.lock().expect("lock poisoned")
}

/// Handles signals until a call of [`uninstall`].
pub(super) fn install() -> io::Result<()> {
    let mut installed = installed();
    let signals = match installed.signals.clone() {
        Some(signals) => signals,
        None => installed.signals.insert(start()?).clone(),
    };
    for signal in HANDLED {
        // Adding a signal again has no effect.
        if !is_ignored(signal) {
            signals.add_signal(signal)?;
        }
    }
    installed.guards += 1;
    Ok(())
}

/// Undoes one call of [`install`].
pub(super) fn uninstall() {
    let mut installed = installed();
    installed.guards -= 1;
    if installed.guards == 0 {
        process::clear_interrupt();
    }
}

/// Starts the thread, which waits for no signal yet.
fn start() -> io::Result<Handle> {
    let mut signals = Signals::new([0_i32; 0])?;
    let handle = signals.handle();
    let act = move || {
        let mut first = None;
        signals.forever().for_each(|number| act_on(number, &mut first));
    };
    thread::Builder::new().name("flow-signals".to_owned()).spawn(act)?;
    for signal in HANDLED {
        if let Some(code) = Signal::from_number(signal).map(Signal::exit_code)
            && !is_ignored(signal)
        {
            flag::register_conditional_shutdown(signal, code.into(), &IS_EXITING)?;
        }
    }
    Ok(handle)
}

/// Returns whether the process ignores a signal, as `nohup` makes a program ignore `SIGHUP`.
#[cfg(target_os = "linux")]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| (mask >> (signal - 1)) & 1 == 1)
}

/// Other systems report the disposition of a signal only to code that may change it.
#[cfg(not(target_os = "linux"))]
fn is_ignored(_: i32) -> bool {
    false
}

/// Does what a signal asks for. `first` is when the signal that has stopped the runs was handled.
fn act_on(number: i32, first: &mut Option<Instant>) {
    if installed().guards == 0 {
        // It returns only after a suspension.
        let _ = low_level::emulate_default_handler(number);
        return;
    }
    match Signal::from_number(number) {
        Some(signal) if process::runs_in_progress() > 0 && process::interrupted().is_none() => {
            process::interrupt(signal);
            announce(signal);
            // Not before: the second signal of one request may arrive while this thread waits for a processor.
            *first = Some(Instant::now());
        }
        Some(signal) if process::interrupted() == Some(signal) && is_recent(*first) => {}
        Some(signal) => exit(signal),
        None => suspend(),
    }
}

/// Returns whether a signal of the same kind still counts as the first one.
fn is_recent(first: Option<Instant>) -> bool {
    first.is_some_and(|first| first.elapsed() < SAME_SIGNAL)
}

/// Tells the user that runs are stopping.
fn announce(signal: Signal) {
    let line = format!(
        "{signal}: no other task starts; running tasks end, or stop at their next checkpoint. \
         A second signal ends the program at once."
    );
    if process::announce(&line) {
        return;
    }
    // The standard error may block, and must not delay the second signal.
    let print = move || drop(writeln!(io::stderr(), "{line}"));
    let _ = thread::Builder::new().name("flow-announce".to_owned()).spawn(print);
}

/// Kills the programs that tasks run, and ends the process without unwinding or waiting for anything.
fn exit(signal: Signal) -> ! {
    IS_EXITING.store(true, Ordering::SeqCst);
    process::kill_all();
    process::announce_exit();
    low_level::exit(signal.exit_code().into())
}

/// Suspends this process and the programs that its tasks run, until it is continued.
fn suspend() {
    process::pause();
    process::suspend_all();
    // The process stops in this call, and the call returns when it is continued.
    let _ = low_level::emulate_default_handler(SIGTSTP);
    process::continue_all();
    process::resume();
}
