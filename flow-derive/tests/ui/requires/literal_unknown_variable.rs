#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Load {
    #[param(default = 1)]
    n: usize,
    #[param(default = "x")]
    name: String,
}

#[tracked]
impl Run for Load {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires = Load { name }, target = Keep<u8>)]
struct Train {
    n: usize,
}

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}
