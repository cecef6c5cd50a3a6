//! A store of format 1, which identified map keys by their text, is used without a run, and its
//! outputs are not collected before they were reused.
//!
//! `tests/golden/store_keys/format-1` was written by `make`, with the library as it was before
//! format 2.

use std::path::{Path, PathBuf};

use flow::prelude::*;

use crate::stored::copy;
use crate::support::{flow, preview, ran, reused};

include!("stored_keys/tasks.rs");

/// Returns a copy of the store, because tests change it.
fn store() -> Result<tempfile::TempDir> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/store_keys/format-1");
    let folder = tempfile::tempdir()?;
    copy(&golden, folder.path())?;
    Ok(folder)
}

#[test]
fn outputs_identified_by_the_text_of_map_keys_are_reused() -> Result<()> {
    let folder = store()?;
    let flow = open(folder.path())?;
    let seed = || -> Result<u64> { Ok(flow.load::<Top>()?.1) };
    let shown = preview::<Everything>(&flow);
    let summary = flow.run::<Everything>()?;
    assert!(ran(&summary).is_empty(), "{shown}\n{summary}");
    assert_eq!((*flow.load::<Told>()?, *flow.load::<OfParts>()?), (33, 303));
    assert_eq!((*flow.load::<OfLive>()?, flow.load::<Top>()?.0), (2, 14));
    let before = seed()?;
    assert!(flow.store().verify()?.is_whole());

    // A value in memory that is computed again equals the one that other outputs were computed
    // from.
    let more = flow.with(OfLive::BY, 2);
    assert_eq!(ran(&more.run::<OfLive>()?), ["Live", "OfLive"]);
    let again = open(folder.path())?;
    assert!(ran(&again.run::<Everything>()?).is_empty());
    assert_eq!(seed()?, before);
    Ok(())
}

#[test]
fn outputs_with_ambiguous_text_of_map_keys_run_again() -> Result<()> {
    let folder = store()?;
    let flow = open(folder.path())?;
    let shown = preview::<Untold>(&flow);
    assert!(shown.contains("by an earlier release, whose records do not tell the keys"), "{shown}");
    assert_eq!(ran(&flow.run::<Untold>()?), ["Untold"]);
    assert_eq!(*flow.load::<Untold>()?, "[None]");
    assert!(ran(&open(folder.path())?.run::<Untold>()?).is_empty());
    Ok(())
}

#[test]
fn outputs_of_format_1_are_not_collected_before_they_were_reused() -> Result<()> {
    let folder = store()?;
    let flow = open(folder.path())?;
    let collected = |flow: &Flow, all: bool| -> Result<flow::store::Garbage> {
        // No root of the store is wanted, as if all of its keys had changed.
        let gc = flow.store().gc().older_than(std::time::Duration::ZERO);
        let gc = gc.keep::<Part>(&flow.with(Part::N, 9))?;
        Ok(if all { gc.earlier_formats().find()? } else { gc.find()? })
    };
    let found = collected(&flow, false)?;
    assert_eq!(found.paths(), Vec::<PathBuf>::new(), "{found}");
    assert!(found.to_string().contains("of an earlier release, which a run may reuse"), "{found}");
    found.remove()?;
    assert!(ran(&open(folder.path())?.run::<Everything>()?).is_empty());

    // Outputs that were reused in the new store exist there in today's format, and are collected as
    // usual.
    let (new, _new) = crate::support::flow();
    let reading = new.with(Top::START, 7).reuse_from(&flow);
    assert_eq!(reused(&reading.run::<Told>()?), ["Part", "Part", "Told"]);
    assert!(!collected(&reading, false)?.paths().is_empty());

    assert!(collected(&flow, true)?.paths().len() > 5);
    collected(&flow, true)?.remove()?;
    assert!(!ran(&open(folder.path())?.run::<Everything>()?).is_empty());
    Ok(())
}

/// Outputs written by this release are found again, with keys of every form.
#[test]
fn a_store_of_this_release_is_reused() -> Result<()> {
    let (flow, _folder) = flow();
    make(flow.folder())?;
    let again = open(flow.folder())?;
    assert!(ran(&again.run::<Everything>()?).is_empty());
    assert!(ran(&again.run::<Untold>()?).is_empty());
    Ok(())
}
