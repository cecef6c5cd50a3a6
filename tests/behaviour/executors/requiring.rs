//! Tasks that require others while they run, and that run a flow themselves.

use flow::prelude::*;

use super::{Place, each};
use crate::nested_runs::{Countdown, Itself};
use crate::support::{failed, failure, ran};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Square {
    n: u64,
}

runs!(Square: u64 = |self, cx| {
    cx.meta("n", self.n)?;
    Ok(self.n * self.n)
});

/// Requires instances that depend on what it has found.
#[derive(Task)]
#[task(target = Json<Vec<u64>>)]
struct Searched {
    first: u64,
}

runs!(Searched: Vec<u64> = |self, cx| {
    let mut found = Vec::new();
    for square in &cx.over(Square::N, [self.first, self.first + 1]).require::<Square>()? {
        found.push(*square.load()?);
    }
    let next = cx.with(Square::N, found[1]).require::<Square>()?;
    found.extend([*next.load()?, next.meta::<u64>("n")?]);
    Ok(found)
});

#[derive(Task)]
#[task(requires = [Searched { first } for first in 1..4_u64], target = Json<u64>)]
struct AllSearched;

runs!(AllSearched: u64 = |self, cx| {
    let mut sum = 0;
    for searched in cx.input() {
        sum += searched.load()?.iter().sum::<u64>();
    }
    Ok(sum)
});

#[test]
fn tasks_require_the_same_instances_which_run_once() -> Result<()> {
    each(|tested| {
        let flow = &tested.flow;
        // The squares of 1, 2, 3 and 4, and those of 4, 9 and 16.
        let mut expected = vec!["AllSearched".to_owned()];
        expected.extend(vec!["Searched".to_owned(); 3]);
        expected.extend(vec!["Square".to_owned(); 6]);
        assert_eq!(ran(&flow.run::<AllSearched>()?), expected);
        let searched = flow.with(Searched::FIRST, 1_u64).load::<Searched>()?;
        assert_eq!(*searched, [1, 4, 16, 4]);
        // What a task has required is recorded.
        assert!(ran(&flow.run::<AllSearched>()?).is_empty());
        assert!(tested.in_threads.is_complete::<AllSearched>()?);
        Ok(())
    })
}

/// Requires another instance of itself while it runs.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Deep {
    depth: u64,
}

runs!(Deep: u64 = |self, cx| match self.depth {
    0 => Ok(0),
    depth => Ok(*cx.with(Deep::DEPTH, depth - 1).require::<Deep>()?.load()? + 1),
});

#[test]
fn what_a_task_requires_may_require_others() -> Result<()> {
    each(|tested| {
        let flow = tested.flow.with(Deep::DEPTH, 4_u64);
        assert_eq!(ran(&flow.run::<Deep>()?), ["Deep"; 5]);
        assert_eq!(*flow.load::<Deep>()?, 4);
        Ok(())
    })
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Fails;

runs!(Fails: u64 = |self, _cx| bail!("no luck"));

/// Goes on after what it has required has failed.
#[derive(Task)]
#[task(target = Json<String>)]
struct Handles;

runs!(Handles: String = |self, cx| {
    let error = cx.require::<Fails>().err().context("it fails")?;
    Ok(error.to_string())
});

#[test]
fn a_task_can_handle_the_failure_of_what_it_requires() -> Result<()> {
    each(|tested| {
        let summary = tested.flow.allow_failures().run::<Handles>()?;
        assert_eq!(
            (failed(&summary), ran(&summary)),
            (vec!["Fails".into()], vec!["Handles".into()])
        );
        // A failure never becomes an output: the next run tries again.
        assert!(!tested.flow.is_complete::<Handles>()?);
        Ok(())
    })
}

#[test]
fn an_instance_that_runs_itself_fails() -> Result<()> {
    each(|tested| {
        // A machine without the folder of the run cannot open its store.
        if tested.is_in(Place::Apart) {
            return Ok(());
        }
        let flow = tested.flow.with(Itself::FOLDER, tested.flow.folder());
        let summary = failure(flow.run::<Itself>()).to_string();
        let cycle = "it requires itself while it runs: Itself → Itself";
        assert!(summary.contains(cycle), "{summary}");
        Ok(())
    })
}

#[test]
fn a_task_may_run_other_instances_of_itself() -> Result<()> {
    each(|tested| {
        let flow = tested.flow.with(Countdown::FOLDER, tested.flow.folder());
        let flow = flow.with(Countdown::N, 3_u64);
        assert_eq!(ran(&flow.run::<Countdown>()?), ["Countdown"]);
        assert_eq!(*flow.load::<Countdown>()?, 3);
        // The nested runs have committed theirs.
        assert!(flow.with(Countdown::N, 1_u64).is_complete::<Countdown>()?);
        Ok(())
    })
}
