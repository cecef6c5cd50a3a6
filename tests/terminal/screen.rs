//! A pseudo-terminal with a program in it, and an emulator that reads its screen.

use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::process::{Pid, Signal, kill_process};
use vt100::Parser;

/// The program whose displays are tested.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_shown");

/// The width of most terminals, in columns.
pub(crate) const COLUMNS: u16 = 80;

/// The height of all terminals.
const ROWS: u16 = 40;

/// The time after which a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The environment variables that decide what is shown.
const VARIABLES: [&str; 8] = [
    "CI",
    "COLUMNS",
    "FLOW_CONFIG",
    "FLOW_DATA",
    "FLOW_NAMESPACE",
    "FLOW_WORKERS",
    "NO_COLOR",
    "TF_BUILD",
];

/// A program that runs in a terminal.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    shown: Arc<Mutex<Shown>>,
    child: Child,
    reader: JoinHandle<()>,
}

struct Shown {
    parser: Parser,
    /// All that was written.
    bytes: Vec<u8>,
}

/// Returns a command that starts a program with the default actions of signals.
pub(crate) fn command(program: &str) -> Command {
    // What starts the tests may ignore signals, and programs inherit that.
    Command::new("env").arg("--default-signal").arg(program)
}

impl Terminal {
    /// Starts a command in a terminal of this width, with these environment variables.
    pub(crate) fn of(command: Command, columns: u16, variables: &[(&str, &str)]) -> Self {
        Self::start(command, variables, (ROWS, columns))
    }

    /// Starts the program in a terminal of 80 columns, with these environment variables.
    pub(crate) fn run(folder: &Path, mode: &str, variables: &[(&str, &str)]) -> Self {
        Self::sized(folder, mode, variables, (ROWS, COLUMNS))
    }

    /// Starts the program in a terminal of this width.
    pub(crate) fn with_columns(folder: &Path, mode: &str, columns: u16) -> Self {
        Self::sized(folder, mode, &[], (ROWS, columns))
    }

    /// Starts the program in a terminal that does not tell its size.
    pub(crate) fn without_size(folder: &Path, mode: &str) -> Self {
        Self::sized(folder, mode, &[], (0, 0))
    }

    /// Starts the program in the background of a shell, which has the terminal.
    pub(crate) fn in_background(folder: &Path, mode: &str) -> Self {
        let command = Command::new("sh").args(["-c", "set -m; \"$@\" & wait $!", "sh", PROGRAM]);
        Self::start(command.arg(folder).arg(mode), &[], (ROWS, COLUMNS))
    }

    fn sized(folder: &Path, mode: &str, variables: &[(&str, &str)], size: (u16, u16)) -> Self {
        Self::start(command(PROGRAM).arg(folder).arg(mode), variables, size)
    }

    fn start(command: Command, variables: &[(&str, &str)], (rows, columns): (u16, u16)) -> Self {
        let (pty, pts) = open().expect("a terminal");
        pty.resize(Size::new(rows, columns)).expect("a terminal of this size");
        let command = command.env("TERM", "xterm-256color");
        let command = VARIABLES.iter().fold(command, |command, name| command.env_remove(name));
        let command = command.envs(variables.iter().copied());
        let child = command.spawn(pts).expect("the program");
        let or = |size, other| NonZero::new(size).or(NonZero::new(other)).expect("not zero");
        let parser = Parser::new(or(rows, ROWS), or(columns, COLUMNS), 0);
        let shown = Arc::new(Mutex::new(Shown { parser, bytes: Vec::new() }));
        let pty = Arc::new(pty);
        let (from, to) = (Arc::clone(&pty), Arc::clone(&shown));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when the program has ended and closed its side.
            while let Ok(read @ 1..) = (&*from).read(&mut bytes) {
                let mut shown = to.lock().unwrap_or_else(PoisonError::into_inner);
                shown.parser.process(&bytes[..read]);
                shown.bytes.extend_from_slice(&bytes[..read]);
            }
        });
        Self { pty, shown, child, reader }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the lines of the screen, without spaces at their end and without empty lines at the end.
    pub(crate) fn lines(&self) -> Vec<String> {
        let shown = self.shown();
        let screen = shown.parser.screen();
        let rows = screen.rows(0, screen.size().1.get());
        let mut lines: Vec<_> = rows.map(|row| row.trim_end().to_owned()).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    /// Returns all that was written to the terminal.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown().bytes).into_owned()
    }

    /// Returns the line and the column of the cursor, if it is visible.
    pub(crate) fn cursor(&self) -> Option<(u16, u16)> {
        let shown = self.shown();
        let screen = shown.parser.screen();
        (!screen.hide_cursor()).then(|| screen.cursor_position())
    }

    /// Changes the width of the terminal. Lines that are longer are cut.
    pub(crate) fn resize(&self, columns: u16) {
        let mut shown = self.shown();
        let size = |size| NonZero::new(size).expect("not zero");
        shown.parser.screen_mut().set_size(size(ROWS), size(columns));
        self.pty.resize(Size::new(ROWS, columns)).expect("a terminal");
    }

    /// Types a key, such as Ctrl-C.
    pub(crate) fn press(&self, key: u8) {
        (&*self.pty).write_all(&[key]).expect("the terminal is open");
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("a process id")).expect("a process id")
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the program runs");
    }

    /// Waits until the program is suspended.
    pub(crate) fn wait_for_suspension(&self) {
        let stat = format!("/proc/{}/stat", self.child.id());
        self.wait_for("the suspension", |_| {
            let stat = fs::read_to_string(&stat).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T'))
        });
    }

    /// Waits until the lines of the screen satisfy a condition, and returns them.
    pub(crate) fn wait_for(&self, what: &str, is_there: impl Fn(&[String]) -> bool) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let lines = self.lines();
            if is_there(&lines) {
                return lines;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not appear:\n{}", lines.join("\n"));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end of the program, and returns the lines of the screen.
    pub(crate) fn end(self) -> Vec<String> {
        self.end_with_written().0
    }

    /// Waits for the end of the program. Returns the lines of the screen, and all that was written.
    pub(crate) fn end_with_written(self) -> (Vec<String>, String) {
        self.end_with_code(0)
    }

    /// Waits until the program has ended with this exit code. Returns the lines of the screen, and all that was written.
    pub(crate) fn end_with_code(mut self, code: i32) -> (Vec<String>, String) {
        let status = self.child.wait().expect("the program");
        let lines = self.lines();
        assert_eq!(status.code(), Some(code), "{status}:\n{}", lines.join("\n"));
        while !self.reader.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        (self.lines(), self.written())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test may have failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
