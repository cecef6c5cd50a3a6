//! Random graphs of tasks of all kinds: files are edited, outputs are removed and reset, and values in
//! memory are lost. Every loaded value is the one that a plain loop computes.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use flow::File;
use flow::prelude::*;

use crate::random_graph::scramble;
use crate::support::{assert_consistent, files_below};

const LEN: u64 = 40;
const SALTS: u64 = 4;

/// The kind of a task of the graph.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Stored,
    InMemory,
    InParts,
    Gathered,
}

fn kind_of(graph: u64, id: u64) -> Kind {
    [Kind::Stored, Kind::InMemory, Kind::InParts, Kind::Gathered]
        [(scramble(graph * 977 + id) % 4) as usize]
}

/// Returns the tasks that a task requires, sometimes with duplicates.
fn inputs_of(graph: u64, id: u64) -> Vec<u64> {
    let random = scramble(graph * 1_000_003 + id);
    let near = |i: u64| id - 1 - scramble(random + i) % id.min(8);
    if id == 0 { Vec::new() } else { (0..1 + random % 4).map(near).collect() }
}

/// Returns the required tasks of one kind.
fn inputs_of_kind(graph: u64, id: u64, kind: Kind) -> Vec<u64> {
    let mut inputs = inputs_of(graph, id);
    inputs.retain(|&input| kind_of(graph, input) == kind);
    inputs
}

fn salt_of(graph: u64, id: u64) -> Option<u64> {
    let random = scramble(graph ^ (id << 9));
    random.is_multiple_of(3).then_some((random >> 8) % SALTS)
}

/// Computes the value of a task. Values are small, so that many are equal.
fn value(id: u64, salt: Option<u64>, inputs: u64) -> u64 {
    (id % 5 + salt.unwrap_or(0) + inputs) / 3 % 16
}

/// An external file that is edited during the test.
#[derive(Task)]
#[task(external, path = self.folder.join(format!("salt-{}", self.k)), target = Json<u64>)]
struct Salt {
    folder: PathBuf,
    k: u64,
}

/// Declares a task of each kind. The kinds differ in their targets and in the type of the output.
macro_rules! tasks {
    ($($task:ident, $output:ty, ($($kept:tt)*), |$value:ident, $cx:ident| $made:expr;)*) => {$(
        #[derive(Task)]
        #[task(requires(
            stored = [Stored { graph: self.graph, id } for id in inputs_of_kind(self.graph, self.id, Kind::Stored)],
            in_memory = [InMemory { graph: self.graph, id } for id in inputs_of_kind(self.graph, self.id, Kind::InMemory)],
            in_parts = [InParts { graph: self.graph, id } for id in inputs_of_kind(self.graph, self.id, Kind::InParts)],
            gathered = [Gathered { graph: self.graph, id } for id in inputs_of_kind(self.graph, self.id, Kind::Gathered)],
            salt = Salt { k } if let Some(k) = salt_of(self.graph, self.id),
        ), $($kept)*)]
        struct $task {
            graph: u64,
            id: u64,
        }

        runs!($task: $output = |self, $cx| {
            let inputs = $cx.input();
            let mut sum = 0;
            for input in &inputs.stored {
                sum += *input.load()?;
            }
            for input in &inputs.in_memory {
                sum += *input.load()?;
            }
            for input in &inputs.in_parts {
                sum += *input.load_one(Two::ONE)?;
            }
            for input in &inputs.gathered {
                sum += gathered(input)?;
            }
            let salt = inputs.salt.as_ref().map(|salt| salt.load()).transpose()?;
            let $value = value(self.id, salt.map(|salt| *salt), sum);
            Ok($made)
        });
    )*};
}

#[derive(Outputs)]
struct Two {
    #[output(Json)]
    one: u64,
    #[output(File)]
    other: PathBuf,
}

tasks! {
    Stored, u64, (target = Json<u64>), |value, _cx| value;
    InMemory, u64, (target = Memory<u64>), |value, _cx| value;
    InParts, Two, (outputs = Two), |value, cx| {
        let other = cx.out_path_of(Two::OTHER)?;
        fs::create_dir(&other)?;
        fs::write(other.join("value"), value.to_string())?;
        Two { one: value, other }
    };
}

#[derive(Task)]
#[task(aggregate, requires(
    stored = [Stored { graph: self.graph, id } for id in inputs_of_kind(self.graph, self.id, Kind::Stored)],
    in_memory = [InMemory { graph: self.graph, id } for id in inputs_of_kind(self.graph, self.id, Kind::InMemory)],
    in_parts = [InParts { graph: self.graph, id } for id in inputs_of_kind(self.graph, self.id, Kind::InParts)],
    gathered = [Gathered { graph: self.graph, id } for id in inputs_of_kind(self.graph, self.id, Kind::Gathered)],
))]
struct Gathered {
    graph: u64,
    id: u64,
}

/// Returns the sum of the members of an aggregate, counting each path to a member.
fn gathered(input: &flow::Input<Gathered>) -> Result<u64> {
    let all = input.load()?;
    let mut sum = 0;
    for input in &all.stored {
        sum += *input.load()?;
    }
    for input in &all.in_memory {
        sum += *input.load()?;
    }
    for input in &all.in_parts {
        let parts = input.load()?;
        ensure!(fs::read_to_string(parts.other.join("value"))? == parts.one.to_string(), "apart");
        sum += parts.one;
    }
    for input in &all.gathered {
        sum += gathered(input)?;
    }
    Ok(sum)
}

/// Requires the last task of the graph, whatever its kind.
#[derive(Task)]
#[task(requires(
    stored = Stored { graph: self.graph, id: LEN } if kind_of(self.graph, LEN) == Kind::Stored,
    in_memory = InMemory { graph: self.graph, id: LEN } if kind_of(self.graph, LEN) == Kind::InMemory,
    in_parts = InParts { graph: self.graph, id: LEN } if kind_of(self.graph, LEN) == Kind::InParts,
    gathered = Gathered { graph: self.graph, id: LEN } if kind_of(self.graph, LEN) == Kind::Gathered,
    last = [Stored { graph: self.graph, id } for id in inputs_of_kind(self.graph, LEN, Kind::Stored)],
), target = Json<u64>)]
struct Last {
    graph: u64,
}

runs!(Last: u64 = |self, cx| {
    let inputs = cx.input();
    let mut sum = 0;
    for input in inputs.stored.iter().chain(&inputs.last) {
        sum += *input.load()?;
    }
    if let Some(input) = &inputs.in_memory {
        sum += *input.load()?;
    }
    if let Some(input) = &inputs.in_parts {
        sum += input.load()?.one;
    }
    if let Some(input) = &inputs.gathered {
        sum += gathered(input)?;
    }
    Ok(sum)
});

/// Computes the output of [`Last`] in a plain loop.
fn oracle(graph: u64, salts: &[u64]) -> u64 {
    let mut values: Vec<u64> = Vec::new();
    for id in 0..=LEN {
        let inputs = inputs_of(graph, id).into_iter().map(|input| values[input as usize]).sum();
        values.push(match kind_of(graph, id) {
            Kind::Gathered => inputs,
            _ => value(id, salt_of(graph, id).map(|k| salts[k as usize]), inputs),
        });
    }
    let last = inputs_of_kind(graph, LEN, Kind::Stored).into_iter().map(|id| values[id as usize]);
    values[LEN as usize] + last.sum::<u64>()
}

fn open(folder: &Path, graph: u64, workers: usize) -> Result<Flow> {
    let flow = Flow::open(folder.join("data"))?.quiet().workers(workers);
    Ok(flow.with(Salt::FOLDER, folder).with(Last::GRAPH, graph))
}

/// Removes some of the output files.
fn evict(flow: &Flow, random: u64) -> Result<()> {
    let mut files = files_below(flow.folder());
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("data-")
    });
    for (i, file) in files.iter().enumerate() {
        if scramble(random + i as u64).is_multiple_of(7) {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

#[test]
fn random_graphs_compute_the_same_as_a_plain_loop() -> Result<()> {
    for graph in 0..8 {
        let folder = tempfile::tempdir()?;
        let folder = folder.path();
        let mut salts: Vec<u64> = (0..SALTS).collect();
        for (k, salt) in salts.iter().enumerate() {
            fs::write(folder.join(format!("salt-{k}")), salt.to_string())?;
        }
        let mut flow = open(folder, graph, 1)?;
        for step in 0..30 {
            let random = scramble(graph * 7919 + step * 31 + 5);
            match random % 8 {
                // Open the store again, so that values in memory are lost.
                0 => flow = open(folder, graph, [1, 2, 4][(random >> 8) as usize % 3])?,
                1..4 => {
                    let k = (random >> 8) % SALTS;
                    salts[k as usize] = (random >> 16) % 6;
                    fs::write(folder.join(format!("salt-{k}")), salts[k as usize].to_string())?;
                }
                4 => evict(&flow, random)?,
                5 => drop(flow.store().clear_task::<InParts>()?),
                6 => drop(flow.graph::<Last>().reset_downstream::<InMemory>()?),
                _ => drop(flow.reset::<Last>()?),
            }
            let what = format!("graph {graph}, step {step}");
            let summary = match random >> 40 & 3 {
                0 => flow.force::<Stored>().run::<Last>(),
                _ => flow.run::<Last>(),
            };
            let summary = summary.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(summary.is_success(), "{what}");
            assert_eq!(*flow.load::<Last>()?, oracle(graph, &salts), "{what}: {summary}");
            assert!(flow.run::<Last>()?.ran().is_empty(), "{what}");
        }
        assert_consistent(flow.folder());
    }
    Ok(())
}
