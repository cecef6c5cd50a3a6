//! The facade under other names.
#![deny(warnings)]

#[path = "../prelude.rs"]
mod prelude;

mod flows {
    pub(crate) use flow::__private;
}

use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>, crate = crate::flows)]
struct Load;

#[tracked(crate = crate::flows)]
impl Run for Load {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires(load = Load), target = Keep<u8>, crate = ::flow)]
struct Train {
    #[param(default = 3, range = 1..4)]
    n: u8,
}

#[tracked(crate = ::flow)]
impl Run for Train {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let _ = &cx.input().load;
        Ok(self.n)
    }
}

fn main() {}
