//! A folder that was exported to before: names stay, nothing that others have added is lost, and nothing
//! else is touched.

use std::fs;

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
fn an_output_keeps_its_name() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    flow.run::<Words>()?;
    flow.with(Word::TEXT, "a").export::<Word>(&to)?;
    flow.with(Word::TEXT, "A").export::<Word>(&to)?;
    let named = outputs(&to)?;
    assert_eq!(named[1].1, "Word/text=a.json");
    // The names differ by case alone, which some file systems do not tell.
    assert!(named[0].1.starts_with("Word/text=A-"), "{named:?}");

    // The other one comes first now.
    flow.export::<Words>(&to)?;
    assert_eq!(outputs(&to)?, named);
    for (instance, path) in &named {
        let text: String = serde_json::from_slice(&fs::read(to.join(path))?)?;
        assert_eq!(*instance, format!("Word {{text: {text}}}"));
    }
    Ok(())
}

#[test]
fn exports_at_once_lose_nothing_of_each_other() -> Result<()> {
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
fn what_died_at_work_keeps_nobody_waiting() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    fs::create_dir(&to)?;
    // Its process is gone, and with it its lock.
    fs::write(to.join(".exporting.lock"), "")?;
    let flow = flow.with(Word::TEXT, "a");
    flow.run::<Word>()?;
    flow.export::<Word>(&to)?;
    assert!(!to.join(".exporting.lock").exists());
    Ok(())
}

#[test]
fn a_store_is_no_place_for_an_export() -> Result<()> {
    let (flow, folder) = flow();
    let flow = flow.with(Word::TEXT, "a");
    flow.run::<Word>()?;
    let (before, data) = (files_below(flow.folder()), folder.path().join("data"));
    for to in [data.clone(), data.join("../data"), data.join("Word/..")] {
        let error = in_full(flow.export::<Word>(&to).expect_err("it is the store"));
        assert!(error.contains("is left alone: it is the store"), "{error}");
    }
    assert_eq!(files_below(flow.folder()), before);
    // Beside the folders of tasks it is nobody's business.
    flow.export::<Word>(data.join("handed"))?;
    assert!(flow.store().gc().older_than(std::time::Duration::ZERO).find()?.is_empty());
    assert!(flow.is_complete::<Word>()?);
    Ok(())
}

#[test]
fn a_manifest_that_is_no_export_is_left_alone() -> Result<()> {
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
fn a_manifest_cannot_have_anything_removed_elsewhere() -> Result<()> {
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
fn what_was_required_in_a_run_is_exported_with_what_is_upstream() -> Result<()> {
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
