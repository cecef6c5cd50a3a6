//! What becomes of tasks that fail, panic, crash, hang or are stopped.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use flow::prelude::*;

use super::{Place, each};
use crate::pull_workers::{PATIENCE, wait_for};
use crate::support::{failed, failure, not_run, ran};

/// Fails, with metadata and a log.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Fails;

runs!(Fails: u64 = |self, cx| {
    cx.meta("tried", 1)?;
    cx.log("no luck today");
    Err(anyhow!("no luck")).context("it is Friday")
});

/// Panics.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Panics;

runs!(Panics: u64 = |self, _cx| panic!("index 7"));

#[derive(Task)]
#[task(requires = Fails, target = Json<u64>)]
struct AfterFails;

runs!(AfterFails: u64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Fine;

runs!(Fine: u64 = |self, _cx| Ok(1));

#[test]
fn failures_are_reported_in_the_same_words() -> Result<()> {
    each(|tested| {
        let flow = tested.flow.allow_failures();
        let summary = flow.run::<(AfterFails, Panics, Fine)>()?;
        assert_eq!(failed(&summary), ["Fails", "Panics"]);
        assert_eq!(
            (not_run(&summary), ran(&summary)),
            (vec!["AfterFails".into()], vec!["Fine".into()])
        );
        let errors: Vec<_> = summary.failed().into_iter().filter_map(|entry| entry.error).collect();
        assert!(errors.contains(&"it is Friday: no luck".to_owned()), "{errors:?}");
        let place = "it panicked at tests/behaviour/executors/failing.rs:";
        let panicked = errors.iter().find(|error| error.contains(place)).context("a panic")?;
        assert!(panicked.ends_with(": index 7"), "{panicked}");
        let log = flow.log::<Fails>()?.context("a log")?;
        assert!(log.text().ends_with(" no luck today\n"), "{}", log.text());
        // What is recorded of the failure.
        let last = flow.graph::<Fails>().instances()?.remove(0).failure()?.context("a failure")?;
        assert_eq!((last.attempts, &last.metadata["tried"]), (1, &1.into()));
        assert_eq!(last.log.as_deref(), Some(log.path()));
        assert_eq!(last.chain, ["it is Friday", "no luck"]);
        Ok(())
    })
}

/// Ends its process.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Crashes {
    aborts: bool,
}

runs!(Crashes: u64 = |self, _cx| {
    if self.aborts {
        eprintln!("a check of a library failed");
        std::process::abort()
    }
    std::process::exit(3)
});

#[derive(Task)]
#[task(aggregate, requires(aborts = Crashes { aborts: true }, exits = Crashes { aborts: false }, fine = Fine))]
struct AllCrash;

#[test]
fn a_crash_fails_one_task_and_is_explained() -> Result<()> {
    each(|tested| {
        // In threads, it would end this program.
        if tested.is_in(Place::Thread) {
            return Ok(());
        }
        let summary = failure(tested.flow.run::<AllCrash>());
        assert_eq!(
            (failed(&summary), ran(&summary)),
            (vec!["Crashes".into(); 2], vec!["Fine".into()])
        );
        let errors: Vec<_> = summary.failed().into_iter().filter_map(|entry| entry.error).collect();
        for text in [
            "its process aborted (SIGABRT): a check of a library failed",
            "its process exited with code 3 before the task had ended",
        ] {
            assert!(errors.iter().any(|error| error.contains(text)), "{text:?} in {errors:?}");
        }
        // A crash is a failure, and not a loss: the task is not tried again.
        assert!(summary.failed().iter().all(|entry| entry.attempts == 1), "{summary}");
        Ok(())
    })
}

/// Returns an error at the first attempt, panics at the second, and succeeds at the third.
#[derive(Task)]
#[task(target = Json<usize>, retries = 2, backoff = Duration::from_millis(300))]
struct Flaky {
    #[param(insignificant, default = "")]
    count: PathBuf,
}

runs!(Flaky: usize = |self, cx| {
    let attempts = fs::read(&self.count).map_or(0, |bytes| bytes.len());
    fs::write(&self.count, vec![b'x'; attempts + 1])?;
    cx.log(format_args!("attempt {}", attempts + 1));
    match attempts {
        0 => bail!("at the first attempt"),
        1 => panic!("at the second attempt"),
        _ => Ok(attempts + 1),
    }
});

#[test]
fn a_task_is_tried_again_after_a_while_with_a_log_of_each_attempt() -> Result<()> {
    each(|tested| {
        let flow = tested.flow.with(Flaky::COUNT, &*tested.folder.join("count"));
        let begun = Instant::now();
        let summary = flow.run::<Flaky>()?;
        assert!(begun.elapsed() >= Duration::from_millis(600), "{:?}", begun.elapsed());
        assert_eq!(ran(&summary), ["Flaky"]);
        assert_eq!(*flow.load::<Flaky>()?, 3);
        let log = flow.log::<Flaky>()?.context("a log")?;
        assert!(log.text().ends_with(" attempt 3\n"), "{log}");
        let earlier = flow.graph::<Flaky>().instances()?.remove(0).earlier_logs()?;
        let attempts: Vec<_> = earlier.iter().map(|log| log.attempt()).collect();
        assert_eq!(attempts, [Some(1), Some(2)]);
        for (log, line) in earlier.iter().zip([" attempt 1\n", " attempt 2\n"]) {
            assert!(log.text().contains(line), "{log}");
        }
        Ok(())
    })
}

/// Runs until it is ended.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Endless {
    begun: PathBuf,
}

runs!(Endless: u64 = |self, cx| {
    cx.log("it begins");
    fs::write(&self.begun, "")?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        cx.checkpoint()?;
        thread::sleep(Duration::from_millis(10));
    }
    bail!("it was not ended")
});

#[test]
fn a_task_that_takes_too_long_fails_and_others_go_on() -> Result<()> {
    each(|tested| {
        let flow = tested.flow.with(Endless::BEGUN, &*tested.folder.join("begun"));
        let limited = flow.timeout(Duration::from_secs(4));
        let begun = Instant::now();
        let summary = failure(limited.run::<Endless>());
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
        assert_eq!(failed(&summary), ["Endless"]);
        let error = summary.failed()[0].error.clone().context("an error")?;
        assert!(error.contains("timed out after 4.0 s"), "{error}");
        let log = limited.log::<Endless>()?.context("a log")?;
        assert!(log.text().ends_with(" it begins\n"), "{log}");
        assert_eq!(ran(&flow.run::<Fine>()?), ["Fine"]);
        Ok(())
    })
}

#[test]
fn a_stop_ends_a_task_at_its_checkpoint() -> Result<()> {
    each(|tested| {
        let begun = tested.folder.join("begun");
        let flow = tested.flow.with(Endless::BEGUN, &*begun);
        let run = flow.spawn::<Endless>();
        wait_for("the task begins", || begun.exists().then_some(()))?;
        run.stop();
        let summary = failure(run.join());
        assert!(ran(&summary).is_empty() && failed(&summary).is_empty(), "{summary}");
        let error = summary.not_run()[0].error.clone();
        assert_eq!(error.as_deref(), Some("the execution was stopped"));
        assert!(!flow.is_complete::<Endless>()?);
        Ok(())
    })
}
