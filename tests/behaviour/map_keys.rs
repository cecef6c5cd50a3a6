//! Inputs in a map are identified by the value of the map key, and not by its text.
//!
//! The releases of a program are modules with tasks of the same names that use one store.

use flow::Code;
use flow::prelude::*;

use crate::support::{flow, preview, ran};

/// A release whose task requires one input with this map key.
macro_rules! release {
    ($module:ident, $key:ty, $value:expr, |$shown:ident| $text:expr) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(target = Json<u64>)]
            pub(super) struct Part;

            impl Run for Part {
                const CODE: Code = Code::version(1);

                fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
                    Ok(1)
                }
            }

            #[derive(Task)]
            #[task(requires = {key: $key => Part for key in [$value]}, target = Json<String>)]
            pub(super) struct Whole;

            impl Run for Whole {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<String> {
                    let $shown = cx.input().keys().next().context("a key")?;
                    Ok($text)
                }
            }

            #[derive(Task)]
            #[task(aggregate, requires = {key: $key => Part for key in [$value]})]
            pub(super) struct Gathered;

            #[derive(Task)]
            #[task(requires = Gathered, target = Json<String>)]
            pub(super) struct OfGathered;

            impl Run for OfGathered {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<String> {
                    let gathered = cx.input().load()?;
                    let $shown = gathered.keys().next().context("a key")?;
                    Ok($text)
                }
            }
        }
    };
}

type Nested = Option<Option<u8>>;

release!(absent, Nested, None, |key| format!("{key:?}"));
release!(nested, Nested, Some(None), |key| format!("{key:?}"));
release!(token, Secret<String>, Secret::new("hunter2".to_owned()), |key| key.expose().clone());
release!(other, Secret<String>, Secret::new("other".to_owned()), |key| key.expose().clone());
release!(escape, String, "\\n".to_owned(), |key| key.clone());
release!(line, String, "\n".to_owned(), |key| key.clone());

macro_rules! assert_apart {
    ($flow:expr, $($module:ident => $value:expr),*) => {{
        let (flow, _folder) = $flow;
        let expected = [$($value),*].map(|value: &str| value.to_owned());
        // The second pass must find the outputs of the first one.
        for times in 0..2 {
            let values = [$({
                let flow = Flow::open(flow.folder())?.quiet();
                let made = ran(&flow.run::<$module::Whole>()?).len();
                assert!(times == 0 || made == 0, "{}", preview::<$module::Whole>(&flow));
                flow.load::<$module::Whole>()?.clone()
            }),*];
            assert_eq!(values, expected);
            let values = [$({
                let flow = Flow::open(flow.folder())?.quiet();
                flow.run::<$module::OfGathered>()?;
                flow.load::<$module::OfGathered>()?.clone()
            }),*];
            assert_eq!(values, expected);
        }
    }};
}

#[test]
fn none_and_some_none_are_different_keys() -> Result<()> {
    assert_apart!(flow(), absent => "None", nested => "Some(None)");
    Ok(())
}

#[test]
fn two_secrets_are_different_keys() -> Result<()> {
    assert_apart!(flow(), token => "hunter2", other => "other");
    let (flow, _folder) = flow();
    flow.run::<token::Whole>()?;
    // Secrets are hashed with a key of the store, so that the record does not reveal them.
    let record = crate::support::one_file(&flow.folder().join("Whole"), "record.json", "");
    let record = std::fs::read_to_string(record)?;
    assert!(record.contains("\"role\": \"[*** #") && !record.contains("hunter2"), "{record}");
    Ok(())
}

#[test]
fn a_text_and_its_escaped_form_are_different_keys() -> Result<()> {
    assert_apart!(flow(), escape => "\\n", line => "\n");
    Ok(())
}

/// Different values of this type can have the same serialized form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Day {
    number: u32,
    #[serde(skip)]
    note: u32,
}

#[derive(Task)]
#[task(
    requires = {day: Day => absent::Part for day in [Day { number: 1, note: 1 }, Day { number: 1, note: 2 }]},
    target = Json<u64>
)]
struct Days;

#[tracked]
impl Run for Days {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(cx.input().len() as u64)
    }
}

#[test]
fn two_keys_that_are_serialized_alike_are_an_error() {
    let error = format!("{:#}", anyhow::Error::new(flow().0.run::<Days>().expect_err("two keys")));
    assert!(error.contains("Days") && error.contains("both serialized as {number: 1}"), "{error}");
}
