//! Sweeps in the page: the table of variants, its order and filters, the best ones, and the charts.

use axum::http::StatusCode;
use flow::page::PageOptions;

use crate::Page;
use crate::sweep_tasks::{Fit, Odd, fits};
use crate::tasks::{Mean, Points, SCRIPT, Tree};

/// Returns the names of the variants in the order of the table.
fn names(html: &str) -> Vec<&str> {
    let rows = html.split("<th scope=\"row\"><a href=\"/instance/").skip(1);
    let name = |row| before(row, "</a>").split_once('>').map_or("", |(_, name)| name);
    rows.map(name).collect()
}

/// Returns the names of the columns.
fn columns(html: &str) -> Vec<&str> {
    let headers = html.split("<th scope=\"col\"").skip(1);
    let name = |header| before(header, "</a>").rsplit('>').next().unwrap_or_default();
    headers.map(name).collect()
}

/// Returns a text up to an end.
fn before<'a>(text: &'a str, end: &str) -> &'a str {
    text.split(end).next().unwrap_or_default()
}

#[test]
fn tasks_with_several_settings_are_listed() {
    let page = Page::new::<Fit>(PageOptions::new(), |flow| flow);
    page.run();
    assert!(page.view("/sweeps").contains("no task with several settings"));
    let page = fits();
    let list = page.view("/sweeps");
    for text in [
        "2 tasks",
        "href=\"/sweeps\" aria-current=\"page\"",
        "href=\"/sweep/Fit\"",
        "<td class=\"number\">12</td>",
        "href=\"/sweep/Prepare\"",
        "<td class=\"number\">2</td>",
    ] {
        assert!(list.contains(text), "{text}: {list}");
    }
}

#[test]
fn the_table_has_parameters_metadata_states_and_any_order() {
    let page = fits();
    let html = page.view("/sweep/Fit");
    let expected = ["variant", "c", "model", "scale", "status", "seconds", "loss", "Prepare.rows"];
    assert_eq!(columns(&html), expected);
    assert!(html.contains("12 variants") && names(&html).len() == 12, "{html}");
    // One is in the graph of the page; the store has the others.
    assert_eq!(html.matches("<span class=\"badge complete\">complete</span>").count(), 1, "{html}");
    assert_eq!(html.matches("<span class=\"badge stored\">stored</span>").count(), 11, "{html}");

    let by_loss = [
        "c=1.0,model=gbm,scale=true",
        "c=1.0,model=gbm,scale=false",
        "c=1.0,model=ols,scale=true",
        "c=1.0,model=ols,scale=false",
        "c=100.0,model=gbm,scale=true",
        "c=100.0,model=gbm,scale=false",
        "c=100.0,model=ols,scale=true",
        "c=100.0,model=ols,scale=false",
        "c=0.01,model=gbm,scale=true",
        "c=0.01,model=gbm,scale=false",
        "c=0.01,model=ols,scale=true",
        "c=0.01,model=ols,scale=false",
    ];
    let ascending = page.view("/sweep/Fit?sort=loss");
    assert_eq!(names(&ascending), by_loss);
    assert!(
        ascending.contains("aria-sort=\"ascending\"") && ascending.contains("sort=-loss"),
        "{ascending}"
    );
    let descending = page.view("/sweep/Fit?sort=-loss");
    assert!(names(&descending).iter().eq(by_loss.iter().rev()), "{descending}");
    let by_c = page.view("/sweep/Fit?sort=c");
    let by_c: Vec<_> = names(&by_c).into_iter().map(str::to_owned).collect();
    assert!(by_c[..4].iter().all(|name| name.starts_with("c=0.01,")), "{by_c:?}");
    assert!(by_c[8..].iter().all(|name| name.starts_with("c=100.0,")), "{by_c:?}");
    let by_rows = page.view("/sweep/Fit?sort=Prepare.rows");
    assert!(names(&by_rows)[..6].iter().all(|name| name.ends_with("scale=true")), "{by_rows}");
}

#[test]
fn filters_select_rows() {
    let page = fits();
    let html = page.view("/sweep/Fit?f=c%3E0.5&f=model%3Dgbm&sort=loss");
    let expected = [
        "c=1.0,model=gbm,scale=true",
        "c=1.0,model=gbm,scale=false",
        "c=100.0,model=gbm,scale=true",
        "c=100.0,model=gbm,scale=false",
    ];
    assert_eq!(names(&html), expected);
    assert!(html.contains("4 of 12 variants") && html.contains("the best of 4"), "{html}");
    // Each filter is a link that removes it.
    assert!(html.contains("href=\"/sweep/Fit?f=model%3Dgbm&amp;sort=loss\""), "{html}");
    for (filter, count) in [
        ("c%3C%3D1", 8),
        ("c!%3D1", 8),
        ("scale%3Dtrue", 6),
        ("Prepare.scale%3Dfalse", 6),
        ("Prepare.rows+%3E+10", 6),
        ("status%3Dstored", 11),
        ("OLS", 6),
        ("loss%3C0.6", 1),
        ("nothing", 0),
    ] {
        let html = page.view(&format!("/sweep/Fit?f={filter}"));
        assert_eq!(names(&html).len(), count, "{filter}: {html}");
    }
    let unknown = page.view("/sweep/Fit?f=modle%3Dgbm");
    assert!(
        unknown.contains("No column is called") && unknown.contains("No variant fits."),
        "{unknown}"
    );
}

#[test]
fn variants_of_a_large_graph_that_are_too_many_are_counted() {
    let page = Page::new::<Tree>(PageOptions::new(), |flow| flow.with(Tree::WIDTH, 20_001_u64));
    let html = page.view("/sweep/Leaf");
    assert!(html.contains("20000 variants"), "{}", html.len());
    assert!(html.contains("Not shown of the graph: 1 more variant without an output."));
}

#[test]
fn the_best_variants_are_named_and_linked() {
    let page = fits();
    let html = page.view("/sweep/Fit?metric=loss");
    for (title, value, name) in [
        ("Largest", "2.875", "c=0.01,model=ols,scale=false"),
        ("Smallest", "0.5", "c=1.0,model=gbm,scale=true"),
    ] {
        let before = format!("<dt>{title}</dt><dd><strong>{value}</strong>: <a href=\"");
        let (_, rest) = html.split_once(&before).unwrap_or_else(|| panic!("{title}: {html}"));
        let (link, rest) = rest.split_once("\">").expect("a link");
        assert!(rest.starts_with(&format!("{name}</a>, the best of 12</dd>")), "{html}");
        assert!(page.view(link).contains("Recorded parameters"), "{link}");
    }
    let upstream = page.view("/sweep/Fit?metric=Prepare.rows");
    assert!(
        upstream.contains("Best by Prepare.rows") && upstream.contains("<strong>20</strong>"),
        "{upstream}"
    );
}

#[test]
fn a_metric_is_drawn_against_one_parameter_two_and_all() {
    let page = fits();
    let one = page.view("/sweep/Fit?x=c");
    assert_eq!(one.matches("<circle").count(), 12, "{one}");
    assert!(one.contains("<title>loss against c</title><desc>A chart with 12 points."), "{one}");
    assert!(one.contains("c (logarithmic)") && !one.contains("class=\"trend\""), "{one}");
    let line = page.view("/sweep/Fit?x=c&f=model%3Dgbm&f=scale%3Dtrue");
    assert!(line.matches("<circle").count() == 3 && line.contains("class=\"trend\""), "{line}");
    let words = page.view("/sweep/Fit?x=model&chart=one");
    assert!(words.contains("loss against model") && words.contains(">gbm</text>"), "{words}");

    let two = page.view("/sweep/Fit?chart=two&x=c&by=model");
    assert_eq!(two.matches("<rect class=\"field step-").count(), 6, "{two}");
    assert!(two.contains("c = 1, model = gbm: loss 0.5625, the mean of 2"), "{two}");
    let same = page.view("/sweep/Fit?chart=two&x=c&by=c");
    assert!(same.contains("loss against c and model"), "{same}");

    let all = page.view("/sweep/Fit?chart=all");
    assert_eq!(all.matches("<path class=\"variant step-").count(), 12, "{all}");
    assert!(all.contains("4 axes and 12 lines"), "{all}");
    // The table is beside each chart.
    assert!([one, two, all].iter().all(|html| names(html).len() == 12));
}

#[test]
fn a_heat_map_has_no_number_of_an_output_that_is_outdated() {
    // The variant in the graph of the page is always pending.
    let page = Page::new::<Fit>(PageOptions::new(), |flow| flow.force::<Fit>());
    let sweep = page.flow.sweep::<Fit>().over(Fit::C, [0.01, 1.0, 100.0]);
    sweep.over(Fit::MODEL, ["gbm", "ols"]).run().expect("they run");
    let html = page.view("/sweep/Fit?chart=two&x=c&by=model");
    assert_eq!(html.matches("<rect class=\"field step-").count(), 5, "{html}");
    assert!(html.contains("A heat map leaves out variants that are not complete"), "{html}");
}

#[test]
fn a_metric_is_drawn_over_runs() {
    let page = fits();
    for _ in 0..2 {
        page.flow.force::<Fit>().run::<Fit>().expect("it runs");
    }
    let all = page.view("/sweep/Fit/runs?metric=loss");
    assert!(all.contains("14 values") && all.contains("4 instances with fewer values"), "{all}");
    assert_eq!(all.matches("<path class=\"trend\"").count(), 8, "{all}");
    let instance = page.instance("Fit");
    let key = instance.rsplit('/').next().expect("a key");
    let one = page.view(&format!("/sweep/Fit/runs?metric=loss&instance={key}"));
    assert_eq!((one.matches("<circle").count(), one.matches("<path").count()), (3, 1), "{one}");
    assert!(one.contains("<title>loss over runs</title>") && one.contains("href=\"/run/"), "{one}");
    assert_eq!(one.matches("<td class=\"number\">0.75</td>").count(), 3, "{one}");
    for (view, current) in [("/sweep/Fit", "Variants"), ("/sweep/Fit/runs", "Over runs")] {
        let html = page.view(view);
        let link = format!("<a href=\"{view}\" aria-current=\"page\">{current}</a>");
        assert!(html.contains(&link) && html.contains("Views of the variants"), "{html}");
    }
    assert!(page.view("/sweep/Fit/runs?metric=nothing").contains("recorded a number of this name"));
    assert!(page.view("/sweep/Fit/runs?metric=seconds").contains("seconds over runs"));
    assert_eq!(page.ask("/sweep/Fit/runs?instance=x").status, StatusCode::NOT_FOUND);
}

#[test]
fn values_that_are_no_finite_numbers_are_ordered_and_left_out() {
    let page = Page::new::<Odd>(PageOptions::new(), |flow| flow.with(Odd::N, 9_u32));
    page.flow.sweep::<Odd>().over(Odd::N, [0_u32, 1, 2, 3, 4]).run().expect("they run");
    page.run();
    let html = page.view("/sweep/Odd?sort=score&metric=score");
    let ordered = names(&html);
    assert_eq!(ordered[..4], ["n=4", "n=1", "n=2", "n=0"], "{html}");
    assert!(ordered[4..].contains(&"n=3") && ordered[4..].contains(&"n=9"), "{html}");
    assert!(
        html.contains("<strong>inf</strong>") && html.contains("the best of 2 (4 left out"),
        "{html}"
    );
    assert!(
        html.contains("<strong>1.5</strong>") && html.contains("5 points without a finite value"),
        "{html}"
    );
    assert_eq!(html.matches("<circle").count(), 1, "{html}");
    assert!(html.contains("<span class=\"badge failed\">failed</span>"), "{html}");
    let failed = page.view("/sweep/Odd?f=failure%3D9+is+too+large");
    assert_eq!((names(&failed), columns(&failed).pop()), (vec!["n=9"], Some("failure")));
    for chart in ["one", "two", "all"] {
        page.view(&format!("/sweep/Odd?metric=score&chart={chart}"));
        let nothing = page.view(&format!("/sweep/Odd?metric=score&chart={chart}&f=n%3D0"));
        assert!(nothing.contains("There is nothing to draw"), "{chart}: {nothing}");
    }
}

#[test]
fn variants_that_failed_outside_of_the_graph_are_counted() {
    let page = Page::new::<Odd>(PageOptions::new(), |flow| flow.allow_failures());
    page.flow.sweep::<Odd>().over(Odd::N, [4_u32, 10, 11]).run().expect("failures are allowed");
    let html = page.view("/sweep/Odd");
    assert!(html.contains("2 more variants failed in the last runs"), "{html}");
    assert!(html.contains("?outcome=failed\">the run</a>") && html.contains("1 variant"), "{html}");
}

#[test]
fn an_instance_leads_to_the_variants_of_its_task() {
    let link =
        |task: &str| format!("<a href=\"/sweep/{task}\">Compare the variants of this task</a>");
    let page = fits();
    assert!(page.view(&page.instance("Fit")).contains(&link("Fit")), "the store has others");
    let stored = page.flow.store().list().expect("a list");
    let prepared = stored.iter().filter(|stored| stored.task == "Prepare");
    for stored in prepared {
        assert!(page.view(&format!("/instance/{}", stored.key)).contains(&link("Prepare")));
    }
    let tree = Page::new::<Tree>(PageOptions::new(), |flow| flow.with(Tree::WIDTH, 2_u64));
    assert!(tree.view(&tree.instance("Leaf")).contains(&link("Leaf")), "the graph has others");
    tree.run();
    assert!(!tree.view(&tree.instance("Tree")).contains("/sweep/"), "there is one instance");
}

#[test]
fn many_variants_are_shown_in_pages() {
    let page = Page::new::<Tree>(PageOptions::new(), |flow| flow.with(Tree::WIDTH, 120_u64));
    page.run();
    let first = page.view("/sweep/Leaf?sort=id");
    assert!(first.contains("120 variants") && first.contains("Page 1 of 2"), "{first}");
    assert_eq!((names(&first).len(), names(&first)[0]), (100, "id=0"));
    assert_eq!(first.matches("<circle").count(), 120, "the chart has the variants of all pages");
    let last = page.view("/sweep/Leaf?sort=id&page=2");
    assert_eq!((names(&last).len(), names(&last)[19]), (20, "id=119"));
    assert!(page.view("/sweep/Leaf?sort=-id").contains(">id=119</a>"));
}

#[test]
fn one_variant_has_a_table_and_no_chart() {
    let page = Page::new::<Mean>(PageOptions::new(), |flow| flow);
    let pending = page.view("/sweep/Mean");
    assert!(pending.contains("<span class=\"badge pending\">pending</span>"), "{pending}");
    page.run();
    let html = page.view("/sweep/Mean");
    assert!(html.contains("1 variant") && html.contains("There is no chart"), "{html}");
    assert_eq!(names(&html), ["Mean"]);
    for none in
        ["/sweep/Nothing", "/sweep/..%2f..%2fetc%2fpasswd", "/sweep/%00", "/sweep/%3Cscript%3E"]
    {
        assert_eq!(page.ask(none).status, StatusCode::NOT_FOUND, "{none}");
    }
}

#[test]
fn hostile_names_and_queries_are_text() {
    let page = Page::new::<Points>(PageOptions::new(), |flow| flow);
    page.flow.sweep::<Points>().over(Points::LABEL, ["<i>p</i>", SCRIPT]).run().expect("they run");
    let script = "%22%27%3E%3C/select%3E%3C/svg%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for chart in ["one", "two", "all"] {
        let html = page.view(&format!("/sweep/Points?chart={chart}&metric=points+%3Cb%3E&x=label"));
        assert!(html.contains("points &lt;b&gt;") && html.contains("&lt;script&gt;"), "{html}");
    }
    for path in [
        format!(
            "/sweep/Points?f={script}&f={script}%3D1&sort={script}&metric={script}&chart={script}"
        ),
        format!("/sweep/Points?x={script}&by={script}&page={script}"),
        format!("/sweep/Points?sort=-{script}&f=points+%3Cb%3E%3E1"),
        "/sweep/Points?f=%00%ff%e2%80%ae%3D&sort=-&page=99999999999999999999".to_owned(),
        format!("/sweep/Points?{}", "f=label%3D&".repeat(200)),
        format!("/sweep/Points/runs?metric={script}"),
        "/sweep/Points/runs".to_owned(),
        format!("/sweep/{script}/runs").replace("%3C/", "%3C%2F"),
    ] {
        // `view` checks that no element and no attribute comes from the query.
        page.view(&path);
    }
}

#[test]
fn every_view_of_sweeps_has_a_title_and_named_fields() {
    let page = fits();
    for view in
        ["/sweeps", "/sweep/Fit", "/sweep/Fit?chart=two", "/sweep/Fit?chart=all", "/sweep/Fit/runs"]
    {
        let html = page.view(view);
        assert_eq!(html.matches("<h1>").count(), 1, "{view}");
        let fields = html.matches("<select").count() + html.matches("type=\"search\"").count();
        assert_eq!(html.matches("<label>").count(), fields, "{view}");
        // A chart has a name, a title and a description.
        let charts = html.matches("<svg class=\"chart").count();
        for chart in html.split("<svg class=\"chart").skip(1) {
            assert!(
                before(chart, ">").contains(" role=\"group\" aria-label=\""),
                "{view}: {chart}"
            );
        }
        assert_eq!(charts, html.matches("</title><desc>").count(), "{view}");
        assert_eq!(charts, usize::from(view != "/sweeps"), "{view}");
    }
}
