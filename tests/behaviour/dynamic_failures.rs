//! Dynamic requirements that fail, are stopped, or require the task itself.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flow::Stopper;
use flow::error::{RequireError, RequireErrorKind};
use flow::prelude::*;

use crate::faulty::Faulty;
use crate::support::{ends, failed, failure, faulty_flow, flow, in_full, not_run, preview, ran};

/// The number of attempts of the `Fragile` tasks of one test, those with `bad == 3`.
static TRIED: AtomicU64 = AtomicU64::new(0);

#[derive(Task)]
#[task(target = Json<u64>)]
struct Fragile {
    n: u64,
    #[param(default = 0)]
    bad: u64,
}

runs!(Fragile: u64 = |self, _cx| {
    TRIED.fetch_add(u64::from(self.bad == 3), Ordering::SeqCst);
    ensure!(self.n != self.bad, "{} is bad", self.n);
    assert!(self.n != self.bad + 1, "{} is worse", self.n);
    Ok(self.n)
});

/// Handles failures of its requirements.
#[derive(Task)]
#[task(target = Json<Vec<String>>)]
struct Tolerant {
    #[param(default = 2)]
    bad: u64,
}

runs!(Tolerant: Vec<String> = |self, cx| {
    let all = cx.over(Fragile::N, 1..=4).require_each::<Fragile>();
    all.into_iter()
        .map(|one| match one {
            Ok(one) => Ok(one.load()?.to_string()),
            Err(error) => Ok(in_full(error)),
        })
        .collect()
});

/// Does not handle failures.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Strict;

runs!(Strict: u64 = |self, cx| {
    Ok(cx.over(Fragile::N, 1..=4).with(Fragile::BAD, 2).require::<Fragile>()?.len() as u64)
});

/// Requires a grid that sets a parameter twice, and handles the error.
#[derive(Task)]
#[task(target = Json<String>)]
struct SetTwice;

runs!(SetTwice: String = |self, cx| {
    let each = cx.over(Fragile::N, 1..3).over(Fragile::N, 1..3).require_each::<Fragile>();
    let [Err(error)] = &each[..] else { bail!("{} results", each.len()) };
    Ok(error.to_string())
});

#[test]
fn a_grid_that_sets_a_parameter_twice_is_refused() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<SetTwice>()?), ["SetTwice"]);
    // As after any failed requirement, the output is not complete.
    assert!(!flow.is_complete::<SetTwice>()?);
    assert_eq!(ran(&flow.run::<SetTwice>()?), ["SetTwice"]);
    Ok(())
}

#[test]
fn a_failure_is_an_error_of_the_task_that_requires_it() -> Result<()> {
    for workers in [1, 3] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        let summary = failure(flow.run::<Strict>());
        assert_eq!(failed(&summary), ["Fragile", "Fragile", "Strict"]);
        assert_eq!(ran(&summary), ["Fragile", "Fragile"]);
        let text = summary.to_string();
        assert!(text.contains("Fragile {n: 2, bad: 2}: 2 is bad"), "{text}");
        let panicked = "Fragile {n: 3, bad: 2}: it panicked: 3 is worse";
        assert!(crate::support::without_places(&text).contains(panicked), "{text}");
        let strict = "Strict: cannot require Fragile {n: 2, bad: 2}: it failed: 2 is bad";
        assert!(text.contains(strict), "{text}");
        assert!(preview::<Strict>(&flow).contains("failed last time: cannot require Fragile"));
    }
    Ok(())
}

#[test]
fn an_output_computed_despite_a_failure_is_never_complete() -> Result<()> {
    let (flow, _folder) = flow();
    // `Fragile::bad` is 0, because the default of `Tolerant::bad` is not inherited; so the first
    // instance panics.
    let summary = flow.run::<Tolerant>()?;
    assert_eq!(failed(&summary), ["Fragile"]);
    let text = in_full(flow.load::<Tolerant>().expect_err("it is not complete"));
    let why = "Tolerant {bad: 2} is not complete (in run: Fragile {n: 1, bad: 0} failed)";
    assert!(text.starts_with(why), "{text}");

    let flow = flow.with(Tolerant::BAD, 3);
    let summary = flow.run::<Tolerant>()?;
    assert_eq!(failed(&summary), ["Fragile", "Fragile"]);
    assert!(!flow.is_complete::<Tolerant>()?);
    // Failed requirements are tried again in each run, and successful ones are not.
    TRIED.store(0, Ordering::SeqCst);
    let summary = flow.run::<Tolerant>()?;
    assert_eq!((ran(&summary), failed(&summary).len()), (vec!["Tolerant".to_owned()], 2));
    assert_eq!(TRIED.load(Ordering::SeqCst), 2);
    Ok(())
}

/// Loads the output of a tolerant task.
#[derive(Task)]
#[task(requires = Tolerant, target = Json<usize>)]
struct AfterTolerant;

runs!(AfterTolerant: usize = |self, cx| Ok(cx.input().load()?.len()));

#[test]
fn an_output_computed_despite_a_failure_is_used_in_the_same_run() -> Result<()> {
    let (flow, _folder) = flow();
    for _ in 0..2 {
        let summary = flow.run::<AfterTolerant>()?;
        assert!(ran(&summary).contains(&"Tolerant".to_owned()), "{summary}");
        assert!(!flow.is_complete::<AfterTolerant>()?);
    }
    Ok(())
}

static WEATHER: AtomicBool = AtomicBool::new(false);

/// Fails after it has read a file.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Moody {
    path: PathBuf,
}

runs!(Moody: u64 = |self, cx| {
    cx.file(&self.path)?;
    ensure!(WEATHER.load(Ordering::SeqCst), "it rains");
    Ok(1)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Patient {
    path: PathBuf,
}

runs!(Patient: u64 = |self, cx| Ok(cx.require::<Moody>().map_or(Ok(0), |m| m.load().map(|n| *n))?));

#[test]
fn a_failed_requirement_is_tried_again_in_each_run() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("sky.txt");
    std::fs::write(&path, "grey")?;
    let flow = flow.with(Patient::PATH, &path);
    assert_eq!(ran(&flow.run::<Patient>()?), ["Patient"]);
    assert!(!flow.is_complete::<Patient>()?);
    assert_eq!(
        preview::<Patient>(&flow)
            .lines()
            .next()
            .unwrap_or_default()
            .rsplit_once("PENDING ")
            .unwrap()
            .1,
        format!("in run: Moody {{path: {}}} failed", path.display())
    );
    WEATHER.store(true, Ordering::SeqCst);
    assert_eq!(ran(&flow.run::<Patient>()?), ["Moody", "Patient"]);
    assert_eq!(*flow.load::<Patient>()?, 1);
    Ok(())
}

#[derive(Task)]
#[task(requires = Fragile { n: 0u64 }, target = Json<u64>)]
struct OnFragile;

runs!(OnFragile: u64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Blocked;

runs!(Blocked: u64 = |self, cx| Ok(*cx.require::<OnFragile>()?.load()?));

#[test]
fn the_error_names_the_upstream_task_that_failed() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = failure(flow.run::<Blocked>());
    assert_eq!(not_run(&summary), ["OnFragile"]);
    let text = summary.to_string();
    let error = "Blocked: cannot require OnFragile: Fragile {n: 0, bad: 0} failed: 0 is bad";
    assert!(text.contains(error), "{text}");
    Ok(())
}

mod stopped {
    use super::*;

    static STOPPER: OnceLock<Stopper> = OnceLock::new();

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Step {
        n: u64,
    }

    runs!(Step: u64 = |self, _cx| {
        if self.n == 2 {
            STOPPER.get().expect("a stopper").stop();
        }
        Ok(self.n)
    });

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Steps {
        ignore: bool,
    }

    runs!(Steps: u64 = |self, cx| {
        let mut sum = 0;
        for n in 0..5u64 {
            match cx.with(Step::N, n).require::<Step>() {
                Ok(step) => sum += *step.load()?,
                Err(RequireError { kind: RequireErrorKind::Stopped, .. }) if self.ignore => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sum)
    });

    #[test]
    fn a_stop_ends_waiting_tasks_and_is_no_failure() -> Result<()> {
        let (flow, _folder) = flow();
        let stopper = STOPPER.get_or_init(|| flow.stopper());
        for workers in [1, 4] {
            flow.store().clear()?;
            let flow = flow.workers(workers).with(Steps::IGNORE, false);
            let summary = failure(flow.run::<Steps>());
            assert_eq!(failed(&summary), Vec::<String>::new());
            assert_eq!(not_run(&summary), ["Steps"]);
            assert_eq!(summary.ran().len(), 3);
            stopper.reset();
            assert_eq!(flow.run::<Steps>()?.ran().len(), 3);
            assert_eq!(*flow.load::<Steps>()?, 10);

            // A task that ignores the error of a stop counts as stopped too.
            let flow = flow.with(Steps::IGNORE, true).force::<Step>();
            let summary = failure(flow.run::<Steps>());
            assert_eq!((ran(&summary).len(), not_run(&summary)), (3, vec!["Steps".to_owned()]));
            stopper.reset();
            assert!(!flow.is_complete::<Steps>()?);
        }
        Ok(())
    }
}

mod cycles {
    use super::*;

    fn text(error: impl Into<anyhow::Error>) -> String {
        format!("{:#}", error.into())
    }

    /// `Ping` and `Pong` require each other while they run, and `Ping` handles the error.
    #[derive(Task)]
    #[task(target = Json<String>)]
    struct Ping;

    runs!(Ping: String = |self, cx| match cx.require::<Pong>() {
        Ok(pong) => Ok(pong.load()?.to_string()),
        Err(error) => Ok(text(error)),
    });

    #[derive(Task)]
    #[task(target = Json<String>)]
    struct Pong;

    runs!(Pong: String = |self, cx| Ok(cx.require::<Ping>()?.load()?.to_string()));

    /// `Left` and `Right` require each other, and neither handles the error.
    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Left;

    runs!(Left: u64 = |self, cx| Ok(*cx.require::<Right>()?.load()?));

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Right;

    runs!(Right: u64 = |self, cx| Ok(*cx.require::<Left>()?.load()?));

    /// Starts both.
    #[derive(Task)]
    #[task(aggregate, requires(Left, Right))]
    struct LeftAndRight;

    /// Requires a task that statically requires `Egg`.
    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Egg;

    runs!(Egg: u64 = |self, cx| Ok(*cx.require::<Hen>()?.load()?));

    #[derive(Task)]
    #[task(requires = Egg, target = Json<u64>)]
    struct Hen;

    runs!(Hen: u64 = |self, cx| Ok(*cx.input().load()?));

    /// Requires itself.
    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Own;

    runs!(Own: u64 = |self, cx| Ok(*cx.require::<Own>()?.load()?));

    #[test]
    fn tasks_that_require_each_other_are_an_error() -> Result<()> {
        for workers in [1, 4] {
            let (flow, _folder) = flow();
            let flow = flow.workers(workers);
            let summary = flow.run::<Ping>()?;
            assert_eq!(
                (ran(&summary), failed(&summary)),
                (vec!["Ping".into()], vec!["Pong".into()])
            );
            assert_eq!(
                *flow.load::<Ping>().map_or_else(text, |loaded| loaded.to_string()),
                *"Ping is not complete (in run: Pong failed): run it with \
                 `flow.run::<Ping>()`"
            );
            let error = &summary.failed()[0].error.clone().unwrap_or_default();
            assert_eq!(
                error,
                "cannot require Ping: it requires itself while it runs: Ping → Pong → Ping"
            );
        }
        Ok(())
    }

    #[test]
    fn independently_started_tasks_that_require_each_other_are_an_error() -> Result<()> {
        for _ in 0..20 {
            for workers in [1, 2, 8] {
                let folder = tempfile::tempdir()?;
                let flow = faulty_flow(folder.path(), &Faulty::new())?;
                let flow = flow.workers(workers).allow_failures();
                let result = ends(move || flow.run::<LeftAndRight>())?;
                assert!(!result.is_success());
                let text = result.to_string();
                let chains = ["Left → Right → Left", "Right → Left → Right"];
                let names =
                    |chain| text.contains(&format!("requires itself while it runs: {chain}"));
                assert!(chains.into_iter().any(names), "{text}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_static_downstream_task_cannot_be_required() -> Result<()> {
        for workers in [1, 4] {
            let (flow, _folder) = flow();
            let flow = flow.workers(workers);
            let expected = "cannot require Hen: it requires itself while it runs: Egg → Hen → Egg";
            let summary = failure(flow.run::<Egg>());
            assert_eq!(summary.failed()[0].error.as_deref(), Some(expected));
            // The same error if `Hen` is waiting for `Egg` already.
            let summary = failure(flow.run::<Hen>());
            assert_eq!(summary.failed()[0].error.as_deref(), Some(expected));
            let summary = failure(flow.run::<Own>());
            let expected = "cannot require Own: it requires itself while it runs: Own → Own";
            assert_eq!(summary.failed()[0].error.as_deref(), Some(expected));
        }
        Ok(())
    }
}

mod deep {
    use super::*;

    static START: AtomicU64 = AtomicU64::new(0);

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Bottom;

    runs!(Bottom: u64 = |self, _cx| Ok(START.load(Ordering::SeqCst)));

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Level {
        n: u64,
    }

    runs!(Level: u64 = |self, cx| {
        if self.n == 0 {
            return Ok(*cx.require::<Bottom>()?.load()?);
        }
        Ok(*cx.with(Level::N, self.n - 1).require::<Level>()?.load()? + 1)
    });

    #[test]
    fn a_chain_of_a_thousand_tasks_may_wait_on_one_worker() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let flow = faulty_flow(folder.path(), &Faulty::new())?.workers(1).with(Level::N, 1000);
        assert_eq!(flow.run::<Level>()?.ran().len(), 1002);
        // Another test of this program may have changed `START`.
        assert_eq!(*flow.load::<Level>()?, 1000 + *flow.load::<Bottom>()?);
        assert!(flow.is_complete::<Level>()?);
        Ok(())
    }

    #[test]
    fn a_change_sixty_levels_up_is_found() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let flow = faulty_flow(folder.path(), &Faulty::new())?.workers(2).with(Level::N, 60);
        flow.run::<Level>()?;
        START.store(5, Ordering::SeqCst);
        let forced = flow.force::<Bottom>();
        assert!(preview::<Level>(&forced).contains("waits for Level"));
        assert_eq!(forced.run::<Level>()?.ran().len(), 62);
        assert_eq!(*flow.load::<Level>()?, 65);
        // A recomputed output with equal bytes leaves the levels above unchanged.
        flow.reset::<Bottom>()?;
        let summary = flow.run::<Level>()?;
        assert_eq!((summary.ran().len(), summary.unchanged().len()), (1, 61));
        Ok(())
    }
}
