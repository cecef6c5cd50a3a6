//! The committer: one thread that commits the outputs that workers have staged, a group at a time.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use daggy::NodeIndex;

use crate::base::panics;
use crate::engine::Execution;
use crate::engine::message::Message;
use crate::engine::session::Session;
use crate::store::TaskFolder;
use crate::store::claims::Claimed;
use crate::store::limit::Replaced;
use crate::store::stage::Staged;

/// The most outputs that are committed as one group.
///
/// The next group gathers while one is being committed, so that a slow disk leads to large groups.
const GROUP: usize = 512;

/// A staged output to commit.
pub(crate) struct ToCommit {
    /// The number of the execution that produced it.
    pub(crate) execution: u32,
    pub(crate) node: NodeIndex,
    pub(crate) task: Arc<TaskFolder>,
    pub(crate) staged: Staged,
    /// The claim on the instance, which is released when the output is committed.
    pub(crate) claim: Option<Arc<Claimed>>,
    /// The draft record of another process, which is removed when the output is committed.
    pub(crate) draft: Option<PathBuf>,
}

/// Commits staged outputs until the channel is closed, with one message for each.
///
/// Afterwards surplus earlier versions of the committed instances are removed, and so are the outputs that forced
/// runs have replaced, unless another run is under way that may be reading them. An output that could not be committed
/// stays until then, because tasks that require it may be reading it.
pub(crate) fn commit_all(
    execution: &Execution,
    staged: &Receiver<ToCommit>,
    messages: &Sender<Message>,
) {
    let store = &*execution.plan.store;
    let mut replaced = Vec::new();
    let mut uncommitted = Vec::new();
    let Session { limits, run_lock, .. } = &*execution.session;
    while let Ok(first) = staged.recv() {
        if let Some(run_lock) = run_lock {
            run_lock.touch();
        }
        let group: Vec<_> = std::iter::once(first).chain(staged.try_iter()).take(GROUP).collect();
        let nodes: Vec<_> = group.iter().map(|commit| (commit.execution, commit.node)).collect();
        let drafts: Vec<_> = group.iter().filter_map(|commit| commit.draft.clone()).collect();
        let (group, claims): (Vec<_>, Vec<_>) =
            group.into_iter().map(|commit| ((commit.task, commit.staged), commit.claim)).unzip();
        let results = panics::catch(|| store.commit(group));
        drafts.iter().for_each(|draft| store.discard_path(draft));
        // From now on other processes find the outputs.
        drop(claims);
        let results: Vec<Result<(), String>> = match results {
            Ok(results) => results
                .into_iter()
                .map(|(task, staged, result)| match result {
                    Ok(()) => {
                        replaced.extend(Replaced::by(task, staged));
                        Ok(())
                    }
                    Err(error) => {
                        execution.session.halt(store.unwritable(&error));
                        uncommitted.extend(staged.output.map(|output| (staged.folder, output)));
                        Err(format!("{:#}", anyhow::Error::from(error)))
                    }
                })
                .collect(),
            Err(message) => vec![Err(message); nodes.len()],
        };
        for (at, result) in nodes.into_iter().zip(results) {
            // The coordinator waits for one message per staged output.
            let _ = messages.send(Message::Committed { at, result });
        }
    }
    // All tasks have ended, so no task reads these outputs.
    uncommitted.iter().for_each(|(folder, output)| store.discard(folder, output));
    let tidied = panics::catch(|| store.tidy(replaced, *limits, run_lock.as_deref()));
    // Errors are ignored: the next run or `gc` removes the remaining files.
    drop(tidied);
}
