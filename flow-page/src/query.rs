//! The query of a request: what follows `?`.

use std::fmt::Write as _;

/// The most pairs of a query that are read.
const MOST: usize = 64;

/// The names and values of a query, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query. Escapes that are no UTF-8 become `�`.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().filter(|(_, value)| !value.is_empty()).take(MOST).collect())
    }

    /// Returns the first value with a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// Returns all values with a name.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// Returns the number of the page, counted from 0.
    pub(crate) fn page(&self) -> usize {
        self.page_of("page")
    }

    /// Returns the number of the page under a name, counted from 0.
    pub(crate) fn page_of(&self, name: &str) -> usize {
        let number = self.get(name).and_then(|page| page.parse::<usize>().ok());
        number.unwrap_or(1).saturating_sub(1)
    }

    /// Returns this query with another value for a name, or without the name.
    pub(crate) fn with(&self, name: &str, value: Option<&str>) -> Self {
        let mut pairs = self.0.clone();
        pairs.retain(|(one, _)| one != name);
        pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        Self(pairs)
    }

    /// Returns this query with a pair, or without it if it was there.
    pub(crate) fn toggled(&self, name: &str, value: &str) -> Self {
        let is_it = |(one, of): &(String, String)| one == name && of == value;
        let mut pairs = self.0.clone();
        match pairs.iter().any(is_it) {
            true => pairs.retain(|pair| !is_it(pair)),
            false => pairs.push((name.to_owned(), value.to_owned())),
        }
        Self(pairs)
    }

    /// Returns the address of a path with this query.
    pub(crate) fn href(&self, path: &str) -> String {
        let mut text = path.to_owned();
        for (place, (name, value)) in self.0.iter().enumerate() {
            let (name, value) = (encoded(name), encoded(value));
            let _ = write!(text, "{}{name}={value}", if place == 0 { '?' } else { '&' });
        }
        text
    }
}

/// Returns a text with everything escaped that has a meaning in an address.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Returns a text as a part of a path, with everything escaped that has a meaning in an address.
pub(crate) fn segment(text: &str) -> String {
    encoded(text).replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_and_written() {
        let query = Query::parse(Some("task=A%3CB%3E&open=a&open=b&page=3&empty=&bad=%ff%00"));
        assert_eq!(query.get("task"), Some("A<B>"));
        assert_eq!(query.all("open").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(
            (query.page(), query.get("empty"), query.get("bad")),
            (2, None, Some("\u{fffd}\0"))
        );
        let other =
            query.with("page", None).with("bad", None).toggled("open", "a").toggled("open", "c&d");
        assert_eq!(other.href("/x"), "/x?task=A%3CB%3E&open=b&open=c%26d");
        assert_eq!(Query::parse(Some("page=-1")).page(), 0);
        assert_eq!(Query::parse(Some("page=99999999999999999999")).page(), 0);
        assert_eq!(Query::parse(None).href("/"), "/");
    }

    #[test]
    fn a_segment_of_a_path_has_no_meaning_of_its_own() {
        assert_eq!(segment("Fit<a::B> +/?#%"), "Fit%3Ca%3A%3AB%3E%20%2B%2F%3F%23%25");
    }
}
