#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

// Each mistake is one error, and the code that uses the task and the function has none.
#[task(requires(load { n: }, load), name = "a b", retries = -3)]
async fn mean(rows: &[u8], #[param(rnage = 1..=3)] trim: u8) -> u8 {
    rows[0] + trim
}

#[task(target = Keep<u8>)]
fn load(n: u8) -> u8 {
    n
}

#[task(requires = mean { trim: 1u8 }, target = Keep<u8>)]
fn report(mean: &Input<mean>, cx: &Cx<report>) -> Result<u8> {
    let _ = (mean.task().trim, cx);
    let _ = self::mean(&[1], 2);
    Ok(1)
}

fn main() {}
