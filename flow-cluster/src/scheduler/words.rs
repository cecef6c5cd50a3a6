//! How a worker has ended, in words.

use crate::pull::{Blame, WorkerEnd};

/// The most lines, and the most characters of a line, of the output of a worker that are shown.
const MOST_LINES: usize = 5;
const LONGEST_LINE: usize = 300;

/// Why the job of a worker is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    /// Its program has failed, with this exit code or signal if it is known.
    Failed(Option<String>),
    OutOfMemory,
    TimeLimit,
    NodeFailed,
    Preempted,
    Cancelled,
    NotBooted,
    Deadline,
    /// The scheduler does not know it any more.
    Unknown,
    /// Another state, by its name.
    Other(String),
}

/// The worker that has ended.
pub(super) struct Ended<'a> {
    /// The name of the scheduler for people.
    pub(super) scheduler: &'a str,
    /// The name of its job, such as `123_4`.
    pub(super) job: &'a str,
    /// The machine, if one is known.
    pub(super) node: &'a str,
    /// The limits that it has asked for, as they are shown.
    pub(super) memory: Option<String>,
    pub(super) time: Option<String>,
    /// What it has printed.
    pub(super) output: &'a str,
}

impl End {
    /// Returns the end that the output of a worker shows, where the scheduler says only that the worker has failed.
    ///
    /// Slurm without control groups kills a job that exceeds its memory, and says `FAILED`.
    pub(super) fn seen_in(self, output: &str) -> Self {
        let output = output.to_ascii_lowercase();
        let is_memory = [
            "exceeded memory limit",
            "exceeded job memory limit",
            "oom_kill",
            "oom-kill",
            "out_of_memory",
        ]
        .iter()
        .any(|text| output.contains(text));
        match self {
            Self::Failed(_) | Self::Cancelled if is_memory => Self::OutOfMemory,
            Self::Failed(_) if output.contains("due to time limit") => Self::TimeLimit,
            Self::Failed(_) if output.contains("due to node failure") => Self::NodeFailed,
            end => end,
        }
    }

    /// Returns whether the program of a worker could not run, or has failed.
    pub(super) fn is_failure_of_worker(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::OutOfMemory | Self::NotBooted)
    }
}

/// Returns what has happened to a worker, and whether the job that it ran is the cause.
pub(super) fn words(end: &End, ended: &Ended<'_>) -> WorkerEnd {
    let Ended { scheduler, job, node, memory, time, output } = ended;
    let on = if node.is_empty() { String::new() } else { format!(" on {node}") };
    let job = format!("job {job} of {scheduler}{on}");
    let limit = |limit: &Option<String>| match limit {
        Some(limit) => format!("its limit of {limit}"),
        None => "its limit".to_owned(),
    };
    let reason = match end {
        End::Completed => format!("{job} has ended"),
        End::Failed(how) => {
            let how = how.as_ref().map_or_else(String::new, |how| format!(" with {how}"));
            format!("{job} has failed{how}{}", last_lines(output))
        }
        End::OutOfMemory => format!("out of memory: {job} needs more than {}", limit(memory)),
        End::TimeLimit => format!("out of time: {job} takes longer than {}", limit(time)),
        End::NodeFailed => {
            format!("{job} was lost, because its machine has failed or was set down")
        }
        End::Preempted => format!("{job} was preempted by another job"),
        End::Cancelled => format!("{job} was cancelled by a user or an administrator"),
        End::NotBooted => format!("the machine of {job} could not be started"),
        End::Deadline => format!("{job} was ended at its deadline"),
        End::Unknown => format!("{job} is gone: {scheduler} does not know it any more"),
        End::Other(state) => format!("{job} is over: {scheduler} calls its state {state}"),
    };
    let blame = match end {
        End::OutOfMemory => Blame::Job,
        End::TimeLimit => Blame::FirstJob,
        _ => Blame::None,
    };
    WorkerEnd { reason, blame, is_certain: !matches!(end, End::Unknown) }
}

/// Returns the last lines of an output for a message; nothing if there are none.
pub(super) fn last_lines(output: &str) -> String {
    let lines: Vec<_> = output.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return String::new();
    }
    let shown = lines[lines.len().saturating_sub(MOST_LINES)..].iter().map(|line| {
        let line = line.chars().take(LONGEST_LINE);
        line.map(|c| if c.is_control() { '?' } else { c }).collect::<String>()
    });
    format!(". It has printed: {}", shown.collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(end: &End, output: &str) -> WorkerEnd {
        let ended = Ended {
            scheduler: "Slurm",
            job: "12_3",
            node: "node7",
            memory: Some("2.0 GB".to_owned()),
            time: Some("60 min".to_owned()),
            output,
        };
        words(end, &ended)
    }

    #[test]
    fn each_end_names_the_job_the_machine_and_the_limit() {
        let text = |end: End| said(&end, "").reason;
        assert_eq!(
            text(End::OutOfMemory),
            "out of memory: job 12_3 of Slurm on node7 needs more than its limit of 2.0 GB"
        );
        assert_eq!(
            text(End::TimeLimit),
            "out of time: job 12_3 of Slurm on node7 takes longer than its limit of 60 min"
        );
        assert_eq!(
            text(End::NodeFailed),
            "job 12_3 of Slurm on node7 was lost, because its machine has failed or was set down"
        );
        assert_eq!(text(End::Preempted), "job 12_3 of Slurm on node7 was preempted by another job");
        assert_eq!(
            text(End::Cancelled),
            "job 12_3 of Slurm on node7 was cancelled by a user or an administrator"
        );
        assert_eq!(
            text(End::Other("STAGE_OUT".to_owned())),
            "job 12_3 of Slurm on node7 is over: Slurm calls its state STAGE_OUT"
        );
    }

    #[test]
    fn the_output_of_a_worker_that_has_failed_is_shown() {
        let failed = End::Failed(Some("exit code 127".to_owned()));
        assert_eq!(
            said(&failed, "\n./iris: not found\x1b\n\n").reason,
            "job 12_3 of Slurm on node7 has failed with exit code 127. It has printed: ./iris: not found?"
        );
        let many: String = (0..9).map(|line| format!("{line}\n")).collect();
        assert!(said(&End::Failed(None), &many).reason.ends_with(": 4 | 5 | 6 | 7 | 8"));
    }

    #[test]
    fn memory_and_time_are_the_fault_of_the_job_and_other_ends_are_not() {
        assert_eq!(said(&End::OutOfMemory, "").blame, Blame::Job);
        assert_eq!(said(&End::TimeLimit, "").blame, Blame::FirstJob);
        for end in
            [End::NodeFailed, End::Preempted, End::Cancelled, End::Failed(None), End::Unknown]
        {
            assert_eq!(said(&end, "").blame, Blame::None, "{end:?}");
        }
        assert!(said(&End::Cancelled, "").is_certain && !said(&End::Unknown, "").is_certain);
    }

    #[test]
    fn the_output_shows_what_slurm_without_control_groups_does_not_say() {
        let memory = "slurmstepd-vm: error: StepId=4.batch exceeded memory limit (181506048 > 104857600), being killed\n\
                      slurmstepd-vm: error: Exceeded job memory limit\n";
        assert_eq!(End::Failed(None).seen_in(memory), End::OutOfMemory);
        assert_eq!(End::Cancelled.seen_in(memory), End::OutOfMemory);
        let group = "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.batch. Some of your processes may have been killed";
        assert_eq!(End::Failed(None).seen_in(group), End::OutOfMemory);
        let time = "slurmstepd-vm: error: *** JOB 5 ON vm CANCELLED AT 2026-11-29T21:25:35 DUE TO TIME LIMIT ***";
        assert_eq!(End::Failed(None).seen_in(time), End::TimeLimit);
        assert_eq!(End::NodeFailed.seen_in(memory), End::NodeFailed);
        assert_eq!(End::Failed(None).seen_in("a panic"), End::Failed(None));
    }
}
