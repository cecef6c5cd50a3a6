//! The instances that the filters of an address select.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::drawing::around;
use crate::elements::choice;
use crate::links::Links;
use crate::query::Query;
use crate::snapshot::{Snapshot, State};
use crate::text;

/// Returns, for each instance, whether it fits the search, the state, the task and the group of a query.
pub(super) fn fits(snapshot: &Snapshot, states: &[State], query: &Query) -> Vec<bool> {
    let state = query.get("status").map(State::named);
    let task = query.get("task").map(|name| snapshot.task(name));
    let is_of_group: Option<Vec<bool>> = query.get("group").map(|group| {
        let is_in = |of: &'static str| around(of).any(|one| one == group);
        snapshot.tasks.iter().map(|task| task.group.is_some_and(is_in)).collect()
    });
    let search = query.get("q").map(str::to_lowercase);
    let fits = |place: usize| {
        state.is_none_or(|state| state == Some(states[place]))
            && task.is_none_or(|task| task == Some(snapshot.task_of[place]))
            && is_of_group.as_ref().is_none_or(|is_of_group| is_of_group[snapshot.task_of[place]])
            // Labels take time, so they are made last.
            && search.as_ref().is_none_or(|search| {
                let name = &snapshot.tasks[snapshot.task_of[place]].name;
                name.to_lowercase().contains(search)
                    || snapshot.instances[place].to_string().to_lowercase().contains(search)
            })
    };
    (0..snapshot.instances.len()).map(fits).collect()
}

/// Returns whether a query selects anything.
pub(super) fn is_given(query: &Query) -> bool {
    ["status", "task", "group", "q"].into_iter().any(|name| query.get(name).is_some())
}

/// Shows the field of the search.
pub(super) fn search_field(query: &Query) -> Markup {
    html! {
        label { "Search " input type="search" name="q" value=(query.get("q").unwrap_or_default()) maxlength="200"; }
    }
}

/// Shows the choice of a state.
pub(super) fn status_field(query: &Query) -> Markup {
    any("Status", "status", query, State::ALL.into_iter().map(State::word))
}

/// Shows the choice of a task, under a name of the query.
pub(super) fn task_field(snapshot: &Snapshot, query: &Query, name: &str, label: &str) -> Markup {
    any(label, name, query, snapshot.tasks.iter().map(|task| task.name.as_str()))
}

/// Shows the choice of a group, if there are any. Its instances are those of the groups in it, too.
pub(super) fn group_field(snapshot: &Snapshot, query: &Query) -> Markup {
    let groups: BTreeSet<&str> =
        snapshot.tasks.iter().filter_map(|task| task.group).flat_map(around).collect();
    html! {
        @if !groups.is_empty() {
            (any("Group", "group", query, groups.iter().copied()))
        }
    }
}

/// Shows a choice of one of these words, or of any.
fn any<'a>(label: &str, name: &str, query: &Query, words: impl Iterator<Item = &'a str>) -> Markup {
    let any = std::iter::once(("", "any"));
    choice(label, name, query.get(name), any.chain(words.map(|word| (word, word))))
}

/// Shows how many instances are in each state; on the server, as links to their lists.
pub(crate) fn counts(links: Links<'_>, states: &[State]) -> Markup {
    let count = |state: State| states.iter().filter(|one| **one == state).count();
    let list =
        |state: State| links.is_server().then(|| format!("/instances?status={}", state.word()));
    html! {
        p.counts {
            (text::count(states.len(), "instance")) ": "
            @for state in State::ALL.into_iter().filter(|state| count(*state) > 0) {
                a.badge.(state.word()) href=[list(state)] { (count(state)) " " (state.word()) }
                " "
            }
        }
    }
}
