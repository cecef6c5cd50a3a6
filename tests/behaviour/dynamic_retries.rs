//! A task handles the failure of a dynamic requirement: the requirement is tried again in each run,
//! and the output computed without it is not complete.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flow::prelude::*;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{faulty_flow, ran};

/// A server that answers or not.
struct Server(Arc<AtomicBool>);

impl Server {
    fn answers(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Task)]
#[task(uses(Server), target = Json<u64>)]
struct Asked;

runs!(Asked: u64 = |self, cx| {
    ensure!(cx.provided::<Server>().answers(), "no answer");
    Ok(1)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Opened {
    path: PathBuf,
}

runs!(Opened: u64 = |self, cx| Ok(std::fs::read_to_string(cx.file(&self.path)?)?.trim().parse()?));

/// Reads a file that is not tracked.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Untold {
    path: PathBuf,
}

runs!(Untold: u64 = |self, _cx| {
    let text = std::fs::read_to_string(&self.path).context("cannot read the number")?;
    Ok(text.trim().parse()?)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Told {
    program: PathBuf,
}

runs!(Told: u64 = |self, cx| {
    let said = cx.command("cat").arg(&self.program).output()?;
    Ok(String::from_utf8(said)?.trim().parse()?)
});

#[derive(Task)]
#[task(requires = Made, target = Json<u64>)]
struct Loaded;

runs!(Loaded: u64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Made;

runs!(Made: u64 = |self, _cx| Ok(1));

/// Defines a task that returns the output of its requirement, or 0 if that failed.
macro_rules! patient {
    ($name:ident, $required:ty, |$this:ident, $cx:ident| $required_by:expr) => {
        #[derive(Task)]
        #[task(target = Json<u64>)]
        struct $name {
            #[param(default = "")]
            at: PathBuf,
        }

        runs!($name: u64 = |$this, $cx| {
            let required: Result<flow::Input<$required>, flow::error::RequireError> = $required_by;
            ensure!(!$this.at.ends_with("none"));
            Ok(match required {
                Ok(required) => *required.load()?,
                Err(_) => 0,
            })
        });
    };
}

patient!(WithServer, Asked, |self, cx| cx.require());
patient!(WithFile, Opened, |self, cx| cx.with(Opened::PATH, &self.at).require());
patient!(WithUntold, Untold, |self, cx| cx.with(Untold::PATH, &self.at).require());
patient!(WithProgram, Told, |self, cx| cx.with(Told::PROGRAM, &self.at).require());
patient!(WithInput, Loaded, |self, cx| cx.require());

/// Asserts that the output computed without the failed requirement is not complete, and that after
/// `pass` a run computes it with the requirement.
fn assert_is_tried_again<T: Task<Target = Json<u64>>>(
    flow: &Flow,
    pass: impl FnOnce(),
) -> Result<()> {
    flow.run::<T>()?;
    assert!(!flow.is_complete::<T>()?);
    let refused = flow.load::<T>().expect_err("it is not complete").to_string();
    assert!(refused.contains(" failed)"), "{refused}");
    assert!(!ran(&flow.run::<T>()?).is_empty(), "it is tried again");
    pass();
    flow.run::<T>()?;
    assert_eq!(*flow.load::<T>()?, 1);
    assert!(flow.is_complete::<T>()?);
    assert!(flow.run::<T>()?.ran().is_empty());
    Ok(())
}

#[test]
fn a_server_that_does_not_answer_is_asked_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let answers = Arc::new(AtomicBool::new(false));
    let flow = faulty_flow(folder.path(), &Faulty::new())?.provide(Server(Arc::clone(&answers)));
    assert_is_tried_again::<WithServer>(&flow, || answers.store(true, Ordering::SeqCst))
}

#[test]
fn an_unreadable_tracked_file_is_tried_again() -> Result<()> {
    let (folder, fs) = (tempfile::tempdir()?, Faulty::new());
    let at = folder.path().join("number");
    std::fs::write(&at, "1")?;
    fs.fail(|_, op, path| {
        let refused = matches!(op, Op::Open | Op::Read | Op::Stat) && path.ends_with("number");
        refused.then_some(Fault::Refuse(ErrorKind::PermissionDenied))
    });
    let flow = faulty_flow(folder.path(), &fs)?.with(WithFile::AT, &at);
    assert_is_tried_again::<WithFile>(&flow, || fs.heal())
}

#[test]
fn an_untracked_failure_is_tried_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().join("number");
    let flow = faulty_flow(folder.path(), &Faulty::new())?.with(WithUntold::AT, &at);
    assert_is_tried_again::<WithUntold>(&flow, || std::fs::write(&at, "1").expect("a file"))
}

#[cfg(unix)]
#[test]
fn a_failing_program_is_started_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().join("number");
    let flow = faulty_flow(folder.path(), &Faulty::new())?.with(WithProgram::AT, &at);
    assert_is_tried_again::<WithProgram>(&flow, || std::fs::write(&at, "1").expect("a file"))
}

#[test]
fn an_unreadable_input_is_loaded_again() -> Result<()> {
    let (folder, fs) = (tempfile::tempdir()?, Faulty::new());
    let flow = faulty_flow(folder.path(), &fs)?;
    flow.run::<Made>()?;
    fs.fail(|_, op, path| {
        let made = path.parent().and_then(Path::parent).is_some_and(|task| task.ends_with("Made"));
        let output = matches!(op, Op::Open | Op::Read) && made && !path.ends_with("record.json");
        output.then_some(Fault::Refuse(ErrorKind::PermissionDenied))
    });
    assert_is_tried_again::<WithInput>(&flow, || fs.heal())
}
