#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(refresh = always, target = Keep<u8>)]
struct Always;

#[derive(Task)]
#[task(target = Keep<u8>, refresh = "1d 12h")]
struct Daily;

/// A word that means something else here.
mod always {
    pub(crate) const NOW: u8 = 1;
}

#[derive(Task)]
#[task(target = Keep<u8>, refresh = always::NOW)]
struct Constant;

/// A value that borrows, a generic task, a text that is no time but a part of an expression.
#[derive(Task)]
#[task(target = Keep<u8>, refresh = (self.url.as_str(), "24h".len()))]
struct Borrows<T: Tracked + Clone> {
    url: String,
    of: std::marker::PhantomData<T>,
}

/// A `Result`, and a `?`.
#[derive(Task)]
#[task(target = Keep<u8>, refresh = self.url.parse::<u8>())]
struct Fails {
    url: String,
}

#[derive(Task)]
#[task(target = Keep<u8>, refresh = self.url.parse::<u8>()? + 1)]
struct Asks {
    url: String,
}

#[derive(Task)]
#[task(target = Keep<u8>, refresh = { let value: Result<Option<u8>> = Ok(None); value })]
struct Nothing;

macro_rules! runs {
    ($($task:ty),*) => {
        $(
            #[tracked]
            impl Run for $task {
                fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
                    Ok(1)
                }
            }
        )*
    };
}

runs!(Always, Daily, Constant, Fails, Asks, Nothing);

#[tracked]
impl<T: Tracked + Clone + Send + Sync + 'static> Run for Borrows<T> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}
