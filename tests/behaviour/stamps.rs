//! Files that tasks read are hashed once: as long as nothing is another that is known of them
//! without opening them, by other processes too. A file that was written a moment ago is not
//! trusted.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use flow::Trust;
use flow::fs::{Disk, FileKind, Fs, Lock, Stat};
use flow::prelude::*;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{faulty_flow, files_below, ran};

/// The disk with a clock of its own: the times of files are moved, and kept in steps.
#[derive(Clone, Default)]
struct Clock(Arc<Times>);

#[derive(Default)]
struct Times {
    /// How much older files are, in seconds.
    older: AtomicI64,
    /// The step in which times are kept, in seconds; 0 for what the disk has.
    step: AtomicI64,
    /// Whether only size and time are known.
    is_plain: Mutex<bool>,
    /// How many files outside the store were hashed.
    hashed: AtomicU64,
}

impl Clock {
    /// Files are that much older than they are, in seconds.
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
        // Those of outputs are as they are.
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

/// The tasks that read, in order.
const READERS: [&str; 6] = ["External", "Found", "FoundFiles", "InFolder", "Matched", "Watched"];

fn text(files: &[PathBuf]) -> Result<String> {
    files.iter().map(|file| Ok(fs::read_to_string(file)?)).collect()
}

/// A flow in which each task reads the file `in/x.in`, on a disk with a clock.
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

/// A folder with the file `in/x.in`, which is an hour old.
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
        // Replaced by another file, with the same size and time; and the same that it was before.
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
        // Deleted, and there again.
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
    // By all tasks, to be judged and to be run, and after that.
    assert_eq!(clock.hashed(), 1);
    // A second process, as far as the store can tell.
    for _ in 0..2 {
        assert!(open(folder.path(), &clock)?.is_complete::<All>()?);
        assert_eq!(clock.hashed(), 0);
    }
    set_modified(&file, SystemTime::now())?;
    assert!(open(folder.path(), &clock)?.is_complete::<All>()?);
    assert_eq!(clock.hashed(), 1);
    assert!(open(folder.path(), &clock)?.is_complete::<All>()?);
    assert_eq!(clock.hashed(), 0);
    // The same file on the same disk, by another name, is another one.
    fs::hard_link(&file, file.with_extension("2.in"))?;
    assert!(!open(folder.path(), &clock)?.is_complete::<All>()?);
    assert_eq!(clock.hashed(), 2);
    Ok(())
}

#[test]
fn nothing_is_remembered_of_what_was_written_a_moment_ago() -> Result<()> {
    // The time is kept in steps of two seconds, and neither the inode nor the time of the last
    // change is known: only that time tells that it was written again.
    let (folder, file) = input("one")?;
    let clock = Clock::default();
    clock.0.step.store(2, Ordering::SeqCst);
    *clock.0.is_plain.lock().expect("no panic") = true;
    let flow = open(folder.path(), &clock)?;
    for i in 0..20 {
        let text = format!("{:03}", i);
        fs::write(&file, &text)?;
        flow.run::<Watched>()?;
        assert_eq!(*flow.load::<Watched>()?, text);
        assert_eq!(*open(folder.path(), &clock)?.load::<Watched>()?, text);
    }
    drop(flow);
    // Once its time is past, it is hashed for the last time.
    clock.older(10);
    clock.hashed();
    assert!(open(folder.path(), &clock)?.is_complete::<Watched>()?);
    assert_eq!(clock.hashed(), 1);
    assert!(open(folder.path(), &clock)?.is_complete::<Watched>()?);
    assert_eq!(clock.hashed(), 0);
    Ok(())
}

/// The kernel gives files the time of its last tick, which is milliseconds ago: a file that is
/// written just after a step of two seconds has begun may have the time of the step before.
#[test]
fn a_step_that_has_just_ended_may_still_be_given_to_files() -> Result<()> {
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
            // Too slow to tell anything.
            return Ok(());
        }
        assert_eq!(*flow.load::<Watched>()?, text);
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_time_that_was_set_does_not_make_it_look_old() -> Result<()> {
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
fn whatever_became_of_the_digests_nothing_is_taken_for_what_it_is_not() -> Result<()> {
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
        // It cannot be read or written.
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
fn threads_and_processes_add_to_them_at_once() -> Result<()> {
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
fn nothing_is_read_or_written_where_no_task_reads_a_file() -> Result<()> {
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
fn where_only_content_is_believed_no_stamp_is() -> Result<()> {
    // Only size and time are known, and they are set to what they were.
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
    // Once for a plan, though six tasks read it.
    assert_eq!(clock.hashed(), 1);
    assert_eq!(ran(&strict.run::<All>()?), READERS);
    assert_eq!(*strict.load::<Watched>()?, "two");
    assert!(strict.is_complete::<All>()?);
    Ok(())
}

#[test]
fn a_store_that_cannot_be_written_is_judged_all_the_same() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    fs::write(&file, "one")?;
    let faulty = Faulty::new();
    let open =
        || -> Result<Flow> { Ok(faulty_flow(folder.path(), &faulty)?.with(Watched::FILE, &*file)) };
    open()?.run::<Watched>()?;
    // Old enough to be remembered.
    std::thread::sleep(Duration::from_millis(3_100));
    let digests = folder.path().join("data/.flow/digests");
    let is_digests = |path: &Path| path.to_string_lossy().contains("digests");
    for fault in [Fault::Refuse(ErrorKind::ReadOnlyFilesystem), Fault::Half(ErrorKind::StorageFull)]
    {
        // Nothing can be written, and of what is written there are halves.
        faulty.fail(move |_, op, path| (op.changes() && is_digests(path)).then_some(fault));
        assert!(open()?.is_complete::<Watched>()?);
        assert!(open()?.run::<Watched>()?.ran().is_empty());
        let flow = open()?;
        fs::write(&file, "two")?;
        assert!(!flow.is_complete::<Watched>()?);
        fs::write(&file, "one")?;
        assert!(flow.is_complete::<Watched>()?);
    }
    // It cannot be read, either.
    faulty.fail(move |_, _, path| {
        is_digests(path).then_some(Fault::Refuse(ErrorKind::PermissionDenied))
    });
    assert!(open()?.is_complete::<Watched>()?);
    faulty.heal();
    std::thread::sleep(Duration::from_millis(3_100));
    assert!(open()?.is_complete::<Watched>()?);
    // After the half of a line stands a whole one.
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
