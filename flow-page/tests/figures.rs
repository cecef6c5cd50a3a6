//! Figures and notes on the page of an instance.

use axum::http::StatusCode;
use flow::page::PageOptions;
use flow::prelude::*;

use crate::Page;
use crate::tasks::SCRIPT;

/// An SVG that would run a script if it were part of a page.
const SVG: &str =
    "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>";

/// The beginning of a PNG file.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";

/// Keeps figures and notes.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Drawn {
    #[param(default = false)]
    fails: bool,
}

#[tracked]
impl Run for Drawn {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.figure("ROC curve", SVG)?;
        cx.figure("pixels", PNG)?;
        cx.note(format!("The dice are *not* fair. {SCRIPT}"))?;
        cx.note("[source](https://example.org/a) [bad](javascript:alert(1))")?;
        ensure!(!self.fails, "it fails after it has drawn");
        Ok(6)
    }
}

fn drawn(fails: bool) -> (Page, String) {
    let page = Page::new::<Drawn>(PageOptions::new(), |flow| flow.with(Drawn::FAILS, fails));
    page.run();
    let path = page.instance("Drawn");
    (page, path)
}

#[test]
fn an_instance_shows_its_figures_and_notes() {
    let (page, path) = drawn(false);
    let html = page.view(&path);
    let image = |number: u32, name: &str| {
        format!("<img class=\"output\" src=\"{path}/figure/{number}\" alt=\"Figure {name}\"")
    };
    for text in [
        image(0, "ROC curve").as_str(),
        image(1, "pixels").as_str(),
        "The dice are <em>not</em> fair.",
        "<a href=\"https://example.org/a\" rel=\"noreferrer\">source</a> bad",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn a_figure_is_sent_as_an_image_that_runs_nothing() {
    let (page, path) = drawn(false);
    for (number, kind) in [(0, "image/svg+xml"), (1, "image/png")] {
        let figure = page.ask(&format!("{path}/figure/{number}"));
        assert_eq!(figure.status, StatusCode::OK);
        assert_eq!(figure.headers["content-type"], kind);
        assert_eq!(figure.headers["x-content-type-options"], "nosniff");
        let policy = figure.headers["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("sandbox; default-src 'none'"), "{policy}");
    }
    assert_eq!(page.ask(&format!("{path}/figure/0")).text, SVG);
    for none in ["2", "-1", "x", "0%00", "..%2f0", "18446744073709551616"] {
        let status = page.ask(&format!("{path}/figure/{none}")).status;
        assert!(status.is_client_error(), "{none}: {status}");
    }
    assert_eq!(page.ask(&format!("{path}/failure/figure/0")).status, StatusCode::NOT_FOUND);
}

#[test]
fn a_failure_shows_the_figures_that_the_task_has_kept() {
    let (page, path) = drawn(true);
    let html = page.view(&path);
    assert!(html.contains(&format!("src=\"{path}/failure/figure/0\"")), "{html}");
    assert!(html.contains("The dice are <em>not</em> fair."), "{html}");
    let figure = page.ask(&format!("{path}/failure/figure/1"));
    assert_eq!(figure.status, StatusCode::OK);
    assert_eq!(figure.headers["content-type"], "image/png");
    assert_eq!(page.ask(&format!("{path}/figure/0")).status, StatusCode::NOT_FOUND);
}

#[test]
fn a_figure_that_was_modified_is_not_shown() {
    let (page, path) = drawn(false);
    let figures = page.flow.output::<Drawn>().expect("an output").figures().expect("figures");
    std::fs::remove_file(figures[0].path()).expect("the file is removed");
    std::fs::write(figures[0].path(), "<svg>other</svg>").expect("the file is written");
    let figure = page.ask(&format!("{path}/figure/0"));
    assert_eq!(figure.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(figure.text.contains("other content"), "{}", figure.text);
    // The page of the instance does not read the images.
    page.view(&path);
}
