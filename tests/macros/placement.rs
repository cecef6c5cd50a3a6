//! Tasks in unusual places, with conditions, and with attributes of the compiler and of other macros.

use wf::prelude::*;
use wf::testing::{self, assert_ran};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Task)]
#[task(target = Json<u8>)]
#[must_use]
struct WithDerives {
    #[param(default = 1)]
    n: u8,
}

#[tracked]
impl Run for WithDerives {
    #[inline]
    #[allow(clippy::unused_self)]
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(self.n)
    }
}

/// Helpers beside `run`.
impl WithDerives {
    const fn twice(self) -> u8 {
        self.n * 2
    }
}

#[derive(Debug, Clone, PartialEq, Task, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[task(requires = WithDerives, target = Json<f64>)]
struct WithSerde {
    #[param(default = 0.5)]
    #[serde(default)]
    some_share: f64,
}

#[tracked]
impl Run for WithSerde {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let task: WithDerives = *cx.input().task();
        Ok(f64::from(task.twice()) + self.some_share)
    }
}

/// Fields and entries under conditions.
#[derive(Task)]
#[task(target = Json<u8>)]
struct WithConditions {
    #[cfg(any())]
    never: Missing,
    #[cfg(not(any()))]
    #[param(default = 2)]
    always: u8,
    #[cfg_attr(all(), param(default = 3))]
    conditional: u8,
    #[cfg_attr(any(), param(no_such_option))]
    #[param(default = 4)]
    last: u8,
}

#[tracked]
impl Run for WithConditions {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(self.always + self.conditional + self.last)
    }
}

#[cfg(any())]
#[derive(Task)]
#[task(target = Json<u8>)]
struct Nowhere {
    field: Missing,
}

#[cfg_attr(all(), derive(Task))]
#[cfg_attr(all(), task(target = Json<u8>))]
struct OfCondition;

#[tracked]
impl Run for OfCondition {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[cfg_attr(all(), task(target = Json<u8>))]
fn function_of_condition() -> u8 {
    2
}

/// Attributes of the compiler, in each place.
#[allow(clippy::mixed_attributes_style)]
#[must_use]
#[inline]
#[task(target = Json<u64>)]
#[cold]
#[allow(unused_mut, clippy::needless_pass_by_value)]
fn with_attributes(
    #[param(default = 3)]
    #[allow(unused_variables)]
    unused: u64,
    #[allow(unused_mut)]
    #[param(default = [1, 2])]
    mut rows: Vec<u64>,
) -> u64 {
    #![allow(clippy::let_and_return)]
    let sum = rows.iter().sum();
    sum
}

/// Uses paths from the root, without an import of the macros.
#[wf::task(target = wf::targets::Json<u8>)]
fn by_full_path(cx: &wf::Cx<by_full_path>, #[param(default = 1)] n: u8) -> wf::Result<u8> {
    cx.checkpoint()?;
    Ok(n)
}

#[derive(wf::Task)]
#[task(requires = self::by_full_path, target = wf::targets::Json<u8>)]
struct ByFullPath {}

#[wf::tracked]
impl wf::Run for ByFullPath {
    fn run(&self, cx: &wf::Cx<Self>) -> wf::Result<u8> {
        Ok(*cx.input().load()?)
    }
}

macro_rules! pipeline {
    ($first:ident, $second:ident, $output:ty, $value:expr, $limit:literal) => {
        #[derive(Debug, Task)]
        #[task(target = Json<$output>, version = $limit)]
        struct $first {
            #[param(default = $value, range = 0..=$limit)]
            n: $output,
        }

        #[tracked]
        impl Run for $first {
            fn run(&self, _: &Cx<Self>) -> Result<$output> {
                Ok(self.n)
            }
        }

        #[task(requires(first = $first { n: $value }), target = Json<Vec<$output>>)]
        fn $second(first: $output) -> Vec<$output> {
            vec![first; 2]
        }
    };
}

pipeline!(FirstOfMacro, second_of_macro, u32, 1 + 2, 9);

#[test]
fn tasks_have_other_derives() -> Result<()> {
    let flow = testing::flow();
    assert_ran(&flow.run::<WithSerde>()?, ["WithSerde", "WithDerives"]);
    let instance = flow.graph::<WithSerde>().instance::<WithSerde>()?;
    assert_eq!(instance, WithSerde { some_share: 0.5 });
    assert_eq!(flow.graph::<WithSerde>().instance::<WithDerives>()?, WithDerives { n: 1 });
    Ok(())
}

#[test]
fn conditions_apply() -> Result<()> {
    let flow = testing::flow();
    flow.run::<(WithConditions, OfCondition, function_of_condition)>()?;
    assert_eq!(*flow.load::<WithConditions>()?, 9);
    assert_eq!((*flow.load::<OfCondition>()?, *flow.load::<function_of_condition>()?), (1, 2));
    Ok(())
}

#[test]
fn attributes_are_kept() -> Result<()> {
    let flow = testing::flow();
    flow.run::<(with_attributes, ByFullPath)>()?;
    assert_eq!((*flow.load::<with_attributes>()?, *flow.load::<ByFullPath>()?), (3, 1));
    assert_eq!(with_attributes(0, vec![4]), 4);
    Ok(())
}

#[test]
fn tasks_can_be_declared_in_a_function() -> Result<()> {
    #[derive(Task)]
    #[task(requires(first = WithDerives), target = Json<u8>)]
    struct InFunction {
        #[param(default = 1)]
        x: u8,
    }

    #[tracked]
    impl Run for InFunction {
        fn run(&self, cx: &Cx<Self>) -> Result<u8> {
            Ok(self.x + *cx.input().first.load()?)
        }
    }

    #[task(requires = InFunction, target = Json<u8>)]
    fn function_in_function(input: u8, #[param(default = 2)] y: u8) -> u8 {
        input + y
    }

    let flow = testing::flow();
    let run = flow.run::<function_in_function>()?;
    assert_ran(&run, ["function_in_function", "InFunction", "WithDerives"]);
    assert_eq!(*flow.load::<function_in_function>()?, 4);
    assert_eq!((InFunction::X.name(), function_in_function::Y.name()), ("x", "y"));
    Ok(())
}

#[test]
fn tasks_can_be_declared_in_a_block() -> Result<()> {
    let flow = {
        #[derive(Task)]
        #[task(target = Json<u8>)]
        struct InBlock;

        #[tracked]
        impl Run for InBlock {
            fn run(&self, _: &Cx<Self>) -> Result<u8> {
                Ok(5)
            }
        }

        let flow = testing::flow();
        assert_ran(&flow.run::<InBlock>()?, ["InBlock"]);
        flow
    };
    flow.run::<second_of_macro>()?;
    assert_eq!(*flow.load::<second_of_macro>()?, [3, 3]);
    assert_eq!(flow.graph::<FirstOfMacro>().instance::<FirstOfMacro>()?.n, 3);
    Ok(())
}
