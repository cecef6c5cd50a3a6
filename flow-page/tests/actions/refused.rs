//! What no action does: without its own plan, beside a run, on a page that is read-only, for other sites, for hostile forms.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use flow::page::PageOptions;

use super::{hidden, page};
use crate::tasks::{Endless, Mean, Points, SCRIPT};
use crate::{HOST, Page, assert_harmless};

/// The addresses of all forms.
const FORMS: [&str; 5] =
    ["/actions/run", "/actions/force", "/actions/retry", "/actions/reset", "/actions/parameters"];

#[test]
fn the_confirmation_of_one_action_confirms_no_other() {
    let (page, ran) = page::<Mean>();
    let plan = page.plan("/actions/run", &[("task", "Points")]);
    let digest = hidden(&plan.text).pop().expect("a digest");
    assert_eq!(digest.0, "plan");
    for (path, fields) in [
        ("/actions/run", vec![]),
        ("/actions/run", vec![("task", "Mean")]),
        ("/actions/force", vec![("task", "Points")]),
        ("/actions/parameters", vec![]),
    ] {
        let fields: Vec<_> = fields.into_iter().chain([("plan", digest.1.as_str())]).collect();
        assert_eq!(page.post(path, &fields).status, StatusCode::CONFLICT, "{path}");
    }
    assert!(ran.take().is_empty());
}

#[test]
fn one_run_at_a_time() {
    let (page, _) = page::<Endless>();
    let plan = page.plan("/actions/run", &[]);
    let started = page.send_again("/actions/run", &plan, &[]);
    assert_eq!(started.status, StatusCode::SEE_OTHER);
    for path in FORMS {
        let busy = page.post(path, &[]);
        assert_eq!(busy.status, StatusCode::CONFLICT, "{path}");
        assert!(busy.text.contains("A run or a reset of this page is in progress"), "{path}");
    }
    assert!(page.view("/actions").contains("A run is in progress"));
    let second = page.send_again("/actions/run", &plan, &[]);
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert_eq!(page.post("/live/stop", &[]).status, StatusCode::SEE_OTHER);
    page.wait();
}

#[test]
fn a_read_only_page_has_no_forms_and_refuses_them() {
    let page = Page::new::<Mean>(PageOptions::new().read_only(), |flow| flow);
    page.flow.run::<Mean>().expect("it runs");
    for path in FORMS {
        let reply = page.post(path, &[("sure", "yes")]);
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{path}");
        assert!(reply.text.contains("read-only"), "{path}");
    }
    let html = page.view("/actions");
    assert!(html.contains("This page is read-only") && !html.contains("<form"), "{html}");
    assert_eq!(page.ask("/actions/parameters").status, StatusCode::FORBIDDEN);
    assert!(!page.view(&page.instance("Points")).contains("/actions?task="));
    assert_eq!(page.stored().len(), 2);
}

#[test]
fn forms_of_other_sites_and_without_the_token_are_refused() {
    let (page, _) = page::<Mean>();
    page.run();
    for path in FORMS {
        let send = |headers: &[(&str, &str)]| {
            let mut request = Request::builder().method("POST").uri(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            page.send(request.body(Body::from("sure=yes")).expect("a request")).status
        };
        let (own, cookie) = (format!("http://{HOST}"), format!("flow-page-8642={}", page.token));
        let (host, cookie) = (("host", HOST), ("cookie", cookie.as_str()));
        let foreign = ("origin", "http://example.org");
        assert_eq!(send(&[host, cookie, foreign]), StatusCode::FORBIDDEN, "{path}");
        assert_eq!(send(&[host, cookie]), StatusCode::FORBIDDEN, "{path}");
        assert_eq!(send(&[host, ("origin", own.as_str())]), StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(page.stored().len(), 2);
}

#[test]
fn hostile_forms_are_refused_or_shown_as_text() {
    let (page, ran) = page::<Mean>();
    let label = format!("{SCRIPT}\u{202e}&amp;\n\"");
    let plan = page.plan("/actions/parameters", &[("parameter Points.label", label.as_str())]);
    assert!(plan.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}"), "{}", plan.text);
    page.confirm("/actions/parameters", &plan);
    assert_eq!(ran.take(), ["Mean", "Points"]);
    assert!(!page.view("/live").contains("<script>alert"));
    let flow = page.flow.with(Points::LABEL, label.clone());
    assert_eq!(flow.load::<Points>().expect("it ran with the text")[0].label, label);

    let long = "9".repeat(500_000);
    let deep = "[".repeat(200_000);
    let many: Vec<_> = std::iter::repeat_n(("parameter Points.n", "7"), 20_000).collect();
    for (path, fields, status) in [
        ("/actions/run", vec![("task", SCRIPT)], StatusCode::NOT_FOUND),
        ("/actions/run", vec![("task", "../../etc")], StatusCode::NOT_FOUND),
        ("/actions/reset", vec![("task", "\0")], StatusCode::NOT_FOUND),
        ("/actions/run", vec![("plan", SCRIPT)], StatusCode::CONFLICT),
        ("/actions/reset", vec![("plan", "0"), ("sure", "yes")], StatusCode::CONFLICT),
        ("/actions/parameters", vec![("parameter Nothing.n", SCRIPT)], StatusCode::OK),
        ("/actions/parameters", vec![(SCRIPT, SCRIPT)], StatusCode::OK),
        (
            "/actions/parameters",
            vec![("parameter Points.n", SCRIPT)],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "/actions/parameters",
            vec![("parameter Points.n", long.as_str())],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "/actions/parameters",
            vec![("parameter Points.n", deep.as_str())],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("/actions/parameters", many, StatusCode::OK),
    ] {
        let reply = page.post(path, &fields);
        assert_eq!(reply.status, status, "{path} {:?}", fields[0].0);
        assert_harmless(path, &reply.text);
    }
    let too_long = "a".repeat(2 << 20);
    let too_long = page.post("/actions/run", &[("task", too_long.as_str())]);
    assert_eq!(too_long.status, StatusCode::PAYLOAD_TOO_LARGE);
    let json = page.request("POST", "/actions/run").header("origin", format!("http://{HOST}"));
    let json = json.header("content-type", "application/json").body(Body::from("{}"));
    let json = page.send(json.expect("a request"));
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // An address that a browser opens again leads to all actions.
    let opened = page.ask("/actions/run");
    assert_eq!(opened.status, StatusCode::SEE_OTHER);
    assert_eq!(opened.headers["location"], "/actions");
    assert!(ran.take().is_empty());
}
