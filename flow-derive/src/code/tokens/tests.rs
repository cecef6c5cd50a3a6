use super::*;

fn of(text: &str) -> u128 {
    let mut names = Names::default();
    let tokens = flatten(text.parse().expect("tokens"), &mut names);
    digest(&parts(&tokens, &names))
}

#[track_caller]
fn same(a: &str, b: &str) {
    assert_eq!(of(a), of(b), "{a}  and  {b}");
}

#[track_caller]
fn differ(a: &str, b: &str) {
    assert_ne!(of(a), of(b), "{a}  and  {b}");
}

#[test]
fn comments_and_documentation_do_not_count() {
    same("fn f() { 1 }", "/// Doc.\nfn f() { // why\n 1 /* one */ }");
    same("fn f() { 1 }", "#[doc = \"x\"] fn f() { #![doc = \"y\"] 1 }");
    same("fn f() { 1 }", "/** a */ fn f() {\n\n    1\n}");
}

#[test]
fn attributes_without_effect_do_not_count_and_others_do() {
    same("fn f() {}", "#[allow(dead_code)] #[expect(unused)] fn f() {}");
    same("fn f() {}", "#[rustfmt::skip] fn f() { #![warn(clippy::all)] }");
    differ("fn f() {}", "#[cfg(unix)] fn f() {}");
    same("fn f() {}", "#[inline] #[cold] #[must_use = \"x\"] #[inline(always)] fn f() {}");
    same("fn f() {}", "#[deprecated(note = \"x\")] #[diagnostic::do_not_recommend] fn f() {}");
    differ("fn f() {}", "#[track_caller] fn f() {}");
}

#[test]
fn spaces_around_marks_do_not_count() {
    same("let x=-1;", "let x = -1;");
    same("a==-b", "a == - b");
    same("x<-1", "x < -1");
    same("a=&&b", "a = &&b");
    same("Vec<Vec<u8>>", "Vec < Vec<u8>>");
    same("|x|x+1", "| x | x + 1");
    same("f(&*x)", "f( & * x )");
}

#[test]
fn operators_are_not_their_marks() {
    differ("a && b", "a & & b");
    differ("a..=b", "a.. =b");
    differ("x -= 1", "x - = 1");
    differ("a..b", "a...b");
    differ("'a", "a");
}

#[test]
fn a_comma_that_ends_a_list_does_not_count() {
    same("f(a, b,)", "f(a, b)");
    same("f(a,)", "f(a)");
    same("f::<T>(a,)", "f::<T>(a)");
    same("f(a)(b,)", "f(a)(b)");
    same("println!(\"x\",)", "println!(\"x\")");
    same("[a, b,]", "[a, b]");
    same("S { a, b: 1, }", "S { a, b: 1 }");
    same("let (a, b,) = c;", "let (a, b) = c;");
    same("HashMap<K, V,>", "HashMap<K, V>");
    same("fn(u8,) -> u8", "fn(u8) -> u8");
    same("Self(a,)", "Self(a)");
}

#[test]
fn a_comma_that_forms_a_tuple_counts() {
    differ("(a,)", "(a)");
    differ("return (a,)", "return (a)");
    differ("x = (a,)", "x = (a)");
    differ("for x in (a,) {}", "for x in (a) {}");
    differ("let x: (Map<K, V>,);", "let x: (Map<K, V>);");
    differ("{ if a {} (b,) }", "{ if a {} (b) }");
    differ("(f(a, b),)", "(f(a, b))");
}

#[test]
fn differences_in_the_code_count() {
    differ("1", "2");
    differ("1", "\"1\"");
    differ("a b", "ab");
    differ("a(b)", "a[b]");
    differ("{a} b", "{a b}");
    differ("\"a\" \"b\"", "\"a\\\"\\\"b\"");
    differ("r#type", "type_");
}

#[test]
fn the_digest_is_the_same_in_every_release() {
    assert_eq!(
        format!("{:032x}", of("impl Run for Train { fn run(&self) -> u8 { 1 } }")),
        "2134c340007ef04e810b9c4dbb247d2a"
    );
}

#[test]
fn groups_of_macros_that_bind_nothing_are_left_out() {
    let group = |text: &str| {
        let stream: TokenStream = text.parse().expect("tokens");
        proc_macro2::Group::new(Delimiter::None, stream)
    };
    let visible = |stream: TokenStream| {
        let mut names = Names::default();
        let tokens = without_invisible_groups(&flatten(stream, &mut names));
        digest(&parts(&tokens, &names))
    };
    let (path, literal, sum) = (group("a::B"), group("\"x\""), group("1 + 1"));
    let (public, private, inner) = (group("pub(super)"), group(""), group("a::B"));
    let nested = {
        let stream = quote::quote!(#inner);
        proc_macro2::Group::new(Delimiter::None, stream)
    };
    assert_eq!(visible(quote::quote!(#path::new(#literal, #sum * 2))), {
        let sum = group("1 + 1");
        visible(quote::quote!(a::B::new("x", #sum * 2)))
    });
    assert_ne!(visible(quote::quote!(f(#sum * 2))), of("f(1 + 1 * 2)"));
    assert_eq!(visible(quote::quote!(f(#sum))), of("f(1 + 1)"));
    assert_eq!(visible(quote::quote!(#public fn f() {})), of("pub(super) fn f() {}"));
    assert_eq!(visible(quote::quote!(#private fn f() {})), of("fn f() {}"));
    assert_eq!(visible(quote::quote!(g(#nested))), of("g(a::B)"));
}
