//! The guard before all views: who may ask what, and the headers of every response.
//!
//! | a request | is |
//! | --- | --- |
//! | whose address is longer than 4 KiB | refused: 414 |
//! | to a host that the options do not name, without a host, or with two | refused: 403, because of DNS rebinding |
//! | of another origin | refused: 403. A browser names the origin of each request that a site's script or form makes |
//! | without the token | refused: 401. Only the style sheet needs none, because the refusal is a page, too |
//! | with the token in its address | sent to the same address without it, with a cookie |
//! | that may change something, when the page is read-only | refused: 403 |
//!
//! The cookie is not sent with requests that other sites cause, and scripts cannot read it. A program sends the token as
//! `Authorization: Bearer`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderMap, HeaderName,
    HeaderValue, LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::assets::STYLE_PATH;
use crate::frame;
use crate::query::Query;
use crate::state::Shared;

/// The longest address, in bytes.
const LONGEST: usize = 4096;

/// What pages may load: our own files, nothing written into the page, and nothing of another site. No other site may show
/// them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A request that the guard does not pass on.
enum Answer {
    Refused(StatusCode, &'static str),
    /// The address without the token.
    SignedIn(String),
}

/// Checks a request, passes it on, and adds the headers to its response.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let checked = check(&shared, &request);
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(Answer::SignedIn(address)) => signed_in(&shared, &address),
        Err(Answer::Refused(status, why)) => frame::refusal(status, why),
    };
    add_headers(response.headers_mut());
    response
}

fn check(shared: &Shared, request: &Request) -> Result<(), Answer> {
    let (uri, headers) = (request.uri(), request.headers());
    let length = uri.path().len() + uri.query().map_or(0, str::len);
    if length > LONGEST {
        return Err(Answer::Refused(StatusCode::URI_TOO_LONG, "The address is too long."));
    }
    let host = host(uri, headers)
        .filter(|host| name_of(host).is_some_and(|name| shared.options.allows_host(name)));
    let Some(host) = host else {
        return Err(Answer::Refused(
            StatusCode::FORBIDDEN,
            "This page is not served under this host name. Open the address that the program has printed.",
        ));
    };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let given = bearer(headers).is_some_and(|token| shared.token.is(token));
    let origin = origin(headers, host);
    // A browser names the origin of every form that is sent. A program with the token need not.
    if origin == Origin::Foreign || (!is_read && origin == Origin::Unknown && !given) {
        return Err(Answer::Refused(StatusCode::FORBIDDEN, "The request comes from another site."));
    }
    let is_style = is_read && uri.path() == STYLE_PATH;
    if !given && !is_style && !has_cookie(shared, headers) {
        let query = Query::parse(uri.query());
        return Err(match query.get("token") {
            Some(token) if is_read && shared.token.is(token) => {
                Answer::SignedIn(query.with("token", None).href(own_path(uri.path())))
            }
            _ => Answer::Refused(
                StatusCode::UNAUTHORIZED,
                "The token is missing or wrong. Open the address that the program has printed, which has the token.",
            ),
        });
    }
    if !is_read && shared.options.is_read_only() {
        return Err(Answer::Refused(StatusCode::FORBIDDEN, "This page is read-only."));
    }
    Ok(())
}

/// Returns the host of a request, with its port; `None` if there is none, or several.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut all = headers.get_all(HOST).iter();
    let (Some(host), None) = (all.next(), all.next()) else { return None };
    let host = host.to_str().ok()?;
    // A request that is made for a proxy has the host in its address, too.
    let is_same = |authority: &str| authority.eq_ignore_ascii_case(host);
    uri.authority().is_none_or(|authority| is_same(authority.as_str())).then_some(host)
}

/// Returns the name in a host, without the port; that of an IPv6 address without its brackets.
fn name_of(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => match host.find(':') {
            Some(at) => host.split_at(at),
            None => (host, ""),
        },
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok());
    is_port.then_some(name)
}

/// Where a request comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Own,
    Foreign,
    /// The browser does not say, as for an address that was typed.
    Unknown,
}

fn origin(headers: &HeaderMap, host: &str) -> Origin {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_own = |origin: &str| {
        let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host))
    };
    match (text("origin"), text("sec-fetch-site")) {
        (Some(origin), _) if !is_own(origin) => Origin::Foreign,
        (Some(_), _) | (None, Some("same-origin")) => Origin::Own,
        (None, Some("none") | None) => Origin::Unknown,
        // A link on another site leads here. The cookie does not come with it, but the token in the link may.
        (None, Some(_)) if text("sec-fetch-mode") == Some("navigate") => Origin::Unknown,
        (None, Some(_)) => Origin::Foreign,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn has_cookie(shared: &Shared, headers: &HeaderMap) -> bool {
    let name = shared.cookie();
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.any(|(one, token)| one.trim() == name && shared.token.is(token.trim()))
}

/// Returns a path of this site. Browsers take a path that begins with two slashes for the name of another site.
fn own_path(path: &str) -> &str {
    let is_own = path.starts_with('/') && !path[1..].starts_with(['/', '\\']);
    if is_own { path } else { "/" }
}

fn signed_in(shared: &Shared, address: &str) -> Response {
    let cookie =
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", shared.cookie(), shared.token.text());
    let (Ok(address), Ok(cookie)) =
        (HeaderValue::from_str(address), HeaderValue::from_str(&cookie))
    else {
        return frame::refusal(StatusCode::BAD_REQUEST, "The address is wrong.");
    };
    (StatusCode::SEE_OTHER, [(LOCATION, address), (SET_COOKIE, cookie)]).into_response()
}

/// Adds the headers that every response has. A view may have set a stricter policy.
fn add_headers(headers: &mut HeaderMap) {
    let of_all: [(HeaderName, &'static str); 7] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (CACHE_CONTROL, "no-store"),
        // Not `no-referrer`: a browser would hide the origin of our own forms.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in of_all {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_host_has_no_port() {
        for (host, name) in [
            ("localhost", Some("localhost")),
            ("localhost:8642", Some("localhost")),
            ("[::1]:8642", Some("::1")),
            ("[::1]", Some("::1")),
            ("localhost:", None),
            ("localhost:80:80", None),
            ("localhost:x", None),
            ("[::1", None),
            ("", Some("")),
        ] {
            assert_eq!(name_of(host), name, "{host}");
        }
    }

    #[test]
    fn a_path_leads_to_no_other_site() {
        assert_eq!(own_path("/runs"), "/runs");
        for path in ["//example.org", "/\\example.org", "", "example.org", "*"] {
            assert_eq!(own_path(path), "/", "{path}");
        }
    }

    #[test]
    fn an_origin_is_that_of_the_host_or_foreign() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|&(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            });
            origin(&pairs.collect(), "localhost:8642")
        };
        assert!(of(&[("origin", "http://localhost:8642")]) == Origin::Own);
        assert!(of(&[("sec-fetch-site", "same-origin")]) == Origin::Own);
        assert!(of(&[]) == Origin::Unknown && of(&[("sec-fetch-site", "none")]) == Origin::Unknown);
        for foreign in
            ["http://localhost:8643", "http://example.org", "null", "", "file://", "localhost:8642"]
        {
            assert!(of(&[("origin", foreign)]) == Origin::Foreign, "{foreign}");
        }
        assert!(of(&[("sec-fetch-site", "cross-site")]) == Origin::Foreign);
        assert!(of(&[("sec-fetch-site", "same-site")]) == Origin::Foreign);
        let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert!(of(&link) == Origin::Unknown);
    }
}
