//! The code of the metric changes in the example `sweep`: of 24 settings, only the metric runs
//! again.

use std::fs;
use std::path::Path;

use crate::fixture::Fixture;
use crate::iris::manifest;

const SOURCE: &str = include_str!("../../examples/sweep.rs");

#[test]
fn only_the_metric_runs_again() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let fixture = Fixture::new("sweep", SOURCE).with_target_at(target);
    fixture.write("Cargo.toml", &manifest("sweep"));
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/iris.csv");
    fixture.write("examples/data/iris.csv", &fs::read_to_string(data).expect("the data"));

    let first = fixture.run();
    first.has("24 variants: 24 ran\n51 tasks in ");

    // An edit in the metric itself.
    fixture.edit("let score = r2(", "let score = 1.0 - r2(");
    let second = fixture.run();
    second.has(
        "  scale=false,degree=1,alpha=0.01  PENDING code: impl Run for Score (src/main.rs) changed",
    );
    second.has("24 variants: 24 ran\n51 tasks in ");
    second.has("27 complete already, 24 ran\n");

    // The first code again: nothing runs.
    fixture.edit("let score = 1.0 - r2(", "let score = r2(");
    let third = fixture.run();
    third.has("24 variants: 24 reused\n");
    assert_eq!(third.line("its R²:"), first.line("its R²:"));
    assert_ne!(second.line("its R²:"), first.line("its R²:"));
}
