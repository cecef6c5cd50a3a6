#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Plain;

impl Target for Plain {
    type Value = u8;
    const EXTENSION: &'static str = "x";
    const CODE: Code = Code::version(1);

    fn save(&self, _: &u8, _: &mut Sink<'_>) -> Result<()> {
        Ok(())
    }

    fn load(&self, _: &Source) -> Result<u8> {
        Ok(0)
    }
}

#[derive(Task)]
#[task(target = Plain)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}
