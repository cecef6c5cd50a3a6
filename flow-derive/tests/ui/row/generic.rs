use flow::prelude::*;

#[derive(Row, Serialize, Deserialize)]
struct Pair<T> {
    first: T,
    second: T,
}

fn main() {}
