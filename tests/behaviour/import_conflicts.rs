//! Import conflicts: an import of an instance that the store has already keeps both outputs.

use std::fs;
use std::path::PathBuf;

use flow::prelude::*;
use serde_json::Value;

use crate::support::{assert_consistent, files_below, flow, ran, reused};

#[derive(Task)]
#[task(target = Json<String>)]
struct Read {
    #[param(insignificant)]
    path: PathBuf,
}

runs!(Read: String = |self, cx| Ok(fs::read_to_string(cx.file(self.path.clone())?)?));

#[test]
fn an_import_keeps_the_output_of_another_input_file() -> Result<()> {
    let (here, folder) = flow();
    let path = folder.path().join("words.txt");
    let to = folder.path().join("handed");
    let here = here.with(Read::PATH, path.clone());
    fs::write(&path, "one")?;
    here.run::<Read>()?;
    here.export::<Read>(&to)?;

    fs::write(&path, "two")?;
    let there = Flow::open(folder.path().join("there"))?.quiet().with(Read::PATH, path.clone());
    there.run::<Read>()?;
    assert_eq!(there.import(&to)?.instances().len(), 1);
    assert_eq!(there.import(&to)?.present(), 1);
    assert_eq!(*there.load::<Read>()?, "two");
    assert_consistent(there.folder());

    fs::write(&path, "one")?;
    assert_eq!(reused(&there.run::<Read>()?), ["Read"]);
    assert_eq!(*there.load::<Read>()?, "one");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Squared {
    n: u32,
}

runs!(Squared: u32 = |self, _cx| Ok(self.n * self.n));

#[test]
fn an_import_uses_the_existing_folder_of_an_instance() -> Result<()> {
    let (here, folder) = flow();
    let here = here.with(Squared::N, 3);
    here.run::<Squared>()?;
    let to = folder.path().join("handed");
    here.export::<Squared>(&to)?;
    // The text before the key in a folder name depends on the defaults of the exporting program.
    let path = to.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path)?)?;
    let named = manifest["outputs"][0]["folder"].as_str().expect("a folder").to_owned();
    manifest["outputs"][0]["folder"] = named.replace("n=3", "n=3,Upstream.m=5").into();
    fs::write(&path, serde_json::to_vec(&manifest)?)?;

    let there = Flow::open(folder.path().join("there"))?.quiet().with(Squared::N, 3);
    there.run::<Squared>()?;
    assert_eq!(there.import(&to)?.present(), 1);
    there.output::<Squared>()?.path().map(fs::remove_file)??;
    assert_eq!(there.import(&to)?.instances().len(), 1);
    assert_eq!(fs::read_dir(there.folder().join("Squared"))?.count(), 1);
    assert_eq!(ran(&there.run::<Squared>()?), [""; 0]);

    // A store without the instance uses the folder name of the manifest.
    let fresh = Flow::open(folder.path().join("fresh"))?.quiet().with(Squared::N, 3);
    fresh.import(&to)?;
    assert_eq!(*fresh.load::<Squared>()?, 9);
    let records = files_below(fresh.folder());
    assert!(records.iter().any(|file| file.to_string_lossy().contains("Upstream.m=5")));
    Ok(())
}
