//! What workers write, and what follows from it.

use std::time::Instant;

use flow_core::executor::JobEvent;

use super::Queue;
use super::state::{Phase, Place, State, Step};
use crate::format::{FORMAT, Line, plain, shown};
use crate::names::BundleName;

impl Queue {
    /// Reads what a worker has written, and passes it on. Returns whether all of it could be read.
    pub(super) fn read(&self, state: &mut State, name: &BundleName) -> bool {
        let Some(held) = state.bundles.get_mut(name) else { return true };
        let Phase::Taken(taken) = &mut held.phase else { return true };
        let lines = match self.transport.lines(&taken.lease, taken.tail.offset()) {
            Ok(Some(bytes)) if bytes.is_empty() => return true,
            Ok(Some(bytes)) => {
                taken.heard = Instant::now();
                taken.tail.take(&bytes)
            }
            Ok(None) => {
                self.revoke(state, name, "its folder in the queue was removed");
                return true;
            }
            Err(error) => {
                state.tell_error(&error);
                return false;
            }
        };
        let Ok(lines) = lines else {
            self.revoke(state, name, "a message of its worker is too long");
            return true;
        };
        for line in lines {
            let line = match serde_json::from_slice(&line) {
                Ok(line) => line,
                Err(error) => {
                    let reason = format!("a message of its worker cannot be read: {error}");
                    self.revoke(state, name, &reason);
                    return true;
                }
            };
            if !self.receive(state, name, line) {
                return true;
            }
        }
        true
    }

    /// Takes a line of a worker. Returns whether its lease goes on.
    pub(super) fn receive(&self, state: &mut State, name: &BundleName, line: Line) -> bool {
        let Some(held) = state.bundles.get_mut(name) else { return false };
        let Phase::Taken(taken) = &mut held.phase else { return false };
        let place = match &line {
            Line::Begun(job)
            | Line::Ended(job)
            | Line::Message { job, .. }
            | Line::Runs { job, .. } => *job,
            _ => 0,
        };
        if place >= held.places.len() {
            self.revoke(state, name, "its worker names a job that is not in the bundle");
            return false;
        }
        match line {
            Line::Hello { format, .. } if format != FORMAT => {
                let reason = format!("its worker writes format {format}, and this run {FORMAT}");
                self.revoke(state, name, &reason);
                return false;
            }
            Line::Hello { host, process, job, ran, .. } => {
                taken.worker = shown(&host, process);
                taken.ran = ran;
                taken.job.clone_from(&job);
                state.seen.extend(job);
            }
            Line::Begun(_) => {
                held.places[place].step = Step::Begun;
                let (worker, is_adopted) = (taken.worker.clone(), held.is_adopted);
                state.deliver(name, place, JobEvent::Begun { worker, is_adopted });
            }
            Line::Message { text, .. } => state.deliver(name, place, JobEvent::Message(text)),
            Line::Ended(_) => {
                held.places[place].step = Step::Ended;
                taken.ran += 1;
                // After the last message of the job, the run wants no event of it.
                let lost = JobEvent::Lost("its worker has ended it without a result".to_owned());
                let id = held.places[place].job;
                state.deliver(name, place, lost);
                if let Some(id) = id {
                    state.jobs.remove(&id);
                }
            }
            Line::Waits => held.is_blocked = true,
            Line::Beat(_) | Line::Runs { .. } => {}
            Line::Left(reason) => {
                let reason = format!("{} gave it back: {}", taken.worker, plain(&reason));
                let is_running = |place: &Place| place.step == Step::Begun && place.job.is_some();
                // A scheduler that has ended the worker knows why.
                if taken.job.is_some()
                    && self.command.is_none()
                    && held.places.iter().any(is_running)
                {
                    held.given_back = Some((Instant::now(), reason));
                    return true;
                }
                self.revoke(state, name, &reason);
                return false;
            }
            Line::Over if held.is_adopted => held.over = Some(Instant::now()),
            Line::Over => {
                self.revoke(state, name, "its worker has left it out");
                return false;
            }
        }
        true
    }
}
