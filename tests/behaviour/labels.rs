//! Labels of instances that are shown together are different, and the differing parameters come first.

use std::collections::BTreeSet;

use flow::Code;
use flow::prelude::*;

use crate::support::{flow, preview};

/// A value that is longer than a label may be.
const UNIVERSE: &str = "every share of every exchange of the world that was traded on more than 200 days of \
                        each of the last twenty years";

#[derive(Task)]
#[task(target = Json<u64>)]
struct Strategy {
    universe: String,
    #[param(default = "2001-01-01")]
    start: String,
    #[param(default = 10)]
    lookback: u64,
}

#[tracked]
impl Run for Strategy {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        ensure!(self.lookback < 100, "too far");
        Ok(self.lookback)
    }
}

#[derive(Task)]
#[task(requires = [Strategy { lookback: *n } for n in &self.lookbacks], target = Json<u64>)]
struct Compared {
    #[param(default = [10, 20])]
    lookbacks: Vec<u64>,
}

#[tracked]
impl Run for Compared {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|one| Ok(*one.load()?)).sum()
    }
}

/// Returns the labels of a task in a preview.
fn labels(shown: &str, task: &str) -> Vec<String> {
    let lines = shown.lines().map(|line| line.trim_start_matches(['│', '├', '└', '─', ' ']));
    let lines = lines.filter(|line| line.starts_with(task));
    lines.map(|line| line.split(" PENDING").next().unwrap_or_default().to_owned()).collect()
}

fn assert_apart(labels: &[String]) {
    assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len(), "{labels:#?}");
}

#[test]
fn differing_parameters_come_first_and_long_labels_are_cut() -> Result<()> {
    let (flow, folder) = flow();
    let flow = flow.with(Strategy::UNIVERSE, UNIVERSE);
    let shown = labels(&preview::<Compared>(&flow), "Strategy");
    assert_eq!(shown.len(), 2);
    assert!(shown[0].starts_with("Strategy {lookback: 10, universe: every share of"), "{shown:?}");
    assert!(shown[1].starts_with("Strategy {lookback: 20, universe: every share of"), "{shown:?}");
    assert!(shown.iter().all(|label| label.chars().count() < 130), "{shown:?}");

    let summary = flow.run::<Compared>()?.to_string();
    assert!(summary.contains("Strategy {lookback: 10,"), "{summary}");
    assert!(summary.contains("Strategy {lookback: 20,"), "{summary}");
    let failed = flow.with(Compared::LOOKBACKS, [100, 200]).allow_failures().run::<Compared>()?;
    let failed: Vec<_> = failed.failed().iter().map(|one| one.instance.to_string()).collect();
    assert!(failed.iter().all(|one| one.starts_with("Strategy {lookback: ")), "{failed:?}");
    assert_apart(&failed);
    let error = flow.graph::<Compared>().load::<Strategy>().expect_err("two").to_string();
    assert!(error.contains("lookback: 10") && error.contains("lookback: 20"), "{error}");
    let plot = flow.plot::<Compared>()?.to_string();
    assert!(plot.contains("lookback: 10") && plot.contains("lookback: 20"), "{plot}");

    // Folder names do not depend on other instances: values that are not defaults come first.
    let folders: Vec<_> = std::fs::read_dir(flow.folder().join("Strategy"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    let has = |text: &str| folders.iter().any(|name| name.contains(text));
    assert!(has(",lookback=10,start=") && has(",lookback=20,start="), "{folders:?}");

    let to = folder.path().join("export");
    flow.graph::<Compared>().export(&to)?;
    let readme = std::fs::read_to_string(to.join("README.md"))?;
    assert!(readme.contains("lookback=10") && readme.contains("lookback=20"), "{readme}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Get {
    #[param(default = 1)]
    start: u64,
    #[param(default = 0)]
    end: u64,
}

#[tracked]
impl Run for Get {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.start + self.end)
    }
}

#[derive(Task)]
#[task(requires = Get, target = Json<u64>)]
struct Px {
    #[param(from = Get::START)]
    start: u64,
}

#[tracked]
impl Run for Px {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(self.start + *cx.input().load()?)
    }
}

#[derive(Task)]
#[task(requires = [Px with Get::END = end for end in [0, 1]], target = Json<u64>)]
struct Pxs;

#[tracked]
impl Run for Pxs {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|one| Ok(*one.load()?)).sum()
    }
}

#[test]
fn a_parameter_taken_from_another_is_shown_once() -> Result<()> {
    let flow = flow().0.with(Get::START, 2);
    assert_eq!(labels(&preview::<Px>(&flow), "Px"), ["Px {start: 2}"]);
    Ok(())
}

#[test]
fn an_upstream_parameter_is_shown_if_it_differs() {
    let (flow, _folder) = flow();
    let shown = labels(&preview::<Pxs>(&flow), "Px {");
    assert_eq!(shown, ["Px {Get.end: 0, start: 1}", "Px {Get.end: 1, start: 1}"]);
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Part<P: flow::Parameter> {
    value: P,
}

impl<P: flow::Parameter> Run for Part<P> {
    const CODE: Code = Code::version(1);

    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        let _ = &self.value;
        Ok(0)
    }
}

macro_rules! parts {
    ($name:ident, $type:ty, $values:expr) => {
        #[derive(Task)]
        #[task(requires = [Part::<$type> { value } for value in $values], target = Json<usize>)]
        struct $name;

        #[tracked]
        impl Run for $name {
            fn run(&self, cx: &Cx<Self>) -> Result<usize> {
                Ok(cx.input().len())
            }
        }
    };
}

parts!(
    Nested,
    Option<Option<String>>,
    [None, Some(None), Some(Some("none".to_owned())), Some(Some("None".to_owned()))]
);
parts!(Secrets, Secret<String>, [Secret::new("a".to_owned()), Secret::new("b".to_owned())]);
parts!(Escapes, String, ["\\n".to_owned(), "\n".to_owned()]);
parts!(Long, String, [long("a"), long("b"), "short".to_owned()]);
parts!(Mixed, Either, [Either::Number(1), Either::Text("1".to_owned())]);

/// A number or a text that is serialized without a tag.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Text(String),
}

/// Returns a long text with the given middle.
fn long(middle: &str) -> String {
    format!("{}{middle}{}", "x".repeat(200), "y".repeat(200))
}

#[test]
fn values_that_print_alike_get_different_labels() -> Result<()> {
    let (flow, folder) = flow();
    let shown = labels(&preview::<Nested>(&flow), "Part");
    let expected = ["none", "Some(none)", r#"Some("none")"#, r#"Some("None")"#];
    let expected = expected.map(|value| format!("Part<Option<Option<String>>> {{value: {value}}}"));
    assert_eq!(shown, expected);

    let shown = labels(&preview::<Secrets>(&flow), "Part");
    assert!(shown.iter().all(|label| label.contains("{value: ***} #")), "{shown:?}");
    assert_apart(&shown);
    for shown in [preview::<Escapes>(&flow), preview::<Mixed>(&flow)] {
        let shown = labels(&shown, "Part");
        assert!(shown.len() == 2 && shown.iter().all(|label| label.contains("} #")), "{shown:?}");
        assert_apart(&shown);
    }
    let shown = labels(&preview::<Long>(&flow), "Part");
    assert_eq!(shown.len(), 3);
    assert_apart(&shown);
    assert!(shown[0].contains("x…y") && shown[0].chars().count() < 100, "{shown:?}");

    flow.run::<Secrets>()?;
    let to = folder.path().join("export");
    flow.graph::<Secrets>().export(&to)?;
    let readme = std::fs::read_to_string(to.join("README.md"))?;
    let instances: Vec<_> = readme.lines().filter(|line| line.starts_with("- `Part")).collect();
    let instances = instances.iter().map(|line| line.split(", made").next().unwrap_or_default());
    let instances: Vec<_> = instances.map(str::to_owned).collect();
    assert_eq!(instances.len(), 2, "{readme}");
    assert_apart(&instances);
    Ok(())
}

#[test]
fn variant_names_distinguish_long_values() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Strategy::LOOKBACK, 1);
    let sweep = flow.sweep::<Strategy>().over(Strategy::UNIVERSE, [long("a"), long("b")]);
    let names: Vec<_> = sweep.names()?.into_iter().map(str::to_owned).collect();
    assert_apart(&names);
    assert!(names.iter().all(|name| !name.ends_with("#2") && name.len() < 100), "{names:?}");
    Ok(())
}
