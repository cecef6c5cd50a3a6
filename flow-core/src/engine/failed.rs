//! Records the failure of an instance, with what is needed to understand it and to run the instance again.
//!
//! A worker that has run a task describes the attempt by [`failed_run`] and the instance by
//! [`Execution::failed_instance`], and passes both to [`Execution::record_failure`]. For a task that takes too long the
//! coordinator does so, while the task still runs. An instance that failed before its task was started has neither.

use std::path::{Path, PathBuf};

use daggy::NodeIndex;

use crate::base::error_text::ErrorText;
use crate::base::key::Digest;
use crate::base::process::host;
use crate::engine::Execution;
use crate::plan::policy::free_losses;
use crate::store::failure::{FailedInstance, FailedRun, Failure};
use crate::store::record::MadeFrom;
use crate::task::Kind;
use crate::task::cx::Attempt;
use crate::task::input::Origin;

/// The number of inputs whose paths are recorded.
const PATHS: usize = 100;

/// Returns what the attempts to run an instance have left behind.
///
/// `started` and `seconds` are those of the last attempt, whose log, metadata and figures are taken; `attempt` is
/// `None` if its task was not started. The task was started `starts` times, and was lost before `losses` times. The log
/// ends: of a task that has taken too long, and still runs, the rest is dropped.
pub(super) fn failed_run(
    attempt: Option<&Attempt>,
    (starts, losses): (u32, u32),
    started: jiff::Timestamp,
    seconds: f64,
) -> FailedRun {
    let log = attempt.and_then(|attempt| {
        // Of a log of more than 64 MiB, the end cannot be written. The rest of it is there.
        let _ = attempt.log().close();
        attempt.log().name().map(str::to_owned)
    });
    let meta = attempt.map(Attempt::all_meta).unwrap_or_default();
    let figures = attempt.map(|attempt| attempt.figures().take()).unwrap_or_default();
    let losses = free_losses(losses);
    FailedRun { attempts: starts, losses, started, seconds, host: host(), log, meta, figures }
}

impl Execution {
    /// Returns what a failed instance was about to compute.
    pub(crate) fn failed_instance(
        &self,
        node: NodeIndex,
        made_from: MadeFrom,
        fingerprint: Digest,
    ) -> FailedInstance {
        let graph = &self.plan.graph;
        let inputs = graph.inputs(node).iter().take(PATHS);
        let paths = inputs.map(|&input| self.recorded_path(input)).collect();
        FailedInstance::new(graph.recorded(node, made_from, fingerprint), paths)
    }

    /// Returns the path of an output as a failure records it.
    fn recorded_path(&self, input: NodeIndex) -> String {
        let plan = &self.plan;
        let path = match plan.graph.kind(input) {
            Kind::External => plan.graph.external(input).to_owned(),
            Kind::Aggregate => return String::new(),
            Kind::Made => {
                let made = self.held.made(input).or_else(|| Origin::made(&**plan, input).ok());
                let Some(path) = made.and_then(|made| made.path(&plan.store)) else {
                    return String::new();
                };
                path.strip_prefix(plan.store.root()).map_or_else(|_| path.clone(), Path::to_owned)
            }
        };
        path.to_string_lossy().into_owned()
    }

    /// Records the failure of an instance in its folder, so that later plans can show it.
    ///
    /// Returns the path of its log, if it has one. Errors are ignored: the record only explains.
    pub(crate) fn record_failure(
        &self,
        node: NodeIndex,
        error: &ErrorText,
        run: Option<FailedRun>,
        instance: Option<FailedInstance>,
    ) -> Option<PathBuf> {
        let (graph, store) = (&self.plan.graph, &self.plan.store);
        if graph.kind(node) != Kind::Made {
            return None;
        }
        let folder = graph.folder(node, store).ok()?;
        let log = run.as_ref().and_then(|run| run.log.as_deref());
        let log = log.map(|log| store.path(&folder, log));
        let failure = Failure::new(graph.node(node).key, error, run, instance);
        store.note_failure(&folder, &failure);
        log
    }
}
