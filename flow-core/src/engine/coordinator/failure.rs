//! What follows from a failure: another attempt, the end of a task that takes too long, the end of the run.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error_text::ErrorText;
use crate::base::pause::running_time;
use crate::base::process::{Spent, host};
use crate::base::seconds::Seconds;
use crate::engine::coordinator::Coordinator;
use crate::engine::message::{At, End};
use crate::engine::outcome::TaskError;
use crate::engine::timers::Timer;
use crate::plan::policy::OnFailure;
use crate::store::failure::FailedRun;
use crate::store::record::Meta;

impl Coordinator {
    /// Prepares another attempt if a task has failed and may be tried again; otherwise returns the end of the job.
    ///
    /// The instance keeps its claim meanwhile, so that no other schedule runs it.
    pub(super) fn retry(&mut self, at: At, end: End) -> Option<End> {
        let (id, node) = at;
        let End::Failed { error, .. } = &end else { return Some(end) };
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        let attempt = schedule.attempt(node);
        let policy = match schedule.execution.plan.graph.has_policy(node) {
            true => schedule.policy(node).ok(),
            false => Some(Arc::clone(&self.without_options)),
        };
        let policy = policy.filter(|policy| {
            error.is_of_task
                && !schedule.stopped
                && !self.execution.session.is_halted()
                && attempt <= policy.retries
        });
        let Some(policy) = policy else { return Some(end) };
        let seed = schedule.execution.plan.graph.node(node).key.seed();
        let after = policy.backoff.delay(attempt, seed);
        schedule.execution.report_retried(node, attempt, &error.text, after);
        schedule.retry(node);
        self.delay(at, after);
        None
    }

    /// Makes an instance that was held back ready again after some time.
    pub(super) fn delay(&mut self, at: At, after: Duration) {
        self.timers.set(running_time().saturating_add(after), Timer::ready(at));
    }

    /// Begins to measure the time of a task that has a time-out.
    pub(super) fn watch_time(&mut self, at: At, number: u64) {
        let timeout = self.running.get(&at).and_then(|job| job.policy.timeout);
        if let Some(timeout) = timeout {
            self.timers.set(running_time().saturating_add(timeout), Timer::timed_out(at, number));
        }
    }

    /// Does what a timer was set for, if its instance is still in that state.
    pub(super) fn expire(&mut self, timer: Timer) -> std::io::Result<()> {
        match timer {
            Timer::Ready { execution, node } => {
                if let Some(schedule) = self.schedules.get_mut(&execution) {
                    schedule.let_go(node);
                }
            }
            Timer::Look { execution, node } => self.look((execution, node)),
            Timer::TimedOut { execution, node, number } => self.time_out((execution, node), number),
        }
        Ok(())
    }

    /// Abandons a job whose task has run for too long.
    fn time_out(&mut self, at: At, number: u64) {
        let job = self.running.get(&at).filter(|job| job.control.number == number);
        let Some(timeout) = job.and_then(|job| job.policy.timeout) else { return };
        let job = self.running.remove(&at).expect("looked up above");
        if job.waits == 0 {
            self.ledger.give(&job.demand);
        }
        job.control.abandon(&self.execution.session.slots);
        // The thread ends when its task does. Another one takes its place.
        self.working = self.working.saturating_sub(1);
        for id in self.waits.get(&at).into_iter().flatten() {
            if let Some(schedule) = self.schedules.get_mut(id) {
                schedule.stop();
            }
        }
        let text = format!("timed out after {}", Seconds(timeout.as_secs_f64()));
        let seconds = timeout.as_secs_f64();
        let begun = jiff::SignedDuration::try_from(timeout).ok();
        let now = jiff::Timestamp::now();
        let started = begun.and_then(|begun| now.checked_sub(begun).ok()).unwrap_or(now);
        let error = self.record_time_out(at, text, started, seconds);
        let spent = Some(Spent { started, seconds, cpu_seconds: None, peak_bytes: None });
        self.end(at, End::Failed { error, spent });
    }

    /// Records a time-out in the folder of the instance, so that later plans can show it.
    ///
    /// The log and the metadata stay with the task, which may still be running.
    fn record_time_out(
        &self,
        at: At,
        text: String,
        started: jiff::Timestamp,
        seconds: f64,
    ) -> TaskError {
        let (id, node) = at;
        let error = ErrorText::from(text);
        let mut attempts = 1;
        if let Some(schedule) = self.schedules.get(&id) {
            attempts = schedule.attempt(node);
            let (host, meta) = (host(), Meta::new());
            let run = FailedRun { attempts, started, seconds, host, log: None, meta };
            schedule.execution.record_failure(node, &error, Some(run), None);
        }
        TaskError::new(error, attempts, None)
    }

    /// Stops what the flow wants to be stopped after a failure.
    pub(super) fn after_failure(&mut self) {
        match self.execution.plan.policies.on_failure {
            OnFailure::Continue => {}
            OnFailure::FinishRunning => {
                if let Some(schedule) = self.schedules.get_mut(&0) {
                    schedule.stop();
                }
            }
            OnFailure::Stop => {
                self.execution.stopper.stop();
                self.stop_all();
            }
        }
    }
}
