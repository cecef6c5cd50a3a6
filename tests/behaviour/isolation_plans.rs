//! What an isolated task cannot do is an error of the plan: values in memory, types without a constructor.

use flow::prelude::*;

use crate::isolation::open;
use crate::support::{plan_error, ran};

#[derive(Task)]
#[task(target = Memory<u64>, isolate)]
struct Remembers;

runs!(Remembers: u64 = |self, _cx| Ok(7));

#[derive(Task)]
#[task(target = Memory<u64>)]
struct Remembered;

runs!(Remembered: u64 = |self, _cx| Ok(7));

#[derive(Task)]
#[task(requires = Remembered, target = Json<u64>, isolate)]
struct AfterRemembered;

runs!(AfterRemembered: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn values_in_memory_are_refused_before_anything_runs() {
    let opened = open();
    let error = plan_error::<Remembers>(&opened.flow);
    assert!(
        error.contains(
            "`Remembers` cannot run in a child process: its output is kept in the memory"
        ),
        "{error}"
    );
    assert!(error.contains("give it a target that writes a file"), "{error}");
    let error = plan_error::<AfterRemembered>(&opened.flow);
    assert!(
        error.contains("`AfterRemembered` cannot run in a child process: its input `Remembered`"),
        "{error}"
    );
    let problems = opened.flow.check::<AfterRemembered>().expect_err("a mistake").to_string();
    assert!(problems.contains("its input `Remembered` is kept in the memory"), "{problems}");
    let error = plan_error::<Remembered>(&opened.flow.isolate());
    assert!(error.contains("`Remembered` cannot run in a child process"), "{error}");
}

#[derive(Task)]
#[task(target = Json<u64>, isolate)]
struct RequiresRemembered;

runs!(RequiresRemembered: u64 = |self, cx| {
    let error = cx.require::<Remembered>().expect_err("it is in another process");
    ensure!(error.to_string().contains("Remembered is kept in the memory of the process"), "{error}");
    Ok(1)
});

#[test]
fn a_value_in_memory_that_a_child_requires_is_refused() -> Result<()> {
    let opened = open();
    let summary = opened.flow.run::<RequiresRemembered>()?;
    assert!(ran(&summary).contains(&"RequiresRemembered".to_owned()));
    Ok(())
}

struct Unregistered;

#[derive(Task)]
#[task(target = Json<u64>, uses(Unregistered), isolate)]
struct UsesUnregistered;

runs!(UsesUnregistered: u64 = |self, _cx| Ok(1));

struct Registered(u64);

flow::provider!(Registered, || Registered(41));

#[derive(Task)]
#[task(target = Json<u64>, uses(Registered), isolate)]
struct UsesRegistered;

runs!(UsesRegistered: u64 = |self, cx| Ok(cx.provided::<Registered>().0 + 1));

#[test]
fn a_type_that_a_task_uses_needs_a_constructor() -> Result<()> {
    let opened = open();
    // The flow provides one, which is in this process.
    let error = plan_error::<UsesUnregistered>(&opened.flow.provide(Unregistered));
    assert!(error.contains("`flow::provider!(Unregistered, || ...)`"), "{error}");
    opened.flow.run::<UsesRegistered>()?;
    assert_eq!(*opened.flow.load::<UsesRegistered>()?, 42);
    Ok(())
}

#[tracked]
struct Small;

#[tracked]
struct Large;

/// A generic task that a registered one names is found in the child, and another one is not.
#[derive(Task)]
#[task(target = Json<String>, isolate)]
struct Named<T: Tracked + Send + Sync + 'static> {
    #[param(default = 1)]
    n: u64,
    of: std::marker::PhantomData<fn() -> T>,
}

#[tracked]
impl<T: Tracked + Send + Sync + 'static> Run for Named<T> {
    fn run(&self, _cx: &Cx<Self>) -> Result<String> {
        let name = std::any::type_name::<T>();
        Ok(name.rsplit("::").next().unwrap_or(name).to_owned())
    }
}

#[derive(Task)]
#[task(requires = Named<Small>, target = Json<String>)]
struct NamesOne;

runs!(NamesOne: String = |self, cx| Ok(cx.input().load()?.to_string()));

#[test]
fn the_type_of_a_generic_task_must_be_reachable() -> Result<()> {
    let opened = open();
    opened.flow.run::<NamesOne>()?;
    assert_eq!(*opened.flow.load::<NamesOne>()?, "Small");
    let error = plan_error::<Named<Large>>(&opened.flow);
    assert!(error.contains("say `#[task(may_require("), "{error}");
    Ok(())
}

/// Is serialized without a part of it.
#[derive(Clone, Serialize, Deserialize)]
struct Partly {
    shown: u64,
    #[serde(skip_deserializing)]
    lost: u64,
}

#[derive(Task)]
#[task(target = Json<u64>, isolate)]
struct TakesPartly {
    partly: Partly,
}

runs!(TakesPartly: u64 = |self, _cx| Ok(self.partly.shown + self.partly.lost));

#[test]
fn a_parameter_that_cannot_be_read_back_fails_the_task() {
    let opened = open();
    let flow = opened.flow.with(TakesPartly::PARTLY, Partly { shown: 1, lost: 2 });
    let error = flow.run::<TakesPartly>().expect_err("it is another value in the child");
    assert!(error.to_string().contains("read back, it is serialized as something else"), "{error}");
}
