//! Tests of the tasks.

use flow::testing::{self, assert_ran};

use weather::{Measurement, Measurements, cleaned, report};

fn measurement(station: &str, celsius: Option<f64>) -> Measurement {
    Measurement {
        station: station.to_owned(),
        day: "2026-01-01".to_owned(),
        celsius,
    }
}

#[test]
fn values_that_are_missing_or_too_low_do_not_count() {
    let rows = [
        measurement("Oslo", Some(-3.5)),
        measurement("Oslo", Some(-99.0)),
        measurement("Oslo", None),
    ];
    // A task is still a function.
    assert_eq!(cleaned(&rows, -60.0), rows[..1]);
}

#[test]
fn another_number_of_digits_runs_only_the_report() -> flow::Result<()> {
    let rows = vec![
        measurement("Oslo", Some(-3.5)),
        measurement("Oslo", Some(-1.5)),
        measurement("Rome", Some(11.5)),
    ];
    // The output of `Measurements` is given, so that no file is read.
    let flow = testing::flow().with_input::<Measurements>(rows);
    assert_ran(&flow.run::<report>(), ["cleaned", "means", "report"]);
    assert_eq!(*flow.load::<report>()?, "Oslo: -2.5 °C\nRome: 11.5 °C\n");

    let precise = flow.with(report::DIGITS, 2);
    assert_ran(&precise.run::<report>(), ["report"]);
    assert_eq!(
        *precise.load::<report>()?,
        "Oslo: -2.50 °C\nRome: 11.50 °C\n"
    );
    Ok(())
}

#[test]
fn all_tasks_are_sound() {
    testing::check_tasks(|flow| flow);
}
