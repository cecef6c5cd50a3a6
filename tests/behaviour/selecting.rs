//! Selecting instances of a flow: upstream, downstream, and those in the graph of a root.

use flow::prelude::*;

use crate::support::{flow, in_full, ran};

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Get {
    #[param(default = 1)]
    n: u32,
}

runs!(Get: u32 = |self, _cx| Ok(self.n));

#[derive(Task, Clone)]
#[task(requires = Get, target = Json<u32>)]
struct Train {
    #[param(default = "ols")]
    model: String,
}

runs!(Train: u32 = |self, cx| {
    cx.meta("letters", self.model.len())?;
    Ok(*cx.input().load()? * 10 + self.model.len() as u32)
});

#[derive(Task)]
#[task(
    requires(ols = Train, boosted = Train { model: "boost" }, small = Train { model: "boost" } with Get::N = 5),
    target = Json<u32>,
)]
struct Report;

runs!(Report: u32 = |self, cx| {
    Ok(*cx.input().ols.load()? + *cx.input().boosted.load()? + *cx.input().small.load()?)
});

#[derive(Task)]
#[task(target = Json<u32>)]
struct Aside {
    #[param(default = 1)]
    k: u32,
}

runs!(Aside: u32 = |self, _cx| Ok(self.k));

fn labels(instances: &[flow::plan::Instance]) -> Vec<String> {
    instances.iter().map(ToString::to_string).collect()
}

#[test]
fn upstream_and_downstream() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(labels(&flow.graph::<Train>().instances()?), ["Get {n: 1}", "Train {model: ols}"]);
    assert_eq!(
        labels(&flow.graph::<(Aside, Train)>().instances()?),
        ["Aside {k: 1}", "Get {n: 1}", "Train {model: ols}"]
    );
    assert_eq!(
        labels(&flow.graph::<Report>().downstream::<Train>()?),
        [
            "Train {model: ols, Get.n: 1}",
            "Train {model: boost, Get.n: 1}",
            "Train {model: boost, Get.n: 5}",
            "Report"
        ]
    );
    assert_eq!(labels(&flow.graph::<Report>().downstream::<Aside>()?), [""; 0]);
    Ok(())
}

#[test]
fn the_only_instance_of_a_task_needs_no_selection() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Get::N, 3);
    assert_eq!(flow.graph::<Train>().instance::<Get>()?.n, 3);
    let error = flow.graph::<Train>().load::<Get>().expect_err("it was not run").to_string();
    assert_eq!(error, "Get {n: 3} is not complete (never run): run it with `flow.run::<Train>()`");
    flow.run::<Train>()?;
    assert_eq!(*flow.graph::<Train>().load::<Get>()?, 3);
    Ok(())
}

#[test]
fn parameters_select_one_of_several_instances() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Report>()?), ["Get", "Get", "Report", "Train", "Train", "Train"]);
    let of = flow.graph::<Report>();
    assert_eq!(
        of.load::<Get>().expect_err("there are two").to_string(),
        "Report requires 2 instances of Get: select one with `.at(Get::PARAMETER, value)`\n  \
         Get {n: 1}\n  Get {n: 5}"
    );
    assert_eq!(*flow.graph::<Report>().at(Get::N, 5).load::<Get>()?, 5);
    assert_eq!(*flow.graph::<Report>().at(Train::MODEL, "ols").load::<Train>()?, 13);
    assert_eq!(
        flow.graph::<Report>().at(Get::N, 7).load::<Get>().expect_err("there is none").to_string(),
        "Report requires no Get with n: 7"
    );
    assert_eq!(
        flow.graph::<Report>().load::<Aside>().expect_err("there is none").to_string(),
        "Report requires no Aside"
    );
    // Two instances have this model, so a parameter further upstream has to select one.
    let boosted = flow.graph::<Report>().at(Train::MODEL, "boost");
    assert_eq!(
        boosted.load::<Train>().expect_err("there are two").to_string(),
        "Report requires 2 instances of Train: select one with `.at(Train::PARAMETER, value)`\n  \
         Train {model: boost, Get.n: 1}\n  Train {model: boost, Get.n: 5}"
    );
    assert_eq!(*boosted.at(Get::N, 5).load::<Train>()?, 55);
    // Parameters of downstream tasks select as well.
    assert_eq!(*flow.graph::<Report>().at(Train::MODEL, "ols").load::<Get>()?, 1);
    assert_eq!(
        flow.graph::<Report>()
            .at(Aside::K, 1)
            .load::<Get>()
            .expect_err("there is none")
            .to_string(),
        "Report requires no Get with Aside.k: 1"
    );
    assert_eq!(flow.graph::<Report>().outputs::<Train>()?.len(), 3);
    Ok(())
}

#[test]
fn a_handle_has_the_metadata_path_and_value_of_its_output() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Train>()?;
    let output = flow.output::<Train>()?;
    assert_eq!(output.meta::<usize>("letters")?, 3);
    assert_eq!(
        in_full(output.meta::<usize>("words").expect_err("it was not noted")),
        "cannot load Train {model: ols}: its task recorded no metadata `words` with `cx.meta`, but `letters`"
    );
    assert_eq!(output.task().model, "ols");
    assert_eq!(std::fs::read_to_string(output.path()?)?.trim(), "13");
    let loaded = output.load()?;
    let copy = loaded.clone();
    assert_eq!((*copy, loaded.into_owned()), (13, 13));
    Ok(())
}
