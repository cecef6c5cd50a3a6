//! Pushes, pulls, exports and imports with nothing to transfer are errors that name the next step.

use std::fs;

use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::support::{files_below, flow, in_full};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Number {
    #[param(default = 1)]
    n: u64,
}

runs!(Number: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(requires = Number, target = Json<u64>)]
struct Double;

runs!(Double: u64 = |self, cx| Ok(2 * *cx.input().load()?));

#[derive(Task)]
#[task(external, path = "nothing.txt", target = Text)]
struct Raw;

#[test]
fn a_pull_from_a_folder_that_is_no_remote_is_an_error() -> Result<()> {
    let (flow, folder) = flow();
    let (absent, empty) = (folder.path().join("absent"), folder.path().join("empty"));
    let (project, file) = (folder.path().join("project"), folder.path().join("file"));
    fs::create_dir(&empty)?;
    fs::create_dir_all(project.join("src"))?;
    fs::write(&file, "")?;
    for (path, why) in [
        (&absent, "there is no folder"),
        (&empty, "nothing was pushed to the folder"),
        (&project, "nothing was pushed to the folder"),
        (&file, "is not a folder"),
    ] {
        let error = flow.pull::<Number>(&RemoteFolder::new(path)).expect_err("it is no remote");
        assert!(matches!(error, flow::Error::NoRemote { .. }), "{error:?}");
        let error = error.to_string();
        assert!(error.starts_with("cannot pull: ") && error.contains(why), "{error}");
        assert!(error.contains(&*path.to_string_lossy()), "{error}");
    }
    assert!(!absent.exists());

    // A pull from a remote that holds other outputs reports which ones are missing.
    flow.run::<Number>()?;
    let remote = RemoteFolder::new(folder.path().join("remote"));
    flow.push::<Number>(&remote)?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    let pulled = there.with(Number::N, 2).pull::<Number>(&remote)?;
    assert_eq!((pulled.instances().len(), pulled.skipped().len()), (0, 1));
    Ok(())
}

#[test]
fn a_push_without_complete_outputs_is_an_error() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("remote");
    let error = flow.push::<Double>(&RemoteFolder::new(&to)).expect_err("nothing is complete");
    assert_eq!(
        error.to_string(),
        "cannot push the outputs of `Double`: none is complete; run them first with \
         `flow.run::<Double>()`\n  Number {n: 1}: never run\n  Double: never run"
    );
    assert!(files_below(&to).is_empty());
    let error = flow.push_verified::<Raw>(&RemoteFolder::new(&to)).expect_err("it has no output");
    assert_eq!(
        error.to_string(),
        "cannot push the outputs of `Raw`: no task there stores an output"
    );

    // Complete outputs are pushed, and the others are listed as skipped.
    flow.run::<Number>()?;
    let pushed = flow.push::<Double>(&RemoteFolder::new(&to))?;
    assert_eq!((pushed.instances().len(), pushed.skipped().len()), (1, 1));
    Ok(())
}

#[test]
fn an_export_or_import_without_outputs_is_an_error() -> Result<()> {
    let (flow, folder) = flow();
    let to = folder.path().join("handed");
    let error = flow.export::<Raw>(&to).expect_err("it stores nothing").to_string();
    assert_eq!(error, "cannot export the outputs of `Raw`: no task there stores an output");
    assert!(!to.exists());
    fs::create_dir(&to)?;
    let error = in_full(flow.import(&to).expect_err("it is no export"));
    let path = to.display();
    assert_eq!(
        error,
        format!(
            "cannot import from {path}: it has no `manifest.json`, which every export writes; check the path"
        )
    );
    fs::write(to.join("manifest.json"), r#"{"format": 1, "outputs": []}"#)?;
    let error = in_full(flow.import(&to).expect_err("it has no outputs"));
    assert_eq!(error, format!("cannot import from {path}: its `manifest.json` lists no outputs"));
    Ok(())
}
