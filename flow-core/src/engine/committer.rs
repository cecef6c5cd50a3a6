//! The committer: one thread that commits what the workers have staged, a group at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use daggy::NodeIndex;

use crate::engine::coordinator::Message;
use crate::plan::given::panic_message;
use crate::store::stage::Staged;
use crate::store::{Store, TaskFolder};

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
pub(crate) fn commit_all(store: &Store, staged: &Receiver<ToCommit>, messages: &Sender<Message>) {
    while let Ok(first) = staged.recv() {
        let group: Vec<_> = std::iter::once(first).chain(staged.try_iter()).take(GROUP).collect();
        let nodes: Vec<_> = group.iter().map(|commit| (commit.of, commit.node)).collect();
        let group = group.into_iter().map(|commit| (commit.task, commit.staged)).collect();
        let results = catch_unwind(AssertUnwindSafe(|| store.commit(group)));
        let results: Vec<Result<(), String>> = match results {
            Ok(results) => results
                .into_iter()
                .map(|result| result.map(drop).map_err(|e| format!("{:#}", anyhow::Error::from(e))))
                .collect(),
            Err(panic) => vec![Err(panic_message(&*panic)); nodes.len()],
        };
        for ((of, node), result) in nodes.into_iter().zip(results) {
            // The coordinator waits for all that it was promised.
            let _ = messages.send(Message::Committed { of, node, result });
        }
    }
}
