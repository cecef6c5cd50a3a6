#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(external, path = "x.csv", target = Keep<u8>, refresh = always)]
struct Fetch;

fn main() {}
