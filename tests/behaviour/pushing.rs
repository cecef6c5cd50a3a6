//! Pushes to a remote and pulls from it: only missing outputs are copied, each file is verified,
//! and an interruption at any point leaves no partial output.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flow::prelude::*;
use flow::remote::{Remote, RemoteFolder};
use flow::{Code, File};

use crate::faulty::Faulty;
use crate::support::{assert_consistent, files_below, flow, in_full, preview, ran};
use crate::wheat::{Bread, Grains, assert_bread, mill, sow};

const GRAINS: [u64; 3] = [3, 1, 2];

/// A folder with the grains file, a remote, and any number of stores.
struct Farm(tempfile::TempDir);

impl Farm {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        sow(&folder.path().join("grains.txt"), &GRAINS);
        Ok(Self(folder))
    }

    fn store(&self, name: &str) -> Result<Flow> {
        // `Faulty` syncs nothing, and syncing would take most of the time.
        let flow = Flow::open_on(self.0.path().join(name), Arc::new(Faulty::new()))?;
        Ok(mill(&flow.quiet(), self.0.path()))
    }

    /// Returns a store with all outputs.
    fn complete_store(&self) -> Result<Flow> {
        let flow = self.store("made")?;
        flow.run::<Bread>()?;
        Ok(flow)
    }

    fn shared(&self) -> RemoteFolder {
        self.remote("shared")
    }

    fn remote(&self, name: &str) -> RemoteFolder {
        RemoteFolder::on(self.0.path().join(name), Arc::new(Faulty::new()))
    }

    /// Returns the files in a subfolder of the shared remote.
    fn files(&self, part: &str) -> Vec<PathBuf> {
        files_below(&self.0.path().join("shared").join(part))
    }
}

/// A remote that counts its calls and fails each call from number `from` on.
struct Failing<R> {
    remote: R,
    calls: AtomicU64,
    from: u64,
    /// Whether content is truncated to its first byte.
    cut: AtomicBool,
}

impl<R> Failing<R> {
    fn new(remote: R, from: u64) -> Self {
        Self { remote, calls: AtomicU64::new(0), from, cut: AtomicBool::new(false) }
    }

    fn call(&self) -> io::Result<()> {
        match self.calls.fetch_add(1, Ordering::SeqCst) {
            n if n >= self.from => Err(ErrorKind::ConnectionReset.into()),
            _ => Ok(()),
        }
    }
}

impl<R: Remote> Remote for Failing<R> {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.call()?;
        self.remote.list(folder)
    }

    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        self.call()?;
        self.remote.size(name)
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let failed = self.call();
        let content = self.remote.get(name)?;
        // The connection breaks in the middle of the content.
        match failed {
            Err(_) => Ok(Box::new(content.take(1).chain(Broken))),
            Ok(()) if self.cut.load(Ordering::SeqCst) => Ok(Box::new(content.take(1))),
            Ok(()) => Ok(content),
        }
    }

    fn put(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()> {
        match self.call() {
            Err(_) => self.remote.put(name, &mut content.take(1).chain(Broken), bytes),
            Ok(()) if self.cut.load(Ordering::SeqCst) => {
                self.remote.put(name, &mut content.take(1), 1)
            }
            Ok(()) => self.remote.put(name, content, bytes),
        }
    }
}

/// Pulls, and returns `None` if nothing was pushed there yet.
fn pull_if_pushed(
    flow: &Flow,
    remote: &RemoteFolder,
) -> Result<Option<flow::remote::Transferred>, flow::Error> {
    match flow.pull::<Bread>(remote) {
        Err(flow::Error::NoRemote { .. }) => Ok(None),
        pulled => pulled.map(Some),
    }
}

/// A reader whose connection is broken.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::ConnectionReset.into())
    }
}

#[test]
fn pushed_outputs_are_pulled_into_another_store() -> Result<()> {
    let farm = Farm::new()?;
    let made = farm.complete_store()?;
    let pushed = made.push::<Bread>(&farm.shared())?;
    assert_eq!(pushed.instances().len(), 4);
    assert_eq!((pushed.files(), pushed.present()), (4, 0));
    let bytes: u64 =
        farm.files("objects").iter().map(|f| f.metadata().expect("a file").len()).sum();
    assert_eq!(pushed.bytes(), bytes);
    let shown = pushed.to_string();
    let first = format!("4 outputs pushed, 4 files of {bytes} B; 0 were there already\n");
    // The path of the grains file is absolute, which is a warning.
    assert!(shown.starts_with(&first) && shown.contains("warning: `Grains.path`"), "{shown}");

    let there = farm.store("there")?;
    let pulled = there.pull::<Bread>(&farm.shared())?;
    assert_eq!(pulled.instances().len(), 4);
    assert_eq!((pulled.files(), pulled.bytes()), (4, bytes));
    assert_bread(&there, &GRAINS, 10);
    assert_consistent(there.folder());
    assert_eq!(there.graph::<Bread>().output::<crate::wheat::Milled>()?.meta::<u64>("grains")?, 3);
    assert!(there.run::<Bread>()?.ran().is_empty());
    assert!(there.store().verify()?.is_whole());
    // A pulled output is neither garbage nor outdated.
    assert!(there.store().gc().older_than(std::time::Duration::ZERO).find()?.is_empty());

    // A store that pulled outputs can push them to another remote.
    let second = farm.remote("second");
    there.push::<Bread>(&second)?;
    let third = farm.store("third")?;
    third.pull::<Bread>(&second)?;
    assert_bread(&third, &GRAINS, 10);

    // A second push or pull copies nothing.
    let again = made.push::<Bread>(&farm.shared())?;
    assert_eq!((again.instances().len(), again.files(), again.present()), (0, 0, 4));
    let again = there.pull::<Bread>(&farm.shared())?;
    assert_eq!((again.instances().len(), again.files(), again.present()), (0, 0, 4));
    Ok(())
}

#[test]
fn only_missing_outputs_are_copied() -> Result<()> {
    let farm = Farm::new()?;
    let made = farm.complete_store()?;
    made.push::<Bread>(&farm.shared())?;
    let other = made.with(crate::wheat::Milled::BY, 20);
    other.run::<Bread>()?;
    let pushed = other.push::<Bread>(&farm.shared())?;
    assert_eq!((pushed.instances().len(), pushed.present()), (2, 2));

    let there = farm.store("there")?;
    there.run::<Grains>()?;
    let pulled = there.with(crate::wheat::Milled::BY, 20).pull::<Bread>(&farm.shared())?;
    assert_eq!((pulled.instances().len(), pulled.present()), (3, 1));
    assert_bread(&there.with(crate::wheat::Milled::BY, 20), &GRAINS, 20);
    assert!(!there.is_complete::<Bread>()?);
    Ok(())
}

#[test]
fn incomplete_outputs_are_skipped_and_listed() -> Result<()> {
    let farm = Farm::new()?;
    let made = farm.complete_store()?;
    let other = made.with(crate::wheat::Milled::BY, 20);
    let pushed = other.push::<Bread>(&farm.shared())?;
    assert_eq!(pushed.instances().len(), 2);
    let skipped: Vec<_> = pushed.skipped().iter().map(|s| s.instance.as_str()).collect();
    assert!(skipped[0].starts_with("Milled {by: 20, ") && skipped[1].starts_with("Bread {"));
    assert_eq!((skipped.len(), &*pushed.skipped()[0].why), (2, "never run"));
    assert!(pushed.to_string().contains("left:\n  Milled {by: 20, "), "{pushed}");

    // With other input data the fingerprint differs, so that the pull uses none of the outputs.
    sow(&farm.0.path().join("grains.txt"), &[7, 8]);
    let there = farm.store("there")?;
    let pulled = there.pull::<Bread>(&farm.shared())?;
    assert_eq!((pulled.instances().len(), pulled.skipped().len()), (0, 4));
    assert_eq!(ran(&there.run::<Bread>()?).len(), 4);
    assert_bread(&there, &[7, 8], 10);
    Ok(())
}

#[test]
fn a_pull_reports_a_missing_external_file() -> Result<()> {
    #[derive(Task)]
    #[task(external, path = self.path.clone(), target = Text)]
    struct Elsewhere {
        path: PathBuf,
    }

    #[derive(Task)]
    #[task(requires = Elsewhere, target = Json<usize>)]
    struct Length;

    runs!(Length: usize = |self, cx| Ok(cx.input().load()?.len()));

    let (here, folder) = flow();
    let (shared, path) =
        (RemoteFolder::new(folder.path().join("shared")), folder.path().join("words"));
    fs::write(&path, "words")?;
    let here = here.with(Elsewhere::PATH, path.clone());
    here.run::<Length>()?;
    here.push::<Length>(&shared)?;
    fs::remove_file(&path)?;
    let there = Flow::open(folder.path().join("there"))?.with(Elsewhere::PATH, path.clone());
    let pulled = there.pull::<Length>(&shared)?;
    assert!(pulled.skipped()[0].instance.starts_with("Elsewhere"), "{pulled}");
    assert!(pulled.skipped()[0].why.ends_with("words is missing"), "{pulled}");
    fs::write(&path, "words")?;
    assert_eq!(there.pull::<Length>(&shared)?.instances().len(), 1);
    Ok(())
}

#[test]
fn a_push_interrupted_at_any_call_can_be_repeated() -> Result<()> {
    let farm = Farm::new()?;
    let made = farm.complete_store()?.workers(1);
    let mut n = 0;
    loop {
        let name = format!("shared {n}");
        let failing = Failing::new(farm.remote(&name), n);
        let pushed = made.push::<Bread>(&failing);
        // Only whole outputs can be pulled.
        let between = farm.store(&format!("between {n}"))?;
        let pulled = pull_if_pushed(&between, &farm.remote(&name))?;
        assert_consistent(between.folder());
        assert!(between.store().verify()?.is_whole());
        between.run::<Bread>()?;
        assert_bread(&between, &GRAINS, 10);
        if let Err(error) = &pushed {
            assert!(matches!(error, flow::Error::Store(_)), "{error:?}");
            // All outputs may have arrived although the push failed at its last call.
            assert!(pulled.is_none_or(|pulled| pulled.instances().len() <= 4));
        }

        let there_already = files_below(&farm.0.path().join(&name).join("objects")).len();
        let again = made.push::<Bread>(&farm.remote(&name))?;
        assert_eq!(again.files(), 4 - there_already, "after call {n}");
        let there = farm.store(&format!("there {n}"))?;
        there.pull::<Bread>(&farm.remote(&name))?;
        assert_bread(&there, &GRAINS, 10);
        if pushed.is_ok() {
            assert!(n > 12, "there were calls enough: {n}");
            return Ok(());
        }
        n += 1;
    }
}

#[test]
fn a_pull_interrupted_at_any_call_can_be_repeated() -> Result<()> {
    let farm = Farm::new()?;
    farm.complete_store()?.push::<Bread>(&farm.shared())?;
    let mut n = 0;
    loop {
        let there = farm.store(&format!("there {n}"))?.workers(1);
        let pulled = there.pull::<Bread>(&Failing::new(farm.shared(), n));
        assert_consistent(there.folder());
        assert!(there.store().verify()?.is_whole());
        let before = there.graph::<Bread>().instances()?.iter().filter(|i| i.is_complete()).count();
        let again = there.pull::<Bread>(&farm.shared())?;
        assert_eq!((again.instances().len(), again.present()), (4 - before, before), "call {n}");
        assert_bread(&there, &GRAINS, 10);
        assert!(there.run::<Bread>()?.ran().is_empty());
        // No file of the interrupted pull is left.
        let files = files_below(there.folder());
        let outputs = files.iter().filter(|file| {
            file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("data-"))
        });
        assert_eq!(outputs.count(), 4);
        if pulled.is_ok() {
            assert!(n > 8, "there were calls enough: {n}");
            return Ok(());
        }
        n += 1;
    }
}

#[test]
fn a_damaged_file_is_refused_and_pushed_again_once_removed() -> Result<()> {
    let farm = Farm::new()?;
    let made = farm.complete_store()?;
    made.push::<Bread>(&farm.shared())?;
    for file in farm.files("") {
        let (was, folder) = (fs::read(&file)?, tempfile::tempdir()?);
        let mut bit = was.clone();
        bit[was.len() / 2] ^= 1;
        let longer = [&was[..], b"1"].concat();
        for damaged in [&bit[..], &was[..was.len() - 1], &longer, b""] {
            fs::write(&file, damaged)?;
            let there = mill(&Flow::open(folder.path())?.quiet(), farm.0.path());
            let name = file.to_string_lossy();
            if name.contains("tables") {
                // A damaged table of code is ignored, because it only serves explanations.
                there.pull::<Bread>(&farm.shared())?;
                there.store().clear()?;
                continue;
            }
            let error = in_full(there.pull::<Bread>(&farm.shared()).expect_err("it is damaged"));
            assert!(error.contains(" is damaged: it "), "{error}");
            let name = file.file_name().expect("a name").to_string_lossy();
            assert!(error.contains(&*name), "{error}");
            assert!(there.store().verify()?.is_whole());
            assert!(!there.is_complete::<Bread>()?);
            there.store().clear()?;
        }
        if file.to_string_lossy().contains("tables") {
            continue;
        }
        fs::remove_file(&file)?;
        made.push::<Bread>(&farm.shared())?;
        assert_eq!(fs::read(&file)?, was);
        let there = mill(&Flow::open(folder.path())?.quiet(), farm.0.path());
        there.pull::<Bread>(&farm.shared())?;
        assert_bread(&there, &GRAINS, 10);
    }
    Ok(())
}

#[test]
fn a_file_damaged_locally_or_in_transit_is_not_pushed() -> Result<()> {
    let farm = Farm::new()?;
    let made = farm.complete_store()?;
    let path = made.output::<Bread>()?.path()?;
    let (was, time) = (fs::read(&path)?, fs::metadata(&path)?.modified()?);
    fs::write(&path, vec![b' '; was.len()])?;
    fs::File::options().append(true).open(&path)?.set_modified(time)?;
    assert!(made.is_complete::<Bread>()?);
    let error = in_full(made.push::<Bread>(&farm.shared()).expect_err("it is damaged"));
    assert!(error.contains("is damaged: it has other content than its digest says"), "{error}");
    assert!(error.contains("data-"), "{error}");
    let there = farm.store("there")?;
    assert!(there.pull::<Bread>(&farm.shared())?.instances().len() < 4);

    // The remote silently stores less than it receives.
    fs::write(&path, &was)?;
    let failing = Failing::new(farm.remote("lossy"), u64::MAX);
    failing.cut.store(true, Ordering::SeqCst);
    let error = in_full(made.push::<Bread>(&failing).expect_err("it lost some"));
    assert!(error.contains("is damaged: the remote has other content"), "{error}");
    failing.cut.store(false, Ordering::SeqCst);
    made.push::<Bread>(&failing)?;
    there.pull::<Bread>(&failing)?;
    assert_bread(&there, &GRAINS, 10);
    Ok(())
}

#[test]
fn a_manifest_that_leads_out_of_its_folder_is_refused() -> Result<()> {
    let farm = Farm::new()?;
    farm.complete_store()?.push::<Bread>(&farm.shared())?;
    let manifests = farm.files("outputs");
    let manifest = manifests.iter().find(|file| file.to_string_lossy().contains("Grains"));
    let manifest = manifest.expect("a manifest");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(manifest)?)?;
    record["output"]["files"][0]["file"] = "../../../escaped".into();
    let bytes = serde_json::to_vec(&record)?;
    // The name of the forged manifest fits its content.
    let name = manifest.file_name().expect("a name").to_string_lossy().into_owned();
    let (beginning, _) = name.rsplit_once('-').expect("its own digest");
    let digest = &blake3::hash(&bytes).to_hex()[..32];
    fs::remove_file(manifest)?;
    fs::write(manifest.with_file_name(format!("{beginning}-{digest}.json")), bytes)?;
    let there = farm.store("there")?;
    let error = in_full(there.pull::<Bread>(&farm.shared()).expect_err("it leads out"));
    assert!(error.contains("which is outside its folder"), "{error}");
    assert!(files_below(there.folder()).iter().all(|file| !file.ends_with("escaped")));
    Ok(())
}

#[test]
fn several_stores_push_and_pull_at_once() -> Result<()> {
    let farm = Farm::new()?;
    let flows: Vec<_> = (0..4)
        .map(|i| {
            let flow = farm.store(&format!("store {i}"))?;
            flow.run::<Bread>()?;
            Ok(flow)
        })
        .collect::<Result<_>>()?;
    let fresh = farm.store("fresh")?;
    std::thread::scope(|scope| {
        let pushers: Vec<_> =
            flows.iter().map(|flow| scope.spawn(|| flow.push::<Bread>(&farm.shared()))).collect();
        let puller = scope.spawn(|| pull_if_pushed(&fresh, &farm.shared()));
        for pusher in pushers {
            pusher.join().expect("no panic")?;
        }
        puller.join().expect("no panic")?;
        anyhow::Ok(())
    })?;
    assert!(fresh.store().verify()?.is_whole());
    assert_eq!(farm.files("objects").len(), 4);
    assert!(farm.files(".incoming").is_empty());
    std::thread::scope(|scope| {
        let pullers: Vec<_> =
            (0..3).map(|_| scope.spawn(|| fresh.pull::<Bread>(&farm.shared()))).collect();
        pullers.into_iter().try_for_each(|puller| puller.join().expect("no panic").map(drop))
    })?;
    assert_bread(&fresh, &GRAINS, 10);
    assert!(fresh.store().verify()?.is_whole());
    Ok(())
}

#[derive(Outputs)]
struct Split {
    #[output(Json)]
    even: Vec<u64>,
    #[output(CsvGz)]
    odd: Vec<Odd>,
}

#[derive(Serialize, Deserialize)]
struct Odd {
    odd: u64,
}

#[derive(Task)]
#[task(outputs = Split)]
struct Numbers;

runs!(Numbers: Split = |self, _cx| {
    Ok(Split { even: vec![0, 2], odd: vec![Odd { odd: 1 }] })
});

/// A folder with an empty file, an empty folder, and two files of the same content.
#[derive(Task)]
#[task(requires = Numbers, target = File)]
struct Shards;

runs!(Shards: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    fs::create_dir_all(path.join("deep/nothing"))?;
    fs::write(path.join("deep/empty"), "")?;
    let even = cx.input().load_one(Split::EVEN)?.len();
    fs::write(path.join("a"), even.to_string())?;
    fs::write(path.join("deep/b"), even.to_string())?;
    Ok(path)
});

/// Is kept in memory only, so that its value cannot be pushed.
#[derive(Task)]
#[task(requires = Shards, target = Memory<u64>)]
struct Count;

runs!(Count: u64 = |self, cx| Ok(fs::read_to_string(cx.input().load()?.join("a"))?.parse()?));

#[derive(Task)]
#[task(requires = Count, target = Json<u64>)]
struct Twice;

runs!(Twice: u64 = |self, cx| Ok(*cx.input().load()? * 2));

#[test]
fn parts_folders_and_metadata_of_memory_outputs_are_pushed() -> Result<()> {
    let (here, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    here.run::<Twice>()?;
    let pushed = here.push::<Twice>(&shared)?;
    assert_eq!(pushed.instances(), ["Numbers", "Shards", "Twice"]);
    assert_eq!(pushed.metadata_only(), ["Count"]);

    let there = Flow::open(folder.path().join("there"))?.quiet();
    let pulled = there.pull::<Twice>(&shared)?;
    assert_eq!(pulled.instances(), ["Numbers", "Shards", "Twice"]);
    assert_eq!(pulled.metadata_only(), ["Count"]);
    assert_eq!((pulled.files(), *there.load::<Twice>()?), (6, 4));
    let odd = there.output::<Numbers>()?.part(Split::ODD);
    assert!(odd.path()?.to_string_lossy().ends_with(".csv.gz"));
    assert_eq!(there.load::<Numbers>()?.odd[0].odd, 1);
    let shards = there.load::<Shards>()?;
    assert!(shards.join("deep/nothing").is_dir());
    assert_eq!(fs::read(shards.join("deep/empty"))?, b"");
    assert_eq!(fs::read_to_string(shards.join("deep/b"))?, "2");
    assert!(there.is_complete::<Twice>()?);
    assert!(there.run::<Twice>()?.ran().is_empty());

    // A value that was in memory is computed again when a task needs it.
    there.reset::<Twice>()?;
    assert_eq!(ran(&there.run::<Twice>()?), ["Count", "Twice"]);
    assert!(there.graph::<Shards>().verify()?.is_whole());
    Ok(())
}

#[test]
fn a_missing_file_is_reported_and_pulled_once_it_is_pushed() -> Result<()> {
    let farm = Farm::new()?;
    let made = farm.complete_store()?;
    let grains = made.graph::<Bread>().output::<Grains>()?.path()?;
    let was = fs::read(&grains)?;
    fs::remove_file(&grains)?;
    let pushed = made.push::<Bread>(&farm.shared())?;
    assert_eq!((pushed.instances().len(), pushed.metadata_only().len()), (3, 1));
    let there = farm.store("there")?;
    assert_eq!(there.pull::<Bread>(&farm.shared())?.metadata_only().len(), 1);
    assert!(there.is_complete::<Bread>()?);
    assert!(!there.is_complete::<Grains>()?);

    fs::write(&grains, was)?;
    assert_eq!(made.push::<Bread>(&farm.shared())?.instances().len(), 1);
    assert_eq!(there.pull::<Bread>(&farm.shared())?.instances().len(), 1);
    assert_bread(&there, &GRAINS, 10);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Square {
    n: u64,
}

runs!(Square: u64 = |self, cx| {
    cx.meta("n", self.n)?;
    Ok(self.n * self.n)
});

/// Requires squares one after the other while it runs.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Sum {
    up_to: u64,
}

runs!(Sum: u64 = |self, cx| {
    let mut sum = 0;
    for n in 1..=self.up_to {
        let square = cx.with(Square::N, n).require::<Square>()?;
        sum += *square.load()? + 0 * square.meta::<u64>("n")?;
    }
    Ok(sum)
});

/// Requires sums while it runs.
#[derive(Task)]
#[task(target = Json<BTreeMap<u64, u64>>)]
struct Sums;

runs!(Sums: BTreeMap<u64, u64> = |self, cx| {
    let sums = [2, 3].map(|n| Ok((n, *cx.with(Sum::UP_TO, n).require::<Sum>()?.load()?)));
    sums.into_iter().collect()
});

#[test]
fn dynamic_requirements_are_pushed_with_their_task() -> Result<()> {
    let (here, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    here.run::<Sums>()?;
    assert_eq!(here.push::<Sums>(&shared)?.instances().len(), 6);
    let there = Flow::open(folder.path().join("there"))?.quiet();
    let pulled = there.pull::<Sums>(&shared)?;
    assert_eq!(pulled.instances().len(), 6, "{pulled}");
    assert!(there.is_complete::<Sums>()?, "{}", preview::<Sums>(&there));
    assert_eq!(*there.load::<Sums>()?, BTreeMap::from([(2, 5), (3, 14)]));
    assert!(there.run::<Sums>()?.ran().is_empty());
    assert_eq!(*there.with(Square::N, 3u64).load::<Square>()?, 9);

    // Without the squares, the records of the sums cannot be checked, so that nothing is pulled.
    let other = Flow::open(folder.path().join("other"))?.quiet();
    for name in shared.list("outputs/Square")? {
        fs::remove_file(folder.path().join("shared").join(name))?;
    }
    let pulled = other.pull::<Sums>(&shared)?;
    assert!(pulled.instances().is_empty());
    assert_eq!(ran(&other.run::<Sums>()?).len(), 6);
    Ok(())
}

mod before {
    use flow::Code;
    use flow::prelude::*;

    #[derive(Task)]
    #[task(target = Json<u64>, name = "Coded")]
    pub(super) struct Coded;

    impl Run for Coded {
        const CODE: Code = Code::version(1);

        fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
            Ok(1)
        }
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Coded;

impl Run for Coded {
    const CODE: Code = Code::version(2);

    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(2)
    }
}

#[test]
fn outputs_of_other_code_are_not_pulled() -> Result<()> {
    let (here, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    here.run::<before::Coded>()?;
    here.push::<before::Coded>(&shared)?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    let pulled = there.pull::<Coded>(&shared)?;
    assert_eq!(
        pulled.skipped()[0].why,
        "never run; the remote has this instance, made from something else: code: it changed"
    );
    assert_eq!(ran(&there.run::<Coded>()?), ["Coded"]);
    there.push::<Coded>(&shared)?;

    // From now on the remote holds outputs of both versions.
    let third = Flow::open(folder.path().join("third"))?.quiet();
    third.pull::<Coded>(&shared)?;
    assert_eq!(*third.load::<Coded>()?, 2);
    Ok(())
}

#[test]
fn outputs_of_refreshed_tasks_keep_their_age_when_pulled() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u64>, refresh = always)]
    struct Fetched;

    runs!(Fetched: u64 = |self, _cx| Ok(1));

    #[derive(Task)]
    #[task(requires = Fetched, target = Json<u64>)]
    struct Read;

    runs!(Read: u64 = |self, cx| Ok(*cx.input().load()?));

    let (here, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    here.run::<Read>()?;
    here.push::<Read>(&shared)?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    assert_eq!(there.pull::<Read>(&shared)?.instances(), ["Fetched", "Read"]);
    assert_eq!(*there.load::<Read>()?, 1);
    assert_eq!(ran(&there.run::<Read>()?), ["Fetched"]);
    Ok(())
}

#[test]
fn names_that_lead_out_of_the_remote_are_refused() -> Result<()> {
    let farm = Farm::new()?;
    let shared = farm.shared();
    for name in ["", "/etc/x", "a/../b", "..", "a//b", "a/.incoming", "C:\\x", "a\0"] {
        let put = shared.put(name, &mut &b"x"[..], 1).expect_err("it leads elsewhere");
        assert_eq!(put.kind(), ErrorKind::InvalidInput, "{name:?}");
        assert!(shared.get(name).is_err() && shared.size(name).is_err());
    }
    Ok(())
}
