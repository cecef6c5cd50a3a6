#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>, retries = self.tries)]
struct Fetch {
    url: String,
}

#[tracked]
impl Run for Fetch {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(self.url.len() as u8)
    }
}

fn main() {}
