#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Model;

#[task(target = Keep<Model>)]
fn fit() -> Model {
    Model
}

#[task(requires = fit, target = Keep<u8>)]
fn score(model: Model) -> u8 {
    let _ = model;
    1
}

fn main() {}
