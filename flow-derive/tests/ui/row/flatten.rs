use flow::prelude::*;

#[derive(Serialize, Deserialize)]
struct Inner {
    a: u32,
}

#[derive(Row, Serialize, Deserialize)]
struct Outer {
    #[serde(flatten)]
    inner: Inner,
    b: u32,
}

fn main() {}
