//! The tasks of [`random_edits`](super), in several versions of their code.

use std::fs;
use std::path::{Path, PathBuf};

use flow::Code;
use flow::Summary;
use flow::plan::Instance;
use flow::prelude::*;

use crate::random_graph::scramble;

/// The number of files that tasks read.
pub(super) const FILES: u64 = 3;

/// Returns the files that a task reads.
fn files(folder: &Path, graph: u64, id: u64) -> Vec<PathBuf> {
    let random = scramble(graph * 31 + id);
    (0..random % 3).map(|i| folder.join(format!("{}.txt", scramble(random + i) % FILES))).collect()
}

/// Returns the static requirements of a task, which have smaller ids.
fn before(graph: u64, id: u64) -> Vec<u64> {
    let random = scramble(graph * 1_000_003 + id);
    if id == 0 { Vec::new() } else { (0..random % 3).map(|i| scramble(random + i) % id).collect() }
}

/// Returns the first dynamic requirement of a task.
fn first(graph: u64, id: u64) -> u64 {
    scramble(graph * 104_729 + id) % (id + 3)
}

/// Returns whether a task also reads the first file.
fn has_extra(graph: u64, id: u64) -> bool {
    scramble(graph + (id << 7)).is_multiple_of(3)
}

/// The settings of a flow, besides the versions of the code.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) graph: u64,
    pub(super) width: u64,
    pub(super) scale: u64,
    pub(super) offset: u64,
}

pub(super) type Reset = fn(&Flow) -> Result<(), flow::Error>;

/// The same tasks with certain versions of their code.
pub(super) struct Generation {
    pub(super) flow: fn(&Flow, &Path, &Settings) -> Flow,
    pub(super) run: fn(&Flow) -> Result<Summary, flow::Error>,
    pub(super) load: fn(&Flow) -> Result<Vec<u64>>,
    pub(super) instances: fn(&Flow) -> Result<Vec<Instance>, flow::Error>,
    pub(super) resets: [Reset; 5],
}

/// Defines tasks whose code has these versions. Versions 0 and 1 compute the same outputs.
macro_rules! generations {
    ($($module:ident: $read:literal $mix:literal $sum:literal $pick:literal;)*) => {
        $(mod $module {
            use super::*;

            #[derive(Task)]
            #[task(target = Json<u64>)]
            struct Read {
                #[param(file)]
                file: PathBuf,
            }

            impl Run for Read {
                const CODE: Code = Code::version($read);

                fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
                    let read: u64 = fs::read_to_string(&self.file)?.trim().parse()?;
                    Ok(read + $read / 2)
                }
            }

            #[derive(Task)]
            #[task(
                requires(
                    reads = [Read { file } for file in files(&self.folder, self.graph, self.id)],
                    extra = Read { file: self.folder.join("0.txt") } if has_extra(self.graph, self.id),
                    before = [Mix { id } for id in before(self.graph, self.id)],
                ),
                target = Json<u64>,
            )]
            struct Mix {
                folder: PathBuf,
                graph: u64,
                #[param(local)]
                id: u64,
                #[param(default = 1)]
                scale: u64,
            }

            impl Run for Mix {
                const CODE: Code = Code::version($mix);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let inputs = cx.input();
                    let mut mixed = $mix / 2 + self.id % 2;
                    for read in inputs.reads.iter().chain(&inputs.extra) {
                        mixed += *read.load()? * self.scale;
                    }
                    for before in &inputs.before {
                        mixed += *before.load()?;
                    }
                    cx.meta("parity", mixed % 2)?;
                    // Few distinct values, so that equal outputs are frequent.
                    Ok(mixed % 5)
                }
            }

            /// Has dynamic requirements, which depend on the outputs of earlier ones.
            #[derive(Task)]
            #[task(
                requires(mix = Mix { id: first(self.graph, self.id) } if has_extra(self.graph, self.id + 1)),
                may_require(Mix, Pick),
                target = Json<u64>,
            )]
            struct Pick {
                folder: PathBuf,
                graph: u64,
                #[param(local)]
                id: u64,
                #[param(default = 1, local)]
                factor: u64,
            }

            impl Run for Pick {
                const CODE: Code = Code::version($pick);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let random = scramble(self.graph * 7_919 + self.id);
                    let mut value = self.factor + $pick / 2 % 2;
                    if let Some(mix) = &cx.input().mix {
                        value += *mix.load()?;
                        if random.is_multiple_of(3) {
                            value += mix.meta::<u64>("parity")?;
                        }
                    }
                    // Some versions of the code require other instances.
                    let start = first(self.graph, self.id) + $pick / 3;
                    let one = cx.with(Mix::ID, start % (self.id + 3)).require::<Mix>()?;
                    value += *one.load()?;
                    let next = scramble(random + value % 3);
                    match next % 6 {
                        // Several settings of an instance that the loaded value selects.
                        0 | 1 => {
                            let mixes = cx
                                .with(Mix::ID, next % (self.id + 3))
                                .over(Mix::SCALE, 1..=2 + next % 2)
                                .require::<Mix>()?;
                            for mix in &mixes {
                                value += *mix.load()?;
                            }
                        }
                        // Another instance of `Pick`, and depending on its output one more `Mix`.
                        2 | 3 if self.id > 0 => {
                            let pick = cx
                                .with(Pick::ID, next % self.id)
                                .with(Pick::FACTOR, value % 2)
                                .require::<Pick>()?;
                            value += *pick.load()?;
                            if pick.load()?.is_multiple_of(2) {
                                let mix = cx.with(Mix::ID, value % 3).require::<Mix>()?;
                                value += mix.meta::<u64>("parity")?;
                            }
                        }
                        4 => {
                            let file = cx.file(self.folder.join(format!("{}.txt", next % FILES)))?;
                            value += fs::read_to_string(file)?.trim().parse::<u64>()?;
                        }
                        _ => {
                            for file in cx.files(self.folder.join("[01].txt"))? {
                                value += fs::read_to_string(file)?.trim().parse::<u64>()?;
                            }
                        }
                    }
                    Ok(value % 4)
                }
            }

            #[derive(Task)]
            #[task(
                requires(
                    mixes = [Mix { id } for id in 0..self.width],
                    picks = [Pick { id } for id in 0..self.width / 2 + 1],
                ),
                target = Json<Vec<u64>>,
            )]
            struct Sum {
                folder: PathBuf,
                graph: u64,
                #[param(local)]
                width: u64,
                #[param(default = 0)]
                offset: u64,
            }

            impl Run for Sum {
                const CODE: Code = Code::version($sum);

                fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
                    let inputs = cx.input();
                    let mut all = Vec::new();
                    for mix in &inputs.mixes {
                        all.push(*mix.load()?);
                    }
                    for pick in &inputs.picks {
                        all.push(*pick.load()?);
                    }
                    Ok(all.into_iter().map(|value| value + self.offset + $sum / 2).collect())
                }
            }

            pub(super) const GENERATION: Generation = Generation {
                flow: |flow, folder, settings| {
                    let flow = flow.with(Sum::FOLDER, folder).with(Sum::GRAPH, settings.graph);
                    let flow = flow.with(Sum::WIDTH, settings.width);
                    flow.with(Mix::SCALE, settings.scale).with(Sum::OFFSET, settings.offset)
                },
                run: |flow| flow.run::<Sum>(),
                load: |flow| Ok(flow.load::<Sum>()?.into_owned()),
                instances: |flow| flow.graph::<Sum>().instances(),
                resets: [
                    |flow| flow.reset::<Sum>().map(drop),
                    |flow| flow.graph::<Sum>().reset_all().map(drop),
                    |flow| flow.store().clear_task::<Mix>().map(drop),
                    |flow| flow.store().clear_task::<Read>().map(drop),
                    |flow| flow.store().clear_task::<Pick>().map(drop),
                ],
            };
        })*

        pub(super) const GENERATIONS: &[Generation] = &[$($module::GENERATION),*];
    };
}

generations! {
    first: 0 0 0 0;
    read_refactored: 1 0 0 0;
    read_changed: 2 0 0 0;
    mix_refactored: 0 1 0 0;
    mix_changed: 0 2 0 0;
    sum_refactored: 0 0 1 0;
    pick_refactored: 0 0 0 1;
    pick_changed: 0 0 0 2;
    pick_asks_for_others: 0 0 0 4;
    all_changed: 2 2 2 2;
}
