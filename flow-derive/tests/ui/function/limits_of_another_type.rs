#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

const LIST: &[u8] = &[1, 2];

#[task(target = Keep<usize>)]
fn length(
    #[param(default = "a", choices = LIST)] name: &str,
    #[param(default = "a", range = 'a'..'c')] text: &str,
    #[param(default = Some(1), range = 0.0..1.0)] n: Option<usize>,
) -> usize {
    name.len() + text.len() + n.unwrap_or(0)
}

fn main() {}
