//! The options that say how a task is executed, before anything runs: they are no part of what is computed, they are
//! evaluated for each instance, and a demand that the flow cannot fulfill is an error.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use flow::plan::Warning;
use flow::prelude::*;
use flow::{Backoff, OnFailure, testing};

use crate::support::{failed, failure, flow, key, plan_error, ran};

/// Two versions of one task, which differ in their options.
mod plain {
    use flow::prelude::*;

    #[derive(Task)]
    #[task(target = Json<u64>, name = "Fetch")]
    pub(super) struct Fetch {
        #[param(default = 3)]
        n: u64,
    }

    runs!(Fetch: u64 = |self, cx| Ok(cx.seed().wrapping_add(self.n)));
}

mod patient {
    use flow::prelude::*;

    #[derive(Task)]
    #[task(
        target = Json<u64>,
        name = "Fetch",
        retries = 3,
        backoff = 0.001,
        timeout = 60,
        priority = 5,
        threads = 1,
        resources(memory = self.n, api = 1),
    )]
    pub(super) struct Fetch {
        #[param(default = 3)]
        n: u64,
    }

    runs!(Fetch: u64 = |self, cx| Ok(cx.seed().wrapping_add(self.n)));
}

#[test]
fn options_change_neither_the_key_nor_the_seed() -> Result<()> {
    let (one, _one) = flow();
    let (other, _other) = flow();
    let other = other.offer("api", 1);
    assert_eq!(key::<plain::Fetch>(&one), key::<patient::Fetch>(&other));
    one.run::<plain::Fetch>()?;
    other.run::<patient::Fetch>()?;
    assert_eq!(*one.load::<plain::Fetch>()?, *other.load::<patient::Fetch>()?);
    Ok(())
}

static TRIES: AtomicU32 = AtomicU32::new(1);

#[derive(Task)]
#[task(
    target = Json<u32>,
    retries = TRIES.load(Ordering::SeqCst),
    timeout = Duration::from_secs(u64::from(TRIES.load(Ordering::SeqCst))),
    resources(memory = u64::from(TRIES.load(Ordering::SeqCst))),
)]
struct Adjusted;

runs!(Adjusted: u32 = |self, _cx| Ok(1));

#[test]
fn other_values_of_options_rerun_nothing() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Adjusted>()?), ["Adjusted"]);
    TRIES.store(100, Ordering::SeqCst);
    assert!(flow.is_complete::<Adjusted>()?);
    assert_eq!(ran(&flow.run::<Adjusted>()?), [""; 0]);
    let other = flow
        .retries(7)
        .backoff(Backoff::exponential(Duration::from_secs(1)))
        .timeout(Duration::from_secs(5))
        .offer("memory", "1GB")
        .on_failure(OnFailure::Stop);
    assert_eq!(ran(&other.run::<Adjusted>()?), [""; 0]);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>, resources(api = self.calls))]
struct Quote {
    #[param(default = 2)]
    calls: u64,
}

runs!(Quote: u64 = |self, _cx| Ok(self.calls));

#[derive(Task)]
#[task(requires = Quote, target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(requires(Local, Report), target = Json<u64>)]
struct All;

runs!(All: u64 = |self, cx| Ok(*cx.input().1.load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Local;

runs!(Local: u64 = |self, _cx| Ok(1));

#[test]
fn a_resource_that_nothing_offers_is_an_error_before_any_task_runs() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<All>(&flow),
        "`Quote {calls: 2}` needs 2 of `api`, and the flow offers none: say `flow.offer(\"api\", 2)`\n  \
         required by: All → Report → Quote"
    );
    assert!(!flow.is_complete::<Local>()?);
    assert_eq!(ran(&flow.offer("api", 2).run::<All>()?), ["All", "Local", "Quote", "Report"]);
    // A complete instance needs nothing.
    assert_eq!(ran(&flow.run::<All>()?), [""; 0]);
    plan_error::<All>(&flow.force::<Quote>());
    Ok(())
}

#[test]
fn a_demand_beyond_the_offer_is_an_error() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.offer("api", 3);
    assert_eq!(
        plan_error::<Quote>(&flow.with(Quote::CALLS, 4)),
        "`Quote {calls: 4}` needs 4 of `api`, and the flow offers 3: demand less, or say `flow.offer(\"api\", 4)`"
    );
    flow.with(Quote::CALLS, 3).preview::<Quote>()?;
    // The last offer counts, and a demand of zero is none.
    plan_error::<Quote>(&flow.offer("api", 1));
    flow.offer("api", 0).with(Quote::CALLS, 0).preview::<Quote>()?;
    Ok(())
}

/// Needs more memory in each attempt.
#[derive(Task)]
#[task(target = Json<u64>, retries = self.retries, resources(memory = self.rows * 100 * u64::from(attempt)))]
struct Sort {
    #[param(default = 10)]
    rows: u64,
    #[param(default = 2)]
    retries: u32,
}

runs!(Sort: u64 = |self, _cx| Ok(self.rows + 0 * u64::from(self.retries)));

#[test]
fn the_demands_of_all_attempts_are_checked() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Sort>(&flow.offer("memory", "2kB")),
        "`Sort {rows: 10, retries: 2}` needs 3.0 kB of `memory` in attempt 3, and the flow offers 2.0 kB: demand less, or say \
         `flow.offer(\"memory\", 3000)`"
    );
    flow.offer("memory", "3kB").preview::<Sort>()?;
    flow.offer("memory", "2kB").with(Sort::RETRIES, 1).preview::<Sort>()?;
    Ok(())
}

#[test]
fn retries_of_the_flow_are_attempts_too() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u64>, resources(memory = 1_000 * u64::from(attempt)))]
    struct Grow;

    runs!(Grow: u64 = |self, _cx| Ok(1));

    let (flow, _folder) = flow();
    let flow = flow.offer("memory", 2_000);
    flow.retries(1).preview::<Grow>()?;
    assert!(plan_error::<Grow>(&flow.retries(2)).contains("in attempt 3"));
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_the_machine_is_offered() -> Result<()> {
    let (flow, _folder) = flow();
    flow.preview::<Sort>()?;
    let error = plan_error::<Sort>(&flow.with(Sort::ROWS, 1_u64 << 50));
    assert!(error.contains("GB of `memory`, and the flow offers"), "{error}");
    Ok(())
}

/// Every option is an expression.
#[derive(Task)]
#[task(
    target = Json<u64>,
    threads = self.threads,
    timeout = Duration::from_secs(self.seconds),
    resources(memory = self.memory.as_str(), disk = 100 / self.parts),
)]
struct Solve {
    #[param(default = 1)]
    threads: usize,
    #[param(default = 60)]
    seconds: u64,
    #[param(default = "1kB")]
    memory: String,
    #[param(default = 1)]
    parts: u64,
}

runs!(Solve: u64 = |self, _cx| Ok(self.parts + self.seconds + (self.threads + self.memory.len()) as u64));

#[test]
fn an_option_that_cannot_be_evaluated_is_named() {
    let (flow, _folder) = flow();
    let flow = flow.offer("disk", 100);
    flow.preview::<Solve>().expect("the defaults are right");
    assert_eq!(
        plan_error::<Solve>(&flow.with(Solve::THREADS, 0)),
        "evaluating `threads` of `Solve {threads: 0, seconds: 60, memory: 1kB, parts: 1}` failed: it is 0, and a task \
         uses at least 1 thread"
    );
    assert_eq!(
        plan_error::<Solve>(&flow.with(Solve::SECONDS, 0)),
        "evaluating `timeout` of `Solve {threads: 1, seconds: 0, memory: 1kB, parts: 1}` failed: it is zero, so that \
         each attempt ends at once"
    );
    assert_eq!(
        plan_error::<Solve>(&flow.with(Solve::MEMORY, "much")),
        "evaluating `resources(memory)` of `Solve {threads: 1, seconds: 60, memory: much, parts: 1}` failed: \"much\" is \
         not an amount; write a whole number, or a number with a unit, such as \"4GB\" or \"512 MiB\""
    );
    let error = plan_error::<Solve>(&flow.with(Solve::PARTS, 0));
    let expected = "evaluating `resources(disk)` of `Solve {threads: 1, seconds: 60, memory: 1kB, parts: 0}` failed: it \
                    panicked at ";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.ends_with(": attempt to divide by zero"), "{error}");
}

/// Requires `Quote` while it runs.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Asks;

runs!(Asks: u64 = |self, cx| Ok(*cx.require::<Quote>()?.load()?));

#[test]
fn a_demand_of_a_task_that_is_required_while_another_runs_fails_that_one() -> Result<()> {
    let (flow, _folder) = flow();
    flow.preview::<Asks>()?;
    let summary = failure(flow.run::<Asks>());
    assert_eq!(failed(&summary), ["Asks"]);
    let text = summary.to_string();
    assert!(
        text.contains("`Quote {calls: 2}` needs 2 of `api`, and the flow offers none"),
        "{text}"
    );
    assert_eq!(*flow.offer("api", 2).get::<Asks>()?, 2);
    Ok(())
}

#[test]
fn more_threads_than_workers_are_a_warning() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.offer("disk", 100).with(Solve::THREADS, 8);
    let summary = flow.workers(2).run::<Solve>()?;
    let warning = Warning::Threads { task: "Solve".into(), threads: 8, workers: 2, instances: 1 };
    assert_eq!(summary.warnings(), [warning]);
    assert_eq!(
        summary.warnings()[0].to_string(),
        "`Solve` declares 8 threads, and the flow has 2 workers: it counts as using all of them"
    );
    // A complete instance is no reason to warn.
    assert!(flow.workers(1).run::<Solve>()?.warnings().is_empty());
    assert!(flow.workers(8).force_all().run::<Solve>()?.warnings().is_empty());
    Ok(())
}

#[test]
fn an_offer_that_is_not_an_amount_is_an_error() {
    let (flow, _folder) = flow();
    let flow = flow.offer("memory", "a lot");
    let expected = "the flow offers a wrong amount of `memory`: \"a lot\" is not an amount; write a whole number, or a number \
                    with a unit, such as \"4GB\" or \"512 MiB\"";
    assert_eq!(plan_error::<Local>(&flow), expected);
    assert_eq!(flow.check::<Local>().expect_err("it is wrong").to_string(), expected);
}

#[test]
fn a_check_finds_missing_resources_and_ignores_the_memory_of_this_machine() -> Result<()> {
    let (flow, _folder) = flow();
    let problems = flow.check::<All>().expect_err("nothing is offered").to_string();
    assert!(problems.starts_with("`Quote {calls: 2}` needs 2 of `api`"), "{problems}");
    assert!(problems.ends_with("required by: All → Report → Quote"), "{problems}");
    flow.offer("api", 2).check::<All>()?;
    flow.with(Sort::ROWS, 1_u64 << 50).check::<Sort>()?;
    flow.offer("memory", "1kB").check::<Sort>().expect_err("it is too little");
    Ok(())
}

#[test]
fn a_given_output_needs_no_resources() -> Result<()> {
    let flow = testing::flow().with_input::<Quote>(5);
    assert_eq!(*flow.get::<Report>()?, 5);
    Ok(())
}
