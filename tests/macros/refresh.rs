//! Every form of `refresh`.

use std::marker::PhantomData;

use wf::prelude::*;
use wf::testing::{self, assert_ran};

#[derive(Task)]
#[task(refresh = always, target = Json<u8>)]
struct Always;

#[derive(Task)]
#[task(target = Json<u8>, refresh = "1d 12h")]
struct Daily;

/// A word that means something else here.
mod always {
    pub const NOW: u8 = 1;
}

#[derive(Task)]
#[task(target = Json<u8>, refresh = always::NOW)]
struct Constant;

/// A generic task, and a value that borrows and contains a text that is no duration.
#[derive(Task)]
#[task(target = Json<u8>, refresh = (self.url.as_str(), "24h".len()))]
struct Borrows<T: Tracked + Clone> {
    url: String,
    of: PhantomData<T>,
}

/// A `Result`.
#[derive(Task)]
#[task(target = Json<u8>, refresh = self.url.parse::<u8>())]
struct MayFail {
    url: String,
}

/// An expression with `?`.
#[derive(Task)]
#[task(target = Json<u8>, refresh = self.url.parse::<u8>()? + 1)]
struct AsksWhether {
    url: String,
}

#[derive(Task)]
#[task(target = Json<u8>, refresh = { let value: Result<Option<u8>> = Ok(None); value })]
struct BlockOfNothing;

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

runs!(Always, Daily, Constant, MayFail, AsksWhether, BlockOfNothing);

#[tracked]
impl<T: Tracked + Clone> Run for Borrows<T> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[task(target = Json<u8>, refresh = always)]
fn always_a_function() -> u8 {
    1
}

/// A parameter that only `refresh` uses.
#[task(target = Json<u8>, refresh = self.etag.clone())]
fn function_with_tag(etag: &str) -> u8 {
    1
}

#[test]
fn only_some_tasks_run_again() -> Result<()> {
    let flow = testing::flow();
    let tasks = ["Always", "Daily", "Constant", "BlockOfNothing", "always_a_function"];
    let summary = flow.run::<(Always, Daily, Constant, BlockOfNothing, always_a_function)>()?;
    assert_ran(&summary, tasks);
    let summary = flow.run::<(Always, Daily, Constant, BlockOfNothing, always_a_function)>()?;
    assert_ran(&summary, ["Always", "always_a_function"]);
    Ok(())
}

#[test]
fn an_expression_decides() -> Result<()> {
    let flow = testing::flow()
        .with(Borrows::<u8>::URL, "7")
        .with(MayFail::URL, "7")
        .with(AsksWhether::URL, "7")
        .with(function_with_tag::ETAG, "a");
    let names = ["Borrows<u8>", "MayFail", "AsksWhether", "function_with_tag"];
    assert_ran(&flow.run::<(Borrows<u8>, MayFail, AsksWhether, function_with_tag)>()?, names);
    assert_ran(&flow.run::<(Borrows<u8>, MayFail, AsksWhether, function_with_tag)>()?, []);
    Ok(())
}
