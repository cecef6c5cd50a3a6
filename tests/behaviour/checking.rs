//! `check` finds all problems of a flow at once, before anything runs, and writes nothing.

use std::path::PathBuf;

use flow::prelude::*;
use flow::testing;

use crate::support::{files_below, flow};

#[derive(Task)]
#[task(target = Json<u32>)]
struct Source {
    #[param(file, default = "no/such/file.csv")]
    path: PathBuf,
    #[param(file, default = "no/such/folder/*.csv")]
    pattern: PathBuf,
    /// Has no default.
    symbol: String,
}
runs!(Source: u32 = |self, cx| bail!("{:?} {:?} {}", self.path, self.pattern, self.symbol));

#[derive(Task)]
#[task(external, path = "no/such/words.txt", target = Text)]
struct Words;

struct Client;

#[derive(Task)]
#[task(target = Json<u32>, uses(Client))]
struct Fetch {
    #[param(default = 5, range = 1..=3)]
    tries: u32,
    #[param(default = panicking())]
    day: String,
}
runs!(Fetch: u32 = |self, cx| bail!("{} {}", self.tries, self.day));

fn panicking() -> &'static str {
    panic!("there is no calendar")
}

#[derive(Task)]
#[task(requires = Source { symbol: unsaid()? }, target = Json<u32>)]
struct Unsaid;
runs!(Unsaid: u32 = |self, cx| bail!("it must not run"));

fn unsaid() -> Result<&'static str> {
    bail!("it cannot be said")
}

#[derive(Task)]
#[task(requires(Source, Words, Fetch, Unsaid), target = Json<u32>)]
struct Middle {
    #[param(default = 1)]
    tries: u32,
}
runs!(Middle: u32 = |self, cx| bail!("{}", self.tries));

#[derive(Task)]
#[task(requires(one = Middle, list = [Middle { tries } for tries in [1, 2]]), target = Json<u32>)]
struct Root;
runs!(Root: u32 = |self, cx| bail!("it must not run"));

fn told<R: flow::Roots>(flow: &Flow) -> Vec<String> {
    match flow.check::<R>() {
        Ok(checked) => panic!("nothing is wrong: {checked:?}"),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let (flow, _folder) = flow();
    let told = told::<Root>(&flow);
    for (problem, text) in told.iter().zip([
        "`Source.symbol` has no value: give one with `flow.with(Source::SYMBOL, ...)`",
        "`Fetch.tries` is 5, which is not in 1..=3",
        "the default of `Fetch.day` panicked: there is no calendar",
        "evaluating `requires` of `Unsaid` failed: it cannot be said",
        "external file \"",
    ]) {
        assert!(problem.contains(text), "no {text:?} in {problem:?}");
        assert!(problem.contains("required by: Root → Middle → "), "{problem}");
    }
    assert!(told[4].contains("the output of `Words`, does not exist"), "{told:?}");
    assert_eq!(told.len(), 5, "{told:#?}");

    // Problems that are found once the first ones are solved.
    let better = flow.with(Source::SYMBOL, "A").with(Fetch::DAY, "today").with(Fetch::TRIES, 1);
    let text = better.check::<Root>().expect_err("files are missing").to_string();
    assert!(text.starts_with("5 things are wrong:\n- evaluating `requires` of `Unsaid`"), "{text}");
    assert!(
        text.contains(
            "- there is no file \"no/such/file.csv\", which is `Source.path`: create the file"
        ),
        "{text}"
    );
    assert!(
        text.contains("- no file matches \"no/such/folder/*.csv\", which is `Source.pattern`"),
        "{text}"
    );
    assert!(text.contains("- `Fetch` uses a `Client`, and the flow has none"), "{text}");
}

#[derive(Task)]
#[task(requires = Fetch { tries: 2, day: "monday" }, target = Json<u32>)]
struct Daily {
    #[param(default = 1)]
    n: usize,
}
runs!(Daily: u32 = |self, cx| Ok(self.n as u32 + *cx.input().load()?));

#[derive(Task)]
#[task(requires = Daily, target = Json<u32>)]
struct Weekly {
    #[param(default = Secret::new("hush".to_owned()))]
    token: Secret<String>,
}
runs!(Weekly: u32 = |self, cx| Ok(self.token.expose().len() as u32 + *cx.input().load()?));

#[test]
fn checking_a_valid_flow_writes_nothing() -> Result<()> {
    let (flow, folder) = flow();
    let checked = flow.provide(Client).with(Words2::N, 1).check::<Weekly>()?;
    assert_eq!(checked.instances, 3);
    let warnings: Vec<_> = checked.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["the value given for `Words2.n` is not used: no task of the graph takes it"]
    );
    // Not even the key that hashes secrets is written.
    assert_eq!(files_below(folder.path()), [] as [PathBuf; 0]);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Words2 {
    n: u32,
}
runs!(Words2: u32 = |self, cx| Ok(self.n));

#[test]
fn a_task_is_checked_without_a_flow() {
    let problems = flow::check::<(Weekly, Words2)>().expect_err("no client, no value");
    let kinds: Vec<_> = problems.iter().map(|problem| problem.kind.to_string()).collect();
    assert!(kinds[0].starts_with("`Words2.n` has no value"), "{kinds:?}");
    assert!(kinds[1].starts_with("`Fetch` uses a `Client`"), "{kinds:?}");
    assert_eq!(kinds.len(), 2);
}

#[derive(Task)]
#[task(requires = Daily, target = Json<u32>)]
struct Monthly {
    #[param(default = 1.5)]
    n: f64,
}
runs!(Monthly: u32 = |self, cx| Ok(self.n as u32 + *cx.input().load()?));

#[derive(Task)]
#[task(requires = Daily, target = Json<u32>)]
struct Yearly {
    #[param(default = 1.5, local)]
    n: f64,
}
runs!(Yearly: u32 = |self, cx| Ok(self.n as u32 + *cx.input().load()?));

#[derive(Task)]
#[task(requires = Daily { n: 3 }, target = Json<u32>)]
struct Settled {
    #[param(default = 1.5)]
    n: f64,
}
runs!(Settled: u32 = |self, cx| Ok(self.n as u32 + *cx.input().load()?));

#[test]
fn parameters_of_one_name_and_different_types_are_reported() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.provide(Client);
    assert_eq!(
        told::<Monthly>(&flow),
        [
            "`Monthly.n` is a `f64`, and `Daily.n`, which is required there, a `usize`: a value given to \
          the one does not reach the other; give both one type, rename one, or mark one \
          `#[param(local)]`"
        ]
    );
    // A local parameter, a value set by the requirement, and a value given to `Daily` are valid.
    flow.check::<Yearly>()?;
    flow.check::<Settled>()?;
    flow.with(Daily::N, 5).check::<Monthly>()?;
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_device_is_not_accepted_as_a_file() -> Result<()> {
    let (flow, folder) = flow();
    let there = folder.path().join("there.csv");
    std::fs::write(&there, "a")?;
    let flow = flow.with(Source::SYMBOL, "A").with(Source::PATTERN, there.clone());
    flow.with(Source::PATH, there).check::<Source>()?;
    let told = told::<Source>(&flow.with(Source::PATH, "/dev/zero"));
    assert!(told[0].contains("there is no file \"/dev/zero\""), "{told:?}");
    Ok(())
}

#[derive(Task)]
#[task(name = "Daily", target = Json<u32>)]
struct OtherDaily {
    count: u32,
}
runs!(OtherDaily: u32 = |self, cx| Ok(self.count));

#[derive(Task)]
#[task(requires(Daily, OtherDaily), target = Json<u32>)]
struct Both;
runs!(Both: u32 = |self, cx| bail!("it must not run"));

#[test]
fn a_duplicate_task_name_hides_no_other_problem() {
    let (flow, _folder) = flow();
    let told = told::<Both>(&flow);
    assert!(told[0].contains("two tasks are called `Daily`"), "{told:#?}");
    assert!(told[1].contains("`Daily.count` has no value"), "{told:#?}");
    assert!(told[2].contains("`Fetch` uses a `Client`"), "{told:#?}");
    assert_eq!(told.len(), 3);
}

#[test]
fn inputs_given_by_a_test_count_as_present() -> Result<()> {
    let flow = testing::flow().with_input::<Fetch>(1);
    flow.check::<Weekly>()?;
    assert!(testing::flow().check::<Weekly>().is_err());
    // The files of a task whose output is given are not read, and external outputs are not looked for.
    let flow = testing::flow().with(Source::SYMBOL, "A").with_input::<Source>(1);
    flow.check::<Source>()?;
    testing::flow().with_input::<Words>("to be".to_owned()).check::<Words>()?;
    Ok(())
}

#[derive(Task)]
#[task(requires = [Chain { n: self.n - 1 } for _ in 0..self.n.min(1)], target = Json<u64>)]
struct Chain {
    n: u64,
}
runs!(Chain: u64 = |self, cx| Ok(self.n));

#[derive(Task)]
#[task(requires = [Circle { n: 1 - self.n } for _ in 0..1], target = Json<u64>)]
struct Circle {
    n: u64,
}
runs!(Circle: u64 = |self, cx| Ok(self.n));

#[test]
fn deep_graphs_are_checked_and_cycles_are_reported() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(flow.with(Chain::N, 50_000).check::<Chain>()?.instances, 50_001);
    let told = told::<Circle>(&flow.with(Circle::N, 1));
    assert!(told[0].starts_with("`Circle` requires itself: Circle → Circle → Circle"), "{told:?}");
    assert_eq!(told.len(), 1);
    Ok(())
}
