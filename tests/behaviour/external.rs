//! External outputs are tracked by their content, read, and never written or removed.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use flow::File;
use flow::prelude::*;

use crate::support::{
    failed, failure, files_below, flow, in_full, not_run, plan_error, preview, ran, unchanged,
};

#[derive(Task)]
#[task(external, path = self.folder.join(format!("{}.json", self.name.parse::<u8>()?)), target = Json<u64>)]
struct Raw {
    folder: PathBuf,
    #[param(default = "1")]
    name: String,
}

#[derive(Task)]
#[task(requires = Raw, target = Json<u64>)]
struct Twice;

runs!(Twice: u64 = |self, cx| Ok(*cx.input().load()? * 2));

fn with_raw(n: u64) -> (Flow, PathBuf, tempfile::TempDir) {
    let (flow, folder) = flow();
    let raw = folder.path().join("raw");
    fs::create_dir(&raw).expect("a folder");
    fs::write(raw.join("1.json"), n.to_string()).expect("a file");
    (flow.with(Raw::FOLDER, &*raw), raw.join("1.json"), folder)
}

#[test]
fn an_external_output_is_loaded_without_a_run() -> Result<()> {
    let (flow, path, _folder) = with_raw(4);
    assert_eq!(*flow.load::<Raw>()?, 4);
    assert_eq!(ran(&flow.run::<Twice>()?), ["Twice"]);
    assert_eq!(*flow.load::<Twice>()?, 8);
    assert_eq!(flow.output::<Raw>()?.path()?, path);
    // The store holds no copy.
    assert!(!flow.folder().join("Raw").exists());
    assert!(flow.run::<Raw>()?.ran().is_empty());
    Ok(())
}

#[test]
fn a_changed_content_reruns_tasks_and_a_changed_time_does_not() -> Result<()> {
    let (flow, path, _folder) = with_raw(4);
    flow.run::<Twice>()?;
    // The file is edited, touched, replaced by a rename, removed, and created again.
    fs::write(&path, "5")?;
    assert_eq!(ran(&flow.run::<Twice>()?), ["Twice"]);
    let file = fs::File::options().append(true).open(&path)?;
    file.set_modified(SystemTime::now() - Duration::from_secs(1000))?;
    assert!(flow.run::<Twice>()?.ran().is_empty());
    fs::write(path.with_extension("new"), "6")?;
    fs::rename(path.with_extension("new"), &path)?;
    let shown = preview::<Twice>(&flow);
    assert!(shown.contains("Raw gave other data"), "{shown}");
    assert_eq!(ran(&flow.run::<Twice>()?), ["Twice"]);
    assert_eq!(*flow.load::<Twice>()?, 12);
    fs::remove_file(&path)?;
    assert!(!flow.is_complete::<Twice>()?);
    fs::write(&path, "6")?;
    assert!(flow.is_complete::<Twice>()?);
    Ok(())
}

#[test]
fn a_missing_external_file_is_named() -> Result<()> {
    let (flow, path, _folder) = with_raw(4);
    fs::remove_file(&path)?;
    let name = path.to_string_lossy().into_owned();
    let shown = preview::<Twice>(&flow);
    assert!(shown.contains(&format!("file: {name} is missing")), "{shown}");
    let summary = failure(flow.run::<Twice>());
    assert_eq!((failed(&summary), not_run(&summary)), (vec!["Raw".into()], vec!["Twice".into()]));
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert_eq!(error, format!("external file {name} does not exist"));
    let error = in_full(flow.load::<Raw>().expect_err("it is missing"));
    assert!(error.ends_with(&format!("external file {name} does not exist")), "{error}");
    assert!(!path.exists());
    Ok(())
}

#[test]
fn no_operation_removes_or_writes_an_external_file() -> Result<()> {
    let (flow, path, _folder) = with_raw(4);
    let modified = fs::metadata(&path)?.modified()?;
    flow.run::<Twice>()?;
    let all = flow.force_all();
    assert_eq!(ran(&all.run::<Twice>()?), ["Twice"]);
    flow.force::<Raw>().run::<Twice>()?;
    assert_eq!(ran(&flow.force_roots().run::<Raw>()?), [""; 0]);
    for reset in [
        |flow: &Flow| flow.reset::<Raw>(),
        |flow: &Flow| flow.graph::<Raw>().reset_all(),
        |flow: &Flow| flow.store().clear_task::<Raw>(),
        |flow: &Flow| flow.graph::<Twice>().reset_downstream::<Raw>(),
        |flow: &Flow| flow.graph::<Twice>().reset_all(),
        |flow: &Flow| flow.store().clear_task::<Twice>(),
        |flow: &Flow| flow.store().clear(),
    ] {
        let removed = reset(&flow)?;
        assert!(!removed.files.contains(&path), "{removed:?}");
        flow.run::<Twice>()?;
    }
    assert_eq!(fs::read_to_string(&path)?, "4");
    assert_eq!(fs::metadata(&path)?.modified()?, modified);
    Ok(())
}

#[test]
fn external_files_in_the_store_are_not_removed() -> Result<()> {
    let (flow, folder) = flow();
    // Names that resemble names of the store.
    for name in ["raw", "raw/2024-0123456789abcdef", "Twice", "0123456789abcdef"] {
        let raw = flow.folder().join(name);
        fs::create_dir_all(raw.join("empty"))?;
        for file in ["1.json", "data-1.json", "data-2024-05.csv", "record.json.bak", "failure.txt"]
        {
            fs::write(raw.join(file), "4")?;
        }
        let flow = flow.with(Raw::FOLDER, &*raw);
        flow.run::<Twice>()?;
        flow.store().clear_task::<Raw>()?;
        flow.store().clear()?;
        assert_eq!(files_below(&raw).len(), 5, "{name}");
        assert!(raw.join("empty").is_dir());
    }
    drop(folder);
    Ok(())
}

#[test]
fn clearing_an_external_task_spares_the_folder_of_its_name() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u64>, dir = "Raw")]
    struct Other;

    runs!(Other: u64 = |self, _cx| Ok(1));

    let (flow, _path, _folder) = with_raw(4);
    flow.run::<(Other, Twice)>()?;
    flow.store().clear_task::<Raw>()?;
    assert!(flow.is_complete::<Other>()?);
    Ok(())
}

#[test]
fn a_file_that_changed_after_the_plan_is_not_loaded() -> Result<()> {
    let (flow, path, _folder) = with_raw(4);
    let output = flow.output::<Raw>()?;
    fs::write(&path, "5")?;
    let error = in_full(output.load().expect_err("it changed"));
    assert!(error.contains("it was replaced after the plan was made"), "{error}");
    assert_eq!(*flow.load::<Raw>()?, 5);
    fs::remove_file(&path)?;
    let error = in_full(output.load().expect_err("it is gone"));
    assert!(error.contains("it was removed after the plan was made"), "{error}");
    Ok(())
}

/// Reads the file through its path, after writing `comes` to it if it has another content.
#[derive(Task)]
#[task(requires = Raw, target = Json<u64>)]
struct ByItself {
    comes: u64,
}

runs!(ByItself: u64 = |self, cx| {
    let path = cx.input().path()?;
    if fs::read_to_string(&path)? != self.comes.to_string() {
        fs::write(&path, self.comes.to_string())?;
    }
    Ok(fs::read_to_string(path)?.parse()?)
});

#[derive(Task)]
#[task(aggregate, requires = Raw)]
struct All;

/// Reads the file in the same way, through an aggregate.
#[derive(Task)]
#[task(requires = All, target = Json<u64>)]
struct Through {
    comes: u64,
}

runs!(Through: u64 = |self, cx| {
    let path = cx.input().load()?.path()?;
    fs::write(&path, self.comes.to_string())?;
    Ok(fs::read_to_string(path)?.parse()?)
});

#[test]
fn a_file_that_changes_during_the_run_fails_the_task() -> Result<()> {
    let (flow, path, _folder) = with_raw(4);
    let flow = flow.with(ByItself::COMES, 5u64).with(Through::COMES, 5u64);
    for run in [Flow::run::<ByItself>, Flow::run::<Through>] {
        fs::write(&path, "4")?;
        let summary = failure(run(&flow));
        let error = summary.failed()[0].error.clone().unwrap_or_default();
        assert!(error.contains("changed while the task was running; run it again"), "{error}");
        // When the planned content is restored, no output of the other content counts as complete.
        fs::write(&path, "4")?;
        assert!(!flow.is_complete::<ByItself>()? && !flow.is_complete::<Through>()?);
    }
    let flow = flow.with(ByItself::COMES, 4u64);
    flow.run::<ByItself>()?;
    assert_eq!(*flow.load::<ByItself>()?, 4);
    Ok(())
}

#[derive(Task)]
#[task(external, path = &self.at, target = File)]
struct Images {
    at: PathBuf,
}

#[derive(Task)]
#[task(requires = Images, target = Json<usize>)]
struct Count;

runs!(Count: usize = |self, cx| Ok(files_below(&cx.input().load()?).len()));

#[test]
fn all_files_of_an_external_folder_are_dependencies() -> Result<()> {
    let (flow, folder) = flow();
    let at = folder.path().join("images");
    fs::create_dir_all(at.join("sub"))?;
    fs::write(at.join("sub/a.png"), "a")?;
    let flow = flow.with(Images::AT, &*at);
    flow.run::<Count>()?;
    assert_eq!((*flow.load::<Count>()?, &**flow.load::<Images>()?), (1, &*at));
    for change in [
        |at: &Path| fs::write(at.join("b.png"), "b"),
        |at: &Path| fs::rename(at.join("b.png"), at.join("sub/b.png")),
        |at: &Path| fs::write(at.join("sub/a.png"), "c"),
        |at: &Path| fs::remove_file(at.join("sub/b.png")),
    ] {
        change(&at)?;
        assert_eq!(ran(&flow.run::<Count>()?), ["Count"]);
    }
    flow.graph::<Count>().reset_all()?;
    flow.store().clear()?;
    assert_eq!(files_below(&at), [at.join("sub/a.png")]);
    // A missing folder is an error.
    fs::remove_dir_all(&at)?;
    let output = in_full(flow.output::<Images>().expect_err("it is gone"));
    assert!(output.contains("does not exist"), "{output}");
    Ok(())
}

#[test]
fn the_path_of_a_missing_file_is_an_error() -> Result<()> {
    let (flow, folder) = flow();
    let at = folder.path().join("image");
    fs::write(&at, "")?;
    let output = flow.with(Images::AT, &*at).output::<Images>()?;
    fs::remove_file(&at)?;
    let error = in_full(output.load().expect_err("it is gone"));
    assert!(error.contains("it was removed after the plan was made"), "{error}");
    Ok(())
}

#[test]
fn a_failing_path_expression_is_an_error_of_the_plan() {
    let (flow, _path, _folder) = with_raw(4);
    let error = plan_error::<Twice>(&flow.with(Raw::NAME, "x"));
    assert!(error.contains("evaluating `path` of external task `Raw` failed"), "{error}");
    assert!(error.contains("invalid digit") && error.contains("Twice → Raw"), "{error}");
    let error = plan_error::<Images>(&flow.with(Images::AT, ""));
    assert!(error.contains("it is empty"), "{error}");
}

#[test]
fn a_relative_path_is_resolved_in_the_current_folder() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Images::AT, "Cargo.toml");
    assert_eq!(**flow.load::<Images>()?, std::env::current_dir()?.join("Cargo.toml"));
    Ok(())
}

#[test]
fn the_error_of_an_unreadable_file_calls_it_external() -> Result<()> {
    let (flow, path, _folder) = with_raw(4);
    fs::write(&path, "[")?;
    let error = in_full(flow.load::<Raw>().expect_err("it is no number"));
    let unreadable = "cannot read its external file: cannot read ";
    assert!(error.contains(unreadable) && !error.contains("removed"), "{error}");
    assert_eq!(failed(&failure(flow.run::<Twice>())), ["Twice"]);
    assert!(path.exists());
    Ok(())
}

#[derive(Task)]
#[task(external, path = format!("{}/1.json", self.folder), target = Json<u64>)]
struct Mirrored {
    /// The folder is not part of the key; the content of the file is.
    #[param(insignificant)]
    folder: String,
}

#[derive(Task)]
#[task(requires = Mirrored, target = Json<u64>)]
struct Thrice;

runs!(Thrice: u64 = |self, cx| Ok(*cx.input().load()? * 3));

#[derive(Task)]
#[task(requires(a = Thrice with Mirrored::FOLDER = self.a.clone(), b = Thrice with Mirrored::FOLDER = self.b.clone()), target = Json<u64>)]
struct Both {
    a: String,
    b: String,
}

runs!(Both: u64 = |self, cx| Ok(*cx.input().a.load()? + *cx.input().b.load()?));

#[test]
fn the_first_path_counts_if_one_instance_has_two_paths() -> Result<()> {
    let (flow, folder) = flow();
    let places = ["a", "b"].map(|name| folder.path().join(name).to_string_lossy().into_owned());
    for (place, text) in places.iter().zip(["1", "2"]) {
        fs::create_dir(place)?;
        fs::write(Path::new(place).join("1.json"), text)?;
    }
    let flow = flow.with(Both::A, &*places[0]).with(Both::B, &*places[1]);
    flow.run::<Both>()?;
    assert_eq!(*flow.load::<Both>()?, 6);
    let of = flow.graph::<Both>();
    // The parameters and the path of the instance are both the first ones.
    assert_eq!(of.output::<Mirrored>()?.task().folder, places[0]);
    assert_eq!(of.output::<Mirrored>()?.path()?, Path::new(&places[0]).join("1.json"));
    let again = unchanged(&flow.force::<Thrice>().run::<Both>()?);
    assert_eq!(again, ["Both"]);
    Ok(())
}
