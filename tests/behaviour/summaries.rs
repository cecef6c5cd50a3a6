//! The summary of a run, as text and as a struct.

use flow::prelude::*;

use crate::support::{failure, flow, without_backtraces};

#[derive(Task)]
#[task(target = Json<u32>)]
struct Get {
    #[param(default = 1)]
    n: u32,
}

runs!(Get: u32 = |self, _cx| {
    ensure!(self.n != 9, "nine\nis too many");
    Ok(self.n / 10)
});

#[derive(Task)]
#[task(requires = Get, target = Json<u32>)]
struct Double;

runs!(Double: u32 = |self, cx| Ok(*cx.input().load()? * 2));

#[derive(Task)]
#[task(requires(Double, [Get { n } for n in 20..self.to]), target = Json<u32>)]
struct Many {
    #[param(default = 32)]
    to: u32,
}

runs!(Many: u32 = |self, _cx| Ok(self.to));

/// Returns the text with every time replaced by `TIME`.
fn text(summary: &flow::Summary) -> String {
    let lines = summary.to_string();
    let lines = lines.lines().map(|line| match line.split_once(" in ") {
        Some((before, after)) => match after.split_once(':') {
            Some((_, after)) => format!("{before} in TIME:{after}"),
            None => format!("{before} in TIME"),
        },
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_summary_lists_the_outcome_of_each_task() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = flow.run::<Get>()?;
    assert_eq!(text(&summary), "1 task in TIME: 1 ran\n  ran:\n    Get {n: 1} in TIME");
    let summary = flow.run::<Double>()?;
    assert_eq!(
        text(&summary),
        "2 tasks in TIME: 1 complete already, 1 ran\n  \
         complete already:\n    Get {n: 1}\n  \
         ran:\n    Double in TIME"
    );
    assert!(summary.is_success() && summary.len() == 2 && summary.seconds() > 0.0);
    let ran = summary.ran();
    assert_eq!((ran[0].task(), ran[0].instance.to_string()), ("Double", "Double".to_owned()));
    assert!(ran[0].seconds > 0.0 && ran[0].error.is_none());
    // `Get` computes the same content from another number, so the output of `Double` is reused.
    let summary = flow.with(Get::N, 2).run::<Double>()?;
    assert_eq!(
        text(&summary),
        "2 tasks in TIME: 1 ran, 1 reused\n  \
         ran:\n    Get {n: 2} in TIME\n  \
         reused a stored output:\n    Double {Get.n: 2}"
    );
    flow.reset::<Get>()?;
    let summary = flow.run::<Double>()?;
    assert_eq!(
        text(&summary),
        "2 tasks in TIME: 1 ran, 1 with unchanged inputs\n  \
         ran:\n    Get {n: 1} in TIME\n  \
         inputs unchanged (early cutoff):\n    Double"
    );
    Ok(())
}

#[test]
fn the_summary_says_why_a_task_ran_again() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Double>()?;
    let summary = flow.force_roots().run::<Double>()?;
    let text = summary.to_string();
    assert!(text.contains("\n    Double in ") && text.ends_with(" (forced)"), "{text}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Letters {
    #[param(file)]
    text: std::path::PathBuf,
}

runs!(Letters: u64 = |self, _cx| Ok(std::fs::read_to_string(&self.text)?.len() as u64));

#[derive(Task)]
#[task(requires = Letters, target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_reason_that_does_not_fit_is_on_a_line_of_its_own() -> Result<()> {
    let (flow, folder) = flow();
    for (name, fits) in [("a".to_owned(), true), ("a".repeat(110), false)] {
        let path = folder.path().join(name);
        std::fs::write(&path, "one")?;
        let flow = flow.with(Letters::TEXT, &*path);
        flow.run::<Report>()?;
        std::fs::write(&path, "three")?;
        let text = flow.run::<Report>()?.to_string();
        let reason = format!("file: {} changed", path.display());
        assert_eq!(text.contains(&format!(" ({reason})")), fits, "{text}");
        // Below the instance, whose label is cut, and with the whole path.
        let alone = text.lines().any(|line| line == format!("      {reason}"));
        assert_eq!(alone, !fits, "{text}");
        // The second time, the output for five letters is known.
        assert!(text.contains(" (inputs changed)") || !fits, "{text}");
    }
    Ok(())
}

#[test]
fn the_summary_lists_failed_tasks_and_tasks_not_run() {
    let (flow, _folder) = flow();
    let summary = failure(flow.with(Get::N, 9).run::<Double>());
    let expected = "2 tasks in TIME: 1 failed, 1 not run\n  \
                    failed:\n    Get {n: 9}: nine\n      is too many\n  \
                    not run:\n    Double {Get.n: 9}: Get {n: 9} failed";
    assert_eq!(crate::support::without_backtraces(&text(&summary)), expected);
}

#[test]
fn a_long_list_is_truncated() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = flow.run::<Many>()?;
    let text = summary.to_string();
    assert_eq!(text.lines().count(), 2 + 10 + 1, "{text}");
    assert!(text.ends_with("\n    … and 5 more"), "{text}");
    assert_eq!(summary.ran().len(), 15);
    Ok(())
}

#[test]
fn a_program_prints_the_errors_of_tasks_once() -> Result<()> {
    use flow_core::process::without_shown_errors;

    let (quiet, folder) = flow();
    let with_display = Flow::open(folder.path().join("displayed"))?;
    let run = |flow: &Flow| flow.with(Get::N, 9).run::<Double>().expect_err("nine");
    // Without a display, the message has everything, as it does wherever else it is printed.
    assert_eq!(without_shown_errors(&run(&quiet)), None);
    let error = run(&with_display);
    assert!(error.to_string().contains("Get {n: 9}: nine\n      is too many"), "{error}");
    let short = without_shown_errors(&error).context("the display has shown it")?;
    let (head, rest) = short.split_once('\n').context("several lines")?;
    assert!(head.ends_with(": 1 failed, 1 not run"), "{short}");
    assert_eq!(
        without_backtraces(rest),
        "  failed (errors above):\n    Get {n: 9}\n  not run:\n    Double {Get.n: 9}: Get {n: 9} failed"
    );

    let sweep = with_display.sweep::<Get>().over(Get::N, [1, 9]);
    let error = sweep.run().expect_err("nine");
    assert!(error.to_string().contains("\n    n=9: nine\n"), "{error}");
    let short = without_shown_errors(&error).context("the display has shown it")?;
    assert!(!short.contains("nine") && short.contains("\n  failed:\n    n=9\n"), "{short}");
    // Other errors have no part that a display shows.
    let error = with_display.load::<Double>().expect_err("never run");
    assert_eq!(without_shown_errors(&error), None);
    Ok(())
}
