//! Private fields of tasks in other modules, paths, visibilities, and macros that write tasks.
#![deny(warnings)]


#[path = "../prelude.rs"]
mod prelude;

mod prepare {
    use crate::prelude::*;

    #[derive(Task)]
    #[task(target = Keep<u8>)]
    pub(crate) struct Load {
        #[param(default = 3)]
        hidden: usize,
    }

    #[tracked]
    impl Run for Load {
        fn run(&self, _: &Cx<Self>) -> Result<u8> {
            let _ = self.hidden;
            Ok(1)
        }
    }

    pub(crate) mod inner {
        use crate::prelude::*;

        #[derive(Task)]
        #[task(requires(load = super::Load { hidden: 4 }), target = Keep<u8>)]
        pub(super) struct Local;

        #[tracked]
        impl Run for Local {
            fn run(&self, cx: &Cx<Self>) -> Result<u8> {
                let _ = &cx.input().load;
                Ok(1)
            }
        }

        #[derive(Task)]
        #[task(requires(a = Local, b = self::Local), target = Keep<u8>)]
        pub(in crate::prepare) struct Wide;

        #[tracked]
        impl Run for Wide {
            fn run(&self, cx: &Cx<Self>) -> Result<u8> {
                let _ = (&cx.input().a, &cx.input().b);
                Ok(1)
            }
        }
    }
}

use prelude::*;

#[derive(Task)]
#[task(requires(a = prepare::Load { hidden: 5 }, b = crate::prepare::Load with prepare::Load::HIDDEN = 7), target = prelude::Keep<Vec<u8>>)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u8>> {
        let _: &Input<prepare::Load> = &cx.input().a;
        let _ = &cx.input().b;
        Ok(Vec::new())
    }
}

macro_rules! task {
    ($name:ident, $required:ty, $output:ty, $value:expr) => {
        #[derive(Task)]
        #[task(requires = $required if self.on && $value > 0, target = Keep<$output>)]
        struct $name {
            #[param(default = $value > 1)]
            on: bool,
        }

        #[tracked]
        impl Run for $name {
            fn run(&self, _: &Cx<Self>) -> Result<$output> {
                let _ = self.on;
                Ok(Default::default())
            }
        }
    };
}

task!(A, Train, u8, 2);
task!(B, prepare::Load, Vec<String>, 0);

fn main() {
    assert_eq!(<Train as flow::__private::Declared>::__decl().target, "Keep<Vec<u8>>");
    let _ = (A::ON, B::ON);
    fn in_a_function() {
        #[derive(Task)]
        #[task(requires(train = Train), target = Keep<u8>)]
        struct Inside {
            #[param(default = 1)]
            x: u8,
        }

        #[tracked]
        impl Run for Inside {
            fn run(&self, cx: &Cx<Self>) -> Result<u8> {
                let _ = &cx.input().train;
                Ok(self.x)
            }
        }
        let _ = Inside::X;
    }
    in_a_function();
}
