//! A crate checks all its tasks in its own tests. Each kind of mistake is reported with the task,
//! the parameter and the fix, and so is each change that would lose existing outputs.

use crate::fixture::Fixture;

const TASKS: &str = "src/lib.rs";

fn run_tests(shop: &Fixture) -> Result<(), String> {
    shop.cargo(&["test", "--test", "tasks"]).map(drop)
}

/// Makes an edit, runs the tests, asserts that they fail with these texts, and reverts the edit.
fn assert_reported(shop: &Fixture, edit: (&str, &str), told: &[&str]) {
    let before = shop.read(TASKS).expect("the tasks");
    shop.edit_in(TASKS, edit.0, edit.1);
    let said = run_tests(shop).expect_err("it is caught");
    for text in told {
        assert!(said.contains(text), "no {text:?} in:\n{said}");
    }
    shop.write(TASKS, &before);
}

#[test]
fn check_all_reports_mistakes_in_the_tasks_of_a_library() {
    let shop = Fixture::copy("shop");

    // Without a golden file nothing guards the outputs, and the test says how to create it.
    let said = run_tests(&shop).expect_err("there is no golden file");
    assert!(said.contains("FLOW_ACCEPT_KEYS=1 cargo test"), "{said}");
    assert!(said.contains("1 passed; 1 failed"), "{said}");
    let accept = [("FLOW_ACCEPT_KEYS", "1")];
    shop.cargo_with(&accept, &["test", "--test", "tasks"]).expect("it is written");
    run_tests(&shop).expect("all is well");
    let golden = shop.read("tests/golden/tasks.txt").expect("the golden file");
    assert!(
        golden.contains(
            "\nExtreme\n  key by what requires it\n  kind: Kind\n  output f64 in Json<f64>\n"
        ),
        "{golden}"
    );
    assert!(golden.contains("  limit: f64 = 100.0\n"), "{golden}");

    let digits = "#[param(default = 2)]\n    digits";
    // A missing default.
    assert_reported(
        &shop,
        (digits, "digits"),
        &[
            "1 of 4 tasks have something wrong",
            "\nReport\n- `Report.digits` has no value: give one with `flow.with(Report::DIGITS, ...)`",
            "sound: Clean, Extreme, Load",
        ],
    );
    // An unknown file.
    assert_reported(
        &shop,
        ("data/orders.json", "data/order.json"),
        &[
            "\nLoad\n- there is no file \"data/order.json\", which is `Load.source`",
            "required by: Report → Extreme → Clean → Load",
        ],
    );
    // An inherited parameter of another type.
    let limit = "#[param(default = 100)]\n    limit: u32,\n    #[param(default = 2)]\n    digits";
    assert_reported(
        &shop,
        (digits, limit),
        &[
            "\nReport\n- `Report.limit` is a `u32`, and `Clean.limit`, which is required there, a `f64`",
            "does not reach the other",
        ],
    );
    // Two tasks with one name, neither of which requires the other.
    let second = "mod other {\n    use flow::prelude::*;\n\n    #[derive(Task)]\n    \
                  #[task(name = \"Clean\", external, path = \"Cargo.toml\", target = Json<u8>)]\n    \
                  pub struct Washed;\n}\n\n#[derive(Clone, Copy, Debug, Serialize";
    assert_reported(
        &shop,
        ("#[derive(Clone, Copy, Debug, Serialize", second),
        &[
            "\nClean\n- two tasks are called `Clean`, one in `shop",
            "`shop::other`",
            "#[task(name = \"...\")]",
        ],
    );
    // Two mistakes are reported together.
    let before = shop.read(TASKS).expect("the tasks");
    shop.edit_in(TASKS, digits, "digits");
    assert_reported(
        &shop,
        ("data/orders.json", "data/order.json"),
        &["`Report.digits` has no value"],
    );
    shop.write(TASKS, &before);

    // A changed key.
    let uses = before.replace("self.limit", "self.bound").replace("limit: f64", "bound: f64");
    shop.write(TASKS, &uses);
    let said = run_tests(&shop).expect_err("nothing finds the outputs of Clean any more");
    for text in [
        "1 passed; 1 failed",
        "Clean has changed:\n  - key ",
        "  - limit: f64 = 100.0\n",
        "  + bound: f64 = 100.0\n",
        "Report has changed:\n  - key ",
        "a task upstream, or the serialization of a value, has changed",
        "keeps its outputs with `was = \"...\"`",
        "`FLOW_ACCEPT_KEYS=1 cargo test` writes it down",
    ] {
        assert!(said.contains(text), "no {text:?} in:\n{said}");
    }
    // The suggested fix.
    shop.edit_in(TASKS, "default = 100.0", "default = 100.0, was = \"limit\"");
    run_tests(&shop).expect("the outputs are found");
    // Or the change is intended, and accepted.
    shop.write(TASKS, &uses);
    shop.cargo_with(&accept, &["test", "--test", "tasks"]).expect("it is written");
    run_tests(&shop).expect("it is accepted");
    assert!(shop.read("tests/golden/tasks.txt").expect("the file").contains("bound: f64 = 100.0"));
    shop.write(TASKS, &before);
    shop.cargo_with(&accept, &["test", "--test", "tasks"]).expect("it is written");
    assert_eq!(shop.read("tests/golden/tasks.txt").expect("the file"), golden);

    // A changed type of an output.
    let single = before
        .replace(
            "kind: Kind::Most }), target = Json<f64>)]",
            "kind: Kind::Most }), target = Json<f32>)]",
        )
        .replace("-> Result<f64> {\n        let spread", "-> Result<f32> {\n        let spread")
        .replace(
            "Ok((spread * unit).round() / unit)",
            "Ok(((spread * unit).round() / unit) as f32)",
        );
    shop.write(TASKS, &single);
    let said = run_tests(&shop).expect_err("the output is read as something else");
    assert!(
        said.contains(
            "Report has changed:\n  - output f64 in Json<f64>\n  + output f32 in Json<f32>"
        ),
        "{said}"
    );
}

#[test]
fn generic_tasks_are_checked_for_the_types_they_are_required_with() {
    let shop = Fixture::copy_as("shop", "generic");
    shop.edit_in("Cargo.toml", "name = \"shop\"", "name = \"generic\"");
    shop.edit_in("tests/tasks.rs", "shop", "generic");
    let generic = "\
        use std::marker::PhantomData;\n\n\
        pub trait Side: Tracked + Send + Sync + 'static {}\n\n\
        #[tracked]\npub struct Upper;\nimpl Side for Upper {}\n\n\
        #[derive(Task)]\n#[task(target = Json<u8>)]\n\
        pub struct Fit<S: Side> {\n    side: PhantomData<S>,\n    #[param(default = 1)]\n    depth: u8,\n}\n\n\
        #[tracked]\nimpl<S: Side> Run for Fit<S> {\n    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {\n        \
        Ok(self.depth)\n    }\n}\n\n\
        #[derive(Task)]\n#[task(aggregate, requires = Fit<Upper>)]\npub struct Fits;\n\n#[derive(Clone, Copy, Debug, Serialize";
    shop.edit_in(TASKS, "#[derive(Clone, Copy, Debug, Serialize", generic);
    shop.cargo_with(&[("FLOW_ACCEPT_KEYS", "1")], &["test", "--test", "tasks"]).expect("written");
    let golden = shop.read("tests/golden/tasks.txt").expect("the golden file");
    assert!(golden.contains("\nFit<Upper>\n  key "), "{golden}");
    run_tests(&shop).expect("all is well");
    assert_reported(
        &shop,
        ("#[param(default = 1)]\n    depth: u8", "#[param(default = 2)]\n    depth: u8"),
        &["Fit<Upper> has changed:\n  - key ", "  - depth: u8 = 1\n", "  + depth: u8 = 2"],
    );
    // A default that is out of range.
    assert_reported(
        &shop,
        (
            "#[param(default = 1)]\n    depth: u8",
            "#[param(default = 1, range = 2..)]\n    depth: u8",
        ),
        &["\nFit<Upper>\n- `Fit<Upper>.depth` is 1, which is not in 2.."],
    );
}

#[test]
fn a_library_that_is_not_linked_is_an_error() {
    let shop = Fixture::copy_as("shop", "unlinked");
    shop.edit_in("Cargo.toml", "name = \"shop\"", "name = \"unlinked\"");
    shop.write("tests/tasks.rs", "flow::check_all!();\n");
    let said = run_tests(&shop).expect_err("no task is there");
    assert!(said.contains("no task is linked into this test"), "{said}");
    assert!(said.contains("use that_library as _;"), "{said}");
}
