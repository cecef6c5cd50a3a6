//! Parses `refresh = always`, `refresh = "24h"` and `refresh = expr`.

use syn::parse::ParseStream;
use syn::{Expr, Ident, LitStr, Result, Token};

use super::duration;

/// When a task runs again although its inputs, parameters and code are unchanged.
pub(crate) enum Refresh {
    /// In each execution.
    Always,
    /// When the output is at least this many seconds old. Contains the text as written.
    After(LitStr, u64),
    /// When the value of this expression has changed.
    OnChange(Box<Expr>),
}

/// Parses the value of `refresh`.
pub(crate) fn refresh(input: ParseStream<'_>) -> Result<Refresh> {
    if stands_alone::<Ident>(input) && input.fork().parse::<Ident>()? == "always" {
        input.parse::<Ident>()?;
        return Ok(Refresh::Always);
    }
    if stands_alone::<LitStr>(input) {
        let text: LitStr = input.parse()?;
        let seconds = match duration::seconds(&text.value()) {
            Ok(0) => Err("the duration is zero; write `refresh = always`".to_owned()),
            seconds => seconds,
        };
        let seconds = seconds.map_err(|message| syn::Error::new(text.span(), message))?;
        return Ok(Refresh::After(text, seconds));
    }
    Ok(Refresh::OnChange(input.parse()?))
}

/// Returns whether a `T` comes next, and no other token belongs to the value.
fn stands_alone<T: syn::parse::Parse>(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<T>().is_ok() && (ahead.is_empty() || ahead.peek(Token![,]))
}
