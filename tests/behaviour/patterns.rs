//! Patterns as file parameters: the set of matching files and their content are tracked.

use std::fs;
use std::path::{Path, PathBuf};

use flow::prelude::*;

use crate::support::{failure, flow, preview, ran};

/// Returns the names and the content of the files that its parameter matches.
#[derive(Task)]
#[task(target = Json<Vec<String>>)]
struct Read {
    #[param(file)]
    source: PathBuf,
}

runs!(Read: Vec<String> = |self, cx| read(&cx.files(&self.source)?));

/// Finds its files only while it runs; the parameter is not declared as a file.
#[derive(Task)]
#[task(target = Json<Vec<String>>)]
struct Follow {
    source: PathBuf,
}

runs!(Follow: Vec<String> = |self, cx| read(&cx.files(&self.source)?));

fn read(files: &[PathBuf]) -> Result<Vec<String>> {
    let name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    files.iter().map(|file| Ok(format!("{}: {}", name(file), fs::read_to_string(file)?))).collect()
}

/// Creates a folder `in` with `b.csv`, `a.csv`, `sub/c.csv` and `notes.txt`.
fn folder(at: &Path) -> Result<PathBuf> {
    let folder = at.join("in");
    fs::create_dir_all(folder.join("sub"))?;
    for (name, text) in [("b.csv", "b"), ("a.csv", "a"), ("sub/c.csv", "c"), ("notes.txt", "n")] {
        fs::write(folder.join(name), text)?;
    }
    Ok(folder)
}

#[test]
fn the_set_of_matching_files_and_their_content_are_tracked() -> Result<()> {
    let (flow, temp) = flow();
    let folder = folder(temp.path())?;
    let source = folder.join("*.csv");
    let flow = flow.with(Read::SOURCE, &*source).with(Follow::SOURCE, &*source);
    assert_eq!(ran(&flow.run::<(Read, Follow)>()?), ["Follow", "Read"]);
    assert_eq!(*flow.load::<Read>()?, ["a.csv: a", "b.csv: b"]);
    // Files of a parameter are recorded once, with the parameter. Files found in the run are
    // recorded as reads.
    let reads = |task: &str| -> Result<String> {
        let record = crate::support::one_file(&flow.folder().join(task), "record", ".json");
        let record: serde_json::Value = serde_json::from_slice(&fs::read(record)?)?;
        Ok(record["reads"].to_string())
    };
    assert_eq!(reads("Read")?, "null");
    assert!(reads("Follow")?.contains("*.csv"));

    type Change = fn(&Path) -> std::io::Result<()>;
    let changes: [(Change, &str); 4] = [
        (|at| fs::write(at.join("c.csv"), "c"), "changed"),
        (|at| fs::rename(at.join("c.csv"), at.join("d.csv")), "changed"),
        (|at| fs::write(at.join("a.csv"), "A"), "changed"),
        (|at| fs::remove_file(at.join("d.csv")), "changed"),
    ];
    for (change, what) in changes {
        change(&folder)?;
        for shown in [preview::<Read>(&flow), preview::<Follow>(&flow)] {
            let reason = format!("PENDING file: {} {what}", source.display());
            assert!(shown.contains(&reason), "{shown}");
        }
        flow.run::<(Read, Follow)>()?;
        assert_eq!(*flow.load::<Read>()?, *flow.load::<Follow>()?);
        assert_eq!(ran(&flow.run::<(Read, Follow)>()?), [""; 0]);
    }
    assert_eq!(*flow.load::<Read>()?, ["a.csv: A", "b.csv: b"]);

    // Files that do not match do not count. When the earlier content is back, its output is reused.
    fs::write(folder.join("notes.txt"), "m")?;
    fs::write(folder.join("sub/c.csv"), "d")?;
    fs::write(folder.join(".hidden.csv"), "h")?;
    assert!(flow.is_complete::<(Read, Follow)>()?);
    fs::write(folder.join("a.csv"), "a")?;
    assert_eq!(ran(&flow.run::<Read>()?), [""; 0]);
    assert_eq!(*flow.load::<Read>()?, ["a.csv: a", "b.csv: b"]);
    Ok(())
}

#[test]
fn two_stars_match_any_folders_and_a_folder_means_all_its_files() -> Result<()> {
    let (flow, temp) = flow();
    let folder = folder(temp.path())?;
    let at = |source: &Path| -> Result<Vec<String>> {
        let flow = flow.with(Read::SOURCE, source);
        flow.run::<Read>()?;
        Ok(flow.load::<Read>()?.into_owned())
    };
    assert_eq!(at(&folder.join("**/*.csv"))?, ["a.csv: a", "b.csv: b", "c.csv: c"]);
    let all = ["a.csv: a", "b.csv: b", "notes.txt: n", "c.csv: c"];
    assert_eq!(at(&folder)?, all);
    assert_eq!(at(&folder.join("**"))?, all);
    assert_eq!(at(&folder.join("a.csv"))?, ["a.csv: a"]);
    let flow = flow.with(Read::SOURCE, folder.join("**/*.csv"));
    fs::write(folder.join("sub/c.csv"), "C")?;
    assert_eq!(ran(&flow.run::<Read>()?), ["Read"]);
    Ok(())
}

#[test]
fn a_file_named_like_a_pattern_is_read_as_a_path() -> Result<()> {
    let (flow, temp) = flow();
    let folder = temp.path().join("in");
    fs::create_dir(&folder)?;
    fs::write(folder.join("[ab].csv"), "itself")?;
    fs::write(folder.join("a.csv"), "a")?;
    let flow = flow.with(Read::SOURCE, folder.join("[ab].csv"));
    flow.run::<Read>()?;
    assert_eq!(*flow.load::<Read>()?, ["[ab].csv: itself"]);
    fs::write(folder.join("a.csv"), "A")?;
    assert!(flow.is_complete::<Read>()?);
    fs::remove_file(folder.join("[ab].csv"))?;
    assert_eq!(ran(&flow.run::<Read>()?), ["Read"]);
    assert_eq!(*flow.load::<Read>()?, ["a.csv: A"]);
    Ok(())
}

#[test]
fn a_pattern_without_matches_fails_the_task() -> Result<()> {
    let (flow, temp) = flow();
    let source = temp.path().join("in/*.csv");
    let flow = flow.with(Read::SOURCE, &*source).with(Follow::SOURCE, &*source);
    let shown = preview::<Read>(&flow);
    let reason = format!("PENDING never run; file: {} matches no file", source.display());
    assert!(shown.contains(&reason), "{shown}");
    let summary = failure(flow.run::<(Read, Follow)>());
    let errors: Vec<_> = summary.failed().into_iter().filter_map(|entry| entry.error).collect();
    assert_eq!(
        errors,
        [
            format!(
                "no file matches {source:?}, which is `Read.source`: create the file, or give the \
                 parameter another value"
            ),
            format!("no file matches {source:?}"),
        ]
    );
    folder(temp.path())?;
    flow.run::<(Read, Follow)>()?;
    // The files are removed again.
    fs::remove_dir_all(temp.path().join("in"))?;
    for shown in [preview::<Read>(&flow), preview::<Follow>(&flow)] {
        assert!(shown.contains(&format!("file: {} matches no file", source.display())), "{shown}");
    }
    // A name that is no valid pattern is a path, although it contains pattern characters.
    let flow = flow.with(Read::SOURCE, temp.path().join("in/[.csv"));
    let error = failure(flow.run::<Read>()).failed()[0].error.clone().unwrap_or_default();
    assert!(error.starts_with("there is no file"), "{error}");
    Ok(())
}

/// Creates a file while it runs, among the files that it reads.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Meddles {
    #[param(file)]
    watched: Option<PathBuf>,
    #[param(default)]
    found: Option<PathBuf>,
    #[param(default)]
    file: Option<PathBuf>,
    new: PathBuf,
}

runs!(Meddles: usize = |self, cx| {
    self.file.as_ref().map(|file| cx.file(file)).transpose()?;
    let found = self.found.as_ref().map(|found| cx.files(found)).transpose()?;
    if !self.new.exists() {
        fs::write(&self.new, "new")?;
    }
    Ok(found.map_or(0, |found| found.len()))
});

#[test]
fn a_file_created_during_the_run_fails_the_task() -> Result<()> {
    let (flow, temp) = flow();
    let folder = folder(temp.path())?;
    for source in [folder.clone(), folder.join("*.csv"), folder.join("**")] {
        let new = folder.join("new.csv");
        let of_parameter = flow.with(Meddles::WATCHED, Some(source.clone()));
        let of_read =
            flow.with(Meddles::WATCHED, None::<PathBuf>).with(Meddles::FOUND, Some(source.clone()));
        let as_it_is = flow.with(Meddles::WATCHED, None::<PathBuf>);
        let of_file = as_it_is.with(Meddles::FILE, Some(source.clone()));
        // `cx.file` takes a path and no pattern.
        let of_file = source.is_dir().then_some(of_file);
        for flow in [of_parameter, of_read].into_iter().chain(of_file) {
            let flow = flow.with(Meddles::NEW, &*new);
            let summary = failure(flow.run::<Meddles>());
            let error = summary.failed()[0].error.clone().unwrap_or_default();
            assert_eq!(
                error,
                format!("{source:?} changed while the task was running; run it again")
            );
            assert!(!flow.is_complete::<Meddles>()?);
            // The file exists now, so that the second run succeeds.
            flow.run::<Meddles>()?;
            assert!(flow.is_complete::<Meddles>()?);
            flow.reset::<Meddles>()?;
            fs::remove_file(&new)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::support::in_full;

    #[test]
    fn links_are_followed_and_circular_links_end() -> Result<()> {
        let (flow, temp) = flow();
        let folder = folder(temp.path())?;
        let outside = temp.path().join("outside");
        fs::create_dir(&outside)?;
        fs::write(outside.join("o.csv"), "o")?;
        symlink(&outside, folder.join("link"))?;
        symlink(outside.join("o.csv"), folder.join("o.csv"))?;
        symlink(&folder, folder.join("sub/circle"))?;
        symlink(".", folder.join("itself"))?;
        symlink("nowhere", folder.join("nothing"))?;
        let all = flow.with(Read::SOURCE, &*folder);
        let csv = flow.with(Read::SOURCE, folder.join("**/*.csv"));
        all.run::<Read>()?;
        csv.run::<Read>()?;
        let files = ["a.csv: a", "b.csv: b", "o.csv: o", "notes.txt: n", "o.csv: o", "c.csv: c"];
        assert_eq!(
            *all.load::<Read>()?,
            ["a.csv: a", "b.csv: b", "o.csv: o", files[3], files[4], files[5]]
        );
        // `**` follows no links to folders.
        assert_eq!(*csv.load::<Read>()?, ["a.csv: a", "b.csv: b", "o.csv: o", "c.csv: c"]);

        // The content behind a link is tracked, and so is whether a link is circular or broken.
        type Change = fn(&Path) -> std::io::Result<()>;
        let changes: [Change; 4] = [
            |at| fs::write(at.join("../outside/o.csv"), "p"),
            |at| fs::remove_file(at.join("nothing")),
            |at| fs::remove_file(at.join("itself")),
            |at| {
                fs::remove_file(at.join("sub/circle"))?;
                symlink(".", at.join("sub/circle"))
            },
        ];
        for change in changes {
            change(&folder)?;
            assert_eq!(ran(&all.run::<Read>()?), ["Read"]);
        }
        assert_eq!(ran(&csv.run::<Read>()?), ["Read"]);
        Ok(())
    }

    #[test]
    fn an_error_names_the_file_that_cannot_be_read() -> Result<()> {
        let (flow, temp) = flow();
        let folder = folder(temp.path())?;
        symlink("loop", folder.join("loop"))?;
        let of_folder = flow.with(Read::SOURCE, &*folder);
        let error = in_full(of_folder.run::<Read>().expect_err("a link to itself"));
        assert!(error.contains(&format!("cannot read {}/loop", folder.display())), "{error}");
        fs::remove_file(folder.join("loop"))?;

        // Opening a pipe would block until another process writes to it.
        let pipe = folder.join("sub/pipe.csv");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status()?.success());
        for source in [folder.clone(), pipe.clone()] {
            let flow = flow.with(Read::SOURCE, source);
            let error = in_full(flow.run::<Read>().expect_err("a pipe"));
            let expected =
                format!("cannot read {}: it is neither a file nor a folder", pipe.display());
            assert!(error.contains(&expected), "{error}");
        }
        // A pattern matches regular files only.
        let flow = flow.with(Read::SOURCE, folder.join("**/*.csv"));
        flow.run::<Read>()?;
        assert_eq!(flow.load::<Read>()?.len(), 3);
        Ok(())
    }
}

/// Stores in the same folder the text that it reads.
#[derive(Task)]
#[task(requires = Read, target = Text)]
struct Copied;

runs!(Copied: String = |self, cx| Ok(cx.input().load()?.join("\n")));

#[test]
fn a_pattern_over_the_store_matches_no_files_of_the_store() -> Result<()> {
    let (flow, _folder) = flow();
    let store = flow.folder().to_owned();
    fs::create_dir_all(store.join("raw"))?;
    fs::write(store.join("raw/a.txt"), "a")?;
    // As a folder and as a pattern, before and after the store is written to.
    for source in [store.clone(), store.join("**/*"), store.join("**/*.txt"), store.join("*/**")] {
        let flow = flow.with(Read::SOURCE, &*source);
        flow.run::<Copied>()?;
        assert_eq!(*flow.load::<Read>()?, ["a.txt: a"], "{}", source.display());
        assert!(flow.is_complete::<Copied>()?, "{}", source.display());
        assert!(flow.run::<Copied>()?.ran().is_empty());
    }
    // A path that leads into the store explicitly reads files of the store.
    let made = flow.with(Read::SOURCE, &*store.join("raw")).output::<Read>();
    assert!(made.is_err(), "it never ran");
    let flow = flow.with(Read::SOURCE, &*store);
    let output = flow.output::<Copied>()?.path()?;
    let at = output.parent().expect("the folder of the instance").join("*.txt");
    let read = flow.with(Read::SOURCE, &*at);
    read.run::<Read>()?;
    assert_eq!(read.load::<Read>()?.len(), 1);
    Ok(())
}
