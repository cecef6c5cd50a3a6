//! Every option of a parameter of a struct.

use std::collections::BTreeSet;
use std::path::PathBuf;

use wf::__private::{Declared, TaskType};
use wf::prelude::*;
use wf::testing;

/// An enum.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    A,
    B,
}

/// A task.
#[derive(Task)]
#[task(target = Json<u8>, name = "Every-thing_1", was = "Anything", version = 3)]
struct Everything {
    /// It must be given.
    ///
    /// Always.
    required: bool,
    #[param()]
    empty: u8,
    #[param(default = "x", choices = ["x", "y"], was = "old")]
    name: String,
    #[param(default)]
    count: usize,
    #[param(file, default = concat!(env!("CARGO_MANIFEST_DIR"), "/data/3.json"))]
    source: PathBuf,
    #[param(insignificant, default = 1, range = 1..=10, local)]
    workers: u8,
    #[param(default = Kind::A, choices = [Kind::A, Kind::B])]
    kind: Kind,
    #[param(default = [1, 2])]
    list: Vec<u8>,
    #[param(default = Some(3), range = ..)]
    option: Option<u8>,
    #[param(default = None)]
    none: Option<String>,
    #[param(default = Vec::new())]
    nothing: Vec<(u8, String)>,
    #[param(default = BTreeSet::new())]
    set: BTreeSet<u8>,
    #[param(default = 3)]
    signed: i128,
    #[param(default = "hidden")]
    secret: Secret<String>,
    #[param(default = [("a".to_owned(), 1)])]
    pairs: Vec<(String, u8)>,
    #[param(default = -1.5, range = -2.0..0.0)]
    r#type: f64,
    // Two attributes are one.
    #[param(default = 'c')]
    #[param(local)]
    letter: char,
    #[param(default = [[1, 2], [3, 4]])]
    array: [[u8; 2]; 2],
    #[param(default = { let half = 4; half * 2 })]
    block: u32,
    #[param(default = if cfg!(any()) { 1 } else { 2 },)]
    condition: u32,
}

#[tracked]
impl Run for Everything {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        ensure!(self.secret.expose() == "hidden", "another secret");
        ensure!(self.none.is_none() && self.nothing.is_empty() && self.set.is_empty(), "not empty");
        ensure!(self.kind == Kind::A && self.r#type < 0.0, "another kind");
        Ok(self.workers + self.empty + self.list[1])
    }
}

/// A task whose fields are those of another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Task)]
#[task(requires = Everything, target = Json<u8>)]
struct Follower {
    #[param(from = Everything::NAME)]
    name: String,
    #[param(from = Everything::WORKERS, insignificant, local)]
    workers: u8,
}

#[tracked]
impl Run for Follower {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        Ok(*cx.input().load()?)
    }
}

fn flow() -> testing::Flow {
    testing::flow().with(Everything::REQUIRED, true).with(Everything::EMPTY, 10)
}

#[test]
fn the_task_is_declared() {
    let decl = <Everything as Declared>::__decl();
    assert_eq!((decl.name.as_ref(), decl.version, decl.doc), ("Every-thing_1", 3, "A task."));
    assert_eq!(decl.was.as_deref(), Some("Anything"));
    assert_eq!(Everything::REQUIRED.doc(), "It must be given.\n\nAlways.");
    let key: Param<Everything, f64> = Everything::TYPE;
    assert_eq!(key.name(), "type");
}

#[test]
fn limits_are_declared() {
    let params = <Everything as Declared>::__PARAMS;
    assert_eq!(params[2].was, Some("old"));
    let choices = params[2].choices.expect("choices");
    assert_eq!(choices.text, "[\"x\", \"y\"]");
    assert!((choices.holds)(&String::from("y")) && !(choices.holds)(&String::from("z")));
    let range = params[5].range.expect("a range");
    assert_eq!(range.text, "1..=10");
    assert!((range.holds)(&10_u8) && !(range.holds)(&0_u8));
}

#[test]
fn options_are_declared() {
    let params = <Everything as Declared>::__PARAMS;
    assert!(params[5].local && !params[5].significant && params[4].file && params[16].local);
    let default = (params[7].default.expect("a default"))();
    assert_eq!(default.downcast_ref::<Vec<u8>>(), Some(&vec![1, 2]));
    let (task, index) = (<Follower as Declared>::__PARAMS[0].from.expect("a source"))();
    assert!(std::ptr::eq(task, TaskType::of::<Everything>()) || index == 2);
}

#[test]
fn defaults_are_resolved() -> Result<()> {
    let instance = flow().graph::<Everything>().instance::<Everything>()?;
    assert_eq!((instance.required, instance.count, instance.signed), (true, 0, 3));
    assert_eq!((instance.name.as_str(), instance.option, instance.letter), ("x", Some(3), 'c'));
    assert_eq!(instance.pairs, [("a".to_owned(), 1)]);
    assert_eq!((instance.block, instance.condition), (8, 2));
    assert_eq!(instance.array.concat(), [1, 2, 3, 4]);
    assert!(instance.source.ends_with("data/3.json"));
    Ok(())
}

#[test]
fn a_linked_parameter_is_the_other_one() -> Result<()> {
    let flow = flow().with(Follower::NAME, "y").with(Everything::WORKERS, 2);
    flow.run::<Follower>()?;
    assert_eq!(*flow.load::<Follower>()?, 2 + 10 + 2);
    let follower = flow.graph::<Follower>().instance::<Follower>()?;
    assert_eq!(follower, Follower { name: "y".to_owned(), workers: 2 });
    assert_eq!(flow.graph::<Follower>().instance::<Everything>()?.name, "y");
    Ok(())
}
