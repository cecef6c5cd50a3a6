#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

/// Each value has another type than the option.
#[derive(Task)]
#[task(
    target = Keep<u8>,
    retries = self.url.len(),
    backoff = self.days,
    timeout = self.days,
    priority = self.days,
    threads = self.days,
    resources(memory = self.days, api = self.url.len()),
)]
struct Fetch {
    url: String,
    days: u8,
}

#[tracked]
impl Run for Fetch {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}
