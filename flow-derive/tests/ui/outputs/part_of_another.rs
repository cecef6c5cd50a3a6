#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
struct Split {
    #[output(Keep)]
    first: u8,
}

#[derive(Outputs)]
struct Other {
    #[output(Keep)]
    first: u8,
}

#[derive(Task)]
#[task(outputs = Split)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<Split> {
        Ok(Split { first: 1 })
    }
}

fn load(flow: flow::Flow) -> Result<()> {
    flow.output::<Train>()?.load_one(Other::FIRST)?;
    Ok(())
}

fn main() {}
