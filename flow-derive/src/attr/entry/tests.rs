use quote::ToTokens;
use syn::parse::Parser;

use super::*;
use crate::text;

/// Parses entries, and shows the result with one line for each entry.
fn read(written: &str) -> String {
    match entries.parse_str(written) {
        Ok(entries) => entries.iter().map(show).collect::<Vec<_>>().join("\n"),
        Err(error) => error.to_string(),
    }
}

fn show(entry: &Entry) -> String {
    let text = |tokens: &dyn ToTokens| text::to_text(tokens.to_token_stream());
    let each = |each: &Each| {
        let cond =
            each.cond.as_ref().map_or_else(String::new, |cond| format!(" if {}", text(cond)));
        format!("{} in {}{cond}", text(&each.pat), text(&each.items))
    };
    let mut shown = entry.name.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    shown += &text(&entry.dependency.task);
    for set in &entry.dependency.fields {
        let value = set.value.as_ref().map_or_else(|| set.field.to_string(), |value| text(value));
        shown += &format!(" .{}={value}", set.field);
    }
    for (key, value) in &entry.dependency.with {
        shown += &format!(" with {}={}", text(key), text(value));
    }
    shown
        + &match &entry.form {
            Form::One => String::new(),
            Form::Optional(cond) => format!(" if {}", text(cond)),
            Form::List(items) => format!(" [{}]", each(items)),
            Form::Map(key, items) => {
                let ty = key.ty.as_ref().map_or_else(String::new, |ty| format!(":{}", text(ty)));
                format!(" {{{}{ty} {}}}", text(&key.expr), each(items))
            }
        }
}

#[test]
fn one_task_in_every_form() {
    assert_eq!(read("A"), "A");
    assert_eq!(read("::a::B<C, 3>"), "::a::B<C, 3>");
    assert_eq!(read("<T as M>::Fit"), "<T as M>::Fit");
    assert_eq!(read("A if self.x"), "A if self.x");
    assert_eq!(read("A { x, y: 3, } if let Some(x) = self.x"), "A .x=x .y=3 if let Some(x)=self.x");
    assert_eq!(read("A {}"), "A");
    assert_eq!(read("r#A { r#type: S { a: 1 } }"), "A .r#type=S{a:1}");
}

#[test]
fn items_in_every_form() {
    assert_eq!(read("[A { x } for x in &xs if x > 1]"), "A .x=x [x in &xs if x>1]");
    assert_eq!(read("[A for (x, _) | (_, x) in f()?]"), "A [(x, _)|(_, x) in f()?]");
    assert_eq!(read("{x => A { x } for x in xs}"), "A .x=x {x x in xs}");
    assert_eq!(read("{f(x): a::K<u8> => A for x in 0..n}"), "A {f(x):a::K<u8> x in 0..n}");
}

#[test]
fn with_continues_after_a_comma_before_another_key() {
    assert_eq!(read("A with B::X = 1, c::D::Y = 2, E"), "A with B::X=1 with c::D::Y=2\nE");
    assert_eq!(read("A with B::X = 1, c::D, E"), "A with B::X=1\nc::D\nE");
    assert_eq!(read("a = A with B::X = 1, b = C"), "a: A with B::X=1\nb: C");
    assert_eq!(
        read("A { x: 1 } with <F<G>>::X = 1, F<G>::Y = 2 if c"),
        "A .x=1 with <F<G>>::X=1 with <F<G>>::Y=2 if c"
    );
    assert_eq!(read("[A with B::X = x for x in xs]"), "A with B::X=x [x in xs]");
}

#[test]
fn mistakes_are_reported() {
    assert!(read("A, a = B").starts_with("either all entries have a name or none has"));
    assert!(read("a = A, a = B").starts_with("two entries are named `a`"));
    assert!(read("A { ..b }").starts_with("leave out `..`"));
    assert!(read("A with X = 1").starts_with("`X` does not name its task"));
    assert!(read("[A]").starts_with("brackets hold one task for each item"));
    assert!(read("[A, B]").starts_with("brackets hold one task for each item"));
    assert!(read("[A in xs]").starts_with("expected `for`"));
    assert!(read("[A for x in xs if x else B]").starts_with("a list has no `else`"));
    assert!(read("A with X = 1").ends_with("such as `A::X`"));
    assert!(read("[[A for x in xs] for y in ys]").starts_with("expected a task"));
}
