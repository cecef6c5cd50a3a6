//! Names of the user's that the generated code uses too, for other things.
#![deny(warnings)]
#![allow(non_upper_case_globals)]

#[path = "../prelude.rs"]
mod prelude;

/// What is declared here is seen by the expansions.
mod shadows {
    use crate::prelude::*;

    pub(crate) const items: usize = 9;
    pub(crate) const to: usize = 3;

    #[allow(dead_code)]
    type Option = u8;
    #[allow(dead_code)]
    type Vec = u8;
    #[allow(dead_code)]
    type PhantomData = u8;
    #[allow(dead_code)]
    mod core {}
    #[allow(dead_code)]
    mod flow {}

    #[derive(Task)]
    #[task(target = Keep<u8>)]
    pub(crate) struct Load {
        #[param(default = to)]
        n: usize,
        #[param(default = 2, range = 1..to)]
        index: usize,
        #[param(default = items, choices = [items, to])]
        values: usize,
    }

    #[tracked]
    impl Run for Load {
        fn run(&self, _: &Cx<Self>) -> Result<u8> {
            let _ = (self.n, self.index, self.values);
            Ok(1)
        }
    }

    #[derive(Task)]
    #[task(
        requires(
            list = [Load { n, index: items } for n in 0..self.k.len() if { let index = n; index > 0 }],
            maybe = Load if self.k.is_empty(),
            map = {key: usize => Load { values: key } for key in 0..items},
        ),
        target = Keep<u8>,
    )]
    pub(crate) struct Train {
        k: std::vec::Vec<u8>,
        #[param(default = 1)]
        self_: u8,
    }

    #[tracked]
    impl Run for Train {
        fn run(&self, cx: &Cx<Self>) -> Result<u8> {
            let _ = (&self.k, &cx.input().list, &cx.input().maybe, &cx.input().map);
            Ok(self.self_)
        }
    }
}

fn main() {
    let _ = shadows::Train::K;
}
