//! Where the value of a parameter comes from: the five rules and their precedence.
//!
//! Several tasks require a leaf. Each test gives values, and checks which value the leaf and the tasks on
//! the path to it have.

use flow::prelude::*;

use crate::support::{flow, preview, ran};

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Leaf {
    #[param(default = 1)]
    n: u32,
}

runs!(Leaf: u32 = |self, _cx| Ok(self.n));

macro_rules! passes_on {
    ($task:ident) => {
        runs!($task: u32 = |self, cx| Ok(*cx.input().load()?));
    };
}

/// Sets the value of the leaf by a literal and by `with`.
#[derive(Task)]
#[task(requires = Leaf { n: 10 } with Leaf::N = 20, target = Json<u32>)]
struct Literal {
    #[param(default = 2)]
    n: u32,
}

runs!(Literal: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.n));

#[derive(Task)]
#[task(requires = Leaf with Leaf::N = 20, target = Json<u32>)]
struct With {
    #[param(default = 2)]
    n: u32,
}

runs!(With: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.n));

/// Declares a parameter of the same name and type.
#[derive(Task, Clone)]
#[task(requires = Leaf, target = Json<u32>)]
struct Near {
    #[param(default = 2)]
    n: u32,
}

runs!(Near: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.n));

/// Does not declare the parameter.
#[derive(Task)]
#[task(requires = Leaf, target = Json<u32>)]
struct Plain;

passes_on!(Plain);

#[derive(Task)]
#[task(requires = Near, target = Json<u32>)]
struct PlainNear;

passes_on!(PlainNear);

/// On the path to the leaf, two tasks declare the parameter, and one between them does not.
#[derive(Task)]
#[task(requires = PlainNear, target = Json<u32>)]
struct Far {
    #[param(default = 3)]
    n: u32,
}

runs!(Far: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.n));

fn leaf<R: Task>(flow: &Flow) -> u32 {
    flow.graph::<R>().instance::<Leaf>().expect("one leaf").n
}

#[test]
fn the_first_rule_that_has_a_value_wins() {
    let (flow, _folder) = flow();
    let named = flow.with_named("n", 50);
    let inherited = named.with(Literal::N, 40).with(With::N, 40).with(Near::N, 40);
    let typed = inherited.with(Leaf::N, 30);
    // Values are given in every way at once; each root uses the one of the highest precedence.
    assert_eq!(leaf::<Literal>(&typed), 10, "the literal goes before `with`");
    assert_eq!(leaf::<With>(&typed), 20, "`with` goes before what the flow gave to the task");
    assert_eq!(leaf::<Near>(&typed), 30, "the flow's value for the task goes before inheritance");
    assert_eq!(leaf::<Near>(&inherited), 40, "inheritance goes before a value given by name");
    assert_eq!(leaf::<Plain>(&named), 50, "a value given by name goes before the default");
    assert_eq!(leaf::<Plain>(&flow), 1, "the default is the last");
}

#[test]
fn a_default_is_never_inherited() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(leaf::<Near>(&flow), 1);
    assert_eq!(
        preview::<Far>(&flow),
        "Far {n: 3} PENDING never run\n\
         └─ PlainNear PENDING never run\n   \
            └─ Near {n: 2} PENDING never run\n      \
               └─ Leaf {n: 1} PENDING never run"
    );
    assert_eq!(ran(&flow.run::<Far>()?), ["Far", "Leaf", "Near", "PlainNear"]);
    assert_eq!(*flow.load::<Far>()?, 1);
    Ok(())
}

#[test]
fn a_given_value_passes_tasks_that_do_not_declare_it() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Far>()?;
    let given = flow.with(Far::N, 5);
    assert_eq!(
        preview::<Far>(&given),
        "Far {n: 5} PENDING never run\n\
         └─ PlainNear {Near.n: 5} PENDING never run\n   \
            └─ Near {n: 5} PENDING never run\n      \
               └─ Leaf {n: 5} PENDING never run"
    );
    assert_eq!(ran(&given.run::<Far>()?), ["Far", "Leaf", "Near", "PlainNear"]);
    assert_eq!(*given.load::<Far>()?, 5);
    Ok(())
}

#[test]
fn the_nearest_task_on_the_path_decides() {
    let (flow, _folder) = flow();
    let both = flow.with(Far::N, 5).with(Near::N, 6);
    assert_eq!(leaf::<Far>(&both), 6);
    let far = flow.with(Far::N, 5);
    assert_eq!(far.graph::<Far>().instance::<Near>().expect("one").n, 5);
    assert_eq!(leaf::<Far>(&far), 5);
}

#[test]
fn a_given_value_equal_to_the_default_is_inherited() {
    let (flow, _folder) = flow();
    assert_eq!(leaf::<Near>(&flow.with(Near::N, 2)), 2);
}

#[test]
fn values_set_by_a_requirement_are_inherited() {
    #[derive(Task)]
    #[task(requires = PlainNear with Near::N = 8, target = Json<u32>)]
    struct SetsNear;

    passes_on!(SetsNear);

    #[derive(Task)]
    #[task(requires = Near { n: 9 }, target = Json<u32>)]
    struct LiteralNear;

    passes_on!(LiteralNear);

    let (flow, _folder) = flow();
    assert_eq!(leaf::<SetsNear>(&flow), 8);
    assert_eq!(leaf::<LiteralNear>(&flow), 9);
}

#[test]
fn the_nearest_with_wins() {
    #[derive(Task)]
    #[task(requires = With with Leaf::N = 70, target = Json<u32>)]
    struct FarWith;

    passes_on!(FarWith);

    #[derive(Task)]
    #[task(requires = Plain with Leaf::N = 70, target = Json<u32>)]
    struct OnlyFarWith;

    passes_on!(OnlyFarWith);

    let (flow, _folder) = flow();
    assert_eq!(leaf::<FarWith>(&flow), 20);
    assert_eq!(leaf::<OnlyFarWith>(&flow.with(Leaf::N, 3)), 70);
}

#[derive(Task, Clone)]
#[task(requires = Leaf, target = Json<u32>)]
struct Local {
    #[param(default = 2, local)]
    n: u32,
}

runs!(Local: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.n));

#[derive(Task)]
#[task(requires = Local, target = Json<u32>)]
struct AboveLocal {
    #[param(default = 3)]
    n: u32,
}

runs!(AboveLocal: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.n));

#[test]
fn a_local_parameter_is_not_passed_on() {
    let (flow, _folder) = flow();
    assert_eq!(leaf::<Local>(&flow.with(Local::N, 9)), 1);
    // A local parameter inherits a value, and does not pass it on.
    let above = flow.with(AboveLocal::N, 9);
    assert_eq!(above.graph::<AboveLocal>().instance::<Local>().expect("one").n, 9);
    assert_eq!(leaf::<AboveLocal>(&above), 1);
    // A value given by name is given to every task.
    assert_eq!(leaf::<AboveLocal>(&above.with_named("n", 4)), 4);
}

#[derive(Task, Clone)]
#[task(requires = Leaf, target = Json<u32>)]
struct Text {
    #[param(default = "x")]
    n: String,
}

runs!(Text: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.n.len() as u32));

#[derive(Task)]
#[task(requires = Text, target = Json<u32>)]
struct AboveText {
    #[param(default = 3)]
    n: u32,
}

runs!(AboveText: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.n));

#[test]
fn a_parameter_of_another_type_is_another_parameter() {
    let (flow, _folder) = flow();
    assert_eq!(leaf::<Text>(&flow.with(Text::N, "y")), 1);
    // The parameter neither inherits the value nor hides it from the leaf.
    let above = flow.with(AboveText::N, 9);
    assert_eq!(above.graph::<AboveText>().instance::<Text>().expect("one").n, "x");
    assert_eq!(leaf::<AboveText>(&above), 9);
}

#[test]
fn a_branch_has_its_own_values() -> Result<()> {
    #[derive(Task)]
    #[task(requires(a = Near { n: 4 }, b = Near, c = Near with Leaf::N = 6), target = Json<Vec<u32>>)]
    struct Branches;

    runs!(Branches: Vec<u32> = |self, cx| {
        let input = cx.input();
        Ok(vec![*input.a.load()?, *input.b.load()?, *input.c.load()?])
    });

    let (flow, _folder) = flow();
    let summary = flow.run::<Branches>()?;
    // `b` and `c` have equal parameters, but their dependencies take different values from outside.
    assert_eq!(ran(&summary), ["Branches", "Leaf", "Leaf", "Leaf", "Near", "Near", "Near"]);
    assert_eq!(*flow.load::<Branches>()?, [4, 1, 6]);
    Ok(())
}
