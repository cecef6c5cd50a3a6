//! Files that tasks read are hashed once, by all processes together, as long as their size, times
//! and inode are unchanged. The digest of a file that was just written is not cached.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use flow::Trust;
use flow::fs::{Disk, FileKind, Fs, Lock, Stat};
use flow::prelude::*;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{faulty_flow, files_below, ran};

/// The disk with another clock: the times of files are shifted, and rounded down to a resolution.
#[derive(Clone, Default)]
struct Clock(Arc<Times>);

#[derive(Default)]
struct Times {
    /// How much older files appear, in seconds.
    older: AtomicI64,
    /// The resolution of times in seconds; 0 for that of the disk.
    step: AtomicI64,
    /// Whether the inode and the change time are hidden.
    is_plain: Mutex<bool>,
    /// The number of files outside the store that were hashed.
    hashed: AtomicU64,
}

impl Clock {
    /// Lets files appear older by this number of seconds.
    fn older(&self, seconds: i64) {
        self.0.older.store(seconds, Ordering::SeqCst);
    }

    fn hashed(&self) -> u64 {
        self.0.hashed.swap(0, Ordering::SeqCst)
    }

    fn moved(&self, time: i64) -> i64 {
        let step = self.0.step.load(Ordering::SeqCst) * 1_000_000_000;
        let time = time - self.0.older.load(Ordering::SeqCst) * 1_000_000_000;
        if step == 0 { time } else { time - time.rem_euclid(step) }
    }
}

impl Fs for Clock {
    fn open(&self, path: &Path) -> io::Result<fs::File> {
        self.0
            .hashed
            .fetch_add(u64::from(path.extension().is_some_and(|e| e == "in")), Ordering::SeqCst);
        Disk.open(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let stat = Disk.stat(path)?;
        // The times of outputs are not changed.
        if path.extension().is_none_or(|extension| extension != "in") {
            return Ok(stat);
        }
        let is_plain = *self.0.is_plain.lock().expect("no panic");
        Ok(Stat {
            modified: self.moved(stat.modified),
            changed: stat.changed.filter(|_| !is_plain).map(|changed| self.moved(changed)),
            inode: stat.inode.filter(|_| !is_plain),
            ..stat
        })
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        Disk.read(path, limit)
    }

    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
        Disk.read_from(path, offset, limit)
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        Disk.lock(path)
    }

    fn try_lock_shared(&self, path: &Path) -> io::Result<Lock> {
        Disk.try_lock_shared(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn io::Write + Send>> {
        Disk.create(path)
    }

    fn create_private(&self, path: &Path, store: &Path) -> io::Result<Box<dyn io::Write + Send>> {
        Disk.create_private(path, store)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.append(path, bytes)
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        Disk.kind(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        Disk.list(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        Disk.create_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.link(from, to)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.copy(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        Disk.remove_folder(path)
    }

    fn sync(&self, _: &[PathBuf], _: &[PathBuf]) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Task)]
#[task(target = Json<String>)]
struct Watched {
    #[param(file)]
    file: PathBuf,
}

runs!(Watched: String = |self, _cx| Ok(fs::read_to_string(&self.file)?));

#[derive(Task)]
#[task(target = Json<String>)]
struct InFolder {
    #[param(file)]
    folder: PathBuf,
}

runs!(InFolder: String = |self, cx| text(&cx.files(&self.folder)?));

#[derive(Task)]
#[task(target = Json<String>)]
struct Matched {
    #[param(file)]
    pattern: PathBuf,
}

runs!(Matched: String = |self, cx| text(&cx.files(&self.pattern)?));

#[derive(Task)]
#[task(target = Json<String>)]
struct Found {
    path: PathBuf,
}

runs!(Found: String = |self, cx| Ok(fs::read_to_string(cx.file(&self.path)?).unwrap_or_default()));

#[derive(Task)]
#[task(target = Json<String>)]
struct FoundFiles {
    at: PathBuf,
}

runs!(FoundFiles: String = |self, cx| text(&cx.files(&self.at)?));

#[derive(Task)]
#[task(external, path = &self.elsewhere, target = Text)]
struct Elsewhere {
    elsewhere: PathBuf,
}

#[derive(Task)]
#[task(requires = Elsewhere, target = Json<String>)]
struct External;

runs!(External: String = |self, cx| Ok(cx.input().load()?.to_string()));

#[derive(Task)]
#[task(aggregate, requires(Watched, InFolder, Matched, Found, FoundFiles, External))]
struct All;

/// The tasks that read files, sorted by name.
const READERS: [&str; 6] = ["External", "Found", "FoundFiles", "InFolder", "Matched", "Watched"];

fn text(files: &[PathBuf]) -> Result<String> {
    files.iter().map(|file| Ok(fs::read_to_string(file)?)).collect()
}

/// Returns a flow in which each task reads the file `in/x.in`, on a disk with another clock.
fn open(folder: &Path, clock: &Clock) -> Result<Flow> {
    let inside = folder.join("in");
    let file = inside.join("x.in");
    let flow = Flow::open_on(folder.join("data"), Arc::new(clock.clone()))?.quiet();
    Ok(flow
        .with(Watched::FILE, &*file)
        .with(InFolder::FOLDER, &*inside)
        .with(Matched::PATTERN, inside.join("*.in"))
        .with(Found::PATH, &*file)
        .with(FoundFiles::AT, inside.join("*"))
        .with(Elsewhere::ELSEWHERE, &*file))
}

/// Creates a folder with the file `in/x.in`, and returns both paths.
fn input(text: &str) -> Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("in"))?;
    let file = folder.path().join("in/x.in");
    fs::write(&file, text)?;
    Ok((folder, file))
}

fn set_modified(file: &Path, time: SystemTime) -> io::Result<()> {
    fs::File::options().append(true).open(file)?.set_modified(time)
}

#[test]
fn each_way_to_read_a_file_sees_each_way_to_change_it() -> Result<()> {
    let (folder, file) = input("one")?;
    for is_settled in [true, false] {
        let clock = Clock::default();
        clock.older(if is_settled { 3600 } else { 0 });
        let open = || open(folder.path(), &clock);
        fs::write(&file, "one")?;
        open()?.store().clear()?;
        assert_eq!(ran(&open()?.run::<All>()?), READERS);

        // Edited.
        fs::write(&file, "longer")?;
        assert_eq!(ran(&open()?.run::<All>()?), READERS);
        // Edited, with the same size, and given the same time.
        let time = fs::metadata(&file)?.modified()?;
        fs::write(&file, "Longer")?;
        set_modified(&file, time)?;
        assert_eq!(ran(&open()?.run::<All>()?), READERS);
        // Touched, into the past and the future.
        for time in [time - Duration::from_secs(86_400), time + Duration::from_secs(86_400)] {
            set_modified(&file, time)?;
            assert_eq!(ran(&open()?.run::<All>()?), [""; 0]);
        }
        // Replaced by another file with the same size and time, and then by one with the earlier
        // content.
        let time = fs::metadata(&file)?.modified()?;
        for (text, runs) in [("LONGER", true), ("Longer", false)] {
            let other = folder.path().join("other");
            fs::write(&other, text)?;
            set_modified(&other, time)?;
            fs::rename(&other, &file)?;
            let flow = open()?;
            let summary = flow.run::<All>()?;
            assert_eq!(ran(&summary).len(), if runs { READERS.len() } else { 0 });
            assert_eq!(*flow.load::<Found>()?, text);
            assert_eq!(ran(&flow.run::<All>()?), [""; 0]);
        }
        // Removed, and created again.
        fs::remove_file(&file)?;
        let flow = open()?;
        for complete in [
            flow.is_complete::<Watched>()?,
            flow.is_complete::<InFolder>()?,
            flow.is_complete::<Matched>()?,
            flow.is_complete::<Found>()?,
            flow.is_complete::<FoundFiles>()?,
            flow.is_complete::<External>()?,
        ] {
            assert!(!complete);
        }
        fs::write(&file, "Longer")?;
        assert_eq!(ran(&open()?.run::<All>()?), [""; 0]);
    }
    Ok(())
}

#[test]
fn a_file_is_hashed_once_by_all_processes() -> Result<()> {
    let (folder, file) = input("one")?;
    let clock = Clock::default();
    clock.older(3600);
    open(folder.path(), &clock)?.run::<All>()?;
    // All tasks share one digest: when they are planned, when they run, and afterwards.
    assert_eq!(clock.hashed(), 1);
    // A newly opened store behaves as in a second process.
    for _ in 0..2 {
        assert!(open(folder.path(), &clock)?.is_complete::<All>()?);
        assert_eq!(clock.hashed(), 0);
    }
    set_modified(&file, SystemTime::now())?;
    assert!(open(folder.path(), &clock)?.is_complete::<All>()?);
    assert_eq!(clock.hashed(), 1);
    assert!(open(folder.path(), &clock)?.is_complete::<All>()?);
    assert_eq!(clock.hashed(), 0);
    // A hard link has another path, and counts as another file.
    fs::hard_link(&file, file.with_extension("2.in"))?;
    assert!(!open(folder.path(), &clock)?.is_complete::<All>()?);
    assert_eq!(clock.hashed(), 2);
    Ok(())
}

#[test]
fn digests_of_files_that_were_just_written_are_not_cached() -> Result<()> {
    // The resolution is two seconds, and neither the inode nor the change time is known, so that a
    // rewrite within that time is invisible to `stat`.
    let (folder, file) = input("one")?;
    let clock = Clock::default();
    clock.0.step.store(2, Ordering::SeqCst);
    *clock.0.is_plain.lock().expect("no panic") = true;
    let flow = open(folder.path(), &clock)?;
    // Each round waits until the time of the file has passed.
    let rounds = if std::env::var_os("FLOW_TEST_ALL").is_some() { 20 } else { 4 };
    for i in 0..rounds {
        let text = format!("{:03}", i);
        fs::write(&file, &text)?;
        flow.run::<Watched>()?;
        assert_eq!(*flow.load::<Watched>()?, text);
        assert_eq!(*open(folder.path(), &clock)?.load::<Watched>()?, text);
    }
    drop(flow);
    // Once its time is past, the file is hashed for the last time.
    clock.older(10);
    clock.hashed();
    assert!(open(folder.path(), &clock)?.is_complete::<Watched>()?);
    assert_eq!(clock.hashed(), 1);
    assert!(open(folder.path(), &clock)?.is_complete::<Watched>()?);
    assert_eq!(clock.hashed(), 0);
    Ok(())
}

/// The kernel stamps files with the time of its last tick, which is milliseconds ago. So a file
/// written just after a step of two seconds has begun may carry the time of the step before.
#[test]
fn a_file_may_carry_the_time_of_the_previous_clock_step() -> Result<()> {
    let (folder, file) = input("one")?;
    let clock = Clock::default();
    *clock.0.is_plain.lock().expect("no panic") = true;
    let begun_a_step_ago = SystemTime::now() - Duration::from_millis(2_005);
    for text in ["two", "six"] {
        fs::write(&file, text)?;
        set_modified(&file, begun_a_step_ago)?;
        let flow = open(folder.path(), &clock)?;
        flow.run::<Watched>()?;
        if begun_a_step_ago.elapsed()? > Duration::from_millis(2_900) {
            // The machine was too slow for this test.
            return Ok(());
        }
        assert_eq!(*flow.load::<Watched>()?, text);
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn setting_the_time_into_the_past_does_not_make_a_file_old() -> Result<()> {
    let (folder, file) = input("one")?;
    let clock = Clock::default();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    for text in ["two", "six", "ten"] {
        fs::write(&file, text)?;
        set_modified(&file, long_ago)?;
        let flow = open(folder.path(), &clock)?;
        flow.run::<Watched>()?;
        assert_eq!(*flow.load::<Watched>()?, text);
    }
    assert!(!folder.path().join("data/.flow/digests").exists());
    Ok(())
}

#[test]
fn a_damaged_cache_of_digests_never_yields_a_wrong_digest() -> Result<()> {
    let (folder, file) = input("one")?;
    let digests = folder.path().join("data/.flow/digests");
    let clock = Clock::default();
    clock.older(3600);
    open(folder.path(), &clock)?.run::<Watched>()?;
    let good = fs::read(&digests)?;
    type Damage = fn(&Path, &[u8]) -> io::Result<()>;
    let damages: [Damage; 6] = [
        |at, _| fs::remove_file(at),
        |at, good| fs::write(at, &good[..good.len() / 2]),
        |at, good| fs::write(at, [good, b"0123", good].concat()),
        |at, _| fs::write(at, vec![0; 4096]),
        |at, good| {
            let line = String::from_utf8_lossy(good).replace(['1', '2', '3'], "4");
            fs::write(at, line)
        },
        // The cache can be neither read nor written.
        |at, _| fs::remove_file(at).and_then(|()| fs::create_dir(at)),
    ];
    for damage in damages {
        damage(&digests, &good)?;
        assert!(open(folder.path(), &clock)?.is_complete::<Watched>()?);
        let time = fs::metadata(&file)?.modified()?;
        fs::write(&file, "two")?;
        set_modified(&file, time)?;
        assert_eq!(ran(&open(folder.path(), &clock)?.run::<Watched>()?), ["Watched"]);
        fs::write(&file, "one")?;
        assert_eq!(ran(&open(folder.path(), &clock)?.run::<Watched>()?), [""; 0]);
        let _ = fs::remove_dir(&digests);
        fs::write(&digests, &good)?;
        open(folder.path(), &clock)?.store().clear()?;
        open(folder.path(), &clock)?.run::<Watched>()?;
    }
    Ok(())
}

#[test]
fn threads_and_processes_share_the_cache_of_digests() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("in"))?;
    for i in 0..50 {
        fs::write(folder.path().join(format!("in/{i}.in")), i.to_string())?;
    }
    let clock = Clock::default();
    clock.older(3600);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for i in 0..50 {
                    let file = folder.path().join(format!("in/{i}.in"));
                    let flow =
                        open(folder.path(), &clock).expect("a store").with(Watched::FILE, file);
                    flow.run::<Watched>().expect("a run");
                    assert_eq!(*flow.load::<Watched>().expect("a text"), i.to_string());
                }
            });
        }
    });
    clock.hashed();
    for i in 0..50 {
        let file = folder.path().join(format!("in/{i}.in"));
        assert!(open(folder.path(), &clock)?.with(Watched::FILE, file).is_complete::<Watched>()?);
    }
    assert_eq!(clock.hashed(), 0);
    Ok(())
}

#[test]
fn the_cache_is_not_used_if_no_task_reads_files() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Plain;

    runs!(Plain: u64 = |self, _cx| Ok(1));

    let folder = tempfile::tempdir()?;
    let flow = Flow::open(folder.path().join("data"))?.quiet();
    flow.run::<Plain>()?;
    drop(flow);
    let digests = |path: &PathBuf| path.file_name().is_some_and(|name| name == "digests");
    assert!(!files_below(folder.path()).iter().any(digests));
    Ok(())
}

#[test]
fn trust_in_content_ignores_modification_times() -> Result<()> {
    // Only size and time are known, and both are restored after the edit.
    let (folder, file) = input("one")?;
    let clock = Clock::default();
    clock.older(3600);
    *clock.0.is_plain.lock().expect("no panic") = true;
    let flow = open(folder.path(), &clock)?;
    flow.run::<All>()?;
    let time = fs::metadata(&file)?.modified()?;
    fs::write(&file, "two")?;
    set_modified(&file, time)?;
    assert!(open(folder.path(), &clock)?.is_complete::<All>()?);
    let strict = open(folder.path(), &clock)?.trust(Trust::Content);
    clock.hashed();
    assert!(!strict.is_complete::<All>()?);
    // Once for a plan, although six tasks read the file.
    assert_eq!(clock.hashed(), 1);
    assert_eq!(ran(&strict.run::<All>()?), READERS);
    assert_eq!(*strict.load::<Watched>()?, "two");
    assert!(strict.is_complete::<All>()?);
    Ok(())
}

#[test]
fn plans_work_although_the_cache_cannot_be_written() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    fs::write(&file, "one")?;
    let faulty = Faulty::new();
    let open =
        || -> Result<Flow> { Ok(faulty_flow(folder.path(), &faulty)?.with(Watched::FILE, &*file)) };
    open()?.run::<Watched>()?;
    // Old enough for the digest to be cached.
    std::thread::sleep(Duration::from_millis(3_100));
    let digests = folder.path().join("data/.flow/digests");
    let is_digests = |path: &Path| path.to_string_lossy().contains("digests");
    for fault in [Fault::Refuse(ErrorKind::ReadOnlyFilesystem), Fault::Half(ErrorKind::StorageFull)]
    {
        // Either nothing can be written, or only half of each line.
        faulty.fail(move |_, op, path| (op.changes() && is_digests(path)).then_some(fault));
        assert!(open()?.is_complete::<Watched>()?);
        assert!(open()?.run::<Watched>()?.ran().is_empty());
        let flow = open()?;
        fs::write(&file, "two")?;
        assert!(!flow.is_complete::<Watched>()?);
        fs::write(&file, "one")?;
        assert!(flow.is_complete::<Watched>()?);
    }
    // The cache cannot be read either.
    faulty.fail(move |_, _, path| {
        is_digests(path).then_some(Fault::Refuse(ErrorKind::PermissionDenied))
    });
    assert!(open()?.is_complete::<Watched>()?);
    faulty.heal();
    std::thread::sleep(Duration::from_millis(3_100));
    assert!(open()?.is_complete::<Watched>()?);
    // After half a line in the cache, a whole line is appended and used.
    let count = |op: Op| -> Result<usize> {
        let seen = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&seen);
        let watched = file.clone();
        faulty.fail(move |_, now, path| {
            counter.fetch_add(u64::from(now == op && path == watched), Ordering::SeqCst);
            None
        });
        assert!(open()?.is_complete::<Watched>()?);
        Ok(seen.load(Ordering::SeqCst) as usize)
    };
    assert_eq!((count(Op::Open)?, count(Op::Stat)?), (0, 1));
    assert!(fs::read(digests)?.len() > 100);
    Ok(())
}
