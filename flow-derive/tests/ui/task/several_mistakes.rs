#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(retries = -3, requires(Load { n: }, b = Load), name = "a b", version = "x", target = Keep<u8>)]
struct Train {
    #[param(defualt = 3)]
    a: u8,
    b: std::collections::HashMap<String, u8>,
}

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

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

fn main() {}
