//! Observers: each receives all events on a thread of its own, and none can stall or crash a run.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use flow::Event;
use flow::plan::Warning;
use flow::prelude::*;

use crate::support::{flow, ran};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Leaf {
    n: u64,
}

runs!(Leaf: u64 = |self, cx| Ok(self.n));

#[derive(Task)]
#[task(requires = [Leaf { n } for n in 0..20u64], target = Json<u64>)]
struct Sum;

runs!(Sum: u64 = |self, cx| cx.input().iter().map(|leaf| Ok(*leaf.load()?)).sum());

type Seen = Arc<Mutex<Vec<(ThreadId, String)>>>;

/// Adds an observer that keeps the text of each event.
fn keeping(flow: &Flow) -> (Flow, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let flow = flow.observe(move |event| {
        let text = (std::thread::current().id(), event.to_string());
        kept.lock().expect("no panic while events are kept").push(text);
    });
    (flow, seen)
}

#[test]
fn two_observers_receive_the_same_events_in_the_same_order() -> Result<()> {
    let (flow, _folder) = flow();
    let (flow, first) = keeping(&flow.workers(4));
    let (flow, second) = keeping(&flow);
    // The display is another consumer, which `quiet` disables.
    flow.quiet().run::<Sum>()?;
    let all = |seen: &Seen| std::mem::take(&mut *seen.lock().expect("no panic"));
    let (first, second) = (all(&first), all(&second));
    assert_eq!(first.len(), 1 + 3 * 21);
    assert!(first.iter().map(|(_, text)| text).eq(second.iter().map(|(_, text)| text)));
    // Each one has a thread of its own.
    let threads = [&first, &second].map(|seen| seen[0].0);
    assert!(threads[0] != threads[1] && !threads.contains(&std::thread::current().id()));
    assert!(first.iter().all(|(thread, _)| *thread == threads[0]));
    Ok(())
}

#[test]
fn an_observer_that_panics_ends_alone() -> Result<()> {
    static CALLED: AtomicU64 = AtomicU64::new(0);

    let (flow, _folder) = flow();
    let flow = flow.workers(1).observe(|event| {
        if let Event::Finished { .. } = event {
            CALLED.fetch_add(1, Ordering::SeqCst);
            panic!("out of order")
        }
    });
    let (flow, seen) = keeping(&flow);
    for run in 1..3 {
        let summary = flow.force_all().run::<Sum>()?;
        assert_eq!(ran(&summary).len(), 21);
        assert_eq!(CALLED.load(Ordering::SeqCst), run, "it is called again in the next run");
        let warning = Warning::ObserverPanicked { message: "out of order".to_owned() };
        assert_eq!(summary.warnings(), [warning]);
        // The other observer receives everything.
        let seen = std::mem::take(&mut *seen.lock().expect("no panic while events are kept"));
        assert_eq!(seen.len(), 1 + 3 * 21);
    }
    Ok(())
}

/// Lets an observer wait, at its first event, until the sender sends or is dropped.
fn blocked(flow: &Flow) -> (Flow, SyncSender<()>, Arc<Mutex<Vec<Event>>>) {
    let (go, wait): (SyncSender<()>, Receiver<()>) = sync_channel(1);
    let (wait, seen) = (Mutex::new(Some(wait)), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&seen);
    let flow = flow.observe(move |event| {
        if let Some(wait) = wait.lock().expect("no panic while it is locked").take() {
            let _ = wait.recv();
        }
        kept.lock().expect("no panic while events are kept").push(event.clone());
    });
    (flow, go, seen)
}

#[test]
fn an_observer_that_blocks_does_not_stall_the_run() -> Result<()> {
    let (flow, _folder) = flow();
    let (observed, go, seen) = blocked(&flow.workers(2));
    let (observed, others) = keeping(&observed);
    let begun = Instant::now();
    let summary = observed.run::<Sum>()?;
    // The end of the run waits for three seconds.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(ran(&summary).len(), 21);
    assert!(flow.is_complete::<Sum>()?);
    assert_eq!(others.lock().expect("no panic").len(), 1 + 3 * 21);
    // It is blocked in its first event, and has not received the others.
    assert_eq!(summary.warnings(), [Warning::ObserverBehind { events: 3 * 21 }]);
    assert!(seen.lock().expect("no panic").is_empty());

    // They are kept, and received when it goes on.
    drop(go);
    let received = || seen.lock().expect("no panic").len();
    while received() < 1 + 3 * 21 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(received(), 1 + 3 * 21);
    Ok(())
}

/// The number of reports of `Chatty`: many more than wait for an observer.
const REPORTS: u64 = 20_000;

#[derive(Task)]
#[task(target = Json<u64>, uses(Talked))]
struct Chatty;

/// Sends when all reports are made.
struct Talked(Mutex<Option<SyncSender<()>>>);

runs!(Chatty: u64 = |self, cx| {
    for done in 0..REPORTS {
        cx.progress(done, REPORTS);
    }
    // The observer goes on while the task still runs.
    drop(cx.provided::<Talked>().0.lock().expect("no panic").take());
    Ok(REPORTS)
});

#[test]
fn reports_that_an_observer_cannot_keep_up_with_are_dropped_and_counted() -> Result<()> {
    let (flow, _folder) = flow();
    let (observed, go, seen) = blocked(&flow);
    let observed = observed.provide(Talked(Mutex::new(Some(go))));
    let begun = Instant::now();
    let summary = observed.run::<Chatty>()?;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(summary.warnings().is_empty(), "{:?}", summary.warnings());
    let seen = seen.lock().expect("no panic while events are kept");
    let count = |is: fn(&Event) -> bool| seen.iter().filter(|event| is(event)).count() as u64;
    let reports = count(|event| matches!(event, Event::Progress { .. }));
    let lagged: Vec<_> = seen
        .iter()
        .enumerate()
        .filter_map(|(place, event)| match event {
            Event::Lagged(dropped) => Some((place, *dropped)),
            _ => None,
        })
        .collect();
    // Each report was received or counted.
    let dropped: u64 = lagged.iter().map(|(_, dropped)| dropped).sum();
    assert_eq!(reports + dropped, REPORTS, "{lagged:?}");
    assert!(dropped > REPORTS / 2 && reports >= 4000, "{reports} reports, {lagged:?}");
    // The number precedes the event after those that were dropped, and nothing else was dropped.
    let (place, dropped) = lagged[lagged.len() - 1];
    assert_eq!(seen[place].to_string(), format!("{dropped} events were dropped"));
    assert!(!matches!(seen[place + 1], Event::Lagged(_)), "{:?}", seen[place + 1]);
    let is_step = |event: &&Event| !matches!(event, Event::Progress { .. } | Event::Lagged(_));
    let steps: Vec<_> = seen.iter().filter(is_step).map(ToString::to_string).collect();
    assert_eq!(steps.len(), 4, "{steps:?}");
    assert_eq!((steps[1].as_str(), steps[3].as_str()), ("Chatty started", "Chatty committed"));
    Ok(())
}

/// A text that counts how often it is rendered.
struct Counted;

static RENDERED: AtomicUsize = AtomicUsize::new(0);

impl std::fmt::Display for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        RENDERED.fetch_add(1, Ordering::SeqCst);
        f.write_str("counted")
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Says;

runs!(Says: u64 = |self, cx| {
    cx.status(Counted);
    Ok(1)
});

#[test]
fn nothing_is_rendered_if_nobody_listens() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Says>()?;
    assert_eq!(RENDERED.load(Ordering::SeqCst), 0);
    let (observed, _seen) = keeping(&flow);
    observed.force_all().run::<Says>()?;
    assert_eq!(RENDERED.load(Ordering::SeqCst), 1);
    Ok(())
}
