//! Defaults of parameters are evaluated once for each flow, and only where no value is given.

use std::sync::atomic::{AtomicU32, Ordering};

use flow::prelude::*;

use crate::support::{flow, plan_error, ran};

static EVALUATED: AtomicU32 = AtomicU32::new(0);

fn today() -> u32 {
    EVALUATED.fetch_add(1, Ordering::Relaxed) + 1
}

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Fetch {
    #[param(default = today())]
    day: u32,
}

runs!(Fetch: u32 = |self, _cx| Ok(self.day));

/// Takes the default of `Fetch`, and passes no value on.
#[derive(Task, Clone)]
#[task(requires(Fetch, [Fetch { day } for day in 100..103]), target = Json<u32>)]
struct Week {
    #[param(from = Fetch::DAY)]
    since: u32,
}

runs!(Week: u32 = |self, cx| Ok(self.since + *cx.input().0.load()?));

#[test]
fn a_default_is_evaluated_once_for_a_flow_and_its_copies() -> Result<()> {
    let (flow, _folder) = flow();
    let before = EVALUATED.load(Ordering::Relaxed);
    assert_eq!(ran(&flow.run::<Week>()?), ["Fetch", "Fetch", "Fetch", "Fetch", "Week"]);
    assert_eq!(ran(&flow.run::<Week>()?), [""; 0]);
    assert_eq!(ran(&flow.with(Fetch::DAY, 9).run::<Fetch>()?), ["Fetch"]);
    assert_eq!(flow.workers(1).graph::<Week>().instance::<Week>()?.since, before + 1);
    let fetch = flow.graph::<Week>().at(Fetch::DAY, before + 1).instance::<Fetch>()?;
    assert_eq!(fetch.day, before + 1);
    assert_eq!(EVALUATED.load(Ordering::Relaxed), before + 1);
    // Another flow evaluates the default again.
    let another = Flow::open(flow.folder())?.quiet();
    assert_eq!(ran(&another.run::<Week>()?), ["Fetch", "Week"]);
    assert_eq!(EVALUATED.load(Ordering::Relaxed), before + 2);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<String>)]
struct Download {
    /// Where the file is.
    r#type: String,
}

runs!(Download: String = |self, _cx| Ok(self.r#type.clone()));

#[derive(Task)]
#[task(requires = Download, target = Json<usize>)]
struct Length;

runs!(Length: usize = |self, cx| Ok(cx.input().load()?.len()));

#[test]
fn a_parameter_without_default_must_be_given() -> Result<()> {
    let (flow, _folder) = flow();
    let error = "`Download.type` has no value: give one with `flow.with(Download::TYPE, ...)`, in \
                 the entry of `requires` that names `Download`, or write `#[param(default = ...)]`";
    assert_eq!(plan_error::<Download>(&flow), error);
    assert_eq!(plan_error::<Length>(&flow), format!("{error}\n  required by: Length → Download"));
    let given = flow.with(Download::TYPE, "csv");
    assert_eq!(ran(&given.run::<Length>()?), ["Download", "Length"]);
    assert_eq!(*given.load::<Length>()?, 3);
    Ok(())
}

/// The error proposes Rust code, which uses the name of the type and not the stored name of the task.
#[test]
fn the_error_names_the_rust_type_where_code_is_to_be_written() {
    #[derive(Task)]
    #[task(target = Json<u8>, name = "stored-as")]
    struct Named {
        n: u8,
    }

    runs!(Named: u8 = |self, _cx| Ok(self.n));

    let (flow, _folder) = flow();
    let error = plan_error::<Named>(&flow);
    assert!(
        error.starts_with("`stored-as.n` has no value: give one with `flow.with(Named::N, ...)`"),
        "{error}"
    );
}

#[derive(Task)]
#[task(target = Json<u8>)]
struct Panics {
    #[param(default = "x".parse::<u8>().expect("a number"))]
    n: u8,
}

runs!(Panics: u8 = |self, _cx| Ok(self.n));

#[test]
fn a_default_that_panics_is_an_error_of_the_plan() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Panics>(&flow),
        "the default of `Panics.n` panicked: a number: ParseIntError { kind: InvalidDigit }"
    );
    // The default is not evaluated where a value is given.
    assert!(flow.with(Panics::N, 3).preview::<Panics>().is_ok());
}
