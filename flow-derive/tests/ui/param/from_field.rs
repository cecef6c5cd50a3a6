#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Get {
    start: u8,
}

#[tracked]
impl Run for Get {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(self.start)
    }
}

#[derive(Task)]
#[task(requires = Get, target = Keep<u8>)]
struct Train {
    #[param(from = Get.start)]
    start: u8,
}

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}
