#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
struct Split {
    #[output(Keep)]
    first: u8,
}

#[derive(Task)]
#[task(external, path = "x.csv", outputs = Split)]
struct Train;

fn main() {}
