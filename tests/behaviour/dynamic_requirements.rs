//! Dynamic requirements: which instances run, what the record lists, and how later plans use it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flow::prelude::*;

use crate::faulty::{Faulty, Op};
use crate::support::{failure, faulty_flow, flow, one_file, preview, ran, reused, unchanged};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Square {
    n: u64,
    #[param(default = 0)]
    shift: u64,
}

runs!(Square: u64 = |self, _cx| Ok(self.n * self.n + self.shift));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Sum {
    #[param(default = 3)]
    up_to: u64,
}

runs!(Sum: u64 = |self, cx| {
    let squares = cx.over(Square::N, 1..=self.up_to).require::<Square>()?;
    squares.iter().map(|square| Ok(*square.load()?)).sum()
});

#[test]
fn a_store_that_cannot_be_read_is_an_error_and_no_reason_to_run() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    let owner = flow.folder().join(".flow/owners/Square");
    std::fs::remove_file(&owner)?;
    std::fs::create_dir(&owner)?;
    // A new process looks up the task again.
    let error = Flow::open(flow.folder())?.quiet().preview::<Sum>().expect_err("an error");
    assert!(
        error.to_string().contains("cannot read") && error.to_string().contains("Square"),
        "{error}"
    );
    Ok(())
}

#[test]
fn dynamic_requirements_run_and_are_recorded() -> Result<()> {
    for workers in [1, 4] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        let summary = flow.run::<Sum>()?;
        assert_eq!(ran(&summary), ["Square", "Square", "Square", "Sum"]);
        assert_eq!(*flow.load::<Sum>()?, 14);
        assert!(flow.is_complete::<Sum>()?);
        assert!(flow.run::<Sum>()?.ran().is_empty());

        // Only the additional instance runs.
        let more = flow.with(Sum::UP_TO, 4);
        assert_eq!(ran(&more.run::<Sum>()?), ["Square", "Sum"]);
        assert_eq!(*more.load::<Sum>()?, 30);
        assert!(flow.is_complete::<Sum>()?);

        // One of them runs again and yields the same output.
        flow.with(Square::N, 2).reset::<Square>()?;
        assert!(!flow.is_complete::<Sum>()?);
        assert_eq!(
            preview::<Sum>(&flow),
            "Sum {up_to: 3} PENDING waits for Square\n\
             ├─ (in run) Square {n: 1, shift: 0} COMPLETE\n\
             ├─ (in run) Square {n: 2, shift: 0} PENDING never run\n\
             └─ (in run) Square {n: 3, shift: 0} COMPLETE"
        );
        let summary = flow.run::<Sum>()?;
        assert_eq!(
            (ran(&summary), unchanged(&summary)),
            (vec!["Square".into()], vec!["Sum".into()])
        );
        assert!(preview::<Sum>(&flow).starts_with("Sum {up_to: 3} COMPLETE\n"));
    }
    Ok(())
}

#[test]
fn two_hundred_requirements_run_once_each() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(8).with(Sum::UP_TO, 200);
    assert_eq!(flow.run::<Sum>()?.ran().len(), 201);
    assert_eq!(*flow.load::<Sum>()?, (1..=200).map(|n| n * n).sum::<u64>());
    assert!(preview::<Sum>(&flow).ends_with("└─ (in run) … 188 more"));
    Ok(())
}

#[test]
fn reset_all_removes_dynamic_requirements_too() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    let dry = flow.graph::<Sum>().reset_all_dry_run()?;
    assert_eq!(dry.instances.len(), 4);
    assert_eq!(flow.graph::<Sum>().reset_all()?.instances, dry.instances);
    assert_eq!(flow.run::<Sum>()?.ran().len(), 4);
    Ok(())
}

/// Is required nowhere else in this program.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Cube {
    n: u64,
}

runs!(Cube: u64 = |self, _cx| Ok(self.n.pow(3)));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Cubes;

runs!(Cubes: u64 = |self, cx| Ok(*cx.with(Cube::N, 2).require::<Cube>()?.load()?));

/// A generic task, which is another type for each argument.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Power<const N: u32> {
    base: u64,
}

#[tracked]
impl<const N: u32> Run for Power<N> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.base.pow(N))
    }
}

#[derive(Task)]
#[task(may_require(Power<4>), target = Json<u64>)]
struct Said;

runs!(Said: u64 = |self, cx| Ok(*cx.with(Power::<4>::BASE, 2).require::<Power<4>>()?.load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Unsaid;

runs!(Unsaid: u64 = |self, cx| Ok(*cx.with(Power::<5>::BASE, 2).require::<Power<5>>()?.load()?));

const FOLDER: &str = "FLOW_TEST_RESTART";

/// Runs in a process of its own.
#[test]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER) else { return Ok(()) };
    Flow::open(folder)?.quiet().run::<(Cubes, Said, Unsaid)>().map(drop)?;
    Ok(())
}

#[test]
fn another_process_finds_required_tasks_by_name() -> Result<()> {
    let (flow, _folder) = flow();
    let status = Command::new(std::env::current_exe()?)
        .args(["dynamic_requirements::child", "--exact", "--test-threads=1"])
        .env(FOLDER, flow.folder())
        .stdout(std::process::Stdio::null())
        .status()?;
    assert!(status.success());
    assert!(flow.is_complete::<Cubes>()?);
    assert_eq!(*flow.load::<Cubes>()?, 8);

    assert!(flow.is_complete::<Said>()?);
    assert!(preview::<Unsaid>(&flow).contains("`#[task(may_require(Power<5>))]`"));
    assert_eq!(ran(&flow.run::<Unsaid>()?), ["Unsaid"]);
    // The task was required in this process, so that it is known now.
    assert!(flow.is_complete::<Unsaid>()?);

    // A task name that this program does not know is a reason to run.
    let record = one_file(&flow.folder().join("Cubes"), "record", ".json");
    let text = std::fs::read_to_string(&record)?;
    std::fs::write(&record, text.replace("\"task\": \"Cube\"", "\"task\": \"Gone<Cube>\""))?;
    assert_eq!(
        preview::<Cubes>(&flow),
        "Cubes PENDING in run: no task `Gone<Cube>` is known in this program; of one that is generic, \
         say `#[task(may_require(Gone<Cube>))]` above the task that requires it"
    );
    // So is a recorded value that does not fit its parameter.
    let broken = text.replace("\"value\": 2", "\"value\": {\"variant\": \"Two\"}");
    assert_ne!(broken, text);
    std::fs::write(&record, broken)?;
    assert_eq!(
        preview::<Cubes>(&flow),
        "Cubes PENDING in run: Cube {n: 2}: what `n` was set to does not fit it any more"
    );
    assert_eq!(ran(&flow.run::<Cubes>()?), ["Cubes"]);
    Ok(())
}

mod conditional {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Number {
        #[param(file)]
        path: PathBuf,
    }

    runs!(Number: u64 = |self, _cx| Ok(std::fs::read_to_string(&self.path)?.trim().parse()?));

    #[derive(Task)]
    #[task(target = Json<String>)]
    struct Even;

    runs!(Even: String = |self, _cx| Ok("even".to_owned()));

    #[derive(Task)]
    #[task(target = Json<String>)]
    struct Odd;

    runs!(Odd: String = |self, _cx| Ok("odd".to_owned()));

    #[derive(Task)]
    #[task(target = Json<String>)]
    struct Parity {
        path: PathBuf,
    }

    runs!(Parity: String = |self, cx| {
        let n = *cx.require::<Number>()?.load()?;
        let parity = match n % 2 {
            0 => cx.require::<Even>()?.load()?,
            _ => cx.require::<Odd>()?.load()?,
        };
        Ok(format!("{n} is {}", *parity))
    });

    #[test]
    fn a_requirement_may_depend_on_loaded_values() -> Result<()> {
        let (flow, folder) = flow();
        let path = folder.path().join("number.txt");
        let flow = flow.with(Parity::PATH, &path);
        let write = |n: u64| std::fs::write(&path, format!("{n}\n"));

        write(2)?;
        assert_eq!(ran(&flow.run::<Parity>()?), ["Even", "Number", "Parity"]);
        write(4)?;
        assert!(preview::<Parity>(&flow).contains("PENDING waits for Number\n"));
        assert_eq!(ran(&flow.run::<Parity>()?), ["Number", "Parity"]);
        assert_eq!(*flow.load::<Parity>()?, "4 is even");
        write(3)?;
        assert_eq!(ran(&flow.run::<Parity>()?), ["Number", "Odd", "Parity"]);
        assert_eq!(*flow.load::<Parity>()?, "3 is odd");
        // Each of these outputs was computed before, from equal inputs.
        for (n, parity) in [(4, "4 is even"), (2, "2 is even"), (3, "3 is odd"), (2, "2 is even")] {
            write(n)?;
            let summary = flow.run::<Parity>()?;
            assert_eq!(ran(&summary), Vec::<String>::new(), "{n}");
            // Reused versions become current, so that no complete output rests on a version that
            // may be dropped.
            assert_eq!(reused(&summary), ["Number", "Parity"], "{n}");
            assert_eq!(*flow.load::<Parity>()?, parity);
            assert!(flow.is_complete::<Parity>()?);
        }
        // The same number in other bytes: `Parity` is unchanged.
        std::fs::write(&path, "  2")?;
        let summary = flow.run::<Parity>()?;
        assert_eq!(
            (ran(&summary), unchanged(&summary)),
            (vec!["Number".into()], vec!["Parity".into()])
        );
        // A reset task is not reused, for any of the values.
        flow.store().clear_task::<Parity>()?;
        for (n, expected) in [(2, 1), (3, 1), (2, 0), (3, 0)] {
            write(n)?;
            let count = ran(&flow.run::<Parity>()?).iter().filter(|task| *task == "Parity").count();
            assert_eq!(count, expected);
        }
        Ok(())
    }
}

mod values {
    use super::*;

    /// The runs of `Base` with a scale of 3. Tests that run at the same time have other scales.
    static BASES: AtomicU64 = AtomicU64::new(0);

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Base {
        #[param(default = 1)]
        scale: u64,
    }

    runs!(Base: u64 = |self, _cx| {
        if self.scale == 3 {
            BASES.fetch_add(1, Ordering::SeqCst);
        }
        Ok(self.scale)
    });

    #[derive(Task)]
    #[task(requires = Base, target = Json<String>)]
    struct Leaf {
        #[param(default = 0)]
        c: u64,
        #[param(default = 0)]
        d: u64,
        #[param(default = 0, insignificant)]
        threads: u64,
    }

    runs!(Leaf: String = |self, cx| {
        Ok(format!("c {} d {} scale {}", self.c, self.d, cx.input().load()?))
    });

    #[derive(Task)]
    #[task(requires = Base, target = Json<String>)]
    struct Asker {
        #[param(default = 5)]
        c: u64,
        #[param(default = 5, local)]
        d: u64,
        #[param(default = 5, insignificant)]
        threads: u64,
    }

    runs!(Asker: String = |self, cx| {
        let leaf = cx.require::<Leaf>()?;
        ensure!(*cx.input().load()? > 0);
        Ok(format!("{} threads {}", leaf.load()?.as_str(), leaf.task().threads))
    });

    #[test]
    fn requirements_inherit_given_values_and_no_defaults() -> Result<()> {
        let (flow, _folder) = flow();
        let asked = |flow: &Flow| -> Result<String> {
            flow.run::<Asker>()?;
            assert!(flow.is_complete::<Asker>()?);
            Ok(flow.load::<Asker>()?.to_string())
        };
        assert_eq!(asked(&flow)?, "c 0 d 0 scale 1 threads 0");
        assert_eq!(asked(&flow.with(Asker::C, 7))?, "c 7 d 0 scale 1 threads 0");
        // A given value that equals the default counts as the default, because the key does not
        // tell them apart.
        assert_eq!(asked(&flow.with(Asker::C, 5))?, "c 0 d 0 scale 1 threads 0");
        // A `local` value is not inherited.
        assert_eq!(asked(&flow.with(Asker::D, 7))?, "c 0 d 0 scale 1 threads 0");
        // An insignificant value may be inherited.
        assert_eq!(
            asked(&flow.with(Asker::THREADS, 7).with(Asker::C, 1))?,
            "c 1 d 0 scale 1 threads 7"
        );
        // `Asker` requires `Base` itself, so that the value is in its key and both require the same
        // `Base`.
        assert_eq!(asked(&flow.with(Base::SCALE, 3))?, "c 0 d 0 scale 3 threads 0");
        assert_eq!(BASES.load(Ordering::SeqCst), 1);
        // Values that the flow gives to other tasks do not reach the requirement.
        let other = flow.with(Leaf::C, 9);
        assert_eq!(asked(&other)?, "c 0 d 0 scale 1 threads 0");
        assert!(preview::<Asker>(&other).contains("`Leaf.c` is not used"));
        Ok(())
    }

    #[derive(Task)]
    #[task(target = Json<String>)]
    struct Setter {
        #[param(default = 0, insignificant)]
        c: u64,
        #[param(default = 0)]
        of: u64,
    }

    runs!(Setter: String = |self, cx| {
        let leaf = match self.of {
            0 => cx.with(Leaf::C, 1).with(Base::SCALE, 2).with(Leaf::C, 3).require::<Leaf>(),
            1 => cx.with(Square::N, 1).require::<Leaf>(),
            _ => cx.require::<Leaf>(),
        };
        Ok(leaf?.load()?.to_string())
    });

    #[test]
    fn with_sets_parameters_of_requirements_and_further_upstream() -> Result<()> {
        let (flow, _folder) = flow();
        flow.run::<Setter>()?;
        assert_eq!(*flow.load::<Setter>()?, "c 3 d 0 scale 2");

        let wrong = flow.with(Setter::OF, 1);
        let failed = |flow: &Flow| failure(flow.run::<Setter>()).failed()[0].error.clone();
        let text = "cannot require Leaf: `Setter` sets `Square.n` for `Leaf`, which does not require that \
                    task: leave the `with` out";
        assert_eq!(failed(&wrong).as_deref(), Some(text));

        let insignificant = flow.with(Setter::OF, 2).with(Setter::C, 1);
        let text =
            "cannot require Leaf: `Leaf.c` is inherited from `Setter.c`, which is insignificant";
        assert!(failed(&insignificant).is_some_and(|error| error.starts_with(text)));
        Ok(())
    }
}

mod together {
    use super::*;

    static SLOW: AtomicU64 = AtomicU64::new(0);
    static AT_WORK: AtomicU64 = AtomicU64::new(0);
    static MOST: AtomicU64 = AtomicU64::new(0);

    /// Counts how many tasks run at the same time, without those that wait.
    fn work() {
        let now = AT_WORK.fetch_add(1, Ordering::SeqCst) + 1;
        MOST.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(2));
        AT_WORK.fetch_sub(1, Ordering::SeqCst);
    }

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Slow {
        n: u64,
    }

    runs!(Slow: u64 = |self, _cx| {
        SLOW.fetch_add(1, Ordering::SeqCst);
        work();
        Ok(self.n)
    });

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Each {
        n: u64,
    }

    runs!(Each: u64 = |self, cx| {
        work();
        let slow = cx.over(Slow::N, [self.n % 3, (self.n + 1) % 3, 7]).require::<Slow>()?;
        work();
        slow.iter().map(|slow| Ok(*slow.load()?)).sum()
    });

    /// Requires instances both statically and dynamically.
    #[derive(Task)]
    #[task(requires(each = [Each { n } for n in 0..20u64], seven = Slow { n: 7u64 }), target = Json<u64>)]
    struct All;

    runs!(All: u64 = |self, cx| {
        let sum: u64 = cx.input().each.iter().map(|each| Ok(*each.load()?)).sum::<Result<u64>>()?;
        Ok(sum + *cx.input().seven.load()? + *cx.with(Each::N, 3).require::<Each>()?.load()?)
    });

    #[test]
    fn shared_requirements_run_once_within_the_limit_of_workers() -> Result<()> {
        let value = |n: u64| n % 3 + (n + 1) % 3 + 7;
        for workers in [1, 2, 5] {
            SLOW.store(0, Ordering::SeqCst);
            MOST.store(0, Ordering::SeqCst);
            let (flow, _folder) = flow();
            let flow = flow.workers(workers);
            let summary = flow.run::<All>()?;
            assert_eq!(SLOW.load(Ordering::SeqCst), 4);
            assert_eq!(summary.ran().len(), 4 + 20 + 1);
            assert!(MOST.load(Ordering::SeqCst) <= workers as u64, "{workers}");
            assert_eq!(*flow.load::<All>()?, (0..20).map(value).sum::<u64>() + 7 + value(3));
            assert!(flow.is_complete::<All>()?);

            // When forced, each instance runs once, wherever it is required.
            SLOW.store(0, Ordering::SeqCst);
            let summary = flow.force::<Slow>().run::<All>()?;
            assert_eq!(SLOW.load(Ordering::SeqCst), 4);
            assert_eq!(ran(&summary), ["Slow"; 4]);
            SLOW.store(0, Ordering::SeqCst);
            assert_eq!(flow.force_all().run::<All>()?.ran().len(), 25);
            assert_eq!(SLOW.load(Ordering::SeqCst), 4);
        }
        Ok(())
    }
}

mod handles {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Noted {
        #[param(file)]
        path: PathBuf,
        n: u64,
    }

    runs!(Noted: u64 = |self, cx| {
        cx.meta("length", std::fs::metadata(&self.path)?.len())?;
        Ok(self.n)
    });

    #[derive(Task)]
    #[task(external, path = self.path.clone(), target = Text)]
    struct Raw {
        path: PathBuf,
    }

    #[derive(Task)]
    #[task(aggregate, requires(raw = Raw, noted = [Noted { n } for n in 0..2u64]))]
    struct Both;

    #[derive(Task)]
    #[task(target = Json<BTreeMap<String, u64>>)]
    struct Reader {
        path: PathBuf,
    }

    runs!(Reader: BTreeMap<String, u64> = |self, cx| {
        let noted = cx.with(Noted::N, 3).require::<Noted>()?;
        let both = cx.require::<Both>()?.load()?;
        let first = both.noted[1].clone();
        Ok(BTreeMap::from([
            ("n".to_owned(), noted.task().n),
            ("length".to_owned(), noted.meta("length")?),
            ("raw".to_owned(), both.raw.load()?.len() as u64),
            ("first".to_owned(), *first.load()? + first.task().n + first.meta::<u64>("length")?),
        ]))
    });

    #[test]
    fn external_files_aggregates_and_metadata_can_be_required() -> Result<()> {
        let (flow, folder) = flow();
        let path = folder.path().join("text.txt");
        std::fs::write(&path, "four")?;
        let flow = flow.with(Reader::PATH, &path);
        assert_eq!(ran(&flow.run::<Reader>()?), ["Noted", "Noted", "Noted", "Reader"]);
        let expected = |length: u64| {
            let pairs = [("n", 3), ("length", length), ("raw", length), ("first", 2 + length)];
            BTreeMap::from(pairs.map(|(name, n)| (name.to_owned(), n)))
        };
        assert_eq!(*flow.load::<Reader>()?, expected(4));
        assert!(flow.is_complete::<Reader>()?);

        // The output of `Noted` is the same, and its metadata differs.
        std::fs::write(&path, "twelve bytes")?;
        assert!(!flow.is_complete::<Reader>()?);
        flow.run::<Reader>()?;
        assert_eq!(*flow.load::<Reader>()?, expected(12));
        assert!(flow.run::<Reader>()?.ran().is_empty());

        std::fs::remove_file(&path)?;
        assert!(flow.run::<Reader>().is_err());
        std::fs::write(&path, "four")?;
        flow.run::<Reader>()?;
        assert_eq!(*flow.load::<Reader>()?, expected(4));
        Ok(())
    }

    struct Client(u64);

    #[derive(Task)]
    #[task(uses(Client), target = Json<u64>)]
    struct Fetch;

    runs!(Fetch: u64 = |self, cx| Ok(cx.provided::<Client>().0));

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Fetcher;

    runs!(Fetcher: u64 = |self, cx| Ok(*cx.require::<Fetch>()?.load()?));

    #[test]
    fn values_used_by_requirements_must_be_provided() -> Result<()> {
        let (flow, _folder) = flow();
        let error = format!("{:#}", anyhow::Error::from(flow.run::<Fetcher>().unwrap_err()));
        assert!(error.contains("`Fetch` uses a `Client`, and the flow has none"), "{error}");
        let flow = flow.provide(Client(7));
        flow.run::<Fetcher>()?;
        assert_eq!(*flow.load::<Fetcher>()?, 7);
        Ok(())
    }

    #[derive(Task)]
    #[task(target = Memory<u64>)]
    struct InMemory {
        n: u64,
    }

    runs!(InMemory: u64 = |self, cx| Ok(*cx.with(Square::N, self.n).require::<Square>()?.load()?));

    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct OfMemory;

    runs!(OfMemory: u64 = |self, cx| Ok(*cx.with(InMemory::N, 5).require::<InMemory>()?.load()?));

    #[test]
    fn values_in_memory_are_recomputed_only_for_tasks_that_run() -> Result<()> {
        let (flow, _folder) = flow();
        assert_eq!(ran(&flow.run::<OfMemory>()?), ["InMemory", "OfMemory", "Square"]);
        let other = Flow::open(flow.folder())?.quiet();
        assert!(other.is_complete::<OfMemory>()?, "{}", preview::<OfMemory>(&other));
        assert_eq!(ran(&other.force::<OfMemory>().run::<OfMemory>()?), ["InMemory", "OfMemory"]);
        assert_eq!(*other.load::<OfMemory>()?, 25);
        Ok(())
    }
}

/// The number in a file.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Source {
    #[param(file)]
    file: PathBuf,
}

runs!(Source: u64 = |self, _cx| Ok(std::fs::read_to_string(&self.file)?.trim().parse()?));

/// Reads the same file, and is required dynamically.
#[derive(Task)]
#[task(requires = Source, target = Json<u64>)]
struct Later;

runs!(Later: u64 = |self, cx| Ok(*cx.input().load()?));

/// Changes the file while it runs.
#[derive(Task)]
#[task(requires = Source, target = Json<(u64, u64)>)]
struct Both {
    file: PathBuf,
}

runs!(Both: (u64, u64) = |self, cx| {
    let before = *cx.input().load()?;
    std::fs::write(&self.file, "2")?;
    Ok((before, *cx.require::<Later>()?.load()?))
});

#[test]
fn a_run_does_not_mix_old_and_new_content_of_a_file() -> Result<()> {
    for workers in [1, 4] {
        let (flow, folder) = flow();
        let file = folder.path().join("number");
        std::fs::write(&file, "1")?;
        let path = file.to_str().expect("Unicode");
        let flow = flow.workers(workers).with_named("file", path);
        flow.run::<Both>()?;
        assert_eq!(*flow.load::<Both>()?, (2, 2));
        assert!(flow.is_complete::<Both>()?);
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>, refresh = always)]
struct Shared {
    n: u64,
}

runs!(Shared: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(requires = Shared { n: 1 }, target = Json<u64>)]
struct Above {
    n: u64,
}

runs!(Above: u64 = |self, cx| Ok(*cx.input().load()? + self.n));

#[derive(Task)]
#[task(requires = Shared { n: 1 }, target = Json<u64>)]
struct Several {
    of: u64,
}

runs!(Several: u64 = |self, cx| {
    let above = cx.over(Above::N, 0..3u64).require::<Above>()?;
    above.iter().try_fold(self.of, |sum, one| Ok(sum + *one.load()?))
});

#[derive(Task)]
#[task(requires = [Several { of } for of in 0..3u64], target = Json<u64>)]
struct Everything;

runs!(Everything: u64 = |self, cx| cx.input().iter().try_fold(0, |sum, one| Ok(sum + *one.load()?)));

#[test]
fn the_summary_lists_each_instance_once() -> Result<()> {
    let (flow, _folder) = flow();
    for round in 0..2 {
        let summary = flow.run::<Everything>()?;
        let all = [
            summary.already_complete(),
            summary.ran(),
            summary.unchanged(),
            summary.reused(),
            summary.now_complete(),
            summary.not_run(),
        ];
        let mut keys: Vec<_> = all.iter().flatten().map(|entry| entry.instance.key()).collect();
        assert_eq!(keys.len(), summary.len(), "{summary}");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), summary.len(), "{summary}");
        // One of `Shared`, three of `Above`, three of `Several`, and the root. In the second round,
        // `Above` is only listed if it was required before `Shared` was complete again.
        let told = if round == 0 { 8..=8 } else { 5..=8 };
        assert!(told.contains(&summary.len()), "{summary}");
        assert_eq!(summary.ran().len(), if round == 0 { 8 } else { 1 }, "{summary}");
    }
    Ok(())
}

/// How many instances are required one after the other.
const CHAIN: u32 = 12;

static CHAIN_IS_OVER: AtomicBool = AtomicBool::new(false);

/// Keeps a worker busy while another task requires instances.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Busy;

runs!(Busy: u64 = |self, _cx| {
    let end = Instant::now() + Duration::from_secs(60);
    while !CHAIN_IS_OVER.load(Ordering::SeqCst) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(0)
});

/// Requires one instance after the other, and returns the milliseconds that this took.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Chain;

runs!(Chain: u64 = |self, cx| {
    let begun = Instant::now();
    for n in 0..u64::from(CHAIN) {
        cx.with(Square::N, n).require::<Square>()?;
    }
    CHAIN_IS_OVER.store(true, Ordering::SeqCst);
    Ok(u64::try_from(begun.elapsed().as_millis())?)
});

/// The committer gathers outputs for up to 200 ms while tasks are working, unless one of them waits for a commit.
#[test]
fn a_task_does_not_wait_for_outputs_to_be_gathered_with_those_that_it_requires() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let disk = Faulty::new();
    let flow = faulty_flow(folder.path(), &disk)?.workers(2);
    disk.fail(|_, op, _| {
        if op == Op::Sync {
            std::thread::sleep(Duration::from_millis(30));
        }
        None
    });
    flow.run::<(Busy, Chain)>()?;
    let took = Duration::from_millis(*flow.load::<Chain>()?);
    assert!(took < Duration::from_millis(200) * CHAIN, "{took:?}");
    Ok(())
}
