#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

/// It cannot be written by serde.
struct Tag;

#[derive(Task)]
#[task(target = Keep<u8>, refresh = Tag)]
struct Fetch;

#[tracked]
impl Run for Fetch {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(target = Keep<u8>, refresh = tag())]
struct FetchOr;

fn tag() -> Result<Tag> {
    Ok(Tag)
}

#[tracked]
impl Run for FetchOr {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}
