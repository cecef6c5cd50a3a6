//! Sharing and maintaining outputs: `handoff` and `housekeeping`.

use std::fs;
use std::path::Path;

use crate::program::{Example, has_in_order, instances};

#[test]
fn handoff_shares_outputs_with_stores_and_people() {
    let example = Example::new("handoff");
    let [shared, theirs, handed, imported] =
        ["shared", "theirs", "handed", "imported"].map(|name| example.path(name));
    example.run("run Report");
    example.run("run Report --discount 10");

    // Nothing is copied twice, and nothing runs at the other end.
    let push = example.run(&format!("push Report --to {shared}"));
    has_in_order(&push, &["2 outputs pushed, 2 files of ", "0 were there already\n"]);
    let push = example.run(&format!("push Report --discount 10 --to {shared}"));
    has_in_order(&push, &["1 output pushed, 1 file of ", "1 was there already\n"]);
    let pull = format!("pull Report --discount 10 --from {shared} --data {theirs}");
    let pull = example.run(&pull);
    assert!(pull.starts_with("2 outputs pulled, 2 files of "), "{pull}");
    let run = example.json(&format!("run Report --discount 10 --data {theirs}"));
    assert_eq!((instances(&run, "complete_already").len(), instances(&run, "ran").len()), (2, 0));

    // Names for people.
    for discount in [0, 10] {
        let export = format!("export Report --discount {discount} --upstream --to {handed}");
        let export = example.run(&export);
        assert!(export.contains(" exported, "), "{export}");
    }
    for name in ["Report/discount=0.csv", "Report/discount=10.csv", "Sales/days=30.parquet"] {
        let size = fs::metadata(Path::new(&handed).join(name)).expect("an exported file").len();
        assert!(size > 0, "{name}");
    }
    let report = Path::new(&handed).join("Report/discount=10.csv");
    let report = fs::read_to_string(report).expect("a report");
    assert!(report.starts_with("shop,pieces,turnover\nUlm,"), "{report}");

    // Into another store, and into a program that knows only the columns.
    let import = format!("import {handed} --data {imported}");
    assert_eq!(instances(&example.json(&import), "instances").len(), 3);
    example.run(&format!("plan Report --discount 10 --data {imported} --exit-code"));
    let shown = example.json(&format!("show Handed --folder {handed}"));
    let table = &shown["parts"][0];
    assert_eq!(
        (&table["total_rows"], table["columns"].as_array().map(Vec::len)),
        (&2.into(), Some(3))
    );

    // The second time, all outputs are there already.
    let again = example.run(&format!("push Report --to {shared}"));
    assert_eq!(again, "0 outputs pushed, 0 files of 0 B; 2 were there already\n");
    assert_eq!(instances(&example.json(&import), "instances").len(), 0);
}

#[test]
fn housekeeping_blesses_verifies_and_collects() {
    let printed = Example::new("housekeeping").run("");
    has_in_order(
        &printed,
        &[
            "1 output blessed, 1 compared\n1 task in ",
            "1 complete already\n",
            "nothing was blessed: of 1 compared output, these differ from their records:\n  \
             Weeks {days: 7}: the output has other content",
            "run them with `flow.run::<Weeks>()`",
            "1 ran\n",
            "1 reused\n",
            "complete: true\n",
            "2 files do not match their records\n  Weeks {days: 7}: ",
            "removed the output of Weeks {days: 7}\n",
            "1 ran\n",
            "Weeks: 1 instance that no kept root needs",
            "month: false\nweek: true\n",
        ],
    );
}
