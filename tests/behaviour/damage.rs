//! Files of the store are deleted, truncated, replaced or filled with garbage: exactly the tasks with
//! damaged outputs run again.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use flow::Flow;
use flow::prelude::*;
use tempfile::TempDir;

use crate::support::{assert_consistent, files_below, one_file, preview, ran};
use crate::wheat::{Bread, Grains, Heaviest, Milled, assert_bread, mill, sow};

const DATA: [u64; 3] = [3, 1, 2];

/// Returns a flow in which the pipeline has run.
fn done() -> Result<(Flow, TempDir)> {
    let (flow, folder) = crate::support::flow();
    sow(&folder.path().join("grains.txt"), &DATA);
    let flow = mill(&flow, folder.path());
    flow.run::<Bread>()?;
    Ok((flow, folder))
}

fn output(flow: &Flow) -> PathBuf {
    flow.graph::<Bread>().output::<Milled>().expect("an output").path().expect("a file")
}

fn record(flow: &Flow) -> PathBuf {
    output(flow).with_file_name("record.json")
}

/// Asserts which tasks the next run runs, in the open flow and in one that opens the store again.
fn assert_runs(flow: &Flow, folder: &Path, tasks: &[&str]) -> Result<()> {
    let other = mill(&Flow::open(flow.folder())?.quiet(), folder);
    assert_eq!(preview::<Bread>(flow), preview::<Bread>(&other));
    assert_eq!(ran(&flow.run::<Bread>()?), tasks);
    assert_bread(flow, &DATA, 10);
    assert_eq!(ran(&other.run::<Bread>()?), [""; 0]);
    assert_bread(&other, &DATA, 10);
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn a_truncated_output_is_recomputed() -> Result<()> {
    let (flow, folder) = done()?;
    fs::write(output(&flow), "[30,")?;
    let shown = preview::<Bread>(&flow);
    assert!(shown.contains("was modified"), "{shown}");
    let error = flow.graph::<Bread>().load::<Milled>().expect_err("it was cut").to_string();
    assert!(error.contains("is not complete") && error.contains("was modified"), "{error}");
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn an_output_of_equal_size_and_other_content_is_recomputed() -> Result<()> {
    let (flow, folder) = done()?;
    let output = output(&flow);
    let len = fs::metadata(&output)?.len() as usize;
    fs::write(&output, "7".repeat(len))?;
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn an_empty_output_file_is_recomputed() -> Result<()> {
    let (flow, folder) = done()?;
    fs::write(output(&flow), "")?;
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn an_output_replaced_by_a_folder_is_recomputed() -> Result<()> {
    let (flow, folder) = done()?;
    let output = output(&flow);
    fs::remove_file(&output)?;
    fs::create_dir(&output)?;
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn a_missing_output_is_recomputed_only_as_a_root() -> Result<()> {
    let (flow, folder) = done()?;
    fs::remove_file(output(&flow))?;
    assert!(flow.is_complete::<Bread>()?);
    let error = flow.graph::<Bread>().load::<Milled>().expect_err("it is gone").to_string();
    assert!(error.contains("is gone"), "{error}");
    assert_eq!(ran(&flow.run::<Bread>()?), [""; 0]);
    // As a root, the output is needed.
    assert_eq!(ran(&flow.run::<Milled>()?), ["Milled"]);
    assert_runs(&flow, folder.path(), &[])
}

#[test]
fn a_touched_output_is_complete_and_its_time_is_recorded() -> Result<()> {
    let (flow, folder) = done()?;
    let (output, record) = (output(&flow), record(&flow));
    let file = fs::File::options().append(true).open(output)?;
    file.set_modified(SystemTime::now() - Duration::from_secs(1000))?;
    let before = fs::read_to_string(&record)?;
    assert!(flow.is_complete::<Bread>()?);
    let after = fs::read_to_string(&record)?;
    assert_ne!(before, after);
    assert!(flow.is_complete::<Bread>()?);
    assert_eq!(after, fs::read_to_string(&record)?);
    assert_runs(&flow, folder.path(), &[])
}

#[test]
fn touching_a_kept_version_leaves_the_current_record() -> Result<()> {
    let (flow, folder) = done()?;
    let grains = folder.path().join("grains.txt");
    let old = output(&flow);
    sow(&grains, &[9, 9]);
    flow.run::<Bread>()?;
    let before = fs::read_to_string(record(&flow))?;
    // The earlier version is checked, because the earlier data is restored.
    fs::File::options().append(true).open(old)?.set_modified(SystemTime::UNIX_EPOCH)?;
    sow(&grains, &DATA);
    let (record, _) = (record_of_milled(&flow), flow.preview::<Bread>()?);
    assert_eq!(fs::read_to_string(record)?, before);
    assert_runs(&flow, folder.path(), &[])?;
    sow(&grains, &[9, 9]);
    assert_eq!(ran(&flow.run::<Bread>()?), [""; 0]);
    Ok(())
}

fn record_of_milled(flow: &Flow) -> PathBuf {
    one_file(&flow.folder().join("Milled"), "record.json", "")
}

#[test]
fn an_invalid_record_reruns_its_task() -> Result<()> {
    let garbage: [&[u8]; 8] = [
        b"",
        b"garbage",
        b"{}",
        b"null",
        b"[1, 2]",
        b"\xff\xfe\0",
        b"{\"format\": 1}",
        b"{\"format\": -1, \"task\": 5}",
    ];
    let (flow, folder) = done()?;
    for bytes in garbage {
        fs::write(record(&flow), bytes)?;
        let shown = preview::<Bread>(&flow);
        assert!(shown.contains("PENDING record: it is not a valid record"), "{shown}");
        assert_runs(&flow, folder.path(), &["Milled"])?;
    }
    fs::write(record(&flow), "[".repeat(100_000))?;
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn a_truncated_record_reruns_its_task() -> Result<()> {
    let (flow, folder) = done()?;
    let path = record(&flow);
    let text = fs::read(&path)?;
    for len in (0..text.len() - 2).step_by(37) {
        fs::write(&path, &text[..len])?;
        assert!(!flow.is_complete::<Milled>()?);
    }
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn a_record_of_another_instance_is_rejected() -> Result<()> {
    let (flow, folder) = done()?;
    let other = flow.with(Milled::BY, 99);
    other.run::<Bread>()?;
    fs::copy(record(&other), record(&flow))?;
    let shown = preview::<Bread>(&flow);
    assert!(shown.contains("it is the record of another instance"), "{shown}");
    assert_runs(&flow, folder.path(), &["Milled"])?;
    // The record is rejected, too, if its output is beside it.
    fs::copy(record(&other), record(&flow))?;
    fs::copy(output(&other), record_of(&flow, &other))?;
    assert_eq!(ran(&flow.run::<Bread>()?), ["Milled"]);
    assert_bread(&flow, &DATA, 10);
    assert_bread(&other, &DATA, 99);
    Ok(())
}

/// Returns the path that the output of `other` would have beside the record of `flow`.
fn record_of(flow: &Flow, other: &Flow) -> PathBuf {
    let folder = flow.preview::<Milled>().expect("a plan").instances().last().expect("a root");
    folder.folder().expect("a folder").join(output(other).file_name().expect("a name"))
}

#[test]
fn a_record_of_another_task_is_rejected() -> Result<()> {
    let (flow, folder) = done()?;
    let other = flow.graph::<Bread>().output::<Heaviest>()?.path()?.with_file_name("record.json");
    fs::copy(other, record(&flow))?;
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn a_record_of_a_newer_format_is_an_error_and_is_kept() -> Result<()> {
    let (flow, _folder) = done()?;
    let path = record(&flow);
    let text = fs::read_to_string(&path)?;
    let newer = [
        text.replace("\"format\": 2", "\"format\": 99"),
        "{\"format\": 99, \"unheard\": [of]}".replace("[of]", "[1]"),
    ];
    for newer in newer {
        fs::write(&path, &newer)?;
        let before = files_below(flow.folder());
        let errors = [
            flow.preview::<Bread>().map(drop),
            flow.run::<Bread>().map(drop),
            flow.load::<Milled>().map(drop),
            flow.is_complete::<Bread>().map(drop),
            flow.reset::<Bread>().map(drop),
            flow.store().clear_task::<Milled>().map(drop),
        ];
        for error in errors {
            let error = error.expect_err("a newer form").to_string();
            assert!(error.contains("newer version of this library"), "{error}");
            assert!(error.contains("record.json"), "{error}");
        }
        assert_eq!(fs::read_to_string(&path)?, newer);
        assert_eq!(files_below(flow.folder()), before);
    }
    // Another instance runs, although the index names the instance with the newer record.
    let other = flow.with(Milled::BY, 11);
    other.run::<Bread>()?;
    assert_bread(&other, &DATA, 11);
    Ok(())
}

#[test]
fn a_reusable_record_of_a_newer_format_is_skipped() -> Result<()> {
    let (flow, folder) = done()?;
    sow(&folder.path().join("grains.txt"), &[]);
    let flow = flow.with(Milled::BY, 1);
    flow.run::<Milled>()?;
    let path = flow.output::<Milled>()?.path()?.with_file_name("record.json");
    let text = fs::read_to_string(&path)?.replace("\"format\": 2", "\"format\": 99");
    fs::write(&path, text)?;
    // Another path with the same content: another instance with the same fingerprint.
    fs::copy(folder.path().join("grains.txt"), folder.path().join("again.txt"))?;
    let again = flow.with(Grains::PATH, folder.path().join("again.txt"));
    assert_eq!(ran(&again.run::<Milled>()?), ["Grains", "Milled"]);
    Ok(())
}

#[test]
fn a_record_that_names_a_file_outside_its_folder_is_rejected() -> Result<()> {
    let (flow, folder) = done()?;
    let text = fs::read_to_string(record(&flow))?;
    let name = output(&flow).file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    for outside in ["../x.json", "/etc/hostname", "..", ".", "", "a\\\\b", "C:x", "a\\u0000b"] {
        fs::write(record_of_milled(&flow), text.replace(&name, outside))?;
        let shown = preview::<Bread>(&flow);
        assert!(shown.contains("which is outside its folder"), "{shown}");
        assert_eq!(ran(&flow.run::<Bread>()?), ["Milled"]);
    }
    assert_runs(&flow, folder.path(), &[])
}

#[test]
fn a_record_that_names_itself_as_the_output_is_rejected() -> Result<()> {
    let (flow, folder) = done()?;
    let text = fs::read_to_string(record(&flow))?;
    let name = output(&flow).file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    fs::write(record(&flow), text.replace(&name, "record.json"))?;
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn an_invalid_index_is_ignored() -> Result<()> {
    let (flow, folder) = done()?;
    let index = flow.folder().join(".flow/index/Milled");
    let good = fs::read_to_string(&index)?;
    let fingerprint = good.trim().split(' ').next().expect("a line").to_owned();
    let folders = ["..", "../..", "/", "gone-0123456789abcdef", "-", "", "a b", "é", "\0"];
    let lines: String = folders.iter().map(|to| format!("{fingerprint} {to}\n")).collect();
    let milled = format!("../Heaviest/{}", good.trim().split(' ').next_back().expect("a line"));
    let garbage = [
        "garbage\n".as_bytes(),
        b"\xff\xfe\n\n\n",
        &lines.into_bytes(),
        format!("{fingerprint} {milled}\n").as_bytes(),
        &good.as_bytes()[..good.len() / 2],
        &vec![b'x'; 1 << 20],
        b"",
    ]
    .map(<[u8]>::to_vec);
    for bytes in garbage {
        fs::write(&index, &bytes)?;
        fs::write(record(&flow), "garbage")?;
        assert_runs(&flow, folder.path(), &["Milled"])?;
    }
    Ok(())
}

#[test]
fn an_index_entry_with_the_wrong_folder_is_ignored() -> Result<()> {
    let (flow, folder) = done()?;
    let other = flow.with(Milled::BY, 99);
    other.run::<Bread>()?;
    // Each fingerprint points to the folder of the other instance.
    let index = flow.folder().join(".flow/index/Milled");
    let text = fs::read_to_string(&index)?;
    let lines: Vec<_> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    let swapped = format!("{} {}\n{} {}\n", lines[0].0, lines[1].1, lines[1].0, lines[0].1);
    fs::write(&index, swapped)?;
    fs::remove_file(record(&flow))?;
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn a_reset_counts_after_a_truncated_index() -> Result<()> {
    let (flow, folder) = done()?;
    fs::copy(folder.path().join("grains.txt"), folder.path().join("again.txt"))?;
    let again = flow.with(Grains::PATH, folder.path().join("again.txt"));
    again.run::<Bread>()?;
    // A process died while it was adding a line to the index.
    let index = flow.folder().join(".flow/index/Milled");
    let text = fs::read_to_string(&index)?;
    fs::write(&index, format!("{text}{}", &text.trim()[..20]))?;
    flow.reset::<Milled>()?;
    assert_runs(&flow, folder.path(), &["Milled"])
}

#[test]
fn an_invalid_failure_file_is_ignored() -> Result<()> {
    let (flow, folder) = done()?;
    flow.reset::<Milled>()?;
    let folder_of = one_file(&flow.folder().join("Bread"), "record.json", "");
    fs::write(folder_of.with_file_name("failure.json"), "garbage")?;
    fs::remove_file(&folder_of)?;
    let shown = preview::<Bread>(&flow);
    assert!(shown.contains("never run"), "{shown}");
    assert_runs(&flow, folder.path(), &["Bread", "Milled"])
}

#[test]
fn deleting_internal_files_loses_no_current_output() -> Result<()> {
    let (flow, folder) = done()?;
    fs::remove_dir_all(flow.folder().join(".flow"))?;
    assert_runs(&flow, folder.path(), &[])?;
    sow(&folder.path().join("grains.txt"), &[7]);
    flow.run::<Bread>()?;
    assert_bread(&flow, &[7], 10);
    fs::remove_dir_all(flow.folder().join(".flow/versions"))?;
    sow(&folder.path().join("grains.txt"), &DATA);
    assert_runs(&flow, folder.path(), &["Bread", "Grains", "Heaviest", "Milled"])
}

#[test]
fn a_store_deleted_while_the_flow_is_open_is_rebuilt() -> Result<()> {
    let (flow, folder) = done()?;
    fs::remove_dir_all(flow.folder())?;
    assert_runs(&flow, folder.path(), &["Bread", "Grains", "Heaviest", "Milled"])
}

#[test]
fn a_recomputed_output_replaces_a_missing_kept_version() -> Result<()> {
    let (flow, folder) = done()?;
    let grains = folder.path().join("grains.txt");
    let old = output(&flow);
    sow(&grains, &[7]);
    flow.run::<Bread>()?;
    fs::remove_file(old)?;
    sow(&grains, &DATA);
    assert_eq!(ran(&flow.run::<Bread>()?), ["Milled"]);
    sow(&grains, &[7]);
    assert_eq!(ran(&flow.run::<Bread>()?), [""; 0]);
    // The recomputed output is kept now, in place of the missing one.
    sow(&grains, &DATA);
    assert_runs(&flow, folder.path(), &[])
}

#[test]
fn a_renamed_folder_is_found_by_its_key() -> Result<()> {
    let (flow, folder) = done()?;
    let old = output(&flow).parent().expect("a folder").to_owned();
    let name = old.file_name().and_then(|name| name.to_str()).expect("a name");
    let new = old.with_file_name(format!("other, text-{}", &name[name.len() - 16..]));
    fs::rename(&old, &new)?;
    assert_eq!(output(&flow).parent(), Some(&*new));
    assert_runs(&flow, folder.path(), &[])?;
    sow(&folder.path().join("grains.txt"), &[7]);
    flow.run::<Bread>()?;
    assert!(!old.exists());
    Ok(())
}

#[test]
fn a_copy_of_an_instance_folder_is_ignored() -> Result<()> {
    let (flow, folder) = done()?;
    let old = output(&flow).parent().expect("a folder").to_owned();
    let name = old.file_name().and_then(|name| name.to_str()).expect("a name");
    let copy = old.with_file_name(format!("backup-{}", &name[name.len() - 16..]));
    fs::create_dir(&copy)?;
    for file in files_below(&old) {
        fs::copy(&file, copy.join(file.file_name().expect("a name")))?;
    }
    assert_runs(&flow, folder.path(), &[])?;
    assert_eq!(output(&flow), output(&mill(&Flow::open(flow.folder())?, folder.path())));
    Ok(())
}

#[test]
fn a_file_cannot_be_opened_as_a_store() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("data");
    fs::write(&path, "mine")?;
    for path in [path.clone(), path.join("below")] {
        let error = Flow::open(&path).expect_err("a file is no store").to_string();
        assert!(error.starts_with("cannot create the folder"), "{error}");
        assert!(error.contains("data"), "{error}");
    }
    assert_eq!(fs::read_to_string(path)?, "mine");
    Ok(())
}

#[test]
fn a_file_in_place_of_a_task_folder_fails_the_task() -> Result<()> {
    let (flow, folder) = crate::support::flow();
    sow(&folder.path().join("grains.txt"), &DATA);
    let flow = mill(&flow, folder.path());
    fs::write(flow.folder().join("Milled"), "mine")?;
    let summary = crate::support::failure(flow.run::<Bread>());
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.starts_with("cannot create the folder"), "{error}");
    assert_eq!(fs::read_to_string(flow.folder().join("Milled"))?, "mine");
    fs::remove_file(flow.folder().join("Milled"))?;
    assert_runs(&flow, folder.path(), &["Bread", "Milled"])
}

#[test]
fn files_left_by_a_crash_are_never_read() -> Result<()> {
    let (flow, folder) = done()?;
    let output = output(&flow);
    for name in [
        "record.json.0123456789abcdef",
        "failure.0123456789abcdef",
        "data-0123456789abcdef-fedcba9876543210.json",
    ] {
        fs::write(output.with_file_name(name), "garbage")?;
    }
    assert_runs(&flow, folder.path(), &[])?;
    flow.store().clear_task::<Milled>()?;
    assert!(!output.parent().expect("a folder").exists());
    assert_runs(&flow, folder.path(), &["Milled"])
}
