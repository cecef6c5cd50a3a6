//! Links in stores, remotes and exports are never followed: the target of a link is not read, written or
//! deleted, and the error names the link.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::faulty::Faulty;
use crate::support::{faulty_flow, files_below, in_full, one_file, ran};
use crate::wheat::{Bread, Milled, assert_bread, mill, sow};

/// Opens the store in a folder, without syncing files, which would take most of the time.
fn open(folder: &Path) -> Result<Flow> {
    Ok(mill(&faulty_flow(folder, &Faulty::new())?, folder))
}

/// Returns a store in which all tasks have run with two data sets, and the folder that holds it.
fn done() -> Result<(Flow, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let flow = open(folder.path())?;
    for data in [&[4, 5][..], &[1, 2, 3]] {
        sow(&folder.path().join("grains.txt"), data);
        flow.run::<Bread>()?;
    }
    Ok((flow, folder))
}

/// Returns the files below a folder with their contents.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: PathBuf| (path.clone(), fs::read(&path).expect("a file"));
    files_below(folder).into_iter().map(read).collect()
}

/// Moves a file or folder outside, and replaces it by a link.
fn lead_outside(path: &Path, outside: &Path) -> Result<()> {
    fs::rename(path, outside)?;
    Ok(symlink(outside, path)?)
}

/// Returns the error of a call with its causes, or the errors of the failed tasks.
fn said<T>(result: Result<T, flow::Error>) -> Option<String> {
    match result {
        Ok(_) => None,
        Err(flow::Error::Failed(summary)) => {
            let errors = summary.failed().into_iter().filter_map(|entry| entry.error);
            Some(errors.collect::<Vec<_>>().join("\n"))
        }
        Err(error) => Some(in_full(error)),
    }
}

type Act = fn(&Flow) -> Result<(), flow::Error>;

/// The operations that write to a store or delete from it.
const ACTS: [(&str, Act); 6] = [
    ("gc", |flow| {
        let gc = flow
            .limits(flow::Limits::default().versions(0))
            .store()
            .gc()
            .older_than(Duration::ZERO)
            .keep::<Bread>(flow)?;
        gc.find()?.remove().map(drop)
    }),
    ("reset", |flow| flow.reset::<Milled>().map(drop)),
    ("reset_upstream", |flow| flow.graph::<Bread>().reset_all().map(drop)),
    ("reset_every", |flow| flow.store().clear_task::<Milled>().map(drop)),
    ("reset_all", |flow| flow.store().clear().map(drop)),
    ("run", |flow| flow.force_all().run::<Bread>().map(drop)),
];

#[test]
fn no_operation_follows_a_link_in_a_store() -> Result<()> {
    let parts = [
        ".flow",
        ".flow/index",
        ".flow/index/Milled",
        ".flow/versions",
        ".flow/versions/Milled",
        ".flow/code",
        ".flow/owners",
        ".flow/runs",
        "Milled",
        "Milled/INSTANCE",
    ];
    for part in parts {
        let (flow, folder) = done()?;
        let record = one_file(&flow.folder().join("Milled"), "record.json", "");
        let instance = record.parent().and_then(Path::file_name).expect("an instance");
        let part = part.replace("INSTANCE", &instance.to_string_lossy());
        let (link, outside) = (flow.folder().join(&part), folder.path().join("outside"));
        lead_outside(&link, &outside)?;
        let before = content(&outside);
        for (name, act) in ACTS {
            let flow = open(folder.path())?;
            let before_here = files_below(flow.folder()).len();
            let error = said(act(&flow)).unwrap_or_else(|| panic!("{name} followed {part}"));
            let named = format!("{} is a link", link.display());
            assert!(error.contains(&named), "{name} with {part}: {error}");
            assert_eq!(content(&outside), before, "{name} with {part}");
            // An operation that deletes fails before it deletes anything.
            if name != "run" {
                assert_eq!(files_below(flow.folder()).len(), before_here, "{name} with {part}");
            }
        }
    }
    Ok(())
}

#[test]
fn gc_removes_links_and_not_their_targets() -> Result<()> {
    let (flow, folder) = done()?;
    let outside = folder.path().join("outside");
    fs::create_dir_all(outside.join("0123456789abcdef"))?;
    for file in ["precious", "0123456789abcdef/data", "data.0123456789abcdef"] {
        fs::write(outside.join(file), "mine")?;
    }
    let before = content(&outside);
    let internal = flow.folder().join(".flow");
    for folder in ["aside", "running"] {
        // A link in place of the whole folder is an error.
        let at = internal.join(folder);
        let _ = fs::remove_dir_all(&at);
        symlink(&outside, &at)?;
        let gc = flow.store().gc().older_than(Duration::ZERO);
        let error = in_full(gc.find().expect_err("a link"));
        assert!(error.contains(&format!("{} is a link", at.display())), "{error}");
        fs::remove_file(&at)?;
        assert_eq!(content(&outside), before);
    }
    // A link among the files of a dead process is removed, and nothing else.
    let left = internal.join("aside/0123456789abcdef");
    fs::create_dir_all(&left)?;
    symlink(&outside, left.join("link"))?;
    symlink(outside.join("precious"), left.join("file"))?;
    let mut removed = flow.store().gc().older_than(Duration::ZERO).find()?.remove()?;
    removed.files.sort();
    assert_eq!(removed.files, [left.join("file"), left.join("link")]);
    assert_eq!(removed.to_string(), "removed 2 files that belong to no instance");
    assert_eq!(content(&outside), before);
    assert_bread(&flow, &[1, 2, 3], 10);
    Ok(())
}

#[test]
fn a_store_folder_may_be_a_link_and_a_namespace_may_not() -> Result<()> {
    let (flow, folder) = done()?;
    let link = folder.path().join("mine");
    symlink("data", &link)?;
    let linked = mill(&Flow::open(&link)?.quiet(), folder.path());
    assert!(ran(&linked.run::<Bread>()?).is_empty());
    linked.store().clear_task::<Milled>()?;
    assert_eq!(ran(&linked.run::<Bread>()?), ["Milled"]);
    assert!(linked.store().gc().find()?.is_empty());

    let outside = folder.path().join("outside");
    fs::create_dir(&outside)?;
    symlink(&outside, flow.folder().join("env=prod"))?;
    let error = said(flow.namespace("prod").run::<Bread>()).expect("a link");
    assert!(error.contains("env=prod is a link"), "{error}");
    assert!(files_below(&outside).is_empty());
    Ok(())
}

#[test]
fn a_push_follows_no_link() -> Result<()> {
    for part in [".incoming", "objects", "outputs", "outputs/Bread"] {
        let (flow, folder) = done()?;
        let (remote, outside) = (folder.path().join("remote"), folder.path().join("outside"));
        fs::create_dir_all(remote.join(part).parent().expect("a folder"))?;
        fs::create_dir(&outside)?;
        // The file is old enough to be removed if the link were followed.
        fs::write(outside.join("precious"), "mine")?;
        let long_ago = SystemTime::now() - Duration::from_secs(100 * 24 * 60 * 60);
        fs::File::options().write(true).open(outside.join("precious"))?.set_modified(long_ago)?;
        symlink(&outside, remote.join(part))?;
        let remote = RemoteFolder::new(&remote);
        for _ in 0..2 {
            let error = said(flow.push::<Bread>(&remote)).expect("a link");
            assert!(error.contains(&format!("{part} is a link")), "{part}: {error}");
            let files = files_below(&outside);
            assert_eq!(files, [outside.join("precious")], "{part}");
        }
    }
    Ok(())
}

#[test]
fn an_export_follows_no_link() -> Result<()> {
    for part in ["Bread", "manifest.json", "README.md", ".exporting.json", ".exporting.lock"] {
        let (flow, folder) = done()?;
        let (handed, outside) = (folder.path().join("handed"), folder.path().join("outside"));
        fs::create_dir_all(&handed)?;
        match part {
            "Bread" => fs::create_dir(&outside)?,
            _ => fs::write(&outside, "{}")?,
        }
        symlink(&outside, handed.join(part))?;
        let error = said(flow.export::<Bread>(&handed)).expect("a link");
        assert!(error.contains(&format!("{part} is a link")), "{part}: {error}");
        match part {
            "Bread" => assert!(files_below(&outside).is_empty()),
            _ => assert_eq!(fs::read(&outside)?, b"{}"),
        }
        // The folder that the user names may be a link.
        fs::remove_file(handed.join(part))?;
        symlink("handed", folder.path().join("link"))?;
        flow.export::<Bread>(folder.path().join("link"))?;
        assert!(handed.join("manifest.json").exists());
    }
    Ok(())
}

#[test]
fn an_import_follows_no_link() -> Result<()> {
    let (flow, folder) = done()?;
    let (handed, outside) = (folder.path().join("handed"), folder.path().join("outside"));
    flow.export::<Bread>(&handed)?;
    lead_outside(&handed.join("Bread"), &outside)?;
    let other = Flow::open(folder.path().join("other"))?.quiet();
    let error = said(other.import(&handed)).expect("a link");
    assert!(error.contains("Bread is a link"), "{error}");
    assert!(!files_below(other.folder()).iter().any(|path| path.ends_with("record.json")));
    Ok(())
}
