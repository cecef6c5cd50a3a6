//! Files and folders that a task writes itself, at `cx.out_path()`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use flow::File;
use flow::prelude::*;

use crate::support::{
    failed, failure, faulty_flow, files_below, flow, preview, ran, reused, unchanged,
};

#[derive(Task)]
#[task(target = File(extension = "txt"))]
struct Greeting;

runs!(Greeting: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    fs::write(&path, "hello")?;
    // Each call returns the same path.
    ensure!(cx.out_path()? == path, "another path");
    Ok(path)
});

#[derive(Task)]
#[task(requires = Greeting, target = Text)]
struct Loud;

runs!(Loud: String = |self, cx| Ok(fs::read_to_string(&*cx.input().load()?)?.to_uppercase()));

#[test]
fn a_written_file_is_an_output_like_any_other() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Loud>()?), ["Greeting", "Loud"]);
    assert_eq!(*flow.load::<Loud>()?, "HELLO");
    let path = flow.load::<Greeting>()?.into_owned();
    assert!(path.is_absolute() && path.extension().is_some_and(|e| e == "txt"), "{path:?}");
    assert_eq!(flow.output::<Greeting>()?.path()?, path);
    assert!(flow.run::<Loud>()?.ran().is_empty());
    fs::write(&path, "hullo")?;
    let shown = preview::<Loud>(&flow);
    assert!(shown.contains(".txt was modified"), "{shown}");
    let summary = flow.run::<Loud>()?;
    assert_eq!(
        (ran(&summary), unchanged(&summary)),
        (vec!["Greeting".into()], vec!["Loud".into()])
    );
    Ok(())
}

#[test]
fn the_path_of_a_missing_file_is_not_returned() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Greeting>()?;
    let output = flow.output::<Greeting>()?;
    fs::remove_file(output.path()?)?;
    let error = crate::support::in_full(output.load().expect_err("it is gone"));
    assert!(error.contains("it was removed after the plan was made"), "{error}");
    Ok(())
}

/// The names and texts of the files that the tasks below write.
const TREE: [(&str, &str); 5] =
    [("a", "1"), (".hidden", "2"), ("sub/ü ñ 😀.txt", "3"), ("sub/deep/er/b", ""), ("z.bin", "5")];

fn write_tree(path: &Path) -> Result<()> {
    for (name, text) in TREE {
        let file = path.join(name);
        fs::create_dir_all(file.parent().expect("a folder"))?;
        fs::write(file, text)?;
    }
    Ok(fs::create_dir_all(path.join("empty/inside"))?)
}

fn assert_is_tree(path: &Path) {
    for (name, text) in TREE {
        assert_eq!(fs::read_to_string(path.join(name)).ok().as_deref(), Some(text), "{name}");
    }
    assert!(path.join("empty/inside").is_dir());
    assert_eq!(files_below(path).len(), TREE.len());
}

#[derive(Task)]
#[task(target = File)]
struct Tree {
    #[param(default = 0)]
    unused: u64,
}

runs!(Tree: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    write_tree(&path)?;
    cx.meta("unused", self.unused)?;
    Ok(path)
});

#[derive(Task)]
#[task(requires = Tree, target = File)]
struct Second;

runs!(Second: PathBuf = |self, cx| {
    assert_is_tree(&cx.input().load()?);
    let path = cx.out_path()?;
    write_tree(&path)?;
    Ok(path)
});

#[test]
fn a_folder_is_stored_with_all_its_content() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Second>()?), ["Second", "Tree"]);
    assert_is_tree(&flow.load::<Tree>()?);
    assert!(flow.run::<Second>()?.ran().is_empty());
    // A forced run that writes equal content leaves `Second` unchanged.
    let summary = flow.force::<Tree>().run::<Second>()?;
    assert_eq!((ran(&summary), unchanged(&summary)), (vec!["Tree".into()], vec!["Second".into()]));
    Ok(())
}

#[test]
fn any_change_in_a_folder_is_noticed() -> Result<()> {
    type Change = fn(&Path) -> std::io::Result<()>;
    let changes: [(&str, &str, Change); 11] = [
        ("more", "", |at| fs::write(at.join("more"), "")),
        ("more", "/empty/inside", |at| fs::write(at.join("empty/inside/more"), "")),
        ("hidden", "", |at| fs::write(at.join(".more"), "")),
        ("folder", "/sub", |at| fs::create_dir(at.join("sub/more"))),
        ("missing", "/a", |at| fs::remove_file(at.join("a"))),
        ("missing", "/sub/deep/er/b", |at| fs::remove_file(at.join("sub/deep/er/b"))),
        ("missing", "/empty", |at| fs::remove_dir_all(at.join("empty"))),
        ("other", "/.hidden", |at| fs::write(at.join(".hidden"), "X")),
        ("longer", "/sub/ü ñ 😀.txt", |at| fs::write(at.join("sub/ü ñ 😀.txt"), "33")),
        ("renamed", "/z.bin", |at| fs::rename(at.join("z.bin"), at.join("y.bin"))),
        ("kind", "/a", |at| fs::remove_file(at.join("a")).and(fs::create_dir(at.join("a")))),
    ];
    for (what, named, change) in changes {
        let (flow, _folder) = flow();
        flow.run::<Tree>()?;
        let path = flow.load::<Tree>()?.into_owned();
        // The resolution of file times is limited.
        std::thread::sleep(std::time::Duration::from_millis(12));
        change(&path)?;
        let shown = preview::<Tree>(&flow);
        assert!(shown.contains(&format!("{named} was modified")), "{what}: {shown}");
        assert_eq!(ran(&flow.run::<Tree>()?), ["Tree"], "{what}");
        assert_is_tree(&flow.load::<Tree>()?);
    }
    Ok(())
}

#[test]
fn a_touched_folder_is_complete() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Tree>()?;
    for file in files_below(&flow.load::<Tree>()?) {
        let file = fs::File::options().append(true).open(file)?;
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)?;
    }
    assert!(flow.is_complete::<Tree>()?);
    assert!(flow.run::<Tree>()?.ran().is_empty());
    Ok(())
}

#[test]
fn a_folder_is_reused_through_links_or_copies() -> Result<()> {
    use std::io::ErrorKind;

    use crate::faulty::{Fault, Faulty, Op};

    for links in [true, false] {
        let folder = tempfile::tempdir()?;
        let fs = Faulty::new();
        fs.fail(move |_, op, _| {
            (!links && op == Op::Link).then_some(Fault::Refuse(ErrorKind::Unsupported))
        });
        let one = faulty_flow(folder.path(), &fs)?;
        let two = one.with(Tree::UNUSED, 1u64);
        one.run::<Second>()?;
        assert_eq!(reused(&two.run::<Second>()?), ["Second"]);
        assert_ne!(one.load::<Second>()?.as_path(), two.load::<Second>()?.as_path());
        one.graph::<Second>().reset_all()?;
        assert_is_tree(&two.load::<Second>()?);
        assert!(two.run::<Second>()?.ran().is_empty());
    }
    Ok(())
}

#[test]
fn a_reset_removes_the_whole_folder() -> Result<()> {
    for reset in [
        |flow: &Flow| flow.reset::<Tree>(),
        |flow: &Flow| flow.store().clear_task::<Tree>(),
        |flow: &Flow| flow.store().clear(),
    ] {
        let (flow, _folder) = flow();
        flow.run::<Tree>()?;
        let removed = reset(&flow)?;
        // The record and the files of the folder.
        assert!(removed.files.len() > TREE.len(), "{removed:?}");
        let mut left = files_below(flow.folder());
        left.retain(|file| !file.starts_with(flow.folder().join(".flow")));
        assert_eq!(left, Vec::<PathBuf>::new());
        assert_eq!(ran(&flow.run::<Tree>()?), ["Tree"]);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Mistake {
    NothingWritten,
    NotAsked,
    AnotherPath,
    Fails,
    Panics,
    #[cfg(unix)]
    Link,
    #[cfg(unix)]
    LinkInside,
    #[cfg(unix)]
    Dangling,
    #[cfg(unix)]
    Loop,
    #[cfg(unix)]
    NotUnicode,
    #[cfg(unix)]
    Pipe,
}

#[derive(Task)]
#[task(target = File)]
struct Wrong {
    mistake: Mistake,
    elsewhere: PathBuf,
}

#[cfg(unix)]
fn on_unix(mistake: Mistake, path: &Path, elsewhere: &Path) -> Result<()> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    if mistake != Mistake::Link {
        fs::create_dir(path)?;
        fs::write(path.join("a"), "")?;
    }
    match mistake {
        Mistake::Link => symlink(elsewhere, path)?,
        Mistake::LinkInside => symlink(elsewhere, path.join("link"))?,
        Mistake::Dangling => symlink("nowhere", path.join("link"))?,
        Mistake::Loop => symlink(path, path.join("link"))?,
        Mistake::NotUnicode => fs::write(path.join(OsStr::from_bytes(b"\xff")), "")?,
        Mistake::Pipe => {
            let made = std::process::Command::new("mkfifo").arg(path.join("pipe")).status()?;
            ensure!(made.success(), "no pipe");
        }
        _ => {}
    }
    Ok(())
}

runs!(Wrong: PathBuf = |self, cx| {
    if self.mistake == Mistake::NotAsked {
        return Ok(self.elsewhere.clone());
    }
    let path = cx.out_path()?;
    match self.mistake {
        Mistake::NothingWritten => return Ok(path),
        Mistake::AnotherPath => return Ok(path.join("inside")),
        Mistake::Fails | Mistake::Panics => write_tree(&path)?,
        #[cfg(unix)]
        mistake => on_unix(mistake, &path, &self.elsewhere)?,
        #[cfg(not(unix))]
        Mistake::NotAsked => {}
    }
    ensure!(self.mistake != Mistake::Fails, "it fails");
    assert!(self.mistake != Mistake::Panics, "it panics");
    Ok(path)
});

#[test]
fn a_wrong_output_is_explained_and_removed() -> Result<()> {
    let cases = [
        (Mistake::NothingWritten, "has to write a file, or fill a folder, at `cx.out_path()?`"),
        (Mistake::NotAsked, "has not asked where to write its file: it goes to `cx.out_path()?`"),
        (Mistake::AnotherPath, "its file goes to `cx.out_path()?`"),
        (Mistake::Fails, "it fails"),
        (Mistake::Panics, "it panics"),
        #[cfg(unix)]
        (Mistake::Link, "it is a link"),
        #[cfg(unix)]
        (Mistake::LinkInside, "it is a link"),
        #[cfg(unix)]
        (Mistake::Dangling, "it is a link"),
        #[cfg(unix)]
        (Mistake::Loop, "it is a link"),
        #[cfg(unix)]
        (Mistake::NotUnicode, "its name is not Unicode"),
        #[cfg(unix)]
        (Mistake::Pipe, "it is neither a file nor a folder"),
    ];
    for (mistake, said) in cases {
        let (flow, folder) = flow();
        let elsewhere = folder.path().join("mine");
        write_tree(&elsewhere)?;
        let flow = flow.with(Wrong::MISTAKE, mistake).with(Wrong::ELSEWHERE, &*elsewhere);
        let summary = failure(flow.run::<Wrong>());
        assert_eq!(failed(&summary), ["Wrong"]);
        let error = summary.failed()[0].error.clone().unwrap_or_default();
        assert!(error.contains(said), "{mistake:?}: {error}");
        let at = flow.preview::<Wrong>()?.instances().next().expect("a root").folder()?;
        let left: Vec<_> = fs::read_dir(&at)?.map(|e| Ok(e?.file_name())).collect::<Result<_>>()?;
        assert_eq!(left, ["failure.json"], "{mistake:?}");
        // The files behind a link belong to the user.
        assert_is_tree(&elsewhere);
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn files_behind_a_link_are_kept_although_the_link_stays() -> Result<()> {
    use std::io::ErrorKind;

    use crate::faulty::{Fault, Faulty, Op};

    let folder = tempfile::tempdir()?;
    let elsewhere = folder.path().join("mine");
    write_tree(&elsewhere)?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?;
    let flow = flow.with(Wrong::ELSEWHERE, &*elsewhere);
    for mistake in [Mistake::Link, Mistake::LinkInside] {
        // As in a folder that may not be written to.
        fs.fail(|_, op, path| {
            let link = path.is_symlink() && op == Op::Remove;
            link.then_some(Fault::Refuse(ErrorKind::PermissionDenied))
        });
        failure(flow.with(Wrong::MISTAKE, mistake).run::<Wrong>());
        assert_is_tree(&elsewhere);
        let _ = flow.store().clear();
        assert_is_tree(&elsewhere);
        fs.heal();
        flow.store().clear()?;
        assert_is_tree(&elsewhere);
        assert_eq!(flow.folder().join("Wrong").read_dir().map_or(0, Iterator::count), 0);
    }
    Ok(())
}

#[derive(Task)]
#[task(target = File(extension = ".a/../../b"))]
struct Hostile;

runs!(Hostile: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    fs::write(&path, "hello")?;
    Ok(path)
});

#[test]
fn an_extension_does_not_lead_out_of_the_store() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Hostile>()?;
    let path = flow.load::<Hostile>()?.into_owned();
    assert!(path.to_string_lossy().ends_with(".a_.._.._b"), "{path:?}");
    assert!(flow.is_complete::<Hostile>()?);
    Ok(())
}

/// Writes its folder, and then waits to be killed.
#[derive(Task)]
#[task(target = File)]
struct Endless;

runs!(Endless: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    write_tree(&path)?;
    if std::env::var_os(FOLDER).is_some() {
        eprintln!("writing");
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
    Ok(path)
});

const FOLDER: &str = "FLOW_TEST_WRITTEN";

/// Runs `Endless` until it is killed.
#[test]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    Flow::open(folder)?.quiet().run::<Endless>().map(drop).map_err(Into::into)
}

#[test]
fn files_of_a_killed_process_are_not_read() -> Result<()> {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let (flow, _folder) = flow();
    let mut child = Command::new(std::env::current_exe()?)
        .args(["out_path::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, flow.folder())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    assert!(stderr.lines().map_while(Result::ok).any(|line| line == "writing"));
    child.kill()?;
    child.wait()?;
    assert!(!files_below(flow.folder()).is_empty());
    assert!(preview::<Endless>(&flow).contains("never run"));
    assert_eq!(ran(&flow.run::<Endless>()?), ["Endless"]);
    assert_is_tree(&flow.load::<Endless>()?);
    // The remains are removed by the next reset.
    flow.store().clear_task::<Endless>()?;
    assert!(!flow.folder().join("Endless").exists());
    Ok(())
}
