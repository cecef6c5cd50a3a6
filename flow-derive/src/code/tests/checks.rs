//! Tests the functions that check outputs, by `check = ...` of a task or of a field.

use super::*;

#[test]
fn the_check_of_an_output_is_reached_and_that_of_an_input_is_not() {
    let task = |options: &str| {
        let text = format!(
            "#[derive(Task)] #[task({options})] struct Train;\n#[tracked] {RUN}\n\
             fn go() {{}} fn positive(x: &u8) -> bool {{ least() }} fn least() {{}} fn other() {{}}\n\
             #[derive(Task)] #[task(target = Json<u8>, check = other)] struct Before;\n\
             #[derive(Outputs)] struct Split {{ #[output(Json, check = other)] a: u8 }}"
        );
        let package = Package::new("");
        package.write("src/main.rs", &text);
        package.reached()
    };
    assert_eq!(task("target = Json<u8>, requires = Before"), ["go"]);
    assert_eq!(task("target = Json<u8>, check = positive"), ["go", "least", "positive"]);
    assert_eq!(
        task("check = positive, requires = Before, target = Text"),
        ["go", "least", "positive"]
    );
    assert_eq!(task("outputs = Split"), ["go", "other", "struct Split"]);
}

#[test]
fn the_checks_of_several_outputs_count_for_the_task_that_computes_them() {
    let split = "#[derive(Outputs)] struct Split { \
                 #[output(Json, check = positive)] a: u8, #[output(Csv, check = deep::odd)] b: Row }\n\
                 struct Row; fn go() {} fn positive(x: &u8) -> bool { least() } fn least() {}\n\
                 mod deep { pub fn odd(x: &Row) {} } type Alias = Split;\n\
                 trait Side { type Out; } struct Upper; impl Side for Upper { type Out = Split; }\n\
                 macro_rules! split { () => { Split } }\n";
    let task = |options: &str, run: &str| {
        let package = Package::new("");
        let task = format!("#[derive(Task)] #[task({options})] struct Train;\n#[tracked] {run}\n");
        let before = "#[derive(Task)] #[task(outputs = Split)] struct Before;\n";
        package.write("src/main.rs", &format!("{task}{before}{split}"));
        names(&package.table_of(run))
    };
    let made = ["go", "least", "odd", "positive", "struct Row", "struct Split"];
    assert_eq!(task("outputs = Split", RUN), made);
    assert_eq!(task("requires = Before, outputs = crate::Split", RUN), made);
    let loaded = ["go", "struct Row", "struct Split"];
    assert_eq!(task("requires = Before, target = Json<u8>", RUN), loaded);
    let named = "impl Run for Train { fn run(&self, of: Split) { go() } }";
    assert_eq!(task("target = Json<u8>", named), loaded);
    // Through an alias, through a type parameter, and where the struct of outputs is unknown.
    for (options, run) in [
        ("outputs = Alias", RUN),
        ("outputs = <Upper as Side>::Out", RUN),
        ("outputs = split!()", RUN),
        ("", named),
    ] {
        let reached = task(options, run);
        for name in ["least", "odd", "positive", "struct Split"] {
            assert!(reached.iter().any(|reached| reached == name), "{options}: {reached:?}");
        }
    }
}

#[test]
fn the_checks_of_several_outputs_are_separate_from_the_other_options() {
    // The options after a check are read.
    let text = "#[derive(Outputs)] struct Split { \
                #[output(Own<Row>(check = 1), check = odd)] a: Row, b: Other }\n\
                struct Own; struct Row; struct Other; fn go() {} fn odd() {}\n\
                #[derive(Task)] #[task(outputs = Split)] struct Before;\n";
    let package = Package::new("");
    let task = "#[derive(Task)] #[task(requires = Before, target = Json<u8>)] struct Train;";
    package.write("src/main.rs", &format!("{task}\n#[tracked] {RUN}\n{text}"));
    let expected = ["go", "struct Other", "struct Own", "struct Row", "struct Split"];
    assert_eq!(package.reached(), expected);
}
