#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

macro_rules! run {
    ($task:ty) => {
        #[tracked]
        impl Run for $task {
            fn run(&self, _: &Cx<Self>) -> Result<u8> {
                Ok(1)
            }
        }
    };
}

#[derive(Task)]
#[task(external, path = "x.csv", target = Keep<u8>)]
struct Train;

run!(Train);

fn main() {}
