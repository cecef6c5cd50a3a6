//! Tests functions that are tasks, where they are called as functions and where they are named as tasks.

use super::*;

const MEAN: &str = "#[task(requires = load, target = Json<Row>)] \
                    fn mean(rows: &[f64], #[param(default = ZERO)] trim: Kind) -> Row { go() }";

/// Creates a program with `MEAN`, `load`, and `text`.
fn program(text: &str) -> Package {
    let package = Package::new("");
    package.write(
        "src/main.rs",
        &format!(
            "{MEAN} #[task(target = Pickle<Raw>)] pub fn load() -> Raw {{ fetch() }}\n\
             struct Row; struct Raw; enum Kind {{ A }} const ZERO: Kind = Kind::A;\n\
             fn fetch() -> Raw {{ Raw }} {text}"
        ),
    );
    package
}

/// Asserts that `MEAN` reaches these items.
#[track_caller]
fn mean_reaches(text: &str, expected: &[&str]) {
    assert_eq!(names(&program(text).table_of(MEAN)), expected, "{text}");
}

#[test]
fn its_body_and_the_types_of_its_arguments_and_output_are_reached() {
    mean_reaches(
        "fn go() -> Row { deep() } fn deep() -> Row { Row } fn other() {}",
        &["deep", "enum Kind", "go", "struct Raw", "struct Row"],
    );
}

#[test]
fn a_task_that_is_named_is_not_called() {
    let own = ["enum Kind", "go", "struct Raw", "struct Row"];
    for body in [
        "cx.require::<load>()",
        "cx.over(load::N, [1]).require::<load>()",
        "load::N",
        "cx.require::<(load, mean)>()",
        "let x: Input<load> = y;",
    ] {
        mean_reaches(&format!("fn go() {{ {body} }}"), &own);
    }
    for body in ["load()", "xs.map(load)", "self::load()", "xs.map(crate::load)", "(load)()"] {
        let called = ["enum Kind", "fetch", "go", "load", "struct Raw", "struct Row"];
        mean_reaches(&format!("fn go() {{ {body} }}"), &called);
    }
}

#[test]
fn a_variable_is_not_the_task_of_its_name() {
    let own = ["enum Kind", "go", "struct Raw", "struct Row"];
    let go = |go: &str| mean_reaches(go, &own);
    go("fn go(load: u8) { xs.map(load); { f(&load) } println!(\"{load}\") }");
    go("fn go(#[allow(x)] mut load: u8) -> u8 { load }");
    go("fn go() { let load = 1; if x { f(load) } }");
    go("fn go() { let mut load: u8; { f(load) } }");
    let called = ["enum Kind", "fetch", "go", "load", "struct Raw", "struct Row"];
    let go = |go: &str| mean_reaches(go, &called);
    // A macro does not see the variable, wherever its body names the function.
    let macros = "macro_rules! call { () => { f(load) } }";
    let called = ["call!", "enum Kind", "fetch", "go", "load", "struct Raw", "struct Row"];
    for go in ["fn go(load: u8) { call!(); load }", "fn go() { let load = 1; { call!() } }"] {
        for text in [format!("{go} {macros}"), format!("{macros} {go}")] {
            mean_reaches(&text, &called);
        }
    }
    // Before the binding, in its value, after the block, and where an item may hide the variable.
    go("fn go() { f(load); let load = 1; }");
    go("fn go() { let load = f(load); }");
    go("fn go() { { let load = 1; } f(load) }");
    go("fn go() { if let load = 1 { f(2); } f(load) }");
    go("fn go() { m!({ let load = 1; f(load) }) }");
    go("fn go(load: u8) { use crate::load; f(load) }");
    go("fn go(load: u8) { fn inner() { f(load) } }");
    go("fn go(other: u8) { f(load) }");
}

#[test]
fn an_argument_is_not_the_function_of_its_name() {
    let text = "fn rows() {} fn other() {} fn go() {}";
    let package = |body: &str| {
        let mean =
            format!("#[task(target = Json<u8>)] fn mean(rows: &[f64], other: u8) {{ {body} }}");
        let package = Package::new("");
        package.write("src/main.rs", &format!("{mean} {text}"));
        names(&package.table_of(&mean))
    };
    assert_eq!(package("go(); f(rows, &other)"), ["go"]);
    assert_eq!(package("go(); rows()"), ["go", "rows"]);
}

#[test]
fn the_check_of_its_output_is_reached() {
    let task = "#[task(target = Json<u8>, check = odd)] fn made() -> u8 { 1 }";
    let package = Package::new("");
    package.write(
        "src/main.rs",
        &format!(
            "{task} fn odd(n: &u8) -> bool {{ deep(n) }} fn deep(n: &u8) {{}} fn other() {{}}"
        ),
    );
    assert_eq!(names(&package.table_of(task)), ["deep", "odd"]);
}

#[test]
fn a_struct_may_require_and_call_a_function() {
    let run = "impl Run for Train { fn run(&self) { call() } }";
    let program = |call: &str| {
        let package = program("fn go() {}");
        let task = "#[derive(Task)] #[task(requires(load, mean), target = Json<u8>)] struct Train;";
        let text = fs::read_to_string(package.path("src/main.rs")).expect("a file");
        package.write("src/main.rs", &format!("{text} {task} {run} fn call() {{ {call} }}"));
        names(&package.table_of(run))
    };
    assert_eq!(program(""), ["call", "struct Raw", "struct Row"]);
    assert_eq!(
        program("mean(&[], Kind::A)"),
        ["call", "enum Kind", "go", "mean", "struct Raw", "struct Row"]
    );
    // Code that creates the task may run it.
    assert_eq!(
        program("Run::run(&mean { trim: Kind::A }, cx)"),
        ["call", "enum Kind", "go", "mean", "struct Raw", "struct Row"]
    );
}

#[test]
fn the_attributes_of_a_task_are_no_code() {
    let go = "fn go() { load() } ";
    let table = |package: &Package| digests(&package.table_of(MEAN));
    let before = table(&program(go));
    let edit = |from: &str, to: &str| {
        let package = program(go);
        let text = fs::read_to_string(package.path("src/main.rs")).expect("a file");
        assert_eq!(text.matches(from).count(), 1, "{from}");
        package.write("src/main.rs", &text.replace(from, to));
        table(&package)
    };
    // The attributes of `load`, which is called as a function.
    assert_eq!(edit("#[task(target = Pickle<Raw>)]", "#[flow::task(target = Json<Raw>)]"), before);
    assert_eq!(
        edit("pub fn load", "/// Documentation.\n#[must_use] pub fn load").len(),
        before.len()
    );
    assert_eq!(edit("pub fn load", "/// Documentation.\npub fn load"), before);
    assert_ne!(edit("fetch() }", "fetch(); }"), before);
    assert_ne!(edit("fn load()", "fn load(#[param(default = 1)] n: u8)"), before);
    let with = |text: &str| {
        let package = program(go);
        let whole = fs::read_to_string(package.path("src/main.rs")).expect("a file");
        package
            .write("src/main.rs", &whole.replace("fn load()", &format!("fn load({text} n: u8)")));
        table(&package)
    };
    assert_eq!(with("#[param(default = 1)]"), with("/** How many. */ #[param(default = ZERO)]"));
}

#[test]
fn a_task_type_with_its_own_name_is_found_by_that_name() {
    let text = "#[task(name = Total, target = Json<Row>)] fn sum() -> Row { deep() } struct Row; \
                mod sum {} fn deep() -> Row { Row }";
    for (call, expected) in [
        ("cx.require::<Total>()", &["go", "struct Row"][..]),
        ("Total::N", &["go", "struct Row"]),
        ("sum()", &["deep", "go", "struct Row", "sum"]),
    ] {
        let reached = Package::new(&format!("fn go() {{ {call} }} {text}")).reached();
        assert_eq!(reached, expected, "{call}");
    }
}

#[test]
fn tasks_in_a_function_are_found() {
    let inner = "#[task(target = Json<u8>)] fn inner() -> u8 { beside() }";
    let package = Package::new("");
    package.write(
        "src/main.rs",
        &format!("fn main() {{ {inner} fn beside() -> u8 {{ deep() }} }} fn deep() -> u8 {{ 1 }}"),
    );
    assert_eq!(names(&package.table_of(inner)), ["beside", "deep"]);
    // A task that stands in no file, since a macro generated it.
    let made = "#[task(target = Json<u8>)] fn made() -> u8 { deep() }";
    assert_eq!(names(&package.table_of(made)), ["deep"]);
}
