//! Garbage collection of a remote: by roots and by age; packs are written anew without what is removed.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

use flow::prelude::*;
use flow::remote::{Remote, RemoteGc};

use crate::texts::{Length, Team, Text, assert_complete};

#[test]
fn outputs_that_no_root_needs_are_removed_from_packs() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(40)?;
    made.push::<Length>(&team.remote())?;
    let few = made.with(Length::COUNT, 10);
    few.run::<Length>()?;
    few.push::<Length>(&team.remote())?;

    let remote = team.remote();
    let find = |age| RemoteGc::new(&remote).keep::<Length>(&few)?.older_than(age).find();
    assert!(find(Duration::from_secs(3600))?.is_empty(), "everything is new");
    let garbage = find(Duration::ZERO)?;
    // Thirty texts and the length of all forty.
    assert_eq!((garbage.outputs(), garbage.files()), (31, 31));
    let shown = garbage.to_string();
    assert!(shown.starts_with("31 outputs and 31 files can be removed, "), "{shown}");
    garbage.remove()?;
    assert!(find(Duration::ZERO)?.is_empty());
    assert_eq!(team.remote().list("objects")?.len(), 11);

    let there = team.empty("there", 10)?;
    assert_eq!(there.pull::<Length>(&team.remote())?.instances().len(), 11);
    assert_complete(&there)?;
    let gone = team.flow("gone")?.with(Text::N, 30);
    assert_eq!(gone.pull::<Text>(&team.remote())?.instances().len(), 0);
    // What was removed can be pushed again.
    assert_eq!(made.push::<Length>(&team.remote())?.instances().len(), 31);
    Ok(())
}

#[test]
fn a_remote_that_is_open_finds_what_was_moved() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(40)?;
    made.push::<Length>(&team.remote())?;
    let (few, opened) = (made.with(Text::N, 3), team.remote());
    let names = opened.list("objects")?;
    let remote = team.remote();
    let garbage = RemoteGc::new(&remote).keep::<Text>(&few)?.older_than(Duration::ZERO).find()?;
    garbage.remove()?;
    let left = team.remote().list("objects")?;
    assert_eq!((names.len(), left.len()), (41, 1));
    let mut content = String::new();
    std::io::Read::read_to_string(&mut opened.get(&left[0])?, &mut content)?;
    assert_eq!(content, "\"This is text 3 of many.\"");
    Ok(())
}

#[test]
fn without_roots_only_files_without_an_output_are_garbage() -> Result<()> {
    let team = Team::new()?;
    team.complete(5)?.push::<Length>(&team.remote())?;
    let remote = team.remote();
    let name = "objects/00/00000000000000000000000000000000";
    remote.put(name, &mut &b"left"[..], 4)?;
    let garbage = RemoteGc::new(&remote).older_than(Duration::ZERO).find()?;
    assert_eq!((garbage.outputs(), garbage.files(), garbage.bytes()), (0, 1, 4));
    garbage.remove()?;
    assert_eq!(team.remote().size(name)?, None);

    let all = RemoteGc::new(&remote).by_age_alone().older_than(Duration::ZERO).find()?;
    // There may be a table of crate versions, too.
    assert!(all.outputs() == 6 && all.files() >= 6, "{all}");
    all.remove()?;
    assert!(team.remote().list("objects")?.is_empty() && team.remote().list("outputs")?.is_empty());
    Ok(())
}

#[test]
fn a_collection_that_is_interrupted_anywhere_loses_nothing() -> Result<()> {
    for from in 1.. {
        let team = Team::new()?;
        let made = team.complete(20)?;
        made.push::<Length>(&team.remote())?;
        let few = made.with(Length::COUNT, 5);
        few.run::<Length>()?;
        few.push::<Length>(&team.remote())?;
        let remote = team.remote();
        let garbage = RemoteGc::new(&remote).keep::<Length>(&few)?;
        let garbage = garbage.older_than(Duration::ZERO).find()?;
        team.faults().go_down(from);
        let interrupted = garbage.remove();
        let requests = team.faults().requests();
        team.faults().reset();
        let there = team.empty("there", 5)?;
        there.pull::<Length>(&team.remote())?;
        assert_complete(&there)?;
        if requests < from {
            assert!(interrupted.is_ok() && from > 5);
            return Ok(());
        }
    }
    Ok(())
}

#[test]
fn what_is_kept_keeps_its_age() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(40)?;
    made.push::<Length>(&team.remote())?;
    let pushed = SystemTime::now();
    thread::sleep(Duration::from_millis(1100));
    let remote = team.remote();
    let gc = RemoteGc::new(&remote).keep::<Text>(&made.with(Text::N, 3))?;
    gc.older_than(Duration::ZERO).find()?.remove()?;
    let left = team.remote().entries("objects")?;
    assert_eq!(left.len(), 1);
    assert!(left.iter().all(|entry| entry.modified.is_some_and(|at| at <= pushed)), "{left:?}");
    Ok(())
}

#[test]
fn much_garbage_is_removed_with_few_requests() -> Result<()> {
    let team = Team::new()?;
    let remote = team.remote();
    let content = |n: u64| (format!("objects/00/{n:032x}"), n.to_string().into_bytes());
    remote.put_many(&(0..3500).map(content).collect::<Vec<_>>())?;
    let garbage = RemoteGc::new(&remote).older_than(Duration::ZERO).find()?;
    assert_eq!(garbage.files(), 3500);
    team.faults().reset();
    garbage.remove()?;
    // Three lists, the object that excludes pushes, and the segment and the pack.
    let requests = team.faults().requests();
    assert!(requests <= 10, "{requests} requests");
    assert!(team.remote().list("objects")?.is_empty());
    Ok(())
}

/// A file of another program.
#[derive(Task)]
#[task(external, path = &self.at, target = Json<u64>)]
struct Given {
    #[param(insignificant)]
    at: PathBuf,
}

/// Twice the number in the file.
#[derive(Task)]
#[task(requires = Given, target = Json<u64>)]
struct Twice;

#[tracked]
impl Run for Twice {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? * 2)
    }
}

#[test]
fn nothing_is_collected_where_a_file_is_missing() -> Result<()> {
    let team = Team::new()?;
    let at = team.folder.path().join("given.json");
    std::fs::write(&at, "4")?;
    let flow = team.flow("made")?.with(Given::AT, at.clone());
    flow.run::<Twice>()?;
    flow.push::<Twice>(&team.remote())?;
    let remote = team.remote();
    let find = || RemoteGc::new(&remote).keep::<Twice>(&flow)?.older_than(Duration::ZERO).find();
    assert!(find()?.is_empty());

    std::fs::remove_file(&at)?;
    let error = find().expect_err("it is not known what to keep").to_string();
    assert!(
        error.starts_with("cannot tell which outputs of the remote `Twice` needs: Given"),
        "{error}"
    );
    assert!(error.contains("given.json"), "{error}");
    Ok(())
}
