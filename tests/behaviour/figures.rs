//! Figures and notes of tasks: they are kept with the output or the failure, and nothing depends on them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use flow::error::LoadErrorKind;
use flow::figures::{Figure, FigureFormat};
use flow::prelude::*;

use crate::support::{failed, failure, files_below, flow, ran, unchanged};

/// The beginning of a PNG file.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";

static DRAWN: AtomicU32 = AtomicU32::new(0);

/// Draws another figure in each run.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Drawn {
    #[param(default = 1)]
    n: u32,
}

runs!(Drawn: u32 = |self, cx| {
    let drawn = DRAWN.fetch_add(1, Ordering::SeqCst);
    cx.figure("ROC curve", format!("<svg><!-- {drawn} --></svg>"))?;
    cx.note("First.")?;
    cx.figure("pixels", PNG)?;
    cx.note(format!("Drawn {drawn}."))?;
    Ok(self.n)
});

#[derive(Task)]
#[task(requires = Drawn, target = Json<u32>)]
struct Doubled;

runs!(Doubled: u32 = |self, cx| Ok(*cx.input().load()? * 2));

/// Returns the names of figures.
fn names(figures: &[Figure]) -> Vec<&str> {
    figures.iter().map(Figure::name).collect()
}

/// Returns the number of files of figures and notes in a store.
fn kept(flow: &Flow) -> usize {
    let is_figure = |file: &&PathBuf| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("figure-"))
    };
    files_below(flow.folder()).iter().filter(is_figure).count()
}

#[test]
fn figures_and_notes_are_read_in_the_order_in_which_they_were_kept() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Doubled>()?;
    let graph = flow.graph::<Doubled>();
    let output = graph.output::<Drawn>()?;
    let figures = output.figures()?;
    assert_eq!(names(&figures), ["ROC curve", "pixels"]);
    let formats: Vec<_> = figures.iter().map(Figure::format).collect();
    assert_eq!(formats, [FigureFormat::Svg, FigureFormat::Png]);
    assert_eq!((figures[1].read()?, figures[1].bytes()), (PNG.to_vec(), PNG.len() as u64));
    assert_eq!(figures[1].to_string(), "pixels (PNG, 24 B)");
    assert_eq!(output.notes()?[0], "First.");
    assert_eq!(output.notes()?.len(), 2);

    let instance = &graph.instances()?[0];
    assert_eq!(instance.task(), "Drawn");
    assert_eq!((instance.figures()?, instance.notes()?), (figures, output.notes()?));
    let stored = flow.store().list()?;
    let stored = stored.iter().find(|stored| stored.task == "Drawn").context("it is there")?;
    let recorded = stored.recorded()?.context("it is there")?;
    assert_eq!(
        (names(&recorded.figures), recorded.notes()?.len()),
        (vec!["ROC curve", "pixels"], 2)
    );
    assert!(flow.output::<Doubled>()?.figures()?.is_empty());
    Ok(())
}

#[test]
fn another_figure_beside_an_equal_output_makes_nothing_run_again() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Doubled>()?;
    let before = flow.output::<Drawn>()?.figures()?;
    let summary = flow.force::<Drawn>().run::<Doubled>()?;
    assert_eq!(
        (ran(&summary), unchanged(&summary)),
        (vec!["Drawn".to_owned()], vec!["Doubled".to_owned()])
    );
    let after = flow.output::<Drawn>()?.figures()?;
    assert_ne!(before[0].digest(), after[0].digest());
    assert_eq!(kept(&flow), 4, "those of the replaced output are gone");

    // Neither does a figure that is lost.
    std::fs::remove_file(after[0].path())?;
    assert!(ran(&flow.run::<Doubled>()?).is_empty());
    assert!(after[0].read().is_err());
    std::fs::write(after[1].path(), "something else")?;
    let error = flow.output::<Drawn>()?.figures()?[1].read().expect_err("it was modified");
    assert!(error.to_string().contains("has other content than the task has kept"), "{error}");
    Ok(())
}

static IS_BROKEN: AtomicBool = AtomicBool::new(true);

#[derive(Task)]
#[task(target = Json<u32>)]
struct Trained;

runs!(Trained: u32 = |self, cx| {
    cx.figure("loss", "<svg/>")?;
    cx.note("The loss grows.")?;
    ensure!(!IS_BROKEN.load(Ordering::SeqCst), "it does not converge");
    Ok(1)
});

#[test]
fn a_failed_task_keeps_its_figures_until_it_succeeds() -> Result<()> {
    let (flow, _folder) = flow();
    for _ in 0..2 {
        failure(flow.run::<Trained>());
        assert_eq!(kept(&flow), 2, "those of the last failure");
    }
    let instance = flow.graph::<Trained>().instances()?.remove(0);
    assert!(instance.figures()?.is_empty(), "it has no output");
    let failure = instance.failure()?.context("it has failed")?;
    assert_eq!(names(&failure.figures), ["loss"]);
    assert_eq!(failure.figures[0].read()?, b"<svg/>");
    assert_eq!(failure.notes()?, ["The loss grows."]);
    assert!(failure.to_string().contains("\nfigure: loss (SVG, 6 B): "), "{failure}");
    assert!(flow.store().gc().older_than(Duration::ZERO).find()?.is_empty());

    IS_BROKEN.store(false, Ordering::SeqCst);
    flow.run::<Trained>()?;
    assert_eq!(kept(&flow), 2, "those of the output");
    assert!(failure.figures[0].read().is_err());
    assert_eq!(names(&flow.output::<Trained>()?.figures()?), ["loss"]);
    Ok(())
}

/// Keeps what is refused, and says why.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Refused {
    #[param(default = "name")]
    what: String,
}

runs!(Refused: u32 = |self, cx| {
    match &*self.what {
        "name" => cx.figure("../a", "<svg/>")?,
        "format" => cx.figure("a", "GIF89a and so on, for long")?,
        "size" => cx.note("x".repeat(70_000))?,
        _ => (0..200).try_for_each(|i| cx.figure(&format!("f{i}"), "<svg/>"))?,
    }
    Ok(1)
});

#[test]
fn what_is_no_figure_fails_the_task_with_what_to_do() {
    let (flow, _folder) = flow();
    for (what, why) in [
        (
            "name",
            "cannot keep the figure \"../a\": its name has other characters; give it 1 to 100 letters, digits, \
             spaces, `-`, `_` and `.`, of which the first and the last one are letters or digits",
        ),
        (
            "format",
            "cannot keep the figure `a`: it is neither SVG nor PNG, but begins with \"GIF89a and so on, fo\"; \
             pass the text of an SVG, or the bytes of a PNG file",
        ),
        ("size", "cannot keep the note: it has 70.0 kB, and at most 65.5 kB are allowed"),
        (
            "number",
            "cannot keep the figure `f100`: the task has kept 100 figures and notes, which is the limit; a \
             figure with the name of an earlier one replaces it",
        ),
    ] {
        let summary = failure(flow.with(Refused::WHAT, what).run::<Refused>());
        let errors: Vec<_> = summary.failed().into_iter().filter_map(|entry| entry.error).collect();
        assert_eq!(errors.len(), 1, "{what}");
        assert!(errors[0].contains(why), "{what}: {}", errors[0]);
    }
}

/// Tries to read the figures of its input.
#[derive(Task)]
#[task(requires = Drawn, target = Json<u32>)]
struct Peeks;

runs!(Peeks: u32 = |self, cx| {
    let refused = cx.input().figures().expect_err("a task is running");
    assert!(matches!(refused.kind, LoadErrorKind::FiguresInTask), "{refused}");
    Ok(u32::try_from(cx.input().notes()?.len())?)
});

#[test]
fn a_running_task_cannot_read_the_figures_of_another() {
    let (flow, _folder) = flow();
    let summary = failure(flow.run::<Peeks>());
    assert_eq!(failed(&summary), ["Peeks"]);
    let error = summary.failed()[0].error.clone().expect("an error");
    assert!(error.contains("a running task cannot read its figures and notes"), "{error}");
}

static ATTEMPTS: AtomicU32 = AtomicU32::new(0);

#[derive(Task)]
#[task(target = Json<u32>, retries = 2)]
struct Retried;

runs!(Retried: u32 = |self, cx| {
    let attempt = ATTEMPTS.fetch_add(1, Ordering::SeqCst);
    cx.figure(&format!("attempt {attempt}"), "<svg/>")?;
    ensure!(attempt == 2, "not yet");
    Ok(attempt)
});

#[test]
fn of_attempts_that_failed_no_figures_remain() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.backoff(Duration::from_millis(1));
    flow.run::<Retried>()?;
    assert_eq!(names(&flow.output::<Retried>()?.figures()?), ["attempt 2"]);
    assert_eq!(kept(&flow), 1);
    Ok(())
}

#[derive(Task)]
#[task(target = Memory<u32>)]
struct InMemory;

runs!(InMemory: u32 = |self, cx| {
    cx.figure("held", "<svg/>")?;
    Ok(1)
});

#[test]
fn a_value_in_memory_has_figures() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<InMemory>()?;
    assert_eq!(flow.output::<InMemory>()?.figures()?[0].read()?, b"<svg/>");
    Ok(())
}

#[cfg(target_os = "linux")]
mod isolated {
    use super::*;
    use crate::isolation::open;

    #[derive(Task)]
    #[task(target = Json<u32>, isolate)]
    struct Isolated {
        #[param(default = false)]
        fails: bool,
    }

    runs!(Isolated: u32 = |self, cx| {
        cx.figure("inside", "<svg/>")?;
        cx.note("From a child.")?;
        ensure!(!self.fails, "it fails in a child");
        Ok(std::process::id())
    });

    /// Ends its process after it has kept a figure.
    #[derive(Task)]
    #[task(target = Json<u32>, isolate)]
    struct Crashed;

    runs!(Crashed: u32 = |self, cx| {
        cx.figure("loss", "<svg/>")?;
        cx.figure("loss", "<svg></svg>")?;
        cx.note("It grows.")?;
        std::process::abort()
    });

    #[test]
    fn a_task_whose_process_dies_keeps_its_figures() -> Result<()> {
        let opened = open();
        let flow = &opened.flow;
        failure(flow.run::<Crashed>());
        let instance = flow.graph::<Crashed>().instances()?.remove(0);
        let failure = instance.failure()?.context("it has failed")?;
        assert_eq!(names(&failure.figures), ["loss"]);
        assert_eq!(failure.figures[0].read()?, b"<svg></svg>");
        assert_eq!(failure.notes()?, ["It grows."]);
        Ok(())
    }

    #[test]
    fn an_isolated_task_keeps_its_figures() -> Result<()> {
        let opened = open();
        let flow = &opened.flow;
        flow.run::<Isolated>()?;
        assert_ne!(*flow.load::<Isolated>()?, std::process::id());
        let output = flow.output::<Isolated>()?;
        assert_eq!(names(&output.figures()?), ["inside"]);
        assert_eq!(output.figures()?[0].read()?, b"<svg/>");
        assert_eq!(output.notes()?, ["From a child."]);

        let flow = flow.with(Isolated::FAILS, true);
        failure(flow.run::<Isolated>());
        let instance = flow.graph::<Isolated>().instances()?.remove(0);
        let failure = instance.failure()?.context("it has failed")?;
        assert_eq!((names(&failure.figures), failure.notes()?.len()), (vec!["inside"], 1));
        Ok(())
    }
}
