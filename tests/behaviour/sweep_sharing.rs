//! `export`, `push` and `pull` of a sweep cover all variants, and copy outputs that variants share once.

use std::fs;

use flow::prelude::*;
use flow::remote::RemoteFolder;
use flow::testing::assert_ran;

use crate::support::{files_below, flow, in_full};

#[derive(Task)]
#[task(target = Json<Vec<u64>>)]
struct Rows;
runs!(Rows: Vec<u64> = |self, cx| Ok(vec![1, 2, 3]));

#[derive(Task)]
#[task(requires = Rows, target = Json<u64>)]
struct Total {
    #[param(default = 1)]
    by: u64,
}
runs!(Total: u64 = |self, cx| {
    ensure!(self.by > 0, "by must be positive");
    Ok(cx.input().load()?.iter().sum::<u64>() * self.by)
});

#[test]
fn an_export_has_the_outputs_of_all_variants() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("exported");
    let sweep = flow.sweep::<Total>().over(Total::BY, [1, 2, 3]);
    sweep.run()?;
    let summary = sweep.export(&to)?;
    let mut instances = summary.instances().to_vec();
    instances.sort();
    assert_eq!(instances, ["Total {by: 1}", "Total {by: 2}", "Total {by: 3}"]);
    assert_eq!((summary.files(), summary.folder()), (3, to.as_path()));
    for by in [1, 2, 3] {
        let path = to.join(format!("Total/by={by}.json"));
        assert_eq!(fs::read_to_string(path)?, (6 * by).to_string());
    }
    // `Rows` is no root.
    assert!(!to.join("Rows").exists());

    // The folder has what an export of each variant writes, and another export adds nothing.
    let manifest = |at: &std::path::Path| -> Result<Vec<String>> {
        let manifest = fs::read(at.join("manifest.json"))?;
        let manifest: serde_json::Value = serde_json::from_slice(&manifest)?;
        let outputs = manifest["outputs"].as_array().context("a list")?;
        let mut labels: Vec<_> = outputs.iter().map(|one| one["instance"].to_string()).collect();
        labels.sort();
        Ok(labels)
    };
    let each = folder.path().join("each");
    for (_, variant) in sweep.iter()? {
        variant.export::<Total>(&each)?;
    }
    assert_eq!(manifest(&to)?, manifest(&each)?);
    assert!(sweep.export(&to)?.instances().is_empty());

    let other = Flow::open(folder.path().join("other"))?.quiet();
    other.run::<Rows>()?;
    assert_eq!(other.import(&to)?.instances().len(), 3);
    let imported = other.sweep::<Total>().over(Total::BY, [1, 2, 3]);
    assert_ran(&imported.run()?, []);
    Ok(())
}

#[test]
fn variants_that_are_the_same_instance_are_exported_once() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("exported");
    let sweep = flow.sweep::<Total>().variant("plain", |it| it);
    let sweep = sweep.variant("one", |it| it.with(Total::BY, 1));
    sweep.run()?;
    let summary = sweep.export(&to)?;
    assert_eq!((summary.instances().len(), summary.files()), (1, 1));
    Ok(())
}

#[test]
fn an_export_of_a_sweep_with_a_pending_variant_fails() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<Total>()?;
    let sweep = flow.sweep::<Total>().over(Total::BY, [1, 2]);
    let to = folder.path().join("exported");
    let error = in_full(sweep.export(&to).expect_err("a variant is pending"));
    assert!(error.starts_with("Total {by: 2} is not complete (never run)"), "{error}");
    assert!(!to.join("manifest.json").exists());
    Ok(())
}

#[test]
fn after_push_and_pull_no_variant_runs() -> Result<()> {
    let (flow, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    let sweep = flow.sweep::<Total>().over(Total::BY, [1, 2, 3]);
    sweep.run()?;
    let pushed = sweep.push(&shared)?;
    // `Rows` once, and three totals.
    assert_eq!((pushed.instances().len(), pushed.files(), pushed.skipped().len()), (4, 4, 0));
    let again = sweep.push(&shared)?;
    assert_eq!((again.instances().len(), again.files(), again.present()), (0, 0, 4));

    let there = Flow::open(folder.path().join("there"))?.quiet();
    let other = there.sweep::<Total>().over(Total::BY, [1, 2, 3]);
    let pulled = other.pull(&shared)?;
    assert_eq!((pulled.instances().len(), pulled.files(), pulled.skipped().len()), (4, 4, 0));
    assert!(other.is_complete()?);
    assert_ran(&other.run()?, []);
    assert_eq!(other.load::<Total>()?, sweep.load::<Total>()?);
    let again = other.pull(&shared)?;
    assert_eq!((again.instances().len(), again.files(), again.present()), (0, 0, 4));
    Ok(())
}

#[test]
fn pending_variants_are_skipped_by_push_and_pull() -> Result<()> {
    let (flow, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    flow.run::<Total>()?;
    let sweep = flow.sweep::<Total>().over(Total::BY, [1, 2]);
    let pushed = sweep.push(&shared)?;
    let skipped: Vec<_> = pushed.skipped().iter().map(|one| one.instance.as_str()).collect();
    assert_eq!((pushed.instances().len(), skipped), (2, vec!["Total {by: 2}"]));

    let there = Flow::open(folder.path().join("there"))?.quiet();
    let other = there.sweep::<Total>().over(Total::BY, [1, 2]);
    let pulled = other.pull(&shared)?;
    let skipped: Vec<_> = pulled.skipped().iter().map(|one| one.instance.as_str()).collect();
    assert_eq!((pulled.instances().len(), skipped), (2, vec!["Total {by: 2}"]));
    assert_ran(&other.run()?, ["Total"]);
    Ok(())
}

#[test]
fn a_sweep_without_complete_outputs_cannot_be_pushed() {
    let (flow, folder) = flow();
    let at = folder.path().join("shared");
    let sweep = flow.sweep::<Total>().over(Total::BY, [1, 2]);
    sweep.push(&RemoteFolder::new(&at)).expect_err("nothing to push");
    assert!(files_below(&at).is_empty());
}
