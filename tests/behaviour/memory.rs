//! Values passed to other tasks in memory equal what a reload returns, and are dropped after their last use.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use flow::Code;
use flow::prelude::*;
use flow::target::{Sink, Source};

use crate::support::flow;

/// A target that stores a [`Shared`] exactly. Loading its file creates a new allocation.
#[derive(Default)]
struct Exact {}

/// A number in an `Arc`, so that a test can tell whether two values share the allocation.
#[derive(Clone, Debug)]
struct Shared(Arc<u64>);

impl Target for Exact {
    type Value = Shared;
    const EXTENSION: &'static str = "txt";
    const EXACT: bool = true;
    const CODE: Code = Code::version(1);

    fn save(&self, value: &Shared, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        Ok(write!(sink, "{}", value.0)?)
    }

    fn load(&self, source: &Source) -> Result<Shared> {
        Ok(Shared(Arc::new(std::str::from_utf8(&source.read()?)?.parse()?)))
    }
}

static MADE: Mutex<Vec<Shared>> = Mutex::new(Vec::new());

#[derive(Task)]
#[task(target = Exact)]
struct Whole;

#[tracked]
impl Run for Whole {
    fn run(&self, _cx: &Cx<Self>) -> Result<Shared> {
        let made = Shared(Arc::new(5));
        MADE.lock().expect("no panic").push(made.clone());
        Ok(made)
    }
}

#[derive(Task)]
#[task(requires = Whole, target = Json<bool>)]
struct SeesTheSame {
    n: u64,
}

#[tracked]
impl Run for SeesTheSame {
    fn run(&self, cx: &Cx<Self>) -> Result<bool> {
        let value = cx.input().load()?.into_owned();
        let made = MADE.lock().expect("no panic");
        Ok(made.iter().any(|made| Arc::ptr_eq(&made.0, &value.0)))
    }
}

#[derive(Task)]
#[task(requires = [SeesTheSame { n } for n in 0..8u64], target = Json<Vec<bool>>)]
struct AllSeeTheSame;

#[tracked]
impl Run for AllSeeTheSame {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<bool>> {
        cx.input().iter().map(|input| Ok(*input.load()?)).collect()
    }
}

#[test]
fn an_exact_value_is_shared() -> Result<()> {
    for workers in [1, 4] {
        let (flow, _folder) = flow();
        flow.workers(workers).run::<AllSeeTheSame>()?;
        assert_eq!(*flow.load::<AllSeeTheSame>()?, [true; 8]);
        // No reference to the value is left after the run.
        let made = MADE.lock().expect("no panic").pop().expect("one was made");
        assert_eq!(Arc::strong_count(&made.0), 1);
        assert_eq!(*flow.load::<Whole>()?.0, 5);
    }
    Ok(())
}

/// A target that stores one decimal digit.
#[derive(Default)]
struct Lossy {}

impl Target for Lossy {
    type Value = f64;
    const EXTENSION: &'static str = "txt";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &f64, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        Ok(write!(sink, "{value:.1}")?)
    }

    fn load(&self, source: &Source) -> Result<f64> {
        Ok(std::str::from_utf8(&source.read()?)?.parse()?)
    }
}

#[derive(Task)]
#[task(target = Lossy)]
struct Third;

#[tracked]
impl Run for Third {
    fn run(&self, _cx: &Cx<Self>) -> Result<f64> {
        Ok(1.0 / 3.0)
    }
}

#[derive(Task)]
#[task(requires = Third, target = Json<f64>)]
struct Tripled;

#[tracked]
impl Run for Tripled {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        Ok(*cx.input().load()? * 10.0)
    }
}

#[test]
fn an_inexact_value_is_reloaded_from_its_file() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Tripled>()?;
    assert_eq!(*flow.load::<Tripled>()?, 3.0);
    Ok(())
}

/// A value that counts its living instances.
struct Live(u64);

static LIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

impl Live {
    fn new(n: u64) -> Self {
        MOST.fetch_max(LIVE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Self(n)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct Counted {}

impl Target for Counted {
    type Value = Live;
    const EXTENSION: &'static str = "txt";
    const EXACT: bool = true;
    const CODE: Code = Code::version(1);

    fn save(&self, value: &Live, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        Ok(write!(sink, "{}", value.0)?)
    }

    fn load(&self, source: &Source) -> Result<Live> {
        Ok(Live::new(std::str::from_utf8(&source.read()?)?.parse()?))
    }
}

#[derive(Task)]
#[task(target = Counted)]
struct Part {
    n: u64,
}

#[tracked]
impl Run for Part {
    fn run(&self, _cx: &Cx<Self>) -> Result<Live> {
        Ok(Live::new(self.n))
    }
}

/// Loads the value of its input, so that values are held while their readers run.
#[derive(Task)]
#[task(requires = Part { n: self.n }, target = Counted)]
struct Next {
    n: u64,
}

#[tracked]
impl Run for Next {
    fn run(&self, cx: &Cx<Self>) -> Result<Live> {
        Ok(Live::new(cx.input().load()?.0 + 1))
    }
}

#[derive(Task)]
#[task(requires = [Next { n } for n in 0..200u64], target = Json<u64>)]
struct FanIn;

#[tracked]
impl Run for FanIn {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        // One at a time.
        cx.input().iter().map(|input| Ok(input.load()?.0)).sum()
    }
}

#[test]
fn a_large_fan_in_does_not_hold_all_values() -> Result<()> {
    for workers in [1, 4] {
        let (flow, _folder) = flow();
        MOST.store(0, Ordering::SeqCst);
        flow.workers(workers).run::<FanIn>()?;
        assert_eq!(*flow.load::<FanIn>()?, (1..=200).sum::<u64>());
        let most = MOST.load(Ordering::SeqCst);
        // Each worker holds an input and an output, and as many values may wait for the commit.
        assert!(most <= 6 * (workers + 1), "{most} values with {workers} workers");
        assert_eq!(LIVE.load(Ordering::SeqCst), 0);
    }
    Ok(())
}
