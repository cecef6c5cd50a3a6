//! An import of an instance that has another output in the store is kept as an earlier version, completely
//! or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow::prelude::*;
use serde_json::Value;

use crate::faulty::{Fault, Faulty};
use crate::support::{files_below, ran, reused};

#[derive(Task)]
#[task(target = Json<String>)]
struct Upper {
    #[param(file)]
    text: PathBuf,
}

runs!(Upper: String = |self, _cx| Ok(fs::read_to_string(&self.text)?.to_uppercase()));

/// Asserts that each record in a store, including those of earlier versions, names files that exist.
fn assert_named_files_are_there(store: &Path) -> Result<()> {
    let files = files_below(store);
    for path in &files {
        let Ok(record) = serde_json::from_slice::<Value>(&fs::read(path)?) else { continue };
        for file in record["output"]["files"].as_array().into_iter().flatten() {
            let name = file["file"].as_str().context("a name")?;
            assert!(
                files.iter().any(|file| file.ends_with(name)),
                "{} names {name}, which is not there",
                path.display()
            );
        }
    }
    Ok(())
}

#[test]
fn records_name_existing_files_after_any_failed_operation() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (text, handed) = (folder.path().join("text"), folder.path().join("handed"));
    fs::write(&text, "first")?;
    let open = |name: &str, fs: Faulty| -> Result<Flow> {
        let flow = Flow::open_on(folder.path().join(name), Arc::new(fs))?;
        Ok(flow.quiet().with(Upper::TEXT, &text))
    };
    let here = open("here", Faulty::new())?;
    here.run::<Upper>()?;
    here.export::<Upper>(&handed)?;

    let mut failed_after_rename = 0;
    for n in 0.. {
        let (faulty, store) = (Faulty::new(), format!("there {n}"));
        let there = open(&store, faulty.clone())?;
        fs::write(&text, "second")?;
        there.run::<Upper>()?;
        let fault = Fault::Refuse(ErrorKind::StorageFull);
        faulty.fail(move |at, _, _| (at == n).then_some(fault));
        let imported = there.import(&handed);
        let done = faulty.count();
        faulty.heal();
        assert_named_files_are_there(there.folder())?;
        assert_eq!(*there.load::<Upper>()?, "SECOND", "operation {n}");
        let verified = there.store().verify()?;
        assert!(verified.is_whole(), "operation {n}: {verified}");
        failed_after_rename += usize::from(imported.is_err() && verified.outputs() == 2);

        fs::write(&text, "first")?;
        let summary = there.run::<Upper>()?;
        if done <= n {
            assert_eq!((ran(&summary), reused(&summary)), (vec![], vec!["Upper".to_owned()]));
        }
        assert_eq!(*there.load::<Upper>()?, "FIRST", "operation {n}");
        if done <= n {
            break;
        }
    }
    assert!(failed_after_rename > 0, "no operation after the rename failed");
    Ok(())
}
