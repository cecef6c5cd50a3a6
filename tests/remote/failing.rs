//! Requests fail: a push and a pull repeat them, and what was interrupted continues.

use flow::prelude::*;

use crate::texts::{Length, Team, assert_complete};

#[test]
fn requests_that_fail_now_and_then_are_repeated() -> Result<()> {
    for every in [3, 5, 8] {
        let team = Team::new()?;
        let made = team.complete(50)?;
        team.faults().fail_every(every);
        assert_eq!(made.push::<Length>(&team.remote())?.instances().len(), 51);
        team.faults().fail_every(every);
        let there = team.empty("there", 50)?;
        assert_eq!(there.pull::<Length>(&team.remote())?.instances().len(), 51);
        assert_complete(&there)?;
    }
    Ok(())
}

#[test]
fn a_push_that_is_interrupted_anywhere_continues() -> Result<()> {
    for from in 1.. {
        let team = Team::new()?;
        let made = team.complete(20)?;
        team.faults().go_down(from);
        let interrupted = made.push::<Length>(&team.remote());
        let requests = team.faults().requests();
        team.faults().reset();
        // What was pushed so far can be pulled.
        let early = team.empty("early", 20)?;
        match early.pull::<Length>(&team.remote()) {
            Err(flow::Error::NoRemote { .. }) => {}
            pulled => drop(pulled?),
        }
        assert!(early.store().verify()?.damage().is_empty());
        if let Err(error) = &interrupted {
            let error = error.to_string();
            assert!(
                error.contains("the credentials for `memory:team/texts` do not allow"),
                "{error}"
            );
        }
        made.push::<Length>(&team.remote())?;
        let there = team.empty("there", 20)?;
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
fn a_pull_that_is_interrupted_anywhere_continues() -> Result<()> {
    let team = Team::new()?;
    team.complete(20)?.push::<Length>(&team.remote())?;
    for from in 1.. {
        let there = team.empty(&format!("there-{from}"), 20)?;
        team.faults().go_down(from);
        let interrupted = there.pull::<Length>(&team.remote());
        let requests = team.faults().requests();
        team.faults().reset();
        assert!(there.store().verify()?.damage().is_empty());
        there.pull::<Length>(&team.remote())?;
        assert_complete(&there)?;
        if requests < from {
            assert!(interrupted.is_ok() && from > 3);
            return Ok(());
        }
    }
    Ok(())
}
