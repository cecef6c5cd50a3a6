//! Tables as text, for every verb that prints one.
//!
//! A verb fills a [`Grid`] with columns. As text, the cells of a column are aligned, and a line is below the header:
//!
//! ```text
//! day     close    …  note
//! UInt32  Float64  …  Utf8
//! ──────  ───────  ─  ────
//!      0    100.0  …  even
//!      1    100.5  …  null
//! … and 12 more columns: a wider terminal or a pipe shows them
//! ```
//!
//! # How a table fits a terminal
//!
//! 1. Without a terminal, all columns are printed in full.
//! 2. In a terminal, the widest cells are cut, but not below [`NARROW`] columns of the terminal.
//! 3. If that is not enough, columns in the middle are left out. `…` is in their place, and a line counts them.
//! 4. The first column always remains. It is cut further if the terminal is narrower.

use crate::text::{clipped, columns, one_line};

/// The width to which cells are cut before columns are left out, in columns of the terminal.
const NARROW: usize = 16;

/// The space between two columns.
const GAP: &str = "  ";

/// The side of its column on which a cell is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Align {
    #[default]
    Left,
    /// For numbers.
    Right,
}

/// A column of a table. All columns of a table have the same numbers of header lines and of cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    header: Vec<String>,
    cells: Vec<String>,
    align: Align,
}

impl Column {
    /// Creates a column. Its texts are escaped.
    pub(crate) fn new<T: AsRef<str>>(
        header: impl IntoIterator<Item = T>,
        align: Align,
        cells: impl IntoIterator<Item = String>,
    ) -> Self {
        let header = header.into_iter().map(|text| one_line(text.as_ref())).collect();
        let cells = cells.into_iter().map(|text| one_line(&text)).collect();
        Self { header, cells, align }
    }

    /// Returns the column with texts that take at most `limit` columns of the terminal.
    pub(crate) fn clipped(self, limit: usize) -> Self {
        let clip = |texts: Vec<String>| texts.iter().map(|text| clipped(text, limit)).collect();
        Self { header: clip(self.header), cells: clip(self.cells), align: self.align }
    }

    fn width(&self) -> usize {
        self.header.iter().chain(&self.cells).map(|text| columns(text)).max().unwrap_or_default()
    }

    /// Returns the texts from top to bottom, each as wide as the widest one.
    fn lines(&self, cap: usize) -> Vec<String> {
        let texts = self.header.iter().chain(&self.cells);
        let texts: Vec<_> = texts.map(|text| clipped(text, cap)).collect();
        let width = texts.iter().map(|text| columns(text)).max().unwrap_or_default();
        let padded = |text: String| {
            let space = " ".repeat(width - columns(&text));
            match self.align {
                Align::Left => text + &space,
                Align::Right => space + &text,
            }
        };
        let mut lines: Vec<_> = texts.into_iter().map(padded).collect();
        lines.insert(self.header.len(), "─".repeat(width));
        lines
    }
}

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    columns: Vec<Column>,
}

impl Grid {
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect() }
    }

    /// Returns the table as text, without a line end, for a terminal with this number of columns. Without a terminal,
    /// the text has all columns in full.
    pub(crate) fn text(&self, terminal: Option<usize>) -> String {
        let Some(first) = self.columns.first() else { return String::new() };
        let widths: Vec<_> = self.columns.iter().map(Column::width).collect();
        let Fit { head, tail, cap } = fit(&widths, terminal);
        let hidden = self.columns.len() - head - tail;
        let dots = |texts: &Vec<String>| vec!["…".to_owned(); texts.len()];
        let gap =
            Column { header: dots(&first.header), cells: dots(&first.cells), align: Align::Left };
        let shown = self.columns[..head]
            .iter()
            .chain((hidden > 0).then_some(&gap))
            .chain(&self.columns[self.columns.len() - tail..]);
        let mut lines = vec![String::new(); first.header.len() + first.cells.len() + 1];
        for (place, column) in shown.enumerate() {
            for (line, text) in lines.iter_mut().zip(column.lines(cap)) {
                if place > 0 {
                    line.push_str(GAP);
                }
                line.push_str(&text);
            }
        }
        let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
        let mut text = lines.join("\n");
        if hidden > 0 {
            let columns = if hidden == 1 { "column" } else { "columns" };
            let hint = "a wider terminal or a pipe shows them";
            let more = format!("… and {hidden} more {columns}: {hint}");
            text.push('\n');
            text.push_str(&clipped(&more, terminal.unwrap_or(usize::MAX)));
        }
        text
    }
}

/// The columns of a table that are shown, and their width.
#[derive(Debug, PartialEq, Eq)]
struct Fit {
    /// The number of columns that are shown before the `…`.
    head: usize,
    /// The number of columns that are shown after it.
    tail: usize,
    /// The width of the widest cells.
    cap: usize,
}

/// Fits columns with these widths into a terminal.
fn fit(widths: &[usize], terminal: Option<usize>) -> Fit {
    let all = widths.len();
    let Some(terminal) = terminal else { return Fit { head: all, tail: 0, cap: usize::MAX } };
    let widest = widths.iter().copied().max().unwrap_or_default();
    let room = terminal.saturating_sub(GAP.len() * all.saturating_sub(1));
    let cap_of_all = cap(widths, room);
    if cap_of_all >= widest.min(NARROW) {
        return Fit { head: all, tail: 0, cap: cap_of_all };
    }
    // Each column that is shown is beside the `…` or beside another one.
    let mut left = terminal.saturating_sub(1);
    let (mut head, mut tail) = (0, 0);
    while head + tail < all {
        let is_head = head <= tail;
        let next = if is_head { head } else { all - 1 - tail };
        let Some(rest) = left.checked_sub(widths[next].min(NARROW) + GAP.len()) else { break };
        left = rest;
        *(if is_head { &mut head } else { &mut tail }) += 1;
    }
    let head = head.max(1);
    let shown: Vec<_> = widths[..head].iter().chain(&widths[all - tail..]).copied().collect();
    let beside = if shown.len() < all { 1 + GAP.len() } else { 0 };
    let room = terminal.saturating_sub(GAP.len() * (shown.len() - 1) + beside);
    Fit { head, tail, cap: cap(&shown, room).max(1) }
}

/// Returns the greatest width to which cells of columns with these widths may be cut, so that they take at most `room`
/// columns of the terminal together.
fn cap(widths: &[usize], room: usize) -> usize {
    let taken = |cap: usize| widths.iter().map(|&width| width.min(cap)).sum::<usize>();
    let widest = widths.iter().copied().max().unwrap_or_default();
    if taken(widest) <= room {
        return widest;
    }
    // The least width is too small or fits, and the greatest is too large.
    let (mut low, mut high) = (0_usize, widest);
    while high - low > 1 {
        let middle = low.midpoint(high);
        *(if taken(middle) <= room { &mut low } else { &mut high }) = middle;
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(count: usize) -> Grid {
        let column = |n: usize| {
            let cells = [format!("{n}"), "数据".to_owned()];
            Column::new([format!("column{n}")], Align::Right, cells)
        };
        Grid::new((0..count).map(column))
    }

    #[test]
    fn without_a_terminal_all_columns_are_aligned_and_in_full() {
        let long = "x".repeat(300);
        let texts = Column::new(["text"], Align::Left, ["a\nb".to_owned(), long.clone()]);
        let numbers = Column::new(["n"], Align::Right, ["7".to_owned(), "100".to_owned()]);
        let text = Grid::new([texts, numbers]).text(None);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], format!("text{}    n", " ".repeat(296)));
        assert_eq!(lines[1], format!("{}  ───", "─".repeat(300)));
        assert_eq!(lines[2], format!("a\\nb{}    7", " ".repeat(296)));
        assert_eq!(lines[3], format!("{long}  100"));
        assert_eq!(grid(40).text(None).lines().count(), 4);
        assert_eq!(Grid::new([]).text(Some(80)), "");
    }

    #[test]
    fn columns_that_do_not_fit_are_left_out_in_the_middle() {
        let text = grid(9).text(Some(40));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "column0  column1  …  column7  column8");
        assert_eq!(lines[2], "      0        1  …        7        8");
        assert_eq!(lines[3], "   数据     数据  …     数据     数据");
        assert!(lines[4].starts_with("… and 5 more columns: "), "{text}");
        assert_eq!(
            grid(4).text(Some(34)).lines().next(),
            Some("column0  column1  column2  column3")
        );
        assert_eq!(grid(4).text(Some(33)).lines().next(), Some("column0  column1  …  column3"));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let wide = Column::new(["w"], Align::Left, ["数".repeat(70), "a".repeat(150)]);
        for count in 0..12 {
            let columns_of = grid(count).columns.into_iter();
            let both = Grid::new(columns_of.chain([wide.clone()]));
            for width in 4..140 {
                let text = both.text(Some(width));
                for line in text.lines() {
                    assert!(columns(line) <= width, "{width}: {line}\nin\n{text}");
                }
            }
        }
        // A cell is cut before a column is left out.
        let text = Grid::new(grid(2).columns.into_iter().chain([wide])).text(Some(50));
        assert!(!text.contains("more column") && text.contains('…'), "{text}");
    }
}
