//! Every crash point: at each operation of a file system, the operation fails, the process dies or the power is lost.
//! Nothing is corrupt, stale or lost then, and the next run continues.
//!
//! A *point* is a [scenario](scenarios), what happens, and the number of the operation at which it happens. CI checks a
//! sample of the points; with `FLOW_TEST_ALL` all of them are checked. `FLOW_TEST_SEED` chooses another sample, and other
//! random losses of power. A failure is printed as `FLOW_TEST_POINT=...`, which checks that point alone. The beginning of
//! a name checks all such points, as in `FLOW_TEST_POINT="changed data, PowerLoss"`.
//!
//! Tasks run on one worker. Still, the committer may take larger or smaller groups each time, so that the operation
//! with a number is not always the same.

pub(crate) mod pipeline;
mod scenarios;
pub(crate) mod world;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flow::prelude::*;

use self::scenarios::{Keeps, Scenario, first, is_reported, scenarios};
use self::world::{Stored, World, copy_folder};
use crate::faulty::power_loss::Dice;
use crate::faulty::{Fault, Faulty, Loss, Op};
use crate::support::in_full;

/// The number of points that CI checks.
const SAMPLE: usize = 200;

/// The time after which an act counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// What happens at an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// The disk is broken, `EIO`, at this operation.
    Broken,
    /// The operation is not permitted, `EACCES`.
    Denied,
    /// The disk is full, `ENOSPC`, from this operation on.
    Full,
    /// The process dies in the middle of the operation.
    CrashBefore,
    /// The process dies after the operation.
    CrashAfter,
    /// The power is lost before the operation.
    PowerLoss(Loss),
}

const KINDS: [Kind; 8] = [
    Kind::Broken,
    Kind::Denied,
    Kind::Full,
    Kind::CrashBefore,
    Kind::CrashAfter,
    Kind::PowerLoss(Loss::Everything),
    Kind::PowerLoss(Loss::Contents),
    Kind::PowerLoss(Loss::Random(1)),
];

impl Kind {
    /// Returns whether it can happen at an operation.
    ///
    /// A full disk fails only operations that change files. A crash leaves the same before and after an operation
    /// that changes nothing.
    fn counts(self, op: Op) -> bool {
        matches!(self, Self::Broken | Self::Denied) || op.changes()
    }

    /// Returns whether nothing happens after the operation.
    fn ends(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter | Self::PowerLoss(_))
    }

    /// Returns how the operation `n` fails if this happens at operation `at`.
    fn fault(self, n: u64, at: u64) -> Option<Fault> {
        let full = Fault::Half(ErrorKind::StorageFull);
        match self {
            Self::Broken => (n == at).then_some(Fault::Broken),
            Self::Denied => (n == at).then_some(Fault::Refuse(ErrorKind::PermissionDenied)),
            Self::Full | Self::CrashBefore | Self::PowerLoss(_) => (n >= at).then_some(full),
            Self::CrashAfter => (n > at).then_some(full),
        }
    }
}

/// A point: what happens at which operation.
struct Point {
    kind: Kind,
    at: u64,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.kind, self.at)
    }
}

/// A scenario after its preparation, which is copied for each point.
struct Prepared<'a> {
    scenario: &'a Scenario,
    /// The world in which the scenario acts. Its folder is a copy of `folder/prepared`.
    world: World,
    /// The keys of the instances that are complete before the act.
    complete: BTreeSet<String>,
    before: Stored,
    folder: tempfile::TempDir,
}

/// What an act did before something happened.
struct Acted {
    /// The flow, if it could be opened.
    flow: Option<Flow>,
    /// The keys of the instances that were reported as done.
    done: BTreeSet<String>,
    result: Result<(), String>,
}

impl<'a> Prepared<'a> {
    fn new(scenario: &'a Scenario) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut world = World::new(folder.path().join("world"), first());
        fs::create_dir(&world.folder)?;
        world.give(first())?;
        refuse_links(&world.fs, scenario);
        (scenario.prepare)(&mut world)?;
        let complete = match world.store().exists() {
            true => world.given.complete(&world.flow()?)?,
            false => BTreeSet::new(),
        };
        let before = Stored::of(&world.store());
        fs::rename(&world.folder, folder.path().join("prepared"))?;
        Ok(Self { scenario, world, complete, before, folder })
    }

    /// Returns the prepared world with a file system of its own.
    fn restore(&self) -> Result<World> {
        if self.world.folder.exists() {
            fs::remove_dir_all(&self.world.folder)?;
        }
        copy_folder(&self.folder.path().join("prepared"), &self.world.folder)?;
        Ok(World { fs: Faulty::new(), ..self.world.clone() })
    }

    /// Returns the number of operations of an act without faults, and of those that change something.
    fn count(&self) -> Result<(u64, u64)> {
        let world = self.restore()?;
        let counts = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let counted = Arc::clone(&counts);
        let has_links = self.scenario.has_links;
        world.fs.fail(move |_, op, _| {
            counted.0.fetch_add(1, Ordering::SeqCst);
            counted.1.fetch_add(u64::from(op.changes()), Ordering::SeqCst);
            refused_link(op, has_links)
        });
        let acted = self.act(&world, 1)?;
        drop(acted.flow);
        acted.result.map_err(|error| anyhow!("without faults: {error}"))?;
        Ok((counts.0.load(Ordering::SeqCst), counts.1.load(Ordering::SeqCst)))
    }

    /// Returns all points.
    fn points(&self) -> Result<Vec<Point>> {
        let (all, changes) = self.count()?;
        let mut points = Vec::new();
        for kind in KINDS {
            let end = match kind {
                Kind::Broken | Kind::Denied => all,
                // The power may be lost right after the act.
                Kind::PowerLoss(_) => changes + 1,
                _ => changes,
            };
            points.extend((0..end).map(|at| Point { kind, at }));
        }
        Ok(points)
    }

    /// Acts in another thread, and fails if that panics or does not end.
    fn act(&self, world: &World, workers: usize) -> Result<Acted> {
        let (done, is_done) = channel();
        let (world, act) = (world.clone(), self.scenario.act);
        std::thread::spawn(move || {
            let acted = catch_unwind(AssertUnwindSafe(|| {
                let mut done = BTreeSet::new();
                let (flow, result) = match world.flow() {
                    Ok(flow) => {
                        let flow = flow.workers(workers);
                        let result = act(&world, &flow, &mut done).map_err(in_full);
                        (Some(flow), result)
                    }
                    Err(error) => (None, Err(in_full(error))),
                };
                Acted { flow, done, result }
            }));
            let _ = done.send(acted);
        });
        match is_done.recv_timeout(PATIENCE) {
            Ok(Ok(acted)) => Ok(acted),
            Ok(Err(_)) => bail!("it panics"),
            Err(_) => bail!("it hangs"),
        }
    }

    /// Acts until something happens at a point, and checks what is left.
    fn check(&self, point: &Point, seed: u64) -> Result<()> {
        let Point { kind, at } = *point;
        let mut world = self.restore()?;
        if let Kind::PowerLoss(_) = kind {
            world.fs.watch(&world.folder);
        }
        let (counted, has_links) = (AtomicU64::new(0), self.scenario.has_links);
        let happened: Arc<Mutex<Option<String>>> = Arc::default();
        let note = Arc::clone(&happened);
        world.fs.fail(move |_, op, path| {
            if kind.counts(op) {
                let n = counted.fetch_add(1, Ordering::SeqCst);
                if n == at {
                    *note.lock().expect("no panic") = Some(format!("{op:?} {}", path.display()));
                }
                let fault = kind.fault(n, at);
                if fault.is_some() {
                    return fault;
                }
            }
            refused_link(op, has_links)
        });
        let workers = if kind.ends() { 1 } else { 1 + at as usize % 2 };
        let mut acted = self.act(&world, workers)?;
        if kind.ends() {
            // What the flow does at its end fails as well.
            acted.flow = None;
        }
        if let (Kind::PowerLoss(loss), Some(unsynced)) = (kind, world.fs.take_unsynced()) {
            let loss = match loss {
                Loss::Random(n) => Loss::Random(seed ^ (at * 8 + n)),
                loss => loss,
            };
            let lost = self.folder.path().join("lost");
            unsynced.lose(loss, &lost)?;
            fs::remove_dir_all(&world.folder)?;
            fs::rename(lost, &world.folder)?;
        }
        refuse_links(&world.fs, self.scenario);
        let happened = happened.lock().expect("no panic").take();
        let checked = self.check_left(&mut world, acted, point);
        checked.with_context(|| happened.unwrap_or_else(|| "no operation".to_owned()))
    }

    /// Checks what is left in a world, and that the next run continues.
    fn check_left(&self, world: &mut World, acted: Acted, point: &Point) -> Result<()> {
        let Self { scenario, complete: before, .. } = self;
        if let Err(error) = &acted.result {
            ensure!(is_reported(error), "it fails with another error: {error}");
        }
        // The next process reports and removes damage that was there before.
        if scenario.is_damaged {
            world.flow()?.store().verify()?.reset()?;
        }
        let complete = world.check()?;
        self.check_kept(&Stored::of(&world.store()), &acted)?;
        if scenario.keeps != Keeps::Nothing
            && let Some(lost) = before.iter().find(|key| !complete.contains(*key))
        {
            bail!("{lost} was complete and is not");
        }
        if acted.result.is_ok() {
            (scenario.done)(world).context("the act returned without an error")?;
        }
        (scenario.again)(world).context("after the act was repeated")?;
        world.give(first_mood(&world.given))?;
        if let Some(flow) = acted.flow {
            // The same process goes on.
            world.given.run(&flow).map_err(|error| anyhow!("the next run: {}", in_full(error)))?;
            world.given.check_everything(&flow)?;
        }
        world.recover(&complete)?;
        if point.at % 4 == 1 {
            world.check_nothing_is_left()?;
        }
        if let Some(words) = scenario.back.filter(|_| point.at.is_multiple_of(4)) {
            world.give(pipeline::Given { words: words.to_owned(), ..world.given.clone() })?;
            let is_indexed = matches!(point.kind, Kind::CrashBefore | Kind::CrashAfter);
            if is_indexed {
                world.check_nothing_runs().context("after going back")?;
            }
            world.recover(&world.check()?).context("after going back")?;
        }
        Ok(())
    }

    /// Asserts that what was there before, or was reported as done, is still there.
    fn check_kept(&self, stored: &Stored, acted: &Acted) -> Result<()> {
        let current = stored.current();
        if let Some(lost) = acted.done.iter().find(|key| !current.contains(key.as_str())) {
            bail!("{lost} was reported as done and is lost");
        }
        if self.scenario.keeps == Keeps::All {
            let kept = stored.kept();
            let before = self.before.kept();
            let lost = before.iter().find(|record| !kept.contains(*record));
            ensure!(lost.is_none(), "an earlier output is lost: {lost:?}");
        }
        Ok(())
    }
}

/// Returns the same on a good day.
fn first_mood(given: &pipeline::Given) -> pipeline::Given {
    pipeline::Given { mood: first().mood, ..given.clone() }
}

fn refused_link(op: Op, has_links: bool) -> Option<Fault> {
    (op == Op::Link && !has_links).then_some(Fault::Refuse(ErrorKind::Unsupported))
}

/// Refuses hard links if the scenario has none, and nothing else.
fn refuse_links(fs: &Faulty, scenario: &Scenario) {
    let has_links = scenario.has_links;
    fs.fail(move |_, op, _| refused_link(op, has_links));
}

/// The result of checking points.
#[derive(Default)]
struct Total {
    points: usize,
    operations: u64,
    checked: usize,
    failures: Vec<String>,
}

/// Returns whether a point has this name, or one that begins with it. The number at its end is whole.
fn is_named(point: &str, name: &str) -> bool {
    let rest = point.strip_prefix(name);
    rest.is_some_and(|rest| !(name.ends_with(digit) && rest.starts_with(digit)))
}

fn digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Checks the points of a scenario: all of them, a sample of `count`, or those with this name.
fn check_scenario(
    scenario: &Scenario,
    (count, seed): (Option<usize>, u64),
    only: Option<&str>,
    total: &Mutex<Total>,
) -> Result<()> {
    let is_other =
        |only: &str| !only.starts_with(scenario.name) && !scenario.name.starts_with(only);
    if only.is_some_and(is_other) {
        return Ok(());
    }
    let prepared = Prepared::new(scenario)?;
    let points = prepared.points()?;
    {
        let mut total = total.lock().expect("no panic");
        total.points += points.len();
        total.operations += points.iter().filter(|point| point.kind == Kind::Broken).count() as u64;
    }
    let mut dice = Dice(seed);
    let chosen: Vec<&Point> = match count {
        Some(count) => (0..count).map(|_| &points[dice.below(points.len())]).collect(),
        None => points.iter().collect(),
    };
    let (begun, mut points_checked, mut failed) = (Instant::now(), 0, 0);
    for point in chosen {
        let name = format!("{}, {point}", scenario.name);
        if only.is_some_and(|only| !is_named(&name, only)) {
            continue;
        }
        let checked = catch_unwind(AssertUnwindSafe(|| prepared.check(point, seed)));
        let error = match checked {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(in_full(error)),
            Err(_) => Some("it panics".to_owned()),
        };
        points_checked += 1;
        failed += usize::from(error.is_some());
        let failure =
            error.map(|error| format!("FLOW_TEST_SEED={seed} FLOW_TEST_POINT=\"{name}\": {error}"));
        total.lock().expect("no panic").failures.extend(failure);
    }
    total.lock().expect("no panic").checked += points_checked;
    eprintln!(
        "{}: {points_checked} points in {:.1?}, {failed} fail",
        scenario.name,
        begun.elapsed()
    );
    Ok(())
}

#[test]
fn nothing_is_corrupt_stale_or_lost_at_any_point() {
    let begun = Instant::now();
    let var = |name: &str| std::env::var(name).ok();
    let seed = var("FLOW_TEST_SEED").and_then(|seed| seed.parse().ok()).unwrap_or(14);
    let only = var("FLOW_TEST_POINT");
    let scenarios = scenarios();
    let is_sample = var("FLOW_TEST_ALL").is_none() && only.is_none();
    let count = is_sample.then_some(SAMPLE.div_ceil(scenarios.len()));
    let (total, next) = (Mutex::new(Total::default()), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let checked = check_scenario(scenario, (count, seed), only.as_deref(), &total);
                    if let Err(error) = checked {
                        let failure = format!("{}: {}", scenario.name, in_full(error));
                        total.lock().expect("no panic").failures.push(failure);
                    }
                }
            });
        }
    });
    let Total { points, operations, checked, failures } = total.into_inner().expect("no panic");
    // Not `println`, so that it is shown for a test that succeeds.
    let result = writeln!(
        std::io::stderr(),
        "RESULT crash_points points={points} checked={checked} kinds={} scenarios={} operations={operations} \
         seed={seed} seconds={:.1}",
        KINDS.len(),
        scenarios.len(),
        begun.elapsed().as_secs_f64(),
    );
    result.expect("a standard error");
    assert!(checked > 0, "there is no such point");
    let shown = failures.iter().take(200).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} points fail:\n{shown}", failures.len());
}
