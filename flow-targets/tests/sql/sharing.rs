//! Push and pull of outputs whose rows are in a database.

use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::tasks::{prices, ran};
use crate::world::{Prices, Total, World};

#[test]
fn a_store_with_the_same_database_takes_a_pushed_output() -> Result<()> {
    let world = World::new();
    let ours = world.flow();
    ours.run::<Total>()?;
    let remote = RemoteFolder::new(world.0.path().join("remote"));
    ours.push::<Total>(&remote)?;

    let theirs = world.flow_in("theirs").provide(world.database());
    theirs.pull::<Total>(&remote)?;
    assert!(theirs.is_complete::<Total>()?);
    assert_eq!(*theirs.load::<Prices>()?, prices(2));
    assert!(theirs.run::<Total>()?.ran().is_empty());
    Ok(())
}

#[test]
fn a_store_with_another_database_runs_the_task() -> Result<()> {
    let world = World::new();
    let ours = world.flow();
    ours.run::<Total>()?;
    let remote = RemoteFolder::new(world.0.path().join("remote"));
    ours.push::<Total>(&remote)?;

    let theirs = world.flow_in("theirs").provide(world.database_at("theirs.db"));
    theirs.pull::<Total>(&remote)?;
    assert!(!theirs.is_complete::<Prices>()?);
    assert_eq!(ran(&theirs.run::<Prices>()?), ["Prices"]);
    assert_eq!(*theirs.load::<Prices>()?, prices(2));
    Ok(())
}
