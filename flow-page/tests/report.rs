//! Reports: they have the views, refer to nothing outside, run nothing, and are not larger than their limit.

use std::collections::BTreeSet;

use flow::page::ReportOptions;
use flow::prelude::*;
use tempfile::TempDir;

use crate::ELEMENTS;
use crate::sweep_tasks::{Fit, fits};
use crate::tasks::{Drawn, Failing, Leaf, Outside, Points, SCRIPT, Tree};

fn flow() -> (TempDir, Flow) {
    let folder = tempfile::tempdir().expect("a folder");
    let flow = Flow::open(folder.path().join("data")).expect("a store").quiet().workers(2);
    (folder, flow)
}

/// Returns the attributes of an element, each with its value.
fn attributes(tag: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = tag.split('"').collect();
    let mut attributes = Vec::new();
    for pair in parts.chunks_exact(2) {
        let name = pair[0].split_whitespace().last().and_then(|name| name.strip_suffix('='));
        attributes.extend(name.map(|name| (name, pair[1])));
    }
    attributes
}

/// Checks that a report has only elements of ours that load and run nothing, and that each link leads to an anchor in it.
fn assert_closed(html: &str) {
    let loads = "script link noscript iframe form input select option button label";
    let loads: BTreeSet<&str> = loads.split_whitespace().collect();
    let allowed: BTreeSet<&str> = ELEMENTS.split_whitespace().chain(["style"]).collect();
    let (mut links, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for (at, _) in html.match_indices('<') {
        let tag = html[at + 1..].split('>').next().unwrap_or_default();
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        assert!(allowed.contains(name.as_str()) && !loads.contains(name.as_str()), "<{tag}>");
        for (attribute, value) in attributes(tag) {
            match attribute {
                "href" => {
                    links.insert(value.strip_prefix('#').expect(tag));
                }
                "src" => assert!(value.starts_with("data:image/"), "<{tag}>"),
                "id" => assert!(ids.insert(value), "two elements have the id {value}"),
                "http-equiv" => assert_eq!(value, "Content-Security-Policy"),
                "marker-end" => assert_eq!(value, "url(#arrow)"),
                "style" | "srcset" | "action" | "formaction" | "background" | "ping" => {
                    panic!("<{tag}>")
                }
                _ => assert!(!attribute.starts_with("on") && !value.contains("url("), "<{tag}>"),
            }
        }
    }
    let missing: Vec<_> = links.difference(&ids).collect();
    assert!(missing.is_empty(), "links without anchors: {missing:?}");
    let style = html.split("<style").nth(1).and_then(|rest| rest.split("</style>").next());
    let style = style.expect("a style sheet");
    assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
}

#[test]
fn a_report_has_the_views_of_a_flow_in_one_file() -> Result<()> {
    let (_folder, flow) = flow();
    flow.run::<Drawn>()?;
    let report = flow.report::<Drawn>(ReportOptions::new())?;
    let html = report.html();
    assert_closed(html);
    for text in [
        "<h1>Report of Drawn</h1>",
        "Graph of 2 nodes and 1 dependency arrow",
        "2 complete",
        "Timeline of the run",
        "Critical path",
        // Of the instances: documentation, code, metadata, files, data.
        "The number of points.",
        "impl Run for Points",
        "points &lt;b&gt;",
        "Csv&lt;Vec&lt;Point&gt;&gt;",
        "statistics of all 3 rows",
        "First 3 of 3 rows",
        "Computed from 1 input",
        "making 3 points",
        "Figure circle of the output",
        "src=\"data:image/svg+xml;base64,PHN2Zy",
        "A *circle* ![image](http://example.org/i.png)",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert_eq!((report.instances(), report.instances_left_out()), (2, 0));
    assert_eq!((report.previews_left_out(), report.bytes_left_out()), (0, 0));
    assert!(!html.contains("id=\"left-out\"") && !html.contains("id=\"variants\""));
    assert_eq!(report.bytes(), html.len() as u64);
    Ok(())
}

#[test]
fn the_policy_allows_no_script_and_one_style_sheet() -> Result<()> {
    let (_folder, flow) = flow();
    let [one, other] = [(), ()].map(|()| flow.report::<Points>(ReportOptions::new()));
    let (one, other) = (one?, other?);
    let policy = |html: &str| {
        let (_, rest) = html.split_once("Content-Security-Policy\" content=\"").expect("a policy");
        rest.split('"').next().expect("its end").to_owned()
    };
    let nonce = |html: &str| {
        let (_, rest) = html.split_once("<style nonce=\"").expect("a style sheet");
        rest.split('"').next().expect("its end").to_owned()
    };
    let of_one = nonce(one.html());
    assert_eq!(
        policy(one.html()),
        format!(
            "default-src 'none'; style-src 'nonce-{of_one}'; img-src data:; base-uri 'none'; form-action 'none'"
        )
    );
    assert!(of_one.len() == 32 && of_one != nonce(other.html()));
    // It comes before everything that it is about.
    assert!(one.html().find("Content-Security-Policy") < one.html().find("<style"));
    Ok(())
}

#[test]
fn texts_of_tasks_are_text_in_a_report() -> Result<()> {
    let (_folder, flow) = flow();
    let flow = flow.with(Points::LABEL, format!("{SCRIPT}\u{202e}"));
    flow.run::<Drawn>()?;
    flow.run::<Failing>().expect_err("it fails");
    let report = flow.report::<(Failing, Drawn)>(ReportOptions::new())?;
    let html = report.html();
    assert_closed(html);
    assert!(!html.contains('\u{202e}') && html.contains("\\u{202e}"));
    for text in [
        "cannot read\ncaused by: the file ends &quot;'&gt;&lt;/pre&gt;&lt;script&gt;",
        "about to fail",
        "(http://example.org/i.png) &quot;'&gt;&lt;/pre&gt;&lt;script&gt;",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    Ok(())
}

#[test]
fn a_report_of_a_sweep_compares_its_variants() -> Result<()> {
    let (_folder, flow) = flow();
    let sweep = flow.sweep::<Drawn>().over(Drawn::RADIUS, 1..=24_u64);
    assert!(sweep.run()?.is_success());
    let report = flow.report::<Drawn>(ReportOptions::new())?;
    let html = report.html();
    assert_closed(html);
    assert!(report.bytes() < 2_000_000, "{} bytes", report.bytes());
    // The variants, and the points that all were computed from.
    assert_eq!((report.instances(), report.instances_left_out()), (25, 0));
    assert_eq!(report.previews_left_out(), 0);
    let (_, table) = html.split_once("Drawn: 24 variants").expect("a table of the variants");
    let table = table.split("</table>").next().expect("its end");
    assert_eq!(table.matches("<th scope=\"row\"><a href=\"#instance-").count(), 24, "{table}");
    for text in
        [">radius<", ">area<", "<td class=\"number\">24</td>", "<td class=\"number\">1728</td>"]
    {
        assert!(table.contains(text), "{text}: {table}");
    }
    // All have the same value of this one.
    assert!(!table.contains(">comment<"), "{table}");
    assert_eq!(html.matches("src=\"data:image/svg+xml;base64,").count(), 24);
    Ok(())
}

#[test]
fn a_variant_without_a_record_is_compared_by_the_parameters_that_vary() -> Result<()> {
    let (_folder, flow) = flow();
    assert!(flow.sweep::<Fit>().over(Fit::C, [0.1, 1.0]).run()?.is_success());
    let report = flow.with(Fit::C, 5.0).report::<Fit>(ReportOptions::new())?;
    assert_closed(report.html());
    let (_, table) = report.html().split_once("Fit: 3 variants").expect("a table of the variants");
    let table = table.split("</table>").next().expect("its end");
    // The pending one does not name the task upstream, whose parameter has its default.
    assert!(table.contains(">c<") && table.contains(">pending<"), "{table}");
    assert!(!table.contains("scale") && !table.contains(">model<"), "{table}");
    Ok(())
}

#[test]
fn an_output_of_other_parameters_comes_with_what_it_was_computed_from() -> Result<()> {
    let (_folder, flow) = flow();
    flow.with(Points::N, 7_u32).run::<Drawn>()?;
    let report = flow.report::<Drawn>(ReportOptions::new())?;
    assert_closed(report.html());
    // Two of each: planned and pending, stored.
    assert_eq!(report.instances(), 4);
    let html = report.html();
    assert!(
        html.contains("Drawn: 2 variants") && html.contains("statistics of all 7 rows"),
        "{html}"
    );
    Ok(())
}

#[test]
fn the_variants_have_the_columns_of_the_page() -> Result<()> {
    let page = fits();
    let report = page.flow.report::<Fit>(ReportOptions::new())?;
    let (_, table) = report.html().split_once("Fit: 12 variants").expect("a table of the variants");
    let table = table.split("</table>").next().expect("its end");
    for column in ["c", "model", "scale", "loss", "Prepare.rows"] {
        assert!(table.contains(&format!("<th scope=\"col\">{column}</th>")), "{column}: {table}");
    }
    assert!(table.contains(">c=0.01,model=ols,scale=false</a>"), "{table}");
    Ok(())
}

#[test]
fn a_preview_without_room_is_listed_with_its_size() -> Result<()> {
    let (_folder, flow) = flow();
    let flow = flow.with(Drawn::COMMENT, 1_000_000_usize);
    flow.run::<Drawn>()?;
    let whole = flow.report::<Drawn>(ReportOptions::new())?;
    assert!(whole.bytes() > 1_300_000 && whole.previews_left_out() == 0);
    let report = flow.report::<Drawn>(ReportOptions::new().limit(600_000))?;
    let html = report.html();
    assert_closed(html);
    assert!(report.bytes() <= 600_000, "{} bytes", report.bytes());
    assert_eq!((report.instances(), report.previews_left_out()), (2, 1));
    assert!((1_000_000..1_001_000).contains(&report.bytes_left_out()));
    let (_, list) = html.split_once("id=\"left-out\"").expect("a list of what was left out");
    assert!(list.contains("Left out: 1 preview of 1.0 MB."), "{list}");
    assert!(list.contains("at most 600.0 kB") && list.contains("Figure circle of the output"));
    // The other pieces of the same instance have room.
    assert!(html.contains("A *circle*"));
    Ok(())
}

#[test]
fn the_limit_bounds_a_report_of_many_instances() -> Result<()> {
    let (_folder, flow) = flow();
    let flow = flow.with(Tree::WIDTH, 10_000_u64);
    for limit in [10_000_000, 1_000_000] {
        let report = flow.report::<Tree>(ReportOptions::new().limit(limit))?;
        assert_closed(report.html());
        assert!(report.bytes() <= limit, "{} bytes", report.bytes());
        assert_eq!(report.instances() + report.instances_left_out(), 10_001);
        // An instance has a few kilobytes.
        assert!(report.instances() as u64 > limit / 100_000, "{}", report.instances());
        assert!(report.html().contains("Leaf × 10000"));
    }
    let least = flow.report::<Tree>(ReportOptions::new().limit(0))?;
    assert_closed(least.html());
    assert!(least.bytes() < 128 << 10, "{} bytes", least.bytes());
    assert_eq!((least.instances(), least.instances_left_out()), (0, 10_001));
    Ok(())
}

#[test]
fn a_file_outside_of_the_store_is_not_read() -> Result<()> {
    let (folder, flow) = flow();
    let outside = folder.path().join("outside.csv");
    std::fs::write(&outside, "x,<b>label</b>\n0.5,secret\n")?;
    let report = flow.with(Outside::PATH, outside).report::<Outside>(ReportOptions::new())?;
    let html = report.html();
    assert_closed(html);
    assert!(html.contains("outside.csv") && !html.contains("secret"), "{html}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_figure_that_is_a_link_out_of_the_store_is_not_read() -> Result<()> {
    let (folder, flow) = flow();
    flow.run::<Drawn>()?;
    let before = flow.report::<Drawn>(ReportOptions::new())?;
    assert!(before.html().contains("src=\"data:image/svg+xml;base64,"));
    let figures = flow.output::<Drawn>()?.figures()?;
    let outside = folder.path().join("outside.svg");
    std::fs::rename(figures[0].path(), &outside)?;
    std::os::unix::fs::symlink(&outside, figures[0].path())?;
    let report = flow.report::<Drawn>(ReportOptions::new())?;
    assert_closed(report.html());
    assert!(!report.html().contains("data:image/svg+xml"), "{}", report.html());
    Ok(())
}

#[test]
fn an_error_in_a_report_has_no_path_of_this_machine() -> Result<()> {
    let (folder, flow) = flow();
    flow.run::<Points>()?;
    let path = flow.output::<Points>()?.path()?;
    std::fs::remove_file(&path)?;
    std::fs::write(&path, "x,y\n1,2,3\n4,5,6\n")?;
    let report = flow.report::<Points>(ReportOptions::new())?;
    let html = report.html();
    assert_closed(html);
    let errors = html.split("<pre class=\"error\">").skip(1);
    let errors: Vec<_> =
        errors.map(|rest| rest.split("</pre>").next().unwrap_or_default()).collect();
    let is_of_file = |error: &&str| error.contains("cannot read ") && error.contains("Points");
    assert!(errors.iter().any(is_of_file), "{html}");
    let folder = folder.path().display().to_string();
    assert!(errors.iter().all(|error| !error.contains(&folder)), "{errors:?}");
    Ok(())
}

#[test]
fn a_plan_that_fails_is_an_error() {
    let (_folder, flow) = flow();
    let error = flow.report::<Leaf>(ReportOptions::new()).expect_err("there is no id");
    assert!(error.to_string().contains("Leaf"), "{error}");
}
