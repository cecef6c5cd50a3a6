//! The key of a map's input counts by its value, and not by its text.
//!
//! The releases of a program are modules with tasks of the same names, used on one folder.

use flow::prelude::*;

use crate::support::{flow, preview, ran};

/// A release whose task requires one input under this key.
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
        // Twice, so that what was made before is found again.
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
fn no_key_and_a_key_of_nothing_are_two() -> Result<()> {
    assert_apart!(flow(), absent => "None", nested => "Some(None)");
    Ok(())
}

#[test]
fn two_secrets_are_two() -> Result<()> {
    assert_apart!(flow(), token => "hunter2", other => "other");
    let (flow, _folder) = flow();
    flow.run::<token::Whole>()?;
    // The key by which secrets are hashed is of the store, so that the record tells nothing of it.
    let record = crate::support::one_file(&flow.folder().join("Whole"), "record.json", "");
    let record = std::fs::read_to_string(record)?;
    assert!(record.contains("\"role\": \"[*** #") && !record.contains("hunter2"), "{record}");
    Ok(())
}

#[test]
fn a_text_and_what_looks_like_its_escape_are_two() -> Result<()> {
    assert_apart!(flow(), escape => "\\n", line => "\n");
    Ok(())
}

/// Two values that are written as one.
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
