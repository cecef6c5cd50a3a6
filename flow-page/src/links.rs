//! Where the links of a view lead: to addresses of the server, or to anchors inside a report.
//!
//! A view that both the server and a [report](mod@crate::report) show takes a [`Links`]. What a report does not have is
//! shown as text, and not as a link.

use std::collections::{HashMap, HashSet};

use flow_core::Key;
use maud::{Markup, html};

use crate::text;

/// The kind of links that a view has.
#[derive(Clone, Copy)]
pub(crate) enum Links<'a> {
    /// Addresses of the server.
    Server,
    /// Anchors of a report.
    Report(&'a Anchors),
}

/// The parts of a report to which links lead.
#[derive(Default)]
pub(crate) struct Anchors {
    /// The instances that have a section.
    pub(crate) instances: HashSet<Key>,
    /// The number of each task that the list of instances has.
    pub(crate) tasks: HashMap<String, usize>,
}

impl Anchors {
    /// Returns the id of the section of an instance.
    pub(crate) fn of_instance(key: Key) -> String {
        format!("instance-{key}")
    }

    /// Returns the id of a task in the list of instances, by its number.
    pub(crate) fn of_task(number: usize) -> String {
        format!("task-{number}")
    }

    /// Returns the link to a task in the list of instances.
    pub(crate) fn task(&self, name: &str) -> Option<String> {
        self.tasks.get(name).map(|&number| format!("#{}", Self::of_task(number)))
    }
}

impl Links<'_> {
    pub(crate) fn is_server(self) -> bool {
        matches!(self, Self::Server)
    }

    /// Returns the link to an instance.
    pub(crate) fn instance(self, key: Key) -> Option<String> {
        match self {
            Self::Server => Some(format!("/instance/{key}")),
            Self::Report(anchors) => {
                let is_there = anchors.instances.contains(&key);
                is_there.then(|| format!("#{}", Anchors::of_instance(key)))
            }
        }
    }

    /// Returns the link to the bytes of a file, by its number in the record of an instance. A report has none.
    pub(crate) fn file(self, key: Key, number: usize) -> Option<String> {
        self.is_server().then(|| format!("/instance/{key}/file/{number}"))
    }

    /// Shows an instance as a link.
    pub(crate) fn to_instance(self, key: Key, label: &str) -> Markup {
        let label = text::clipped(label, 200);
        match self.instance(key) {
            Some(link) => html! { a href=(link) { (label) } },
            None => html! { (label) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_links_only_to_what_it_has() {
        let [one, other]: [Key; 2] =
            ["1", "2"].map(|digit| digit.repeat(32).parse().expect("a key"));
        let mut anchors = Anchors::default();
        anchors.instances.insert(one);
        anchors.tasks.insert("A".to_owned(), 3);
        let links = Links::Report(&anchors);
        assert_eq!(links.instance(one), Some(format!("#instance-{one}")));
        assert_eq!((links.instance(other), links.file(one, 0)), (None, None));
        assert_eq!(links.to_instance(other, "<b>").into_string(), "&lt;b&gt;");
        assert_eq!((anchors.task("A"), anchors.task("B")), (Some("#task-3".to_owned()), None));
        assert_eq!(Links::Server.instance(other), Some(format!("/instance/{other}")));
        assert_eq!(Links::Server.file(one, 2), Some(format!("/instance/{one}/file/2")));
    }
}
