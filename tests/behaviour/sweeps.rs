//! Sweeps: many settings of one flow, planned and run together.

use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use flow::Code;
use flow::prelude::*;
use flow::sweep::{Sweep, VariantOutcome};
use std::path::PathBuf;

use crate::support::{failed, files_below, flow, not_run, ran, reused};

/// The numbers that all outputs are computed from.
#[derive(Task)]
#[task(target = Json<Vec<f64>>)]
struct Get {
    #[param(default = 4)]
    count: u32,
}

runs!(Get: Vec<f64> = |self, cx| {
    cx.meta("count", self.count)?;
    Ok((0..self.count).map(f64::from).collect())
});

#[derive(Task)]
#[task(requires = Get, target = Json<Vec<f64>>)]
struct Prepare {
    #[param(default = true)]
    scale: bool,
}

runs!(Prepare: Vec<f64> = |self, cx| {
    let factor = if self.scale { 0.25 } else { 1.0 };
    Ok(cx.input().load()?.iter().map(|x| x * factor).collect())
});

#[derive(Task)]
#[task(requires = Prepare, target = Json<f64>)]
struct Fit {
    #[param(default = 1.0, range = -10.0..=10.0)]
    c: f64,
    #[param(default = 1)]
    degree: i32,
}

runs!(Fit: f64 = |self, cx| {
    ensure!(self.c > 0.0, "c must be positive");
    // No two settings yield the same output, which would be reused.
    let sum: f64 = cx.input().load()?.iter().map(|x| self.c * x.powi(self.degree)).sum();
    Ok(sum + f64::from(self.degree * 100))
});

#[derive(Task)]
#[task(requires = Fit, target = Json<f64>)]
struct Score;

runs!(Score: f64 = |self, cx| {
    let score = *cx.input().load()?;
    cx.meta("score", score)?;
    Ok(score)
});

/// Returns a grid of two ways of scaling, three values of `c` and four degrees.
fn grid(flow: &Flow) -> Sweep<Score> {
    let sweep = flow.sweep::<Score>().over(Prepare::SCALE, [true, false]);
    sweep.over(Fit::C, [0.1, 1.0, 2.0]).over(Fit::DEGREE, 1..=4)
}

#[test]
fn shared_instances_run_once() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = grid(&flow).run()?;
    let count = |task| ran(&summary).iter().filter(|name| *name == task).count();
    assert_eq!([count("Get"), count("Prepare"), count("Fit"), count("Score")], [1, 2, 24, 24]);
    assert_eq!(summary.variants().len(), 24);
    assert!(summary.variants().iter().all(|(_, o)| matches!(o, VariantOutcome::Ran { .. })));

    // The sweep and each variant alone are complete.
    assert!(grid(&flow).is_complete()?);
    assert_eq!(grid(&flow).run()?.ran().len(), 0);
    for (name, variant) in grid(&flow).iter()? {
        assert!(variant.is_complete::<Score>()?, "{name}");
    }
    let one = flow.with(Prepare::SCALE, false).with(Fit::C, 2.0).with(Fit::DEGREE, 4);
    assert_eq!(*one.load::<Score>()?, 2.0 * (1.0 + 16.0 + 81.0) + 400.0);
    Ok(())
}

#[test]
fn variants_share_outputs_with_ordinary_flows() -> Result<()> {
    let (flow, _folder) = flow();
    // Half of the outputs were produced before, by ordinary flows.
    for degree in [1, 2] {
        flow.with(Prepare::SCALE, false).with(Fit::DEGREE, degree).run::<Score>()?;
    }
    let sweep = flow.sweep::<Score>().over(Prepare::SCALE, [true, false]).over(Fit::DEGREE, 1..=3);
    let summary = sweep.run()?;
    let before = summary.variant("scale=false,degree=2");
    assert_eq!(before, Some(&VariantOutcome::AlreadyComplete));
    assert!(matches!(summary.variant("scale=true,degree=2"), Some(VariantOutcome::Ran { .. })));
    // `Prepare` with scaling, four fits, four scores.
    assert_eq!(summary.ran().len(), 9);
    Ok(())
}

#[test]
fn independent_variants_run_at_the_same_time() -> Result<()> {
    static TOGETHER: Mutex<(usize, usize)> = Mutex::new((0, 0));

    #[derive(Task)]
    #[task(target = Json<u32>)]
    struct Wait {
        n: u32,
    }

    runs!(Wait: u32 = |self, _cx| {
        TOGETHER.lock().unwrap().0 += 1;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            let mut together = TOGETHER.lock().unwrap();
            together.1 = together.1.max(together.0);
            if together.1 == 3 {
                break;
            }
            drop(together);
            std::thread::sleep(Duration::from_millis(1));
        }
        TOGETHER.lock().unwrap().0 -= 1;
        Ok(self.n)
    });

    let (flow, _folder) = flow();
    flow.workers(3).sweep::<Wait>().over(Wait::N, 0..3).run()?;
    assert_eq!(TOGETHER.lock().unwrap().1, 3);
    Ok(())
}

#[test]
fn a_failed_variant_stops_no_other() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Score>().over(Fit::C, [1.0, -1.0, 2.0]);
    let Err(flow::Error::Sweep(summary)) = sweep.run() else { panic!("one has failed") };
    assert_eq!(ran(&summary), ["Fit", "Fit", "Get", "Prepare", "Score", "Score"]);
    assert_eq!((failed(&summary), not_run(&summary)), (vec!["Fit".into()], vec!["Score".into()]));
    let why = "Fit {c: -1.0, degree: 1} failed: c must be positive";
    assert_eq!(summary.failed_variants(), [("c=-1.0", why)]);
    let text = summary.to_string();
    let expected =
        format!("3 variants: 2 ran, 1 not run\n  not run:\n    c=-1.0: {why}\n8 tasks in ");
    assert!(text.starts_with(&expected), "{text}");

    // Committed outputs remain, and `allow_failures` returns the summary instead of an error.
    let summary = flow.allow_failures().sweep::<Score>().over(Fit::C, [1.0, -1.0, 2.0]).run()?;
    assert!(!summary.is_success() && summary.ran().is_empty());
    assert_eq!(summary.variant("c=2.0"), Some(&VariantOutcome::AlreadyComplete));
    Ok(())
}

#[test]
fn several_roots_are_one_variant() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<(Score, Prepare)>().over(Prepare::SCALE, [true, false]);
    let summary = sweep.run()?;
    assert_eq!(ran(&summary).len(), 7);
    assert_eq!(summary.variants().len(), 2);
    assert!(sweep["scale=false"].is_complete::<(Score, Prepare)>()?);
    assert_eq!(sweep.load::<Prepare>()?["scale=false"].as_slice(), [0.0, 1.0, 2.0, 3.0]);
    Ok(())
}

/// A metric before an edit.
#[derive(Task)]
#[task(requires = Fit, target = Json<f64>)]
struct Metric;

impl Run for Metric {
    const CODE: Code = Code::version(1);

    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        Ok(*cx.input().load()?)
    }
}

mod edited {
    use super::*;

    /// The same task after an edit.
    #[derive(Task)]
    #[task(requires = Fit, target = Json<f64>, was = "Metric", name = "Edited")]
    pub(super) struct Metric;

    impl Run for Metric {
        const CODE: Code = Code::version(2);

        fn run(&self, cx: &Cx<Self>) -> Result<f64> {
            Ok(-*cx.input().load()?)
        }
    }
}

#[test]
fn changed_code_of_the_metric_reruns_only_the_metric() -> Result<()> {
    let (flow, folder) = flow();
    fn sweep<R: flow::Roots>(flow: &Flow) -> Sweep<R> {
        let sweep = flow.sweep().over(Prepare::SCALE, [true, false]);
        sweep.over(Fit::C, [0.1, 1.0, 2.0]).over(Fit::DEGREE, 1..=4)
    }
    assert_eq!(sweep::<Metric>(&flow).run()?.ran().len(), 1 + 2 + 24 + 24);
    // Another program, with the edited code.
    drop(flow);
    let flow = Flow::open(folder.path().join("data"))?.quiet();
    let preview = sweep::<edited::Metric>(&flow).preview()?;
    let pending = preview.pending();
    assert!(pending.iter().all(|instance| instance.task() == "Edited"), "{preview:?}");
    assert_eq!(pending[0].reasons()[0].to_string(), "code: version 1 is version 2 now");
    let summary = sweep::<edited::Metric>(&flow).run()?;
    assert_eq!((summary.ran().len(), summary.already_complete().len()), (24, 27));
    Ok(())
}

#[test]
fn missing_runs_the_pending_variants_in_parts() -> Result<()> {
    #[derive(Task)]
    #[task(requires = Get, target = Json<u32>)]
    struct Day {
        day: u32,
    }

    runs!(Day: u32 = |self, _cx| Ok(self.day));

    let (flow, _folder) = flow();
    let days = || flow.sweep::<Day>().over(Day::DAY, 1..=10);
    days()["day=2"].run::<Day>()?;
    let preview = days().missing(3).preview()?.color(false);
    let text = "3 variants: 3 to run (left out: 1 complete, 6 for later)\n  \
                day=1  PENDING never run\n  day=3  PENDING never run\n  day=4  PENDING never run\n\
                several share:\nGet {count: 4} COMPLETE";
    assert_eq!(preview.to_string(), text);
    assert_eq!((preview.left_out_complete(), preview.left_for_later()), (1, 6));

    let summary = days().missing(3).run()?;
    let names: Vec<_> = summary.variants().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((ran(&summary).len(), names), (3, vec!["day=1", "day=3", "day=4"]));
    assert!(
        summary.to_string().starts_with("3 variants: 3 ran (left out: 1 complete, 6 for later)\n")
    );
    assert_eq!(days().missing(100).run()?.ran().len(), 6);
    assert!(days().is_complete()?);

    // A sweep with nothing left to do is no error.
    let named = flow.with_named("count", 4).with(Get::COUNT, 4).force::<Get>();
    let preview = named.sweep::<Day>().over(Day::DAY, [1]).missing(0).preview()?.color(false);
    assert_eq!(preview.to_string(), "0 variants (left out: 1 for later)");
    let summary = days().missing(3).run()?;
    assert!(summary.is_success() && summary.variants().is_empty());
    assert!(summary.to_string().starts_with("0 variants (left out: 10 complete)\n0 tasks in"));
    Ok(())
}

#[test]
fn missing_prefers_variants_that_have_not_failed() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u32>)]
    struct Fetch {
        day: u32,
    }

    runs!(Fetch: u32 = |self, _cx| {
        ensure!(self.day > 2, "there is nothing of day {}", self.day);
        Ok(self.day)
    });

    #[derive(Task)]
    #[task(requires = Fetch { day: self.day }, target = Json<u32>)]
    struct Day {
        day: u32,
    }

    runs!(Day: u32 = |self, cx| Ok(*cx.input().load()?));

    let (flow, _folder) = flow();
    let run = || -> Result<Vec<String>> {
        let sweep = flow.allow_failures().sweep::<Day>().over(Day::DAY, 1..=6).missing(2);
        Ok(sweep.run()?.variants().iter().map(|(name, _)| name.clone()).collect())
    };
    assert_eq!(run()?, ["day=1", "day=2"]);
    assert_eq!(run()?, ["day=3", "day=4"]);
    assert_eq!(run()?, ["day=5", "day=6"]);
    // Only the failed variants are left.
    assert_eq!(run()?, ["day=1", "day=2"]);
    Ok(())
}

#[test]
fn forcing_applies_to_all_variants() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = |flow: &Flow| flow.sweep::<Score>().over(Fit::C, [1.0, 2.0]);
    sweep(&flow).run()?;
    assert_eq!(ran(&*sweep(&flow.force_roots()).run()?), ["Score", "Score"]);
    assert_eq!(ran(&*sweep(&flow.force::<Get>()).run()?), ["Get"]);
    Ok(())
}

#[test]
fn resets_of_one_variant_or_all() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow
        .sweep::<Score>()
        .variant("base", |base| base)
        .variant("raw", |raw| raw.with(Prepare::SCALE, false));
    let all = || sweep.run().map(|summary| ran(&summary));
    all()?;
    assert_eq!(sweep.reset("raw")?.instances, ["Score {Prepare.scale: false}"]);
    assert!(sweep["base"].is_complete::<Score>()? && !sweep.is_complete()?);
    assert_eq!(all()?, ["Score"]);
    // `Get` is shared, and stays.
    assert_eq!(sweep.reset_alone("raw")?.instances.len(), 3);
    assert_eq!(all()?, ["Fit", "Prepare", "Score"]);
    assert_eq!(sweep.reset_roots()?.instances.len(), 2);
    assert_eq!(all()?, ["Score", "Score"]);
    assert_eq!(sweep.reset_downstream::<Fit>()?.instances.len(), 4);
    assert_eq!(all()?, ["Fit", "Fit", "Score", "Score"]);
    assert_eq!(sweep.reset_all()?.instances.len(), 7);
    assert_eq!(all()?.len(), 7);
    let unknown = sweep.reset("row").unwrap_err().to_string();
    assert_eq!(unknown, "the sweep has no variant `row`: did you mean `raw`?");
    Ok(())
}

#[test]
fn gc_keeps_the_outputs_of_a_sweep() -> Result<()> {
    let (flow, folder) = flow();
    let sweep = flow.sweep::<Score>().over(Fit::C, [1.0, 2.0]);
    sweep.run()?;
    flow.with(Fit::C, 3.0).run::<Score>()?;
    let garbage = flow.store().gc().keep_sweep(&sweep)?.find()?;
    assert!(garbage.to_string().contains("Score: 1 instance that no kept root needs"), "{garbage}");
    garbage.remove()?;
    assert!(sweep.is_complete()?);
    assert!(!flow.with(Fit::C, 3.0).is_complete::<Score>()?);
    assert!(!files_below(folder.path()).is_empty());
    Ok(())
}

#[test]
fn outputs_are_loaded_by_variant() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Score>().over(Fit::C, [2.0, 1.0]);
    sweep.run()?;
    let scores = sweep.load::<Score>()?;
    assert_eq!(scores.names().collect::<Vec<_>>(), ["c=2.0", "c=1.0"]);
    assert_eq!(scores.values().map(|score| **score).collect::<Vec<_>>(), [103.0, 101.5]);
    // A shared output is loaded once, and any task of the graph can be loaded.
    let numbers = sweep.load::<Get>()?;
    assert!(std::ptr::eq(&**numbers["c=2.0"], &**numbers["c=1.0"]));
    assert_eq!(sweep.outputs::<Fit>()?["c=2.0"].task().c, 2.0);

    let more = flow.sweep::<Score>().over(Fit::C, [2.0, 5.0]);
    let error = more.load::<Score>().unwrap_err().to_string();
    assert!(error.starts_with("Score {Fit.c: 5.0} is not complete (never run)"), "{error}");
    let each = more.load_each::<Score>()?;
    assert!(each["c=2.0"].is_ok() && each["c=5.0"].is_err());
    // A task that is not in the graph.
    let none = sweep.load::<Metric>().unwrap_err().to_string();
    assert_eq!(none, "Score requires no Metric");
    Ok(())
}

#[test]
fn loading_a_task_with_several_instances_is_an_error() -> Result<()> {
    #[derive(Task)]
    #[task(requires(one = Fit { degree: 1 }, two = Fit { degree: 2 }), target = Json<f64>)]
    struct Both;

    runs!(Both: f64 = |self, cx| Ok(*cx.input().one.load()? + *cx.input().two.load()?));

    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Both>().over(Fit::C, [1.0, 2.0]);
    sweep.run()?;
    let error = sweep.load::<Fit>().unwrap_err().to_string();
    assert!(error.starts_with("Both requires 2 instances of Fit: select one"), "{error}");
    assert!(error.ends_with("\n  Fit {c: 1.0, degree: 1}\n  Fit {c: 1.0, degree: 2}"), "{error}");
    assert_eq!(*sweep["c=2.0"].graph::<Both>().at(Fit::DEGREE, 1).load::<Fit>()?, 103.0);
    Ok(())
}

#[test]
fn equal_outputs_are_reused_across_variants() -> Result<()> {
    #[derive(Task)]
    #[task(requires = Get, target = Json<usize>)]
    struct Many;

    // The same for all counts but zero.
    runs!(Many: usize = |self, cx| Ok(cx.input().load()?.len().min(1)));

    #[derive(Task)]
    #[task(requires = Many, target = Json<usize>)]
    struct Twice;

    runs!(Twice: usize = |self, cx| Ok(*cx.input().load()? * 2));

    let (flow, _folder) = flow();
    flow.with(Get::COUNT, 4).run::<Twice>()?;
    let summary = flow.sweep::<Twice>().over(Get::COUNT, [1, 2]).run()?;
    assert_eq!(ran(&summary), ["Get", "Get", "Many", "Many"]);
    assert_eq!(reused(&summary), ["Twice", "Twice"]);
    let reused = summary.variants().iter().filter(|(_, o)| *o == VariantOutcome::Reused);
    assert_eq!(reused.count(), 2);
    Ok(())
}

#[test]
fn stopped_variants_are_listed() -> Result<()> {
    static STOPPER: OnceLock<flow::Stopper> = OnceLock::new();

    #[derive(Task)]
    #[task(target = Json<u32>)]
    struct Stops {
        n: u32,
    }

    runs!(Stops: u32 = |self, _cx| {
        if self.n == 1 {
            STOPPER.get().expect("a stopper").stop();
        }
        Ok(self.n)
    });

    let (flow, _folder) = flow();
    let stopper = STOPPER.get_or_init(|| flow.stopper());
    let sweep = flow.workers(1).sweep::<Stops>().over(Stops::N, 1..=3);
    let Err(flow::Error::Sweep(summary)) = sweep.run() else { panic!("it was stopped") };
    assert!(matches!(summary.variant("n=1"), Some(VariantOutcome::Ran { .. })), "{summary}");
    let stopped = summary.failed_variants();
    assert!(stopped.contains(&("n=3", "the execution was stopped")), "{summary}");
    // The next run continues there.
    stopper.reset();
    assert_eq!(sweep.run()?.ran().len(), stopped.len());
    Ok(())
}

#[test]
fn a_dynamic_requirement_may_be_another_variant() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Count {
        n: u64,
    }

    runs!(Count: u64 = |self, cx| {
        ensure!(self.n != 4, "four is too many");
        match self.n {
            0 => Ok(0),
            n => Ok(*cx.with(Count::N, n - 1).require::<Count>()?.load()? + 1),
        }
    });

    let (flow, _folder) = flow();
    let summary = flow.workers(2).sweep::<Count>().over(Count::N, (0..4).rev()).run()?;
    assert_eq!(ran(&summary).len(), 4);
    let all_ran = summary.variants().iter().all(|(_, o)| matches!(o, VariantOutcome::Ran { .. }));
    assert!(all_ran, "{:?}", summary.variants());
    // A requirement that fails may be another variant, too.
    let sweep = flow.sweep::<Count>().over(Count::N, [5, 4, 3]);
    let Err(flow::Error::Sweep(summary)) = sweep.run() else { panic!("two have failed") };
    let names: Vec<_> = summary.failed_variants().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["n=5", "n=4"], "{summary}");
    assert!(summary.failed_variants().iter().all(|(_, why)| why.contains("four is too many")));
    Ok(())
}

#[test]
fn memory_and_external_tasks_can_be_swept() -> Result<()> {
    #[derive(Task)]
    #[task(external, path = &self.path, target = Text)]
    struct Outside {
        path: PathBuf,
    }

    #[derive(Task)]
    #[task(requires = Outside, target = Memory<usize>)]
    struct Length;

    runs!(Length: usize = |self, cx| {
        let length = cx.input().load()?.len();
        cx.meta("length", length)?;
        Ok(length)
    });

    #[derive(Task)]
    #[task(aggregate, requires = Length)]
    struct All;

    let (flow, folder) = flow();
    let paths: Vec<_> = ["a", "bb"].map(|name| folder.path().join(name)).to_vec();
    paths
        .iter()
        .try_for_each(|path| std::fs::write(path, path.file_name().unwrap().as_encoded_bytes()))?;
    let names = |(name, path): (&str, &PathBuf)| (name.to_owned(), path.clone());
    let named: Vec<_> = ["one", "two"].into_iter().zip(&paths).map(names).collect();
    let sweep = named.iter().fold(flow.sweep::<All>(), |sweep, (name, path)| {
        sweep.variant(name, |all| all.with(Outside::PATH, path))
    });
    let summary = sweep.run()?;
    assert!(summary.variants().iter().all(|(_, outcome)| *outcome == VariantOutcome::NowComplete));
    assert_eq!(*sweep.load::<Length>()?["two"], 2);
    assert_eq!(sweep.max_by("Length.length")?.name, "two");
    assert_eq!(*sweep.load::<Outside>()?["one"], "a");
    // The error of a missing file belongs to its variant.
    std::fs::remove_file(&paths[1])?;
    let each = sweep.load_each::<Outside>()?;
    assert!(each["one"].is_ok() && each["two"].is_err());
    Ok(())
}
