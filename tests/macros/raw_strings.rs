//! Text in a raw string is not code, whatever it looks like.
#![allow(clippy::needless_raw_string_hashes)]

use wf::prelude::*;
use wf::testing;

#[derive(Task)]
#[task(target = Json<usize>)]
struct RawStrings;

#[tracked]
impl Run for RawStrings {
    fn run(&self, _cx: &Cx<Self>) -> Result<usize> {
        Ok(texts().concat().len())
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

#[test]
fn a_raw_string_is_text() -> Result<()> {
    assert_eq!(texts()[0].len(), 19);
    let flow = testing::flow();
    flow.run::<RawStrings>()?;
    assert_eq!(*flow.load::<RawStrings>()?, texts().concat().len());
    Ok(())
}
