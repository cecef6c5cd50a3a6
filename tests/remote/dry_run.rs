//! A dry run counts what would be copied, and copies nothing.

use flow::prelude::*;

use crate::texts::{Length, Team};

#[test]
fn a_dry_run_says_what_the_transfer_does() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(20)?;
    let would = made.push_dry_run::<Length>(&team.remote())?;
    assert_eq!((would.instances().len(), would.files(), would.present()), (21, 21, 0));
    assert!(would.to_string().starts_with("21 outputs would be pushed, 21 files of "), "{would}");
    let there = team.empty("there", 20)?;
    let error = there.pull_dry_run::<Length>(&team.remote()).expect_err("nothing was pushed");
    assert_eq!(
        error.to_string(),
        "cannot pull: nothing was pushed to `memory:team/texts`: check the URL, or push to it first"
    );

    let pushed = made.push::<Length>(&team.remote())?;
    assert_eq!((pushed.files(), pushed.bytes()), (would.files(), would.bytes()));
    assert_eq!(made.push_dry_run::<Length>(&team.remote())?.present(), 21);

    let would = there.graph::<Length>().pull_dry_run(&team.remote())?;
    assert_eq!((would.instances().len(), would.bytes()), (21, pushed.bytes()));
    assert!(!there.is_complete::<Length>()?);
    assert_eq!(there.pull::<Length>(&team.remote())?.files(), would.files());
    Ok(())
}
