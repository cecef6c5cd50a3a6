//! Garbage collection finds, shows and removes unneeded files, and keeps everything else, even during runs.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use flow::File;
use flow::prelude::*;

use crate::support::{assert_consistent, files_below, flow, one_file, ran, reused};
use crate::wheat::{Bread, Grains, Milled, assert_bread, mill, sow};

/// Returns the garbage of any age.
fn garbage(flow: &Flow) -> Result<flow::store::Garbage> {
    Ok(flow.store().gc().older_than(Duration::ZERO).find()?)
}

fn done() -> Result<(Flow, tempfile::TempDir)> {
    let (flow, folder) = flow();
    sow(&folder.path().join("grains.txt"), &[1, 2, 3]);
    let flow = mill(&flow, folder.path());
    flow.run::<Bread>()?;
    Ok((flow, folder))
}

#[test]
fn outputs_in_use_are_not_garbage() -> Result<()> {
    let (flow, folder) = done()?;
    assert_eq!(garbage(&flow)?.to_string(), "no garbage");
    let grains = folder.path().join("grains.txt");
    for data in [&[4, 5][..], &[6], &[1, 2, 3]] {
        sow(&grains, data);
        flow.run::<Bread>()?;
        flow.with(Milled::BY, 7).run::<Bread>()?;
    }
    let before = files_below(flow.folder());
    let found = garbage(&flow)?;
    assert_eq!((found.files(), found.paths()), (0, vec![]), "{found}");
    // The index has duplicate lines. Rewriting it removes those and loses no entry.
    found.remove()?;
    assert_eq!(files_below(flow.folder()), before);
    for data in [&[6][..], &[4, 5], &[1, 2, 3]] {
        sow(&grains, data);
        assert!(ran(&flow.run::<Bread>()?).is_empty());
        assert_bread(&flow, data, 10);
    }
    Ok(())
}

#[derive(Task)]
#[task(group = "counts", target = Json<u64>)]
struct Counted;

runs!(Counted: u64 = |self, _cx| Ok(7));

/// A loss of power may take the lines of an index, which are not synced.
#[test]
fn a_task_in_a_group_is_found_without_its_index() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Counted>()?;
    let tables = files_below(&flow.folder().join(".flow/code"));
    let index = flow.folder().join(".flow/index/Counted");
    let line = fs::read_to_string(&index)?;
    let (fingerprint, place) = line.trim().split_once(' ').context("a line")?;
    let other = fingerprint.chars().rev().collect::<String>();
    // The line of an earlier output is left, one that revokes it, and none.
    for left in [format!("\n{other} {place}\n"), format!("\n{other} -\n"), String::new()] {
        fs::write(&index, &left)?;
        for _ in 0..2 {
            // Another process, which knows no types.
            let flow = Flow::open(flow.folder())?.quiet();
            garbage(&flow)?.remove()?;
            assert_eq!(flow.store().list()?.len(), 1, "{left}");
        }
        assert_eq!(garbage(&Flow::open(flow.folder())?)?.to_string(), "no garbage");
    }
    assert!(ran(&flow.run::<Counted>()?).is_empty());
    assert_eq!(files_below(&flow.folder().join(".flow/code")), tables);
    Ok(())
}

#[test]
fn files_of_a_dead_process_are_garbage() -> Result<()> {
    let (flow, _folder) = done()?;
    let record = one_file(&flow.folder().join("Milled"), "record.json", "");
    let at = record.parent().expect("a folder");
    let output = "data-0123456789abcdef-0123456789abcdef";
    let left = [
        at.join(format!("{output}.json")),
        at.join("record.json.0123456789abcdef"),
        at.join("failure.0123456789abcdef"),
        at.join(format!("{output}-part")).join("within").join("file"),
        flow.folder().join(".flow/code/0123456789abcdef0123456789abcdef.json"),
        flow.folder().join(".flow/index/Milled.0123456789abcdef"),
        flow.folder().join(".flow/aside/0123456789abcdef/file"),
        flow.folder().join(".flow/running/0123456789abcdef"),
        flow.folder().join(".flow/waits.0123456789abcdef"),
        flow.folder().join(".flow/probe.0123456789abcdef"),
        flow.folder().join("Milled/by=3-0123456789abcdef").join(format!("{output}.json")),
    ];
    let others = [
        at.join("notes.txt"),
        at.join("data-mine.csv"),
        flow.folder().join("notes.txt"),
        flow.folder().join(".flow/claims"),
        flow.folder().join("Mine/0123456789abcdef/notes.txt"),
        flow.folder().join("env=prod/Milled/by=3-0123456789abcdef").join(output),
    ];
    for path in left.iter().chain(&others) {
        fs::create_dir_all(path.parent().expect("a folder"))?;
        fs::write(path, "x")?;
    }
    // By default, only files older than an hour are garbage.
    let young = flow.store().gc().find()?;
    assert!(young.is_empty(), "{young}");
    let kept = " files or folders that no record names, younger than 60 min, because a program may be writing them";
    assert!(young.to_string().contains(kept), "{young}");
    let found = garbage(&flow)?;
    assert_eq!(found.files(), left.len(), "{found}");
    let text = found.to_string();
    assert!(text.starts_with("11 files can be removed, 11 B:"), "{text}");
    for line in ["  Milled: 3 outputs that no record names, 3 B", "1 table of code", "5 leftovers"]
    {
        assert!(text.contains(line), "{text}");
    }
    assert!(left.iter().all(|path| path.exists()), "a search removes nothing");
    let removed = found.remove()?;
    assert_eq!(removed.files.len(), left.len());
    assert!(left.iter().all(|path| !path.exists()));
    assert!(others.iter().all(|path| path.exists()));
    assert!(!flow.folder().join("Milled/by=3-0123456789abcdef").exists());
    assert_bread(&flow, &[1, 2, 3], 10);
    assert!(garbage(&flow)?.is_empty());
    Ok(())
}

#[test]
fn instances_that_no_root_requires_are_garbage() -> Result<()> {
    let (flow, folder) = done()?;
    let other = flow.with(Milled::BY, 3);
    other.run::<Bread>()?;
    sow(&folder.path().join("grains.txt"), &[5]);
    other.run::<Bread>()?;

    let found = flow.store().gc().keep::<Milled>(&other)?.find()?;
    let text = found.to_string();
    for line in ["  Bread: 2 instances", "  Milled: 1 instance", "  Heaviest: 1 instance"] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("  Bread: 1 earlier version"), "{text}");
    // Both settings are kept.
    assert!(flow.store().gc().keep::<Bread>(&other)?.keep::<Bread>(&flow)?.find()?.is_empty());

    let removed = found.remove()?;
    assert_eq!(removed.instances.len(), 4);
    assert!(other.is_complete::<Milled>()?);
    assert!(!other.is_complete::<Bread>()?);
    assert!(!flow.folder().join("Bread").exists());
    // The earlier versions of the kept instances are still there.
    sow(&folder.path().join("grains.txt"), &[1, 2, 3]);
    assert_eq!(reused(&other.run::<Milled>()?), ["Grains", "Milled"]);
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn instances_named_by_a_kept_record_are_kept() -> Result<()> {
    let (flow, _folder) = done()?;
    let key = crate::support::key::<Milled>(&flow);
    // The record names `Milled` as an instance that was required while the task ran.
    let record = one_file(&flow.folder().join("Grains"), "record.json", "");
    let text = fs::read_to_string(&record)?;
    fs::write(&record, text.replacen('{', &format!("{{ \"later\": [\"{key}\"],"), 1))?;
    let text = flow.store().gc().keep::<Grains>(&flow)?.find()?.to_string();
    assert!(text.contains("Bread: 1 instance") && !text.contains("Milled"), "{text}");
    Ok(())
}

#[test]
fn unusable_records_are_kept_and_reported() -> Result<()> {
    let (flow, _folder) = done()?;
    let record = |task: &str| one_file(&flow.folder().join(task), "record.json", "");
    let newer = fs::read_to_string(record("Milled"))?.replace("\"format\": 2", "\"format\": 9");
    fs::write(record("Milled"), newer)?;
    fs::write(record("Heaviest"), "garbage")?;
    let before = files_below(flow.folder());
    let found = flow.store().gc().older_than(Duration::ZERO).keep::<Grains>(&flow)?.find()?;
    assert_eq!(found.unusable().len(), 2);
    let text = found.to_string();
    assert!(
        text.contains("it has format 9") && text.contains("it is not a valid record"),
        "{text}"
    );
    assert!(text.contains("Bread: 1 instance"), "{text}");
    found.remove()?;
    for task in ["Milled", "Heaviest"] {
        let at = flow.folder().join(task);
        let of: Vec<_> = before.iter().filter(|path| path.starts_with(&at)).cloned().collect();
        assert_eq!(files_below(&at), of);
    }
    Ok(())
}

#[test]
fn the_failure_file_of_a_task_that_succeeded_is_garbage() -> Result<()> {
    let (flow, _folder) = done()?;
    let record = one_file(&flow.folder().join("Milled"), "record.json", "");
    let key = crate::support::key::<Milled>(&flow);
    let failure = record.with_file_name("failure.json");
    let at = |time: &str| format!("{{\"key\": \"{key}\", \"error\": \"e\", \"at\": \"{time}\"}}");
    fs::write(&failure, at("2001-01-01T00:00:00Z"))?;
    assert!(garbage(&flow)?.to_string().contains("Milled: 1 outdated log or error"));
    garbage(&flow)?.remove()?;
    assert!(!failure.exists());
    fs::write(&failure, at("2901-01-01T00:00:00Z"))?;
    assert!(garbage(&flow)?.is_empty());
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Failing;
runs!(Failing: u64 = |self, cx| bail!("it fails"));

#[test]
fn a_failed_instance_without_output_is_not_counted_as_an_instance() -> Result<()> {
    let (flow, _folder) = done()?;
    flow.run::<Failing>().expect_err("it fails");
    let gc = flow.store().gc().older_than(Duration::ZERO).keep::<Grains>(&flow)?;
    let found = gc.find()?;
    let text = found.to_string();
    for line in [
        "  Bread: 1 instance that no kept root needs, of any age, ",
        "  Failing: 1 outdated log or error, ",
        " index files with entries of outputs that no longer exist, ",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let removed = found.remove()?;
    assert!(!removed.instances.iter().any(|one| one.starts_with("Failing")), "{removed}");
    assert!(files_below(&flow.folder().join("Failing")).is_empty());
    Ok(())
}

/// Writes a part of its output, and continues when the test sends a message.
#[derive(Task)]
#[task(target = File, uses(Mutex<Steps>))]
struct Slow;

struct Steps {
    begun: Sender<()>,
    go_on: Receiver<()>,
}

runs!(Slow: PathBuf = |self, cx| {
    let out = cx.out_path()?;
    fs::create_dir(&out)?;
    fs::write(out.join("first"), "1")?;
    let steps = cx.provided::<Mutex<Steps>>().lock().expect("no panic");
    steps.begun.send(())?;
    steps.go_on.recv()?;
    fs::write(out.join("second"), "2")?;
    Ok(out.clone())
});

#[test]
fn files_of_an_active_run_are_not_garbage() -> Result<()> {
    let (flow, folder) = done()?;
    let (begun, has_begun) = channel();
    let (go_on, goes_on) = channel();
    let slow = flow.provide(Mutex::new(Steps { begun, go_on: goes_on }));
    let other = flow.with(Milled::BY, 3);
    other.run::<Milled>()?;
    std::thread::scope(|scope| {
        // Dropped if an assertion fails, so that the task does not wait for ever.
        let go_on = go_on;
        let running = scope.spawn(|| slow.run::<Slow>().map(drop));
        has_begun.recv()?;
        // Another flow opens the same store.
        let apart = mill(&Flow::open(flow.folder())?.quiet(), folder.path());
        let found = garbage(&apart)?;
        assert!(found.is_empty(), "{found}");
        assert!(found.to_string().contains("a run is in progress"), "{found}");
        found.remove()?;
        // The active run may load an instance that no root requires.
        let found = apart.store().gc().older_than(Duration::ZERO).keep::<Bread>(&apart)?.find()?;
        assert!(found.is_empty(), "{found}");
        go_on.send(())?;
        running.join().expect("no panic")?;
        anyhow::Ok(())
    })?;
    let out = slow.load::<Slow>()?;
    assert_eq!(fs::read_to_string(out.join("first"))?, "1");
    assert!(!flow.store().gc().keep::<Bread>(&flow)?.find()?.is_empty(), "now it is");
    assert_eq!(files_below(&flow.folder().join(".flow/running")).len(), 0);
    Ok(())
}

#[test]
fn garbage_that_was_used_after_it_was_found_is_kept() -> Result<()> {
    let (flow, folder) = done()?;
    let grains = folder.path().join("grains.txt");
    sow(&grains, &[5]);
    flow.run::<Bread>()?;
    // The earlier versions exceed the limit, and `unwanted` holds the instances that `Grains` does not
    // require. Both are used again before they are removed.
    let found = flow.limits(flow::Limits::default().versions(0)).store().gc().find()?;
    let unwanted = flow.store().gc().keep::<Grains>(&flow)?.find()?;
    assert!(found.files() >= 8, "{found}");
    sow(&grains, &[1, 2, 3]);
    flow.run::<Bread>()?;
    found.remove()?;
    unwanted.remove()?;
    assert!(flow.is_complete::<Bread>()?);
    assert_bread(&flow, &[1, 2, 3], 10);
    Ok(())
}

#[test]
fn a_rewritten_index_is_read_again() -> Result<()> {
    let (flow, folder) = done()?;
    let grains = folder.path().join("grains.txt");
    sow(&grains, &[5]);
    flow.run::<Bread>()?;
    // Another flow removes the earlier versions, and computes new outputs from the earlier data.
    let other = mill(&Flow::open(flow.folder())?.quiet(), folder.path());
    other
        .limits(flow::Limits::default().versions(0))
        .store()
        .gc()
        .older_than(Duration::ZERO)
        .find()?
        .remove()?;
    for by in 20..23 {
        sow(&grains, &[1, 2, 3]);
        other.with(Milled::BY, by).run::<Bread>()?;
    }
    // This flow has read the old index, and finds the new entries.
    let summary = flow.with(Milled::BY, 21).run::<Bread>()?;
    assert!(ran(&summary).is_empty(), "{summary}");
    assert_eq!(ran(&flow.run::<Bread>()?), ["Bread", "Milled"]);
    Ok(())
}

#[test]
fn garbage_is_collected_during_concurrent_runs() -> Result<()> {
    let (flow, folder) = flow();
    let running = AtomicUsize::new(2);
    std::thread::scope(|scope| {
        let runs = [0, 1].map(|runner| {
            let (running, at, flow) = (&running, folder.path().join(format!("{runner}")), &flow);
            scope.spawn(move || {
                let run = || {
                    fs::create_dir(&at)?;
                    for i in 0..40 {
                        let grains = [i % 3, 5];
                        sow(&at.join("grains.txt"), &grains);
                        let flow = mill(&Flow::open(flow.folder())?.quiet(), &at)
                            .limits(flow::Limits::default().versions(1));
                        let flow = flow.with(Milled::BY, i % 2 + 2);
                        flow.run::<Bread>()?;
                        assert_bread(&flow, &grains, i % 2 + 2);
                    }
                    anyhow::Ok(())
                };
                let done = run();
                running.fetch_sub(1, Ordering::SeqCst);
                done
            })
        });
        while running.load(Ordering::SeqCst) > 0 {
            garbage(&Flow::open(flow.folder())?.limits(flow::Limits::default().versions(0)))?
                .remove()?;
        }
        runs.into_iter().try_for_each(|run| run.join().expect("no panic"))
    })?;
    assert_consistent(flow.folder());
    garbage(&flow)?.remove()?;
    assert!(garbage(&flow)?.is_empty());
    Ok(())
}
