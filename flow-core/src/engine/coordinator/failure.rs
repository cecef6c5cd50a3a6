//! What follows from a failure: another attempt, the end of a task that takes too long, the end of the run.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error_text::ErrorText;
use crate::base::pause::running_time;
use crate::base::process::Spent;
use crate::base::seconds::Seconds;
use crate::engine::coordinator::Coordinator;
use crate::engine::failed::failed_run;
use crate::engine::job::Control;
use crate::engine::message::{At, End};
use crate::engine::outcome::{Outcome, StoppedBy, TaskError};
use crate::engine::timers::Timer;
use crate::plan::label::Show;
use crate::plan::policy::{OnFailure, free_losses};

/// Returns whether a loss does not count as an attempt, after this number of losses.
fn is_free(losses: u32) -> bool {
    free_losses(losses + 1) > losses
}

impl Coordinator {
    /// Prepares another attempt if a task has failed and may be tried again; otherwise returns the end of the job.
    ///
    /// The instance keeps its claim meanwhile, so that no other schedule runs it.
    pub(super) fn retry(&mut self, at: At, end: End) -> Option<End> {
        let (id, node) = at;
        let End::Failed { error, .. } = &end else { return Some(end) };
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        let (starts, losses) = (schedule.starts(node), schedule.losses(node));
        let policy = match schedule.execution.plan.graph.has_policy(node) {
            true => schedule.policy(node).ok(),
            false => Some(Arc::clone(&self.without_options)),
        };
        let policy = policy.filter(|policy| {
            error.is_of_task
                && !schedule.stopped
                && !self.execution.session.is_halted()
                && policy.tries_again(starts, losses, error.is_lost)
        });
        let Some(policy) = policy else { return Some(end) };
        let attempt = schedule.attempt(node);
        let after = match error.is_lost && is_free(losses) {
            // It is the same attempt, which is made again.
            true => {
                schedule.execution.report_lost(node, &error.text);
                Duration::ZERO
            }
            false => {
                let seed = schedule.execution.plan.graph.node(node).key.seed();
                let after = policy.backoff.delay(attempt, seed);
                schedule.execution.report_retried(node, attempt, &error.text, after);
                after
            }
        };
        schedule.retry(node, error.is_lost);
        let key = schedule.execution.plan.graph.node(node).key;
        self.retrying.insert(at, key);
        self.delay(at, after);
        None
    }

    /// Releases the claims of instances that waited for another attempt and were concluded meanwhile: their schedule was
    /// stopped, or an input could not be committed.
    ///
    /// Otherwise other schedules that require the same keys would wait forever.
    pub(super) fn release_concluded(&mut self) {
        let Self { retrying, schedules, .. } = self;
        let is_open = |(id, node): &At| {
            let schedule = schedules.get(id);
            schedule.is_some_and(|schedule| schedule.outcomes[node.index()] == Outcome::Open)
        };
        let concluded = retrying.extract_if(|at, _| !is_open(at)).collect::<Vec<_>>();
        for (at, key) in concluded {
            self.release_claim(key, at);
        }
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
    pub(super) fn expire(&mut self, timer: Timer) -> io::Result<()> {
        match timer {
            Timer::Ready { execution, node } => {
                if let Some(schedule) = self.schedules.get_mut(&execution) {
                    schedule.let_go(node);
                }
            }
            Timer::Look { execution, node } => self.look((execution, node)),
            Timer::TimedOut { execution, node, number } => {
                return self.time_out((execution, node), number);
            }
        }
        Ok(())
    }

    /// Abandons a job whose task has run for too long, unless it has ended just now.
    ///
    /// # Errors
    ///
    /// The operating system refuses a thread in place of the one that the task keeps, and there is no other.
    fn time_out(&mut self, at: At, number: u64) -> io::Result<()> {
        let job = self.running.get(&at).filter(|job| job.control.number == number);
        let Some(timeout) = job.and_then(|job| job.policy.timeout) else { return Ok(()) };
        if !job.is_some_and(|job| job.control.abandon(&self.execution.session.slots)) {
            return Ok(());
        }
        let job = self.running.remove(&at).expect("looked up above");
        match job.waits {
            0 => self.ledger.give(&job.demand),
            _ => self.waiting -= 1,
        }
        // The thread ends when its task does. Another one takes its place.
        self.working = self.working.saturating_sub(1);
        for id in self.waits.remove(&at).into_iter().flatten() {
            if let Some(schedule) = self.schedules.get_mut(&id) {
                schedule.stop();
            }
        }
        self.release_concluded();
        let text = format!("timed out after {}", Seconds(timeout.as_secs_f64()));
        let seconds = timeout.as_secs_f64();
        let begun = jiff::SignedDuration::try_from(timeout).ok();
        let now = jiff::Timestamp::now();
        let started = begun.and_then(|begun| now.checked_sub(begun).ok()).unwrap_or(now);
        let error = self.record_time_out(at, text, started, seconds, &job.control);
        let elsewhere = job.control.elsewhere().cloned();
        let spent = Spent { started, seconds, cpu_seconds: None, peak_bytes: None, elsewhere };
        let spent = Some(spent);
        self.end(at, End::Failed { error, spent });
        // A job that no thread has taken may be left.
        self.spawn_missing()
    }

    /// Records a time-out in the folder of the instance, so that later plans can show it.
    ///
    /// The task may still be running. Its log ends here, and what it records later is not recorded.
    fn record_time_out(
        &self,
        at: At,
        text: String,
        started: jiff::Timestamp,
        seconds: f64,
        control: &Control,
    ) -> TaskError {
        let (id, node) = at;
        let error = ErrorText::from(text);
        let (mut attempts, mut log) = (1, None);
        if let Some(schedule) = self.schedules.get(&id) {
            attempts = schedule.attempt(node);
            let execution = &schedule.execution;
            let counts = (schedule.starts(node), schedule.losses(node));
            let run = failed_run(control.attempt(), counts, started, seconds);
            let instance = control.computes().map(|(made_from, fingerprint)| {
                execution.failed_instance(node, made_from.clone(), *fingerprint)
            });
            log = execution.record_failure(node, &error, Some(run), instance);
        }
        TaskError::new(error, attempts, log)
    }

    /// Stops what the flow wants to be stopped after a failure, which is that of this instance.
    pub(super) fn after_failure(&mut self, failed: At) {
        let on_failure = self.execution.plan.policies.on_failure;
        if on_failure == OnFailure::Continue {
            return;
        }
        let (id, node) = failed;
        let label = self.schedules[&id].execution.plan.graph.label(node, Show::Clipped);
        let by = StoppedBy::Failure(label.into());
        if on_failure == OnFailure::Stop {
            // The flag is set last: the coordinator takes it for a stop by the user.
            self.schedules.values_mut().for_each(|schedule| schedule.stop_by(by.clone()));
            self.execution.stopper.stop();
            self.stop_all();
        } else {
            if let Some(schedule) = self.schedules.get_mut(&0) {
                schedule.stop_by(by);
            }
            self.release_concluded();
        }
    }
}
