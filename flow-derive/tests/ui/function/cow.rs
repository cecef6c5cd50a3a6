#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

use std::borrow::Cow;

#[task(target = Keep<usize>)]
fn length(name: Cow<'_, str>, path: Cow<'_, std::path::Path>) -> usize {
    name.len() + path.as_os_str().len()
}

fn main() {}
