//! `flow.why` reports each cause once for each root, if several branches lead to it, and each branch's own causes.

use std::fs;
use std::path::{Path, PathBuf};

use flow::prelude::*;

use crate::support::flow;

/// What both branches require.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Base {
    #[param(file)]
    base: PathBuf,
}

runs!(Base: u64 = |self, _cx| Ok(fs::read_to_string(&self.base)?.len() as u64));

#[derive(Task)]
#[task(requires = Base, target = Json<u64>)]
struct Left {
    #[param(file)]
    left: PathBuf,
}

runs!(Left: u64 = |self, cx| Ok(*cx.input().load()? + fs::read_to_string(&self.left)?.len() as u64));

#[derive(Task)]
#[task(requires = Base, target = Json<u64>)]
struct Right {
    #[param(file)]
    right: PathBuf,
}

runs!(Right: u64 = |self, cx| Ok(*cx.input().load()? + fs::read_to_string(&self.right)?.len() as u64));

#[derive(Task)]
#[task(requires(left = Left, right = Right), target = Json<u64>)]
struct Joined;

runs!(Joined: u64 = |self, cx| Ok(*cx.input().left.load()? * *cx.input().right.load()?));

#[derive(Task)]
#[task(requires = Right, target = Json<u64>)]
struct OfRight;

runs!(OfRight: u64 = |self, cx| Ok(*cx.input().load()?));

/// Returns the requested task, the task of the root cause and the reason of each cause.
fn causes<R: flow::Roots>(flow: &Flow) -> Vec<(String, String, String)> {
    let why = flow.why::<R>().expect("a plan");
    let cause = |cause: &flow::plan::Cause| {
        let (first, root) = (cause.steps[0].instance.task(), cause.root());
        (first.to_owned(), root.instance.task().to_owned(), root.reason.to_string())
    };
    why.causes().iter().map(cause).collect()
}

#[test]
fn the_causes_of_two_branches_are_reported_once_for_each_root() -> Result<()> {
    let (flow, folder) = flow();
    let [base, left, right] = ["base", "left", "right"].map(|name| folder.path().join(name));
    for path in [&base, &left, &right] {
        fs::write(path, "1")?;
    }
    let flow = flow.with(Base::BASE, &*base).with(Left::LEFT, &*left).with(Right::RIGHT, &*right);
    flow.run::<(Joined, OfRight)>()?;
    assert!(flow.why::<(Joined, OfRight)>()?.is_complete());
    let changed = |root: &str, task: &str, path: &Path| {
        let reason = format!("file: {} changed", path.display());
        (root.to_owned(), task.to_owned(), reason)
    };

    // Each branch has a cause of its own.
    fs::write(&left, "22")?;
    fs::write(&right, "22")?;
    assert_eq!(
        causes::<(Joined, OfRight)>(&flow),
        [
            changed("Joined", "Left", &left),
            changed("Joined", "Right", &right),
            changed("OfRight", "Right", &right),
        ]
    );
    // Both branches lead to a third one, which is further away.
    fs::write(&base, "22")?;
    assert_eq!(
        causes::<(Joined, OfRight)>(&flow),
        [
            changed("Joined", "Left", &left),
            changed("Joined", "Right", &right),
            changed("Joined", "Base", &base),
            changed("OfRight", "Right", &right),
            changed("OfRight", "Base", &base),
        ]
    );

    // The branches run again, and then give other data to what did not run.
    flow.run::<(Left, Right)>()?;
    let data = causes::<Joined>(&flow);
    let data: Vec<_> = data.iter().map(|(_, task, reason)| (task.as_str(), reason)).collect();
    let file = |path: &Path| format!("file: {} changed", path.display());
    assert_eq!(data, [("Left", &file(&left)), ("Right", &file(&right)), ("Base", &file(&base))]);
    Ok(())
}

/// Fails.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Flaky;

runs!(Flaky: u64 = |self, _cx| bail!("no data"));

#[derive(Task)]
#[task(requires = Flaky, target = Json<u64>)]
struct First;

runs!(First: u64 = |self, cx| Ok(*cx.input().load()?));

/// Fails, too.
#[derive(Task)]
#[task(target = Json<u64>)]
struct AlsoFlaky;

runs!(AlsoFlaky: u64 = |self, _cx| bail!("no rates"));

#[derive(Task)]
#[task(requires(Flaky, AlsoFlaky), target = Json<u64>)]
struct Third;

runs!(Third: u64 = |self, cx| Ok(*cx.input().0.load()?));

#[derive(Task)]
#[task(requires(First, Third), target = Json<u64>)]
struct OfFailures;

runs!(OfFailures: u64 = |self, cx| Ok(*cx.input().0.load()?));

#[test]
fn two_failures_upstream_are_reported_once_each() {
    let (flow, _folder) = flow();
    flow.run::<OfFailures>().expect_err("two tasks fail");
    let causes = causes::<OfFailures>(&flow);
    let [(_, one, no_data), (_, other, no_rates)] = &causes[..] else {
        panic!("two causes: {causes:?}")
    };
    assert_eq!((one.as_str(), other.as_str()), ("Flaky", "AlsoFlaky"));
    assert!(no_data.contains("no data") && no_rates.contains("no rates"), "{causes:?}");
}
