#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>, check = |value| Ok(()))]
struct Closure;

#[derive(Task)]
#[task(requires = Closure, aggregate, check = is_short)]
struct Aggregate;

#[derive(Task)]
#[task(external, path = "a", target = Keep<u8>, check = is_short)]
struct External;

fn is_short(text: &str) -> Result<()> {
    drop(text);
    Ok(())
}

fn main() {}
