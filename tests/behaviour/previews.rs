//! Previews of graphs of all shapes.

use flow::plan::{Preview, Show};
use flow::prelude::*;

use crate::support::{flow, preview, ran};

#[derive(Task)]
#[task(target = Json<u8>)]
struct Base {
    #[param(
        default = "a rather long text that goes on and on, to the end of the line and beyond it"
    )]
    text: String,
    #[param(default = 1)]
    n: u8,
}

runs!(Base: u8 = |self, _cx| Ok(self.n + 0 * self.text.len() as u8));

macro_rules! above {
    ($name:ident: $($required:tt)*) => {
        #[derive(Task)]
        #[task(requires($($required)*), target = Json<u8>)]
        struct $name;

        runs!($name: u8 = |self, _cx| Ok(1));
    };
}

above!(Left: Base);
above!(Right: Base { n: 2 });
above!(Middle: Left);
above!(Diamond: Left, Right, Middle, Left);

fn shown<R: flow::Roots>(flow: &Flow, how: impl FnOnce(Preview) -> Preview) -> String {
    how(flow.preview::<R>().expect("a plan").color(false)).to_string()
}

#[test]
fn shared_dependencies_are_shown_once() {
    let (flow, _folder) = flow();
    assert_eq!(
        shown::<Diamond>(&flow, |preview| preview.parameters(Show::Hidden)),
        "Diamond PENDING never run\n\
         ├─ Left PENDING never run\n\
         │  └─ Base PENDING never run\n\
         ├─ Right PENDING never run\n\
         │  └─ Base PENDING never run\n\
         └─ Middle PENDING never run\n   \
            └─ Left (above)"
    );
    // Several roots are shown below each other, with shared instances once.
    assert_eq!(
        shown::<(Middle, Left)>(&flow, |preview| preview.parameters(Show::Hidden)),
        "Middle PENDING never run\n\
         └─ Left PENDING never run\n   \
            └─ Base PENDING never run\n\
         Left (above)"
    );
}

#[test]
fn parameters_are_shown_in_full_clipped_or_hidden() {
    let (flow, _folder) = flow();
    let flow = flow.with(Base::TEXT, "x".repeat(200));
    let full = format!("Base {{text: {}, n: 1}} PENDING never run", "x".repeat(200));
    assert_eq!(shown::<Base>(&flow, |preview| preview.parameters(Show::Full)), full);
    let digest = &blake3::hash("x".repeat(200).as_bytes()).to_hex()[..8];
    let text = format!("{}…{} #{digest}", "x".repeat(19), "x".repeat(18));
    let clipped = format!("Base {{text: {text}, n: 1}} PENDING never run");
    assert_eq!(shown::<Base>(&flow, |preview| preview.parameters(Show::Clipped)), clipped);
    assert_eq!(preview::<Base>(&flow), clipped);
    let hidden = "Base PENDING never run";
    assert_eq!(shown::<Base>(&flow, |preview| preview.parameters(Show::Hidden)), hidden);
}

#[test]
fn a_preview_is_colored_on_request() {
    let (flow, _folder) = flow();
    let text = shown::<Base>(&flow, |preview| preview.parameters(Show::Hidden).color(true));
    assert_eq!(text, "Base \u{1b}[33mPENDING\u{1b}[0m never run");
}

#[derive(Task)]
#[task(requires([Item { n } for n in 0..self.n], Base { text: "" }), target = Json<u32>)]
struct Fan {
    #[param(default = 100)]
    n: u32,
}

runs!(Fan: u32 = |self, cx| Ok(self.n + cx.input().0.len() as u32));

#[derive(Task)]
#[task(target = Json<u32>)]
struct Item {
    #[param(default = 0)]
    n: u32,
}

runs!(Item: u32 = |self, _cx| Ok(self.n));

#[test]
fn of_many_instances_some_are_shown_and_the_rest_counted() -> Result<()> {
    let (flow, _folder) = flow();
    flow.with(Fan::N, 40).run::<Fan>()?;
    let lines = preview::<Fan>(&flow);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 1 + 12 + 1 + 1);
    assert_eq!(lines[0], "Fan {n: 100} PENDING never run");
    assert_eq!(lines[1], "├─ Item {n: 0} COMPLETE");
    assert_eq!(lines[12], "├─ Item {n: 11} COMPLETE");
    assert_eq!(lines[13], "├─ Base {text: \"\", n: 1} COMPLETE");
    assert_eq!(lines[14], "└─ … 28 more Item COMPLETE, 60 more Item PENDING");
    let all = shown::<Fan>(&flow, Preview::all);
    assert_eq!(all.lines().count(), 102);
    Ok(())
}

#[derive(Task)]
#[task(requires = Day { n: self.n - 1 } if self.n > 0, target = Json<u32>)]
struct Day {
    n: u32,
}

runs!(Day: u32 = |self, _cx| Ok(self.n));

#[test]
fn a_deep_chain_is_truncated() {
    let (flow, _folder) = flow();
    let flow = flow.with(Day::N, 200);
    let lines = preview::<Day>(&flow);
    assert_eq!(lines.lines().count(), 1 + 48 + 1);
    assert!(lines.ends_with("└─ … what this requires is not shown"), "{lines}");
    assert_eq!(shown::<Day>(&flow, Preview::all).lines().count(), 201);
}

#[test]
fn a_preview_lists_its_instances() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Left>()?;
    let preview = flow.preview::<Diamond>()?;
    let names: Vec<String> = preview.instances().map(|i| i.task().to_owned()).collect();
    // Each instance follows its dependencies.
    assert_eq!(names, ["Base", "Left", "Base", "Right", "Middle", "Diamond"]);
    let pending: Vec<String> = preview.pending().iter().map(|i| i.task().to_owned()).collect();
    assert_eq!(pending, ["Base", "Right", "Middle", "Diamond"]);
    let base = preview.instances().next().expect("the base");
    assert!(base.is_complete() && base.reasons().is_empty());
    assert_eq!(base.parameters()[1], ("n".to_owned(), "1".to_owned()));
    assert!(base.folder()?.join("record.json").is_file());
    assert_eq!(ran(&flow.run::<Diamond>()?), ["Base", "Diamond", "Middle", "Right"]);
    Ok(())
}
