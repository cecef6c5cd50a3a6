//! Two tasks, and what runs again when a parameter changes.

use flow::prelude::*;

#[derive(Task)]
#[task(target = Json<Vec<u64>>)]
struct Squares {
    #[param(default = 5)]
    n: u64,
}

#[tracked]
impl Run for Squares {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
        Ok((1..=self.n).map(|i| i * i).collect())
    }
}

#[derive(Task)]
#[task(requires = Squares, target = Json<u64>)]
struct Sum;

#[tracked]
impl Run for Sum {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(cx.input().load()?.iter().sum())
    }
}

fn main() -> Result<()> {
    let flow = Flow::open("data/minimal")?;
    println!("{}", flow.run::<Sum>()?);
    println!("sum: {}", flow.load::<Sum>()?);
    let more = flow.with(Squares::N, 10);
    println!("{}", more.run::<Sum>()?);
    println!("sum: {}", more.load::<Sum>()?);
    Ok(())
}
