//! The layout of large pictures: in columns, from left to right.
//!
//! A box is placed one column to the right of the rightmost box that leads to it. A box without an incoming
//! arrow is placed just before the first box that needs it. In its column, a box is placed at the mean height
//! of its neighbors, by a few passes in both directions (the barycenter method of Sugiyama, Tagawa and Toda,
//! *Methods for Visual Understanding of Hierarchical System Structures*, 1981). Arrows are straight, so that
//! those that pass columns may cross boxes. Everything takes time linear in boxes and arrows, except for
//! sorting each column.

use crate::plot::drawing::{Arrow, Drawing};
use crate::plot::layout::{Area, BESIDE, BETWEEN, Layout, MARGIN, Point};

/// The number of passes over the columns, in both directions together.
const PASSES: usize = 4;

/// Returns the column of each box.
pub(super) fn of_each(drawing: &Drawing) -> Vec<usize> {
    let mut columns = vec![0; drawing.boxes.len()];
    let mut is_led_to = vec![false; drawing.boxes.len()];
    // Arrows are sorted by their first box, and boxes come after those that lead to them. If tasks require
    // one another, some arrow leads back, and is ignored.
    for arrow in drawing.arrows.iter().filter(|arrow| arrow.from < arrow.to) {
        columns[arrow.to] = columns[arrow.to].max(columns[arrow.from] + 1);
        is_led_to[arrow.to] = true;
    }
    let mut nearest = vec![usize::MAX; drawing.boxes.len()];
    for arrow in drawing.arrows.iter().filter(|arrow| arrow.from < arrow.to) {
        nearest[arrow.from] = nearest[arrow.from].min(columns[arrow.to]);
    }
    for (place, column) in columns.iter_mut().enumerate() {
        if !is_led_to[place] && nearest[place] < usize::MAX {
            *column = nearest[place] - 1;
        }
    }
    columns
}

/// Returns the layout, given the column of each box.
pub(super) fn layout(drawing: &Drawing, columns: &[usize]) -> Layout {
    let in_columns = ordered(drawing, columns);
    let mut boxes: Vec<_> = drawing.boxes.iter().map(Area::of).collect();
    let height = |column: &[usize]| -> f64 {
        let heights: f64 = column.iter().map(|&place| boxes[place].height).sum();
        heights + BESIDE * column.len().saturating_sub(1) as f64
    };
    let heights: Vec<_> = in_columns.iter().map(|column| height(column)).collect();
    let highest = heights.iter().copied().fold(0.0, f64::max);
    let mut left = MARGIN;
    for (column, height) in in_columns.iter().zip(heights) {
        let width = column.iter().map(|&place| boxes[place].width).fold(0.0, f64::max);
        let mut top = MARGIN + (highest - height) / 2.0;
        for &place in column {
            let area = &mut boxes[place];
            area.middle = Point { x: left + width / 2.0, y: top + area.height / 2.0 };
            top += area.height + BESIDE;
        }
        left += width + BETWEEN;
    }
    let arrows = drawing.arrows.iter().map(|arrow| path(&boxes[arrow.from], &boxes[arrow.to]));
    Layout { arrows: arrows.collect(), boxes }
}

/// Returns the points of an arrow from one box to another, horizontal at both ends.
fn path(from: &Area, to: &Area) -> Vec<Point> {
    let (begin, end) = (from.right(), to.left());
    let at = |x, y| Point { x, y };
    let bend = BETWEEN / 2.0;
    vec![
        at(begin, from.middle.y),
        at(begin + bend, from.middle.y),
        at(end - bend, to.middle.y),
        at(end, to.middle.y),
    ]
}

/// Returns the boxes of each column, from top to bottom.
fn ordered(drawing: &Drawing, columns: &[usize]) -> Vec<Vec<usize>> {
    let count = columns.iter().max().map_or(0, |last| last + 1);
    let mut in_columns: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (place, &column) in columns.iter().enumerate() {
        in_columns[column].push(place);
    }
    let (before, after) = neighbors(drawing);
    // The relative height of each box in its column, in `0.0..1.0` from the top.
    let mut heights = vec![0.0; columns.len()];
    in_columns.iter().for_each(|column| set_heights(column, &mut heights));
    for pass in 0..PASSES {
        let (neighbors, forth) = if pass % 2 == 0 { (&before, true) } else { (&after, false) };
        for step in 0..count {
            let column = &mut in_columns[if forth { step } else { count - 1 - step }];
            let mut wanted_heights: Vec<(f64, usize)> = Vec::with_capacity(column.len());
            for &place in &*column {
                let near = &neighbors[place];
                let sum: f64 = near.iter().map(|&other| heights[other]).sum();
                wanted_heights.push((
                    if near.is_empty() { heights[place] } else { sum / near.len() as f64 },
                    place,
                ));
            }
            // The sort is stable: boxes that want the same height keep their order.
            wanted_heights.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            column.clear();
            column.extend(wanted_heights.into_iter().map(|(_, place)| place));
            set_heights(column, &mut heights);
        }
    }
    in_columns
}

fn set_heights(column: &[usize], heights: &mut [f64]) {
    for (row, &place) in column.iter().enumerate() {
        heights[place] = (row as f64 + 0.5) / column.len() as f64;
    }
}

/// Returns, for each box, the boxes that lead to it, and those that it leads to.
fn neighbors(drawing: &Drawing) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let (mut before, mut after) =
        (vec![Vec::new(); drawing.boxes.len()], vec![Vec::new(); drawing.boxes.len()]);
    for &Arrow { from, to, .. } in &drawing.arrows {
        before[to].push(from);
        after[from].push(to);
    }
    (before, after)
}
