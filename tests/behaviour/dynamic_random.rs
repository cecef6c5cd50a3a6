//! Random graphs of one task with static and dynamic requirements, compared with a plain
//! computation. [`random_edits`](crate::random_edits) tests changes of the code and of the store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use flow::prelude::*;

use crate::faulty::Faulty;
use crate::random_graph::scramble;
use crate::support::faulty_flow;

/// The number of tasks of a graph.
const LEN: u64 = 14;

/// The instances that have run in this process.
static RAN: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

/// Returns the static requirements of a task.
fn before(graph: u64, id: u64) -> Vec<u64> {
    let random = scramble(graph * 7_919 + id);
    (0..random % 3).filter(|_| id > 0).map(|i| scramble(random + i) % id).collect()
}

/// Returns the dynamic requirements of a step in which the task has reached `value`.
fn next(graph: u64, id: u64, step: u64, value: u64) -> Option<Vec<u64>> {
    let random = scramble(graph * 104_729 + id * 31 + step);
    let more = id > 0 && random % 5 > step && step < 3;
    // The requirements depend on the values loaded so far, but only on their remainders modulo three.
    let one = |i: u64| scramble(random + 7 * (value % 3) + i) % id;
    more.then(|| (0..1 + random % 2).map(one).collect())
}

/// Returns the path of the file that an instance reads.
fn file(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{}.txt", id % 5))
}

#[derive(Task)]
#[task(
    requires = [Knot { graph: self.graph, id, folder: self.folder.clone() } for id in before(self.graph, self.id)],
    target = Json<u64>,
)]
struct Knot {
    graph: u64,
    id: u64,
    folder: PathBuf,
    /// A value given to one instance is inherited by its requirements.
    #[param(default = 0)]
    salt: u64,
}

/// Computes the value of an instance from its requirements.
fn compute_value(
    (graph, id, salt): (u64, u64, u64),
    content: u64,
    inputs: impl IntoIterator<Item = Result<u64>>,
    mut require: impl FnMut(&[u64]) -> Result<Vec<u64>>,
) -> Result<u64> {
    let mut value = scramble(id + 1_000 * content + 77 * salt);
    for input in inputs {
        value = scramble(value ^ input?);
    }
    let mut step = 0;
    while let Some(ids) = next(graph, id, step, value) {
        for required in require(&ids)? {
            value = scramble(value ^ required.rotate_left(7));
        }
        step += 1;
    }
    // Equal for many inputs, so that downstream tasks are often unchanged.
    Ok(value % 4)
}

fn content(folder: &Path, id: u64) -> Result<u64> {
    Ok(std::fs::read_to_string(file(folder, id))?.trim().parse()?)
}

#[tracked]
impl Run for Knot {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        RAN.lock().expect("no panic").push((self.graph, self.id));
        let content = content(&self.folder, self.id).inspect(|_| {
            cx.file(file(&self.folder, self.id)).expect("a file");
        })?;
        let inputs = cx.input().iter().map(|input| Ok(*input.load()?));
        compute_value((self.graph, self.id, self.salt), content, inputs, |ids| {
            let required = cx
                .with(Knot::GRAPH, self.graph)
                .with(Knot::FOLDER, &self.folder)
                .over(Knot::ID, ids.iter().copied())
                .require::<Knot>()?;
            required.iter().map(|one| Ok(*one.load()?)).collect()
        })
    }
}

/// Computes the output of an instance without a flow.
fn oracle(graph: u64, folder: &Path, id: u64, salt: u64) -> Result<u64> {
    let one = |id: u64| oracle(graph, folder, id, salt);
    let inputs = before(graph, id).into_iter().map(one);
    compute_value((graph, id, salt), content(folder, id)?, inputs, |ids| {
        ids.iter().map(|&id| one(id)).collect()
    })
}

/// Runs one graph with some edits, and compares it with a plain computation after each run.
fn check_graph(graph: u64) -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path();
    let mut random = graph;
    let mut dice = |sides: u64| {
        random = scramble(random + 1);
        random % sides
    };
    for id in 0..5 {
        std::fs::write(file(folder, id), dice(3).to_string())?;
    }
    let open = |workers: u64| -> Result<Flow> {
        let flow = faulty_flow(folder, &Faulty::new())?.workers(workers as usize);
        Ok(flow.with(Knot::GRAPH, graph).with(Knot::FOLDER, folder).with(Knot::ID, LEN - 1))
    };
    let mut flow = open(2)?;
    let mut made = BTreeSet::new();
    for round in 0..8 {
        let mut fresh = false;
        match dice(6) {
            0 => flow = open(1 + dice(4))?,
            1 => {
                fresh = true;
                flow.with(Knot::ID, dice(LEN)).with(Knot::SALT, dice(2)).reset::<Knot>()?;
            }
            _ => std::fs::write(file(folder, dice(5)), dice(3).to_string())?,
        }
        let salt = dice(2);
        let salted = flow.with(Knot::SALT, salt);
        RAN.lock().expect("no panic").retain(|(of, _)| *of != graph);
        let summary = salted.run::<Knot>()?;
        let value = oracle(graph, folder, LEN - 1, salt)?;
        assert_eq!(*salted.load::<Knot>()?, value, "graph {graph}, round {round}");
        let ran = RAN.lock().expect("no panic").iter().filter(|(of, _)| *of == graph).count();
        let keys = summary.ran().into_iter().map(|entry| entry.instance.key().to_string());
        let keys: BTreeSet<_> = keys.collect();
        assert_eq!(keys.len(), ran, "graph {graph}, round {round}: one ran twice");
        // After a reset nothing counts as known. Otherwise, a combination of contents that was seen
        // before runs nothing.
        let mut files = vec![salt];
        for id in 0..5 {
            files.push(content(folder, id)?);
        }
        if fresh {
            made.clear();
        } else if !made.insert(files) {
            assert_eq!(ran, 0, "graph {graph}, round {round}: it was known");
        }
        assert!(salted.run::<Knot>()?.ran().is_empty(), "graph {graph}, round {round}");
    }
    Ok(())
}

#[test]
fn random_graphs_equal_a_plain_computation() -> Result<()> {
    let first = std::env::var("FLOW_TEST_SEED").map_or(Ok(0), |seed| seed.parse())?;
    let graphs = std::env::var("FLOW_TEST_SEEDS").map_or(Ok(8), |seeds| seeds.parse::<u64>())?;
    (first..first + graphs).try_for_each(check_graph)
}
