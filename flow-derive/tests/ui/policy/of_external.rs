#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(external, path = "x.csv", target = Keep<u8>, retries = 3, isolate)]
struct Fetch;

fn main() {}
