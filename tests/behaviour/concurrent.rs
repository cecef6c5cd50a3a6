//! Several flows, in one process or in several, use one store at the same time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flow::prelude::*;

use crate::faulty::Faulty;
use crate::random_graph::{Every, oracle};
use crate::support::{assert_consistent, faulty_flow, ran};
use crate::wheat::{Bread, Milled, assert_bread, bread, mill, sow};

const FOLDER: &str = "FLOW_TEST_TOGETHER";
const LEN: u64 = 150;

/// The pause of the disturbing flow in each round, if no run has succeeded so far.
const ROOM: Duration = Duration::from_millis(250);

/// The time within which a run must succeed while another flow disturbs it.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(folder: &Path) -> Result<Flow> {
    prepare(Flow::open(folder.join("data"))?.quiet(), folder)
}

/// Opens a store on a file system without locks, such as that of some networks.
fn open_without_locks(folder: &Path) -> Result<Flow> {
    prepare(faulty_flow(folder, &Faulty::new().without_locks())?, folder)
}

fn prepare(flow: Flow, folder: &Path) -> Result<Flow> {
    Ok(mill(&flow.workers(2), folder).with(Every::LEN, LEN).with(Every::GRAPH, 5))
}

#[test]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let flow = open(&folder)?;
    flow.run::<(Every, Bread)>()?;
    assert_eq!(*flow.load::<Every>()?, oracle(5, LEN));
    Ok(())
}

#[test]
fn processes_run_the_same_tasks() -> Result<()> {
    let folder = tempfile::tempdir()?;
    sow(&folder.path().join("grains.txt"), &[4, 2]);
    let start = || {
        Command::new(std::env::current_exe().expect("this program"))
            .args(["concurrent::child", "--exact", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    };
    let children = [start()?, start()?, start()?];
    for child in children {
        let output = child.wait_with_output()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let flow = open(folder.path())?;
    assert_eq!(ran(&flow.run::<(Every, Bread)>()?), [""; 0]);
    assert_eq!(*flow.load::<Every>()?, oracle(5, LEN));
    assert_bread(&flow, &[4, 2], 10);
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn threads_run_the_same_tasks() -> Result<()> {
    type Open = fn(&Path) -> Result<Flow>;
    let cases: [(bool, Open); 3] = [(true, open), (false, open), (false, open_without_locks)];
    for (shared, open) in cases {
        let folder = tempfile::tempdir()?;
        sow(&folder.path().join("grains.txt"), &[4, 2]);
        let flow = open(folder.path())?;
        let begin = Barrier::new(3);
        std::thread::scope(|scope| {
            let run = || -> Result<()> {
                let flow = if shared { flow.clone() } else { open(folder.path())? };
                begin.wait();
                flow.run::<(Every, Bread)>()?;
                assert_eq!(*flow.load::<Every>()?, oracle(5, LEN));
                assert_bread(&flow, &[4, 2], 10);
                Ok(())
            };
            let threads = [scope.spawn(run), scope.spawn(run), scope.spawn(run)];
            threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
        })?;
        assert!(flow.run::<(Every, Bread)>()?.ran().is_empty());
        assert_consistent(flow.folder());
    }
    Ok(())
}

/// Runs one flow again and again, while `disturb` changes the store from another thread, with and without locks.
fn run_while_disturbed(
    disturb: impl Fn(&Flow, u64) -> Result<(), flow::Error> + Sync,
) -> Result<()> {
    run_with(open, 60, &disturb)?;
    run_with(open_without_locks, 30, &disturb)
}

fn run_with(
    open: fn(&Path) -> Result<Flow>,
    rounds: u64,
    disturb: &(impl Fn(&Flow, u64) -> Result<(), flow::Error> + Sync),
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    sow(&folder.path().join("grains.txt"), &[4, 2]);
    open(folder.path())?.run::<Bread>()?;
    let (over, gives_room) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let flow = open(folder.path()).expect("a store");
            for round in 0.. {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                if gives_room.load(Ordering::SeqCst) {
                    std::thread::sleep(ROOM);
                }
                if let Err(error) = disturb(&flow, round) {
                    assert_is_expected(&error);
                }
            }
        });
        let flow = open(folder.path()).expect("a store");
        let (mut done, begun, mut last) = (0, Instant::now(), String::new());
        for round in 0.. {
            if round >= rounds && (done > 0 || begun.elapsed() > PATIENCE) {
                break;
            }
            // The disturbing flow may be faster each time, until it pauses for the run.
            gives_room.store(round >= rounds, Ordering::SeqCst);
            let by = 10 + round % 3;
            let flow = flow.with(Milled::BY, by);
            match flow.run::<Bread>() {
                Ok(_) => done += 1,
                Err(error) => {
                    assert_is_expected(&error);
                    last = error.to_string();
                }
            }
            match flow.load::<Bread>() {
                Ok(loaded) => assert_eq!(*loaded, bread(&[4, 2], by)),
                Err(error) => assert_is_expected(&error),
            }
        }
        over.store(true, Ordering::SeqCst);
        assert!(done > 0, "no run succeeded: {last}");
    });
    let flow = open(folder.path())?;
    flow.run::<Bread>()?;
    assert_bread(&flow, &[4, 2], 10);
    assert_consistent(flow.folder());
    Ok(())
}

fn assert_is_expected(error: &flow::Error) {
    let text = error.to_string();
    assert!(!text.contains("panicked") && !text.contains("mistake of this library"), "{text}");
}

#[test]
fn resets_of_a_task_while_another_flow_runs_it() -> Result<()> {
    run_while_disturbed(|flow, round| {
        let flow = flow.with(Milled::BY, 10 + round % 3);
        match round % 4 {
            0 => flow.reset::<Bread>().map(drop),
            1 => flow.graph::<Bread>().reset_downstream::<Milled>().map(drop),
            2 => flow.graph::<Bread>().reset_all().map(drop),
            _ => flow.store().clear_task::<Milled>().map(drop),
        }
    })
}

#[test]
fn resets_of_the_store_while_another_flow_runs() -> Result<()> {
    run_while_disturbed(|flow, _| flow.store().clear().map(drop))
}

#[test]
fn runs_with_other_parameters_while_another_flow_runs() -> Result<()> {
    run_while_disturbed(|flow, round| flow.with(Milled::BY, 9 + round % 5).run::<Bread>().map(drop))
}

#[test]
fn garbage_collection_and_limits_while_another_flow_runs() -> Result<()> {
    run_while_disturbed(|flow, round| {
        // Everything that is not the current output, and every instance but that of `Bread`, may be garbage.
        let flow = flow.limits(flow::Limits::default().versions(0).bytes(0));
        let gc = flow.store().gc().older_than(Duration::ZERO);
        let gc = if round % 2 == 0 { gc } else { gc.keep::<Bread>(&flow)? };
        gc.find()?.remove().map(drop)
    })
}

#[test]
fn runs_that_keep_no_versions_while_another_flow_runs() -> Result<()> {
    run_while_disturbed(|flow, round| {
        let flow = flow.limits(flow::Limits::default().versions(0));
        flow.with(Milled::BY, 10 + round % 3).force::<Milled>().run::<Bread>().map(drop)
    })
}
