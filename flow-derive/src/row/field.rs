//! Reads the attributes of a field: `#[serde(...)]` and `#[row(...)]`.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{ExprPath, Field, LitInt, LitStr, Result, Token, Type};

use super::names::Rule;
use super::path_in;
use crate::attr::{options, words};
use crate::ctxt::Ctxt;
use crate::spans::plain;

/// A field of a row.
pub(crate) struct RowField<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    /// The name of its column, and the aliases.
    pub(crate) names: Vec<String>,
    /// The value if a file has no column for the field.
    pub(crate) absent: Absent,
    /// Whether the field has no column: `#[serde(skip)]`.
    pub(crate) is_skipped: bool,
    /// Whether the field is bytes: `#[serde(with = "serde_bytes")]`.
    pub(crate) is_binary: bool,
    pub(crate) unit: Option<Unit>,
    /// The digits of a decimal, and how many of them stand after the point.
    pub(crate) decimal: Option<(u8, i8)>,
}

/// What a field is if there is no column for it.
#[derive(Clone)]
pub(crate) enum Absent {
    /// An error.
    Missing,
    /// The value that the type has for it, if it has one: `skip_serializing_if`.
    OfType,
    /// The default of the type.
    Default,
    /// The field of the default of the struct.
    Container,
    /// What a function returns.
    Call(ExprPath),
}

/// The unit of a column of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl<'a> RowField<'a> {
    /// Reads a field. `rule` and `absent` are those of the struct.
    pub(crate) fn read(
        field: &'a Field,
        rule: Option<Rule>,
        absent: Option<&Absent>,
        ctxt: &Ctxt,
    ) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let name = plain(ident);
        let name = rule.map_or_else(|| name.clone(), |rule| rule.of_field(&name));
        let mut read = Self {
            ident,
            ty: &field.ty,
            names: vec![name],
            absent: absent.cloned().unwrap_or(Absent::Missing),
            is_skipped: false,
            is_binary: false,
            unit: None,
            decimal: None,
        };
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            options::read(attribute, ctxt, |word, input| read.serde(&word, input));
        }
        let (mut precision, mut scale) = (None, None);
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
            options::read(attribute, ctxt, |word, input| {
                match word.to_string().as_str() {
                    "unit" => read.unit = Some(unit(&word, input)?),
                    "precision" => precision = Some(digits(&word, input, 1..=38)?),
                    "scale" => scale = Some(digits(&word, input, 0..=38)?),
                    other => {
                        return Err(syn::Error::new(word.span(), words::ROW.unknown(other)));
                    }
                }
                Ok(())
            });
        }
        if precision.is_some() || scale.is_some() {
            let (precision, scale) = (precision.unwrap_or(38), scale.unwrap_or(10));
            if scale > precision {
                let message = format!(
                    "`scale` is the digits after the point, and `precision` all digits: {scale} is more than \
                     {precision}"
                );
                ctxt.error(ident, message);
            }
            read.decimal = Some((precision, i8::try_from(scale).unwrap_or(i8::MAX)));
        }
        Some(read)
    }

    /// Reads an option of `#[serde(...)]`.
    fn serde(&mut self, word: &Ident, input: ParseStream<'_>) -> Result<()> {
        match word.to_string().as_str() {
            "rename" => self.names[0] = text(word, input)?.value(),
            "alias" => self.names.push(text(word, input)?.value()),
            "default" => self.absent = default(word, input, Absent::Default)?,
            "skip" => self.is_skipped = true,
            "skip_serializing_if" => {
                text(word, input)?;
                if matches!(self.absent, Absent::Missing) {
                    self.absent = Absent::OfType;
                }
            }
            "with" => {
                let with = text(word, input)?;
                if with.value() != "serde_bytes" {
                    return Err(unsupported(word));
                }
                self.is_binary = true;
            }
            "bound" => ignored(input)?,
            _ => return Err(unsupported(word)),
        }
        Ok(())
    }
}

/// Parses `word = "text"`.
pub(super) fn text(word: &Ident, input: ParseStream<'_>) -> Result<LitStr> {
    if input.peek(syn::token::Paren) {
        return Err(unsupported(word));
    }
    options::value(word, input, "\"...\"", |input| input.parse())
}

/// Parses `default` or `default = "path"`.
pub(super) fn default(word: &Ident, input: ParseStream<'_>, alone: Absent) -> Result<Absent> {
    if !input.peek(Token![=]) {
        return Ok(alone);
    }
    let path = path_in(&text(word, input)?)?;
    Ok(match alone {
        // A function of the struct, of which each field is a part.
        Absent::Container => return Err(unsupported_default(word)),
        _ => Absent::Call(path),
    })
}

fn unsupported_default(word: &Ident) -> syn::Error {
    let message = "a row with `#[derive(Row)]` has `#[serde(default)]` without a path; write the path at the \
                   fields, or implement `Default`";
    syn::Error::new(word.span(), message)
}

/// Skips the value of an option that has no meaning for columns.
pub(super) fn ignored(input: ParseStream<'_>) -> Result<()> {
    if input.peek(syn::token::Paren) {
        input.parse::<proc_macro2::Group>()?;
    } else if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        input.parse::<syn::Expr>()?;
    }
    Ok(())
}

/// Returns the error for an option of serde that changes the columns.
pub(super) fn unsupported(word: &Ident) -> syn::Error {
    let message = format!(
        "`#[derive(Row)]` takes the columns from the types of the fields, and `{word}` may change what serde \
         makes of them; leave out `{word}`, or leave out `#[derive(Row)]`, and serde determines the columns"
    );
    syn::Error::new(word.span(), message)
}

fn unit(word: &Ident, input: ParseStream<'_>) -> Result<Unit> {
    let text: LitStr = options::value(word, input, "\"us\"", |input| input.parse())?;
    match text.value().as_str() {
        "s" => Ok(Unit::Second),
        "ms" => Ok(Unit::Millisecond),
        "us" => Ok(Unit::Microsecond),
        "ns" => Ok(Unit::Nanosecond),
        other => {
            let message = format!("the units are `s`, `ms`, `us` and `ns`, and not `{other}`");
            Err(syn::Error::new(text.span(), message))
        }
    }
}

fn digits(word: &Ident, input: ParseStream<'_>, range: std::ops::RangeInclusive<u8>) -> Result<u8> {
    let number: LitInt = options::value(word, input, "10", |input| input.parse())?;
    let digits = number.base10_parse::<u8>().ok().filter(|digits| range.contains(digits));
    digits.ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        let message = format!("`{word}` is a number of digits from {least} to {most}");
        syn::Error::new(number.span(), message)
    })
}
