//! The example `iris_polars`, which needs the cargo feature `polars`.

use serde_json::json;

use crate::program::{Example, tasks};
use crate::source;

#[test]
fn iris_with_lazy_frames_is_as_accurate_as_with_arrow() {
    let iris = Example::new("iris_polars");
    let first = iris.json("run fit");
    assert_eq!(tasks(&first, "ran"), ["flowers", "scaled", "fit"]);
    let recorded = iris.json("meta fit");
    let metadata = &recorded[0]["metadata"];
    // 146 of 150 are right, as in the example `iris`.
    let accuracy = metadata["accuracy"].as_f64().expect("a number");
    assert!((accuracy * 150.0 - 146.0).abs() < 1e-6, "{accuracy}");
    let columns = ["class", "petal_length", "petal_width", "sepal_length", "sepal_width"];
    assert_eq!(metadata["columns_read"], json!({ "scaled": columns }));

    let raw = iris.json("run fit --do_scale=false");
    assert_eq!(tasks(&raw, "ran"), ["scaled", "fit"]);
    assert!(iris.ran("fit").is_empty());
}

#[test]
fn iris_with_lazy_frames_has_half_the_lines() {
    let lines = |name| source(name).lines().count();
    assert!(2 * lines("iris_polars") <= lines("iris"), "{} lines", lines("iris_polars"));
}
