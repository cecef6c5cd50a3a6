//! Values that are given by name, as a terminal gives them: text, of which the parameter's type decides
//! what it means.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use flow::prelude::*;
use jiff::civil::{Date, date};

use crate::support::{flow, key, plan_error, preview};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kernel {
    Linear,
    Power(u8),
    Poly { degree: u8, scale: Option<f64> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Width {
    Pixels(i64),
    Name(String),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Range {
    low: f64,
    high: f64,
}

#[derive(Task, Clone)]
#[task(target = Json<u8>)]
struct Every {
    #[param(default = true)]
    flag: bool,
    #[param(default = 1)]
    count: u32,
    #[param(default = 1.0)]
    rate: f64,
    #[param(default = 1.0)]
    narrow: f32,
    #[param(default = "x")]
    text: String,
    #[param(default = "x")]
    path: PathBuf,
    #[param(default)]
    maybe: Option<u32>,
    #[param(default)]
    label: Option<String>,
    #[param(default)]
    counts: Vec<u32>,
    #[param(default)]
    names: Vec<String>,
    #[param(default)]
    tags: BTreeSet<String>,
    #[param(default = (1, "a".to_owned()))]
    pair: (u8, String),
    #[param(default)]
    map: BTreeMap<u8, bool>,
    #[param(default)]
    range: Range,
    #[param(default = Kernel::Linear)]
    kernel: Kernel,
    #[param(default = Width::Pixels(1))]
    width: Width,
    #[param(default = date(2026, 1, 1))]
    day: Date,
    #[param(default = Secret::new(1_u32))]
    pin: Secret<u32>,
}

runs!(Every: u8 = |self, _cx| Ok(1));

/// Returns the task with this text for one of its parameters.
fn with(name: &str, text: &str) -> Every {
    let (flow, _folder) = flow();
    let given = flow.with_named(name, text).graph::<Every>().instance::<Every>();
    given.unwrap_or_else(|error| panic!("{name} = {text:?}: {error}"))
}

fn refused(name: &str, text: &str) -> String {
    let (flow, _folder) = flow();
    plan_error::<Every>(&flow.with_named(name, text))
}

#[test]
fn booleans_have_the_usual_spellings() {
    for text in ["true", "True", "YES", "on", "1"] {
        assert!(with("flag", text).flag, "{text}");
    }
    for text in ["false", "FALSE", "no", "Off", "0"] {
        assert!(!with("flag", text).flag, "{text}");
    }
    let error = refused("flag", "maybe");
    assert!(error.contains("expected a boolean, found the string `maybe`"), "{error}");
    assert!(error.contains("the parameter has type `bool`, written as `true`"), "{error}");
}

#[test]
fn numbers_have_separators_and_exponents() {
    assert_eq!(with("count", "1_000").count, 1000);
    assert_eq!(with("count", "1e6").count, 1_000_000);
    assert_eq!((with("rate", "1e-3").rate, with("rate", "2").rate), (0.001, 2.0));
    assert_eq!(with("rate", "1_000.5").rate, 1000.5);
    assert_eq!(with("narrow", "0.1").narrow, 0.1);
    assert!(refused("count", "1.5").contains("found the string `1.5`"));
    assert!(refused("count", "-1").contains("found the integer `-1`"));
}

#[test]
fn text_for_a_text_is_never_parsed() {
    for text in ["", "1", "true", "none", "a,b", "[1, 2]", r#"{"a": 1}"#, r#""quoted""#, " x "] {
        assert_eq!(with("text", text).text, text);
        assert_eq!(with("path", text).path, PathBuf::from(text));
    }
}

#[test]
fn an_absent_value_has_the_usual_spellings() {
    for text in ["none", "None", "null", "NULL", ""] {
        assert_eq!(with("maybe", text).maybe, None, "{text}");
        assert_eq!(with("label", text).label, None, "{text}");
    }
    assert_eq!(with("maybe", "3").maybe, Some(3));
    assert_eq!(with("label", "gbm").label.as_deref(), Some("gbm"));
    // As previews print the text `none`.
    assert_eq!(with("label", "\"none\"").label.as_deref(), Some("none"));
    // A value that is no text is not read as one.
    let (flow, _folder) = flow();
    let every = flow.with_named("label", Some("none")).graph::<Every>().instance::<Every>();
    assert!(every.expect("a plan").label.is_some());
}

#[test]
fn lists_are_json_or_separated_by_commas() {
    for text in ["[1, 2]", "1,2", " 1 , 2 ", "[1,2]"] {
        assert_eq!(with("counts", text).counts, [1, 2], "{text}");
    }
    for text in ["", "[]"] {
        assert!(with("counts", text).counts.is_empty(), "{text}");
    }
    assert_eq!(with("counts", "7").counts, [7]);
    for text in [r#"["a", "b"]"#, "a,b", "[a, b]"] {
        assert_eq!(with("names", text).names, ["a", "b"], "{text}");
        assert_eq!(with("tags", text).tags.len(), 2, "{text}");
    }
    assert_eq!(with("names", r#"["a, b"]"#).names, ["a, b"]);
    assert_eq!(with("pair", "3,x").pair, (3, "x".to_owned()));
    let error = refused("counts", "1,x");
    assert!(error.contains("at `[1]`: expected an integer"), "{error}");
    assert!(error.contains("the parameter has type `Vec<u32>`, written as `[3]`"), "{error}");
    assert!(refused("names", r#"["a""#).contains("it is not valid JSON"));
}

#[test]
fn maps_structs_and_enums_with_data_are_json() {
    assert_eq!(with("map", r#"{"3": true}"#).map, BTreeMap::from([(3, true)]));
    assert_eq!(with("range", r#"{"low": 1, "high": 2.5}"#).range, Range { low: 1.0, high: 2.5 });
    assert_eq!(with("kernel", "Linear").kernel, Kernel::Linear);
    assert_eq!(with("kernel", r#"{"Power": 3}"#).kernel, Kernel::Power(3));
    let poly = r#"{"Poly": {"degree": 3, "scale": null}}"#;
    assert_eq!(with("kernel", poly).kernel, Kernel::Poly { degree: 3, scale: None });
    let (flow, _folder) = flow();
    let json = serde_json::json!({"Poly": {"degree": 3}});
    let kernel = flow.with_named("kernel", json).graph::<Every>().instance::<Every>();
    assert_eq!(kernel.expect("a plan").kernel, Kernel::Poly { degree: 3, scale: None });
    let error = refused("kernel", "Polly");
    assert!(error.contains("there is no variant `Polly`"), "{error}");
    assert!(refused("range", "{low").contains("it is not valid JSON"));
}

#[test]
fn dates_and_types_that_take_anything_are_read() {
    assert_eq!(with("day", "2026-03-04").day, date(2026, 3, 4));
    assert!(refused("day", "soon").contains("written as `2026-01-31`"));
    assert_eq!(with("width", "wide").width, Width::Name("wide".to_owned()));
    assert_eq!(with("width", "3").width, Width::Name("3".to_owned()));
}

#[test]
fn a_secret_that_does_not_fit_is_not_shown() {
    assert_eq!(*with("pin", "1_234").pin.expose(), 1234);
    let error = refused("pin", "hunter2");
    assert!(!error.contains("hunter2"), "{error}");
    assert!(error.contains("written as `3`"), "{error}");
}

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Below {
    #[param(default = 1)]
    size: u32,
}

runs!(Below: u32 = |self, _cx| Ok(self.size));

#[derive(Task, Clone)]
#[task(requires = Below, target = Json<u32>)]
struct Above {
    #[param(default = 1)]
    size: u32,
}

runs!(Above: u32 = |self, cx| Ok(self.size + *cx.input().load()?));

#[test]
fn the_name_of_a_task_limits_the_value_to_its_parameter() -> Result<()> {
    let (flow, _folder) = flow();
    let sizes = |flow: &Flow| -> Result<(u32, u32)> {
        let graph = flow.graph::<Above>();
        Ok((graph.instance::<Above>()?.size, graph.instance::<Below>()?.size))
    };
    let below = flow.with_named("Below.size", "5");
    assert_eq!(sizes(&below)?, (1, 5));
    assert_eq!(key::<Above>(&below), key::<Above>(&flow.with(Below::SIZE, 5)));
    // As with a typed key, the value also reaches tasks upstream.
    assert_eq!(sizes(&flow.with_named("Above.size", 6))?, (6, 6));
    assert_eq!(sizes(&flow.with_named("size", 7))?, (7, 7));
    // Of two values for one parameter, the later counts.
    assert_eq!(sizes(&flow.with(Below::SIZE, 2).with_named("Below.size", 3))?, (1, 3));
    assert_eq!(sizes(&flow.with_named("Below.size", 3).with(Below::SIZE, 2))?, (1, 2));
    let error = plan_error::<Above>(&flow.with_named("Below.size", "large"));
    assert_eq!(
        error,
        "the value given for `Below.size` does not fit `Below.size`: expected an integer from 0 to \
         4294967295, found the string `large`; the parameter has type `u32`, written as `3`"
    );
    let error = plan_error::<Above>(&flow.with_named("Below.sise", 1));
    assert!(error.ends_with("a parameter `Below.sise`: did you mean `Below.size`?"), "{error}");
    Ok(())
}

#[test]
fn the_variants_of_a_sweep_take_the_name_of_a_task() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.with(Below::SIZE, 9).sweep::<Above>();
    let sweep = sweep.variant("a", |a| a.with_named("Below.size", "2")).variant("b", |b| b);
    let below =
        |name: &str| -> Result<u32> { Ok(sweep[name].graph::<Above>().instance::<Below>()?.size) };
    assert_eq!((below("a")?, below("b")?), (2, 9));
    sweep.run()?;
    let loaded = sweep.load::<Above>()?;
    assert_eq!((*loaded["a"], *loaded["b"]), (3, 10));
    let wrong = flow.sweep::<Above>().variant("a", |a| a.with_named("Below.size", "x"));
    let error = wrong.run().expect_err("it does not fit").to_string();
    assert!(error.ends_with("in the variant `a`"), "{error}");
    let twice = flow.sweep::<Above>().variant("a", |a| a.with_named("Below.size", 2));
    let error = twice.over(Below::SIZE, [1, 2]).run().expect_err("it is set twice").to_string();
    assert_eq!(
        error,
        "the sweep sets `Below.size` twice: by name, and value by value; leave one of them out"
    );
    Ok(())
}

/// The names of functions are as previews print them.
#[task(target = Json<u32>)]
fn sized_function(#[param(default = 1)] size: u32) -> u32 {
    size
}

#[test]
fn the_parameter_of_a_function_has_the_name_of_the_function() {
    let (flow, _folder) = flow();
    let given = flow.with_named("sized_function.size", "4");
    assert!(preview::<sized_function>(&given).starts_with("sized_function {size: 4}"));
}

/// Not required by any task.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Unrelated {
    #[param(default = 1)]
    only_unrelated_has_it: u32,
}

runs!(Unrelated: u32 = |self, _cx| Ok(self.only_unrelated_has_it));

#[test]
fn a_name_that_only_other_tasks_have_is_a_warning() -> Result<()> {
    let (flow, _folder) = flow();
    for name in ["only_unrelated_has_it", "Unrelated.only_unrelated_has_it"] {
        let given = flow.with_named(name, "2");
        let warning = format!(
            "warning: the value given for `{name}` is not used: `Unrelated` has that parameter, and no \
             task of the graph requires `Unrelated`"
        );
        let shown = preview::<Below>(&given);
        assert!(shown.ends_with(&warning), "{shown}");
        assert_eq!(given.run::<Below>()?.warnings().len(), 1);
        let unrelated = given.graph::<Unrelated>().instance::<Unrelated>()?;
        assert_eq!(unrelated.only_unrelated_has_it, 2);
    }
    // The roots of a sweep are fixed, so that the value is a mistake.
    let sweep = flow.sweep::<Below>().variant("a", |a| a.with_named("only_unrelated_has_it", 2));
    let error = sweep.run().expect_err("no task has it").to_string();
    assert!(error.contains("`Unrelated` has it, and is not required here"), "{error}");
    Ok(())
}
