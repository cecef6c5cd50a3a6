//! A given value that no task takes is a warning, in the preview and in the summary.

use flow::prelude::*;

use crate::support::{flow, plan_error, preview, ran};

#[derive(Task)]
#[task(target = Json<u8>)]
struct Get {
    #[param(default = 1)]
    n: u8,
}

runs!(Get: u8 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(requires = Get { n: 5 }, target = Json<u8>)]
struct Sets;

runs!(Sets: u8 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(target = Json<u8>)]
struct Elsewhere {
    #[param(default = 1)]
    m: u8,
}

runs!(Elsewhere: u8 = |self, _cx| Ok(self.m));

#[test]
fn a_value_for_a_task_that_is_not_required_is_a_warning() -> Result<()> {
    let (flow, _folder) = flow();
    let given = flow.with(Elsewhere::M, 3);
    let warning =
        "warning: the value given for `Elsewhere.m` is not used: no task of the graph takes it";
    assert_eq!(preview::<Get>(&given), format!("Get {{n: 1}} PENDING never run\n{warning}"));
    let summary = given.run::<Get>()?;
    assert_eq!(ran(&summary), ["Get"]);
    assert!(summary.to_string().ends_with(&format!("\n{warning}")), "{summary}");
    assert_eq!(summary.warnings().len(), 1);
    Ok(())
}

#[test]
fn a_value_that_every_requirement_overrides_is_a_warning() -> Result<()> {
    let (flow, _folder) = flow();
    let given = flow.with(Get::N, 3).with_named("n", 4);
    let lines = preview::<Sets>(&given);
    assert_eq!(
        lines,
        "Sets PENDING never run\n\
         └─ Get {n: 5} PENDING never run\n\
         warning: the value given for `Get.n` is not used: no task of the graph takes it\n\
         warning: the value given for `n` is not used: no task of the graph takes it"
    );
    Ok(())
}

#[test]
fn a_name_that_no_task_has_is_an_error() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<(Sets, Elsewhere)>(&flow.with_named("x_y_z", 4)),
        "no task that is required here has a parameter `x_y_z`: they have `m`, `n`"
    );

    #[derive(Task)]
    #[task(target = Json<u8>)]
    struct Long {
        #[param(default = 1)]
        do_preprocess: u8,
    }

    runs!(Long: u8 = |self, _cx| Ok(self.do_preprocess));

    assert_eq!(
        plan_error::<(Long, Get)>(&flow.with_named("do_preproces", 4)),
        "no task that is required here has a parameter `do_preproces`: did you mean `do_preprocess`?"
    );

    #[derive(Task)]
    #[task(target = Json<u8>)]
    struct None;

    runs!(None: u8 = |self, _cx| Ok(1));

    assert_eq!(
        plan_error::<None>(&flow.with_named("x_y_z", 4)),
        "no task that is required here has a parameter `x_y_z`: none of these tasks has parameters"
    );
}
