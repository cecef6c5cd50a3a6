//! `bless`: without a change of code there is nothing to bless.

use crate::{stocks, words};

#[test]
fn outputs_that_are_up_to_date_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Page -q")).ok();
    let text = stocks(folder, words("bless Page")).ok();
    assert_eq!(text, "no output is pending only because of its code\n");
    let json = stocks(folder, words("bless Page --sample 1 --json")).json();
    assert_eq!(
        (&json["blessed"], &json["pending"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
    let pending = stocks(folder, words("bless Page --days 3")).ok();
    assert!(pending.contains("still pending:") && pending.contains("never run"), "{pending}");
}
