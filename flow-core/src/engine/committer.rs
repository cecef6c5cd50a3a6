//! The committer: one thread that commits the outputs that workers have staged, a group at a time.
//!
//! A group costs the same two or three syncs whether it has ten outputs or five hundred, and a sync slows down everything
//! that writes to the same disk meanwhile. So the committer gathers outputs for a while before it commits them: for
//! [`GATHER_FACTOR`] times as long as the last commit took, but at most for [`GATHER_LIMIT`]. Consumers do not wait for
//! the commit of their inputs. The coordinator sends [`CommitMessage::Flush`] when no task is working, and when a running
//! task waits for an instance that it has required and that only has to be committed. So nothing waits for outputs that
//! are being gathered, except other processes that wait for an instance, and instances of the run with the key or the
//! fingerprint of one that is being committed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
const GROUP: usize = 512;

/// How many times as long as the last commit took the committer gathers the next group.
const GATHER_FACTOR: u32 = 4;

/// The longest time for which the committer gathers a group.
const GATHER_LIMIT: Duration = Duration::from_millis(200);

/// What the coordinator sends to the committer.
pub(crate) enum CommitMessage {
    /// A staged output to commit.
    Staged(Box<ToCommit>),
    /// No task is working, or one waits for an output: commit those that were gathered.
    Flush,
}

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
    staged: &Receiver<CommitMessage>,
    messages: &Sender<Message>,
) {
    let store = &*execution.plan.store;
    let mut replaced = Vec::new();
    let mut uncommitted = Vec::new();
    let mut gather_for = Duration::ZERO;
    let Session { limits, run_lock, .. } = &*execution.session;
    while let Ok(first) = staged.recv() {
        let CommitMessage::Staged(first) = first else { continue };
        if let Some(run_lock) = run_lock {
            run_lock.touch();
        }
        let group = gather(*first, staged, gather_for);
        let begun = Instant::now();
        let nodes: Vec<_> = group.iter().map(|commit| (commit.execution, commit.node)).collect();
        let drafts: Vec<_> = group.iter().filter_map(|commit| commit.draft.clone()).collect();
        let (group, claims): (Vec<_>, Vec<_>) =
            group.into_iter().map(|commit| ((commit.task, commit.staged), commit.claim)).unzip();
        let results = panics::catch(|| store.commit(group));
        gather_for = begun.elapsed().saturating_mul(GATHER_FACTOR).min(GATHER_LIMIT);
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

/// Receives the outputs that are committed as one group with `first`.
///
/// Returns when the group is full, when the time is over, or when nothing comes any more.
fn gather(first: ToCommit, staged: &Receiver<CommitMessage>, time: Duration) -> Vec<ToCommit> {
    let mut group = vec![first];
    let end = Instant::now() + time;
    while group.len() < GROUP {
        // After the time is over, this still takes the outputs that are there already.
        match staged.recv_deadline(end) {
            Ok(CommitMessage::Staged(next)) => group.push(*next),
            Ok(CommitMessage::Flush) | Err(_) => break,
        }
    }
    group
}
