//! What each view shows.

use axum::body::Body;
use axum::http::StatusCode;
use flow::page::PageOptions;

use crate::tasks::{Failing, Mean, Points, Tree};
use crate::{HOST, Page};

fn mean() -> Page {
    Page::new::<Mean>(PageOptions::new(), |flow| flow)
}

#[test]
fn the_graph_shows_each_instance_with_its_state_and_reasons() {
    let page = mean();
    let before = page.view("/");
    assert!(before.contains("2 instances: ") && before.contains("2 pending"), "{before}");
    assert!(
        before.contains("never run")
            && before.contains("aria-label=\"Graph of 2 nodes and 1 dependency arrow\"")
    );
    page.run();
    let after = page.view("/");
    assert!(after.contains("2 complete") && !after.contains("2 pending"), "{after}");
    assert!(after.len() < 100_000, "{} bytes", after.len());
    assert!(after.contains("class=\"node complete\"") && after.contains("href=\"/instance/"));
}

#[test]
fn a_large_graph_is_drawn_by_task_and_opened_by_a_click() {
    let page = Page::new::<Tree>(PageOptions::new(), |flow| flow);
    let drawn = page.view("/");
    assert!(drawn.contains("Leaf × 250") && drawn.contains("251 pending"), "{drawn}");
    // A task with more than 100 instances is listed.
    assert!(drawn.contains("href=\"/instances?task=Leaf\""));
    let by_group = page.view("/?by=group");
    assert!(by_group.contains("leaves (group)") && by_group.contains("open=group%3Aleaves"));
    assert!(page.view("/?by=group&open=group:leaves").contains("Leaf × 250"));

    let list = page.view("/instances?task=Leaf");
    assert!(list.contains("250 instances") && list.contains("Page 1 of 3"), "{list}");
    assert_eq!(list.matches("<th scope=\"row\">").count(), 100);
    assert_eq!(page.view("/instances?task=Leaf&page=3").matches("<th scope=\"row\">").count(), 50);
    let found = page.view("/instances?q=leaf+%7Bid:+7%7D");
    assert!(found.contains("Leaf {id: 7}") && found.contains("1 instance"), "{found}");
    assert!(page.view("/instances?status=failed").contains("No instance fits."));

    let small = Page::new::<Tree>(PageOptions::new(), |flow| flow.with(Tree::WIDTH, 70_u64));
    assert!(small.view("/").contains("open=task%3ALeaf"));
    let opened = small.view("/?open=task:Leaf");
    assert_eq!(opened.matches("class=\"node pending\"").count(), 71);
}

#[test]
fn a_path_between_two_tasks_leaves_the_others_out() {
    let page = Page::new::<Failing>(PageOptions::new(), |flow| flow);
    let drawn = page.view("/?from=Points&to=Mean");
    assert!(drawn.contains("Graph of 2 nodes and 1 dependency arrow"), "{drawn}");
    assert!(page.view("/?from=Failing&to=Points").contains("There is nothing to draw."));
    assert_eq!(page.ask("/?from=Nothing").status, StatusCode::NOT_FOUND);
}

#[test]
fn an_instance_shows_parameters_code_neighbors_output_and_record() {
    let page = mean();
    page.run();
    let html = page.view(&page.instance("Points"));
    for text in [
        "Makes points.",
        "The number of points.",
        "impl Run for Points",
        "Consumers",
        "Mean",
        "points &lt;b&gt;",
        "Fingerprint",
        "Csv&lt;Vec&lt;Point&gt;&gt;",
        "Group prepare.",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(page.view(&page.instance("Mean")).contains("Computed from 1 input"));
}

#[test]
fn the_data_of_a_table_has_schema_statistics_and_rows() {
    let page = mean();
    page.run();
    let path = page.instance("Points");
    let html = page.view(&format!("{path}/data"));
    assert!(
        html.contains("&lt;b&gt;label&lt;/b&gt;") && html.contains("&lt;i&gt;p&lt;/i&gt;"),
        "{html}"
    );
    assert!(
        html.contains("statistics of all 3 rows") && html.contains("First 3 of 3 rows"),
        "{html}"
    );
    let json = page.view(&format!("{}/data", page.instance("Mean")));
    assert!(json.contains("1 item") && json.contains("1.0"), "{json}");

    let raw = page.ask(&format!("{path}/file/0"));
    assert_eq!(raw.status, StatusCode::OK);
    assert_eq!(raw.headers["content-type"], "application/octet-stream");
    assert!(
        raw.headers["content-disposition"]
            .to_str()
            .is_ok_and(|text| text.starts_with("attachment; "))
    );
    assert!(
        raw.headers["content-security-policy"]
            .to_str()
            .is_ok_and(|text| text.starts_with("sandbox"))
    );
    assert!(raw.text.starts_with("x,"), "{}", raw.text);
    for none in ["1", "99999999999999999999", "-1", "x", "0/0"] {
        assert_eq!(
            page.ask(&format!("{path}/file/{none}")).status,
            StatusCode::NOT_FOUND,
            "{none}"
        );
    }
}

#[test]
fn a_failure_shows_its_causes_and_its_log() {
    let page = Page::new::<Failing>(PageOptions::new(), |flow| flow);
    page.run();
    let path = page.instance("Failing");
    let html = page.view(&path);
    assert!(
        html.contains("Last failure") && html.contains("cannot read\ncaused by: the file ends"),
        "{html}"
    );
    assert!(page.view(&format!("{path}/log")).contains("about to fail"));
    assert!(page.view("/instances?status=failed").contains("Failing"));
    let live = page.view("/live");
    assert!(live.contains("Ended after") && live.contains("1 failed"), "{live}");
}

#[test]
fn versions_differ_in_metadata_and_content() {
    let page = mean();
    page.run();
    page.flow.force::<Points>().run::<Points>().expect("it runs");
    let html = page.view(&format!("{}/versions", page.instance("Points")));
    assert!(html.contains("current") && html.contains("The last runs"), "{html}");
    assert!(html.contains("Durations in the last runs"), "{html}");
}

#[test]
fn runs_are_listed_shown_as_timelines_and_compared() {
    let page = mean();
    assert!(page.view("/runs").contains("There are no runs yet."));
    page.run();
    page.flow.force::<Points>().run::<Mean>().expect("it runs");
    let runs = page.flow.store().runs().expect("a history");
    let [after, before] = [&runs[0].id, &runs[1].id];
    let list = page.view("/runs");
    assert!(list.contains(&format!("href=\"/run/{before}\"")) && list.contains("Compare the two"));

    let run = page.view(&format!("/run/{before}"));
    for text in [
        "Timeline of the run",
        "worker 1",
        "Critical path",
        "never run",
        "2 ran",
        "class=\"bar ran critical\"",
    ] {
        assert!(run.contains(text), "{text}: {run}");
    }
    let compared = page.view(&format!("/compare?before={before}&after={after}"));
    assert!(compared.contains("In both runs") && compared.contains("Points"), "{compared}");
    for none in ["/run/x", "/run/..%2f..%2fx", "/compare", "/compare?before=x&after=y"] {
        assert_eq!(page.ask(none).status, StatusCode::NOT_FOUND, "{none}");
    }
}

#[test]
fn an_output_of_other_parameters_is_found_by_its_key() {
    let page = mean();
    page.flow.with(Points::N, 5_u32).run::<Points>().expect("it runs");
    let stored = page.flow.store().list().expect("a list");
    let html = page.view(&format!("/instance/{}", stored[0].key));
    assert!(html.contains("not in the graph of the present parameters"), "{html}");
    assert!(page.view(&format!("/instance/{}/data", stored[0].key)).contains("all 5 rows"));
    assert!(page.view(&format!("/instance/{}/log", stored[0].key)).contains("making 5 points"));
}

#[test]
fn a_plan_that_fails_is_explained() {
    let page = Page::new::<crate::tasks::Leaf>(PageOptions::new(), |flow| flow);
    let reply = page.ask("/");
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(reply.text.contains("Leaf") && reply.text.contains("id"), "{}", reply.text);
    assert_eq!(page.ask("/runs").status, StatusCode::OK);
}

#[test]
fn a_read_only_page_changes_nothing() {
    let page = Page::new::<Mean>(PageOptions::new().read_only(), |flow| flow);
    let stop = page.request("POST", "/live/stop").header("origin", format!("http://{HOST}"));
    let reply = page.send(stop.body(Body::empty()).expect("a request"));
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(reply.text.contains("read-only"));
    assert!(page.view("/").contains("read-only"));
}

#[test]
fn every_view_has_a_title_a_main_part_and_named_fields() {
    let page = mean();
    page.run();
    let path = page.instance("Points");
    let views = [
        "/",
        "/instances",
        "/runs",
        "/live",
        &path,
        &format!("{path}/data"),
        &format!("{path}/log"),
    ];
    for view in views {
        let html = page.view(view);
        for text in ["<html lang=\"en\">", "<main id=\"main\"", "<h1>", "href=\"#main\"", "<title>"]
        {
            assert!(html.contains(text), "{view}: {text}");
        }
        assert_eq!(html.matches("<h1>").count(), 1, "{view}");
        // A field is in a label, or has one of its own.
        let fields = html.matches("<select").count() + html.matches("type=\"search\"").count();
        assert_eq!(html.matches("<label>").count(), fields, "{view}");
    }
}
