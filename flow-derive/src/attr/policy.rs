//! Parses the options that say how a task is executed: `retries`, `backoff`, `timeout`, `priority`, `threads`,
//! `resources(...)` and `isolate`.
//!
//! A value that is a literal is checked here. Any other value is an expression, which is evaluated for each attempt.

use std::time::Duration;

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Error, Expr, ExprLit, ExprUnary, Lit, Result, UnOp, parenthesized, token};

use super::options::{self, flag, keep, value};
use super::{Opt, duration, word};
use crate::ctxt::Ctxt;
use crate::spans::plain;

/// The options that say how a task is executed.
#[derive(Default)]
pub(crate) struct PolicyAttr {
    pub(crate) retries: Opt<Given<u32>>,
    pub(crate) backoff: Opt<Given<Duration>>,
    pub(crate) timeout: Opt<Given<Duration>>,
    pub(crate) priority: Opt<Given<i32>>,
    pub(crate) threads: Opt<Given<usize>>,
    pub(crate) resources: Opt<Vec<Demand>>,
    pub(crate) isolate: Opt<()>,
}

/// The value of an option.
pub(crate) enum Given<T> {
    Literal(T),
    Expr(Box<Expr>),
}

/// The amount that an instance needs of a resource.
pub(crate) struct Demand {
    pub(crate) resource: Ident,
    pub(crate) amount: Given<u64>,
}

/// Names that a user may try for the number of cores, which is no resource.
const CORES: [&str; 5] = ["core", "cores", "cpu", "cpus", "threads"];

const RETRIES: &str = "expected a number from 0 to 4294967295, such as `retries = 3`";
const BACKOFF: &str = "expected a delay in seconds, such as `backoff = 2` or `backoff = \"1m\"`, or an \
                       expression such as `Backoff::exponential(Duration::from_secs(1))`";
const TIMEOUT: &str = "expected a duration in seconds, such as `timeout = 30`, or with a unit, such as `timeout = \"10m\"`";
const NO_TIME: &str = "after a time-out of zero, each attempt fails at once; leave out `timeout` for no \
                       limit";
const PRIORITY: &str =
    "expected a number from -2147483648 to 2147483647, such as `priority = 10` or `priority = -1`";
const THREADS: &str = "expected a number of threads, at least 1, such as `threads = 4`";
const AMOUNT: &str = "expected an amount: a whole number from 0, such as `2`, or a text with a unit, such as \
                      `\"4GB\"` or `\"1.5 MiB\"`";

impl PolicyAttr {
    /// Parses the value of the option `word`.
    pub(super) fn option(
        &mut self,
        word: Ident,
        input: ParseStream<'_>,
        ctxt: &Ctxt,
    ) -> Result<()> {
        match word.to_string().as_str() {
            "retries" => {
                let read = |literal: Literal<'_>| {
                    literal.number::<u32>("u32").ok_or_else(|| RETRIES.to_owned())
                };
                let retries = value(&word, input, "3", |input| given(input, read))?;
                keep(&mut self.retries, word, retries, ctxt);
            }
            "backoff" => {
                let read = |literal: Literal<'_>| literal.duration(BACKOFF);
                let backoff = value(&word, input, "2", |input| given(input, read))?;
                keep(&mut self.backoff, word, backoff, ctxt);
            }
            "timeout" => {
                let read = |literal: Literal<'_>| match literal.duration(TIMEOUT) {
                    Ok(timeout) if timeout.is_zero() => Err(NO_TIME.to_owned()),
                    timeout => timeout,
                };
                let timeout = value(&word, input, "30", |input| given(input, read))?;
                keep(&mut self.timeout, word, timeout, ctxt);
            }
            "priority" => {
                let read = |literal: Literal<'_>| {
                    literal.number::<i32>("i32").ok_or_else(|| PRIORITY.to_owned())
                };
                let priority = value(&word, input, "10", |input| given(input, read))?;
                keep(&mut self.priority, word, priority, ctxt);
            }
            "threads" => {
                let read = |literal: Literal<'_>| {
                    let threads = literal.number::<usize>("usize").filter(|threads| *threads > 0);
                    threads.ok_or_else(|| THREADS.to_owned())
                };
                let threads = value(&word, input, "4", |input| given(input, read))?;
                keep(&mut self.threads, word, threads, ctxt);
            }
            "resources" => {
                let resources = resources(&word, input, ctxt)?;
                keep(&mut self.resources, word, resources, ctxt);
            }
            _ => flag(&mut self.isolate, word, input, ctxt)?,
        }
        Ok(())
    }

    /// Returns the keywords of the options that are written.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Ident> {
        let Self { retries, backoff, timeout, priority, threads, resources, isolate } = self;
        let words = [
            word(retries),
            word(backoff),
            word(timeout),
            word(priority),
            word(threads),
            word(resources),
            word(isolate),
        ];
        words.into_iter().flatten()
    }
}

/// Reads `(name = AMOUNT, ...)`.
fn resources(word: &Ident, input: ParseStream<'_>, ctxt: &Ctxt) -> Result<Vec<Demand>> {
    if !input.peek(token::Paren) {
        let message =
            "`resources` lists what each instance needs: `resources(memory = \"4GB\", gpu = 1)`";
        return Err(Error::new(word.span(), message));
    }
    let content;
    let parens = parenthesized!(content in input);
    if content.is_empty() {
        let message = "name a resource, such as `memory = \"4GB\"`, or leave `resources` out";
        return Err(Error::new(parens.span.join(), message));
    }
    let mut demands: Vec<Demand> = Vec::new();
    options::each(&content, ctxt, &mut |resource, content| {
        let demand = demand(resource, content, &demands)?;
        demands.push(demand);
        Ok(())
    });
    Ok(demands)
}

/// Reads the amount after the name of a resource. `before` are the demands before it.
fn demand(resource: Ident, content: ParseStream<'_>, before: &[Demand]) -> Result<Demand> {
    let name = plain(&resource);
    if CORES.contains(&name.as_str()) {
        let message = "the number of cores is an option of the task, and no resource: write \
                       `threads = 4` beside `resources`";
        return Err(Error::new_spanned(&resource, message));
    }
    if before.iter().any(|demand| plain(&demand.resource) == name) {
        let message = format!("`{name}` is written twice; write it once");
        return Err(Error::new_spanned(&resource, message));
    }
    let example = if name == "memory" { "\"4GB\"" } else { "1" };
    let amount =
        value(&resource, content, example, |content| given(content, |literal| literal.amount()))?;
    Ok(Demand { resource, amount })
}

/// Parses a value. `read` converts a literal, or returns the error message for a wrong one.
fn given<T>(
    input: ParseStream<'_>,
    read: impl FnOnce(Literal<'_>) -> std::result::Result<T, String>,
) -> Result<Given<T>> {
    let expr: Expr = input.parse()?;
    if let Some(literal) = Literal::of(&expr) {
        let value = read(literal).map_err(|message| Error::new_spanned(&expr, message))?;
        return Ok(Given::Literal(value));
    }
    Ok(Given::Expr(Box::new(expr)))
}

/// A literal, which may have a minus sign.
struct Literal<'a> {
    lit: &'a Lit,
    is_negative: bool,
}

impl<'a> Literal<'a> {
    /// Returns the literal that an expression consists of.
    fn of(expr: &'a Expr) -> Option<Self> {
        match expr {
            Expr::Lit(ExprLit { lit, .. }) => Some(Self { lit, is_negative: false }),
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => {
                let positive = Self::of(expr)?;
                Some(Self { is_negative: !positive.is_negative, ..positive })
            }
            // A value that a `macro_rules!` has matched as `$value:expr` is one invisible group.
            Expr::Group(group) => Self::of(&group.expr),
            Expr::Paren(parentheses) => Self::of(&parentheses.expr),
            _ => None,
        }
    }

    /// Returns the integer, without a suffix or with that of its type, if it is one and the type holds it.
    fn number<T: TryFrom<i128>>(&self, ty: &str) -> Option<T> {
        let Lit::Int(lit) = self.lit else { return None };
        let has_type = lit.suffix().is_empty() || lit.suffix() == ty;
        let number: i128 = lit.base10_parse().ok().filter(|_| has_type)?;
        T::try_from(if self.is_negative { -number } else { number }).ok()
    }

    /// Returns the duration: a number of seconds, or a text with units.
    fn duration(&self, expected: &str) -> std::result::Result<Duration, String> {
        let duration = match self.lit {
            Lit::Str(text) if !self.is_negative => {
                return duration::seconds(&text.value()).map(Duration::from_secs);
            }
            Lit::Float(lit) if !self.is_negative && lit.suffix().is_empty() => {
                let seconds = lit.base10_parse::<f64>().ok();
                seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            }
            _ => self.number("u64").map(Duration::from_secs),
        };
        duration.ok_or_else(|| expected.to_owned())
    }

    /// Returns the amount: a number, or a text with a unit.
    fn amount(&self) -> std::result::Result<u64, String> {
        match self.lit {
            Lit::Str(text) if !self.is_negative => amount(&text.value()),
            _ => self.number("u64").ok_or_else(|| AMOUNT.to_owned()),
        }
    }
}

/// Returns the number in a text such as `4GB` or `512 MiB`, as `flow_core::Amount` does.
fn amount(text: &str) -> std::result::Result<u64, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "{text:?} is not an amount; write a whole number, or a number with a unit, such as \"4GB\" or \"512 MiB\""
        )
    };
    let is_plain_fraction =
        text.contains('.') && text.ends_with(|last: char| last.is_ascii_digit());
    if is_plain_fraction {
        return Err(wrong());
    }
    parse_size::parse_size(text).map_err(|error| match error {
        parse_size::Error::PosOverflow => format!("{text:?} is larger than {}", u64::MAX),
        _ => wrong(),
    })
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::parse::Parser;

    use super::*;

    fn read<T>(
        text: &str,
        read: impl FnOnce(Literal<'_>) -> std::result::Result<T, String>,
    ) -> std::result::Result<T, String> {
        let parse = |input: ParseStream<'_>| given(input, read);
        match parse.parse_str(text) {
            Ok(Given::Literal(value)) => Ok(value),
            Ok(Given::Expr(expr)) => Err(format!("expression {}", expr.to_token_stream())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn integers_are_those_of_their_type() {
        let number =
            |text: &str| read(text, |literal| literal.number::<i32>("i32").ok_or(String::new()));
        for (text, expected) in [
            ("3", 3),
            ("-3", -3),
            ("(7i32)", 7),
            ("0x10", 16),
            ("1_000", 1000),
            ("-2147483648", i32::MIN),
        ] {
            assert_eq!(number(text), Ok(expected), "{text}");
        }
        for text in ["3u8", "2147483648", "1.0", "\"3\"", "true", "-'c'", "3s"] {
            assert_eq!(number(text), Err(String::new()), "{text}");
        }
        assert_eq!(number("self.n + 1"), Err("expression self . n + 1".to_owned()));
        assert_eq!(number("3 * 4"), Err("expression 3 * 4".to_owned()));
    }

    #[test]
    fn durations_are_seconds_or_texts() {
        let duration = |text: &str| read(text, |literal| literal.duration("wrong"));
        for (text, millis) in [("30", 30_000), ("0.25", 250), ("\"1h 30m\"", 5_400_000), ("0", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["-1", "-0.5", "1e300", "30s", "1.5f32", "true", "-\"1h\""] {
            assert_eq!(duration(text), Err("wrong".to_owned()), "{text}");
        }
        assert!(duration("\"soon\"").is_err_and(|error| error.contains("is not a duration")));
    }

    #[test]
    fn amounts_are_numbers_or_texts() {
        let amount = |text: &str| read(text, |literal| literal.amount());
        for (text, expected) in [
            ("4", 4),
            ("\"4 GB\"", 4_000_000_000),
            ("\"4GiB\"", 4 << 30),
            ("\"1.5GB\"", 1_500_000_000),
            ("0u64", 0),
        ] {
            assert_eq!(amount(text), Ok(expected), "{text}");
        }
        for text in ["-1", "1.5", "1u8", "true"] {
            assert_eq!(amount(text), Err(AMOUNT.to_owned()), "{text}");
        }
        for text in ["\"\"", "\"-4GB\"", "\"0.5\"", "\"four\""] {
            assert!(amount(text).is_err_and(|error| error.contains("is not an amount")), "{text}");
        }
        assert!(amount("\"20 EB\"").is_err_and(|error| error.contains("is larger than")));
    }
}
