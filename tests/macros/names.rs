//! Names of the user's that the generated code uses too, for other things.

use wf::prelude::{Json, Result, task};
use wf::testing;

/// The expansions see what is declared here.
#[allow(non_upper_case_globals)]
mod shadows {
    use ::wf::prelude::{Cx, Json, Result, Run, Task, tracked};

    pub const items: usize = 9;
    pub const to: usize = 3;

    #[allow(dead_code)]
    type Option = u8;
    #[allow(dead_code)]
    type Vec = u8;
    #[allow(dead_code)]
    type String = u8;
    #[allow(dead_code)]
    type PhantomData = u8;
    #[allow(dead_code)]
    mod core {}
    #[allow(dead_code)]
    mod std {}
    #[allow(dead_code)]
    mod flow {}
    #[allow(dead_code)]
    mod wf {}

    #[derive(Task)]
    #[task(target = Json<usize>)]
    pub struct Shadowed {
        #[param(default = to)]
        pub n: usize,
        #[param(default = 2, range = 1..to)]
        pub index: usize,
        #[param(default = items, choices = [items, to])]
        pub values: usize,
    }

    #[tracked]
    impl Run for Shadowed {
        fn run(&self, _: &Cx<Self>) -> Result<usize> {
            Ok(self.n + self.index + self.values)
        }
    }

    #[derive(Task)]
    #[task(
        requires(
            list = [Shadowed { n, index: 1 } for n in 0..self.k.len() if { let index = n; index > 0 }],
            maybe = Shadowed if self.k.is_empty(),
            map = {key: usize => Shadowed { n: key } for key in 0..items},
        ),
        target = Json<usize>,
    )]
    pub struct OfShadowed {
        k: ::std::vec::Vec<u8>,
        #[param(default = 1)]
        self_: u8,
    }

    #[tracked]
    impl Run for OfShadowed {
        fn run(&self, cx: &Cx<Self>) -> Result<usize> {
            let input = cx.input();
            let counts = [input.list.len(), input.map.len(), usize::from(input.maybe.is_some())];
            Ok(counts.iter().sum::<usize>() + usize::from(self.self_))
        }
    }
}

/// The names of the generated variables, as arguments.
#[task(target = Json<usize>)]
fn of_generated_names(
    #[param(default = 1)] value: usize,
    #[param(default = 2)] values: usize,
    #[param(default = 3)] index: usize,
    #[param(default = 4)] to: usize,
    #[param(default = 5)] visit: usize,
    #[param(default = 6)] __flow: usize,
    #[param(default = 7)] __cx: usize,
) -> usize {
    value + values + index + to + visit + __flow + __cx
}

#[test]
fn names_of_the_user_do_not_clash() -> Result<()> {
    let flow = testing::flow().with(shadows::OfShadowed::K, [1, 2, 3]);
    flow.run::<(shadows::OfShadowed, of_generated_names)>()?;
    assert_eq!(*flow.load::<shadows::OfShadowed>()?, 2 + 9 + 1);
    assert_eq!(*flow.load::<of_generated_names>()?, 28);
    let instance = flow.graph::<shadows::Shadowed>().instance::<shadows::Shadowed>()?;
    assert_eq!((instance.n, instance.index, instance.values), (3, 2, 9));
    Ok(())
}
