//! An output that a run would reuse counts as complete: it is loaded, shown, exported, pushed and
//! kept where it is, until a reset.

use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::support::{files_below, flow, preview, ran, reused};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Tens {
    n: u64,
}

runs!(Tens: u64 = |self, _cx| Ok(self.n / 10));

#[derive(Task)]
#[task(requires = Tens, target = Json<u64>)]
struct Squared;

runs!(Squared: u64 = |self, cx| {
    let tens = *cx.input().load()?;
    cx.meta("tens", tens)?;
    Ok(tens * tens)
});

#[derive(Task)]
#[task(requires(root = Squared), target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| Ok(*cx.input().root.load()? + 1));

#[derive(Task)]
#[task(aggregate, requires(Squared, Tens))]
struct Both;

/// Returns two flows whose `Squared` have equal fingerprints. The first has the output, the second
/// only its input.
fn two_flows(flow: &Flow) -> Result<(Flow, Flow)> {
    let (one, two) = (flow.with(Tens::N, 31), flow.with(Tens::N, 32));
    one.run::<Report>()?;
    two.run::<Tens>()?;
    Ok((one, two))
}

#[test]
fn reusable_outputs_count_as_complete_without_writing() -> Result<()> {
    let (flow, folder) = flow();
    let (one, two) = two_flows(&flow)?;
    let before = files_below(flow.folder());

    assert!(two.is_complete::<Report>()? && two.is_complete::<(Report, Squared)>()?);
    assert!(two.is_complete::<Both>()?);
    assert_eq!((*two.load::<Squared>()?, *two.load::<Report>()?), (9, 10));
    assert_eq!(*two.graph::<Report>().load::<Squared>()?, 9);
    let output = two.output::<Squared>()?;
    assert_eq!(output.meta::<u64>("tens")?, 3);
    assert_eq!(output.path()?, one.output::<Squared>()?.path()?);
    assert_eq!(*two.load::<Both>()?.0.load()?, 9);
    assert_eq!(
        preview::<Report>(&two),
        "Report {Tens.n: 32} COMPLETE\n\
         └─ Squared {Tens.n: 32} COMPLETE\n   \
            └─ Tens {n: 32} COMPLETE"
    );
    let plan = two.preview::<Report>()?;
    assert!(plan.pending().is_empty() && plan.cost().tasks == 0);
    assert!(
        plan.instances().all(|instance| instance.is_complete() && instance.status().is_complete())
    );
    assert!(two.why::<Report>()?.is_complete());
    assert_eq!(two.graph::<Report>().verify()?.outputs(), 3);

    let sweep = flow.sweep::<Report>().over(Tens::N, [31, 32]);
    assert!(sweep.preview()?.to_string().starts_with("2 variants: 2 complete"));
    assert_eq!(*sweep.load::<Squared>()?["n=32"], 9);
    let table = sweep.table()?.to_string();
    assert!(!table.contains("pending"), "{table}");
    assert!(sweep.missing(10).run()?.variants().is_empty());

    // An export is sealed with the key of the store, which is written when it is first needed.
    assert_eq!(files_below(flow.folder()), before);
    let exported = folder.path().join("exported");
    assert_eq!(two.graph::<Report>().export(&exported)?.instances().len(), 3);
    let shared = RemoteFolder::new(folder.path().join("shared"));
    assert_eq!(two.push::<Report>(&shared)?.instances().len(), 3);

    // A push and an export both transfer the output to an empty store.
    let there = Flow::open(folder.path().join("there"))?.quiet().with(Tens::N, 32);
    there.pull::<Report>(&shared)?;
    assert_eq!(*there.load::<Report>()?, 10);
    let here = Flow::open(folder.path().join("here"))?.quiet().with(Tens::N, 32);
    here.import(&exported)?;
    assert_eq!(*here.load::<Report>()?, 10);
    assert!(ran(&here.run::<Report>()?).is_empty());

    // A run links the output into the folder of the instance, and runs nothing.
    let summary = two.run::<Report>()?;
    assert_eq!(
        (ran(&summary).len(), reused(&summary)),
        (0, vec!["Report".into(), "Squared".into()])
    );
    assert_ne!(two.output::<Squared>()?.path()?, one.output::<Squared>()?.path()?);
    Ok(())
}

#[test]
fn a_reset_affects_only_its_own_instance() -> Result<()> {
    let (flow, _folder) = flow();
    let (one, two) = two_flows(&flow)?;
    two.reset::<Squared>()?;
    assert!(!two.is_complete::<Squared>()? && one.is_complete::<Squared>()?);
    assert!(two.load::<Squared>().is_err());
    assert_eq!(ran(&two.run::<Squared>()?), ["Squared"]);
    assert!(one.is_complete::<Squared>()? && one.is_complete::<Report>()?);
    Ok(())
}

#[test]
fn a_reset_prevents_reuse_from_another_store_too() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let team = Flow::open(folder.path().join("team"))?.quiet().with(Tens::N, 31);
    team.run::<Report>()?;
    let mine = Flow::open(folder.path().join("mine"))?.quiet().with(Tens::N, 31).reuse_from(&team);
    assert_eq!((*mine.load::<Report>()?, mine.is_complete::<Tens>()?), (10, true));
    assert_eq!(mine.output::<Report>()?.path()?, team.output::<Report>()?.path()?);
    assert!(files_below(mine.folder()).is_empty());
    mine.reset::<Report>()?;
    assert!(!mine.is_complete::<Report>()? && team.is_complete::<Report>()?);
    // Garbage collection keeps the note of the reset.
    mine.store().gc().older_than(std::time::Duration::ZERO).find()?.remove()?;
    let summary = mine.run::<Report>()?;
    assert_eq!(
        (ran(&summary), reused(&summary)),
        (vec!["Report".into()], vec!["Squared".into(), "Tens".into()])
    );
    Ok(())
}

#[test]
fn gc_keeps_outputs_that_a_wanted_instance_would_reuse() -> Result<()> {
    let (flow, _folder) = flow();
    let (_, two) = two_flows(&flow)?;
    flow.store().gc().keep::<Report>(&two)?.find()?.remove()?;
    assert_eq!((*two.load::<Report>()?, *two.load::<Squared>()?), (10, 9));
    assert!(ran(&two.run::<Report>()?).is_empty());
    Ok(())
}

#[test]
fn a_missing_file_is_replaced_by_an_equal_output() -> Result<()> {
    let (flow, _folder) = flow();
    let (one, two) = two_flows(&flow)?;
    two.run::<Report>()?;
    std::fs::remove_file(two.output::<Report>()?.path()?)?;
    assert!(two.is_complete::<Report>()?, "{}", preview::<Report>(&two));
    assert_eq!(two.output::<Report>()?.path()?, one.output::<Report>()?.path()?);
    assert!(ran(&two.run::<Report>()?).is_empty());
    assert_ne!(two.output::<Report>()?.path()?, one.output::<Report>()?.path()?);
    Ok(())
}
