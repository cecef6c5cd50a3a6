#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>, check = is_short)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(target = Keep<u8>, check = is_even)]
struct Other;

#[tracked]
impl Run for Other {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn is_short(text: &str) -> Result<()> {
    drop(text);
    Ok(())
}

fn is_even(number: &u8) -> bool {
    number % 2 == 0
}

fn main() {}
