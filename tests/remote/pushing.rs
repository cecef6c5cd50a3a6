//! Many small outputs are pushed and pulled with few requests, and nothing is downloaded that is there.

use std::sync::Arc;

use flow::prelude::*;
use flow::remote::Remote;
use object_store::local::LocalFileSystem;

use crate::texts::{Length, Team, Text, assert_complete};

#[test]
fn many_small_outputs_take_few_requests() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(500)?;
    team.faults().reset();
    let pushed = made.push::<Length>(&team.remote())?;
    assert_eq!((pushed.instances().len(), pushed.files(), pushed.present()), (501, 501, 0));
    // The push shows itself and ends; it lists, and puts the format, and two packs with their segments.
    let requests = team.faults().requests();
    assert!(requests <= 10, "{requests} requests");

    team.faults().reset();
    let there = team.empty("there", 500)?;
    let pulled = there.pull::<Length>(&team.remote())?;
    assert_eq!((pulled.instances().len(), pulled.files()), (501, 501));
    // It lists, and gets the format, two segments, and a block of each pack.
    let requests = team.faults().requests();
    assert!(requests <= 10, "{requests} requests");
    assert_complete(&there)
}

#[test]
fn nothing_is_transferred_again() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(50)?;
    made.push::<Length>(&team.remote())?;
    let again = made.push::<Length>(&team.remote())?;
    assert_eq!((again.files(), again.present()), (0, 51));

    let there = team.empty("there", 50)?;
    there.pull::<Length>(&team.remote())?;
    let again = there.pull::<Length>(&team.remote())?;
    assert_eq!((again.files(), again.present()), (0, 51));

    // Of more outputs, only the new ones are pushed and pulled.
    let more = made.with(Length::COUNT, 60);
    more.run::<Length>()?;
    let pushed = more.push::<Length>(&team.remote())?;
    assert_eq!((pushed.instances().len(), pushed.present()), (11, 50));
    let there = there.with(Length::COUNT, 60);
    let pulled = there.pull::<Length>(&team.remote())?;
    assert_eq!((pulled.instances().len(), pulled.present()), (11, 50));
    assert_complete(&there)
}

#[test]
fn a_remote_that_stays_open_sees_what_others_push() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(5)?;
    let (mine, theirs) = (team.remote(), team.remote());
    made.push::<Length>(&mine)?;
    let there = team.empty("there", 5)?;
    there.pull::<Length>(&theirs)?;
    let more = made.with(Length::COUNT, 8);
    more.run::<Length>()?;
    more.push::<Length>(&mine)?;
    let pulled = there.with(Length::COUNT, 8).pull::<Length>(&theirs)?;
    assert_eq!(pulled.instances().len(), 4);
    Ok(())
}

#[test]
fn one_output_is_pushed_without_a_pack() -> Result<()> {
    let team = Team::new()?;
    let flow = team.flow("made")?.with(Text::N, 7);
    flow.run::<Text>()?;
    let remote = team.remote();
    flow.push::<Text>(&remote)?;
    let names = remote.list("objects")?;
    assert_eq!(names.len(), 1);
    let there = team.flow("there")?.with(Text::N, 7);
    there.pull::<Text>(&team.remote())?;
    assert_eq!(*there.load::<Text>()?, "This is text 7 of many.");
    Ok(())
}

#[test]
fn a_store_in_a_folder_holds_the_same() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let team = Team::on(Arc::new(LocalFileSystem::new_with_prefix(folder.path())?))?;
    team.complete(50)?.push::<Length>(&team.remote())?;
    assert!(folder.path().join("team/texts/flow-remote.json").is_file());
    let there = team.empty("there", 50)?;
    there.pull::<Length>(&team.remote())?;
    assert_complete(&there)
}
