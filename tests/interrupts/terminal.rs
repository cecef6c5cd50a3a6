//! A program in a pseudo-terminal: what is typed, what is shown, how the program ends.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flow::Flow;
use pty_process::blocking::{Command, Pty, open};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The longest time for anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program in a pseudo-terminal. Its standard output is a file, because nothing is to be written to it.
pub(crate) struct Terminal {
    folder: TempDir,
    pty: Arc<Pty>,
    child: Child,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Starts `program FOLDER what`, which has `flow::main!`.
    pub(crate) fn program(what: &str) -> Self {
        Self::start(env!("CARGO_BIN_EXE_program"), &[], what)
    }

    /// Starts `program FOLDER what` from a shell that ignores `SIGHUP`, as `nohup` does.
    pub(crate) fn without_hangup(what: &str) -> Self {
        let script = r#"trap '' HUP; exec "$@""#;
        Self::start("sh", &["-c", script, "sh", env!("CARGO_BIN_EXE_program")], what)
    }

    /// Starts `library FOLDER what`, which has a `main` of its own.
    pub(crate) fn library(what: &str) -> Self {
        Self::start(env!("CARGO_BIN_EXE_library"), &[], what)
    }

    fn start(program: &str, args: &[&str], what: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stdout = File::create(folder.path().join("stdout")).expect("a file");
        let (pty, pts) = open().expect("a pseudo-terminal");
        // What starts the tests may ignore signals, as a shell does for programs in the background, and programs inherit that.
        let command = Command::new("env").arg("--default-signal").arg(program);
        let command = command.args(args).arg(folder.path()).arg(what);
        let command = command.env("RUST_BACKTRACE", "0").stdout(stdout);
        let child = command.spawn(pts).expect("the program starts");
        let (pty, shown) = (Arc::new(pty), Arc::<Mutex<String>>::default());
        let (from, to) = (Arc::clone(&pty), Arc::clone(&shown));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Reading fails when the program has ended.
            while let Ok(read @ 1..) = (&*from).read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..read]);
                to.lock().expect("no panic").push_str(&text);
            }
        });
        Self { folder, pty, child, shown }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the program's flow in this process.
    pub(crate) fn flow(&self) -> Flow {
        tasks::open(self.folder()).expect("the store").quiet()
    }

    /// Types a key, such as Ctrl-C.
    pub(crate) fn press(&self, key: u8) {
        (&*self.pty).write_all(&[key]).expect("the terminal is open");
    }

    /// Sends a signal to the program, and not to the programs that its tasks run.
    pub(crate) fn send(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the program runs");
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("a process id")).expect("a process id")
    }

    /// Waits until the program has created a file, and returns its content.
    pub(crate) fn wait_for_file(&self, name: &str) -> String {
        let path = self.folder().join(name);
        eventually(&format!("{name} in {}", self.shown()), || path.exists());
        fs::read_to_string(path).expect("a file")
    }

    /// Waits until the terminal shows a text.
    pub(crate) fn wait_for_text(&self, text: &str) {
        eventually(&format!("{text:?} in {:?}", self.shown()), || self.shown().contains(text));
    }

    /// Lets the tasks end that wait for it.
    pub(crate) fn release(&self) {
        tasks::note(self.folder(), "release", "").expect("a new file");
    }

    /// Returns what the terminal has shown so far.
    pub(crate) fn shown(&self) -> String {
        self.shown.lock().expect("no panic").clone()
    }

    /// Returns whether the program is running or suspended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits until the program has ended.
    ///
    /// Returns its exit code, or 1000 and the number of the signal that killed it.
    pub(crate) fn end(&mut self) -> i32 {
        let begun = Instant::now();
        let status: ExitStatus = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if begun.elapsed() > PATIENCE => panic!("it does not end: {}", self.shown()),
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        let stdout = fs::read_to_string(self.folder().join("stdout")).expect("a file");
        assert_eq!(stdout, "", "the library writes nothing to the standard output");
        status.code().or(status.signal().map(|signal| 1000 + signal)).expect("a status")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test may have failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `holds` returns true.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the state of a process: `T` if it is suspended; `None` if it has ended.
pub(crate) fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let state = stat.rsplit_once(") ")?.1.chars().next()?;
    // A process that has ended may wait for its parent to collect the status.
    (state != 'Z' && state != 'X').then_some(state)
}
