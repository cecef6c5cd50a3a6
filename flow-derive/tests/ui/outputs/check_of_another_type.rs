#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
struct Split {
    #[output(Keep, check = is_short)]
    first: u8,
    #[output(Keep, chek = is_short)]
    second: u8,
}

#[derive(Outputs)]
struct Other {
    #[output(Keep, check = is_short)]
    first: u8,
}

fn is_short(text: &str) -> Result<()> {
    drop(text);
    Ok(())
}

fn main() {}
