//! Files that are rewritten with equal content while a task reads them: no output computed from
//! partial content is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use flow::Code;
use flow::prelude::*;
use flow::target::{Sink, Source};

use crate::support::{failed, failure, flow, ran};

const WHOLE: &str = "1\n2\n3\n4\n";

/// Paths of files that the tasks rewrite while they read them, as a download would: each once.
static WRITTEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn rewrite_once(path: &Path) {
    WRITTEN.lock().expect("no panic while a path is noted").push(path.to_owned());
}

/// Counts the lines of a file. If the path is in `WRITTEN`, the file is truncated while it is read,
/// and whole again afterwards.
fn count(path: &Path) -> Result<usize> {
    let mut written = WRITTEN.lock().expect("no panic while a path is noted");
    let place = written.iter().position(|written| written == path);
    let is_written = place.map(|place| written.remove(place)).is_some();
    drop(written);
    if is_written {
        fs::write(path, "1\n2\n")?;
    }
    let lines = fs::read_to_string(path)?.lines().count();
    if is_written {
        fs::write(path, WHOLE)?;
    }
    Ok(lines)
}

/// Asserts that a task fails if its file `path` is rewritten while it runs, and that the next run
/// counts all lines.
#[track_caller]
fn assert_rewrite_fails<T: Task<Target = Json<usize>>>(flow: &Flow, path: &Path) {
    fs::write(path, WHOLE).expect("a file");
    rewrite_once(path);
    let summary = failure(flow.run::<T>());
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.contains("was rewritten while the task was running"), "{error}");
    assert!(!flow.is_complete::<T>().expect("a plan"));
    flow.run::<T>().expect("nobody writes now");
    assert_eq!(*flow.load::<T>().expect("a count"), 4);
    flow.reset::<T>().expect("a reset");
}

#[task(target = Json<usize>)]
fn of_parameter(#[param(file)] path: &Path) -> Result<usize> {
    count(path)
}

#[test]
fn a_file_parameter_that_is_rewritten_fails_the_task() {
    let (flow, folder) = flow();
    let path = folder.path().join("in.txt");
    assert_rewrite_fails::<of_parameter>(&flow.with(of_parameter::PATH, &path), &path);
}

#[task(target = Json<usize>)]
fn of_files(cx: &Cx<of_files>, #[param(file)] path: &Path) -> Result<usize> {
    cx.files(path)?.iter().map(|file| count(file)).sum()
}

#[test]
fn a_rewritten_file_of_a_folder_or_pattern_fails_the_task() -> Result<()> {
    let (flow, folder) = flow();
    let inputs = folder.path().join("inputs");
    fs::create_dir(&inputs)?;
    for path in [inputs.clone(), inputs.join("*.txt")] {
        assert_rewrite_fails::<of_files>(&flow.with(of_files::PATH, &path), &inputs.join("in.txt"));
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Json<usize>)]
struct Named {
    path: PathBuf,
    #[param(default = false)]
    several: bool,
}

runs!(Named: usize = |self, cx| match self.several {
    true => cx.files(&self.path)?.iter().map(|file| count(file)).sum(),
    false => count(&cx.file(&self.path)?),
});

#[test]
fn a_rewritten_file_named_by_the_running_task_fails_it() {
    let (flow, folder) = flow();
    let path = folder.path().join("in.txt");
    let flow = flow.with(Named::PATH, &path);
    assert_rewrite_fails::<Named>(&flow, &path);
    let several = flow.with(Named::SEVERAL, true).with(Named::PATH, folder.path().join("*.txt"));
    assert_rewrite_fails::<Named>(&several, &path);
}

/// Names a file twice, which is rewritten in between.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Twice {
    path: PathBuf,
}

runs!(Twice: usize = |self, cx| {
    let lines = count(&cx.file(&self.path)?)?;
    cx.file(&self.path)?;
    Ok(lines)
});

#[test]
fn a_file_named_again_after_a_rewrite_fails_the_task() {
    let (flow, folder) = flow();
    let path = folder.path().join("in.txt");
    assert_rewrite_fails::<Twice>(&flow.with(Twice::PATH, &path), &path);
}

#[derive(Task)]
#[task(external, path = &self.path, target = Text)]
struct Download {
    path: PathBuf,
}

#[derive(Task)]
#[task(requires = Download, target = Json<usize>)]
struct OfPath;

runs!(OfPath: usize = |self, cx| count(&cx.input().path()?));

#[derive(Task)]
#[task(aggregate, requires = Download)]
struct Downloads;

#[derive(Task)]
#[task(requires = Downloads, target = Json<usize>)]
struct Late;

runs!(Late: usize = |self, cx| {
    let path = cx.input().load()?.path()?;
    count(&path)
});

#[derive(Task)]
#[task(target = Json<usize>)]
struct InRun {
    path: PathBuf,
}

runs!(InRun: usize = |self, cx| {
    let download = cx.with(Download::PATH, &self.path).require::<Download>()?;
    count(&download.path()?)
});

#[test]
fn a_rewritten_external_input_fails_the_task() {
    let (flow, folder) = flow();
    let path = folder.path().join("in.txt");
    let flow = flow.with(Download::PATH, &path).with(InRun::PATH, &path);
    assert_rewrite_fails::<OfPath>(&flow, &path);
    assert_rewrite_fails::<Late>(&flow, &path);
    assert_rewrite_fails::<InRun>(&flow, &path);
}

fn has_all(lines: &usize) -> Result<()> {
    // The check reads a file that the task does not read itself.
    let path = std::env::temp_dir().join(format!("flow-check-{}", std::process::id()));
    ensure!(!path.exists() || count(&path)? <= *lines, "it is too short");
    Ok(())
}

#[task(target = Json<usize>, check = has_all)]
fn checked(#[param(file)] path: &Path) -> Result<usize> {
    Ok(path.as_os_str().len().min(4))
}

#[test]
fn a_rewritten_file_read_by_the_check_fails_the_task() {
    let (flow, _folder) = flow();
    let path = std::env::temp_dir().join(format!("flow-check-{}", std::process::id()));
    assert_rewrite_fails::<checked>(&flow.with(checked::PATH, &path), &path);
    let _ = fs::remove_file(&path);
}

/// Fails if it reads partial content.
#[task(target = Json<usize>)]
fn strict(#[param(file)] path: &Path) -> Result<usize> {
    let lines = count(path)?;
    ensure!(lines == 4, "{lines} lines are too few");
    Ok(lines)
}

/// Continues with 0 if its requirement fails.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Lenient {
    path: PathBuf,
}

runs!(Lenient: usize = |self, cx| {
    match cx.with(strict::PATH, &self.path).require::<strict>() {
        Ok(lines) => Ok(*lines.load()?),
        Err(_) => Ok(0),
    }
});

#[test]
fn a_failure_due_to_partial_content_is_tried_again() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("in.txt");
    fs::write(&path, WHOLE)?;
    let flow = flow.with(strict::PATH, &path).with(Lenient::PATH, &path);
    rewrite_once(&path);
    let summary = failure(flow.run::<strict>());
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.contains("was rewritten") && error.ends_with(": 2 lines are too few"), "{error}");

    rewrite_once(&path);
    let summary = flow.clone().allow_failures().run::<Lenient>()?;
    assert_eq!((ran(&summary), failed(&summary)), (vec!["Lenient".into()], vec!["strict".into()]));
    // The output computed without the failed requirement is not complete.
    assert!(!flow.is_complete::<Lenient>()?);
    flow.run::<Lenient>()?;
    assert_eq!(*flow.load::<Lenient>()?, 4);
    Ok(())
}

#[test]
fn a_file_replaced_with_equal_time_fails_the_task() -> Result<()> {
    #[task(target = Json<usize>)]
    fn replaces(#[param(file)] path: &Path) -> Result<usize> {
        let (copy, modified) = (path.with_extension("new"), fs::metadata(path)?.modified()?);
        if !copy.exists() && fs::read_to_string(path.with_extension("mark")).is_ok() {
            fs::remove_file(path.with_extension("mark"))?;
            fs::write(&copy, WHOLE)?;
            fs::File::options().write(true).open(&copy)?.set_modified(modified)?;
            fs::rename(&copy, path)?;
        }
        Ok(fs::read_to_string(path)?.lines().count())
    }

    let (flow, folder) = flow();
    let path = folder.path().join("in.txt");
    fs::write(&path, WHOLE)?;
    fs::write(path.with_extension("mark"), "")?;
    let flow = flow.with(replaces::PATH, &path);
    assert_eq!(failed(&failure(flow.run::<replaces>())), ["replaces"]);
    flow.run::<replaces>()?;
    assert_eq!(*flow.load::<replaces>()?, 4);
    Ok(())
}

/// A target that reads the file named by its value only while it writes.
#[derive(Default)]
struct Lines;

impl Target for Lines {
    type Value = PathBuf;
    const EXTENSION: &'static str = "lines";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &PathBuf, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        Ok(write!(sink, "{}", count(value)?)?)
    }

    fn load(&self, source: &Source) -> Result<PathBuf> {
        Ok(String::from_utf8(source.read()?)?.into())
    }
}

#[task(target = Lines)]
fn lazy(#[param(file)] path: &Path) -> PathBuf {
    path.to_owned()
}

#[test]
fn a_file_rewritten_during_save_fails_the_task() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("in.txt");
    fs::write(&path, WHOLE)?;
    rewrite_once(&path);
    let flow = flow.with(lazy::PATH, &path);
    assert_eq!(failed(&failure(flow.run::<lazy>())), ["lazy"]);
    flow.run::<lazy>()?;
    assert_eq!(**flow.load::<lazy>()?, *Path::new("4"));
    Ok(())
}

/// A target whose load reads a file that is rewritten meanwhile.
#[derive(Default)]
struct Slow;

impl Target for Slow {
    type Value = usize;
    const EXTENSION: &'static str = "txt";
    const CODE: Code = Code::version(1);

    fn save(&self, _: &usize, _: &mut Sink<'_>) -> Result<()> {
        bail!("it is external")
    }

    fn load(&self, source: &Source) -> Result<usize> {
        count(source.path())
    }
}

#[derive(Task)]
#[task(external, path = &self.path, target = Slow)]
struct Stream {
    path: PathBuf,
}

#[test]
fn an_external_file_rewritten_during_a_load_is_an_error() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("in.txt");
    fs::write(&path, WHOLE)?;
    let flow = flow.with(Stream::PATH, &path);
    rewrite_once(&path);
    let error = crate::support::in_full(flow.load::<Stream>().expect_err("it is rewritten"));
    assert!(error.contains("it was replaced after the plan was made"), "{error}");
    assert_eq!(*flow.load::<Stream>()?, 4);
    Ok(())
}
