//! [`JobQueues::cancel`]: jobs of runs in progress, and what a killed run has left.
//!
//! Jobs belong to a run. It is asked to cancel them, by a line that its thread reads, so that it can report
//! them as cancelled and go on with the rest. A run that was killed reads nothing. What it has left is taken away here: a bundle that
//! no worker has taken is withdrawn, and a lease whose job runs is ended, after which nothing of it can be committed.
//!
//! A run that has adopted what a killed one has left has written so, and its jobs are those of that run. One that begins at the same
//! time may adopt a lease that is ended here. It was asked before, and reads that before it takes the job for lost.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::read::{self, SeenJob};
use super::status::{JobState, UnreadableFile};
use super::{JobQueues, NamedQueue};
use crate::error::ClusterError;
use crate::format::{Order, line};
use crate::names::LeaseName;
use crate::request::{JobSelection, Request};
use crate::transport::Transport;

/// What [`JobQueues::cancel`] has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CancelSummary {
    /// The number of runs in progress that were asked to cancel the selected jobs, also those that they submit later.
    pub runs: usize,
    /// The number of their selected jobs that were in the queue. Each run cancels them a moment later.
    pub asked: usize,
    /// The number of selected jobs of killed runs that were withdrawn or ended.
    pub ended: usize,
    /// The number of other jobs of killed runs that were in the same bundles. The next run submits them again if it needs them.
    pub others: usize,
    /// The files that could not be read, or leases that could not be ended.
    pub unreadable: Vec<UnreadableFile>,
}

impl fmt::Display for CancelSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |count: usize| if count == 1 { "" } else { "s" };
        let Self { runs, asked, ended, others, .. } = *self;
        if runs + ended == 0 {
            return f.write_str("no jobs to cancel");
        }
        if runs > 0 {
            write!(f, "asked {runs} run{} to cancel {asked} job{}", s(runs), s(asked))?;
            f.write_str(", and those that follow")?;
        }
        if ended > 0 {
            let and = if runs > 0 { "; " } else { "" };
            write!(f, "{and}cancelled {ended} job{} of runs that were killed", s(ended))?;
        }
        if others > 0 {
            write!(f, "; {others} other job{} of their bundles left the queue, too", s(others))?;
        }
        Ok(())
    }
}

impl JobQueues {
    /// Cancels the selected jobs that have not ended.
    ///
    /// A run in progress fails their instances as cancelled, without a further attempt, and goes on with those that
    /// do not require them. The request stays in force until the run ends: it also cancels the selected jobs that the run
    /// submits later. This does not wait for the runs.
    ///
    /// # Errors
    ///
    /// A queue cannot be listed, or a request cannot be written.
    pub fn cancel(&self, selection: &JobSelection) -> Result<CancelSummary, ClusterError> {
        let mut summary = CancelSummary::default();
        let request = Request::cancel(selection, &self.host).line();
        let mut runs = Runs { request: &request, known: HashMap::new() };
        // Also a run that has no jobs in any pool so far.
        if let Some(transport) = &self.runs_of_pools {
            transport.look_anew()?;
            runs.ask_all(&**transport)?;
        }
        for NamedQueue { transport, .. } in &self.queues {
            cancel_in(&**transport, selection, &mut runs, &mut summary)?;
        }
        summary.runs = runs.known.into_values().filter(|is_running| *is_running).count();
        Ok(summary)
    }
}

/// The runs of all queues: whether each is in progress. Those that are were asked to cancel jobs.
///
/// A run that has several pools is asked once: all of them read the same requests.
struct Runs<'a> {
    request: &'a [u8],
    known: HashMap<String, bool>,
}

impl Runs<'_> {
    /// Returns whether a run is in progress. If it is, and was not asked so far, it is asked.
    fn is_running(&mut self, transport: &dyn Transport, run: &str) -> Result<bool, ClusterError> {
        if let Some(is_running) = self.known.get(run) {
            return Ok(*is_running);
        }
        let is_running = transport.is_running(run);
        if is_running {
            transport.request(run, self.request)?;
        }
        self.known.insert(run.to_owned(), is_running);
        Ok(is_running)
    }

    /// Asks all runs of a queue that were not asked so far.
    fn ask_all(&mut self, transport: &dyn Transport) -> Result<(), ClusterError> {
        for run in transport.runs()? {
            if !self.known.contains_key(&run) && !self.is_running(transport, &run)? {
                // Its heartbeat may only have been late. One that was killed reads nothing, and the next run removes the file.
                transport.request(&run, self.request)?;
            }
        }
        Ok(())
    }
}

fn cancel_in(
    transport: &dyn Transport,
    selection: &JobSelection,
    runs: &mut Runs<'_>,
    summary: &mut CancelSummary,
) -> Result<(), ClusterError> {
    transport.look_anew()?;
    runs.ask_all(transport)?;
    // First the bundles, so that none is taken after the leases were listed.
    for name in transport.posted()? {
        let bundle = match transport.posted_bundle(&name) {
            // A worker has taken it, so it is among the leases.
            Err(error) if error.is_gone() => continue,
            Err(error) => {
                summary.unreadable.push(UnreadableFile::new(&error));
                continue;
            }
            Ok(bundle) => bundle,
        };
        let jobs = bundle.jobs.iter();
        let selected = jobs.filter(|job| selection.has(&job.task, &job.key)).count();
        if runs.is_running(transport, name.run())? {
            summary.asked += selected;
        } else if selected > 0 && transport.withdraw(&name)? {
            summary.ended += selected;
            summary.others += bundle.jobs.len() - selected;
        }
    }
    for lease in transport.leases()? {
        let is_selected = |job: &SeenJob| {
            let is_open = job.state != JobState::Ended && !job.is_left_out;
            is_open && selection.has(&job.bundled.task, &job.bundled.key)
        };
        let (run, selected): (String, HashSet<usize>) = match read::lease_of(transport, &lease) {
            Ok(Some(jobs)) => {
                let run =
                    jobs.first().map_or(lease.bundle.run(), |job| job.run.as_str()).to_owned();
                let jobs = jobs.iter().enumerate().filter(|(_, job)| is_selected(job));
                (run, jobs.map(|(place, _)| place).collect())
            }
            Ok(None) => continue,
            Err(error) => {
                summary.unreadable.push(UnreadableFile::new(&error));
                continue;
            }
        };
        if runs.is_running(transport, &run)? {
            summary.asked += selected.len();
        } else if !selected.is_empty() {
            match end(transport, &lease, &selected) {
                Ok(others) => {
                    summary.ended += selected.len();
                    summary.others += others;
                }
                Err(error) => summary.unreadable.push(UnreadableFile::new(&error)),
            }
        }
    }
    Ok(())
}

/// Ends jobs of a lease whose run was killed. Returns how many others have left the queue with them.
///
/// As where a run cancels a job: the worker writes that a job begins before it reads whether the job is to be left out. So either
/// it finds the order, or this finds that the job has begun, and ends the lease.
fn end(
    transport: &dyn Transport,
    lease: &LeaseName,
    places: &HashSet<usize>,
) -> Result<usize, ClusterError> {
    let mut orders = vec![b'\n'];
    orders.extend(places.iter().flat_map(|&place| line(&Order::Skip(place))));
    let is_ordered = transport.order(lease, &orders).is_ok();
    transport.look_anew()?;
    let Some(jobs) = read::lease_of(transport, lease)? else { return Ok(0) };
    let mut selected = jobs.iter().enumerate().filter(|(place, _)| places.contains(place));
    if is_ordered && !selected.any(|(_, job)| job.state == JobState::Running) {
        return Ok(0);
    }
    transport.revoke(lease)?;
    let others = jobs.iter().enumerate().filter(|(place, job)| {
        !places.contains(place) && !job.is_left_out && job.state != JobState::Ended
    });
    Ok(others.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_a_sentence() {
        let summary = |runs, asked, ended, others| {
            CancelSummary { runs, asked, ended, others, unreadable: Vec::new() }.to_string()
        };
        assert_eq!(summary(0, 0, 0, 0), "no jobs to cancel");
        assert_eq!(summary(1, 2, 0, 0), "asked 1 run to cancel 2 jobs, and those that follow");
        assert_eq!(summary(0, 0, 1, 0), "cancelled 1 job of runs that were killed");
        assert_eq!(
            summary(2, 1, 3, 1),
            "asked 2 runs to cancel 1 job, and those that follow; cancelled 3 jobs of runs that were killed; \
             1 other job of their bundles left the queue, too"
        );
    }
}
