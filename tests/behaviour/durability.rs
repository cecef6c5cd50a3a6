//! Durability: which files and folders a commit syncs, and in which order, so that it survives a power loss.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::faulty::{Faulty, Op, Synced};
use crate::support::{faulty_flow, files_below, one_file};

#[derive(Task)]
#[task(group = "numbers", target = Json<u64>)]
struct Number {
    n: u64,
}

runs!(Number: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(aggregate, requires = [Number { n } for n in 0..20])]
struct Numbers;

/// A step of a commit: a rename of a record, or a sync.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Sync,
    Record,
}

/// Records the steps from now on.
fn steps(fs: &Faulty) -> Arc<Mutex<Vec<Step>>> {
    let steps: Arc<Mutex<Vec<Step>>> = Arc::default();
    let noted = Arc::clone(&steps);
    fs.fail(move |_, op, path| {
        let is_record = path.ends_with("record.json");
        let step = match op {
            Op::Sync => Some(Step::Sync),
            Op::Rename if is_record => Some(Step::Record),
            _ => None,
        };
        noted.lock().expect("no panic").extend(step);
        None
    });
    steps
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
    assert_eq!(*steps.lock().expect("no panic"), [Step::Sync, Step::Record, Step::Sync]);
    let output = one_file(&root.join("numbers"), "data-", "");
    let instance = output.parent().expect("a folder");
    let synced: [Synced; 2] = fs.take_synced().try_into().expect("two");
    let [(files, folders), (no_files, after)] = synced;
    assert!(has(&files, &output) && files.len() == 2, "{files:?}");
    for named in [instance, &root.join("numbers/Number"), &root.join("numbers"), &root] {
        assert!(has(&folders, named), "{named:?}: {folders:?}");
    }
    assert_eq!((no_files, after), (vec![], vec![instance.to_owned()]));
    Ok(())
}

#[test]
fn a_group_of_outputs_is_synced_together() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?.workers(1);
    flow.run::<Numbers>()?;
    let synced = fs.take_synced();
    let mut named = synced.iter().flat_map(|(files, _)| files);
    assert_eq!(named.clone().count(), 2 * 20, "each output and record once");
    assert!(named.all(|file| file.starts_with(flow.folder())));
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
        is_last.then_some(crate::faulty::Fault::Refuse(std::io::ErrorKind::StorageFull))
    });
    let summary = crate::support::failure(flow.run::<Number>());
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.starts_with("cannot make durable"), "{error}");
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
