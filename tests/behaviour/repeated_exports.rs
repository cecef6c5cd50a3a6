//! Repeated exports into one folder: outputs keep their names, outputs of earlier exports are kept, and no
//! other files are changed.

use std::fs;
use std::path::{Path, PathBuf};

use flow::prelude::*;
use serde_json::Value;

use crate::support::{files_below, flow, in_full};

#[derive(Task)]
#[task(target = Json<String>)]
struct Word {
    text: String,
}

runs!(Word: String = |self, _cx| Ok(self.text.clone()));

#[derive(Task)]
#[task(aggregate, requires = [Word { text } for text in ["A", "a"]])]
struct Words;

fn outputs(folder: &Path) -> Result<Vec<(String, String)>> {
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let outputs = manifest["outputs"].as_array().expect("outputs").iter();
    let mut named: Vec<_> = outputs
        .map(|output| (text(&output["instance"]), text(&output["files"][0]["path"])))
        .collect();
    named.sort();
    Ok(named)
}

#[test]
fn an_output_keeps_its_name_in_later_exports() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    flow.run::<Words>()?;
    flow.with(Word::TEXT, "a").export::<Word>(&to)?;
    flow.with(Word::TEXT, "A").export::<Word>(&to)?;
    let named = outputs(&to)?;
    assert_eq!(named[1].1, "Word/text=a.json");
    // The names would differ by case alone, which some file systems ignore.
    assert!(named[0].1.starts_with("Word/text=A-"), "{named:?}");

    // This export has the two outputs in the other order.
    flow.export::<Words>(&to)?;
    assert_eq!(outputs(&to)?, named);
    for (instance, path) in &named {
        let text: String = serde_json::from_slice(&fs::read(to.join(path))?)?;
        assert_eq!(*instance, format!("Word {{text: {text}}}"));
    }
    Ok(())
}

#[test]
fn concurrent_exports_keep_the_outputs_of_each_other() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    let flows: Vec<_> = (0..12).map(|n| flow.with(Word::TEXT, n.to_string())).collect();
    flows.iter().try_for_each(|flow| flow.run::<Word>().map(drop))?;
    std::thread::scope(|scope| {
        let exports: Vec<_> =
            flows.iter().map(|flow| scope.spawn(|| flow.export::<Word>(&to).map(drop))).collect();
        exports.into_iter().try_for_each(|export| export.join().expect("no panic"))
    })?;
    assert_eq!(outputs(&to)?.len(), 12);
    let names = files_below(&to);
    let hidden = |path: &&PathBuf| path.to_string_lossy().contains("/.exporting");
    assert_eq!(names.iter().find(hidden), None);
    let other = Flow::open(folder.path().join("other"))?.quiet();
    assert_eq!(other.import(&to)?.instances().len(), 12);
    Ok(())
}

#[test]
fn the_lock_of_a_dead_process_does_not_block_an_export() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    fs::create_dir(&to)?;
    // The lock file of a process that has died: the operating system has released its lock.
    fs::write(to.join(".exporting.lock"), "")?;
    let flow = flow.with(Word::TEXT, "a");
    flow.run::<Word>()?;
    flow.export::<Word>(&to)?;
    assert!(!to.join(".exporting.lock").exists());
    Ok(())
}

#[test]
fn an_export_into_a_store_is_an_error() -> Result<()> {
    let (flow, folder) = flow();
    let flow = flow.with(Word::TEXT, "a");
    flow.run::<Word>()?;
    let (before, data) = (files_below(flow.folder()), folder.path().join("data"));
    for to in [data.clone(), data.join("../data"), data.join("Word/..")] {
        let error = in_full(flow.export::<Word>(&to).expect_err("it is the store"));
        assert!(error.contains("is left alone: it is the store"), "{error}");
    }
    assert_eq!(files_below(flow.folder()), before);
    // A subfolder of the store that belongs to no task is allowed.
    flow.export::<Word>(data.join("handed"))?;
    assert!(flow.store().gc().older_than(std::time::Duration::ZERO).find()?.is_empty());
    assert!(flow.is_complete::<Word>()?);
    Ok(())
}

#[test]
fn a_foreign_manifest_is_not_replaced() -> Result<()> {
    let (flow, folder) = flow();
    let flow = flow.with(Word::TEXT, "a");
    flow.run::<Word>()?;
    let to = folder.path().join("handed");
    fs::create_dir(&to)?;
    let foreign = r#"{"name": "web app"}"#;
    fs::write(to.join("manifest.json"), foreign)?;
    for error in [flow.export::<Word>(&to).err(), flow.import(&to).err()] {
        let error = in_full(error.expect("it is none"));
        assert!(error.contains("it is not the manifest of an export"), "{error}");
    }
    assert_eq!(fs::read_to_string(to.join("manifest.json"))?, foreign);
    assert_eq!(files_below(&to).len(), 1);
    Ok(())
}

#[test]
fn a_manifest_cannot_remove_files_outside_its_folder() -> Result<()> {
    let (flow, folder) = flow();
    let flow = flow.with(Word::TEXT, "a");
    flow.run::<Word>()?;
    let to = folder.path().join("handed");
    flow.export::<Word>(&to)?;
    let dear = folder.path().join("dear");
    fs::write(&dear, "dear")?;
    let mut manifest: Value = serde_json::from_slice(&fs::read(to.join("manifest.json"))?)?;
    manifest["written"]["../dear"] = blake3::hash(b"dear").to_hex()[..32].into();
    fs::write(to.join("manifest.json"), serde_json::to_vec(&manifest)?)?;
    let error = in_full(flow.export::<Word>(&to).expect_err("it leads out"));
    assert!(error.contains("it names \"../dear\", which is outside its folder"), "{error}");
    assert_eq!(fs::read_to_string(&dear)?, "dear");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<String>)]
struct Search;

runs!(Search: String = |self, cx| {
    let found = cx.over(Word::TEXT, ["x", "y"]).require::<Word>()?;
    Ok(found.iter().map(|word| word.load().map(|word| word.to_uppercase())).collect::<Result<_, _>>()?)
});

#[test]
fn instances_required_in_a_run_are_exported_with_the_graph() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<Search>()?;
    let to = folder.path().join("handed");
    let handed = flow.graph::<Search>().export(&to)?;
    assert_eq!(handed.instances(), ["Word {text: x}", "Word {text: y}", "Search"]);
    let other = Flow::open(folder.path().join("other"))?.quiet();
    other.import(&to)?;
    assert!(other.is_complete::<Search>()?);
    assert_eq!(*other.load::<Search>()?, "XY");
    assert!(other.run::<Search>()?.ran().is_empty());
    Ok(())
}
