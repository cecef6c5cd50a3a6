use flow::prelude::*;

#[derive(Row, Serialize, Deserialize)]
struct Pair(u32, u32);

fn main() {}
