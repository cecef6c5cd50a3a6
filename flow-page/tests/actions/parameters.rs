//! Runs with other parameters: the form, the values that are typed, and what is wrong with them.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use flow::prelude::*;
use flow::store::StoredOutput;

use super::{hidden, page};
use crate::tasks::{Leaf, Mean};

/// How a model is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kernel {
    Linear,
    Poly { degree: u8 },
}

/// Has parameters of all kinds.
#[derive(Task)]
#[task(target = Json<String>)]
struct Fit {
    /// The number of days.
    #[param(default = 30, range = 1..=365)]
    days: u32,
    /// The name of the <b>model</b>.
    #[param(default = "tree", choices = ["tree", "line"])]
    model: String,
    #[param(default = false)]
    scale: bool,
    #[param(default = None)]
    limit: Option<u32>,
    #[param(default = vec!["a".to_owned()])]
    columns: Vec<String>,
    #[param(default = Kernel::Linear)]
    kernel: Kernel,
    #[param(default = BTreeMap::new())]
    weights: BTreeMap<String, f64>,
    #[param(default = Secret::new("hidden".to_owned()))]
    password: Secret<String>,
}

#[tracked]
impl Run for Fit {
    fn run(&self, _cx: &Cx<Self>) -> Result<String> {
        ensure!(!self.password.expose().is_empty(), "there is no password");
        Ok(format!(
            "{} {} {} {:?} {:?} {:?} {:?}",
            self.days, self.model, self.scale, self.limit, self.columns, self.kernel, self.weights
        ))
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Left {
    #[param(default = 1)]
    size: u64,
}

#[tracked]
impl Run for Left {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.size)
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Right {
    #[param(default = 2)]
    size: u64,
}

#[tracked]
impl Run for Right {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.size)
    }
}

#[derive(Task)]
#[task(requires(Left, Right), target = Json<u64>)]
struct Both;

#[tracked]
impl Run for Both {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let (left, right) = cx.input();
        Ok(*left.load()? * 100 + *right.load()?)
    }
}

#[test]
fn the_form_has_a_field_for_each_parameter() {
    let (page, _) = page::<Fit>();
    let html = page.view("/actions/parameters");
    for text in [
        "<input type=\"number\" id=\"field-1\" name=\"parameter Fit.days\" value=\"\" min=\"1\" max=\"365\" step=\"1\"",
        "The number of days. [default: 30; range: 1..=365",
        "now: 30]",
        "The name of the &lt;b&gt;model&lt;/b&gt;.",
        "<option value=\"line\">line</option>",
        "<option value=\"true\">true</option>",
        "<textarea id=\"field-5\" name=\"parameter Fit.columns\"",
        "Fit.limit <code>Option&lt;u32&gt;</code>",
        "Secrets have no field, because the page does not encrypt: Fit.password.",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(!html.contains("parameter Fit.password") && !html.contains("hidden\""), "{html}");
    let fields = ["<input ", "<select ", "<textarea "];
    let fields: usize = fields.iter().map(|field| html.matches(field).count()).sum();
    assert_eq!((fields, html.matches("<label for=\"field-").count()), (7, 7));
}

#[test]
fn parameters_of_several_tasks_have_a_field_for_all() {
    let (page, _) = page::<Both>();
    let html = page.view("/actions/parameters");
    assert!(html.contains("<legend>Several tasks</legend>") && html.contains("now: 1, 2; of "));
    let fields = [("parameter size", "7"), ("parameter Right.size", "8")];
    let plan = page.plan("/actions/parameters", &fields);
    page.confirm("/actions/parameters", &plan);
    assert_eq!(
        page.stored(),
        ["Both {Left.size: 7, Right.size: 8}", "Left {size: 7}", "Right {size: 8}"]
    );
}

#[test]
fn a_run_with_other_parameters_leaves_those_of_the_page() {
    let (page, ran) = page::<Mean>();
    page.run();
    ran.take();
    let plan = page.plan("/actions/parameters", &[("parameter Points.n", "5")]);
    let text = &plan.text;
    assert!(text.contains("Values that were typed") && text.contains("never run"), "{text}");
    assert!(ran.take().is_empty());

    let edit = page.send_again("/actions/parameters", &plan, &[("edit", "yes")]);
    assert!(edit.text.contains("name=\"parameter Points.n\" value=\"5\""), "{}", edit.text);
    assert!(ran.take().is_empty());

    page.confirm("/actions/parameters", &plan);
    assert_eq!(ran.take(), ["Mean", "Points"]);
    assert!(page.view("/live").contains("Run Mean with Points.n = 5"));
    assert!(page.view("/").contains("2 complete"));
    // The views of instances find those of this run, too.
    let list = page.flow.store().list().expect("a list");
    let is_it = |one: &&StoredOutput| one.task == "Points" && one.instance.contains("n: 5");
    let points = list.iter().find(is_it).expect("it ran");
    let html = page.view(&format!("/instance/{}", points.key));
    assert!(html.contains("Makes points.") && !html.contains("not in the graph"), "{html}");
}

#[test]
fn values_are_read_as_on_a_command_line() {
    let (page, _) = page::<Fit>();
    let fields = [
        ("parameter Fit.days", "1_0"),
        ("parameter Fit.model", "line"),
        ("parameter Fit.scale", "true"),
        ("parameter Fit.limit", "7"),
        ("parameter Fit.columns", "[\"b\",\r\n \"c\"]"),
        ("parameter Fit.kernel", "{\"Poly\": {\"degree\": 3}}"),
        ("parameter Fit.weights", "{\"x\": 0.5}"),
    ];
    let plan = page.plan("/actions/parameters", &fields);
    page.confirm("/actions/parameters", &plan);
    let flow = page.flow.with(Fit::DAYS, 10_u32).with(Fit::MODEL, "line").with(Fit::SCALE, true);
    let flow = flow.with(Fit::LIMIT, Some(7_u32)).with(Fit::KERNEL, Kernel::Poly { degree: 3 });
    let flow = flow.with(Fit::COLUMNS, vec!["b".to_owned(), "c".to_owned()]);
    let flow = flow.with(Fit::WEIGHTS, BTreeMap::from([("x".to_owned(), 0.5)]));
    let loaded = flow.load::<Fit>().expect("it has run with these values");
    assert_eq!(*loaded, r#"10 line true Some(7) ["b", "c"] Poly { degree: 3 } {"x": 0.5}"#);
}

#[test]
fn a_bad_value_is_explained_beside_its_field() {
    let (page, ran) = page::<Fit>();
    for (name, value, why) in [
        ("Fit.days", "many", "has type `u32`"),
        ("Fit.days", "366", "not in 1..=365"),
        ("Fit.model", "forest", "not in [&quot;tree&quot;, &quot;line&quot;]"),
        ("Fit.scale", "perhaps", "has type `bool`"),
        ("Fit.limit", "-1", "has type `Option&lt;u32&gt;`"),
        ("Fit.kernel", "{\"Poly\": 3}", "has type `Kernel`"),
        ("Fit.weights", "{\"x\":", "has type `BTreeMap&lt;String, f64&gt;`"),
        ("Fit.model", "a\0b", "control characters"),
    ] {
        let field = format!("parameter {name}");
        let reply = page.post("/actions/parameters", &[(field.as_str(), value)]);
        let text = &reply.text;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {text}");
        assert_eq!(text.matches("aria-invalid=\"true\"").count(), 1, "{name}: {text}");
        let (_, error) = text.split_once("<p class=\"error\" id=\"error-").expect("an error");
        let error = error.split_once("</p>").expect("its end").0;
        assert!(error.contains(why), "{name}: {error}");
        // What was typed is still there.
        let typed = value.replace('"', "&quot;");
        assert!(text.contains(&typed), "{name}: {text}");
        assert!(hidden(text).is_empty() && text.contains("Nothing was started."));
        assert!(!text.contains("<td>"), "there is no plan");
    }
    assert!(ran.take().is_empty() && page.stored().is_empty());
}

#[test]
fn a_graph_that_lacks_a_value_runs_with_the_one_that_is_typed() {
    let (page, ran) = page::<Leaf>();
    let actions = page.view("/actions");
    assert!(actions.contains("The graph cannot be planned:"), "{actions}");
    let without = page.post("/actions/parameters", &[]);
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.text.contains("`Leaf.id` has no value"), "{}", without.text);
    let plan = page.plan("/actions/parameters", &[("parameter Leaf.id", "9")]);
    page.confirm("/actions/parameters", &plan);
    assert_eq!(ran.take(), ["Leaf"]);
    assert_eq!(page.stored(), ["Leaf {id: 9}"]);
}
