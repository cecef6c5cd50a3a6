//! A flow reuses the outputs of a remote: they are complete for it, and fetched when they are needed.

use std::io::{self, Read};

use flow::prelude::*;
use flow::remote::{ObjectRemote, Remote};

use crate::texts::{Length, Team, Text};

#[test]
fn outputs_of_a_remote_are_complete_and_only_the_root_is_fetched() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(30)?;
    made.push::<Length>(&team.remote())?;
    let mine = team.empty("mine", 30)?.reuse_from(team.remote());
    assert!(mine.is_complete::<Length>()?);
    let summary = mine.run::<Length>()?;
    assert!(summary.ran().is_empty(), "{summary}");
    assert_eq!(*mine.load::<Length>()?, *made.load::<Length>()?);
    // The texts were not needed.
    assert!(!mine.folder().join("Text").exists());

    // A flow without the remote does not have them.
    let alone = team.empty("mine", 30)?;
    assert!(!alone.with(Text::N, 3).is_complete::<Text>()?);
    Ok(())
}

#[test]
fn a_load_fetches_an_output() -> Result<()> {
    let team = Team::new()?;
    team.complete(30)?.push::<Length>(&team.remote())?;
    let mine = team.flow("mine")?.with(Text::N, 7).reuse_from(team.remote());
    assert_eq!(*mine.load::<Text>()?, "This is text 7 of many.");
    team.faults().reset();
    assert_eq!(*mine.load::<Text>()?, "This is text 7 of many.");
    let alone = team.flow("mine")?.with(Text::N, 7);
    assert!(alone.is_complete::<Text>()?);
    Ok(())
}

#[test]
fn a_task_that_runs_gets_the_inputs_that_it_needs() -> Result<()> {
    let team = Team::new()?;
    team.complete(30)?.push::<Length>(&team.remote())?;
    let more = team.empty("mine", 32)?.reuse_from(team.remote());
    let summary = more.run::<Length>()?;
    // Two texts and the length are new.
    assert_eq!(summary.ran().len(), 3, "{summary}");
    assert_eq!(*more.load::<Length>()?, 758);
    Ok(())
}

#[test]
fn a_push_to_the_remote_that_is_reused_fetches_nothing() -> Result<()> {
    let team = Team::new()?;
    team.complete(30)?.push::<Length>(&team.remote())?;
    let mine = team.empty("mine", 30)?.reuse_from(team.remote());
    let would = mine.push_dry_run::<Length>(&team.remote())?;
    assert_eq!((would.files(), would.present()), (0, 31), "{would}");
    let pushed = mine.push::<Length>(&team.remote())?;
    assert_eq!((pushed.files(), pushed.present()), (0, 31), "{pushed}");
    assert!(!mine.folder().join("Text").exists());

    // Another remote gets them, and a dry run counts them without fetching.
    let other = Team::new()?;
    let would = mine.push_dry_run::<Length>(&other.remote())?;
    assert_eq!((would.instances().len(), would.present()), (31, 0), "{would}");
    assert!(!mine.folder().join("Text").exists());
    assert_eq!(mine.push::<Length>(&other.remote())?.instances().len(), 31);
    Ok(())
}

/// A remote that lists its manifests, and does not send them.
struct Silent(ObjectRemote);

impl Remote for Silent {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.0.list(folder)
    }

    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        self.0.size(name)
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        match name.starts_with("outputs/") {
            true => Err(io::Error::new(io::ErrorKind::TimedOut, "the line is broken")),
            false => self.0.get(name),
        }
    }

    fn put(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()> {
        self.0.put(name, content, bytes)
    }
}

#[test]
fn tasks_run_while_a_remote_does_not_answer() -> Result<()> {
    let team = Team::new()?;
    team.complete(5)?.push::<Length>(&team.remote())?;
    let mine = team.empty("mine", 5)?.reuse_from(Silent(team.remote()));
    assert_eq!(mine.run::<Length>()?.ran().len(), 6);
    Ok(())
}

#[test]
fn a_remote_that_cannot_be_listed_is_an_error_of_the_first_plan() -> Result<()> {
    let team = Team::new()?;
    team.complete(5)?.push::<Length>(&team.remote())?;
    team.faults().go_down(1);
    let mine = team.empty("mine", 5)?.reuse_from(team.remote());
    let error = mine.run::<Length>().expect_err("it is down").to_string();
    assert!(error.contains("do not allow"), "{error}");
    Ok(())
}
