//! The fields of a form that was sent.

use axum::extract::{FromRequest, RawForm, Request};
use axum::response::Response;

use crate::frame;

/// The most fields of a form that are read.
const MOST: usize = 10_000;

/// The names and values of a form, in their order. Fields that were left empty are not in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a form. Escapes that are no UTF-8 become `�`, and the line ends that browsers send become `\n`.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes).into_owned();
        let pairs = pairs.map(|(name, value)| (name, value.replace("\r\n", "\n")));
        Self(pairs.filter(|(_, value)| !value.is_empty()).take(MOST).collect())
    }

    /// Returns the first value with a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match RawForm::from_request(request, state).await {
            Ok(RawForm(bytes)) => Ok(Self::parse(&bytes)),
            Err(error) => {
                Err(frame::refusal(error.status(), "The form is too long, or it is no form."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read() {
        let fields = Fields::parse(b"a=1%0D%0A2&empty=&b=%3C&a=3&=&bad=%ff&%00=%00");
        assert_eq!(fields.get("a"), Some("1\n2"));
        assert_eq!(fields.get("b"), Some("<"));
        assert_eq!((fields.get("empty"), fields.get("bad")), (None, Some("\u{fffd}")));
        assert_eq!(fields.get("\0"), Some("\0"));
        let many = "a=1&".repeat(MOST) + "z=1";
        assert_eq!(Fields::parse(many.as_bytes()).get("z"), None);
    }
}
