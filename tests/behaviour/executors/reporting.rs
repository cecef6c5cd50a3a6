//! What a user sees of tasks: logs, progress, metadata, figures and durations.

use std::time::Duration;

use flow::figures::Figure;
use flow::prelude::*;

use super::{Place, each};
use crate::pull_workers::observed;
use crate::support::{failure, ran};

/// The lines of a large log, and the characters of each.
const LINES: usize = 5_000;
const WIDTH: usize = 200;

#[derive(Task)]
#[task(target = Json<usize>)]
struct Talks;

runs!(Talks: usize = |self, cx| {
    for n in 0..LINES {
        cx.log(format_args!("line {n} {}", "x".repeat(WIDTH)));
    }
    cx.command("echo").arg("of a program").run()?;
    Ok(LINES)
});

#[test]
fn a_large_log_is_whole_and_in_order() -> Result<()> {
    each(|tested| {
        tested.flow.run::<Talks>()?;
        let log = tested.flow.log::<Talks>()?.context("a log")?;
        let number = |line: &str| -> Option<usize> {
            line.split_once(" line ")?.1.split(' ').next()?.parse().ok()
        };
        let numbers: Vec<usize> = log.text().lines().filter_map(number).collect();
        assert!(numbers.iter().copied().eq(0..LINES), "{} lines", numbers.len());
        assert!(log.tail(2).starts_with("of a program\n"), "{}", log.tail(3));
        assert!(log.text().len() > LINES * WIDTH);
        Ok(())
    })
}

/// Prints as a library does.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Prints;

runs!(Prints: u64 = |self, _cx| {
    println!("on the standard output");
    eprint!("without a line break");
    Ok(1)
});

#[test]
fn what_a_process_prints_is_the_log_of_its_task() -> Result<()> {
    each(|tested| {
        // In a thread, it cannot be told from what other threads print.
        if tested.is_in(Place::Thread) {
            return Ok(());
        }
        tested.flow.run::<Prints>()?;
        let log = tested.flow.log::<Prints>()?.context("a log")?;
        for line in ["on the standard output\n", "without a line break\n"] {
            assert!(log.text().contains(line), "{line:?} in {log}");
        }
        // What the program has printed before it opened the flow is no output of the task.
        assert!(!log.text().contains("running 1 test"), "{log}");
        Ok(())
    })
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Progresses;

runs!(Progresses: u64 = |self, cx| {
    cx.progress(1, 4);
    cx.status("half way");
    cx.progress(4, 4);
    std::thread::sleep(Duration::from_millis(300));
    Ok(4)
});

#[test]
fn progress_and_status_reach_observers() -> Result<()> {
    each(|tested| {
        let (flow, lines) = observed(&tested.flow);
        let summary = flow.run::<Progresses>()?;
        let seconds = summary.ran()[0].seconds;
        assert!((0.3..60.0).contains(&seconds), "{seconds} s");
        let lines = lines.lock().expect("no panic");
        let find = |text: &str| lines.iter().position(|line| line.ends_with(text));
        let [started, status, progress] =
            ["Progresses started", "Progresses: half way", "Progresses: 4 of 4"].map(find);
        assert!(started.is_some() && started < status && started < progress, "{lines:?}");
        assert_eq!(lines.iter().filter(|line| line.contains(" started")).count(), 1, "{lines:?}");
        Ok(())
    })
}

/// Records metadata of each kind, also a large entry.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Measured;

runs!(Measured: u64 = |self, cx| {
    cx.meta("loss", 0.25)?;
    cx.meta("loss", 0.125)?;
    cx.meta("names", vec!["a", "b"])?;
    cx.meta("text", "x".repeat(100_000))?;
    Ok(1)
});

#[derive(Task)]
#[task(requires = Measured, target = Json<f64>)]
struct Compared;

runs!(Compared: f64 = |self, cx| Ok(cx.input().meta("loss")?));

#[test]
fn metadata_is_recorded_and_read_by_other_tasks() -> Result<()> {
    each(|tested| {
        assert_eq!(ran(&tested.flow.run::<Compared>()?), ["Compared", "Measured"]);
        assert!((*tested.flow.load::<Compared>()? - 0.125).abs() < 1e-12);
        let output = tested.flow.output::<Measured>()?;
        assert_eq!(output.meta::<Vec<String>>("names")?, ["a", "b"]);
        assert_eq!(output.meta::<String>("text")?.len(), 100_000);
        Ok(())
    })
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Drawn {
    #[param(default = false)]
    fails: bool,
}

runs!(Drawn: u64 = |self, cx| {
    cx.figure("curve", "<svg/>")?;
    cx.note("It grows.")?;
    ensure!(!self.fails, "it fails after it has drawn");
    Ok(1)
});

#[test]
fn figures_and_notes_are_kept_with_outputs_and_failures() -> Result<()> {
    each(|tested| {
        let names = |figures: &[Figure]| -> Vec<String> {
            figures.iter().map(|figure| figure.name().to_owned()).collect()
        };
        tested.flow.run::<Drawn>()?;
        let output = tested.flow.output::<Drawn>()?;
        let figures = output.figures()?;
        assert_eq!(
            (names(&figures), output.notes()?),
            (vec!["curve".into()], vec!["It grows.".into()])
        );
        assert_eq!(figures[0].read()?, b"<svg/>");

        let flow = tested.flow.with(Drawn::FAILS, true);
        failure(flow.run::<Drawn>());
        let last = flow.graph::<Drawn>().instances()?.remove(0).failure()?.context("a failure")?;
        assert_eq!((names(&last.figures), last.notes()?.len()), (vec!["curve".into()], 1));
        assert_eq!(last.figures[0].read()?, b"<svg/>");
        Ok(())
    })
}
