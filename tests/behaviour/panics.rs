//! Panics in user code: the task fails, and all independent tasks complete.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use flow::Code;
use flow::prelude::*;
use flow::target::{Sink, Source};

use crate::support::{failed, failure, files_below, flow, in_full, not_run, ran, without_places};

/// Panics when it saves or loads certain values.
#[derive(Default)]
struct Fragile {}

static SAVE: AtomicBool = AtomicBool::new(true);

impl Target for Fragile {
    type Value = u64;
    const EXTENSION: &'static str = "fragile";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &u64, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        sink.write_all(b"half of ")?;
        assert!(*value != 13 || !SAVE.load(Ordering::SeqCst), "13 cannot be saved");
        Ok(write!(sink, "{value}")?)
    }

    fn load(&self, source: &Source) -> Result<u64> {
        let text = String::from_utf8(source.read()?)?;
        let value = text.trim_start_matches("half of ").parse()?;
        assert!(value != 7, "7 cannot be loaded");
        Ok(value)
    }
}

#[derive(Task)]
#[task(target = Fragile)]
struct Number {
    n: u64,
}

#[tracked]
impl Run for Number {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = Number, target = Json<u64>)]
struct Twice;

#[tracked]
impl Run for Twice {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? * 2)
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Aside;

#[tracked]
impl Run for Aside {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

#[test]
fn a_panic_in_save_fails_the_task() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Number::N, 13);
    let summary = failure(flow.run::<(Twice, Aside)>());
    assert_eq!((ran(&summary), failed(&summary)), (vec!["Aside".into()], vec!["Number".into()]));
    assert_eq!(not_run(&summary), ["Twice"]);
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.starts_with(&format!("it panicked at {}:", file!())), "{error}");
    assert_eq!(without_places(&error), "it panicked: 13 cannot be saved");
    // No output file is left.
    let left = files_below(flow.folder());
    assert!(left.iter().all(|file| file.extension().is_none_or(|e| e != "fragile")), "{left:?}");
    SAVE.store(false, Ordering::SeqCst);
    flow.run::<(Twice, Aside)>()?;
    assert_eq!(*flow.load::<Twice>()?, 26);
    Ok(())
}

#[test]
fn a_panic_in_load_fails_the_task_that_loads() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Number::N, 7);
    let summary = failure(flow.run::<(Twice, Aside)>());
    assert_eq!((ran(&summary).len(), failed(&summary)), (2, vec!["Twice".into()]));
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.contains(&format!("the target panicked at {}:", file!())), "{error}");
    assert!(error.contains(": 7 cannot be loaded"), "{error}");
    let error = in_full(flow.load::<Number>().expect_err("it panics"));
    assert!(error.contains("7 cannot be loaded") && error.contains("data-"), "{error}");
    Ok(())
}

/// An error whose `Display` panics.
#[derive(Debug)]
struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no comment")
    }
}

impl std::error::Error for Mute {}

macro_rules! fails {
    ($name:ident, $run:expr) => {
        #[derive(Task)]
        #[task(target = Json<u64>)]
        struct $name;

        #[tracked]
        impl Run for $name {
            fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                let run: fn(&Cx<Self>) -> Result<u64> = $run;
                run(cx)
            }
        }
    };
}

fails!(Silent, |_| Err(Mute.into()));
fails!(Odd, |_| std::panic::panic_any(42));
fails!(Empty, |_| bail!(""));
fails!(Sideways, |_| std::thread::spawn(|| panic!("in another thread"))
    .join()
    .map_err(|_| anyhow!("a thread of it panicked")));
fails!(Meta, |cx| {
    cx.meta("x", f64::NAN)?;
    cx.meta("y", MuteValue)?;
    Ok(1)
});

/// A value whose `Serialize` panics.
struct MuteValue;

impl Serialize for MuteValue {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("nothing to note")
    }
}

#[test]
fn panics_in_errors_threads_and_metadata_fail_their_task() {
    for workers in [1, 4] {
        let (flow, _folder) = flow();
        let result = flow.workers(workers).run::<(Silent, Odd, Empty, Sideways, Meta, Aside)>();
        let summary = failure(result);
        assert_eq!(ran(&summary), ["Aside"]);
        assert_eq!(failed(&summary), ["Empty", "Meta", "Odd", "Sideways", "Silent"]);
        let errors = summary.failed().into_iter().filter_map(|entry| entry.error);
        let errors: Vec<_> = errors.map(|error| without_places(&error)).collect();
        assert!(
            errors.contains(&"it panicked: a panic without a message".to_owned()),
            "{errors:?}"
        );
        assert!(errors.contains(&"it panicked: nothing to note".to_owned()), "{errors:?}");
        assert!(errors.iter().any(|error| error.contains("no comment")), "{errors:?}");
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Leaf {
    n: u64,
}

#[tracked]
impl Run for Leaf {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        ensure!(self.n != 50, "it is the one");
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = Leaf { n: self.n }, target = Json<u64>)]
struct Branch {
    n: u64,
}

#[tracked]
impl Run for Branch {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? + 1)
    }
}

#[derive(Task)]
#[task(requires = [Branch { n } for n in 0..100u64], target = Json<u64>)]
struct Trunk;

#[tracked]
impl Run for Trunk {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|input| Ok(*input.load()?)).sum()
    }
}

#[test]
fn a_failed_instance_stops_only_its_downstream_tasks() {
    for workers in [1, 3] {
        let (flow, _folder) = flow();
        let summary = failure(flow.workers(workers).run::<Trunk>());
        assert_eq!(failed(&summary), ["Leaf"]);
        assert_eq!(not_run(&summary), ["Branch", "Trunk"]);
        assert_eq!(summary.ran().len(), 198);
        assert!(summary.to_string().contains("198 ran, 1 failed, 2 not run"), "{summary}");
    }
}
