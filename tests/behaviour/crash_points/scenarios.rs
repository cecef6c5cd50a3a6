//! What is done with a store while operations fail: each scenario prepares a folder, and then acts on it.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use flow::prelude::*;
use flow::store::Harm;
use flow::{Entry, Limits, Summary};

use super::pipeline::{Counts, Exported, Given, Lenient, Parts, Release, Report, Scaled, Shared};
use super::world::{World, touch};
use crate::faulty::Faulty;
use crate::support::{in_full, one_file};

const ONE: &str = "one two one";
const TWO: &str = "three four five four";
const THREE: &str = "six";

/// What must still be there after the act, however much of it was done.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Keeps {
    /// Every output, current or earlier.
    All,
    /// The outputs that are complete.
    Complete,
    Nothing,
}

type Prepare = fn(&mut World) -> Result<()>;
/// Acts on the flow of a world, and adds the keys of the instances that were reported as done.
type Act = fn(&World, &Flow, &mut BTreeSet<String>) -> Result<()>;
type Check = fn(&World) -> Result<()>;

pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) prepare: Prepare,
    pub(super) act: Act,
    pub(super) keeps: Keeps,
    /// Checks what holds after the act returned without an error, even if the power is lost then.
    pub(super) done: Check,
    /// Checks everything but the store, and acts again.
    pub(super) again: Check,
    /// What the store was computed from before. Going back to it after a crash runs nothing.
    pub(super) back: Option<&'static str>,
    pub(super) has_links: bool,
    /// Whether an output is damaged before the act.
    pub(super) is_damaged: bool,
}

impl Scenario {
    fn new(name: &'static str, prepare: Prepare, act: Act) -> Self {
        Self {
            name,
            prepare,
            act,
            keeps: Keeps::All,
            done: |_| Ok(()),
            again: |_| Ok(()),
            back: None,
            has_links: true,
            is_damaged: false,
        }
    }

    /// A scenario that runs the pipeline.
    fn run(name: &'static str, prepare: Prepare) -> Self {
        Self { done: is_complete, ..Self::new(name, prepare, run) }
    }

    fn without_links(self) -> Self {
        Self { has_links: false, ..self }
    }

    fn back(self, words: &'static str) -> Self {
        Self { back: Some(words), ..self }
    }
}

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::run("first run", |_| Ok(())),
        Scenario::run("first run without hard links", |_| Ok(())).without_links(),
        Scenario::run("changed data", |world| ran(world, &[ONE], TWO)).back(ONE),
        Scenario::run("changed data without hard links", |world| ran(world, &[ONE], TWO))
            .back(ONE)
            .without_links(),
        Scenario::run("earlier data", |world| ran(world, &[ONE, TWO], ONE)).back(TWO),
        Scenario::run("other parameters", |world| {
            world.run()?;
            world.give(Given { upto: 3, n: 32, ..world.given.clone() })
        }),
        Scenario::run("other release", |world| {
            world.run()?;
            world.give(Given { release: Release::Other, ..world.given.clone() })
        }),
        Scenario::run("lost requirements", |world| {
            world.run()?;
            Ok(world.flow()?.store().clear_task::<Scaled>().map(drop)?)
        }),
        Scenario {
            again: run_lenient,
            ..Scenario::new("a lenient task", World::run_once, |_, flow, _| {
                Ok(flow.run::<Lenient>().map(drop)?)
            })
        },
        Scenario::new(
            "a failing task",
            |world| {
                world.run()?;
                world.give(world.given.clone().bad())
            },
            run_on_a_bad_day,
        ),
        Scenario {
            keeps: Keeps::Complete,
            act: |world, flow, done| {
                let limits = Limits::default().versions(0).bytes(0);
                run(world, &flow.limits(limits), done)
            },
            ..Scenario::run("no versions kept", |world| ran(world, &[ONE, TWO], THREE))
        },
        Scenario {
            act: |world, flow, done| run(world, &flow.force_all(), done),
            ..Scenario::run("forced run", World::run_once)
        },
        Scenario {
            act: |world, flow, done| {
                run(world, &flow.reuse_from(&healthy(world).other("other")?), done)
            },
            ..Scenario::run("reuse of another store", |world| {
                Ok(world.given.run(&world.other("other")?).map(drop)?)
            })
        },
        Scenario::new("sweep", World::run_once, |_, flow, _| {
            Ok(flow.sweep::<Scaled>().over(Scaled::BY, [1, 2, 7]).run().map(drop)?)
        }),
        Scenario::new(
            "preview and load",
            |world| {
                world.run()?;
                touch(&world.store())
            },
            |world, flow, _| {
                world.given.complete(flow)?;
                world.given.load(flow).map(drop)
            },
        ),
        Scenario {
            keeps: Keeps::Nothing,
            done: is_reset,
            ..Scenario::new(
                "resets",
                |world| ran(world, &[ONE, TWO, ONE], ONE),
                |_, flow, _| {
                    flow.reset::<Report>()?;
                    flow.graph::<Report>().reset_downstream::<Counts>()?;
                    flow.store().clear_task::<Parts>()?;
                    flow.graph::<Report>().reset_all()?;
                    Ok(())
                },
            )
        },
        Scenario {
            keeps: Keeps::Nothing,
            done: |world| {
                let stored = world.flow()?.store().list()?;
                ensure!(stored.is_empty(), "it was cleared: {stored:?}");
                is_reset(world)
            },
            ..Scenario::new(
                "clear",
                |world| ran(world, &[ONE], TWO),
                |_, flow, _| {
                    flow.store().clear()?;
                    Ok(())
                },
            )
        },
        Scenario {
            keeps: Keeps::Complete,
            ..Scenario::new("garbage collection", leave_garbage, |world, flow, _| {
                let few = flow.limits(Limits::default().versions(0));
                let gc = few.store().gc().older_than(Duration::ZERO);
                world.given.keep(gc, flow)?.find()?.remove()?;
                Ok(())
            })
        },
        Scenario {
            done: is_complete,
            ..Scenario::new(
                "bless",
                |world| {
                    world.run()?;
                    world.give(Given { release: Release::Equal, ..world.given.clone() })
                },
                |world, flow, _| Ok(world.given.bless(flow)?),
            )
        },
        Scenario {
            keeps: Keeps::Complete,
            is_damaged: true,
            done: |world| {
                let verified = world.flow()?.store().verify()?;
                ensure!(verified.is_whole(), "it was repaired: {verified}");
                Ok(())
            },
            ..Scenario::new("repair", damage, |_, flow, _| {
                let verified = flow.store().verify()?;
                let mut harms = verified.damage().iter().map(|damage| &damage.harm);
                // A file that cannot be read now would be removed, too.
                let is_unreadable = harms.any(|harm| matches!(harm, Harm::Unreadable(_)));
                ensure!(!is_unreadable, "cannot verify everything: {verified}");
                verified.reset()?;
                Ok(())
            })
        },
        Scenario {
            again: push_again,
            ..Scenario::new("push", World::run_once, |world, flow, _| {
                Ok(flow.push::<Shared>(&world.remote()).map(drop)?)
            })
        },
        Scenario {
            done: |world| {
                ensure!(world.flow()?.is_complete::<Shared>()?, "it was pulled");
                Ok(())
            },
            ..Scenario::new(
                "pull",
                |world| {
                    ran(world, &[TWO], ONE)?;
                    let other = world.other("other")?;
                    other.run::<Shared>()?;
                    Ok(other.push::<Shared>(&world.remote()).map(drop)?)
                },
                |world, flow, _| Ok(flow.pull::<Shared>(&world.remote()).map(drop)?),
            )
        },
        Scenario { again: export_again, ..Scenario::new("export", World::run_once, export) },
        Scenario {
            again: export_again,
            ..Scenario::new(
                "export of changed outputs",
                |world| {
                    world.run()?;
                    export(world, &world.flow()?, &mut BTreeSet::new())?;
                    // One of the exported files is not written again.
                    ran(world, &[], TWO)?;
                    world.give(Given { upto: 1, ..world.given.clone() })?;
                    world.run()
                },
                export,
            )
        },
        Scenario {
            done: |world| {
                let mut earlier = world.clone();
                earlier.give(Given::new(ONE))?;
                let flow = earlier.flow()?;
                ensure!(flow.is_complete::<Exported>()?, "it was imported");
                let summary = flow.run::<Exported>()?;
                ensure!(summary.ran().is_empty(), "it was imported: {summary}");
                earlier.given.load_exported(&flow)?;
                world.given.write(&world.folder)
            },
            ..Scenario::new(
                "import of earlier outputs",
                |world| {
                    let other = world.other("other")?;
                    world.given.run(&other)?;
                    other.graph::<Exported>().export(world.exported())?;
                    ran(world, &[TWO], TWO)
                },
                |world, flow, _| Ok(flow.import(world.exported()).map(drop)?),
            )
        },
    ]
}

/// The words that a world begins with.
pub(super) fn first() -> Given {
    Given::new(ONE)
}

impl World {
    fn run_once(world: &mut Self) -> Result<()> {
        world.run()
    }
}

/// Returns the same world with a file system without faults.
fn healthy(world: &World) -> World {
    World { fs: Faulty::new(), ..world.clone() }
}

/// Runs the pipeline with each of these words, and then gives it others.
fn ran(world: &mut World, words: &[&str], then: &str) -> Result<()> {
    for words in words {
        world.give(Given { words: (*words).to_owned(), ..world.given.clone() })?;
        world.run()?;
    }
    world.give(Given { words: then.to_owned(), ..world.given.clone() })
}

fn run(world: &World, flow: &Flow, done: &mut BTreeSet<String>) -> Result<()> {
    match world.given.run(flow) {
        Ok(summary) => {
            add_done(&summary, done);
            Ok(())
        }
        Err(flow::Error::Failed(summary)) => {
            add_done(&summary, done);
            check_failures(summary.failed())?;
            bail!("cannot run everything: {summary}")
        }
        Err(error) => Err(error.into()),
    }
}

fn add_done(summary: &Summary, done: &mut BTreeSet<String>) {
    let entries = summary.ran().into_iter().chain(summary.reused());
    done.extend(entries.map(|entry| entry.instance.key().to_string()));
}

fn check_failures(failed: impl IntoIterator<Item = Entry>) -> Result<()> {
    for entry in failed {
        let error = entry.error.unwrap_or_default();
        ensure!(is_reported(&error), "{} fails with another error: {error}", entry.instance);
    }
    Ok(())
}

/// Returns whether an error says that an operation of a file system failed.
pub(super) fn is_reported(error: &str) -> bool {
    ["cannot ", "removed", "permission denied", "no storage", "Input/output error"]
        .iter()
        .any(|word| error.contains(word))
}

fn run_on_a_bad_day(world: &World, flow: &Flow, done: &mut BTreeSet<String>) -> Result<()> {
    let result = world.given.run(flow);
    let Err(flow::Error::Failed(summary)) = result else {
        return match result {
            Ok(summary) => bail!("Moody does not fail: {summary}"),
            Err(error) => Err(error.into()),
        };
    };
    add_done(&summary, done);
    let failed = summary.failed();
    let is_bad = |entry: &Entry| entry.error.as_deref() == Some("it is a bad day");
    if failed.len() == 1 && failed[0].task() == "Moody" && is_bad(&failed[0]) {
        return Ok(());
    }
    check_failures(failed.into_iter().filter(|entry| !is_bad(entry)))?;
    bail!("cannot run everything: {summary}")
}

fn is_complete(world: &World) -> Result<()> {
    let flow = world.flow()?;
    ensure!(world.given.is_complete(&flow)?, "the run succeeded, and it is not complete");
    Ok(())
}

/// Asserts that the output of a task that continues after failures is right if it is complete.
fn run_lenient(world: &World) -> Result<()> {
    let flow = world.flow()?;
    match flow.load::<Lenient>() {
        Ok(found) => ensure!(*found == world.given.lenient(), "{found:?} counts as complete"),
        Err(flow::Error::NotComplete { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    ensure!(*flow.get::<Lenient>()? == world.given.lenient(), "it has another value");
    Ok(())
}

/// Asserts that what was reset runs again and reuses nothing.
fn is_reset(world: &World) -> Result<()> {
    let summary = world.given.run(&world.flow()?).map_err(|error| anyhow!(in_full(error)))?;
    ensure!(summary.reused().is_empty(), "it was reset: {summary}");
    let ran: BTreeSet<_> = summary.ran().iter().map(|entry| entry.task().to_owned()).collect();
    for task in ["Counts", "Parts", "Scaled", "Search", "Tens", "Squared", "Report"] {
        ensure!(ran.contains(task), "{task} was reset and does not run: {summary}");
    }
    Ok(())
}

/// Leaves earlier versions, instances that no root requires, and a file of a dead process.
fn leave_garbage(world: &mut World) -> Result<()> {
    ran(world, &[ONE, TWO], TWO)?;
    let given = world.given.clone();
    world.give(Given { upto: 4, n: 99, ..given.clone() })?;
    world.run()?;
    let output = "Tens/0123456789abcdef/data-0123456789abcdef-0123456789abcdef.json";
    let output = world.store().join(output);
    fs::create_dir_all(output.parent().context("a folder")?)?;
    fs::write(output, "x")?;
    world.give(given)
}

/// Damages two outputs.
fn damage(world: &mut World) -> Result<()> {
    world.run()?;
    for (folder, ends) in [("Counts", ".parquet"), ("texts", "last")] {
        let starts = if ends == "last" { "last" } else { "data-" };
        fs::write(one_file(&world.store().join(folder), starts, ends), "damaged")?;
    }
    Ok(())
}

fn export(world: &World, flow: &Flow, _: &mut BTreeSet<String>) -> Result<()> {
    Ok(flow.graph::<Exported>().export(world.exported()).map(drop)?)
}

/// Asserts that nothing wrong is imported, exports again, and imports all of it.
fn export_again(world: &World) -> Result<()> {
    let between = world.other("between")?;
    match between.import(world.exported()) {
        Ok(_) | Err(flow::Error::NoExport { .. }) => {}
        // A file was replaced, and the manifest was not.
        Err(error) => {
            let error = in_full(error);
            ensure!(error.contains("is damaged: "), "{error}");
        }
    }
    ensure!(between.store().verify()?.is_whole(), "damage was imported");
    world.given.load(&between)?;

    export(world, &world.flow()?, &mut BTreeSet::new())?;
    ensure!(!world.exported().join(".exporting.json").exists(), "the journal is left");
    let after = world.other("after")?;
    after.import(world.exported())?;
    world.given.load_exported(&after).context("not everything was exported")
}

/// Asserts that the remote has whole outputs, pushes again, and pulls all of it.
fn push_again(world: &World) -> Result<()> {
    let between = world.other("between")?;
    match between.pull::<Shared>(&world.remote()) {
        Ok(_) | Err(flow::Error::NoRemote { .. }) => {}
        Err(error) => bail!("the remote is damaged: {}", in_full(error)),
    }
    ensure!(between.store().verify()?.is_whole(), "damage was pulled");
    world.given.load(&between)?;

    world.flow()?.push::<Shared>(&world.remote())?;
    between.pull::<Shared>(&world.remote())?;
    ensure!(between.is_complete::<Shared>()?, "not everything was pushed");
    world.given.load(&between).map(drop)
}
