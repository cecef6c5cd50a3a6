#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

macro_rules! task {
    ($name:ident) => {
        #[derive(Task)]
        #[task(requires = $name, target = Keep<u8>)]
        struct $name;

        #[tracked]
        impl Run for $name {
            fn run(&self, _: &Cx<Self>) -> Result<u8> {
                Ok(1)
            }
        }
    };
}

task!(Train);

fn main() {}
