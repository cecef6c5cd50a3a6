//! Panics in user code outside `run`: one task fails, the others complete, and the process goes on.

use std::error::Error as StdError;
use std::fmt;
use std::fs;
use std::panic::panic_any;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use flow::Event;
use flow::plan::Warning;
use flow::prelude::*;

use crate::support::{failed, failure, flow, plan_error, ran};

/// Panics when it is dropped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Bomb {
    n: u64,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("bomb {} was dropped", self.n);
    }
}

macro_rules! task {
    ($name:ident: $output:ty = |$this:ident, $cx:ident| $body:expr, $($word:tt)*) => {
        #[derive(Task)]
        #[task($($word)*)]
        struct $name;

        runs!($name: $output = |$this, $cx| $body);
    };
}

task!(Aside: u64 = |self, _cx| Ok(1), target = Json<u64>);

/// Asserts that a task fails with this error and that another task beside it completes.
#[track_caller]
fn assert_fails_alone<T: Task>(flow: &Flow, error: &str) {
    for workers in [1, 2] {
        let summary = failure(flow.workers(workers).force::<Aside>().run::<(T, Aside)>());
        assert_eq!(ran(&summary), ["Aside"], "{summary}");
        let failed = summary.failed();
        assert_eq!(failed.len(), 1, "{summary}");
        let told = failed[0].error.clone().unwrap_or_default();
        let told = crate::support::without_places(&told);
        assert!(told.contains(error), "{told}");
    }
}

/// The method of `Faulty` that panics.
#[derive(Clone, Copy)]
enum Fault {
    Drop,
    Source,
    Display,
}

struct Faulty(Fault);

impl fmt::Debug for Faulty {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no debug output")
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Fault::Display => panic!("no message"),
            Fault::Drop | Fault::Source => f.write_str("it is faulty"),
        }
    }
}

impl StdError for Faulty {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.0 {
            Fault::Source => panic!("no source"),
            Fault::Drop | Fault::Display => None,
        }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if let Fault::Drop = self.0 {
            panic!("an error was dropped");
        }
    }
}

task!(ErrorDrop: u64 = |self, _cx| Err(Faulty(Fault::Drop).into()), target = Json<u64>);
task!(ErrorSource: u64 = |self, _cx| Err(Faulty(Fault::Source).into()), target = Json<u64>);
task!(ErrorDisplay: u64 = |self, _cx| Err(Faulty(Fault::Display).into()), target = Json<u64>);
task!(Payload: u64 = |self, _cx| panic_any(Bomb { n: 1 }), target = Json<u64>);

#[test]
fn panics_in_errors_and_panic_payloads_fail_one_task() {
    let (flow, _folder) = flow();
    assert_fails_alone::<ErrorDrop>(&flow, "it is faulty");
    assert_fails_alone::<ErrorSource>(&flow, "no source");
    assert_fails_alone::<ErrorDisplay>(&flow, "it panicked: no message");
    assert_fails_alone::<Payload>(&flow, "a panic without a message");
}

task!(Dropped: Bomb = |self, _cx| Ok(Bomb { n: 2 }), target = Json<Bomb>);
task!(Kept: Bomb = |self, _cx| Ok(Bomb { n: 3 }), target = Memory<Bomb>);
task!(OfKept: u64 = |self, cx| Ok(cx.input().load()?.n), requires = Kept, target = Json<u64>);

#[derive(Task)]
#[task(external, path = &self.path, target = Json<Bomb>)]
struct Given {
    path: PathBuf,
}

task!(OfGiven: u64 = |self, cx| Ok(cx.input().load()?.n), requires = Given, target = Json<u64>);

#[test]
fn panics_in_destructors_of_values_fail_one_task() -> Result<()> {
    let (flow, folder) = flow();
    assert_fails_alone::<Dropped>(&flow, "it panicked: bomb 2 was dropped");
    // No output file is left.
    let left = crate::support::files_below(flow.folder());
    let is_output = |file: &&PathBuf| file.starts_with(flow.folder().join("Dropped"));
    let left: Vec<_> = left.iter().filter(is_output).collect();
    assert!(left.iter().all(|file| !file.to_string_lossy().contains("data-")), "{left:?}");

    let path = folder.path().join("bomb.json");
    fs::write(&path, r#"{"n": 4}"#)?;
    assert_fails_alone::<OfGiven>(
        &flow.with(Given::PATH, &path),
        "it panicked: bomb 4 was dropped",
    );

    // A value in memory is cleared, although dropping it panics.
    flow.run::<OfKept>()?;
    assert_eq!(*flow.load::<OfKept>()?, 3);
    flow.force_all().run::<OfKept>()?;
    flow.store().clear()?;
    assert!(!flow.is_complete::<OfKept>()?);
    Ok(())
}

/// A task that panics when it is dropped, and so do its parameter and its client.
#[derive(Task)]
#[task(target = Json<u64>, uses(Client))]
struct Fuse {
    #[param(default = Bomb { n: 5 })]
    bomb: Bomb,
}

struct Client(#[expect(dead_code, reason = "it is dropped")] Bomb);

runs!(Fuse: u64 = |self, cx| {
    let _ = cx.provided::<Client>();
    Ok(self.bomb.n)
});

task!(AfterFuse: u64 = |self, cx| Ok(*cx.input().load()?), requires = Fuse, target = Json<u64>);

#[test]
fn panics_in_destructors_of_tasks_and_clients_are_contained() -> Result<()> {
    let (flow, _folder) = flow();
    let lit = flow.provide(Client(Bomb { n: 6 }));
    for workers in [1, 2] {
        lit.workers(workers).force_all().run::<(AfterFuse, Aside)>()?;
    }
    assert!(lit.is_complete::<AfterFuse>()?);
    assert_eq!(*lit.load::<AfterFuse>()?, 5);
    let seven = lit.with(Fuse::BOMB, Bomb { n: 7 });
    assert_eq!(ran(&seven.run::<(AfterFuse, Aside)>()?), ["AfterFuse", "Fuse"]);
    drop((lit, seven));
    assert!(flow.is_complete::<Aside>()?);
    Ok(())
}

fn refuses(_: &u64) -> Result<()> {
    panic!("it cannot be checked")
}

task!(Unchecked: u64 = |self, _cx| Ok(1), target = Json<u64>, check = refuses);

/// A message that panics when it is formatted.
struct Silence;

impl fmt::Display for Silence {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("nothing to tell")
    }
}

task!(Reports: u64 = |self, cx| {
    cx.status(Silence);
    Ok(1)
}, target = Json<u64>);

#[test]
fn panics_in_checks_and_progress_messages_fail_one_task() -> Result<()> {
    let (flow, _folder) = flow();
    assert_fails_alone::<Unchecked>(&flow, "it panicked: it cannot be checked");
    // The observer still receives the other events, because the observer itself did not panic.
    let told = Arc::new(Mutex::new((0, 0)));
    let count = Arc::clone(&told);
    let observed = flow.observe(move |event| {
        let mut told = count.lock().expect("no panic while events are counted");
        told.0 += usize::from(matches!(event, Event::Failed { .. }));
        told.1 += usize::from(matches!(event, Event::Committed { .. }));
    });
    assert_fails_alone::<Reports>(&observed, "it panicked: nothing to tell");
    assert_eq!(*told.lock().expect("no panic while events are counted"), (2, 2));
    Ok(())
}

#[test]
fn an_observer_that_panics_receives_no_more_events() -> Result<()> {
    static CALLED: AtomicU64 = AtomicU64::new(0);

    let (flow, _folder) = flow();
    let flow = flow.workers(1).observe(|_| {
        CALLED.fetch_add(1, Ordering::SeqCst);
        panic!("out of order")
    });
    for run in 1..3 {
        let summary = flow.force_all().run::<(OfKept, Aside)>()?;
        assert_eq!(ran(&summary).len(), 3);
        assert_eq!(CALLED.load(Ordering::SeqCst), run);
        let warning = Warning::ObserverPanicked { message: "out of order".to_owned() };
        assert_eq!(summary.warnings(), [warning]);
    }
    Ok(())
}

/// The name of the trait whose implementations below panic, if any.
static ARMED: Mutex<Option<&str>> = Mutex::new(None);

fn maybe_panic(place: &str) {
    let armed = *ARMED.lock().expect("no panic while it is looked up");
    if armed == Some(place) {
        panic!("{place} failed");
    }
}

fn arm(place: Option<&'static str>) {
    *ARMED.lock().expect("no panic while it is looked up") = place;
}

#[derive(Debug)]
struct Touchy(u64);

impl Clone for Touchy {
    fn clone(&self) -> Self {
        maybe_panic("Clone");
        Self(self.0)
    }
}

impl Serialize for Touchy {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        maybe_panic("Serialize");
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Touchy {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        maybe_panic("Deserialize");
        u64::deserialize(from).map(Self)
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Sensitive {
    touchy: Touchy,
    /// Whether `run` makes the parameter panic from now on.
    #[param(default = false, insignificant)]
    arms: bool,
}

runs!(Sensitive: u64 = |self, _cx| {
    if self.arms {
        arm(Some("Serialize"));
    }
    Ok(self.touchy.0)
});

/// An iterator that panics.
fn broken() -> impl Iterator<Item = u64> {
    std::iter::from_fn(|| panic!("the iterator is broken"))
}

#[derive(Task)]
#[task(requires = [Sensitive { touchy: Touchy(n) } for n in broken()], target = Json<u64>)]
struct Iterates;

runs!(Iterates: u64 = |self, _cx| Ok(1));

/// These cases run one after the other, because they share `ARMED`.
#[test]
fn panics_in_parameter_types_and_requires_are_plan_errors() -> Result<()> {
    let (flow, _folder) = flow();
    let given = flow.with(Sensitive::TOUCHY, Touchy(1));
    for (place, message) in [("Clone", "Clone failed"), ("Serialize", "its `Serialize` panicked")] {
        arm(Some(place));
        let error = plan_error::<(Sensitive, Aside)>(&given);
        assert!(error.contains("`Sensitive") && error.contains(message), "{error}");
    }
    arm(Some("Deserialize"));
    let error = plan_error::<(Sensitive, Aside)>(&flow.with_named("touchy", 1));
    assert!(
        error.contains("`Sensitive.touchy`") && error.contains("`Deserialize` panicked"),
        "{error}"
    );
    arm(None);
    let error = plan_error::<(Iterates, Aside)>(&flow);
    assert!(error.contains("`Iterates`") && error.contains("the iterator is broken"), "{error}");

    // After planning, a panic in an event or in the recorded parameters does not end the run.
    let told = Arc::new(Mutex::new(Vec::new()));
    let events = Arc::clone(&told);
    let observed = given.with(Sensitive::ARMS, true).observe(move |event| {
        events.lock().expect("no panic while events are kept").push(event.to_string());
    });
    let summary = observed.workers(1).run::<(Sensitive, Aside)>()?;
    assert_eq!((ran(&summary).len(), failed(&summary).len()), (2, 0));
    let shown = summary.to_string();
    arm(None);
    assert!(shown.contains("Sensitive") && given.is_complete::<(Sensitive, Aside)>()?);
    // `Planned`, and for each task `Started`, `Finished` and `Committed`.
    assert_eq!(told.lock().expect("no panic while events are kept").len(), 7);
    Ok(())
}
