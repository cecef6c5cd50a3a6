//! Says how a child ended that did not end its task.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

use crate::base::bytes::Bytes;

/// What is known of a child that has ended.
#[derive(Clone, Copy)]
pub(super) struct Ended<'a> {
    pub(super) status: Option<ExitStatus>,
    /// Whether it had taken over.
    pub(super) has_begun: bool,
    /// The limit of its memory.
    pub(super) memory: Option<u64>,
    /// Whether an allocation has failed.
    pub(super) is_out_of_memory: bool,
    /// The last lines that it has written to the standard error.
    pub(super) last: &'a [String],
}

/// Returns the message of the error of a task whose process has ended.
pub(super) fn message(ended: Ended<'_>) -> String {
    let Ended { status, has_begun, memory, is_out_of_memory, last } = ended;
    let signal = status.and_then(|status| status.signal());
    let what = match (status, signal) {
        _ if !has_begun => {
            let how = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
            format!(
                "the child process ended without taking over ({how}): is `Flow::open` reached on every path of the \
                 program, with the same arguments?"
            )
        }
        (_, Some(signal)) if signal == Signal::ABORT.as_raw() && is_out_of_memory => match memory {
            Some(limit) => format!(
                "out of memory: it needs more than {}, its `resources(memory)`",
                Bytes(limit)
            ),
            None => "out of memory: an allocation failed".to_owned(),
        },
        (_, Some(signal)) => match name(signal) {
            Some("SIGKILL") => {
                "its process was killed by SIGKILL, as the system does when memory runs out"
                    .to_owned()
            }
            Some("SIGABRT") => "its process aborted (SIGABRT)".to_owned(),
            Some(name) => format!("its process was ended by {name}"),
            None => format!("its process was ended by signal {signal}"),
        },
        (Some(status), None) => match status.code() {
            Some(code) => {
                format!("its process exited with code {code} before the task had ended")
            }
            None => format!("its process ended: {status}"),
        },
        (None, None) => "its process was lost".to_owned(),
    };
    match last {
        [] => what,
        last => format!("{what}: {}", last.join("\n")),
    }
}

/// Returns the name of a signal that ends a process.
fn name(signal: i32) -> Option<&'static str> {
    let names = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::TERM, "SIGTERM"),
        (Signal::SYS, "SIGSYS"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::XFSZ, "SIGXFSZ"),
    ];
    names.into_iter().find(|(of, _)| of.as_raw() == signal).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(raw: i32, last: &[&str]) -> String {
        let last: Vec<_> = last.iter().map(|line| (*line).to_owned()).collect();
        let is_out_of_memory = last.iter().any(|line| line.contains("memory allocation"));
        message(Ended {
            status: Some(ExitStatus::from_raw(raw)),
            has_begun: true,
            memory: Some(1 << 30),
            is_out_of_memory,
            last: &last,
        })
    }

    #[test]
    fn the_message_names_the_signal_or_the_exit_code() {
        assert_eq!(ended(11, &[]), "its process was ended by SIGSEGV");
        assert_eq!(ended(6, &["a check failed"]), "its process aborted (SIGABRT): a check failed");
        let text = ended(6, &["memory allocation of 7 bytes failed"]);
        assert!(text.starts_with("out of memory: it needs more than 1.1 GB"), "{text}");
        assert!(ended(9, &[]).contains("SIGKILL"));
        assert_eq!(ended(3 << 8, &[]), "its process exited with code 3 before the task had ended");
    }

    #[test]
    fn a_program_that_opens_no_flow_is_explained() {
        let status = Some(ExitStatus::from_raw(0));
        let ended =
            Ended { status, has_begun: false, memory: None, is_out_of_memory: false, last: &[] };
        let text = message(ended);
        assert!(text.contains("is `Flow::open` reached"), "{text}");
    }
}
