//! Transient changes: a file that is changed and restored while a task runs makes the task fail, because
//! the task may have read the changed file. Changes of other files nearby are ignored.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use flow::prelude::*;

use crate::support::{failed, failure, flow, ran};

/// A change that is made while a task runs.
type Happens = Box<dyn Fn() + Send + Sync>;

/// The changes, by the path of the task's files.
static HAPPENS: Mutex<Vec<(PathBuf, Happens)>> = Mutex::new(Vec::new());

fn happen(path: &Path) {
    let all = HAPPENS.lock().expect("no panic while it happens");
    all.iter().filter(|(of, _)| of == path).for_each(|(_, happens)| happens());
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Named {
    #[param(file)]
    path: PathBuf,
}

runs!(Named: u64 = |self, cx| {
    happen(&self.path);
    Ok(1)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Asked {
    #[param(insignificant)]
    path: PathBuf,
}

runs!(Asked: u64 = |self, cx| {
    let files = cx.files(&self.path)?;
    happen(&self.path);
    Ok(files.len() as u64)
});

/// Runs both tasks on these files while the change is made. Returns whether each task noticed it.
fn summaries(flow: &Flow, path: &Path, happens: impl Fn() + Send + Sync + 'static) -> [bool; 2] {
    HAPPENS.lock().expect("no panic").push((path.to_owned(), Box::new(happens)));
    let flow = flow.with(Named::PATH, path).with(Asked::PATH, path);
    let is_noticed = |result: Result<flow::Summary, flow::Error>, name: &str| match result {
        Ok(summary) => {
            assert_eq!(ran(&summary), [name]);
            false
        }
        error => {
            let summary = failure(error);
            assert_eq!(failed(&summary), [name]);
            let text = summary.to_string();
            assert!(text.contains("while the task was running"), "{text}");
            true
        }
    };
    [is_noticed(flow.run::<Named>(), "Named"), is_noticed(flow.run::<Asked>(), "Asked")]
}

/// Creates a folder `project/in` with two files.
fn project() -> Result<(Flow, tempfile::TempDir, PathBuf)> {
    let (flow, folder) = flow();
    let files = folder.path().join("project/in");
    fs::create_dir_all(&files)?;
    fs::write(files.join("a.csv"), "1")?;
    fs::write(files.join("b.csv"), "2")?;
    Ok((flow, folder, files))
}

/// Creates a file and removes it.
fn comes_and_goes(file: PathBuf) -> impl Fn() + Send + Sync + 'static {
    move || {
        fs::write(&file, "3").expect("a file");
        fs::remove_file(&file).expect("a file");
    }
}

#[test]
fn a_file_created_and_removed_in_a_folder_is_noticed() -> Result<()> {
    let (flow, _folder, files) = project()?;
    let happens = comes_and_goes(files.join("c.csv"));
    assert_eq!(summaries(&flow, &files, happens), [true, true]);
    Ok(())
}

#[test]
fn a_file_created_and_removed_in_a_subfolder_is_noticed() -> Result<()> {
    let (flow, _folder, files) = project()?;
    fs::create_dir(files.join("below"))?;
    let happens = comes_and_goes(files.join("below/c.csv"));
    assert_eq!(summaries(&flow, &files, happens), [true, true]);
    Ok(())
}

#[test]
fn a_link_that_is_swapped_and_restored_is_noticed() -> Result<()> {
    let (flow, folder, _files) = project()?;
    let at = folder.path().to_owned();
    fs::create_dir(at.join("v1"))?;
    fs::create_dir(at.join("v2"))?;
    for version in ["v1", "v2"] {
        fs::write(at.join(version).join("x"), version)?;
    }
    let swap = |link: PathBuf, name: &'static str| {
        move || {
            for version in ["v2", "v1"] {
                fs::remove_file(&link).expect("a link");
                let to = link.with_file_name(version).join(name);
                symlink(to, &link).expect("a link");
            }
        }
    };
    let link = at.join("to file");
    symlink(at.join("v1/x"), &link)?;
    assert_eq!(summaries(&flow, &link, swap(link.clone(), "x")), [true, true]);
    let link = at.join("to folder");
    symlink(at.join("v1"), &link)?;
    assert_eq!(summaries(&flow, &link, swap(link.clone(), "")), [true, true]);
    // The link is a component of the path of a file.
    assert_eq!(summaries(&flow, &link.join("x"), swap(link.clone(), "")), [true, true]);
    Ok(())
}

#[test]
fn a_link_swapped_and_restored_in_a_folder_is_noticed() -> Result<()> {
    let (flow, folder, files) = project()?;
    for version in ["v1", "v2"] {
        fs::write(folder.path().join(version), version)?;
    }
    let link = files.join("latest");
    symlink(folder.path().join("v1"), &link)?;
    let at = folder.path().to_owned();
    let happens = move || {
        let draft = at.join("draft");
        for version in ["v2", "v1"] {
            symlink(at.join(version), &draft).expect("a link");
            fs::rename(&draft, &link).expect("a link");
        }
    };
    assert_eq!(summaries(&flow, &files, happens), [true, true]);
    Ok(())
}

#[test]
fn a_parent_folder_renamed_and_renamed_back_is_noticed() -> Result<()> {
    let (flow, folder, files) = project()?;
    let project = folder.path().join("project");
    let happens = move || {
        let away = project.with_file_name("away");
        fs::rename(&project, &away).expect("a folder");
        fs::rename(&away, &project).expect("a folder");
    };
    let file = files.join("a.csv");
    assert_eq!(summaries(&flow, &file, happens), [true, true]);
    Ok(())
}

#[test]
fn changes_of_other_files_nearby_are_ignored() -> Result<()> {
    let (flow, folder, files) = project()?;
    // The folder was just moved, which changes its times.
    let moved = folder.path().join("moved");
    fs::rename(folder.path().join("project"), &moved)?;
    let files = moved.join(files.file_name().context("a name")?);
    let beside = moved.clone();
    let happens = move || {
        fs::write(beside.join("notes.txt"), "dear").expect("a file");
        fs::create_dir_all(beside.join("other/below")).expect("a folder");
        fs::write(beside.with_file_name("more.txt"), "dear").expect("a file");
        fs::remove_file(beside.with_file_name("more.txt")).expect("a file");
    };
    assert_eq!(summaries(&flow, &files, happens), [false, false]);
    let beside = files.clone();
    let happens = move || fs::write(beside.join("new.txt"), "dear").expect("a file");
    assert_eq!(summaries(&flow, &files.join("a.csv"), happens), [false, false]);
    Ok(())
}

#[test]
fn writes_of_a_run_to_its_own_store_are_ignored() -> Result<()> {
    let (flow, folder, _files) = project()?;
    // The folder holds the store, which the first run creates.
    let all = folder.path().to_owned();
    assert_eq!(summaries(&flow, &all, || ()), [false, false]);
    assert_eq!(summaries(&flow.namespace("prod"), &all, || ()), [false, false]);
    Ok(())
}
