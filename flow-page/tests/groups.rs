//! Groups in groups: in the graph, and as a filter of the list.

use flow::page::PageOptions;
use flow::prelude::*;

use crate::Page;

/// A task without a group.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Source;

#[tracked]
impl Run for Source {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

/// A task of a group.
#[derive(Task)]
#[task(requires = Source, target = Json<u64>, group = "data/raw")]
struct Raw;

#[tracked]
impl Run for Raw {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

/// A task of a group.
#[derive(Task)]
#[task(requires = Raw, target = Json<u64>, group = "data/clean/strict")]
struct Clean;

#[tracked]
impl Run for Clean {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

/// A task of a group.
#[derive(Task)]
#[task(requires = Clean, target = Json<u64>, group = "data")]
struct Checked;

#[tracked]
impl Run for Checked {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

/// A task of a group.
#[derive(Task)]
#[task(requires = Checked, target = Json<u64>, group = "database")]
struct Model;

#[tracked]
impl Run for Model {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

fn page() -> Page {
    Page::new::<Model>(PageOptions::new(), |flow| flow)
}

#[test]
fn a_group_is_drawn_with_the_groups_in_it_until_it_is_opened() {
    let page = page();
    let closed = page.view("/?by=group");
    assert!(closed.contains("Graph of 3 nodes"), "{closed}");
    for text in
        ["data (group)", "database (group)", "3 instances", "2 groups", "open=group%3Adata\""]
    {
        assert!(closed.contains(text), "{text}: {closed}");
    }
    assert!(!closed.contains("data/raw (group)"));

    let opened = page.view("/?by=group&open=group:data");
    assert!(opened.contains("Graph of 5 nodes"), "{opened}");
    for text in ["data/raw (group)", "data/clean (group)", "Checked", "1 group<"] {
        assert!(opened.contains(text), "{text}: {opened}");
    }
    let inner = page.view("/?by=group&open=group:data&open=group:data/clean");
    assert!(inner.contains("data/clean/strict (group)"), "{inner}");
    // What is in a closed group is not drawn, even if it was opened before.
    let outer = page.view("/?by=group&open=group:data/clean");
    assert!(outer.contains("Graph of 3 nodes"), "{outer}");
}

#[test]
fn the_list_has_the_instances_of_a_group_and_of_the_groups_in_it() {
    let page = page();
    let rows = |group: &str| {
        let html = page.view(&format!("/instances?group={group}"));
        html.matches("<th scope=\"row\">").count()
    };
    assert_eq!((rows("data"), rows("data/clean"), rows("database"), rows("dat")), (3, 1, 1, 0));
    assert!(page.view("/instances").contains("<option value=\"data/clean\">data/clean</option>"));
    assert!(page.view("/?group=data").contains("3 instances found."));
}
