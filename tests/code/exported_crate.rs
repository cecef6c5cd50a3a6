//! Outputs are exported as a crate: a program without the code of the tasks loads them with their
//! types, and no longer compiles once a column that it uses is removed or has another type.

use std::path::Path;

use crate::fixture::Fixture;
use crate::iris::manifest;

const MAKER: &str = include_str!("fixtures/handed/maker.rs");
const READER: &str = include_str!("fixtures/handed/reader.rs");

#[test]
fn a_consumer_without_the_code_loads_typed_outputs() {
    // The dependencies are built already, for the tests.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let maker = Fixture::new("handed-maker", MAKER).with_target_at(target);
    maker.write("Cargo.toml", &manifest("maker"));
    maker.run().has("exported");

    let reader = Fixture::new("handed-reader", READER).with_target_at(target);
    let outputs = "sales-outputs = { path = \"../handed-maker/sales-outputs\" }\nflow = {";
    // The exported crate depends on the published library.
    let patch = "\n[patch.crates-io]\ntyped-flow = { path = \"@LIBRARY@\" }\n";
    reader.write("Cargo.toml", &(manifest("reader").replace("flow = {", outputs) + patch));
    let printed = reader.run();
    printed.has("2024-10-04 1970-01-01T00:00:01.500Z 10.50 None");
    printed.has("[1,2]");
    printed.has("1 ran");
    printed.has("no such output was exported; there are");

    // Its documentation examples compile, without warnings.
    let checked = reader.cargo_with(&[("RUSTFLAGS", "")], &["check", "--package", "sales-outputs"]);
    checked.unwrap_or_else(|error| panic!("{error}"));

    // One column is removed, and later another one has a new type.
    maker.edit("turnover: f64,\n}", "revenue: f64,\n}");
    maker.edit("turnover: f64::from", "revenue: f64::from");
    maker.edit("total.turnover", "total.revenue");
    maker.run().has("exported");
    let error = reader.cargo(&["check"]).err().expect("the column is gone");
    assert!(error.contains("no field `turnover` on type `&ReportRow`"), "{error}");
    assert!(error.contains("available fields are: `shop`, `pieces`, `revenue`"), "{error}");
    maker.edit("pieces: u32,\n    revenue", "pieces: u64,\n    revenue");
    maker.edit(
        "pieces: sale.pieces,\n            revenue",
        "pieces: sale.pieces.into(),\n            revenue",
    );
    maker.run().has("exported");
    let error = reader.cargo(&["check"]).err().expect("the column is of another type");
    assert!(error.contains("expected `u64`, found `u32`"), "{error}");
}
