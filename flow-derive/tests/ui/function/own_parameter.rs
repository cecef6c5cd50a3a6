#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<f64>)]
struct Load {
    #[param(default = 1)]
    n: usize,
}

#[tracked]
impl Run for Load {
    fn run(&self, _: &Cx<Self>) -> Result<f64> {
        Ok(1.0)
    }
}

#[task(requires(load = Load { n }), target = Keep<f64>)]
fn mean(load: f64, #[param(default = 3)] n: usize) -> f64 {
    load + n as f64
}

fn main() {}
