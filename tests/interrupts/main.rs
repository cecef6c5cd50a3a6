//! What Ctrl-C, Ctrl-Z and other signals do to a program, in a pseudo-terminal.
//!
//! `tasks.rs` has the tasks, `program.rs` a program with `flow::main!`, `library.rs` one with a `main` of its own.
#![cfg(target_os = "linux")]

mod terminal;

use std::time::{Duration, Instant};

use flow::prelude::*;
use rustix::process::Signal;
use tasks::{AfterBusy, AfterPatient, Busy, First, Patient, Timed};
use terminal::{Terminal, eventually, state};

const CTRL_C: u8 = 0x03;
const CTRL_Z: u8 = 0x1a;

/// Longer than the time in which a signal of the same kind counts as the first one, which is 100 ms.
const LATER: Duration = Duration::from_millis(300);

/// Returns the names of the tasks that a run runs now.
fn next_run<R: flow::Roots>(terminal: &Terminal) -> Vec<String> {
    terminal.release();
    let summary = terminal.flow().run::<R>().expect("the next run continues");
    let mut ran: Vec<_> = summary.ran().iter().map(|entry| entry.task().to_owned()).collect();
    ran.sort_unstable();
    ran
}

/// Waits until the output of the first task is committed. The next task starts before that.
fn wait_for_commit(terminal: &Terminal) {
    let flow = terminal.flow();
    eventually("a commit", || flow.is_complete::<First>().expect("the store can be read"));
}

/// Asserts that every file in the store is as its record says.
fn assert_whole(flow: &Flow) {
    let verified = flow.store().verify().expect("the store can be read");
    assert!(verified.is_whole(), "{verified}");
}

/// Returns the process ids that the programs of a task have written to a file.
fn programs(terminal: &Terminal) -> Vec<i32> {
    let ids = terminal.wait_for_file("programs");
    ids.split_whitespace().map(|id| id.parse().expect("a process id")).collect()
}

#[test]
fn ctrl_c_stops_a_task_at_its_checkpoint() -> Result<()> {
    let mut terminal = Terminal::program("patient");
    terminal.wait_for_file("patient");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 130);
    terminal.wait_for_text("Error: 3 tasks in");
    terminal.wait_for_text("stopped by SIGINT: the next run continues from here");
    let flow = terminal.flow();
    assert!(flow.is_complete::<First>()? && !flow.is_complete::<Patient>()?);
    assert_eq!(next_run::<AfterPatient>(&terminal), ["AfterPatient", "Patient"]);
    assert_whole(&flow);
    Ok(())
}

#[test]
fn ctrl_c_lets_a_running_task_end_and_keeps_its_output() -> Result<()> {
    let mut terminal = Terminal::program("busy");
    terminal.wait_for_file("busy");
    terminal.press(CTRL_C);
    terminal.wait_for_text("SIGINT: no other task starts");
    assert!(terminal.is_running());
    terminal.release();
    assert_eq!(terminal.end(), 130);
    assert!(terminal.flow().is_complete::<Busy>()?);
    assert_eq!(next_run::<AfterBusy>(&terminal), ["AfterBusy"]);
    Ok(())
}

#[test]
fn a_second_ctrl_c_ends_the_program_and_what_it_has_started_at_once() -> Result<()> {
    let mut terminal = Terminal::program("both");
    terminal.wait_for_file("busy");
    let programs = programs(&terminal);
    assert_eq!(programs.len(), 2, "a shell, and what it has started: {programs:?}");
    wait_for_commit(&terminal);
    terminal.press(CTRL_C);
    terminal.wait_for_text("SIGINT: no other task starts");
    std::thread::sleep(LATER);
    terminal.press(CTRL_C);
    // The task `Busy` would run for ever.
    assert_eq!(terminal.end(), 130);
    for id in programs {
        eventually("the programs are killed", || state(id).is_none());
    }
    let flow = terminal.flow();
    assert_whole(&flow);
    assert!(flow.is_complete::<First>()? && !flow.is_complete::<Busy>()?);
    assert_eq!(next_run::<AfterBusy>(&terminal), ["AfterBusy", "Busy"]);
    Ok(())
}

#[test]
fn other_signals_end_the_program_with_their_own_code() {
    for (signal, name, code) in [(Signal::TERM, "SIGTERM", 143), (Signal::HUP, "SIGHUP", 129)] {
        let mut terminal = Terminal::program("patient");
        terminal.wait_for_file("patient");
        terminal.send(signal);
        assert_eq!(terminal.end(), code);
        terminal.wait_for_text(&format!("stopped by {name}: the next run continues"));
        assert_eq!(next_run::<AfterPatient>(&terminal), ["AfterPatient", "Patient"]);
    }
}

/// `timeout` signals a process and then its group, so that the process receives the signal twice.
#[test]
fn signals_of_one_kind_in_a_row_end_a_run_like_one() -> Result<()> {
    loop {
        let mut terminal = Terminal::program("busy");
        terminal.wait_for_file("busy");
        let begun = Instant::now();
        terminal.send(Signal::TERM);
        // The thread that waits for signals has taken the first one by then, so that the others do not merge with it.
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(5));
            terminal.send(Signal::TERM);
        }
        // On a machine that is very busy, the last one may come too late.
        if begun.elapsed() > Duration::from_millis(80) {
            continue;
        }
        terminal.wait_for_text("SIGTERM: no other task starts");
        std::thread::sleep(LATER);
        assert!(terminal.is_running(), "{}", terminal.shown());
        terminal.release();
        assert_eq!(terminal.end(), 143);
        terminal.wait_for_text("stopped by SIGTERM: the next run continues from here");
        assert!(terminal.flow().is_complete::<Busy>()?);
        return Ok(());
    }
}

#[test]
fn the_same_signal_later_ends_the_program_at_once() {
    let mut terminal = Terminal::program("busy");
    terminal.wait_for_file("busy");
    terminal.send(Signal::TERM);
    terminal.wait_for_text("SIGTERM: no other task starts");
    std::thread::sleep(LATER);
    terminal.send(Signal::TERM);
    // The task would wait for ever.
    assert_eq!(terminal.end(), 143);
    assert_whole(&terminal.flow());
    assert!(!terminal.flow().is_complete::<Busy>().expect("the store can be read"));
}

#[test]
fn the_second_signal_may_be_another_one() {
    let mut terminal = Terminal::program("busy");
    terminal.wait_for_file("busy");
    terminal.press(CTRL_C);
    terminal.wait_for_text("SIGINT: no other task starts");
    terminal.send(Signal::TERM);
    assert_eq!(terminal.end(), 143);
    assert_whole(&terminal.flow());
}

#[test]
fn ctrl_z_suspends_the_program_its_programs_and_the_clock() -> Result<()> {
    let mut terminal = Terminal::program("timed");
    let shell = programs(&terminal)[0];
    terminal.press(CTRL_Z);
    let program = terminal.pid().as_raw_pid();
    eventually("both are suspended", || state(program) == Some('T') && state(shell) == Some('T'));
    terminal.release();
    std::thread::sleep(Duration::from_millis(300));
    assert!(state(program) == Some('T') && state(shell) == Some('T'));
    terminal.send(Signal::CONT);
    assert_eq!(terminal.end(), 0);
    let (by_clock, running) = *terminal.flow().load::<Timed>()?;
    assert!(by_clock - running > 0.29, "{by_clock} s, {running} s of which it was running");
    assert!(running > 0.0, "{running}");
    Ok(())
}

#[test]
fn a_suspended_program_can_be_interrupted() {
    let mut terminal = Terminal::program("patient");
    terminal.wait_for_file("patient");
    terminal.press(CTRL_Z);
    let program = terminal.pid().as_raw_pid();
    eventually("it is suspended", || state(program) == Some('T'));
    terminal.send(Signal::TERM);
    terminal.send(Signal::CONT);
    assert_eq!(terminal.end(), 143);
}

#[test]
fn without_a_run_the_first_signal_ends_the_program() {
    let mut terminal = Terminal::program("idle");
    terminal.wait_for_file("idle");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 130);
    assert!(!terminal.shown().contains("no other task starts"), "{}", terminal.shown());
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let mut terminal = Terminal::without_hangup("patient");
    terminal.wait_for_file("patient");
    terminal.send(Signal::HUP);
    // A handler would have stopped the run by then.
    std::thread::sleep(Duration::from_millis(100));
    terminal.release();
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_failed_run_has_the_code_1() {
    let mut terminal = Terminal::program("wrong");
    assert_eq!(terminal.end(), 1);
    terminal.wait_for_text("Error: 1 task in");
    // The display and the error of `main` are on one terminal, and show the error of the task once.
    terminal.wait_for_text("failed (errors above):");
    let once = |terminal: &Terminal| {
        assert_eq!(terminal.shown().matches("it is wrong").count(), 1, "{}", terminal.shown());
    };
    once(&terminal);

    let mut terminal = Terminal::program("wrong with context");
    assert_eq!(terminal.end(), 1);
    terminal.wait_for_text("Error: no report");
    terminal.wait_for_text("failed (errors above):");
    once(&terminal);

    // Without a display, the error of `main` has all of it.
    let mut terminal = Terminal::program("quiet wrong");
    assert_eq!(terminal.end(), 1);
    terminal.wait_for_text("it is wrong");
    once(&terminal);
}

#[test]
fn a_library_call_installs_no_handler() {
    for what in ["nothing installed", "removed"] {
        let mut terminal = Terminal::library(what);
        terminal.wait_for_file("patient");
        wait_for_commit(&terminal);
        terminal.press(CTRL_C);
        assert_eq!(terminal.end(), 1002, "{what}: killed by SIGINT");
        assert_whole(&terminal.flow());
        assert_eq!(next_run::<AfterPatient>(&terminal), ["AfterPatient", "Patient"]);
    }
}

#[test]
fn a_program_can_go_on_after_a_signal() -> Result<()> {
    let mut terminal = Terminal::library("again");
    terminal.wait_for_file("patient");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 0, "{}", terminal.shown());
    assert!(terminal.flow().is_complete::<AfterPatient>()?);
    Ok(())
}

#[test]
fn programs_of_tasks_end_when_their_run_is_stopped() {
    let mut terminal = Terminal::program("timed");
    let shell = programs(&terminal)[0];
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 130);
    assert_eq!(state(shell), None);
}
