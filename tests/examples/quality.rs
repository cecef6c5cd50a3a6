//! Expectations on a table: `data_quality`.

use std::fs;

use crate::program::{Example, Printed, library};

#[test]
fn data_quality_warns_fails_and_keeps_rejected_rows() {
    let example = Example::new("data_quality");
    let invoices = example.path("invoices.csv");
    let text = fs::read_to_string(library().join("examples/data/orders.csv")).expect("the orders");
    fs::write(&invoices, &text).expect("a copy");
    let with = |line: &str| format!("{line} --invoices {invoices}");

    let printed = Printed::of(example.command(&with("run Invoices")));
    let printed = format!("{}{}", printed.out, printed.err);
    let violation =
        "`currency` one of \"EUR\", \"NOK\", \"USD\": violated in 1 of 6 rows: row 1: \"EGP\"";
    assert!(printed.contains(violation), "{printed}");
    let rejected = example.json(&with("show Invoices --rejected"));
    assert_eq!(rejected["rows"][0]["values"]["order"], 1002);
    let meta = example.run(&with("meta Invoices"));
    assert!(meta.contains("expectations: 5 of 6 expectations met, 1 rejected row\n"), "{meta}");

    // A negative amount fails the task.
    fs::write(&invoices, text.replace("120.5", "-120.5")).expect("a wrong amount");
    let failed = example.fail(&with("run Invoices"));
    let printed = format!("{}{}", failed.out, failed.err);
    let violation = "`amount` in 0.0..: violated in 1 of 6 rows: row 2: -120.5";
    assert!(printed.contains(violation), "{printed}");
    let rejected = example.json(&with("show Invoices --rejected"));
    assert_eq!(rejected["total_rows"], 2);

    // The earlier output is still there.
    fs::write(&invoices, &text).expect("the former file");
    assert!(example.ran(&with("Invoices")).is_empty());
}
