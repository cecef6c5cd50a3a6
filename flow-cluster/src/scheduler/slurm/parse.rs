//! Reads what the commands of Slurm print.
//!
//! `squeue --json` is not everywhere, so lines with a separator are read. A line of another form is skipped: the worker then counts as
//! not mentioned.

use crate::scheduler::words::End;
use crate::scheduler::{Report, State};

/// Returns the number of an array from the output of `sbatch --parsable`: `123`, or `123;cluster`.
pub(super) fn submitted(out: &str) -> Option<String> {
    // Plugins of a site may print before it.
    let line = out.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    let number = line.split(';').next().unwrap_or_default();
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| number.to_owned())
}

/// Returns the workers in the output of `squeue`.
pub(super) fn queue(out: &str) -> Vec<Report> {
    let report = |line: &str| {
        let mut parts = line.splitn(6, '|').map(str::trim);
        let (id, task, state) = (parts.next()?, parts.next()?, parts.next()?);
        let (array, node, reason) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Report {
            array: array.to_owned(),
            id: id.to_owned(),
            task: task.parse().ok()?,
            state: state_of(state, reason, None),
            node: node.to_owned(),
        })
    };
    out.lines().filter_map(report).collect()
}

/// Returns the workers in the output of `sacct`.
pub(super) fn accounting(out: &str) -> Vec<Report> {
    let report = |line: &str| {
        let mut parts = line.split('|').map(str::trim);
        let (job, state) = (parts.next()?, parts.next()?);
        let (node, code) = (parts.next()?, parts.next()?);
        let (id, task) = job.split_once('_')?;
        Some(Report {
            array: String::new(),
            id: id.to_owned(),
            task: task.parse().ok()?,
            state: state_of(state, "", exit(code)),
            node: if node == "None assigned" { String::new() } else { node.to_owned() },
        })
    };
    out.lines().filter_map(report).collect()
}

/// Returns the workers in the output of `scontrol --oneliner show job`.
pub(super) fn jobs(out: &str) -> Vec<Report> {
    let report = |line: &str| {
        let value = |name: &str| {
            let field = line
                .split_whitespace()
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
            field.filter(|value| *value != "(null)")
        };
        Some(Report {
            array: value("JobName").unwrap_or_default().to_owned(),
            id: value("ArrayJobId")?.to_owned(),
            task: value("ArrayTaskId")?.parse().ok()?,
            state: state_of(
                value("JobState")?,
                value("Reason").unwrap_or_default(),
                value("ExitCode").and_then(exit),
            ),
            node: value("NodeList").unwrap_or_default().to_owned(),
        })
    };
    out.lines().filter_map(report).collect()
}

/// Returns a state by its name, such as `CANCELLED by 1000`.
fn state_of(state: &str, reason: &str, exit: Option<String>) -> State {
    let name = state.split_whitespace().next().unwrap_or_default().trim_end_matches('+');
    State::Over(match name {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED"
        | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => {
            return State::Queued(reason.to_owned());
        }
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "RESIZING" | "SIGNALING"
        | "STAGE_OUT" => {
            return State::Running;
        }
        "COMPLETED" => End::Completed,
        "FAILED" => End::Failed(exit),
        "OUT_OF_MEMORY" => End::OutOfMemory,
        "TIMEOUT" => End::TimeLimit,
        "NODE_FAIL" => End::NodeFailed,
        "PREEMPTED" => End::Preempted,
        "CANCELLED" | "REVOKED" => End::Cancelled,
        "BOOT_FAIL" => End::NotBooted,
        "DEADLINE" => End::Deadline,
        other => End::Other(other.to_owned()),
    })
}

/// Returns how a program has ended by its exit code and signal, such as `1:0` and `0:9`.
fn exit(code: &str) -> Option<String> {
    match code.split_once(':')? {
        ("0", "0") => None,
        ("0", signal) => Some(format!("signal {signal}")),
        (code, _) => Some(format!("exit code {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(id: &str, task: u32, array: &str, state: State, node: &str) -> Report {
        let (array, id, node) = (array.to_owned(), id.to_owned(), node.to_owned());
        Report { array, id, task, state, node }
    }

    #[test]
    fn the_number_of_a_submission_is_read() {
        assert_eq!(submitted("123\n").as_deref(), Some("123"));
        assert_eq!(submitted("123;cluster\n").as_deref(), Some("123"));
        assert_eq!(submitted("note: the site is full\n77\n").as_deref(), Some("77"));
        assert_eq!(submitted(""), None);
        assert_eq!(submitted("Submitted batch job 5"), None);
    }

    /// Of Slurm 22.05, in which a job without control groups that exceeds its memory is `FAILED`.
    #[test]
    fn the_states_that_squeue_prints_are_read() {
        let out = "6|1|CANCELLED|cancelme|vm|None\n\
                   1|2|COMPLETED|ok|vm|None\n\
                   2|1|FAILED|fail|vm|NonZeroExitCode\n\
                   7|3|PENDING|pend||Resources\n\
                   5|1|RUNNING|long|vm|None\n\
                   5|1|TIMEOUT|long|vm|TimeLimit\n\
                   12|1|NODE_FAIL|down|vm|NodeDown\n\
                   4|1|OUT_OF_MEMORY|big|vm|OutOfMemory\n";
        let over = |end| State::Over(end);
        assert_eq!(
            queue(out),
            [
                report("6", 1, "cancelme", over(End::Cancelled), "vm"),
                report("1", 2, "ok", over(End::Completed), "vm"),
                report("2", 1, "fail", over(End::Failed(None)), "vm"),
                report("7", 3, "pend", State::Queued("Resources".to_owned()), ""),
                report("5", 1, "long", State::Running, "vm"),
                report("5", 1, "long", over(End::TimeLimit), "vm"),
                report("12", 1, "down", over(End::NodeFailed), "vm"),
                report("4", 1, "big", over(End::OutOfMemory), "vm"),
            ]
        );
        // An array that is not expanded, and what is no line of a worker.
        assert_eq!(queue("7|1-3%2|PENDING|pend||Resources\nslurm_load_jobs error\n\n"), []);
    }

    /// As the manual of `sacct` of Slurm 24.11 describes it.
    #[test]
    fn the_states_that_sacct_prints_are_read() {
        let out = "123_4|OUT_OF_MEMORY|node7|0:125\n\
                   123_4.batch|OUT_OF_MEMORY|node7|0:125\n\
                   123_5|CANCELLED by 1000|None assigned|0:0\n\
                   123_6|PREEMPTED|node8|0:15\n\
                   123_7|FAILED|node8|127:0\n\
                   124|COMPLETED|node8|0:0\n";
        let over = |end| State::Over(end);
        assert_eq!(
            accounting(out),
            [
                report("123", 4, "", over(End::OutOfMemory), "node7"),
                report("123", 5, "", over(End::Cancelled), ""),
                report("123", 6, "", over(End::Preempted), "node8"),
                report("123", 7, "", over(End::Failed(Some("exit code 127".to_owned()))), "node8"),
            ]
        );
    }

    #[test]
    fn the_jobs_that_scontrol_prints_are_read() {
        let out = "JobId=6 ArrayJobId=6 ArrayTaskId=2 JobName=cancelme UserId=root(0) GroupId=root(0) MCS_label=N/A \
                   Account=(null) QOS=(null) JobState=RUNNING Reason=None Dependency=(null) Requeue=1 ExitCode=0:0 \
                   RunTime=00:00:15 NodeList=vm BatchHost=vm Command=/tmp/w.sh sleep 300 WorkDir=/tmp \n\
                   JobId=9 ArrayJobId=6 ArrayTaskId=1 JobName=cancelme UserId=root(0) JobState=FAILED Reason=NonZeroExitCode \
                   ExitCode=3:0 NodeList=(null) BatchHost=vm Power= \n";
        let failed = State::Over(End::Failed(Some("exit code 3".to_owned())));
        assert_eq!(
            jobs(out),
            [
                report("6", 2, "cancelme", State::Running, "vm"),
                report("6", 1, "cancelme", failed, ""),
            ]
        );
        assert_eq!(jobs("slurm_load_jobs error: Invalid job id specified\n"), []);
    }

    #[test]
    fn every_state_has_a_meaning() {
        let over = |name: &str| match state_of(name, "", None) {
            State::Over(end) => end,
            state => panic!("{name} is {state:?}"),
        };
        assert_eq!(over("BOOT_FAIL"), End::NotBooted);
        assert_eq!(over("DEADLINE"), End::Deadline);
        assert_eq!(over("CANCELLED+"), End::Cancelled);
        assert_eq!(over("NEW_STATE"), End::Other("NEW_STATE".to_owned()));
        assert_eq!(state_of("COMPLETING", "", None), State::Running);
        assert_eq!(exit("0:9").as_deref(), Some("signal 9"));
    }
}
