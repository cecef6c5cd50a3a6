#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn by_value(cx: Cx<by_value>) -> u8 {
    let _ = cx;
    1
}

#[task(target = Keep<u8>)]
fn twice(cx: &Cx<twice>, other: &Cx<twice>) -> u8 {
    let _ = (cx, other);
    1
}

#[task(target = Keep<u8>)]
fn with_param(#[param(default)] cx: &Cx<with_param>) -> u8 {
    let _ = cx;
    1
}

fn main() {}
