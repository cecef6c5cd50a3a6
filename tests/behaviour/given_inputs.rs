//! `testing::flow`: a test gives the inputs of a task as values, and upstream tasks are not planned.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use flow::File;
use flow::prelude::*;
use flow::testing::{
    self, assert_already_complete, assert_because, assert_failed, assert_given, assert_not_run,
    assert_ran, assert_unchanged,
};

/// A task that cannot run: it needs a missing file and a client that the flow does not provide, and it fails.
#[derive(Task)]
#[task(target = Json<Vec<u32>>, uses(Client), refresh = always)]
struct Fetch {
    #[param(file, default = "there/is/no/such/file")]
    source: PathBuf,
}
runs!(Fetch: Vec<u32> = |self, cx| bail!("{:?} must not run", self.source));

struct Client;

#[derive(Task)]
#[task(target = Json<u32>)]
struct Endless {
    number: u32,
}
runs!(Endless: u32 = |self, cx| bail!("{} must not run", self.number));

#[derive(Task)]
#[task(requires(Fetch, Endless), target = Json<Vec<u32>>)]
struct Clean {
    #[param(default = 2)]
    factor: u32,
}
runs!(Clean: Vec<u32> = |self, cx| {
    let (fetched, endless) = cx.input();
    let endless = *endless.load()?;
    Ok(fetched.load()?.iter().map(|n| n * self.factor + endless).collect())
});

#[derive(Task)]
#[task(requires = Clean, target = Json<u32>)]
struct Total;
runs!(Total: u32 = |self, cx| Ok(cx.input().load()?.iter().sum()));

#[derive(Task)]
#[task(requires = Total, target = Json<u32>)]
struct Twice;
runs!(Twice: u32 = |self, cx| Ok(*cx.input().load()? * 2));

#[test]
fn tasks_upstream_of_a_given_output_are_not_planned() -> Result<()> {
    let flow = testing::flow().with_input::<Clean>(vec![1, 2, 3]);
    let summary = flow.run::<Twice>()?;
    assert_given(&summary, ["Clean {factor: 2}"]);
    assert_ran(&summary, ["Total", "Twice"]);
    assert_eq!(summary.len(), 3);
    assert!(summary.warnings().is_empty(), "{summary}");
    assert_eq!(*flow.load::<Twice>()?, 12);
    // A given output can be loaded like any other.
    assert_eq!(*flow.load::<Clean>()?, [1, 2, 3]);
    assert_already_complete(&flow.run::<Twice>()?, ["Clean", "Total", "Twice"]);
    Ok(())
}

#[test]
fn a_task_with_a_given_output_needs_no_files_or_resources() -> Result<()> {
    // `Fetch` has no file and no client, and would be refreshed each time.
    let flow = testing::flow()
        .with_input::<Fetch>(vec![1, 2])
        .with(Endless::NUMBER, 3)
        .with_input::<Endless>(10);
    assert_ran(&flow.run::<Total>()?, ["Clean", "Total"]);
    assert_eq!(*flow.load::<Total>()?, 26);
    assert_ran(&flow.run::<Total>()?, []);
    Ok(())
}

#[test]
fn another_given_value_reruns_downstream_tasks() -> Result<()> {
    let flow = testing::flow().with_input::<Clean>(vec![1, 2, 3]);
    flow.run::<Twice>()?;
    let more = flow.with_input::<Clean>(vec![1, 2, 4]);
    let summary = more.run::<Twice>()?;
    assert_given(&summary, ["Clean"]);
    assert_ran(&summary, ["Total", "Twice"]);
    assert_because(&summary, "Total", "waits for Clean");
    assert_eq!(*more.load::<Twice>()?, 14);

    // Another value with the same sum.
    let summary = more.with_input::<Clean>(vec![7]).run::<Twice>()?;
    assert_ran(&summary, ["Total"]);
    assert_unchanged(&summary, ["Twice"]);
    Ok(())
}

#[test]
fn a_given_output_takes_precedence_over_a_computed_one() -> Result<()> {
    let flow = testing::flow().with_input::<Clean>(vec![5]);
    let summary = flow.run::<Total>()?;
    assert_ran(&summary, ["Total"]);
    // The output of `Total` itself is given, although it was computed before.
    let given = flow.with_input::<Total>(100);
    let summary = given.run::<Twice>()?;
    assert_given(&summary, ["Total"]);
    assert_eq!(*given.load::<Twice>()?, 200);
    assert_eq!(*flow.load::<Total>()?, 5);
    Ok(())
}

#[derive(Outputs)]
struct Split {
    #[output(Json)]
    train: Vec<u32>,
    #[output(File(extension = "txt"))]
    notes: PathBuf,
}

#[derive(Task)]
#[task(outputs = Split)]
struct Halves;
runs!(Halves: Split = |self, cx| bail!("it must not run"));

#[derive(Task)]
#[task(target = Memory<BTreeMap<String, u32>>)]
struct Names;
runs!(Names: BTreeMap<String, u32> = |self, cx| bail!("it must not run"));

#[derive(Task)]
#[task(target = File)]
struct Shards;
runs!(Shards: PathBuf = |self, cx| bail!("it must not run"));

#[derive(Task)]
#[task(external, path = "there/is/no/such/file.txt", target = Text)]
struct Elsewhere;

#[derive(Task)]
#[task(requires(Halves, Names, Shards, Elsewhere), target = Json<String>)]
struct All;
runs!(All: String = |self, cx| {
    let (halves, names, shards, elsewhere) = cx.input();
    let split = halves.load()?;
    let noted: u32 = halves.meta("rows")?;
    let shards = shards.load()?;
    Ok(format!(
        "{:?} {} {noted} {} {} {}",
        split.train,
        std::fs::read_to_string(&split.notes)?,
        names.load()?["a"],
        std::fs::read_to_string(shards.join("deep/1.txt"))?,
        elsewhere.load()?,
    ))
});

#[test]
fn outputs_of_every_kind_can_be_given() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let notes = folder.path().join("my notes");
    std::fs::write(&notes, "noted")?;
    std::fs::create_dir_all(folder.path().join("shards/deep"))?;
    std::fs::write(folder.path().join("shards/deep/1.txt"), "first")?;
    let flow = testing::flow()
        .with_input::<Halves>(Split { train: vec![1, 2], notes: notes.clone() })
        .with_input_meta::<Halves>("rows", 9)
        .with_input::<Names>(BTreeMap::from([("a".to_owned(), 4)]))
        .with_input::<Shards>(folder.path().join("shards"))
        .with_input::<Elsewhere>("from elsewhere".to_owned());
    let summary = flow.run::<All>()?;
    assert_ran(&summary, ["All"]);
    assert_given(&summary, ["Halves", "Names", "Shards", "Elsewhere"]);
    // The files were copied, so the test may remove its own.
    drop(folder);
    assert_eq!(*flow.load::<All>()?, "[1, 2] noted 9 4 first from elsewhere");
    assert_eq!(std::fs::read_to_string(&flow.load::<Halves>()?.notes)?, "noted");
    assert_ran(&flow.run::<All>()?, []);
    Ok(())
}

/// Records numbers that JSON lacks, or has in one width only.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Measure;
runs!(Measure: u32 = |self, cx| {
    cx.meta("narrow", 0.1_f32)?;
    cx.meta("nothing", f64::NAN)?;
    cx.meta("bounds", [f64::NEG_INFINITY, f64::INFINITY])?;
    cx.meta("large", u128::MAX)?;
    Ok(1)
});

#[derive(Task)]
#[task(requires = Measure, target = Text)]
struct ReadMeta;
runs!(ReadMeta: String = |self, cx| {
    let input = cx.input();
    let nothing: f64 = input.meta("nothing")?;
    let bounds: serde_json::Value = input.meta("bounds")?;
    let large: serde_json::Value = input.meta("large")?;
    Ok(format!("{} {nothing} {bounds} {large}", input.meta::<f64>("narrow")?))
});

#[test]
fn given_metadata_is_recorded_as_a_task_records_it() -> Result<()> {
    let made = testing::flow();
    made.run::<ReadMeta>()?;
    let given = testing::flow()
        .with_input::<Measure>(1)
        .with_input_meta::<Measure>("narrow", 0.1_f32)
        .with_input_meta::<Measure>("nothing", f64::NAN)
        .with_input_meta::<Measure>("bounds", [f64::NEG_INFINITY, f64::INFINITY])
        .with_input_meta::<Measure>("large", u128::MAX);
    given.run::<ReadMeta>()?;
    assert_eq!(*given.load::<ReadMeta>()?, *made.load::<ReadMeta>()?);
    assert!(given.load::<ReadMeta>()?.starts_with("0.1 NaN [\"-inf\",\"inf\"] "));
    Ok(())
}

#[test]
fn a_given_path_that_does_not_exist_fails_the_task() {
    let flow = testing::flow().with_input::<Shards>("no/such/folder".into());
    let failed = flow.run::<Shards>();
    assert_failed(&failed, ["Shards"]);
    assert_because(&failed, "Shards", "cannot copy \"no/such/folder\"");
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Price {
    symbol: String,
}
runs!(Price: u32 = |self, cx| bail!("no network for {}", self.symbol));

#[derive(Task)]
#[task(requires(prices = [Price { symbol } for symbol in ["A", "B", "C"]]), target = Json<u32>)]
struct Index;
runs!(Index: u32 = |self, cx| {
    cx.input().prices.iter().try_fold(0, |sum, price| Ok(sum + *price.load()?))
});

#[test]
fn an_output_can_be_given_for_instances_with_some_parameters() -> Result<()> {
    let flow = testing::flow()
        .with_input::<Price>(1)
        .with_input_for::<Price>(|price| price.symbol == "B", 10);
    assert_given(&flow.run::<Index>()?, ["Price", "Price {symbol: B}", "Price {symbol: A}"]);
    assert_eq!(*flow.load::<Index>()?, 12);

    let one = testing::flow().with_input_for::<Price>(|price| price.symbol == "B", 10);
    let failed = one.run::<Index>();
    assert_given(&failed, ["Price {symbol: B}"]);
    assert_failed(&failed, ["Price {symbol: A}", "Price {symbol: C}"]);
    assert_because(&failed, "Price {symbol: C}", "no network for C");
    assert_not_run(&failed, ["Index"]);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Search;
runs!(Search: u32 = |self, cx| {
    let mut sum = 0;
    for symbol in ["A", "B"] {
        sum += *cx.with(Price::SYMBOL, symbol).require::<Price>()?.load()?;
    }
    Ok(sum)
});

#[test]
fn an_output_of_a_task_required_in_a_run_can_be_given() -> Result<()> {
    let flow = testing::flow().with_input::<Price>(4);
    let summary = flow.run::<Search>()?;
    assert_ran(&summary, ["Search"]);
    assert_given(&summary, ["Price {symbol: A}", "Price {symbol: B}"]);
    // There is no warning: dynamic requirements are not known before the run.
    assert!(summary.warnings().is_empty(), "{summary}");
    assert_eq!(*flow.load::<Search>()?, 8);
    assert_ran(&flow.run::<Search>()?, []);

    let other = flow.with_input::<Price>(5);
    assert_ran(&other.run::<Search>()?, ["Search"]);
    assert_eq!(*other.load::<Search>()?, 10);
    Ok(())
}

#[test]
fn a_given_output_that_no_task_requires_is_a_warning() -> Result<()> {
    let flow = testing::flow().with_input::<Total>(1).with_input::<Price>(1);
    let summary = flow.run::<Twice>()?;
    let warnings: Vec<_> = summary.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["an output was given for `Price`, but no instance that it applies to is required here"]
    );
    Ok(())
}

#[test]
fn a_test_flow_removes_its_store_on_drop() -> Result<()> {
    let flow = testing::flow().with(Clean::FACTOR, 3).with_input::<Clean>(vec![1]);
    flow.run::<Total>()?;
    let folder = flow.folder().to_owned();
    // Copies of the flow and handles of its outputs keep the store.
    let plain = flow.limits(flow::Limits::default().versions(1));
    drop(flow);
    assert!(folder.exists());
    let total = plain.output::<Total>()?;
    drop(plain);
    assert_eq!(*total.load()?, 1);
    drop(total);
    assert!(!folder.exists());
    Ok(())
}

#[test]
fn two_test_flows_share_nothing() -> Result<()> {
    testing::flow().with_input::<Clean>(vec![1]).run::<Total>()?;
    let summary = testing::flow().with_input::<Clean>(vec![1]).run::<Total>()?;
    assert_ran(&summary, ["Total"]);
    Ok(())
}

fn panics(wrong: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(wrong)).expect_err("it is wrong");
    *panic.downcast().expect("a message")
}

#[test]
fn a_wrong_assertion_shows_the_whole_summary() {
    let flow = testing::flow().with_input::<Clean>(vec![1]);
    let summary = flow.run::<Twice>().expect("it runs");
    let message = panics(|| assert_ran(&summary, ["Twice", "Fetch"]));
    let mut lines = message.lines();
    assert_eq!(lines.next(), Some("the instances that ran are not [\"Twice\", \"Fetch\"]"));
    assert_eq!(lines.next(), Some("  missing: Fetch"));
    assert_eq!(lines.next(), Some("  unexpected: Total"));
    assert!(message.contains("3 tasks in"), "{message}");
    assert!(message.contains("given by a test:\n    Clean {factor: 2}"), "{message}");

    let nothing = testing::flow().run::<Index>();
    let message = panics(|| assert_because(&nothing, "Index", "no reason"));
    assert!(message.contains("no reason of `Index` contains \"no reason\""), "{message}");
    let message = panics(|| assert_because(&nothing, "Twice", "no reason"));
    assert!(message.starts_with("this run has no instance `Twice`\n"), "{message}");
}
