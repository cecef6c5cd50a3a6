//! Damaged files in a remote are found and pushed again.

use std::fs;

use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::support::{files_below, flow, in_full};

#[derive(Task)]
#[task(target = Json<Vec<u32>>)]
struct Numbers;

runs!(Numbers: Vec<u32> = |self, _cx| Ok(vec![1, 2, 3]));

#[derive(Task)]
#[task(requires = Numbers, target = Json<u32>)]
struct Sum;

runs!(Sum: u32 = |self, cx| Ok(cx.input().load()?.iter().sum()));

#[test]
fn damaged_files_are_pushed_again_by_push_verified() -> Result<()> {
    let (made, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    made.run::<Sum>()?;
    made.push::<Sum>(&shared)?;
    let again = made.push_verified::<Sum>(&shared)?;
    assert_eq!((again.instances().len(), again.files(), again.present()), (0, 0, 2));

    for (n, file) in files_below(&folder.path().join("shared")).into_iter().enumerate() {
        if file.to_string_lossy().contains("tables") {
            continue;
        }
        let was = fs::read(&file)?;
        fs::write(&file, vec![b' '; was.len()])?;
        let there = Flow::open(folder.path().join(format!("there {n}")))?.quiet();
        let error = in_full(there.pull::<Sum>(&shared).expect_err("it is damaged"));
        assert!(error.contains("push it again with `flow.push_verified`"), "{error}");
        // A plain push compares names and sizes only, and both are right.
        assert_eq!(made.push::<Sum>(&shared)?.present(), 2);
        assert_ne!(fs::read(&file)?, was);

        made.push_verified::<Sum>(&shared)?;
        assert_eq!(fs::read(&file)?, was, "{}", file.display());
        there.pull::<Sum>(&shared)?;
        assert_eq!(*there.load::<Sum>()?, 6);
        assert!(there.store().verify()?.is_whole());
    }
    Ok(())
}

#[test]
fn another_store_replaces_damaged_manifests() -> Result<()> {
    let (made, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    made.run::<Sum>()?;
    made.push::<Sum>(&shared)?;
    let manifests = files_below(&folder.path().join("shared/outputs"));
    for manifest in &manifests {
        fs::write(manifest, "{")?;
    }
    // The other store holds the same outputs and writes manifests of its own.
    let other = Flow::open(folder.path().join("other"))?.quiet();
    other.run::<Sum>()?;
    assert_eq!(other.push_verified::<Sum>(&shared)?.instances().len(), 2);
    assert_eq!(files_below(&folder.path().join("shared/outputs")).len(), 2 * manifests.len());
    let there = Flow::open(folder.path().join("there"))?.quiet();
    assert_eq!(there.pull::<Sum>(&shared)?.instances().len(), 2);
    assert_eq!(*there.load::<Sum>()?, 6);
    Ok(())
}

#[test]
fn a_manifest_of_a_newer_version_does_not_hide_others() -> Result<()> {
    let (made, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    made.run::<Sum>()?;
    made.push::<Sum>(&shared)?;
    for manifest in files_below(&folder.path().join("shared/outputs")) {
        let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&manifest)?)?;
        record["format"] = 9.into();
        let bytes = serde_json::to_vec(&record)?;
        let name = manifest.file_name().expect("a name").to_string_lossy().into_owned();
        let (output, _) = name.rsplit_once('-').expect("its own digest");
        let digest = &blake3::hash(&bytes).to_hex()[..32];
        fs::write(manifest.with_file_name(format!("{output}-{digest}.json")), bytes)?;
        // Without another manifest, the error says what to do.
        fs::rename(&manifest, manifest.with_extension("aside"))?;
        let there = Flow::open(folder.path().join("there"))?.quiet();
        let error = in_full(there.pull::<Sum>(&shared).expect_err("it is newer"));
        assert!(error.contains("was written by a newer version of this library"), "{error}");
        fs::rename(manifest.with_extension("aside"), &manifest)?;
    }
    let there = Flow::open(folder.path().join("there"))?.quiet();
    assert_eq!(there.pull::<Sum>(&shared)?.instances().len(), 2);
    Ok(())
}

#[cfg(unix)]
#[test]
fn links_and_devices_in_a_remote_are_errors_and_do_not_block() -> Result<()> {
    use std::os::unix::fs::symlink;

    let (made, folder) = flow();
    let shared = RemoteFolder::new(folder.path().join("shared"));
    made.run::<Sum>()?;
    made.push::<Sum>(&shared)?;
    made.export::<Sum>(folder.path().join("handed"))?;
    // Circular links, which could be followed without end.
    for manifest in files_below(&folder.path().join("shared/outputs")) {
        for name in ["a", "b"] {
            symlink(".", manifest.with_file_name(name))?;
        }
    }
    let there = Flow::open(folder.path().join("there"))?.quiet();
    for object in files_below(&folder.path().join("shared/objects")) {
        let was = fs::read(&object)?;
        for special in ["/dev/zero", "/dev/tty", "."] {
            fs::remove_file(&object)?;
            symlink(special, &object)?;
            let error = in_full(there.pull::<Sum>(&shared).expect_err("a link"));
            assert!(error.contains("is a link"), "{error}");
        }
        fs::remove_file(&object)?;
        fs::write(&object, was)?;
    }
    there.pull::<Sum>(&shared)?;
    assert_eq!(*there.load::<Sum>()?, 6);
    for name in ["Sum/output.json", "manifest.json"] {
        let file = folder.path().join("handed").join(name);
        fs::remove_file(&file)?;
        symlink("/dev/zero", &file)?;
        there.store().clear()?;
        let error = in_full(there.import(folder.path().join("handed")).expect_err("a link"));
        assert!(error.contains("is a link"), "{error}");
    }
    Ok(())
}
