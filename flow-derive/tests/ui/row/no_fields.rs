use flow::prelude::*;

#[derive(Row, Serialize, Deserialize)]
struct Nothing;

fn main() {}
