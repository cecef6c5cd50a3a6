//! Pipes and huge sparse files in place of the store's own files: no operation blocks or exhausts the
//! memory, and each returns an error or a correct result.

use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use flow::prelude::*;

use crate::faulty::Faulty;
use crate::support::{alone, faulty_flow, flow, in_full, one_file, peak};
use crate::wheat::{Bread, Milled, assert_bread, mill, sow};

/// The size of a sparse file, in bytes. It takes no space on the disk.
const LARGE: u64 = 3 << 30;

/// The limit of the memory that the operations may use, in bytes.
const MEMORY: u64 = 500 << 20;

/// A special file that replaces a file of the store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Odd {
    Pipe,
    Sparse,
}

impl Odd {
    fn put(self, path: &Path) -> Result<()> {
        let _ = fs::remove_file(path);
        fs::create_dir_all(path.parent().expect("a folder"))?;
        match self {
            Self::Sparse => fs::File::create(path)?.set_len(LARGE)?,
            Self::Pipe => {
                use rustix::fs::{CWD, FileType, Mode, mknodat};
                mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
            }
        }
        Ok(())
    }
}

/// Runs `act` on a thread of its own, and panics if it takes longer than a minute.
fn ends<T: Send + 'static>(what: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = channel();
    std::thread::spawn(move || done.send(act()));
    let limit = Duration::from_secs(60);
    is_done.recv_timeout(limit).unwrap_or_else(|error| panic!("{what} does not end: {error}"))
}

/// Opens the store in a folder, without syncing files, which would take most of the time.
fn open(folder: &Path) -> Result<Flow> {
    Ok(mill(&faulty_flow(folder, &Faulty::new())?, folder))
}

fn done() -> Result<(Flow, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let flow = open(folder.path())?;
    for data in [&[4, 5][..], &[1, 2, 3]] {
        sow(&folder.path().join("grains.txt"), data);
        flow.run::<Bread>()?;
    }
    Ok((flow, folder))
}

/// Runs all operations that read a store.
fn acts(flow: &Flow) -> Vec<Result<(), flow::Error>> {
    vec![
        flow.is_complete::<Bread>().map(drop),
        flow.why::<Bread>().map(drop),
        flow.store().verify().map(drop),
        flow.store().gc().older_than(Duration::ZERO).find().map(drop),
        flow.run::<Bread>().map(drop),
        flow.with(Milled::BY, 3).run::<Bread>().map(drop),
        flow.store()
            .gc()
            .older_than(Duration::ZERO)
            .find()
            .and_then(|found| found.remove().map(drop)),
        flow.store().clear_task::<Milled>().map(drop),
    ]
}

#[test]
fn no_operation_hangs_on_a_special_file_in_a_store() -> Result<()> {
    alone(|| {
        let peak_before = peak();
        for odd in [Odd::Pipe, Odd::Sparse] {
            for part in [
                ".flow/index/Milled",
                ".flow/owners/Milled",
                ".flow/running/0123456789abcdef",
                ".flow/digests",
                "Milled/record.json",
                "Milled/failure.json",
                ".flow/versions/Milled/record",
                ".flow/code/table",
            ] {
                let (flow, folder) = done()?;
                let at = flow.folder();
                let path = match part {
                    "Milled/record.json" => one_file(&at.join("Milled"), "record.json", ""),
                    "Milled/failure.json" => one_file(&at.join("Milled"), "record.json", "")
                        .with_file_name("failure.json"),
                    ".flow/versions/Milled/record" => {
                        one_file(&at.join(".flow/versions/Milled"), "", ".json")
                    }
                    ".flow/code/table" => {
                        let first = fs::read_dir(at.join(".flow/code"))?.next().expect("a table");
                        first?.path()
                    }
                    part => at.join(part),
                };
                odd.put(&path)?;
                let flow = open(folder.path())?;
                let what = format!("{odd:?} {part}");
                let done = ends(&what, {
                    let flow = flow.clone();
                    move || acts(&flow)
                });
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                for error in done.into_iter().filter_map(Result::err) {
                    let error = in_full(error);
                    let why = ["not a regular file", "of its kind", "No such device"];
                    assert!(error.contains(&name), "{what}: {error}");
                    assert!(why.iter().any(|why| error.contains(why)), "{what}: {error}");
                }
                // Without a valid record the output does not count, and the task has run again.
                if part == "Milled/record.json" {
                    flow.run::<Bread>()?;
                    assert_bread(&flow, &[1, 2, 3], 10);
                }
            }
        }
        assert!(peak() - peak_before < MEMORY, "{} bytes", peak() - peak_before);
        Ok(())
    })
}

#[test]
fn no_operation_hangs_on_a_special_file_in_an_export() -> Result<()> {
    alone(|| {
        let peak_before = peak();
        for odd in [Odd::Pipe, Odd::Sparse] {
            for part in
                ["manifest.json", ".exporting.json", "README.md", "Bread", ".exporting.lock"]
            {
                // The other files are never read into memory: they are hashed, or not read at all.
                if odd == Odd::Sparse && !["manifest.json", ".exporting.json"].contains(&part) {
                    continue;
                }
                let (flow, folder) = done()?;
                let handed = folder.path().join("handed");
                flow.export::<Bread>(&handed)?;
                match part {
                    "Bread" => odd.put(&one_file(&handed.join(part), "", ".json"))?,
                    part => odd.put(&handed.join(part))?,
                }
                let (exporting, to) = (flow.clone(), handed.clone());
                let done = ends(&format!("{odd:?} {part}"), move || exporting.export::<Bread>(&to));
                let error = in_full(done.expect_err(part));
                assert!(error.contains(part), "{odd:?} {part}: {error}");
                if part == "manifest.json" {
                    let other = Flow::open(folder.path().join("other"))?.quiet();
                    let done = ends(part, move || other.import(&handed));
                    let error = in_full(done.expect_err(part));
                    assert!(error.contains(part), "{odd:?} {part}: {error}");
                }
            }
        }
        assert!(peak() - peak_before < MEMORY, "{} bytes", peak() - peak_before);
        Ok(())
    })
}

#[derive(Task)]
#[task(target = Json<usize>)]
struct Login {
    token: Secret<String>,
}

runs!(Login: usize = |self, _cx| Ok(self.token.expose().len()));

#[test]
fn a_special_file_is_not_read_as_the_key_of_a_store() -> Result<()> {
    for odd in [Odd::Pipe, Odd::Sparse] {
        let (flow, _folder) = flow();
        let secret = flow.folder().join(".flow/secret");
        odd.put(&secret)?;
        let flow = flow.with(Login::TOKEN, "hunter2");
        let done = ends("a secret", move || flow.is_complete::<Login>());
        let error = in_full(done.expect_err("no key"));
        assert!(error.contains(&*secret.to_string_lossy()), "{error}");
    }
    Ok(())
}
