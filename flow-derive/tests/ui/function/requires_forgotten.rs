#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Row;

#[task(target = Keep<Vec<Row>>)]
fn load() -> Vec<Row> {
    vec![Row]
}

#[task(target = Keep<usize>)]
fn count(rows: &[Row]) -> usize {
    rows.len()
}

fn main() {}
