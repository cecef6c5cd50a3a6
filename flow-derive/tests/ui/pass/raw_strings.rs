//! Text in a raw string is no code: what would be a mistake there is none.

#![deny(warnings)]

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<usize>)]
struct Count;

#[tracked]
impl Run for Count {
    fn run(&self, _cx: &Cx<Self>) -> Result<usize> {
        Ok(texts().iter().map(|text| text.len()).sum())
    }
}

fn texts() -> [&'static str; 5] {
    [
        r#"{"name": "web app"}"#,
        r#"an "unended' quote"#,
        r#""/* and a comment"#,
        r##"r#"1x'"#"##,
        r#"''"#,
    ]
}

fn main() {
    assert_eq!(texts()[0].len(), 19);
}
