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

#[derive(Task)]
#[task(requires = [Load { n } for n in 0..3 if n > 0 else Load], target = Keep<u8>)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}
