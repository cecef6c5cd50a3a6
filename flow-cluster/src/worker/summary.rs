//! How jobs have ended: the messages of a worker, and [`WorkerSummary`].

use std::fmt;
use std::time::Duration;

use flow_core::Seconds;
use flow_core::executor::JobEnd;

use crate::format::plain;

/// What a worker has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerSummary {
    /// The number of bundles of jobs that it has taken, without those that it has refused.
    pub bundles: usize,
    /// The number of jobs that it has run to their end.
    pub jobs: usize,
    /// How many of these have failed.
    pub failed: usize,
    /// The number of jobs that it has begun and given back, because it was stopped.
    pub given_back: usize,
    /// The number of jobs that it has begun and that were taken away from it, because it was not heard of, or a run has
    /// cancelled them.
    pub taken_away: usize,
    /// The number of bundles that were taken away from it.
    pub lost: usize,
}

/// How a job that has begun has ended for its worker.
pub(super) enum Ending {
    /// The run knows how the job has ended.
    Reported(JobEnd),
    /// The worker was stopped.
    GivenBack,
    /// The lease was lost.
    TakenAway,
}

impl Ending {
    /// Returns a message for people about a job, which has run for some time.
    pub(super) fn message(&self, label: &str, after: Duration) -> String {
        let after = Seconds(after.as_secs_f64());
        match self {
            Self::Reported(JobEnd::Computed) => format!("ran {label} in {after}"),
            Self::Reported(JobEnd::Failed(error)) => {
                format!("{label} failed in {after}: {}", first_line(error))
            }
            Self::Reported(JobEnd::NotRun(reason)) => {
                format!("{label} could not be run: {}", first_line(reason))
            }
            Self::Reported(_) => format!("{label} was stopped by its run after {after}"),
            Self::GivenBack => format!("gave {label} back after {after}: the worker is stopped"),
            Self::TakenAway => format!(
                "{label} was taken away after {after}: its run has cancelled it, has ended, or has not heard of this worker"
            ),
        }
    }
}

fn first_line(text: &str) -> String {
    plain(text.lines().next().unwrap_or_default())
}

impl WorkerSummary {
    /// Counts a job.
    pub(super) fn count(&mut self, end: &Ending) {
        match end {
            Ending::Reported(end) => {
                self.jobs += 1;
                self.failed += usize::from(matches!(end, JobEnd::Failed(_) | JobEnd::NotRun(_)));
            }
            Ending::GivenBack => self.given_back += 1,
            Ending::TakenAway => self.taken_away += 1,
        }
    }

    /// Adds what was done for one bundle.
    pub(super) fn add(&mut self, done: Self) {
        let Self { bundles, jobs, failed, given_back, taken_away, lost } = done;
        self.bundles += bundles;
        self.jobs += jobs;
        self.failed += failed;
        self.given_back += given_back;
        self.taken_away += taken_away;
        self.lost += lost;
    }
}

impl fmt::Display for WorkerSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jobs, failed, given_back, taken_away, .. } = self;
        let named = |count: &usize| match count {
            1 => "1 job".to_owned(),
            count => format!("{count} jobs"),
        };
        write!(f, "ran {}", named(jobs))?;
        if *failed > 0 {
            write!(f, ", of which {failed} failed")?;
        }
        if *given_back > 0 {
            write!(f, "; gave {} back", named(given_back))?;
        }
        if *taken_away > 0 {
            let were = if *taken_away == 1 { "was" } else { "were" };
            write!(f, "; {} {were} taken away by a run", named(taken_away))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_what_became_of_each_job_that_has_begun() {
        let mut summary = WorkerSummary::default();
        assert_eq!(summary.to_string(), "ran 0 jobs");
        let mut done = WorkerSummary { bundles: 1, ..WorkerSummary::default() };
        done.count(&Ending::Reported(JobEnd::Computed));
        summary.add(done);
        assert_eq!(summary.to_string(), "ran 1 job");
        done.count(&Ending::Reported(JobEnd::Failed("wrong".to_owned())));
        done.count(&Ending::GivenBack);
        done.count(&Ending::TakenAway);
        summary.add(done);
        assert_eq!(
            summary.to_string(),
            "ran 3 jobs, of which 1 failed; gave 1 job back; 1 job was taken away by a run"
        );
        assert_eq!((summary.bundles, summary.lost), (2, 0));
    }

    #[test]
    fn a_message_says_how_a_job_has_ended_and_after_what_time() {
        let said = |end: Ending| end.message("Train {c: 1}", Duration::from_millis(1200));
        assert_eq!(said(Ending::Reported(JobEnd::Computed)), "ran Train {c: 1} in 1.2 s");
        let failed = JobEnd::Failed("no \u{1b}room\nat all".to_owned());
        assert_eq!(said(Ending::Reported(failed)), "Train {c: 1} failed in 1.2 s: no ?room");
        let not_run = JobEnd::NotRun("out of processes".to_owned());
        let expected = "Train {c: 1} could not be run: out of processes";
        assert_eq!(said(Ending::Reported(not_run)), expected);
        let stopped = Ending::Reported(JobEnd::Stopped);
        assert_eq!(said(stopped), "Train {c: 1} was stopped by its run after 1.2 s");
        assert!(said(Ending::GivenBack).starts_with("gave Train {c: 1} back after 1.2 s: "));
        assert!(said(Ending::TakenAway).starts_with("Train {c: 1} was taken away after 1.2 s: "));
    }
}
