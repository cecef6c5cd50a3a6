//! Private fields of tasks in other modules, paths, visibilities, and macros that declare tasks.

use wf::prelude::*;
use wf::testing::{self, assert_ran};

// A task is as visible as its author says.
#[allow(clippy::redundant_pub_crate)]
mod prepare {
    use wf::prelude::*;

    #[derive(Task)]
    #[task(target = Json<usize>)]
    pub(crate) struct Hidden {
        #[param(default = 3)]
        hidden: usize,
    }

    #[tracked]
    impl Run for Hidden {
        fn run(&self, _: &Cx<Self>) -> Result<usize> {
            Ok(self.hidden)
        }
    }

    #[derive(Outputs)]
    pub(crate) struct Visible {
        #[output(Json)]
        pub(crate) seen: u8,
        #[output(Json)]
        unseen: u8,
    }

    /// Its type is as visible as the function.
    #[task(outputs = Visible)]
    pub(crate) fn visible(#[param(default = 2)] unseen: u8) -> Visible {
        Visible { seen: 1, unseen }
    }

    pub(crate) mod inner {
        #[allow(clippy::wildcard_imports)]
        use super::*;

        #[derive(Task)]
        #[task(requires(load = super::Hidden { hidden: 4 }), target = Json<usize>)]
        pub(in crate::modules) struct Local;

        #[tracked]
        impl Run for Local {
            fn run(&self, cx: &Cx<Self>) -> Result<usize> {
                Ok(*cx.input().load.load()?)
            }
        }

        #[derive(Task)]
        #[task(requires(a = Local, b = self::Local, c = Hidden), target = Json<usize>)]
        pub(in crate::modules) struct Wide;

        #[tracked]
        impl Run for Wide {
            fn run(&self, cx: &Cx<Self>) -> Result<usize> {
                let input = cx.input();
                Ok(*input.a.load()? + *input.b.load()? + *input.c.load()?)
            }
        }
    }
}

/// A module whose tasks are public within a private module.
mod public {
    use wf::prelude::*;

    #[derive(Task)]
    #[task(requires = super::prepare::inner::Wide, target = Json<usize>)]
    pub(super) struct OfWide;

    #[tracked]
    impl Run for OfWide {
        fn run(&self, cx: &Cx<Self>) -> Result<usize> {
            Ok(*cx.input().load()?)
        }
    }

    #[task(target = Json<u8>)]
    pub fn public_function(#[param(default = 1)] n: u8) -> u8 {
        n
    }
}

#[derive(Task)]
#[task(
    requires(
        a = prepare::Hidden { hidden: 5 },
        b = crate::modules::prepare::Hidden with prepare::Hidden::HIDDEN = 7,
        c = public::OfWide,
        d = prepare::visible { unseen: 6 },
        e = public::public_function,
    ),
    target = wf::targets::Json<Vec<usize>>,
)]
struct ByPath;

#[tracked]
impl Run for ByPath {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<usize>> {
        let input = cx.input();
        let a: &Input<prepare::Hidden> = &input.a;
        let seen = usize::from(*input.d.load_one(prepare::Visible::SEEN)?);
        let unseen = usize::from(*input.d.load_one(prepare::Visible::UNSEEN)?);
        let last = usize::from(*input.e.load()?);
        Ok(vec![*a.load()?, *input.b.load()?, *input.c.load()?, seen, unseen, last])
    }
}

macro_rules! task {
    ($name:ident, $required:ty, $output:ty, $value:expr) => {
        #[derive(Task)]
        #[task(requires = $required if self.on && $value > 0, target = Json<$output>)]
        struct $name {
            #[param(default = $value > 1)]
            on: bool,
        }

        #[tracked]
        impl Run for $name {
            fn run(&self, _: &Cx<Self>) -> Result<$output> {
                Ok(Default::default())
            }
        }
    };
}

task!(OfMacro, ByPath, u8, 2);
task!(OfMacroToo, prepare::Hidden, Vec<String>, 0);

#[test]
fn tasks_are_required_by_path() -> Result<()> {
    let flow = testing::flow();
    flow.run::<ByPath>()?;
    assert_eq!(*flow.load::<ByPath>()?, [5, 7, 11, 1, 6, 1]);
    assert_eq!(flow.graph::<ByPath>().outputs::<prepare::Hidden>()?.len(), 4);
    Ok(())
}

#[test]
fn macros_declare_tasks_with_types_and_expressions() -> Result<()> {
    let flow = testing::flow();
    let instance = flow.graph::<OfMacro>().instance::<OfMacro>()?;
    assert!(instance.on && !flow.graph::<OfMacroToo>().instance::<OfMacroToo>()?.on);
    assert_ran(&flow.run::<OfMacroToo>()?, ["OfMacroToo"]);
    let graph = flow.graph::<OfMacro>();
    assert!(graph.instances()?.iter().any(|instance| instance.task() == "ByPath"));
    Ok(())
}
