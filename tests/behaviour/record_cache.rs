//! The record cache: a plan that finds nothing changed reads no record again, and the cache is never believed
//! against what is there. It is used where the system reports inodes.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use flow::prelude::*;
use flow::remote::RemoteFolder;
use flow::{File, Trust};
use tempfile::TempDir;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{faulty_flow, files_below, in_full, preview, ran, reused};

/// The number of instances: enough for the cache to be written.
const MANY: u64 = 80;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Item {
    n: u64,
    #[param(file)]
    source: PathBuf,
}

runs!(Item: u64 = |self, cx| {
    let _ = cx.file(self.source.with_extension("extra"))?;
    Ok(self.n + fs::read_to_string(&self.source)?.trim().parse::<u64>()?)
});

#[derive(Task)]
#[task(requires = [Item { n } for n in 0..MANY], target = Json<u64>)]
struct Total;

runs!(Total: u64 = |self, cx| cx.input().iter().map(|item| Ok(*item.load()?)).sum());

/// The sum of all items if the source has this number.
fn total(source: u64) -> u64 {
    MANY * source + (0..MANY).sum::<u64>()
}

/// A store whose files appear to be an hour old.
struct World {
    folder: TempDir,
    fs: Faulty,
}

impl World {
    /// Returns a store in which everything is complete, for the source 1, and nothing is cached.
    fn cold() -> Result<Self> {
        let world = Self { folder: tempfile::tempdir()?, fs: Faulty::new() };
        world.fs.age(3600);
        world.give(1)?;
        world.flow()?.run::<Total>()?;
        Ok(world)
    }

    /// Returns such a store after a plan that has written the cache.
    fn warm() -> Result<Self> {
        let world = Self::cold()?;
        assert!(world.is_complete()?);
        assert!(world.cache().is_file());
        assert_eq!(world.items_read()?, 0);
        Ok(world)
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    fn give(&self, source: u64) -> Result<()> {
        Ok(fs::write(self.source(), source.to_string())?)
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn cache(&self) -> PathBuf {
        self.store().join(".flow/records/Item")
    }

    /// Opens the store anew.
    fn flow(&self) -> Result<Flow> {
        Ok(faulty_flow(self.folder.path(), &self.fs)?.with(Item::SOURCE, self.source()))
    }

    fn is_complete(&self) -> Result<bool> {
        Ok(self.flow()?.is_complete::<Total>()?)
    }

    /// Returns the paths of all records of items.
    fn records(&self) -> Vec<PathBuf> {
        let mut records = files_below(&self.store().join("Item"));
        records.retain(|path| path.ends_with("record.json"));
        records
    }

    /// Returns how many records of items `act` reads.
    fn items_read_by<T>(&self, act: impl FnOnce(&Flow) -> Result<T>) -> Result<(T, u64)> {
        let flow = self.flow()?;
        let (read, items) = (Arc::new(AtomicU64::new(0)), self.store().join("Item"));
        let counter = Arc::clone(&read);
        self.fs.fail(move |_, op, path| {
            let is_record = path.ends_with("record.json") && path.starts_with(&items);
            counter.fetch_add(u64::from(op == Op::Read && is_record), Ordering::SeqCst);
            None
        });
        let result = act(&flow)?;
        self.fs.heal();
        Ok((result, read.load(Ordering::SeqCst)))
    }

    /// Returns how many records of items a plan reads that finds everything complete.
    fn items_read(&self) -> Result<u64> {
        let (is_complete, read) = self.items_read_by(|flow| Ok(flow.is_complete::<Total>()?))?;
        assert!(is_complete);
        Ok(read)
    }

    /// Asserts that verdicts are right, whatever the cache says. The source has the number 1 before and after.
    fn check(&self) -> Result<()> {
        assert!(self.is_complete()?);
        assert!(ran(&self.flow()?.run::<Total>()?).is_empty());
        assert_eq!(*self.flow()?.load::<Total>()?, total(1));
        self.give(2)?;
        assert!(!self.is_complete()?);
        self.give(1)?;
        assert!(self.is_complete()?);
        Ok(())
    }
}

/// Changes a file, and keeps its size and the time of its last write.
fn change_in_place(path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
    let time = fs::metadata(path)?.modified()?;
    let mut bytes = fs::read(path)?;
    let len = bytes.len();
    change(&mut bytes);
    assert_eq!(bytes.len(), len);
    fs::write(path, bytes)?;
    Ok(fs::File::options().append(true).open(path)?.set_modified(time)?)
}

/// Changes the fingerprint in a record, and keeps its size and the time of its last write.
fn change_fingerprint(path: &Path) -> Result<()> {
    change_in_place(path, |bytes| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let digit = text.find("\"fingerprint\": \"").expect("a fingerprint") + 16;
        bytes[digit] = if bytes[digit] == b'0' { b'1' } else { b'0' };
    })
}

#[test]
fn a_plan_in_which_nothing_has_changed_reads_no_record_again() -> Result<()> {
    let world = World::cold()?;
    assert_eq!(world.items_read()?, MANY);
    assert_eq!(world.items_read()?, 0);
    let (_, read) = world.items_read_by(|flow| {
        assert!(ran(&flow.run::<Total>()?).is_empty());
        Ok(())
    })?;
    assert_eq!(read, 0);
    // Of records that were replaced, only these are read.
    let flow = world.flow()?;
    flow.force::<Item>().with(Item::N, 3).run::<Item>()?;
    assert_eq!(world.items_read()?, 1);
    world.check()
}

#[test]
fn a_record_that_was_just_written_is_not_cached() -> Result<()> {
    let world = World::cold()?;
    world.fs.age(0);
    for _ in 0..2 {
        assert_eq!(world.items_read()?, MANY);
    }
    assert!(!world.cache().exists());
    Ok(())
}

#[test]
fn a_record_that_was_changed_in_place_is_read_again() -> Result<()> {
    let world = World::warm()?;
    let record = &world.records()[7];
    let good = fs::read(record)?;
    change_fingerprint(record)?;
    assert!(!world.is_complete()?);
    assert!(preview::<Total>(&world.flow()?).contains("PENDING"));
    change_in_place(record, |bytes| bytes.fill(b'x'))?;
    assert!(!world.is_complete()?);
    fs::write(record, good)?;
    assert_eq!(world.items_read()?, 1);
    world.check()
}

#[test]
fn a_record_that_was_replaced_or_removed_is_read_again() -> Result<()> {
    let world = World::warm()?;
    let records = world.records();
    let good = fs::read(&records[7])?;
    let time = fs::metadata(&records[7])?.modified()?;
    // A record of another instance takes its place, with the same size and time.
    let other = world.folder.path().join("other");
    fs::write(&other, &good)?;
    change_fingerprint(&other)?;
    fs::File::options().append(true).open(&other)?.set_modified(time)?;
    fs::rename(&other, &records[7])?;
    assert!(!world.is_complete()?);
    fs::remove_file(&records[7])?;
    assert!(!world.is_complete()?);
    fs::write(&records[7], &good)?;
    assert!(world.is_complete()?);
    // The whole folder is gone.
    fs::remove_dir_all(records[8].parent().expect("a folder"))?;
    assert!(!world.is_complete()?);
    assert_eq!(ran(&world.flow()?.run::<Total>()?), ["Item"]);
    world.check()
}

#[test]
fn an_output_that_was_changed_or_removed_is_found() -> Result<()> {
    let world = World::warm()?;
    let outputs = files_below(&world.store().join("Item"));
    let output = outputs.iter().find(|path| !path.ends_with("record.json")).expect("an output");
    let good = fs::read(output)?;
    fs::write(output, [&good[..], b" "].concat())?;
    assert!(!world.is_complete()?);
    fs::write(output, vec![b'9'; good.len()])?;
    assert!(!world.is_complete()?);
    fs::remove_file(output)?;
    fs::write(output, &good)?;
    // It has another time, so it was hashed, and its record was replaced.
    assert!(world.is_complete()?);
    fs::remove_file(output)?;
    assert!(preview::<Total>(&world.flow()?).contains("Total"));
    assert_eq!(*world.flow()?.load::<Total>()?, total(1));
    world.give(2)?;
    assert!(!world.is_complete()?);
    Ok(())
}

#[test]
fn a_file_that_a_task_has_read_counts_with_a_cache_too() -> Result<()> {
    let world = World::warm()?;
    let extra = world.source().with_extension("extra");
    fs::write(&extra, "new")?;
    assert!(!world.is_complete()?);
    fs::remove_file(&extra)?;
    assert_eq!(world.items_read()?, 0);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>, refresh = always)]
struct Fetched {
    n: u64,
}

runs!(Fetched: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(requires = [Fetched { n } for n in 0..MANY], target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| cx.input().iter().map(|one| Ok(*one.load()?)).sum());

#[test]
fn an_instance_that_is_due_runs_with_a_cache_too() -> Result<()> {
    let world = World::cold()?;
    world.flow()?.run::<Report>()?;
    for _ in 0..2 {
        // A load ignores `refresh`, and writes the cache.
        assert_eq!(*world.flow()?.load::<Report>()?, (0..MANY).sum::<u64>());
        assert!(world.cache().with_file_name("Fetched").is_file());
        assert_eq!(ran(&world.flow()?.run::<Report>()?).len() as u64, MANY);
    }
    Ok(())
}

#[test]
fn an_older_cache_that_was_copied_back_is_not_believed() -> Result<()> {
    let world = World::warm()?;
    let old = fs::read(world.cache())?;
    world.give(2)?;
    assert_eq!(ran(&world.flow()?.run::<Total>()?).len() as u64, MANY + 1);
    assert!(world.is_complete()?);
    assert_ne!(fs::read(world.cache())?, old);
    fs::write(world.cache(), &old)?;
    // Today's fingerprints are those of the old cache, and not those of the records.
    world.give(1)?;
    assert!(!preview::<Total>(&world.flow()?).is_empty());
    fs::write(world.cache(), &old)?;
    let summary = world.flow()?.run::<Total>()?;
    assert!(ran(&summary).is_empty());
    // The cache would have said that all are complete already.
    assert_eq!(reused(&summary).len() as u64, MANY + 1);
    assert_eq!(*world.flow()?.load::<Total>()?, total(1));
    fs::write(world.cache(), &old)?;
    assert!(world.is_complete()?);
    world.give(3)?;
    assert!(!world.is_complete()?);
    Ok(())
}

#[test]
fn a_copy_of_a_store_does_not_use_the_cache_that_it_contains() -> Result<()> {
    let world = World::warm()?;
    let copy = World { folder: tempfile::tempdir()?, fs: Faulty::new() };
    copy.fs.age(3600);
    // The key of an item has the path of the source, so the copy uses the same source.
    for path in files_below(&world.store()) {
        let to = copy.store().join(path.strip_prefix(world.store())?);
        fs::create_dir_all(to.parent().expect("a folder"))?;
        fs::copy(&path, &to)?;
        let time = fs::metadata(&path)?.modified()?;
        fs::File::options().write(true).open(&to)?.set_modified(time)?;
    }
    let flow =
        || Ok::<_, flow::Error>(copy.flow().expect("a flow").with(Item::SOURCE, world.source()));
    for expected in [MANY, 0] {
        let (is_complete, read) = copy.items_read_by(|_| Ok(flow()?.is_complete::<Total>()?))?;
        assert_eq!((is_complete, read), (true, expected));
    }
    Ok(())
}

#[test]
fn a_damaged_cache_never_gives_a_wrong_verdict() -> Result<()> {
    let world = World::warm()?;
    let cache = world.cache();
    let good = fs::read(&cache)?;
    type Damage = fn(&Path, &[u8]) -> std::io::Result<()>;
    let damages: [(&str, Damage); 10] = [
        ("removed", |at, _| fs::remove_file(at)),
        ("empty", |at, _| fs::write(at, b"")),
        ("truncated", |at, good| fs::write(at, &good[..good.len() / 2])),
        ("without its last byte", |at, good| fs::write(at, &good[..good.len() - 1])),
        ("doubled", |at, good| fs::write(at, [good, good].concat())),
        ("zeros", |at, good| fs::write(at, vec![0; good.len()])),
        ("another version", |at, good| {
            let mut bytes = good.to_vec();
            bytes[18] = b'9';
            fs::write(at, bytes)
        }),
        ("a flipped bit", |at, good| {
            let mut bytes = good.to_vec();
            bytes[good.len() / 3] ^= 4;
            fs::write(at, bytes)
        }),
        ("huge", |at, _| fs::File::create(at)?.set_len(1 << 40)),
        ("a folder", |at, _| fs::remove_file(at).and_then(|()| fs::create_dir(at))),
    ];
    for (what, damage) in damages {
        damage(&cache, &good)?;
        world.check().context(what)?;
        change_fingerprint(&world.records()[7])?;
        assert!(!world.is_complete()?, "{what}");
        change_fingerprint(&world.records()[7])?;
        world.flow()?.run::<Total>()?;
        let _ = fs::remove_dir(&cache);
        fs::write(&cache, &good)?;
    }
    Ok(())
}

#[test]
fn a_cache_of_another_task_is_not_believed() -> Result<()> {
    let world = World::warm()?;
    world.flow()?.run::<Copies>()?;
    let flow = world.flow()?;
    assert!(flow.is_complete::<Copies>()?);
    let of_copies = world.store().join(".flow/records/Duplicate");
    assert!(of_copies.is_file());
    fs::copy(world.cache(), of_copies)?;
    let flow = world.flow()?;
    assert!(flow.is_complete::<Copies>()?);
    assert!(!flow.with(Duplicate::OF, 2).is_complete::<Copies>()?);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Duplicate {
    n: u64,
    #[param(default = 1)]
    of: u64,
}

runs!(Duplicate: u64 = |self, _cx| Ok(self.n + self.of));

#[derive(Task)]
#[task(aggregate, requires = [Duplicate { n } for n in 0..MANY])]
struct Copies;

/// What happens at an operation on the files of the cache.
#[derive(Clone, Copy, Debug)]
enum Event {
    Fails(Fault),
    /// No file is changed any more.
    Crash,
}

#[test]
fn verdicts_are_right_whatever_fails_on_the_cache() -> Result<()> {
    let world = World::cold()?;
    let records = world.cache().parent().expect("a folder").to_owned();
    let is_cache = |path: &Path| path.to_string_lossy().contains("/.flow/records");
    let events = [
        Event::Fails(Fault::Refuse(ErrorKind::PermissionDenied)),
        Event::Fails(Fault::Half(ErrorKind::StorageFull)),
        Event::Fails(Fault::Broken),
        Event::Crash,
    ];
    let mut points = 0;
    for event in events {
        for at in 0.. {
            let _ = fs::remove_dir_all(&records);
            let seen = Arc::new(Mutex::new(0));
            let count = Arc::clone(&seen);
            world.fs.fail(move |_, op, path| {
                if !is_cache(path) {
                    return None;
                }
                let mut seen = count.lock().expect("no panic");
                let n = *seen;
                *seen += 1;
                match event {
                    Event::Fails(fault) => (n == at).then_some(fault),
                    Event::Crash if op.changes() => {
                        (n >= at).then_some(Fault::Half(ErrorKind::StorageFull))
                    }
                    Event::Crash => None,
                }
            });
            assert!(world.is_complete()?, "{event:?} at {at}");
            world.fs.heal();
            let operations = *seen.lock().expect("no panic");
            let what = || format!("{event:?} at {at} of {operations}");
            if let Event::Fails(_) = event {
                // What was begun is removed.
                let left = files_below(&records);
                assert!(left.iter().all(|path| *path == world.cache()), "{left:?}, {}", what());
            }
            world.check().with_context(what)?;
            assert_eq!(world.items_read()?, 0, "{}", what());
            if at >= operations {
                break;
            }
            points += 1;
        }
    }
    // The cache is read; its folder and the file are created; it is written and renamed.
    assert!(points >= 4 * 5, "{points}");
    Ok(())
}

#[test]
fn a_plan_of_a_store_that_cannot_be_written_writes_nothing() -> Result<()> {
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        let world = World::cold()?;
        let before = files_below(&world.store());
        world.fs.fail(move |_, op, _| op.changes().then_some(Fault::Refuse(kind)));
        for _ in 0..2 {
            assert!(world.is_complete()?);
        }
        assert_eq!(files_below(&world.store()), before);
    }
    Ok(())
}

#[test]
fn several_plans_at_once_leave_a_whole_cache() -> Result<()> {
    let world = World::cold()?;
    std::thread::scope(|scope| {
        let plan = || {
            for _ in 0..5 {
                assert!(world.is_complete().expect("a plan"));
                // One of the threads has removed it already.
                let _ = fs::remove_file(world.cache());
            }
            assert!(world.is_complete().expect("a plan"));
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(plan)).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
    assert!(world.is_complete()?);
    assert_eq!(world.items_read()?, 0);
    assert_eq!(files_below(world.cache().parent().expect("a folder")), [world.cache()]);
    Ok(())
}

#[test]
fn a_link_is_an_error_with_a_cache_too() -> Result<()> {
    let world = World::warm()?;
    let record = world.records()[7].clone();
    let instance = record.parent().expect("a folder").to_owned();
    let outside = world.folder.path().join("outside");
    // The record and its stamp stay the same when its folder is moved.
    for link in [&instance, &record] {
        fs::rename(link, &outside)?;
        symlink(&outside, link)?;
        let error = in_full(world.flow()?.is_complete::<Total>().expect_err("a link"));
        assert!(error.contains(&format!("{} is a link", link.display())), "{error}");
        fs::remove_file(link)?;
        fs::rename(&outside, link)?;
    }
    assert!(world.is_complete()?);
    // A cache behind a link is neither read nor written, and nothing runs in such a store.
    let records = world.cache().parent().expect("a folder").to_owned();
    fs::rename(&records, &outside)?;
    symlink(&outside, &records)?;
    let before = fs::read(outside.join("Item"))?;
    for _ in 0..2 {
        assert_eq!(world.items_read()?, MANY);
    }
    let error = in_full(world.flow()?.force::<Item>().run::<Total>().expect_err("a link"));
    assert!(error.contains(&format!("{} is a link", records.display())), "{error}");
    assert_eq!(files_below(&outside), [outside.join("Item")]);
    assert_eq!(fs::read(outside.join("Item"))?, before);
    Ok(())
}

#[test]
fn plans_that_trust_only_content_read_all_records() -> Result<()> {
    let world = World::warm()?;
    let (_, read) = world.items_read_by(|flow| {
        assert!(flow.clone().trust(Trust::Content).is_complete::<Total>()?);
        Ok(())
    })?;
    assert_eq!(read, MANY);
    Ok(())
}

#[derive(Task)]
#[task(target = File)]
struct FolderOutput {
    n: u64,
}

runs!(FolderOutput: PathBuf = |self, cx| {
    let folder = cx.out_path()?;
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("n"), self.n.to_string())?;
    Ok(folder)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Requester {
    n: u64,
    of: u64,
}

runs!(Requester: u64 = |self, cx| {
    let required = cx.with(Duplicate::N, self.n).with(Duplicate::OF, self.of);
    Ok(*required.require::<Duplicate>()?.load()?)
});

#[derive(Task)]
#[task(aggregate, requires(
    folders = [FolderOutput { n } for n in 0..MANY],
    requesters = [Requester { n, of: 1 } for n in 0..MANY],
))]
struct Others;

#[test]
fn outputs_that_are_folders_and_dynamic_requirements_are_judged_by_their_records() -> Result<()> {
    let world = World::cold()?;
    world.flow()?.run::<Others>()?;
    for _ in 0..2 {
        assert!(world.flow()?.is_complete::<Others>()?);
    }
    assert!(!world.store().join(".flow/records/FolderOutput").exists());
    assert!(!world.store().join(".flow/records/Requester").exists());
    // The instances that they required are in the cache, for all plans together.
    assert!(world.store().join(".flow/records/Duplicate").is_file());
    Ok(())
}

#[test]
fn a_reset_removes_the_cache_and_gc_what_a_dead_process_left() -> Result<()> {
    let world = World::warm()?;
    let left = world.cache().with_file_name("Item.0123456789abcdef");
    fs::write(&left, "")?;
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(&left)?.set_modified(long_ago)?;
    let removed = world.flow()?.store().gc().older_than(Duration::ZERO).find()?.remove()?;
    assert_eq!(removed.files, [left]);
    assert!(world.cache().is_file());
    world.flow()?.store().clear_task::<Item>()?;
    assert!(!world.cache().exists());
    world.flow()?.run::<Total>()?;
    world.check()?;
    assert!(world.cache().is_file());
    world.flow()?.store().clear()?;
    assert!(files_below(&world.store().join(".flow/records")).is_empty());
    Ok(())
}

#[test]
fn a_cache_is_neither_pushed_nor_exported() -> Result<()> {
    let world = World::warm()?;
    let (remote, exported) = (world.folder.path().join("remote"), world.folder.path().join("out"));
    world.flow()?.push::<Total>(&RemoteFolder::new(&remote))?;
    world.flow()?.export::<Total>(&exported)?;
    let files = [files_below(&remote), files_below(&exported)].concat();
    assert!(files.len() as u64 > MANY);
    assert!(files.iter().all(|path| !path.to_string_lossy().contains("records/")), "{files:?}");
    Ok(())
}
