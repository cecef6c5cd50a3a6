//! Garbage collection of a remote: by roots and by age; packs are written anew without what is removed.

use std::time::Duration;

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
