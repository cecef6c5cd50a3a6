//! Two push the same at the same time: both succeed, and the remote has it once.

use std::io::Cursor;
use std::thread;

use flow::prelude::*;
use flow::remote::Remote;

use crate::texts::{Length, Team, Text, assert_complete};

#[test]
fn two_pushers_of_the_same_outputs_agree() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(100)?;
    // A second store, whose records differ in the times of the runs.
    let other = team.empty("other", 100)?;
    other.run::<Length>()?;
    thread::scope(|scope| {
        let threads: Vec<_> = [&made, &other, &made, &other]
            .into_iter()
            .map(|flow| {
                let remote = team.remote();
                scope.spawn(move || flow.push::<Length>(&remote).map(drop))
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })?;
    let remote = team.remote();
    assert_eq!(remote.list("objects")?.len(), 101);
    let there = team.empty("there", 100)?;
    assert_eq!(there.pull::<Length>(&remote)?.instances().len(), 101);
    assert_complete(&there)
}

#[test]
fn of_many_that_put_a_name_at_once_one_has_it() -> Result<()> {
    let team = Team::new()?;
    team.faults().fail_every(5);
    let has_put: Vec<bool> = thread::scope(|scope| {
        let threads: Vec<_> = (0..16_u8)
            .map(|n| {
                let remote = team.remote();
                scope.spawn(move || remote.put_new("leases/a", &mut Cursor::new([n]), 1))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Result<_, _>>()
    })?;
    assert_eq!(has_put.iter().filter(|has_put| **has_put).count(), 1);
    let winner = has_put.iter().position(|has_put| *has_put).context("one has it")?;
    let remote = team.remote();
    assert_eq!(remote.get_range("leases/a", 0..10)?, [winner as u8]);
    assert_eq!(remote.list("leases")?, ["leases/a"]);
    remote.delete("leases/a")?;
    assert_eq!(remote.size("leases/a")?, None);
    Ok(())
}

#[test]
fn a_name_is_put_although_the_answer_is_lost() -> Result<()> {
    let team = Team::new()?;
    let put = |byte: u8| team.remote().put_new("leases/b", &mut Cursor::new([byte]), 1);
    team.faults().lose_answers();
    assert!(put(1)?, "nobody else was first");
    assert!(!put(2)?, "another one was first");
    assert_eq!(team.remote().get_range("leases/b", 0..10)?, [1]);
    Ok(())
}

#[test]
fn a_push_waits_for_no_garbage_collection_but_refuses() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(3)?;
    let collecting = team.remote().exclude_pushes()?;
    let error = made.push::<Length>(&team.remote()).expect_err("a collection is in progress");
    assert_eq!(
        error.to_string(),
        "cannot push to outputs of the remote: a garbage collection of `memory:team/texts` is in progress \
         (collection.json): try again when it has ended"
    );
    let other = team.remote().exclude_pushes().expect_err("one collection is enough");
    assert!(other.to_string().starts_with("a garbage collection of"), "{other}");
    drop(collecting);
    made.push::<Length>(&team.remote())?;

    let pushing = team.remote().hold()?;
    let error = team.remote().exclude_pushes().expect_err("a push is in progress");
    assert!(
        error.to_string().starts_with("a push of `memory:team/texts` is in progress"),
        "{error}"
    );
    drop(pushing);
    drop(team.remote().exclude_pushes()?);
    // A pull excludes nothing.
    team.flow("there")?.with(Text::N, 1).pull::<Text>(&team.remote())?;
    Ok(())
}
