//! Names of functions that are tasks: functions from macros, re-exports, functions of one name, and arguments
//! whose names occur in the generated code.

use flow::prelude::*;

use crate::support::{flow, ran};

mod hostile {
    #![deny(deprecated, unused)]

    use super::*;

    /// A deprecated function is a task, too, although the generated code calls it.
    #[task(target = Json<u8>)]
    #[deprecated = "say `later`"]
    pub(crate) fn former(#[param(default = 1)] r#type: u8) -> u8 {
        r#type
    }

    macro_rules! makes {
        ($name:ident, $n:expr) => {
            #[allow(deprecated)]
            #[task(requires = former, target = Json<u8>)]
            pub(crate) fn $name(
                context: &Cx<$name>,
                former: u8,
                #[param(default = $n)] cx: u8,
                #[param(default = 10)] __held_1: u8,
            ) -> u8 {
                let _ = context;
                former + cx + __held_1
            }
        };
    }

    // The function comes from a macro, and its arguments have names that the generated code uses.
    makes!(later, 2);

    pub(crate) mod elsewhere {
        #[allow(unused)]
        pub(crate) use super::later as last;
    }
}

#[test]
#[allow(deprecated)]
fn functions_from_macros_and_reexports_are_tasks() -> Result<()> {
    use hostile::elsewhere::last;

    #[task(requires = last, target = Json<u8>)]
    fn after(last: u8) -> u8 {
        last
    }

    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<after>()?), ["after", "former", "later"]);
    assert_eq!(*flow.load::<after>()?, 13);
    let flow = flow.with(hostile::former::TYPE, 5).with(last::CX, 1);
    flow.run::<after>()?;
    assert_eq!(*flow.load::<after>()?, 16);
    Ok(())
}

mod namesakes {
    pub(crate) mod a {
        use flow::prelude::*;

        #[task(target = Json<u8>)]
        pub(crate) fn get() -> u8 {
            1
        }
    }

    pub(crate) mod b {
        use flow::prelude::*;

        #[task(target = Json<u8>)]
        pub(crate) fn get() -> u8 {
            2
        }
    }

    pub(crate) mod c {
        use flow::prelude::*;

        #[task(target = Json<u8>, name = "get_c")]
        pub(crate) fn get() -> u8 {
            3
        }
    }
}

#[test]
fn functions_of_one_name_need_different_task_names() -> Result<()> {
    use namesakes::{a, b, c};

    #[task(requires(a::get, b::get), target = Json<u8>)]
    fn wrong(a: u8, b: u8) -> u8 {
        a + b
    }

    #[task(requires(a::get, c::get), target = Json<u8>)]
    fn right(a: u8, c: u8) -> u8 {
        a + c
    }

    let (none, _none) = flow();
    let error = none.run::<wrong>().expect_err("two have one name").to_string();
    assert!(error.starts_with("two tasks are called `get`, one in `"), "{error}");
    assert!(error.ends_with("`: give one of them `#[task(name = \"...\")]`"), "{error}");
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<right>()?), ["get", "get_c", "right"]);
    assert_eq!(*flow.load::<right>()?, 4);
    Ok(())
}
