//! The committer: one thread that commits what the workers have staged, a group at a time.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use daggy::NodeIndex;

use crate::base::panics;
use crate::engine::Execution;
use crate::engine::message::Message;
use crate::engine::session::Session;
use crate::store::TaskFolder;
use crate::store::limit::Replaced;
use crate::store::stage::Staged;

/// How many outputs are committed at once. While a group is being committed the next one gathers,
/// so that groups are as large as the disk is slow.
const GROUP: usize = 512;

/// An output to be committed.
pub(crate) struct ToCommit {
    /// The execution that it is of.
    pub(crate) of: u32,
    pub(crate) node: NodeIndex,
    pub(crate) task: Arc<TaskFolder>,
    pub(crate) staged: Staged,
}

/// Commits until nobody sends anything more.
///
/// When all is committed, the earlier versions are limited of those that got one more, and
/// what was replaced is removed.
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
        let nodes: Vec<_> = group.iter().map(|commit| (commit.of, commit.node)).collect();
        let group = group.into_iter().map(|commit| (commit.task, commit.staged)).collect();
        let results = panics::catch(|| store.commit(group));
        let results: Vec<Result<(), String>> = match results {
            Ok(results) => results
                .into_iter()
                .map(|(task, staged, result)| match result {
                    Ok(()) => {
                        replaced.extend(Replaced::by(task, staged));
                        Ok(())
                    }
                    Err(error) => {
                        uncommitted.extend(staged.output.map(|output| (staged.folder, output)));
                        Err(format!("{:#}", anyhow::Error::from(error)))
                    }
                })
                .collect(),
            Err(message) => vec![Err(message); nodes.len()],
        };
        for ((of, node), result) in nodes.into_iter().zip(results) {
            // The coordinator waits for all that it was promised.
            let _ = messages.send(Message::Committed { of, node, result });
        }
    }
    // Nobody reads them any more.
    uncommitted.iter().for_each(|(folder, output)| store.discard(folder, output));
    let tidied = panics::catch(|| store.tidy(replaced, *limits, run_lock.as_ref()));
    // What is left does no harm: the next run, or `gc`, finds it.
    drop(tidied);
}
