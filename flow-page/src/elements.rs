//! Elements of HTML that several views have: badges, tables, areas that scroll, choices, links to the pages of a list.

use maud::{Markup, html};

use crate::query::Query;
use crate::text;

/// The number of choices that a list has.
const CHOICES: usize = 1_000;

/// Shows a state or an outcome as a word in its color.
pub(crate) fn badge(word: &str) -> Markup {
    html! { span.badge.(class(word)) { (word) } }
}

/// Returns the class of a state in the style sheet: its words, such as `not_run`.
pub(crate) fn class(word: &str) -> String {
    word.replace(' ', "_")
}

/// Shows what may be wider than the page in an area that scrolls. The keyboard reaches it, and screen readers read its label.
///
/// It is a group and not a region: regions are landmarks, whose labels have to differ, and a page may have several tables
/// of one name.
pub(crate) fn scroll(label: &str, content: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="group" aria-label=(label) { (content) } }
}

/// Shows a table that scrolls in itself if it is wider than the page. `caption` is read by screen readers, too.
pub(crate) fn table(caption: &str, headers: &[&str], rows: Markup) -> Markup {
    let headers = html! { @for header in headers { th scope="col" { (header) } } };
    table_with(caption, &headers, &rows)
}

/// Shows a table as [`table`] does, with these elements `th`.
pub(crate) fn table_with(caption: &str, headers: &Markup, rows: &Markup) -> Markup {
    let table = html! {
        table {
            caption { (caption) }
            thead { tr { (headers) } }
            tbody { (rows) }
        }
    };
    scroll(caption, &table)
}

/// Says how many of `all` things a list does not show.
pub(crate) fn more(all: usize, shown: usize) -> Markup {
    html! { @if all > shown { p { "… and " (all - shown) " more" } } }
}

/// Shows a list of choices with its label. A choice has a word, which is sent, and a name.
///
/// `chosen` is the word of the present choice.
pub(crate) fn choice<'a>(
    label: &str,
    name: &str,
    chosen: Option<&str>,
    choices: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Markup {
    html! {
        label {
            (label) " "
            select name=(name) {
                @for (word, name) in choices.into_iter().take(CHOICES) {
                    option value=(word) selected[chosen == Some(word)] { (text::clipped(name, 60)) }
                }
            }
        }
    }
}

/// The part of a list that a page shows.
pub(crate) struct Paged {
    pub(crate) page: usize,
    count: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Paged {
    /// Returns the part of `all` things that a page shows, `each` on a page. A page after the last one is the last one.
    pub(crate) fn new(page: usize, all: usize, each: usize) -> Self {
        let count = all.div_ceil(each).max(1);
        let page = page.min(count - 1);
        Self { page, count, from: page * each, to: all.min((page + 1) * each) }
    }

    /// Shows links to the other pages, if there are any. `name` is that of the page in the query.
    pub(crate) fn links(&self, query: &Query, name: &str, path: &str) -> Markup {
        let Self { page, count, .. } = *self;
        let link = |to: usize, text: &str| {
            let to = (to + 1).to_string();
            html! { a href=(query.with(name, Some(&to)).href(path)) { (text) } }
        };
        html! {
            @if count > 1 {
                nav.pages aria-label="Pages" {
                    @if page > 0 { (link(0, "First")) " " (link(page - 1, "Previous")) }
                    span { "Page " (page + 1) " of " (count) }
                    @if page + 1 < count { (link(page + 1, "Next")) " " (link(count - 1, "Last")) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_after_the_last_is_the_last() {
        let of = |page, all| {
            let paged = Paged::new(page, all, 100);
            (paged.page, paged.count, paged.from..paged.to)
        };
        assert_eq!(of(0, 0), (0, 1, 0..0));
        assert_eq!(of(0, 100), (0, 1, 0..100));
        assert_eq!(of(usize::MAX, 101), (1, 2, 100..101));
    }

    #[test]
    fn the_pages_of_a_list_are_linked_with_the_query() {
        let query = Query::parse(Some("q=a&page=2"));
        let html = Paged::new(query.page(), 300, 100).links(&query, "page", "/x").into_string();
        assert!(html.contains("href=\"/x?q=a&amp;page=1\">Previous"), "{html}");
        assert!(html.contains("Page 2 of 3") && html.contains("page=3\">Next"), "{html}");
        assert_eq!(Paged::new(0, 100, 100).links(&query, "page", "/x").into_string(), "");
    }

    #[test]
    fn a_table_scrolls_in_an_area_that_the_keyboard_reaches() {
        let html = table("<Runs>", &["Run"], html! { tr { td { "1" } } }).into_string();
        assert!(html.starts_with("<div class=\"scroll\" tabindex=\"0\" role=\"group\""), "{html}");
        assert!(
            html.contains("aria-label=\"&lt;Runs&gt;\"")
                && html.contains("<th scope=\"col\">Run</th>")
        );
    }

    #[test]
    fn a_choice_has_a_label_and_selects_the_present_one() {
        let choices = [("", "any"), ("<a>", "A")];
        let html = choice("Task", "task", Some("<a>"), choices).into_string();
        let expected = "<label>Task <select name=\"task\"><option value=\"\">any</option>\
                        <option value=\"&lt;a&gt;\" selected>A</option></select></label>";
        assert_eq!(html, expected);
    }

    #[test]
    fn a_list_that_is_cut_says_how_much_is_missing() {
        assert_eq!(more(5, 3).into_string(), "<p>… and 2 more</p>");
        assert_eq!(more(3, 3).into_string(), "");
    }
}
