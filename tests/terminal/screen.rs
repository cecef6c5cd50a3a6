//! A pseudo-terminal with a program in it, and an emulator that reads its screen.

use std::io::Read;
use std::num::NonZero;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, open};
use vt100::Parser;

/// The program of this package.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_shown");

/// The height and the width of the terminal.
const ROWS: NonZero<u16> = NonZero::new(40).expect("not zero");
const COLUMNS: NonZero<u16> = NonZero::new(80).expect("not zero");

/// The time after which a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs in a terminal.
pub(crate) struct Terminal {
    parser: Arc<Mutex<Parser>>,
    child: Child,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// Starts the program in a terminal, with these environment variables.
    pub(crate) fn run(folder: &Path, mode: &str, variables: &[(&str, &str)]) -> Self {
        let (mut pty, pts) = open().expect("a terminal");
        pty.resize(Size::new(ROWS.get(), COLUMNS.get())).expect("a terminal of this size");
        let command = Command::new(PROGRAM).arg(folder).arg(mode).env("TERM", "xterm-256color");
        let command = command.envs(variables.iter().copied());
        let child = command.spawn(pts).expect("the program");
        let parser = Arc::new(Mutex::new(Parser::new(ROWS, COLUMNS, 0)));
        let screen = Arc::clone(&parser);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when the program has ended and closed its side.
            while let Ok(read @ 1..) = pty.read(&mut bytes) {
                let mut parser = screen.lock().unwrap_or_else(PoisonError::into_inner);
                parser.process(&bytes[..read]);
            }
        });
        Self { parser, child, reader }
    }

    /// Returns the lines of the screen, without spaces at their end and without empty lines at the end.
    fn lines(&self) -> Vec<String> {
        let parser = self.parser.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = parser.screen().rows(0, COLUMNS.get());
        let mut lines: Vec<_> = rows.map(|row| row.trim_end().to_owned()).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
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
    pub(crate) fn end(mut self) -> Vec<String> {
        let status = self.child.wait().expect("the program");
        let lines = self.lines();
        assert!(status.success(), "{status}:\n{}", lines.join("\n"));
        while !self.reader.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.lines()
    }
}
