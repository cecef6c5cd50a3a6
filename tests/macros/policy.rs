//! Every form of the options that say how a task is executed.

use std::marker::PhantomData;
use std::time::Duration;

use wf::Backoff;
use wf::prelude::*;
use wf::testing::{self, assert_ran};

/// A literal for each option.
#[derive(Task)]
#[task(
    target = Json<u8>,
    retries = 3,
    backoff = 0.5,
    timeout = 30,
    priority = -10,
    threads = 1,
    resources(memory = "1.5 MB", gpu = 1u64, r#type = 2),
)]
struct Literals;

/// Texts for durations; an option in another attribute; a flag that this test does not use.
#[derive(Task)]
#[task(target = Json<u8>, backoff = "1m", timeout = "1h 30m")]
#[task(retries = 0x2, isolate)]
struct Texts;

/// A number of seconds for the delay alone.
#[derive(Task)]
#[task(target = Json<u8>, backoff = 2)]
struct Delay;

/// An expression for each option.
#[derive(Task)]
#[task(
    target = Json<u8>,
    retries = self.tries,
    backoff = Backoff::exponential(Duration::from_millis(1)).cap(Duration::from_secs(1)).jitter(0.5),
    timeout = Duration::from_secs(10 * u64::from(attempt)),
    priority = if self.size.is_empty() { 0 } else { -1 },
    threads = usize::from(self.cores) + 1,
    resources(
        memory = self.rows * 100 * u64::from(attempt),
        disk = format!("{} kB", self.rows),
        text = self.size.as_str(),
        owned = &self.size,
        gpu = self.size.len() as u64,
    ),
)]
struct Expressions {
    #[param(default = 2)]
    tries: u32,
    #[param(default = 0, insignificant)]
    cores: u8,
    #[param(default = 5)]
    rows: u64,
    #[param(default = "2k")]
    size: String,
}

/// A constant delay as a `Duration`, and a parameter with the name of the variable.
#[derive(Task)]
#[task(target = Json<u8>, backoff = Duration::from_millis(self.attempt), resources(api = self.attempt))]
struct ParameterOfThatName {
    #[param(default = 3)]
    attempt: u64,
}

/// A bound of a type parameter.
trait Model: Tracked {
    const CALLS: u64;
}

#[tracked]
#[derive(Clone)]
struct Ols;

impl Model for Ols {
    const CALLS: u64 = 4;
}

/// A generic task.
#[derive(Task)]
#[task(target = Json<u8>, retries = N, resources(api = M::CALLS))]
struct Generic<M: Model, const N: u32 = 2> {
    of: PhantomData<M>,
}

macro_rules! runs {
    ($($task:ty),*) => {
        $(
            #[tracked]
            impl Run for $task {
                fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
                    Ok(1)
                }
            }
        )*
    };
}

runs!(Literals, Texts, Delay, Expressions, ParameterOfThatName);

#[tracked]
impl<M: Model, const N: u32> Run for Generic<M, N> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

/// A function, with a parameter that only an option uses.
#[task(
    target = Json<u8>,
    retries = 1,
    timeout = Duration::from_secs(u64::from(self.seconds) * u64::from(attempt)),
    resources(memory = self.rows * 10),
)]
fn of_function(#[param(default = 7)] seconds: u8, #[param(default = 3)] rows: u64) -> u8 {
    seconds
}

/// Values that a macro passes on.
macro_rules! limited {
    ($name:ident, $retries:literal, $timeout:expr, $amount:expr) => {
        #[derive(Task)]
        #[task(target = Json<u8>, retries = $retries, timeout = $timeout, resources(api = $amount))]
        struct $name;

        runs!($name);
    };
}

limited!(FromMacro, 2, Duration::from_secs(u64::from(attempt)), 1);

fn flow() -> testing::Flow {
    let flow = testing::flow().offer("gpu", 2).offer("type", 2).offer("api", 10);
    flow.offer("disk", "1 GB").offer("text", "10k").offer("owned", 2_000)
}

#[test]
fn tasks_with_options_run_once() -> Result<()> {
    type All =
        (Literals, Delay, Expressions, ParameterOfThatName, Generic<Ols>, of_function, FromMacro);
    let flow = flow();
    let names = [
        "Literals",
        "Delay",
        "Expressions",
        "ParameterOfThatName",
        "Generic<Ols, 2>",
        "of_function",
        "FromMacro",
    ];
    assert_ran(&flow.run::<All>()?, names);
    assert_ran(&flow.run::<All>()?, []);
    Ok(())
}

#[test]
fn amounts_are_evaluated_for_each_instance() -> Result<()> {
    let error =
        |flow: testing::Flow| flow.preview::<(Expressions, ParameterOfThatName)>().unwrap_err();
    let text = error(flow().with(Expressions::SIZE, "11k")).to_string();
    assert!(text.contains("needs 3 of `gpu`, and the flow offers 2"), "{text}");
    let text = error(flow().with(ParameterOfThatName::ATTEMPT, 11)).to_string();
    assert!(text.contains("needs 11 of `api`, and the flow offers 10"), "{text}");
    // The third attempt needs three times as much memory.
    let text = error(flow().offer("memory", 1_200)).to_string();
    assert!(
        text.contains("needs 1.5 kB of `memory` in attempt 3, and the flow offers 1.2 kB"),
        "{text}"
    );
    flow().offer("memory", 1_500).preview::<Expressions>()?;
    flow().preview::<Texts>()?;
    Ok(())
}
