#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
#[outputs(krate = ::flow)]
struct Split {
    #[output(Keep(levl = 3))]
    first: u8,
}

fn main() {}
