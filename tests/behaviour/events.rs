//! The events of a run: which ones an instance has, in which order, and their text.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use flow::prelude::*;
use flow::{Event, Stopper};

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{failure, faulty_flow, flow};

/// Runs a flow, and returns the result with all events.
pub(crate) fn observed<R>(flow: &Flow, run: impl FnOnce(&Flow) -> R) -> (R, Vec<Event>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let flow = flow.observe(move |event| {
        seen.lock().expect("no panic while events are kept").push(event.clone());
    });
    let result = run(&flow);
    let events = std::mem::take(&mut *events.lock().expect("no panic while events are kept"));
    (result, events)
}

/// Returns the events as text, without durations and without `committed`, whose place among the others varies.
fn texts(events: &[Event]) -> Vec<String> {
    let events = events.iter().filter(|event| !matches!(event, Event::Committed { .. }));
    let text = |event: &Event| {
        let text = event.to_string();
        text.split(" ran in ").next().expect("a text").to_owned()
    };
    events.map(text).collect()
}

/// Asserts the order of each instance's events: started, finished, committed.
fn assert_ordered(events: &[Event]) {
    let mut last: HashMap<_, &str> = HashMap::new();
    for event in events {
        let Some(instance) = event.instance() else { continue };
        let (before, now) = match event {
            Event::Started { .. } => (None, "started"),
            Event::Finished { .. } => (Some("started"), "finished"),
            Event::Committed { .. } => (Some("finished"), "committed"),
            _ => continue,
        };
        assert_eq!(last.insert(instance.key(), now), before, "{event}");
    }
    assert!(last.values().all(|last| *last == "committed"), "{events:?}");
}

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Get {
    #[param(default = 1)]
    n: u32,
}

runs!(Get: u32 = |self, cx| {
    cx.status(format_args!("at {}", self.n));
    ensure!(self.n != 9, "nine\nis too much");
    Ok(self.n / 2)
});

#[derive(Task)]
#[task(requires = Get, target = Json<u32>)]
struct Double;

runs!(Double: u32 = |self, cx| Ok(*cx.input().load()? * 2));

#[derive(Task)]
#[task(requires = Double, target = Json<u32>)]
struct Report;

runs!(Report: u32 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn each_step_of_a_chain_is_an_event() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(1);
    let (summary, events) = observed(&flow, Flow::run::<Report>);
    assert!(summary?.is_success());
    let expected = [
        "3 instances, 3 pending",
        "Get {n: 1} started",
        "Get {n: 1}: at 1",
        "[1/3] Get {n: 1}",
        "Double started",
        "[2/3] Double",
        "Report started",
        "[3/3] Report",
    ];
    assert_eq!(texts(&events), expected);
    assert_ordered(&events);
    assert_eq!(events.len(), expected.len() + 3, "each instance is committed");

    // Nothing has to run.
    let (_, events) = observed(&flow, Flow::run::<Report>);
    assert_eq!(texts(&events), ["3 instances, 0 pending"]);

    // `Get` runs again and gives the same, so that the others do not run.
    flow.reset::<Get>()?;
    let (_, events) = observed(&flow, Flow::run::<Report>);
    let expected = [
        "3 instances, 3 pending",
        "Get {n: 1} started",
        "Get {n: 1}: at 1",
        "[1/3] Get {n: 1}",
        "[2/3] Double inputs unchanged (early cutoff)",
        "[3/3] Report inputs unchanged (early cutoff)",
    ];
    assert_eq!(texts(&events), expected);
    Ok(())
}

#[test]
fn a_failure_is_followed_by_what_it_prevents() {
    let (flow, _folder) = flow();
    let (result, events) = observed(&flow.workers(1).with(Get::N, 9), Flow::run::<Report>);
    assert_eq!(failure(result).failed().len(), 1);
    let expected = [
        "3 instances, 3 pending",
        "Get {n: 9} started",
        "Get {n: 9}: at 9",
        "[1/3] Get {n: 9} failed: nine…",
        "Double {Get.n: 9} was not run: Get {n: 9} failed",
        "Report {Get.n: 9} was not run: Get {n: 9} failed",
    ];
    assert_eq!(texts(&events), expected);
    let Event::Failed { error, seconds, .. } = &events[3] else { panic!("{:?}", events[3]) };
    assert_eq!(error, "nine\nis too much");
    assert!(*seconds > 0.0);
}

#[test]
fn a_reused_output_is_committed_without_a_start() -> Result<()> {
    let (flow, _folder) = flow();
    flow.with(Get::N, 2).run::<Double>()?;
    // `Get {n: 3}` gives 1, as `Get {n: 2}` does, so that `Double` finds its output.
    let (summary, events) = observed(&flow.workers(1).with(Get::N, 3), Flow::run::<Double>);
    assert_eq!(summary?.reused().len(), 1);
    let last = &texts(&events)[4..];
    assert_eq!(last, ["[2/2] Double {Get.n: 3} reused a stored output"]);
    let committed = events.iter().filter(|event| matches!(event, Event::Committed { .. }));
    assert_eq!(committed.count(), 2);
    Ok(())
}

#[test]
fn an_output_that_cannot_be_committed_fails_after_it_has_finished() -> Result<()> {
    let (folder, fs) = (tempfile::tempdir()?, Faulty::new());
    let flow = faulty_flow(folder.path(), &fs)?;
    fs.fail(|_, op, path| {
        let is_record = path.to_string_lossy().contains("record.json");
        (op == Op::Rename && is_record).then_some(Fault::Refuse(ErrorKind::Other))
    });
    let (result, events) = observed(&flow.workers(1), Flow::run::<Get>);
    fs.heal();
    assert_eq!(failure(result).failed().len(), 1);
    let texts = texts(&events);
    // The instance has one number: it is counted once.
    assert_eq!(texts[3], "[1/1] Get {n: 1}");
    assert!(texts[4].starts_with("[1/1] Get {n: 1} failed: "), "{texts:?}");
    assert_eq!(events.len(), 5, "{events:?}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Asks;

runs!(Asks: u32 = |self, cx| Ok(*cx.with(Get::N, 4).require::<Get>()?.load()?));

#[test]
fn an_instance_that_a_task_requires_has_events_and_is_counted() -> Result<()> {
    let (flow, _folder) = flow();
    let (summary, events) = observed(&flow.workers(1), Flow::run::<Asks>);
    summary?;
    let texts = texts(&events);
    assert_eq!(texts[..2], ["1 instance, 1 pending", "Asks started"]);
    assert!(texts[2].starts_with("Get {n: 4}") && texts[2].ends_with(" started"), "{texts:?}");
    assert!(texts[4].starts_with("[1/2] Get {n: 4}"), "{texts:?}");
    assert_eq!(texts[5..], ["[2/2] Asks"]);
    assert_ordered(&events);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>, uses(Stopper))]
struct Stops;

runs!(Stops: u32 = |self, cx| {
    cx.provided::<Stopper>().stop();
    cx.checkpoint()?;
    Ok(1)
});

#[test]
fn a_task_that_ends_at_a_checkpoint_is_stopped() {
    let (flow, _folder) = flow();
    let (result, events) = observed(&flow.provide(flow.stopper()), Flow::run::<Stops>);
    assert!(failure(result).failed().is_empty());
    assert_eq!(texts(&events), ["1 instance, 1 pending", "Stops started", "Stops was stopped"]);
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Leaf {
    n: u32,
}

runs!(Leaf: u32 = |self, cx| Ok(self.n));

#[derive(Task)]
#[task(requires = [Leaf { n } for n in 0..40u32], target = Json<u32>)]
struct Sum;

runs!(Sum: u32 = |self, cx| cx.input().iter().map(|leaf| Ok(*leaf.load()?)).sum());

#[test]
fn events_of_one_worker_do_not_overlap_and_causes_come_first() -> Result<()> {
    for workers in [1, 3] {
        let (flow, _folder) = flow();
        let (summary, events) = observed(&flow.workers(workers), Flow::run::<Sum>);
        summary?;
        assert_ordered(&events);
        assert!(matches!(events[0], Event::Planned { instances: 41, pending: 41, .. }));
        let (mut running, mut finished) = (0, 0);
        for event in &events {
            match event {
                Event::Started { instance, .. } => {
                    running += 1;
                    assert!(instance.task() == "Leaf" || finished == 40, "{event}");
                }
                Event::Finished { .. } => {
                    running -= 1;
                    finished += 1;
                }
                _ => {}
            }
            assert!(running <= workers, "{running} tasks run on {workers} workers");
        }
    }
    Ok(())
}

mod before {
    use flow::prelude::*;

    #[derive(Task)]
    #[task(target = Json<u32>)]
    pub(super) struct Blessed;

    impl Run for Blessed {
        const CODE: flow::Code = flow::Code::version(1);

        fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
            Ok(1)
        }
    }
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Blessed;

impl Run for Blessed {
    const CODE: flow::Code = flow::Code::version(2);

    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        Ok(1)
    }
}

#[test]
fn a_comparison_of_bless_is_an_event() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<before::Blessed>()?;
    let flow = Flow::open(flow.folder())?.quiet();
    let (blessed, events) = observed(&flow, |flow| flow.store().bless::<Blessed>().run());
    assert_eq!(blessed?.compared(), ["Blessed"]);
    let expected =
        ["1 instance, 1 pending", "Blessed started", "[1/1] Blessed produced an equal output"];
    assert_eq!(texts(&events), expected);
    Ok(())
}
