//! Dates of jiff are parameters, as in the guide.

use flow::jiff::civil::{Date, date};
use flow::prelude::*;

use crate::support::{flow, get};

#[task(target = Json<i16>)]
fn year(#[param(default = date(2026, 1, 31))] until: Date) -> i16 {
    until.year()
}

#[test]
fn a_date_is_given_as_a_value_or_as_text() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(*get::<year>(&flow)?, 2026);
    let given = flow.with(year::UNTIL, date(2025, 2, 28));
    assert_eq!(*get::<year>(&given)?, 2025);
    // Both are the same instance.
    assert!(flow.with_named("until", "2025-02-28").is_complete::<year>()?);
    let root = given.preview::<year>()?.instances().next_back().context("a root")?;
    assert_eq!(root.to_string(), "year {until: 2025-02-28}");
    let error = flow.with_named("until", "2025-02-30").check::<year>().expect_err("no such day");
    assert!(error.to_string().contains("until"), "{error}");
    Ok(())
}
