//! Many values at once: a map or a struct whose keys are the names of parameters.

use std::collections::BTreeMap;

use flow::prelude::*;

use crate::support::{flow, key, plan_error};

#[derive(Task, Clone)]
#[task(target = Json<f64>)]
struct Fit {
    #[param(default = 1.0)]
    c: f64,
    #[param(default = true)]
    scale: bool,
    #[param(default)]
    limit: Option<u32>,
    #[param(default)]
    columns: Vec<String>,
}

runs!(Fit: f64 = |self, _cx| Ok(self.c));

#[derive(Serialize)]
struct Arguments {
    c: f64,
    #[serde(rename = "Fit.scale")]
    scale: &'static str,
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<String>,
}

#[test]
fn a_map_json_and_a_struct_give_the_same_values() -> Result<()> {
    let (flow, _folder) = flow();
    let texts = BTreeMap::from([("c", "0.5"), ("Fit.scale", "no"), ("limit", "3")]);
    let owned: BTreeMap<String, String> =
        texts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let json = serde_json::json!({"c": 0.5, "Fit.scale": false, "limit": 3});
    let arguments = Arguments { c: 0.5, scale: "off", limit: Some(3), columns: None };
    let typed = flow.with(Fit::C, 0.5).with(Fit::SCALE, false).with(Fit::LIMIT, Some(3));
    for given in [
        flow.with_params(&texts),
        flow.with_params(&owned),
        flow.with_params(json),
        flow.with_params(&arguments),
        flow.with_params(Some(&arguments)),
    ] {
        assert_eq!(key::<Fit>(&given), key::<Fit>(&typed));
    }
    let json = serde_json::json!({"limit": null, "columns": ["a", "b"]});
    let fit = flow.with(Fit::LIMIT, Some(1)).with_params(json).graph::<Fit>().instance::<Fit>()?;
    assert_eq!((fit.limit, fit.columns.len()), (Some(1), 2), "a typed key goes first");
    let json = serde_json::json!({"Fit.limit": null});
    let fit = flow.with(Fit::LIMIT, Some(1)).with_params(json).graph::<Fit>().instance::<Fit>()?;
    assert_eq!(fit.limit, None);
    Ok(())
}

#[test]
fn an_empty_map_changes_nothing() {
    let (flow, _folder) = flow();
    let empty = flow.with_params(BTreeMap::<String, String>::new());
    assert_eq!(key::<Fit>(&empty), key::<Fit>(&flow));
}

#[test]
fn anything_else_is_an_error_of_the_plan() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Fit>(&flow.with_params(["c", "0.5"])),
        "cannot take parameters from `with_params`: it was given a list; give a map or a struct whose keys \
         are the names of parameters, such as `BTreeMap::from([(\"c\", \"0.1\")])`"
    );
    for (given, what) in [
        (flow.with_params("c=0.5"), "it was given text"),
        (flow.with_params(()), "it was given nothing"),
        (flow.with_params(BTreeMap::from([(3, "x")])), "the key `3` is not text"),
    ] {
        let error = plan_error::<Fit>(&given);
        assert!(error.contains(what), "{error}");
    }
    let error = plan_error::<Fit>(&flow.with_params(BTreeMap::from([("colums", "a")])));
    assert!(error.ends_with("did you mean `columns`?"), "{error}");
}

#[test]
fn a_flow_of_a_test_takes_a_map() -> Result<()> {
    let flow = flow::testing::flow().with_params(BTreeMap::from([("c", "0.25")]));
    flow.run::<Fit>()?;
    assert_eq!(*flow.load::<Fit>()?, 0.25);
    Ok(())
}
