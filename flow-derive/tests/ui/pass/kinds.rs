#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

/// Both halves.
#[derive(Outputs)]
#[outputs(crate = ::flow)]
pub struct Split<T: Clone> {
    #[output(Keep(level = 3))]
    first: T,
    #[output(Keep<Vec<T>>)]
    second: Vec<T>,
    #[output(File)]
    r#type: PathBuf,
    #[output(Plain<>)]
    plain: u8,
}

pub struct Plain;

impl Plain {
    #[allow(clippy::should_implement_trait)]
    pub fn default() -> Self {
        Self
    }
}

#[tracked]
impl Target for Plain {
    type Value = u8;
    const EXTENSION: &'static str = "x";

    fn save(&self, _: &u8, _: &mut Sink<'_>) -> Result<()> {
        Ok(())
    }

    fn load(&self, _: &Source) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(outputs = Split<u8>, group = "features/daily", dir = "split", uses(String, Vec<u8>))]
pub struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, cx: &Cx<Self>) -> Result<Split<u8>> {
        let r#type = cx.out_path_of(Split::TYPE)?;
        let plain = cx.provided::<Vec<u8>>()[0];
        Ok(Split { first: cx.provided::<String>().len() as u8, second: vec![], r#type, plain })
    }
}

#[derive(Task)]
#[task(external, path = self.folder.join(format!("{}.x", self.name.parse::<u8>()?)), target = Keep<u8>)]
pub struct Made {
    folder: PathBuf,
    name: String,
}

#[derive(Task)]
#[task(aggregate, requires(train = Train, made = Made { name: "3" }))]
pub struct All;

#[derive(Task)]
#[task(requires(All, Train), target = Memory<u8>)]
pub struct Last;

#[tracked]
impl Run for Last {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let (all, train) = cx.input();
        let all = all.load()?;
        let first = *all.train.load_one(Split::FIRST)? + *train.part(Split::FIRST).load()?;
        Ok(*all.made.load()? + first)
    }
}

fn main() {}
