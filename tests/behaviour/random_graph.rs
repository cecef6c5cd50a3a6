//! Graphs of thousands of tasks, on one worker and on many, compared with the result of a plain
//! loop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flow::Event;
use flow::prelude::*;

use crate::faulty::Faulty;
use crate::support::{failure, faulty_flow};

/// Returns a pseudorandom number that depends on `n` only.
pub(crate) fn scramble(n: u64) -> u64 {
    let n = (n ^ (n >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 33)
}

/// Returns the ids that a task requires: up to five smaller ones, with repetitions now and then.
fn before(graph: u64, id: u64) -> Vec<u64> {
    if id == 0 {
        return Vec::new();
    }
    let random = scramble(graph * 1_000_003 + id);
    let near = |i: u64| id - 1 - scramble(random + i) % id.min(1 + random % 40);
    (0..random % 6).map(near).collect()
}

fn value(graph: u64, id: u64, inputs: impl Iterator<Item = u64>) -> u64 {
    inputs.fold(scramble(graph ^ (id << 20)), |all, input| scramble(all ^ input))
}

fn fails(id: u64) -> bool {
    id % 97 == 50
}

static BROKEN: AtomicBool = AtomicBool::new(false);

#[derive(Task)]
#[task(
    requires = [Numbered { graph: self.graph, id } for id in before(self.graph, self.id)],
    target = Json<u64>,
)]
pub(crate) struct Numbered {
    graph: u64,
    id: u64,
}

#[tracked]
impl Run for Numbered {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        if self.graph == BREAKS && fails(self.id) && BROKEN.load(Ordering::SeqCst) {
            if self.id.is_multiple_of(2) {
                bail!("it is broken");
            }
            panic!("it panics");
        }
        let inputs = cx.input().iter().map(|input| Ok(*input.load()?));
        let inputs: Vec<u64> = inputs.collect::<Result<_>>()?;
        Ok(value(self.graph, self.id, inputs.into_iter()))
    }
}

#[derive(Task)]
#[task(
    requires = [Numbered { graph: self.graph, id } for id in 0..self.len],
    target = Json<Vec<u64>>,
)]
pub(crate) struct Every {
    pub(crate) graph: u64,
    pub(crate) len: u64,
}

#[tracked]
impl Run for Every {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
        cx.input().iter().map(|input| Ok(*input.load()?)).collect()
    }
}

/// Computes the output of [`Every`] without a flow.
pub(crate) fn oracle(graph: u64, len: u64) -> Vec<u64> {
    let mut values: Vec<u64> = Vec::new();
    for id in 0..len {
        let inputs = before(graph, id).into_iter().map(|input| values[input as usize]);
        values.push(value(graph, id, inputs));
    }
    values
}

#[test]
fn two_thousand_tasks_compute_the_same_as_a_loop() -> Result<()> {
    for (graph, workers) in [(1, 1), (2, 8)] {
        let folder = tempfile::tempdir()?;
        let flow = faulty_flow(folder.path(), &Faulty::new())?.workers(workers);
        let flow = flow.with(Every::GRAPH, graph).with(Every::LEN, 2000);
        let summary = flow.run::<Every>()?;
        assert_eq!(summary.ran().len(), 2001);
        assert_eq!(*flow.load::<Every>()?, oracle(graph, 2000));
        assert!(flow.run::<Every>()?.ran().is_empty());
    }
    Ok(())
}

/// The graph in which some tasks fail.
const BREAKS: u64 = 99;

#[test]
fn failures_stop_only_their_downstream_tasks() -> Result<()> {
    const LEN: u64 = 600;
    for workers in [1, 8] {
        BROKEN.store(true, Ordering::SeqCst);
        let folder = tempfile::tempdir()?;
        let flow = faulty_flow(folder.path(), &Faulty::new())?.workers(workers);
        let flow = flow.with(Every::GRAPH, BREAKS).with(Every::LEN, LEN);
        let summary = failure(flow.run::<Every>());

        let mut blocked = BTreeSet::new();
        for id in 0..LEN {
            if before(BREAKS, id).iter().any(|id| fails(*id) || blocked.contains(id)) {
                blocked.insert(id);
            }
        }
        let failed = (0..LEN).filter(|id| fails(*id) && !blocked.contains(id)).count();
        assert_eq!(summary.failed().len(), failed);
        assert_eq!(summary.not_run().len(), blocked.len() + 1);
        assert_eq!(summary.ran().len() + failed + blocked.len(), LEN as usize);
        assert!(failed > 1 && !summary.ran().is_empty() && !blocked.is_empty());
        for entry in summary.not_run() {
            let error = entry.error.unwrap_or_default();
            assert!(error.contains("failed") && error.contains("Numbered"), "{error}");
        }

        BROKEN.store(false, Ordering::SeqCst);
        let rest = flow.run::<Every>()?;
        assert_eq!(rest.ran().len(), failed + blocked.len() + 1);
        assert_eq!(*flow.load::<Every>()?, oracle(BREAKS, LEN));
    }
    Ok(())
}

#[test]
fn commits_may_be_as_fast_as_the_workers() -> Result<()> {
    // Nothing is synced, so that the committer is as fast as the workers.
    for round in 0..5 {
        let folder = tempfile::tempdir()?;
        let flow = faulty_flow(folder.path(), &Faulty::new())?.workers(8);
        let flow = flow.with(Every::GRAPH, 100 + round).with(Every::LEN, 200);
        flow.run::<Every>()?;
        assert_eq!(*flow.load::<Every>()?, oracle(100 + round, 200));
    }
    Ok(())
}

#[test]
fn an_observer_sees_each_task_once() -> Result<()> {
    use std::sync::Mutex;

    let seen = Arc::new(Mutex::new(Vec::new()));
    let folder = tempfile::tempdir()?;
    let observed = Arc::clone(&seen);
    let flow = faulty_flow(folder.path(), &Faulty::new())?.workers(4).observe(move |event| {
        if let Event::Finished { instance, settled, of, .. }
        | Event::Reused { instance, settled, of, .. } = event
        {
            let key = instance.key();
            observed.lock().expect("no panic").push((key, *settled, *of));
        }
    });
    flow.with(Every::GRAPH, 7).with(Every::LEN, 50).run::<Every>()?;
    let seen = seen.lock().expect("no panic");
    let keys: BTreeSet<_> = seen.iter().map(|(key, ..)| key).collect();
    assert_eq!((seen.len(), keys.len()), (51, 51));
    // The numbers are those of the order in which the events arrive, on any number of workers.
    let numbers: Vec<_> = seen.iter().map(|(_, settled, of)| (*settled, *of)).collect();
    assert_eq!(numbers, (1..=51).map(|number| (number, 51)).collect::<Vec<_>>());
    Ok(())
}
