#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
enum Kind {
    A,
}

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train {
    #[param(choices = [Kind::A])]
    a: Kind,
}

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}
