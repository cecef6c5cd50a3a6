//! The number of file-system operations that checking complete instances takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flow::prelude::*;
use flow::target::{Selection, SinkFolder};

use crate::faulty::{Faulty, Op};
use crate::support::faulty_flow;

const MANY: u64 = 200;

#[derive(Outputs)]
struct Pair {
    #[output(Json)]
    one: u64,
    #[output(Json)]
    two: u64,
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct One {
    n: u64,
}

runs!(One: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(outputs = Pair)]
struct Two {
    n: u64,
}

runs!(Two: Pair = |self, _cx| Ok(Pair { one: self.n, two: self.n }));

#[derive(Task)]
#[task(target = Memory<u64>)]
struct InMemory {
    n: u64,
}

runs!(InMemory: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(aggregate, requires = [One { n } for n in 0..MANY])]
struct Ones;

#[derive(Task)]
#[task(aggregate, requires = [Two { n } for n in 0..MANY])]
struct Twos;

#[derive(Task)]
#[task(aggregate, requires = [InMemory { n } for n in 0..MANY])]
struct Values;

/// Counts the file-system operations of `act`, by kind.
fn counted(faulty: &Faulty, act: impl FnOnce() -> Result<()>) -> Result<BTreeMap<String, u64>> {
    let counts: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
    let counter = Arc::clone(&counts);
    faulty.fail(move |_, op: Op, _| {
        *counter.lock().expect("no panic").entry(format!("{op:?}")).or_default() += 1;
        None
    });
    act()?;
    faulty.heal();
    Ok(counts.lock().expect("no panic").clone())
}

#[test]
fn checking_a_new_complete_instance_takes_a_read_and_a_stat_more_than_files() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let faulty = Faulty::new();
    let flow = faulty_flow(folder.path(), &faulty)?;
    flow.run::<(Ones, Twos, Values)>()?;
    type Ask = fn(&Flow) -> Result<bool, flow::Error>;
    let asks: [(Ask, u64); 3] = [
        (Flow::is_complete::<Ones>, 1),
        (Flow::is_complete::<Twos>, 2),
        (Flow::is_complete::<Values>, 0),
    ];
    for (ask, files) in asks {
        let counts = counted(&faulty, || {
            assert!(ask(&flow)?);
            Ok(())
        })?;
        let count = |op: &str| counts.get(op).copied().unwrap_or_default();
        // The record cache is read once, and has no records that have just been written.
        assert_eq!((count("Read"), count("Stat")), (MANY + 1, MANY * (files + 1)), "{counts:?}");
        // The folder of the task is listed once, and no file is opened.
        assert_eq!(counts.values().sum::<u64>(), MANY * (files + 2) + 2, "{counts:?}");
    }
    // A run does the same operations, and no others.
    let counts = counted(&faulty, || Ok(flow.run::<Ones>().map(drop)?))?;
    // If the records are old enough meanwhile, it also writes them to the record cache.
    let cached = [("Create", 2), ("CreateFolder", 1), ("Rename", 1), ("Write", 1)];
    let mut expected = BTreeMap::from([("List", 1), ("Read", MANY + 1), ("Stat", 2 * MANY)]);
    if counts.contains_key("Write") {
        expected.extend(cached);
    }
    let counts: BTreeMap<_, _> = counts.iter().map(|(op, count)| (&**op, *count)).collect();
    assert_eq!(counts, expected);
    Ok(())
}

#[cfg(unix)]
#[test]
fn checking_a_complete_instance_in_the_record_cache_takes_a_stat_more_than_files() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let faulty = Faulty::new();
    faulty.age(3600);
    let flow = faulty_flow(folder.path(), &faulty)?;
    flow.run::<(Ones, Twos, Values)>()?;
    // The first plan after the run writes the cache.
    assert!(flow.is_complete::<(Ones, Twos, Values)>()?);
    type Ask = fn(&Flow) -> Result<bool, flow::Error>;
    let asks: [(Ask, u64); 4] = [
        (Flow::is_complete::<Ones>, 1),
        (Flow::is_complete::<Twos>, 2),
        (Flow::is_complete::<Values>, 0),
        (|flow| flow.run::<Ones>().map(|summary| summary.ran().is_empty()), 1),
    ];
    for (ask, files) in asks {
        let counts = counted(&faulty, || {
            assert!(ask(&flow)?);
            Ok(())
        })?;
        let expected = [("List", 1), ("Read", 1), ("Stat", MANY * (files + 1))];
        let expected = BTreeMap::from(expected.map(|(op, count)| (op.to_owned(), count)));
        assert_eq!(counts, expected);
    }
    Ok(())
}

/// Has one upstream task that all variants share.
#[derive(Task)]
#[task(requires = One { n: 0 }, target = Json<u64>)]
struct Varied {
    v: u64,
}

runs!(Varied: u64 = |self, cx| {
    cx.meta("v", self.v)?;
    Ok(*cx.input().load()? + self.v)
});

#[test]
fn a_sweep_takes_as_many_operations_as_its_instances() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let faulty = Faulty::new();
    let flow = faulty_flow(folder.path(), &faulty)?;
    let sweep = flow.sweep::<Varied>().over(Varied::V, 0..MANY);
    sweep.run()?;
    // The shared instance is checked once; two folders are listed, and two caches read.
    let once = 3 * (MANY + 1) + 4;
    let total = |counts: BTreeMap<String, u64>| counts.values().sum::<u64>();
    assert_eq!(total(counted(&faulty, || Ok(sweep.run().map(drop)?))?), once);
    assert_eq!(total(counted(&faulty, || Ok(sweep.is_complete().map(drop)?))?), once);
    // A table reads each record for its metadata, shared records once.
    let table = total(counted(&faulty, || Ok(sweep.table().map(drop)?))?);
    assert_eq!(table, once + MANY + 1);
    // The shared output is loaded once: its record is read, its file is checked and opened.
    let load = counted(&faulty, || Ok(sweep.load::<One>().map(drop)?))?;
    assert!(total(load.clone()) <= once + 5, "{load:?}");
    Ok(())
}

/// One of many that read the same folder.
#[derive(Task)]
#[task(target = Json<u64>)]
struct InFolder {
    n: u64,
    #[param(file)]
    folder: PathBuf,
}

runs!(InFolder: u64 = |self, cx| Ok(self.n + cx.files(&self.folder)?.len() as u64));

#[derive(Task)]
#[task(aggregate, requires = [InFolder { n } for n in 0..MANY])]
struct InFolders;

#[test]
fn a_folder_that_many_tasks_read_is_listed_once_per_plan() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let inside = folder.path().join("in");
    std::fs::create_dir(&inside)?;
    for i in 0..MANY {
        std::fs::write(inside.join(format!("{i}.csv")), "")?;
    }
    let faulty = Faulty::new();
    let flow = faulty_flow(folder.path(), &faulty)?;
    for source in [inside.clone(), inside.join("*.csv")] {
        let flow = flow.with(InFolder::FOLDER, source);
        flow.run::<InFolders>()?;
        let looks = Arc::new(Mutex::new(0));
        let (counter, watched) = (Arc::clone(&looks), inside.clone());
        faulty.fail(move |_, _, path| {
            *counter.lock().expect("no panic") += u64::from(path.starts_with(&watched));
            None
        });
        assert!(flow.is_complete::<InFolders>()?);
        faulty.heal();
        let looks = *looks.lock().expect("no panic");
        // A few operations for each file, and none for each instance.
        assert!((MANY..6 * MANY).contains(&looks), "{looks}");
        // The next plan checks the files again.
        std::fs::write(inside.join("0.csv"), looks.to_string())?;
        assert!(!flow.is_complete::<InFolders>()?);
    }
    Ok(())
}

#[derive(Clone, Serialize, Deserialize)]
struct Part {
    part: u64,
    n: u64,
}

/// A dataset of another program.
#[derive(Task)]
#[task(external, path = &self.path, target = Dataset<Vec<Part>>)]
struct GivenParts {
    path: PathBuf,
}

#[derive(Task)]
#[task(requires = GivenParts, target = Json<u64>)]
struct SumOfPart {
    part: u64,
}

runs!(SumOfPart: u64 = |self, cx| {
    let part = cx.input().select(Selection::all().equals("part", self.part));
    Ok(part.load()?.iter().map(|row| row.n).sum())
});

#[derive(Task)]
#[task(aggregate, requires = [SumOfPart { part } for part in 0..20])]
struct SumsOfParts;

/// Counts how many times each folder at a path is listed.
fn lists(
    faulty: &Faulty,
    at: &Path,
    act: impl FnOnce() -> Result<()>,
) -> Result<BTreeMap<PathBuf, u64>> {
    let lists: Arc<Mutex<BTreeMap<PathBuf, u64>>> = Arc::default();
    let (counter, at) = (Arc::clone(&lists), at.to_owned());
    faulty.fail(move |_, op: Op, path| {
        if matches!(op, Op::List) && path.starts_with(&at) {
            *counter.lock().expect("no panic").entry(path.to_owned()).or_default() += 1;
        }
        None
    });
    act()?;
    faulty.heal();
    Ok(lists.lock().expect("no panic").clone())
}

#[test]
fn a_dataset_of_another_program_is_listed_once_per_plan_and_four_times_per_reader() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().join("given");
    let target = <Dataset<Vec<Part>>>::default().partition_by(["part"]);
    let rows: Vec<_> = (0..40).map(|n| Part { part: n % 20, n }).collect();
    target.save_folder(&rows, &mut SinkFolder::new(&at)?)?;
    let faulty = Faulty::new();
    let open = || -> Result<Flow> {
        Ok(faulty_flow(folder.path(), &faulty)?.with(GivenParts::PATH, at.as_path()))
    };
    let flow = open()?;
    flow.run::<SumsOfParts>()?;
    assert_eq!(*flow.with(SumOfPart::PART, 3_u64).load::<SumOfPart>()?, 3 + 23);
    // Also by a process that has planned nothing before.
    for flow in [flow, open()?] {
        let listed = lists(&faulty, &at, || {
            assert!(flow.is_complete::<SumsOfParts>()?);
            Ok(())
        })?;
        assert_eq!(listed.len(), 1 + 20);
        assert!(listed.values().all(|times| *times == 1), "{listed:?}");
    }
    let edited: Vec<_> = rows.iter().map(|row| Part { n: row.n + row.part / 19, ..*row }).collect();
    std::fs::remove_dir_all(&at)?;
    target.save_folder(&edited, &mut SinkFolder::new(&at)?)?;
    let flow = open()?;
    let listed = lists(&faulty, &at, || {
        assert_eq!(flow.run::<SumsOfParts>()?.ran().len(), 1);
        Ok(())
    })?;
    assert!(listed.values().all(|times| *times <= 1 + 4), "{listed:?}");
    Ok(())
}

/// The second link to a folder is not followed to find the digest of a dataset, so its files are looked at later.
#[cfg(unix)]
#[test]
fn a_file_that_is_written_between_two_looks_at_its_links_is_no_part_of_the_earlier_content()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().join("given");
    let target = <Dataset<Vec<Part>>>::default().partition_by(["part"]);
    let content = |n| -> Result<Vec<u8>> {
        let saved = folder.path().join(format!("with {n}"));
        target.save_folder(&vec![Part { part: 1, n }], &mut SinkFolder::new(&saved)?)?;
        Ok(std::fs::read(saved.join("part=1/part-0.parquet"))?)
    };
    let (old, new) = (content(10)?, content(20)?);
    std::fs::create_dir_all(at.join("part=1"))?;
    let file = at.join("part=1/part-0.parquet");
    std::fs::write(&file, &old)?;
    for link in ["part=3", "part=4"] {
        std::os::unix::fs::symlink(at.join("part=1"), at.join(link))?;
    }
    let faulty = Faulty::new();
    let flow = faulty_flow(folder.path(), &faulty)?;
    let flow = flow.with(GivenParts::PATH, at.as_path()).with(SumOfPart::PART, 4_u64);
    let last = at.join("part=4/part-0.parquet");
    let (written, content) = (file.clone(), new.clone());
    faulty.fail(move |_, op: Op, path| {
        if op == Op::Open && path == last {
            std::fs::write(&written, &content).expect("a file");
        }
        None
    });
    assert!(flow.run::<SumOfPart>().is_err(), "the file changed meanwhile");
    faulty.heal();
    std::fs::write(&file, &old)?;
    assert_eq!(*flow.get::<SumOfPart>()?, 10);
    std::fs::write(&file, &new)?;
    assert_eq!(*flow.get::<SumOfPart>()?, 20);
    Ok(())
}
