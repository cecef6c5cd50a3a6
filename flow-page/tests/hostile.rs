//! Hostile requests and texts: each is refused, or shown as text, and the page answers afterwards.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use flow::page::PageOptions;

use crate::tasks::{Failing, Mean, Points, SCRIPT};
use crate::{HOST, Page};

fn page() -> Page {
    Page::new::<Mean>(PageOptions::new(), |flow| flow)
}

/// Returns the status of a request with these headers, besides the cookie.
fn status(page: &Page, method: &str, path: &str, headers: &[(&str, &str)]) -> StatusCode {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header("cookie", format!("flow-page-8642={}", page.token));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    page.send(request.body(Body::empty()).expect("a request")).status
}

#[test]
fn paths_lead_to_no_file() {
    let page = page();
    page.run();
    let instance = page.instance("Points");
    let long = "a".repeat(3_000);
    let mut paths = Vec::new();
    for name in [
        "..",
        "../..",
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "%252e%252e%252fetc%252fpasswd",
        "..%5c..%5cwindows",
        "....//....//etc/passwd",
        "%00",
        "data.csv%00.png",
        "%ff%fe",
        "%0d%0aSet-Cookie:%20a=b",
        "/etc/passwd",
        ".flow/secret",
        "%e2%80%ae",
        "0%00",
        "0/../../.flow",
        "-1",
        "18446744073709551616",
        "%3Cscript%3E",
        &long,
    ] {
        for before in [
            "/",
            "/instance/",
            "/run/",
            "/assets/",
            &format!("{instance}/file/"),
            &format!("{instance}/file/0/"),
            &format!("{instance}/figure/"),
            &format!("{instance}/failure/figure/"),
        ] {
            paths.push(format!("{before}{name}"));
        }
    }
    assert!(paths.len() > 100);
    for path in &paths {
        let reply = page.ask(path);
        let expected = [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN];
        assert!(expected.contains(&reply.status), "{path}: {}", reply.status);
        assert!(!reply.text.contains("root:"), "{path}");
        assert!(!reply.headers.contains_key("set-cookie"), "{path}");
    }
    let too_long = format!("/{}", "a".repeat(5_000));
    assert_eq!(page.ask(&too_long).status, StatusCode::URI_TOO_LONG);
    assert_eq!(page.ask("/").status, StatusCode::OK);
}

#[test]
fn queries_are_text() {
    let page = page();
    let script = "%22%27%3E%3C/select%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for path in [
        format!("/?q={script}"),
        format!("/?open={script}&open=task:{script}&by={script}"),
        format!("/?status={script}"),
        format!("/instances?q={script}&task={script}&status={script}&page={script}"),
        format!("/instances?{script}={script}"),
        format!("/runs?page={script}"),
        "/instances?page=99999999999999999999999".to_owned(),
        "/instances?q=%00%ff%e2%80%ae&&&===".to_owned(),
        format!("/?{}", "open=a&".repeat(500)),
    ] {
        // `view` checks that no element and no attribute comes from the query.
        page.view(&path);
    }
    let error = page.ask(&format!("/?from={script}"));
    assert_eq!(error.status, StatusCode::NOT_FOUND);
    crate::assert_harmless("from", &error.text);
}

#[test]
fn foreign_hosts_are_refused() {
    let page = page();
    for host in [
        "example.org",
        "example.org:8642",
        "localhost.example.org",
        "127.0.0.1.nip.io:8642",
        "localhost:8642@example.org",
        "localhost:x",
        "0.0.0.0:8642",
        "[::2]:8642",
        "",
    ] {
        assert_eq!(status(&page, "GET", "/", &[("host", host)]), StatusCode::FORBIDDEN, "{host}");
    }
    assert_eq!(status(&page, "GET", "/", &[]), StatusCode::FORBIDDEN);
    let two = [("host", HOST), ("host", "example.org")];
    assert_eq!(status(&page, "GET", "/", &two), StatusCode::FORBIDDEN);
    let proxied = "http://example.org/";
    assert_eq!(status(&page, "GET", proxied, &[("host", HOST)]), StatusCode::FORBIDDEN);
    for host in [HOST, "127.0.0.1:8642", "[::1]:8642", "LOCALHOST"] {
        assert_eq!(status(&page, "GET", "/", &[("host", host)]), StatusCode::OK, "{host}");
    }
}

#[test]
fn foreign_origins_are_refused() {
    let page = page();
    for origin in [
        "http://example.org",
        "https://localhost:1",
        "http://localhost",
        "null",
        "file://",
        "",
        "chrome-extension://a",
    ] {
        let headers = [("host", HOST), ("origin", origin)];
        for (method, path) in [("GET", "/"), ("GET", "/live/events"), ("POST", "/live/stop")] {
            assert_eq!(status(&page, method, path, &headers), StatusCode::FORBIDDEN, "{origin}");
        }
    }
    for site in ["cross-site", "same-site"] {
        let headers = [("host", HOST), ("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")];
        assert_eq!(status(&page, "GET", "/", &headers), StatusCode::FORBIDDEN, "{site}");
    }
    // A form that says nothing of its origin is not sent by a browser of today.
    assert_eq!(status(&page, "POST", "/live/stop", &[("host", HOST)]), StatusCode::FORBIDDEN);
    let own = format!("http://{HOST}");
    let own = [("host", HOST), ("origin", own.as_str())];
    assert_eq!(status(&page, "POST", "/live/stop", &own), StatusCode::SEE_OTHER);
    assert_eq!(status(&page, "DELETE", "/", &own), StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn nothing_is_shown_without_the_token() {
    let page = page();
    page.run();
    let ask = |path: &str, header: Option<(&str, String)>| {
        let mut request = Request::builder().uri(path).header("host", HOST);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        page.send(request.body(Body::empty()).expect("a request"))
    };
    let instance = page.instance("Points");
    for path in [
        "/",
        "/instances",
        "/runs",
        "/live",
        "/live/events",
        "/assets/page.js",
        &instance,
        "/nothing",
    ] {
        let reply = ask(path, None);
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(!reply.text.contains("Points") && !reply.text.contains(&page.token), "{path}");
    }
    // The refusal is a page with this style.
    assert_eq!(ask("/assets/page.css", None).status, StatusCode::OK);
    let wrong = "0".repeat(32);
    for header in [
        ("cookie", format!("flow-page-8642={wrong}")),
        ("cookie", format!("flow-page-8643={}", page.token)),
        ("cookie", format!("flow-page-8642={}x", page.token)),
        ("authorization", format!("Bearer {wrong}")),
        ("authorization", format!("Basic {}", page.token)),
    ] {
        assert_eq!(ask("/", Some(header)).status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(&format!("/?token={wrong}"), None).status, StatusCode::UNAUTHORIZED);

    let signed_in = ask(&format!("/instances?q=a&token={}", page.token), None);
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    assert_eq!(signed_in.headers["location"], "/instances?q=a");
    let cookie = signed_in.headers["set-cookie"].to_str().expect("text");
    assert_eq!(cookie, format!("flow-page-8642={}; Path=/; HttpOnly; SameSite=Strict", page.token));
    let elsewhere = ask(&format!("//example.org/?token={}", page.token), None);
    assert_eq!(elsewhere.headers.get("location").map(|to| to == "/"), Some(true));
    let bearer = ("authorization", format!("Bearer {}", page.token));
    assert_eq!(ask("/", Some(bearer)).status, StatusCode::OK);
}

#[test]
fn every_response_forbids_what_is_written_into_a_page() {
    let page = page();
    page.run();
    for path in ["/", "/nothing", "/assets/page.js", "/runs", "/instance/x"] {
        let reply = page.ask(path);
        let policy = reply.headers["content-security-policy"].to_str().expect("text");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(reply.headers["cache-control"], "no-store", "{path}");
    }
}

#[test]
fn texts_of_tasks_are_shown_as_text() {
    let hostile = format!("{SCRIPT}\u{202e}\0");
    let page = Page::new::<Failing>(PageOptions::new(), |flow| {
        flow.with(Points::LABEL, hostile.replace('\0', ""))
    });
    page.run();
    let points = page.instance("Points");
    let failing = page.instance("Failing");
    let runs = page.flow.store().runs().expect("a history");
    for path in [
        "/".to_owned(),
        "/instances".to_owned(),
        points.clone(),
        format!("{points}/data"),
        format!("{points}/log"),
        format!("{points}/versions"),
        failing.clone(),
        format!("{failing}/log"),
        "/runs".to_owned(),
        format!("/run/{}", runs[0].id),
        format!("/compare?before={0}&after={0}", runs[0].id),
        "/live".to_owned(),
    ] {
        let html = page.view(&path);
        assert!(!html.contains('\u{202e}') && !html.contains("<script>"), "{path}");
    }
    // They are all there, as text.
    assert!(page.view(&points).contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.view(&format!("{points}/data")).contains("\\u{202e}"));
    assert!(page.view(&format!("{points}/log")).contains("&lt;/pre&gt;&lt;script&gt;"));
    assert!(page.view(&failing).contains("the file ends &quot;'&gt;&lt;/pre&gt;"));
}
