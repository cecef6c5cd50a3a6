//! Tests of macros that implement `Run` for a task: a call of one counts as the impl, and defines no names. Other macros
//! may define what their arguments name, which hides no crate.

use super::*;

const RUNS: &str = "macro_rules! runs { ($task:ty: $out:ty = |$this:ident, $cx:ident| $body:expr) => { \
                    #[tracked] impl Run for $task { fn run(&$this, $cx: &Cx<Self>) -> Result<$out> { let _ = $cx; $body } } } }";

/// Returns a program with a module `m` that has a task `Itself`, for which `body` runs.
fn with_runs(body: &str, text: &str) -> Package {
    let package = Package::new(&format!(
        "{RUNS} mod m {{ use flow::prelude::*; \
         #[derive(Task)] #[task(target = Json<u64>)] pub struct Itself {{ folder: u8 }} \
         runs!(Itself: u64 = |self, _cx| {body}); \
         pub fn reopen(folder: &str) -> Result<Flow> {{ Ok(Flow::open(folder)?.quiet()) }} }} {text}"
    ));
    package.write(
        "Cargo.toml",
        "[package]\nname = \"a\"\n[dependencies]\nflow = { package = \"typed-flow\", version = \"1\" }\n",
    );
    package
}

/// It names a local variable as the crate, and has names that other code calls.
const BODY: &str = "{ let flow = reopen(&self.folder)?.with(Itself::FOLDER, &*self.folder); \
                    Ok(*flow.get::<Itself>()?) }";

/// Asserts that the task reaches these items, and that nothing is untracked.
#[track_caller]
fn reaches_tracked(package: &Package, expected: &[&str]) {
    let table = package.table();
    assert_eq!(names(&table), expected);
    assert!(table.untracked.is_empty(), "{:?}", table.untracked);
}

#[test]
fn code_with_names_of_its_body_does_not_reach_it() {
    for go in [
        // Methods that the body calls, fields and variables that it names, and the method that the macro defines.
        "fn go() { x.get(1) }",
        "fn go() { x.get::<u8>().folder() }",
        "fn go() { x.flow() }",
        "fn go() { x.run() }",
        "fn go() { String::run(1); Vec::get(1) }",
        // The task that the body names: only its output counts.
        "fn go(x: m::Itself) { x.folder; m::Itself::FOLDER }",
    ] {
        reaches_tracked(&with_runs(BODY, go), &["go"]);
    }
}

#[test]
fn code_that_calls_run_of_its_task_reaches_it() {
    for go in ["fn go(x: &m::Itself) { x.run(y) }", "fn go() { m::Itself::run(x, y) }"] {
        let package = with_runs("super::want()", &format!("{go} fn want() {{}}"));
        let table = package.table();
        let reached = names(&table);
        let [first, runs, call, last] = &reached[..] else { panic!("{go}: {reached:?}") };
        assert_eq!([first, runs, last], ["go", "runs!", "want"], "{go}");
        assert!(call.starts_with("runs!(Itself"), "{go}: {call}");
        assert!(table.untracked.is_empty(), "{go}: {:?}", table.untracked);
    }
}

#[test]
fn names_beside_it_are_resolved_as_if_it_were_an_impl() {
    // `Flow`, `Json` and `Result` come from the prelude of the crate that has the name of the variable.
    reaches_tracked(&with_runs(BODY, "fn go() { m::reopen(x) }"), &["go", "reopen"]);
    let run = format!("impl Run for Itself {{ fn run(&self) -> u64 {BODY} }}");
    let generated = with_runs(BODY, "fn go() {}").table_of(&run);
    assert_eq!(names(&generated), ["reopen"]);
    assert!(generated.untracked.is_empty(), "{:?}", generated.untracked);
}

#[test]
fn a_name_in_its_body_is_no_declaration_of_the_name() {
    let package = with_runs("Gone::new()", "use m::go;");
    let text = fs::read_to_string(package.path("src/main.rs")).expect("a file");
    package.write(
        "src/main.rs",
        &text.replace("pub fn reopen", "pub fn go() { Gone::new() } fn reopen"),
    );
    let table = package.table();
    assert_eq!(names(&table), ["go"]);
    let warning = "`Gone::new` in src/main.rs cannot be resolved".to_owned();
    assert_eq!(table.untracked, [warning].into());
}

#[test]
fn an_impl_in_its_body_is_reached_with_its_type() {
    let body = "{ impl Fit for super::Row {} Ok(1) }";
    let reached = with_runs(body, "fn go() { Row } struct Row; trait Fit {}").reached();
    assert!(reached.iter().any(|name| name.starts_with("runs!(Itself")), "{reached:?}");
}

#[test]
fn a_macro_that_implements_more_is_reached_with_its_type() {
    let runs = "macro_rules! runs { ($task:ident = $body:expr) => { \
                impl Run for $task { fn run(&self) { $body } } impl Fit for $task { fn fit(&self) { want() } } } }";
    let text = format!(
        "fn go(x: Other) {{ x.fit() }} fn want() {{}} trait Fit {{ fn fit(&self); }} {runs} \
         #[derive(Task)] #[task(target = Json<u8>)] struct Other; runs!(Other = 1);"
    );
    let reached = Package::new(&text).reached();
    assert!(reached.contains(&"want".to_owned()), "{reached:?}");
}

#[test]
fn a_method_that_an_argument_calls_with_types_is_not_generated() {
    let keep = "macro_rules! keep { ($e:expr) => { const _: u8 = $e; } }";
    reaches(&format!("{keep} keep!(x.sum::<u8>()); fn go() {{ y.sum() }}"), &["go"]);
    // The macro may generate a method of a name that is not called.
    let make =
        "macro_rules! make { ($t:ident, $n:ident) => { impl $t { fn $n(&self) { want() } } } }";
    let text = format!("{make} struct S; make!(S, sum); fn go(y: S) {{ y.sum() }} fn want() {{}}");
    let reached = Package::new(&text).reached();
    assert!(reached.contains(&"want".to_owned()), "{reached:?}");
}

#[test]
fn a_word_in_the_arguments_of_a_macro_hides_no_crate() {
    let made =
        "macro_rules! made { ($e:expr) => { const X: u8 = $e; } } made!({ let flow = 1; flow });";
    // A function may have the name of the crate, too.
    for import in ["", "mod inner { pub fn flow() {} } use inner::*;"] {
        let untracked = |output: &str| {
            let go = format!("use flow::prelude::*; fn go() -> {output} {{ 1 }}");
            with_runs("1", &format!("{made} {import} {go}")).table().untracked
        };
        assert!(untracked("Csv<u8>").is_empty(), "{import}: {:?}", untracked("Csv<u8>"));
        // A name that the prelude does not have is a warning.
        let warning = "`Gone` in src/main.rs cannot be resolved".to_owned();
        assert_eq!(untracked("Gone"), [warning].into(), "{import}");
    }
    // The macro may also define a module with the name of the crate: both count.
    reaches(
        "macro_rules! make { ($n:ident) => { mod $n { pub fn v() { want() } } } } make!(flow); \
         fn go() { flow::v() } fn want() {}",
        &["go", "make!", "make!(flow)", "want"],
    );
}
