//! Files that tasks read: their content counts, and their times do not.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use flow::prelude::*;

use crate::support::{flow, preview, ran};

#[derive(Task)]
#[task(target = Json<String>)]
struct Load {
    #[param(file)]
    source: PathBuf,
}

runs!(Load: String = |self, _cx| Ok(fs::read_to_string(&self.source)?));

/// Finds its files only while it runs; the parameter is not declared as a file.
#[derive(Task)]
#[task(target = Json<String>)]
struct Follow {
    #[param(local)]
    list: PathBuf,
}

runs!(Follow: String = |self, cx| {
    let list = fs::read_to_string(cx.file(&self.list)?)?;
    let texts = list.lines().map(|path| Ok(match fs::read_to_string(cx.file(path)?) {
        Ok(text) => text,
        Err(_) => "-".to_owned(),
    }));
    Ok(texts.collect::<Result<Vec<_>>>()?.join(" "))
});

#[derive(Task)]
#[task(requires(Load, Follow), target = Json<String>)]
struct Both;

runs!(Both: String = |self, cx| Ok(format!("{} {}", *cx.input().0.load()?, *cx.input().1.load()?)));

#[test]
fn changed_content_reruns_only_the_tasks_that_read_it() -> Result<()> {
    let (flow, folder) = flow();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("source"), "s")?;
    fs::write(at("one"), "1")?;
    fs::write(at("list"), format!("{}\n{}", at("one").display(), at("two").display()))?;
    let flow = flow.with(Load::SOURCE, at("source")).with(Follow::LIST, at("list"));
    assert_eq!(ran(&flow.run::<Both>()?), ["Both", "Follow", "Load"]);
    assert_eq!(*flow.load::<Both>()?, "s 1 -");

    // Files that were touched, or written again with the same content, leave the tasks complete.
    let later = SystemTime::now() + Duration::from_secs(60);
    for name in ["source", "one", "list"] {
        fs::write(at(name), fs::read(at(name))?)?;
        fs::File::options().write(true).open(at(name))?.set_modified(later)?;
    }
    assert!(flow.is_complete::<Both>()?);
    assert_eq!(ran(&flow.run::<Both>()?), [""; 0]);

    fs::write(at("source"), "t")?;
    let shown = preview::<Load>(&flow);
    assert!(
        shown.contains(&format!("PENDING file: {} changed", at("source").display())),
        "{shown}"
    );
    assert_eq!(ran(&flow.run::<Both>()?), ["Both", "Load"]);

    fs::write(at("one"), "3")?;
    let shown = preview::<Follow>(&flow);
    assert!(shown.contains(&format!("PENDING file: {} changed", at("one").display())), "{shown}");
    assert_eq!(ran(&flow.run::<Both>()?), ["Both", "Follow"]);

    // A file that was missing is created, and removed again.
    fs::write(at("two"), "2")?;
    assert_eq!(ran(&flow.run::<Both>()?), ["Both", "Follow"]);
    assert_eq!(*flow.load::<Both>()?, "t 3 2");
    fs::remove_file(at("two"))?;
    // The files are as they were before, so that the earlier output is used.
    assert_eq!(*flow.load::<Both>()?, "t 3 -");
    fs::write(at("two"), "2")?;
    fs::write(at("one"), "4")?;
    assert_eq!(ran(&flow.run::<Both>()?), ["Both", "Follow"]);
    fs::remove_file(at("two"))?;
    let shown = preview::<Follow>(&flow);
    assert!(
        shown.contains(&format!("PENDING file: {} is missing", at("two").display())),
        "{shown}"
    );
    Ok(())
}

#[test]
fn all_files_in_a_folder_are_tracked() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<usize>)]
    struct Count {
        #[param(file)]
        folder: PathBuf,
    }

    runs!(Count: usize = |self, _cx| Ok(fs::read_dir(&self.folder)?.count()));

    let (flow, folder) = flow();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside)?;
    fs::write(inside.join("a"), "a")?;
    let flow = flow.with(Count::FOLDER, &inside);
    assert_eq!(ran(&flow.run::<Count>()?), ["Count"]);
    assert_eq!(ran(&flow.run::<Count>()?), [""; 0]);
    fs::rename(inside.join("a"), inside.join("b"))?;
    assert_eq!(ran(&flow.run::<Count>()?), ["Count"]);
    fs::write(inside.join("b"), "c")?;
    assert_eq!(ran(&flow.run::<Count>()?), ["Count"]);
    Ok(())
}

#[test]
fn a_missing_file_fails_the_task() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("not there");
    let flow = flow.with(Load::SOURCE, &path);
    let summary = crate::support::failure(flow.run::<Load>());
    assert_eq!(
        summary.failed()[0].error.as_deref(),
        Some(
            format!(
                "there is no file {path:?}, which is `Load.source`: create the file, or give the \
                 parameter another value"
            )
            .as_str()
        )
    );
    Ok(())
}

#[derive(Clone, Serialize, Deserialize)]
struct Pair {
    left: PathBuf,
    right: Option<PathBuf>,
}

/// Files in every form in which a parameter can hold them.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Forms {
    #[param(file)]
    map: std::collections::BTreeMap<String, PathBuf>,
    #[param(file)]
    pair: Pair,
}

#[tracked]
impl Run for Forms {
    fn run(&self, _cx: &Cx<Self>) -> Result<usize> {
        let paths = self.map.values().chain([&self.pair.left]).chain(&self.pair.right);
        paths.map(|path| Ok(std::fs::read_to_string(path)?.len())).sum()
    }
}

#[test]
fn files_in_maps_and_structs_are_tracked() -> Result<()> {
    let (flow, folder) = flow();
    let path = |name: &str| folder.path().join(name);
    for name in ["a", "b", "c"] {
        std::fs::write(path(name), name)?;
    }
    let map = std::collections::BTreeMap::from([("a".to_owned(), path("a"))]);
    let pair = Pair { left: path("b"), right: Some(path("c")) };
    let flow = flow.with(Forms::MAP, map).with(Forms::PAIR, pair);
    flow.run::<Forms>()?;
    for name in ["a", "b", "c"] {
        std::fs::write(path(name), "longer")?;
        assert!(!flow.is_complete::<Forms>()?, "{name}");
        flow.run::<Forms>()?;
    }
    assert_eq!(*flow.load::<Forms>()?, 18);
    Ok(())
}

/// Changes the file between two reads.
#[derive(Task)]
#[task(target = Json<String>)]
struct Late {
    path: PathBuf,
}

#[tracked]
impl Run for Late {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        let path = cx.file(&self.path)?;
        if std::fs::read_to_string(&path)? == "old" {
            std::fs::write(&path, "new!")?;
        }
        Ok(std::fs::read_to_string(path)?)
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_fails_the_task() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("file");
    std::fs::write(&path, "old")?;
    let flow = flow.with(Late::PATH, &path);
    let summary = crate::support::failure(flow.run::<Late>());
    let error = summary.failed()[0].error.clone().expect("an error");
    assert!(error.ends_with("changed while the task was running; run it again"), "{error}");
    flow.run::<Late>()?;
    assert_eq!(*flow.load::<Late>()?, "new!");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_file_name_that_is_not_unicode_is_tracked() -> Result<()> {
    use std::os::unix::ffi::OsStrExt;

    let (flow, folder) = flow();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside)?;
    let flow = flow.with(Entries::FOLDER, &inside);
    flow.run::<Entries>()?;
    assert!(flow.is_complete::<Entries>()?);
    std::fs::write(inside.join(std::ffi::OsStr::from_bytes(b"\xff.csv")), "x")?;
    assert!(!flow.is_complete::<Entries>()?);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<usize>)]
struct Entries {
    #[param(file)]
    folder: PathBuf,
}

#[tracked]
impl Run for Entries {
    fn run(&self, _cx: &Cx<Self>) -> Result<usize> {
        Ok(std::fs::read_dir(&self.folder)?.count())
    }
}

#[task(target = Json<Vec<usize>>)]
fn labelled(#[param(file)] inputs: Vec<(String, PathBuf)>) -> Result<Vec<usize>> {
    inputs.iter().map(|(_, path)| Ok(std::fs::read_to_string(path)?.len())).collect()
}

#[test]
fn text_beside_paths_is_not_tracked_as_a_file() -> Result<()> {
    let (flow, folder) = flow();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a"), "a")?;
    std::fs::write(path("b"), "bb")?;
    let inputs = vec![("left".to_owned(), path("a")), ("right".to_owned(), path("b"))];
    let flow = flow.with(labelled::INPUTS, inputs.clone());
    assert!(flow.check::<labelled>().is_ok());
    flow.run::<labelled>()?;
    assert_eq!(*flow.load::<labelled>()?, [1, 2]);
    // The paths are tracked as files, and the text is part of the parameter's value.
    std::fs::write(path("b"), "bbb")?;
    assert!(!flow.is_complete::<labelled>()?);
    flow.run::<labelled>()?;
    assert_eq!(*flow.load::<labelled>()?, [1, 3]);
    let renamed = vec![("other".to_owned(), path("a")), inputs[1].clone()];
    assert!(!flow.with(labelled::INPUTS, renamed).is_complete::<labelled>()?);
    Ok(())
}
