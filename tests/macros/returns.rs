//! What a function that is a task can return.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;

use wf::prelude::*;
use wf::testing::{self, assert_because, assert_ran};

#[task(target = Json<u8>)]
fn value(text: &str) -> u8 {
    text.parse().unwrap_or(0)
}

#[task(target = Json<u8>)]
fn with_anyhow(text: &str) -> Result<u8> {
    Ok(text.parse()?)
}

#[task(target = Json<String>)]
fn with_io(text: &str) -> std::io::Result<String> {
    std::fs::read_to_string(text)
}

#[task(target = Json<u8>)]
fn with_box(text: &str) -> Result<u8, Box<dyn Error + Send + Sync>> {
    Ok(text.parse()?)
}

#[task(target = Json<u8>)]
fn with_boxed_text(text: &str) -> Result<u8, Box<dyn Error + Send + Sync + 'static>> {
    text.parse().map_err(|_| format!("no number: {text}").into())
}

#[task(target = Json<u8>)]
fn with_standard(text: &str) -> std::result::Result<u8, ParseIntError> {
    text.parse()
}

#[derive(Debug)]
struct OwnError;

impl fmt::Display for OwnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of the user's")
    }
}

impl Error for OwnError {}

type OwnResult<T> = std::result::Result<T, OwnError>;

#[task(target = Json<u8>)]
fn with_own(text: &str) -> OwnResult<u8> {
    text.parse().map_err(|_| OwnError)
}

/// The output is itself a result.
#[task(target = Json<std::result::Result<u8, String>>)]
fn of_result(text: &str) -> std::result::Result<u8, String> {
    text.parse().map_err(|_| text.to_owned())
}

/// An option, and the unit.
#[task(target = Json<Option<u8>>)]
fn of_option(text: &str) -> Option<u8> {
    text.parse().ok()
}

#[task(target = Json<()>)]
fn of_nothing(text: &str) {
    assert!(!text.is_empty(), "no text");
}

#[task(target = Json<u8>, check = is_even)]
fn checked(text: &str) -> Result<u8> {
    Ok(text.parse()?)
}

fn is_even(value: &impl fmt::Display) -> Result<()> {
    let value: u8 = value.to_string().parse()?;
    ensure!(value.is_multiple_of(2), "{value} is odd");
    Ok(())
}

fn flow(text: &str) -> testing::Flow {
    let flow = testing::flow().with(value::TEXT, text).with(with_anyhow::TEXT, text);
    let flow = flow.with(with_io::TEXT, text).with(with_box::TEXT, text);
    let flow = flow.with(with_boxed_text::TEXT, text).with(with_standard::TEXT, text);
    let flow = flow.with(with_own::TEXT, text).with(of_result::TEXT, text);
    flow.with(of_option::TEXT, text).with(of_nothing::TEXT, text).with(checked::TEXT, text)
}

#[test]
fn a_value_or_a_result_is_returned() -> Result<()> {
    let flow = flow("8");
    flow.run::<(value, with_anyhow, with_box, with_boxed_text, with_standard, with_own, checked)>(
    )?;
    assert_eq!((*flow.load::<value>()?, *flow.load::<with_anyhow>()?), (8, 8));
    assert_eq!((*flow.load::<with_box>()?, *flow.load::<with_boxed_text>()?), (8, 8));
    assert_eq!((*flow.load::<with_standard>()?, *flow.load::<with_own>()?), (8, 8));
    assert_eq!(*flow.load::<checked>()?, 8);
    Ok(())
}

#[test]
fn other_outputs_are_returned() -> Result<()> {
    let flow = flow("x");
    let run = flow.run::<(of_option, of_nothing, of_result)>()?;
    assert_ran(&run, ["of_option", "of_nothing", "of_result"]);
    assert_eq!(*flow.load::<of_result>()?, Err("x".to_owned()));
    assert_eq!((*flow.load::<of_option>()?, *flow.load::<of_nothing>()?), (None, ()));
    Ok(())
}

#[test]
fn a_file_is_read() -> Result<()> {
    let flow = flow(concat!(env!("CARGO_MANIFEST_DIR"), "/data/3.json"));
    flow.run::<with_io>()?;
    assert_eq!(flow.load::<with_io>()?.trim(), "3");
    Ok(())
}

#[test]
fn errors_fail_the_task() {
    let flow = flow("x");
    assert_because(&flow.run::<with_anyhow>(), "with_anyhow", "invalid digit");
    assert_because(&flow.run::<with_box>(), "with_box", "invalid digit");
    assert_because(&flow.run::<with_boxed_text>(), "with_boxed_text", "no number: x");
    assert_because(&flow.run::<with_standard>(), "with_standard", "invalid digit");
    assert_because(&flow.run::<with_own>(), "with_own", "an error of the user's");
    assert_because(&flow.run::<with_io>(), "with_io", "os error");
}

#[test]
fn a_wrong_output_fails_the_task() {
    let flow = flow("7");
    assert_because(&flow.run::<checked>(), "checked", "7 is odd");
}
