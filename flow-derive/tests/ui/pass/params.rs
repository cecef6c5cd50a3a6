//! Every option of a parameter.
#![deny(warnings, missing_docs)]

#[path = "../prelude.rs"]
#[allow(missing_docs)]
mod prelude;
use prelude::*;

/// A kind.
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// One.
    A,
    /// The other.
    B,
}

/// A task.
#[derive(Task)]
#[task(target = Keep<u8>, name = "Every-thing_1", was = "Anything", version = 3)]
pub struct Everything {
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
    #[param(file, default = "examples/data/iris.csv")]
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
    #[param(default = std::collections::BTreeSet::new())]
    set: std::collections::BTreeSet<u8>,
    #[param(default = 3)]
    signed: i128,
    #[param(default = "hidden")]
    secret: Secret<String>,
    #[param(default = [("a".to_owned(), 1)])]
    pairs: Vec<(String, u8)>,
    #[param(default = -1.5, range = -2.0..0.0)]
    r#type: f64,
}

#[tracked]
impl Run for Everything {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        let _ = (self.required, self.empty, &self.name, self.count, &self.source, self.workers);
        let _ = (&self.none, &self.nothing, &self.set, self.signed, &self.secret, &self.pairs);
        let _ = (&self.kind, &self.list, self.option, self.r#type);
        Ok(1)
    }
}

/// A task whose fields are those of another.
#[derive(Task)]
#[task(requires = Everything, target = Keep<u8>)]
pub struct Follower {
    #[param(from = Everything::NAME)]
    name: String,
    #[param(from = Everything::WORKERS, insignificant, local)]
    workers: u8,
}

#[tracked]
impl Run for Follower {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        let _ = (&self.name, self.workers);
        Ok(1)
    }
}

fn main() {
    let _: Param<Everything, f64> = Everything::TYPE;
    let decl = <Everything as flow::__private::Declared>::__decl();
    assert_eq!(decl.name, "Every-thing_1");
    assert_eq!((decl.was.as_deref(), decl.version, decl.doc), (Some("Anything"), 3, "A task."));
    let params = <Everything as flow::__private::Declared>::__PARAMS;
    assert_eq!(Everything::REQUIRED.doc(), "It must be given.\n\nAlways.");
    assert_eq!(params[2].was, Some("old"));
    let choices = params[2].choices.expect("choices");
    assert_eq!(choices.text, "[\"x\", \"y\"]");
    assert!((choices.holds)(&String::from("y")));
    assert!(!(choices.holds)(&String::from("z")));
    let range = params[5].range.expect("a range");
    assert_eq!(range.text, "1..=10");
    assert!((range.holds)(&10_u8) && !(range.holds)(&0_u8));
    assert!(params[5].local && !params[5].significant && params[4].file);
    assert_eq!(params[15].name, "type");
    let default = (params[7].default.expect("a default"))();
    assert_eq!(default.downcast_ref::<Vec<u8>>(), Some(&vec![1, 2]));
    let (task, place) = (<Follower as flow::__private::Declared>::__PARAMS[0].from.expect("a source"))();
    assert!(std::ptr::eq(task, flow::__private::TaskType::of::<Everything>()) || place == 2);
}
