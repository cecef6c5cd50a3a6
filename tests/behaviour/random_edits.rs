//! Whatever changes, in whatever order: what is there after a run is what a run from nothing gives,
//! and nothing ran whose output was known.
//!
//! Random graphs, with conditional requirements and requirements for each item of a list, are run
//! and changed at random: parameters, files, the code of each task, and what lies in the store.
//! After each run all outputs are compared with those of the same flow in an empty store.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use flow::prelude::*;
use flow::{Event, Instance, Status, Summary};

use crate::faulty::Faulty;
use crate::random_graph::scramble;
use crate::support::{faulty_flow, files_below};

/// How many files are read.
const FILES: u64 = 3;

/// The files that a task reads.
fn files(folder: &Path, graph: u64, id: u64) -> Vec<PathBuf> {
    let random = scramble(graph * 31 + id);
    (0..random % 3).map(|i| folder.join(format!("{}.txt", scramble(random + i) % FILES))).collect()
}

/// The tasks before it that a task requires.
fn before(graph: u64, id: u64) -> Vec<u64> {
    let random = scramble(graph * 1_000_003 + id);
    if id == 0 { Vec::new() } else { (0..random % 3).map(|i| scramble(random + i) % id).collect() }
}

/// Whether a task reads the first file as well.
fn has_extra(graph: u64, id: u64) -> bool {
    scramble(graph + (id << 7)).is_multiple_of(3)
}

/// What a flow is asked for, besides the code.
#[derive(Clone, Debug)]
struct Settings {
    graph: u64,
    width: u64,
    scale: u64,
    offset: u64,
}

type Reset = fn(&Flow) -> Result<(), flow::Error>;

/// The same tasks with certain versions of their code.
struct Generation {
    flow: fn(&Flow, &Path, &Settings) -> Flow,
    run: fn(&Flow) -> Result<Summary, flow::Error>,
    load: fn(&Flow) -> Result<Vec<u64>>,
    instances: fn(&Flow) -> Result<Vec<Instance>, flow::Error>,
    resets: [Reset; 4],
}

/// Tasks whose code has these versions. With versions 0 and 1 the outputs are the same.
macro_rules! generations {
    ($($module:ident: $read:literal $mix:literal $sum:literal;)*) => {
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
                    // Few values, so that much comes out the same.
                    Ok(mixed % 5)
                }
            }

            #[derive(Task)]
            #[task(requires = [Mix { id } for id in 0..self.width], target = Json<Vec<u64>>)]
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
                    let mixed = cx.input().iter().map(|mix| Ok(*mix.load()?));
                    let mixed: Vec<u64> = mixed.collect::<Result<_>>()?;
                    Ok(mixed.into_iter().map(|value| value + self.offset + $sum / 2).collect())
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
                instances: |flow| flow.upstream::<Sum>(),
                resets: [
                    |flow| flow.reset::<Sum>().map(drop),
                    |flow| flow.reset_upstream::<Sum>().map(drop),
                    |flow| flow.reset_every::<Mix>().map(drop),
                    |flow| flow.reset_every::<Read>().map(drop),
                ],
            };
        })*

        const GENERATIONS: &[Generation] = &[$($module::GENERATION),*];
    };
}

generations! {
    first: 0 0 0;
    read_refactored: 1 0 0;
    read_changed: 2 0 0;
    mix_refactored: 0 1 0;
    mix_changed: 0 2 0;
    sum_refactored: 0 0 1;
    all_changed: 2 2 2;
}

/// Random numbers, the same for each seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 += 1;
        scramble(self.0) % end
    }
}

/// What a record says an output is made from.
type MadeFrom = (String, String, String);

/// A store that is changed and run, and what the runs must not have to do again.
struct World {
    seed: u64,
    random: Random,
    folder: tempfile::TempDir,
    settings: Settings,
    generation: usize,
    /// What was reset, and so is to be made again although another instance has the same.
    taken_back: BTreeSet<MadeFrom>,
    steps: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Result<Self> {
        let mut random = Random(seed << 20);
        let settings = Settings {
            graph: random.below(1 << 30),
            width: 1 + random.below(5),
            scale: 1,
            offset: 0,
        };
        let folder = tempfile::tempdir()?;
        let (taken_back, steps) = (BTreeSet::new(), Vec::new());
        let mut world = Self { seed, random, folder, settings, generation: 0, taken_back, steps };
        for file in 0..FILES {
            world.write(file)?;
        }
        Ok(world)
    }

    fn write(&mut self, file: u64) -> Result<()> {
        let content = self.random.below(4).to_string();
        fs::write(self.folder.path().join(format!("{file}.txt")), content)?;
        Ok(())
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The flow as it is now, with a store in that folder, which is opened anew.
    fn flow(&self, folder: &Path) -> Result<Flow> {
        let flow = faulty_flow(folder, &Faulty::new())?.keep_versions(usize::MAX);
        Ok((GENERATIONS[self.generation].flow)(&flow, self.folder.path(), &self.settings))
    }

    /// Changes something.
    fn edit(&mut self) -> Result<()> {
        let what = self.random.below(9);
        self.steps.push(format!("edit {what}"));
        match what {
            0 | 1 => {
                let file = self.random.below(FILES);
                self.write(file)?;
            }
            2 | 3 => self.generation = self.random.below(GENERATIONS.len() as u64) as usize,
            4 => self.settings.scale = 1 + self.random.below(3),
            5 => self.settings.offset = self.random.below(2),
            6 => self.settings.width = 1 + self.random.below(5),
            7 => self.reset()?,
            _ => self.lose()?,
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<()> {
        let known = self.known()?;
        let flow = self.flow(self.folder.path())?;
        let reset = self.random.below(4) as usize;
        (GENERATIONS[self.generation].resets[reset])(&flow)?;
        let left = self.known()?;
        let gone = known.into_iter().filter(|(record, _)| !left.contains_key(record));
        self.taken_back.extend(gone.map(|(_, made_from)| made_from));
        Ok(())
    }

    /// Removes a file of an output.
    fn lose(&mut self) -> Result<()> {
        let outputs = files_below(&self.store()).into_iter().filter(|path| is_output(path));
        let outputs: Vec<_> = outputs.collect();
        if !outputs.is_empty() {
            let lost = self.random.below(outputs.len() as u64) as usize;
            fs::remove_file(&outputs[lost])?;
        }
        Ok(())
    }

    /// What there are whole outputs of, by the paths of their records.
    fn known(&self) -> Result<BTreeMap<PathBuf, MadeFrom>> {
        let files = files_below(&self.store());
        let mut known = BTreeMap::new();
        let is_record = |path: &&PathBuf| {
            path.ends_with("record.json")
                || path.components().any(|part| part.as_os_str() == "versions")
        };
        for path in files.iter().filter(is_record) {
            let record: serde_json::Value = serde_json::from_slice(&fs::read(path)?)?;
            let outputs = record["output"]["files"].as_array().context("the files of a record")?;
            let names = outputs.iter().map(|output| output["file"].as_str().unwrap_or_default());
            // A file is of one instance's folder alone: its name is unique.
            if names.into_iter().all(|name| files.iter().any(|file| file.ends_with(name))) {
                known.insert(path.clone(), made_from(&record));
            }
        }
        Ok(known)
    }

    fn run(&mut self) -> Result<()> {
        let known: BTreeSet<_> = self.known()?.into_values().collect();
        let workers = 1 + self.random.below(3) as usize;
        let flow = self.flow(self.folder.path())?.workers(workers);
        let stop_after = match self.random.below(4) {
            0 => self.random.below(8) as usize,
            _ => usize::MAX,
        };
        let (settled, stopper) = (AtomicUsize::new(0), flow.stopper());
        let flow = flow.observe(move |event| {
            if matches!(event, Event::Settled { .. })
                && settled.fetch_add(1, Ordering::SeqCst) == stop_after
            {
                stopper.stop();
            }
        });
        self.steps.push(format!(
            "run {:?} of generation {} on {workers} workers, stopped after {stop_after}",
            self.settings, self.generation
        ));
        let generation = &GENERATIONS[self.generation];
        let (summary, is_over) = match (generation.run)(&flow) {
            Ok(summary) => (summary, true),
            Err(flow::Error::Failed(summary)) => (*summary, false),
            Err(error) => return Err(error.into()),
        };
        for entry in summary.ran() {
            let record = entry.instance.folder()?.join("record.json");
            let made_from = made_from(&serde_json::from_slice(&fs::read(record)?)?);
            let is_taken_back = self.taken_back.remove(&made_from);
            ensure!(
                is_taken_back || !known.contains(&made_from),
                "{} ran, and what it gives was known",
                entry.instance
            );
        }
        if !is_over {
            let errors = summary.failed();
            ensure!(errors.is_empty(), "{:?}", errors[0].error);
            return Ok(());
        }
        let nothing = tempfile::tempdir()?;
        let from_nothing = self.flow(nothing.path())?;
        (generation.run)(&from_nothing)?;
        ensure!((generation.load)(&flow)? == (generation.load)(&from_nothing)?, "another sum");
        let instances = (generation.instances)(&flow)?.into_iter();
        for (is, expected) in instances.zip((generation.instances)(&from_nothing)?) {
            ensure!(is.key() == expected.key(), "{is} stands where {expected} is expected");
            // An output that is gone is made again when somebody needs it.
            ensure!(
                is.status() == Status::Evicted || content(&is)? == content(&expected)?,
                "{is} is {:?}, and not what a run from nothing gives",
                is.status()
            );
        }
        let again = (generation.run)(&self.flow(self.folder.path())?)?;
        ensure!(again.ran().is_empty(), "a second run did something: {again}");
        Ok(())
    }
}

fn made_from(record: &serde_json::Value) -> MadeFrom {
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    (text("task"), text("fingerprint"), record["reads"].to_string())
}

/// The digest of a complete instance's output.
fn content(instance: &Instance) -> Result<String> {
    ensure!(instance.is_complete(), "{instance} is not complete");
    let record = fs::read(instance.folder()?.join("record.json"))?;
    let record: serde_json::Value = serde_json::from_slice(&record)?;
    Ok(record["output"]["digest"].to_string())
}

fn is_output(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("data-"))
}

fn holds_for(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut world = World::new(seed).expect("a world");
        for _ in 0..6 {
            let result = world
                .run()
                .and_then(|()| (0..1 + world.random.below(2)).try_for_each(|_| world.edit()));
            if let Err(error) = result {
                panic!("seed {}: {error:#}, after {:#?}", world.seed, world.steps);
            }
        }
    }
}

#[test]
fn seeds_up_to_250() {
    holds_for(0..250);
}

#[test]
fn seeds_up_to_500() {
    holds_for(250..500);
}

#[test]
fn seeds_up_to_750() {
    holds_for(500..750);
}

#[test]
fn seeds_up_to_1000() {
    holds_for(750..1000);
}
