//! Folders that files of a store name: only folders in which the store keeps outputs of the open
//! namespace are inspected and removed.

use std::fs;
use std::time::Duration;

use flow::prelude::*;

use crate::support::{files_below, flow, one_file};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Kept {
    #[param(default = 7)]
    k: u64,
}

runs!(Kept: u64 = |self, _cx| Ok(self.k));

/// Returns a base store and its namespace `prod`, each with an output. A line in the index of the
/// base store names the output in `prod`.
fn base_and_namespace() -> Result<(Flow, Flow, tempfile::TempDir)> {
    let (base, folder) = flow();
    let prod = base.namespace("prod");
    base.with(Kept::K, 1u64).run::<Kept>()?;
    prod.run::<Kept>()?;
    let record = one_file(&base.folder().join("env=prod/Kept"), "record.json", "");
    let instance = record.parent().expect("the folder of an instance");
    let instance = instance.strip_prefix(base.folder())?.display().to_string();
    let index = base.folder().join(".flow/index/Kept");
    let mut lines = fs::read_to_string(&index)?;
    lines.push_str(&format!("0123456789abcdef0123456789abcdef {instance}\n"));
    fs::write(&index, lines)?;
    Ok((Flow::open(base.folder())?.quiet(), prod, folder))
}

#[test]
fn gc_of_the_base_store_leaves_outputs_of_a_namespace_alone() -> Result<()> {
    let (base, prod, _folder) = base_and_namespace()?;
    let before = files_below(&base.folder().join("env=prod"));
    let one = base.with(Kept::K, 1u64);
    let garbage = base.store().gc().keep::<Kept>(&one)?.older_than(Duration::ZERO).find()?;
    let removed = garbage.remove()?;
    assert!(removed.instances.is_empty(), "{:?}", removed.instances);
    assert_eq!(files_below(&base.folder().join("env=prod")), before);
    assert_eq!(*prod.load::<Kept>()?, 7);
    assert_eq!(*one.load::<Kept>()?, 1);
    // The line is removed from the index.
    assert!(!fs::read_to_string(base.folder().join(".flow/index/Kept"))?.contains("env="));
    Ok(())
}

#[test]
fn clearing_a_task_of_the_base_store_leaves_a_namespace_alone() -> Result<()> {
    let (base, prod, _folder) = base_and_namespace()?;
    let before = files_below(&base.folder().join("env=prod"));
    base.store().clear_task::<Kept>()?;
    assert_eq!(files_below(&base.folder().join("env=prod")), before);
    assert_eq!(*prod.load::<Kept>()?, 7);
    assert!(!base.with(Kept::K, 1u64).is_complete::<Kept>()?);
    base.store().clear()?;
    assert_eq!(files_below(&base.folder().join("env=prod")), before);
    Ok(())
}

#[test]
fn a_foreign_file_that_a_record_names_is_not_removed() -> Result<()> {
    let (base, _folder) = flow();
    base.run::<Kept>()?;
    let record = one_file(&base.folder().join("Kept"), "record.json", "");
    let notes = record.with_file_name("notes.txt");
    fs::write(&notes, "dear")?;
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&record)?)?;
    json["output"]["files"][0]["file"] = "notes.txt".into();
    fs::write(&record, serde_json::to_vec(&json)?)?;
    base.reset::<Kept>()?;
    assert!(!record.exists());
    assert_eq!(fs::read_to_string(&notes)?, "dear");
    Ok(())
}
