//! Aggregates have no output of their own. They are complete when all their requirements are.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, preview, ran, reused};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Power {
    exponent: u32,
    #[param(default = 2)]
    base: u64,
}

runs!(Power: u64 = |self, cx| {
    ensure!(self.exponent != 9, "nine is too much");
    cx.meta("base", self.base)?;
    Ok(self.base.pow(self.exponent) / 2 * 2)
});

#[derive(Task)]
#[task(aggregate, requires = [Power { exponent } for exponent in 0..self.n])]
struct Powers {
    #[param(default = 3)]
    n: u32,
}

#[derive(Task)]
#[task(aggregate, requires(powers = Powers, more = Power { exponent: 1 } if self.more))]
struct Nested {
    #[param(default = true)]
    more: bool,
}

#[derive(Task)]
#[task(requires = Nested, target = Json<u64>)]
struct Sum;

runs!(Sum: u64 = |self, cx| {
    let nested = cx.input().load()?;
    let mut sum = 0;
    for power in nested.powers.load()?.iter() {
        sum += *power.load()?;
    }
    Ok(sum)
});

fn found(summary: &flow::Summary) -> Vec<String> {
    summary.now_complete().iter().map(|entry| entry.task().to_owned()).collect()
}

#[test]
fn an_aggregate_is_complete_when_all_its_members_are() -> Result<()> {
    let (flow, _folder) = flow();
    let shown = preview::<Powers>(&flow);
    assert!(shown.starts_with("Powers {n: 3} PENDING waits for Power\n"), "{shown}");
    let error = flow.load::<Powers>().expect_err("nothing has run").to_string();
    assert!(error.contains("waits for Power"), "{error}");
    let summary = flow.run::<Powers>()?;
    assert_eq!((ran(&summary), found(&summary)), (vec!["Power".into(); 3], vec!["Powers".into()]));
    let shown = summary.to_string();
    assert!(shown.contains("3 ran, 1 complete now"), "{shown}");
    assert!(shown.contains("complete with their dependencies:\n    Powers"), "{shown}");
    // The aggregate itself is not stored.
    assert!(!flow.folder().join("Powers").exists());
    assert!(flow.is_complete::<Powers>()?);
    let shown = preview::<Powers>(&flow);
    assert!(shown.starts_with("Powers {n: 3} COMPLETE"), "{shown}");
    let again = flow.run::<Powers>()?;
    assert_eq!(again.already_complete().len(), 4);
    // Loading the aggregate returns handles.
    let powers = flow.load::<Powers>()?;
    let values: Vec<_> = powers.iter().map(|power| Ok(*power.load()?)).collect::<Result<_>>()?;
    assert_eq!(values, [0, 2, 4]);
    assert_eq!(powers[2].task().exponent, 2);
    Ok(())
}

#[test]
fn a_consumer_depends_on_the_contents_of_the_members() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Sum>()?).len(), 4);
    assert_eq!(*flow.load::<Sum>()?, 6);
    assert!(flow.run::<Sum>()?.ran().is_empty());
    // One more member, and then a member with other content.
    let more = flow.with(Powers::N, 4u32);
    assert_eq!(ran(&more.run::<Sum>()?), ["Power", "Sum"]);
    assert_eq!(*more.load::<Sum>()?, 14);
    let other = flow.with(Power::BASE, 3u64);
    assert_eq!(ran(&other.run::<Sum>()?), ["Power", "Power", "Power", "Sum"]);
    // Other instances with equal contents are equal: 0, 2, 4 and 0, 2, 4.
    let less = flow.with(Nested::MORE, false);
    assert_eq!(ran(&less.run::<Sum>()?), ["Sum"]);
    assert_eq!(*less.load::<Sum>()?, 6);
    Ok(())
}

#[test]
fn a_failed_member_blocks_the_consumers_of_the_aggregate() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Powers::N, 10u32);
    let summary = failure(flow.run::<Sum>());
    assert_eq!((failed(&summary), ran(&summary).len()), (vec!["Power".into()], 9));
    assert_eq!(not_run(&summary), ["Nested", "Powers", "Sum"]);
    Ok(())
}

/// Reads metadata and a parameter of the members, and not their content.
#[derive(Task)]
#[task(requires = Nested, target = Json<u64>)]
struct Bases;

runs!(Bases: u64 = |self, cx| {
    let nested = cx.input().load()?;
    let powers = nested.powers.load()?;
    Ok(powers[0].meta::<u64>("base")? + powers[1].task().base)
});

#[derive(Task)]
#[task(requires = Nested, target = Json<u64>)]
struct Blind;

runs!(Blind: u64 = |self, cx| Ok(cx.input().load()?.powers.load()?.len() as u64));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Noted {
    note: u64,
}

runs!(Noted: u64 = |self, cx| {
    cx.meta("note", self.note)?;
    Ok(1)
});

#[derive(Task)]
#[task(aggregate, requires = Noted)]
struct AllNoted;

#[derive(Task)]
#[task(requires = AllNoted, target = Json<u64>)]
struct ReadsMeta;

runs!(ReadsMeta: u64 = |self, cx| cx.input().load()?.meta("note").map_err(Into::into));

#[derive(Task)]
#[task(requires = AllNoted, target = Json<u64>)]
struct ReadsTask;

runs!(ReadsTask: u64 = |self, cx| Ok(cx.input().load()?.task().note));

#[derive(Task)]
#[task(requires = AllNoted, target = Json<u64>)]
struct ReadsContent;

runs!(ReadsContent: u64 = |self, cx| Ok(*cx.input().load()?.load()?));

#[derive(Task)]
#[task(aggregate, requires(Power { exponent: 1 }, AllNoted))]
struct Outer;

/// Reads through two nested aggregates.
#[derive(Task)]
#[task(requires = Outer, target = Json<u64>)]
struct ReadsDeep;

runs!(ReadsDeep: u64 = |self, cx| {
    let (_, noted) = &*cx.input().load()?;
    let noted = noted.load()?;
    Ok(noted.meta::<u64>("note")? * 10 + noted.task().note)
});

#[test]
fn reads_through_nested_aggregates_are_dependencies() -> Result<()> {
    let (flow, _folder) = flow();
    let (one, two) = (flow.with(Noted::NOTE, 1u64), flow.with(Noted::NOTE, 2u64));
    one.run::<ReadsDeep>()?;
    assert_eq!(ran(&two.run::<ReadsDeep>()?), ["Noted", "ReadsDeep"]);
    assert_eq!((*one.load::<ReadsDeep>()?, *two.load::<ReadsDeep>()?), (11, 22));
    assert!(two.run::<ReadsDeep>()?.ran().is_empty() && one.is_complete::<ReadsDeep>()?);
    Ok(())
}

#[test]
fn metadata_and_parameters_read_from_members_are_dependencies() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<(Bases, Blind)>()?;
    assert_eq!((*flow.load::<Bases>()?, *flow.load::<Blind>()?), (4, 3));
    let (one, two) = (flow.with(Noted::NOTE, 1u64), flow.with(Noted::NOTE, 2u64));
    one.run::<(ReadsMeta, ReadsTask, ReadsContent)>()?;
    let summary = two.run::<(ReadsMeta, ReadsTask, ReadsContent)>()?;
    assert_eq!(ran(&summary), ["Noted", "ReadsMeta", "ReadsTask"]);
    assert_eq!(reused(&summary), ["ReadsContent"]);
    assert_eq!((*two.load::<ReadsMeta>()?, *two.load::<ReadsTask>()?), (2, 2));
    assert!(two.run::<(ReadsMeta, ReadsTask, ReadsContent)>()?.ran().is_empty());
    Ok(())
}

/// Asks the aggregate itself for metadata, which only its member records.
#[derive(Task)]
#[task(requires = AllNoted, target = Json<bool>)]
struct AsksInVain;

runs!(AsksInVain: bool = |self, cx| Ok(cx.input().meta::<u64>("note").is_err()));

#[test]
fn an_aggregate_has_no_metadata() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Noted::NOTE, 1u64);
    flow.run::<AsksInVain>()?;
    assert!(*flow.load::<AsksInVain>()?);
    assert!(flow.is_complete::<AsksInVain>()?);
    Ok(())
}

#[test]
fn a_missing_member_is_recomputed_when_it_is_needed() -> Result<()> {
    for workers in [1, 2, 4] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        flow.run::<Sum>()?;
        let gone = flow.load::<Powers>()?[2].path()?;
        fs::remove_file(&gone)?;
        // The consumer is complete, and the aggregate is not.
        assert!(flow.run::<Sum>()?.ran().is_empty());
        assert!(flow.is_complete::<Sum>()? && !flow.is_complete::<Nested>()?);
        let shown = preview::<Nested>(&flow);
        assert!(shown.starts_with("Nested {more: true} PENDING waits for Powers"), "{shown}");
        // The missing member is needed where the consumer runs, and where the aggregate is a root.
        flow.reset::<Sum>()?;
        assert_eq!(ran(&flow.run::<Sum>()?), ["Power", "Sum"]);
        fs::remove_file(flow.load::<Powers>()?[2].path()?)?;
        assert_eq!(ran(&flow.run::<Nested>()?), ["Power"]);
        assert!(flow.is_complete::<Nested>()?);
    }
    Ok(())
}

static SLOW: AtomicU64 = AtomicU64::new(0);

/// A slow task whose output stays in memory.
#[derive(Task)]
#[task(target = Memory<u64>)]
struct Slow {
    n: u64,
}

runs!(Slow: u64 = |self, _cx| {
    std::thread::sleep(std::time::Duration::from_millis(30));
    SLOW.fetch_add(1, Ordering::SeqCst);
    Ok(self.n)
});

#[derive(Task)]
#[task(aggregate, requires = [Slow { n } for n in 0..3u64])]
struct AllSlow;

#[derive(Task)]
#[task(aggregate, requires(AllSlow, Power { exponent: 2 }))]
struct SlowAndPower;

#[derive(Task)]
#[task(requires = SlowAndPower, target = Json<u64>)]
struct SlowSum {
    #[param(default = 1)]
    by: u64,
}

runs!(SlowSum: u64 = |self, cx| {
    let all = cx.input().load()?;
    let slow = all.0.load()?;
    Ok(slow.iter().map(|slow| Ok(*slow.load()?)).sum::<Result<u64>>()? * self.by)
});

#[test]
fn a_consumer_waits_for_members_that_are_recomputed() -> Result<()> {
    for workers in [1, 2, 4, 8] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        flow.run::<SlowSum>()?;
        // After the store is opened again, the values in memory are lost, and their digests are known.
        // One of them is computed because it is a root.
        let flow = Flow::open(flow.folder())?.quiet().workers(workers);
        let flow = flow.with(SlowSum::BY, 5u64).with(Slow::N, 2u64);
        let summary = flow.run::<(Slow, SlowSum)>()?;
        assert_eq!(ran(&summary), ["Slow", "Slow", "Slow", "SlowSum"], "{workers}: {summary}");
        assert_eq!(*flow.load::<SlowSum>()?, 15);
        assert!(flow.run::<(Slow, SlowSum)>()?.ran().is_empty());
    }
    Ok(())
}

#[test]
fn a_consumer_waits_for_members_that_are_reused() -> Result<()> {
    use crate::faulty::{Faulty, Op};

    for workers in [1, 2, 4] {
        let folder = tempfile::tempdir()?;
        let faulty = Faulty::new();
        let flow = crate::support::faulty_flow(folder.path(), &faulty)?.workers(workers);
        let (one, two) = (flow.with(Low::BASE, 8u64), flow.with(Low::BASE, 9u64));
        one.run::<LowSum>()?;
        two.run::<Low>()?;
        // Linking the reused outputs is slow.
        faulty.fail(|_, op, _| {
            if op == Op::Link {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            None
        });
        let two = two.with(LowSum::BY, 3u64);
        let summary = two.run::<LowSum>()?;
        assert_eq!(reused(&summary), ["Lower"; 3], "{summary}");
        assert_eq!(ran(&summary), ["LowSum"], "{summary}");
        assert_eq!(*two.load::<LowSum>()?, 3 * (4 + 5 + 6));
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Low {
    base: u64,
}

runs!(Low: u64 = |self, _cx| Ok(self.base / 2));

#[derive(Task)]
#[task(requires = Low, target = Json<u64>)]
struct Lower {
    n: u64,
}

runs!(Lower: u64 = |self, cx| Ok(*cx.input().load()? + self.n));

#[derive(Task)]
#[task(aggregate, requires = [Lower { n } for n in 0..3u64])]
struct AllLower;

#[derive(Task)]
#[task(aggregate, requires = AllLower)]
struct Around;

#[derive(Task)]
#[task(requires = Around, target = Json<u64>)]
struct LowSum {
    #[param(default = 1)]
    by: u64,
}

runs!(LowSum: u64 = |self, cx| {
    let all = cx.input().load()?.load()?;
    Ok(all.iter().map(|low| Ok(*low.load()?)).sum::<Result<u64>>()? * self.by)
});

static FICKLE: AtomicU64 = AtomicU64::new(0);

#[derive(Task)]
#[task(target = Json<u64>)]
struct Fickle;

runs!(Fickle: u64 = |self, _cx| Ok(FICKLE.fetch_add(1, Ordering::SeqCst)));

#[derive(Task)]
#[task(aggregate, requires = Fickle)]
struct Whims;

#[derive(Task)]
#[task(requires(Whims, Whims), target = Json<u64>)]
struct Seen {
    #[param(default = 0)]
    plus: u64,
}

static SEEN: AtomicU64 = AtomicU64::new(0);

runs!(Seen: u64 = |self, cx| {
    SEEN.fetch_add(1, Ordering::SeqCst);
    let (whims, again) = cx.input();
    ensure!(*whims.load()?.load()? == *again.load()?.load()?, "they are one");
    Ok(*whims.load()?.load()? + self.plus)
});

#[test]
fn a_consumer_reads_the_new_content_of_a_recomputed_member() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Seen>()?;
    fs::remove_file(flow.load::<Whims>()?.path()?)?;
    let before = SEEN.load(Ordering::SeqCst);
    let other = flow.with(Seen::PLUS, 100u64);
    assert_eq!(ran(&other.run::<Seen>()?), ["Fickle", "Seen"]);
    // The consumer runs once, with the new content.
    assert_eq!(SEEN.load(Ordering::SeqCst), before + 1);
    assert_eq!(*other.load::<Seen>()?, *other.load::<Fickle>()? + 100);
    // The output that was computed from the old content is no longer complete.
    assert_eq!(ran(&flow.run::<Seen>()?), ["Seen"]);
    assert_eq!(*flow.load::<Seen>()?, *flow.load::<Fickle>()?);
    Ok(())
}

/// Returns another value each time.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Whim {
    n: u64,
}

runs!(Whim: u64 = |self, _cx| Ok(FICKLE.fetch_add(1, Ordering::SeqCst) * 100 + self.n));

#[derive(Task)]
#[task(aggregate, requires = [Whim { n } for n in 0..6u64])]
struct Many;

#[derive(Task)]
#[task(aggregate, requires(many = Many, again = [Whim { n } for n in 4..8u64]))]
struct More;

#[derive(Task)]
#[task(requires = More, target = Json<u64>)]
struct Moods {
    #[param(default = 0)]
    plus: u64,
}

runs!(Moods: u64 = |self, cx| {
    let more = cx.input().load()?;
    let mut sum = self.plus;
    for whim in more.many.load()?.iter().chain(&more.again) {
        sum += *whim.load()?;
    }
    Ok(sum)
});

#[test]
fn several_changed_members_reach_a_consumer_of_nested_aggregates() -> Result<()> {
    for workers in [1, 3] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        flow.run::<Moods>()?;
        for n in [0u64, 5, 7] {
            fs::remove_file(flow.graph::<Moods>().at(Whim::N, n).output::<Whim>()?.path()?)?;
        }
        let other = flow.with(Moods::PLUS, 1_000_000u64);
        assert_eq!(ran(&other.run::<Moods>()?), ["Moods", "Whim", "Whim", "Whim"]);
        let whims = other.graph::<Moods>().outputs::<Whim>()?;
        let whims = whims.iter().map(|whim| Ok((whim.task().n, *whim.load()?)));
        let whims = whims.collect::<Result<Vec<_>>>()?;
        let sum: u64 =
            whims.iter().map(|(n, whim)| whim * if (4..6).contains(n) { 2 } else { 1 }).sum();
        assert_eq!(*other.load::<Moods>()?, 1_000_000 + sum);
        assert_eq!(ran(&flow.run::<Moods>()?), ["Moods"]);
        assert_eq!(*flow.load::<Moods>()?, sum);
    }
    Ok(())
}

#[test]
fn resetting_an_aggregate_resets_its_members() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    let removed = flow.reset::<Nested>()?;
    assert_eq!(removed.instances.len(), 3, "{removed}");
    assert!(removed.instances.iter().all(|one| one.starts_with("Power {")), "{removed}");
    assert!(flow.reset::<Nested>()?.instances.is_empty());
    assert_eq!(ran(&flow.run::<Sum>()?), ["Power", "Power", "Power"]);
    // The aggregate has no files of its own, whatever its parameters.
    assert!(flow.store().clear_task::<Nested>()?.files.is_empty());
    assert!(flow.is_complete::<Nested>()?);
    Ok(())
}

#[test]
fn reset_downstream_spares_the_other_members_of_an_aggregate() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<SlowSum>()?;
    let removed = flow.graph::<SlowSum>().reset_downstream::<Power>()?;
    assert_eq!(removed.instances, ["Power {exponent: 2, base: 2}", "SlowSum {by: 1}"]);
    assert!(flow.is_complete::<AllSlow>()?);
    // If the aggregate itself is named, its own members are reset.
    let removed = flow.graph::<SlowSum>().reset_downstream::<AllSlow>()?;
    assert_eq!(removed.instances[..], ["Slow {n: 0}", "Slow {n: 1}", "Slow {n: 2}"]);
    Ok(())
}

/// An aggregate of two aggregates of the next lower level, so that the paths to `Power` double at each level.
#[derive(Task)]
#[task(aggregate, requires(
    a = Diamond { n: self.n - 1, side: 0 } if self.n > 0,
    b = Diamond { n: self.n - 1, side: 1 } if self.n > 0,
    c = Power { exponent: 1 } if self.n == 0
))]
struct Diamond {
    n: u64,
    side: u64,
}

#[derive(Task)]
#[task(requires = Diamond { n: 40, side: 0 }, target = Json<u64>)]
struct Under;

runs!(Under: u64 = |self, cx| {
    let first = cx.input().load()?;
    Ok(u64::from(first.a.is_some() && first.c.is_none()))
});

#[test]
fn many_paths_to_a_member_are_walked_once() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = flow.run::<Under>()?;
    assert_eq!((ran(&summary).len(), summary.len()), (2, 83));
    fs::remove_file(flow.graph::<Under>().output::<Power>()?.path()?)?;
    flow.reset::<Under>()?;
    assert_eq!(ran(&flow.run::<Under>()?), ["Power", "Under"]);
    let root = flow.with(Diamond::N, 40u64).with(Diamond::SIDE, 0u64);
    assert_eq!(root.reset::<Diamond>()?.instances.len(), 1);
    assert_eq!(ran(&root.run::<Diamond>()?), ["Power"]);
    Ok(())
}
