//! [`Commands`]: calls the commands of a scheduler, each with a time-out, and counts them.
//!
//! A command that hangs must not hang the run, and one that leaves a process behind with its output open neither. Ctrl-C in a terminal
//! does not reach a command: one that has just submitted workers must be able to say so.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use flow_core::executor::RunOfJobs;
use flow_core::fs::Fs;
use serde::Serialize;

use super::options::Setup;
use crate::format::line;
use crate::transport::Folder;

/// How long a command may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

/// How often it is looked whether a command has ended.
const LOOK: Duration = Duration::from_millis(10);

/// How long the output of a command that has ended may take.
const REST: Duration = Duration::from_secs(5);

/// The most bytes of an output, and the most characters of a call and of its end in the log.
const MOST_OUTPUT: u64 = 64 << 20;
const LONGEST_CALL: usize = 500;

/// The beginnings of variables that choose what a command of Slurm shows or ends, for a person at a terminal. The run asks for all
/// of its workers.
const CHOICES: [&str; 3] = ["SQUEUE_", "SCANCEL_", "SACCT_"];

/// Lets `sbatch` wait until the workers have ended.
const WAIT: &str = "SBATCH_WAIT";

/// The most bytes of a log when a run begins.
const MOST_LOG: u64 = 1 << 20;

/// The commands of a scheduler.
pub(super) struct Commands {
    /// The folder that they are in; `None` if they are found by `PATH`.
    pub(super) folder: Option<PathBuf>,
    pub(super) timeout: Duration,
    /// The number of calls so far.
    pub(super) calls: Arc<AtomicU64>,
    /// The file that has a line for each call.
    pub(super) log: Option<(Arc<dyn Fs>, PathBuf)>,
}

/// What a command has printed.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) is_success: bool,
    pub(super) out: String,
    pub(super) err: String,
}

/// Why a call of a scheduler has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallError {
    /// The scheduler cannot be reached, or does not answer. Trying again may help.
    Passing(String),
    /// The scheduler has not accepted the workers, because the user would have too many jobs. Fewer of them, or later, may be accepted.
    Full(String),
    /// The scheduler refuses it.
    Refused(String),
    /// The scheduler was not asked: its command cannot be run, or finds no configuration on this machine.
    Unreachable(String),
}

impl CallError {
    /// Returns what has gone wrong.
    pub(super) fn text(&self) -> &str {
        let (Self::Passing(text)
        | Self::Full(text)
        | Self::Refused(text)
        | Self::Unreachable(text)) = self;
        text
    }
}

/// A line of the log.
#[derive(Serialize)]
struct Logged<'a> {
    call: &'a str,
    seconds: f64,
    end: &'a str,
}

impl Commands {
    /// Returns the commands of an executor for a run.
    pub(super) fn of(name: &str, setup: &Setup, run: &RunOfJobs) -> Self {
        let log = Folder::pools(&run.folder).join(format!("{name}.log"));
        // Of the runs of the last time, however many there are.
        let is_long = |error: &io::Error| error.kind() == ErrorKind::FileTooLarge;
        if run.fs.read(&log, MOST_LOG).as_ref().is_err_and(is_long) {
            let _ = run.fs.remove(&log);
        }
        Self {
            folder: setup.commands.clone(),
            timeout: setup.timeout,
            calls: Arc::clone(&setup.calls),
            log: Some((Arc::clone(&run.fs), log)),
        }
    }

    /// Calls a command, and waits for its end.
    ///
    /// # Errors
    ///
    /// It cannot be started, or takes too long.
    pub(super) fn call(&self, program: &str, arguments: &[OsString]) -> Result<Called, CallError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let called = self.run(program, arguments);
        let end = match &called {
            Ok(called) if called.is_success => "ok".to_owned(),
            Ok(called) => format!("failed: {}", called.err.trim()),
            Err(error) => error.text().to_owned(),
        };
        self.write_log(program, arguments, begun.elapsed(), &end);
        called
    }

    fn missing(&self, program: &str) -> String {
        missing(self.folder.as_deref(), program)
    }

    fn run(&self, program: &str, arguments: &[OsString]) -> Result<Called, CallError> {
        let path =
            self.folder.as_ref().map_or_else(|| program.into(), |folder| folder.join(program));
        let mut command = Command::new(path);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_choice(name)) {
            command.env_remove(name);
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => CallError::Unreachable(self.missing(program)),
            ErrorKind::PermissionDenied => {
                CallError::Unreachable(format!("the command `{program}` cannot be run: {error}"))
            }
            _ => CallError::Passing(format!("the command `{program}` cannot be started: {error}")),
        })?;
        let out = child.stdout.take().map(read);
        let err = child.stderr.take().map(read);
        let status = self.wait(&mut child).ok_or_else(|| {
            CallError::Passing(format!(
                "the command `{program}` has not ended after {} s",
                self.timeout.as_secs_f64()
            ))
        })?;
        if status.code().is_none() {
            // What it has done before is not known.
            let error = format!("the command `{program}` was ended: {status}");
            return Err(CallError::Passing(error));
        }
        let is_success = status.success();
        let text = |reader: Option<Receiver<Vec<u8>>>| {
            let bytes =
                reader.and_then(|reader| reader.recv_timeout(REST).ok()).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Ok(Called { is_success, out: text(out), err: text(err) })
    }

    /// Waits for the end of a command. Returns `None` if it takes too long, and was killed.
    fn wait(&self, child: &mut Child) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if begun.elapsed() < self.timeout => thread::sleep(LOOK.min(self.timeout)),
                _ => {
                    // Before it is waited for: its number may be that of another process afterwards.
                    kill_group(child);
                    let _ = child.kill();
                    let _ = child.wait();
                    return None;
                }
            }
        }
    }

    fn write_log(&self, program: &str, arguments: &[OsString], took: Duration, end: &str) {
        let Some((fs, path)) = &self.log else { return };
        let words = arguments.iter().map(|argument| argument.to_string_lossy());
        let call: Vec<_> = std::iter::once(Cow::Borrowed(program)).chain(words).collect();
        let shortened = |text: &str| text.chars().take(LONGEST_CALL).collect::<String>();
        let (call, end) = (shortened(&call.join(" ")), shortened(end));
        let logged = Logged { call: &call, seconds: took.as_secs_f64(), end: &end };
        // It is for people who look for a mistake.
        let _ = fs.append(path, &line(&logged));
    }
}

/// Returns whether a variable would change what the commands report, which jobs they cancel, or when they return.
fn is_choice(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == WAIT || CHOICES.iter().any(|choice| name.starts_with(choice))
}

/// Ends all processes of a command: below a wrapper script, the command itself would go on.
fn kill_group(child: &Child) {
    if cfg!(unix) {
        // The group has the number of its first process.
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s KILL -- \"-$1\"", "sh"]).arg(child.id().to_string());
        let _ = kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Returns an error if there is no command of this name that can be run, in this folder or on `PATH`.
pub(super) fn find(folder: Option<&Path>, program: &str) -> Result<(), String> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let is_there = |folder: &Path| is_executable(&folder.join(&file));
    let is_found = match folder {
        Some(folder) => is_there(folder),
        // Without the variable, the system looks in folders of its own.
        None => std::env::var_os("PATH")
            .is_none_or(|path| std::env::split_paths(&path).any(|folder| is_there(&folder))),
    };
    if is_found { Ok(()) } else { Err(missing(folder, program)) }
}

fn missing(folder: Option<&Path>, program: &str) -> String {
    match folder {
        Some(folder) => format!("there is no command `{program}` in {}", folder.display()),
        None => format!("there is no command `{program}` on PATH"),
    }
}

fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    let is_allowed = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let is_allowed = true;
    metadata.is_file() && is_allowed
}

/// Reads an output on a thread of its own.
fn read(output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    let reader = Builder::new().name("flow-command".to_owned()).spawn(move || {
        let mut bytes = Vec::new();
        let _ = output.take(MOST_OUTPUT).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    // Without a thread, there is no output: the call then has a result that cannot be understood.
    drop(reader);
    receiver
}

/// Returns texts as arguments.
pub(super) fn arguments<T: AsRef<OsStr>>(texts: impl IntoIterator<Item = T>) -> Vec<OsString> {
    texts.into_iter().map(|text| text.as_ref().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(folder: Option<PathBuf>, timeout: Duration) -> Commands {
        Commands { folder, timeout, calls: Arc::default(), log: None }
    }

    #[test]
    fn a_command_returns_what_it_has_printed_and_is_counted() {
        let commands = commands(None, TIMEOUT);
        let script = "echo \"$1\"; echo wrong >&2; exit 3";
        let called =
            commands.call("sh", &arguments(["-c", script, "sh", "a b; c"])).expect("it runs");
        assert_eq!((called.out.as_str(), called.err.as_str()), ("a b; c\n", "wrong\n"));
        assert!(!called.is_success);
        assert!(commands.call("true", &[]).expect("it runs").is_success);
        assert_eq!(commands.calls.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_command_that_hangs_is_killed() {
        let begun = Instant::now();
        let commands = commands(None, Duration::from_millis(300));
        let error = commands.call("sleep", &arguments(["60"])).expect_err("it takes too long");
        let expected = "the command `sleep` has not ended after 0.3 s";
        assert_eq!(error, CallError::Passing(expected.to_owned()));
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_command_that_is_ended_by_a_signal_is_tried_again() {
        let commands = commands(None, TIMEOUT);
        let error = commands.call("sh", &arguments(["-c", "kill -9 $$"])).expect_err("it is gone");
        assert!(
            matches!(&error, CallError::Passing(text) if text.contains("`sh` was ended: signal: 9")),
            "{error:?}"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_signal_of_the_terminal_does_not_reach_a_command() {
        let commands = commands(None, TIMEOUT);
        // The group of a process is the third word after its name.
        let script = "read -r _ _ _ _ group _ </proc/$$/stat; test \"$group\" = $$";
        assert!(commands.call("sh", &arguments(["-c", script])).expect("it runs").is_success);
    }

    #[test]
    fn variables_that_choose_what_slurm_shows_do_not_hide_workers_from_a_run() {
        for name in ["SQUEUE_PARTITION", "SQUEUE_FORMAT2", "SCANCEL_STATE", "SBATCH_WAIT"] {
            assert!(is_choice(OsStr::new(name)), "{name}");
        }
        // Those that say where and how the user submits.
        for name in ["PATH", "SLURM_CONF", "SBATCH_ACCOUNT", "SBATCH_PARTITION"] {
            assert!(!is_choice(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn a_process_that_a_command_leaves_behind_is_not_waited_for() {
        let begun = Instant::now();
        let script = "sleep 60 & echo ok";
        let called =
            commands(None, TIMEOUT).call("sh", &arguments(["-c", script])).expect("it runs");
        assert!(called.is_success);
        assert!(begun.elapsed() < Duration::from_secs(40));
    }

    #[test]
    fn a_command_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let commands = commands(Some(folder.path().to_owned()), TIMEOUT);
        let error = commands.call("sbatch", &[]).expect_err("there is none");
        let expected = format!("there is no command `sbatch` in {}", folder.path().display());
        assert_eq!(error, CallError::Unreachable(expected.clone()));
        assert_eq!(find(Some(folder.path()), "sbatch"), Err(expected));
        let none = "there is no command `no-such-command` on PATH".to_owned();
        assert_eq!(find(None, "no-such-command"), Err(none));
        assert_eq!(find(None, "sh"), Ok(()));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_run_is_no_command() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sbatch");
        std::fs::write(&path, "#!/bin/sh\n").expect("a file");
        let allow = |mode| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, permissions).expect("permissions");
        };
        allow(0o644);
        assert!(find(Some(folder.path()), "sbatch").is_err());
        allow(0o755);
        assert_eq!(find(Some(folder.path()), "sbatch"), Ok(()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_wrapper_has_started_is_killed_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let process = folder.path().join("process");
        let commands = commands(None, Duration::from_millis(500));
        let script = "sleep 60 & echo $! >\"$1\"; wait";
        let process_text = process.to_string_lossy().into_owned();
        let called = commands.call("sh", &arguments(["-c", script, "sh", process_text.as_str()]));
        assert!(matches!(called, Err(CallError::Passing(_))), "{called:?}");
        let process = std::fs::read_to_string(process).expect("its number");
        let stat = Path::new("/proc").join(process.trim()).join("stat");
        let begun = Instant::now();
        // A zombie has ended, too: its parent has not read its exit status.
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(begun.elapsed() < Duration::from_secs(30), "it goes on");
            thread::sleep(LOOK);
        }
    }

    #[test]
    fn each_call_has_a_line_in_the_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("slurm.log");
        let fs: Arc<dyn Fs> = Arc::new(flow_core::fs::Disk);
        let commands = Commands { log: Some((fs, log.clone())), ..commands(None, TIMEOUT) };
        commands.call("true", &arguments(["--all"])).expect("it runs");
        let text = std::fs::read_to_string(log).expect("a file");
        assert!(text.starts_with("{\"call\":\"true --all\",\"seconds\":"), "{text}");
        assert!(text.ends_with("\"end\":\"ok\"}\n"), "{text}");
    }
}
