//! Durability: which files and folders are synced, and in which order, so that outputs survive a power loss.
//!
//! [`crash_points`](crate::crash_points) checks what a loss of power leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flow::File;
use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::faulty::{Fault, Faulty, Loss, Op, Synced, Unsynced};
use crate::support::{failure, faulty_flow, files_below, one_file};

#[derive(Task)]
#[task(group = "numbers", target = Json<u64>)]
struct Number {
    n: u64,
}

runs!(Number: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(aggregate, requires = [Number { n } for n in 0..20])]
struct Numbers;

/// A step of a commit or a removal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Sync,
    /// A record is renamed into place.
    Record,
    /// A record is kept as a version.
    Version,
    /// A record or version is removed.
    Unrecord,
    /// A file of an output is removed.
    Remove,
}

/// Records the steps from now on.
fn steps(fs: &Faulty) -> Arc<Mutex<Vec<Step>>> {
    let steps: Arc<Mutex<Vec<Step>>> = Arc::default();
    let noted = Arc::clone(&steps);
    fs.fail(move |_, op, path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_version = path.components().any(|part| part.as_os_str() == "versions");
        let is_record = name == "record.json" || is_version && name.ends_with(".json");
        let step = match op {
            Op::Sync => Some(Step::Sync),
            Op::Rename if name == "record.json" => Some(Step::Record),
            Op::Link if is_version => Some(Step::Version),
            Op::Remove if is_record => Some(Step::Unrecord),
            Op::Remove if name.starts_with("data-") => Some(Step::Remove),
            _ => None,
        };
        let mut noted = noted.lock().expect("no panic");
        // Repeated steps count once.
        if noted.last() != step.as_ref() {
            noted.extend(step);
        }
        None
    });
    steps
}

fn taken(steps: &Mutex<Vec<Step>>) -> Vec<Step> {
    std::mem::take(&mut steps.lock().expect("no panic"))
}

fn has(synced: &[PathBuf], path: &Path) -> bool {
    synced.iter().any(|synced| synced == path)
}

#[test]
fn an_output_is_synced_with_all_its_parent_folders() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?;
    let root = flow.folder().to_owned();
    // The folder of the store itself is new, so its parent is synced.
    let opened = fs.take_synced();
    assert!(opened.iter().any(|(_, folders)| has(folders, folder.path())), "{opened:?}");

    let steps = steps(&fs);
    flow.with(Number::N, 1).run::<Number>()?;
    assert_eq!(taken(&steps), [Step::Sync, Step::Record, Step::Sync]);
    let output = one_file(&root.join("numbers"), "data-", "");
    let instance = output.parent().expect("a folder");
    let synced: [Synced; 2] = fs.take_synced().try_into().expect("two");
    let [(files, folders), (indices, after)] = synced;
    // The output, its record, the table of the task's code, and the index, which is new. The folder of a task with a
    // group is found through the index alone, so it is durable before the record is in place.
    let is_code = |file: &&PathBuf| file.starts_with(root.join(".flow/code"));
    assert_eq!(files.iter().filter(is_code).count() + 3, files.len(), "{files:?}");
    assert!(has(&files, &output) && files.iter().any(|file| is_code(&file)), "{files:?}");
    assert!(has(&files, &root.join(".flow/index/Number")), "{files:?}");
    let index = root.join(".flow/index");
    let group = [&root.join("numbers/Number"), &root.join("numbers"), &root];
    for named in group.into_iter().chain([&index, &root.join(".flow"), &instance.to_owned()]) {
        assert!(has(&folders, named), "{named:?}: {folders:?}");
    }
    assert!(indices.is_empty() && has(&after, instance), "{indices:?} {after:?}");

    flow.with(Number::N, 2).run::<Number>()?;
    let [_, (indices, after)] = fs.take_synced().try_into().expect("two");
    assert_eq!((indices.len(), after.len()), (0, 1), "the index is there: {indices:?} {after:?}");
    Ok(())
}

#[test]
fn a_group_of_outputs_is_synced_together() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?.workers(1);
    flow.run::<Numbers>()?;
    let synced = fs.take_synced();
    let files = || synced.iter().flat_map(|(files, _)| files);
    assert!(files().all(|file| file.starts_with(flow.folder())));
    let of_outputs = files().filter(|file| file.starts_with(flow.folder().join("numbers")));
    assert_eq!(of_outputs.count(), 2 * 20, "each output and record once");
    // After each group, the folders of its records are synced, and each folder at most once.
    for (files, folders) in &synced {
        let mut once = folders.clone();
        once.dedup();
        assert_eq!(once.len(), folders.len(), "{folders:?}");
        assert!(
            !files.is_empty()
                || folders.iter().all(|at| at.join("record.json").exists())
                || has(folders, folder.path())
        );
    }
    Ok(())
}

#[derive(Outputs)]
struct Split {
    #[output(Json)]
    number: u64,
    #[output(File)]
    folder: PathBuf,
}

#[derive(Task)]
#[task(outputs = Split)]
struct Foldered {
    #[param(file)]
    path: PathBuf,
}

runs!(Foldered: Split = |self, cx| {
    let folder = cx.out_path_of(Split::FOLDER)?;
    fs::create_dir_all(folder.join("sub/empty"))?;
    fs::copy(&self.path, folder.join("sub/file"))?;
    Ok(Split { number: fs::read_to_string(&self.path)?.parse()?, folder })
});

/// Returns a flow on a file, and a function that writes the file.
fn on_a_file(faulty: &Faulty) -> Result<(Flow, impl Fn(u64), tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("number");
    let flow = faulty_flow(folder.path(), faulty)?.with(Foldered::PATH, &path);
    Ok((flow, move |n: u64| fs::write(&path, n.to_string()).expect("a file"), folder))
}

#[test]
fn folders_inside_an_output_are_synced() -> Result<()> {
    let fs = Faulty::new();
    let (flow, write, _folder) = on_a_file(&fs)?;
    write(1);
    fs.take_synced();
    flow.run::<Foldered>()?;
    let output = flow.output::<Foldered>()?.part(Split::FOLDER).path()?;
    let synced = fs.take_synced();
    let (files, folders) = synced.first().expect("a sync");
    assert!(has(files, &output.join("sub/file")), "{files:?}");
    for inside in [&output, &output.join("sub"), &output.join("sub/empty")] {
        assert!(has(folders, inside), "{inside:?}: {folders:?}");
    }
    Ok(())
}

#[test]
fn a_version_is_synced_before_its_record_is_replaced() -> Result<()> {
    let fs = Faulty::new();
    let (flow, write, _folder) = on_a_file(&fs)?;
    for n in 1..3 {
        write(n);
        flow.run::<Foldered>()?;
    }
    fs.take_synced();
    let taken_steps = steps(&fs);
    write(3);
    flow.run::<Foldered>()?;
    use Step::{Record, Remove, Sync, Unrecord, Version};
    assert_eq!(taken(&taken_steps), [Sync, Version, Sync, Record, Sync]);
    let synced = fs.take_synced();
    let version = files_below(&flow.folder().join(".flow/versions"));
    let versions = version[0].parent().expect("a folder");
    let [_, (_, kept), _] = &synced[..] else { panic!("{synced:?}") };
    assert!(has(kept, versions), "{versions:?}: {kept:?}");

    // The version that becomes current again is removed when the new record is durable.
    write(1);
    flow.run::<Foldered>()?;
    let now = taken(&taken_steps);
    assert_eq!(now, [Sync, Version, Sync, Record, Sync, Unrecord, Sync, Remove]);
    Ok(())
}

#[test]
fn the_removal_of_a_record_is_synced_before_its_files_are_removed() -> Result<()> {
    use Step::{Remove, Sync, Unrecord};
    let fs = Faulty::new();
    let (flow, write, _folder) = on_a_file(&fs)?;
    let all = || -> Result<()> {
        for n in 1..3 {
            write(n);
            flow.run::<Foldered>()?;
        }
        Ok(())
    };
    type Act = fn(&Flow) -> Result<()>;
    let acts: [(&str, Act); 4] = [
        ("reset", |flow| Ok(flow.reset::<Foldered>().map(drop)?)),
        ("clear_task", |flow| Ok(flow.store().clear_task::<Foldered>().map(drop)?)),
        ("clear", |flow| Ok(flow.store().clear().map(drop)?)),
        ("gc", |flow| {
            let few = flow.limits(flow::Limits::default().versions(0));
            let gc = few.store().gc().older_than(std::time::Duration::ZERO);
            Ok(gc.find()?.remove().map(drop)?)
        }),
    ];
    for (name, act) in acts {
        fs.heal();
        all()?;
        let taken_steps = steps(&fs);
        act(&flow)?;
        let now = taken(&taken_steps);
        assert!(now.starts_with(&[Unrecord, Sync, Remove]), "{name}: {now:?}");
        assert!(!now[3..].contains(&Unrecord), "{name}: {now:?}");
    }
    Ok(())
}

#[test]
fn a_failed_sync_is_not_repeated() -> Result<()> {
    // The system reports a failed write once: a second sync would succeed, and the content would be lost.
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?.workers(1);
    let syncs = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&syncs);
    fs.fail(move |_, op, _| {
        let mut syncs = counted.lock().expect("no panic");
        *syncs += u64::from(op == Op::Sync);
        (op == Op::Sync && *syncs == 1).then_some(Fault::Broken)
    });
    let summary = failure(flow.with(Number::N, 1).run::<Number>());
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.starts_with("cannot make durable"), "{error}");
    assert_eq!(*syncs.lock().expect("no panic"), 1);
    assert!(files_below(flow.folder()).iter().all(|file| !file.ends_with("record.json")));
    Ok(())
}

#[test]
fn a_commit_fails_if_its_directory_entry_is_not_synced() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?.with(Number::N, 1);
    let syncs = Mutex::new(0);
    fs.fail(move |_, op, _| {
        let mut syncs = syncs.lock().expect("no panic");
        *syncs += u64::from(op == Op::Sync);
        let is_last = op == Op::Sync && *syncs == 2;
        is_last.then_some(Fault::Refuse(std::io::ErrorKind::StorageFull))
    });
    let error = flow.run::<Number>().expect_err("no space").to_string();
    assert!(error.contains("cannot make durable"), "{error}");
    fs.heal();
    flow.run::<Number>()?;
    assert_eq!(*flow.load::<Number>()?, 1);
    Ok(())
}

#[test]
fn files_named_by_a_manifest_are_synced_before_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?.with(Number::N, 1);
    flow.run::<Number>()?;
    let root = folder.path().join("remote");
    fs.take_synced();
    flow.push::<Number>(&RemoteFolder::on(&root, Arc::new(fs.clone())))?;
    let synced = fs.take_synced();
    let of = |path: &Path| synced.iter().position(|(_, folders)| has(folders, path));
    let all = files_below(&root);
    let above = |part: &str| {
        let file =
            all.iter().find(|file| file.strip_prefix(&root).is_ok_and(|at| at.starts_with(part)));
        file.and_then(|file| file.parent()).expect("a folder").to_owned()
    };
    let (object, manifest) = (of(&above("objects")), of(&above("outputs")));
    assert!(object.is_some() && object < manifest, "{synced:?}");
    for new in [&root.join("objects"), &root.join("outputs"), &root, folder.path()] {
        assert!(of(new).is_some(), "{new:?}: {synced:?}");
    }

    // An export syncs in the same order.
    let root = folder.path().join("handed");
    flow.export::<Number>(&root)?;
    let (_, last) = fs.take_synced().pop().expect("a sync");
    assert_eq!(last, [root], "the manifest is renamed last");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<usize>)]
struct Login {
    token: Secret<String>,
}

runs!(Login: usize = |self, _cx| Ok(self.token.expose().len()));

#[test]
fn the_key_of_a_store_is_synced_before_it_is_used() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?;
    fs.take_synced();
    assert!(!flow.with(Login::TOKEN, "hunter2").is_complete::<Login>()?);
    let (_, last) = fs.take_synced().pop().expect("a sync");
    assert_eq!(last, [flow.folder().join(".flow/"), flow.folder().to_owned()]);
    Ok(())
}

#[test]
fn only_what_was_synced_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let (disk, left) = (folder.path().join("disk"), folder.path().join("left"));
    fs::create_dir(&disk).expect("a folder");
    let path = |name: &str| disk.join(name);
    fs::write(path("old"), "old").expect("a file");
    fs::write(path("gone"), "gone").expect("a file");
    let mut unsynced = Unsynced::new(&disk);
    // A file with content and name, one with content only, one with name only.
    for name in ["both", "content", "name"] {
        fs::write(path(name), name).expect("a file");
        unsynced.created(&path(name));
    }
    unsynced.synced(&[path("both"), path("content")], &[]);
    // A replaced file, and a removed one.
    unsynced.keep_content(&path("old"));
    fs::rename(path("content"), path("old")).expect("a rename");
    unsynced.renamed(&path("content"), &path("old"));
    unsynced.synced(&[], std::slice::from_ref(&disk));
    fs::remove_file(path("gone")).expect("a file");
    unsynced.removed(&path("gone"));
    fs::create_dir(path("folder")).expect("a folder");
    fs::write(path("folder/unnoticed"), "x").expect("a file");
    unsynced.lose(Loss::Everything, &left).expect("it is written");
    let mut names: Vec<_> = fs::read_dir(&left)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["both", "gone", "name", "old"]);
    let read = |name: &str| fs::read_to_string(left.join(name)).expect("a file");
    assert_eq!(
        (read("both"), read("name"), read("old")),
        ("both".into(), "".into(), "content".into())
    );
}
