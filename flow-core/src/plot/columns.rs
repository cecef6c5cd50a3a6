//! The layout of large pictures: in columns, from left to right.
//!
//! A box stands one column to the right of the last one that leads to it; one that nothing leads to,
//! just before the first that needs it. In its column it stands at the height of its neighbours,
//! by the mean of their places, gone over a few times in both directions (the barycentre method
//! of Sugiyama, Tagawa and Toda, *Methods for Visual Understanding of Hierarchical System
//! Structures*, 1981). Arrows are led straight there, so that those that pass columns may lie upon
//! boxes. All of it takes time linear in boxes and arrows, but for the sorting of a column.

use crate::plot::drawing::{Arrow, Drawing};
use crate::plot::layout::{Area, BESIDE, BETWEEN, Layout, MARGIN, Point};

/// How often the order in the columns is gone over, in either direction.
const PASSES: usize = 4;

/// The column of each box.
pub(super) fn of_each(drawing: &Drawing) -> Vec<usize> {
    let mut columns = vec![0; drawing.boxes.len()];
    let mut is_led_to = vec![false; drawing.boxes.len()];
    // They are sorted by where they begin, and all that leads to a box begins before it. Where
    // tasks require one another, some arrow goes back, and counts for nothing.
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

/// Where everything lies, with the column of each box.
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
    let arrows = drawing.arrows.iter().map(|arrow| way(&boxes[arrow.from], &boxes[arrow.to]));
    Layout { arrows: arrows.collect(), boxes }
}

/// From one box to another, level at both ends.
fn way(from: &Area, to: &Area) -> Vec<Point> {
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

/// The boxes of each column, from top to bottom.
fn ordered(drawing: &Drawing, columns: &[usize]) -> Vec<Vec<usize>> {
    let count = columns.iter().max().map_or(0, |last| last + 1);
    let mut in_columns: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (place, &column) in columns.iter().enumerate() {
        in_columns[column].push(place);
    }
    let (before, after) = neighbours(drawing);
    // How far down each is, of all in its column, in `0.0..1.0`.
    let mut down = vec![0.0; columns.len()];
    in_columns.iter().for_each(|column| note(column, &mut down));
    for pass in 0..PASSES {
        let (neighbours, forth) = if pass % 2 == 0 { (&before, true) } else { (&after, false) };
        for step in 0..count {
            let column = &mut in_columns[if forth { step } else { count - 1 - step }];
            let mut wanted: Vec<(f64, usize)> = Vec::with_capacity(column.len());
            for &place in &*column {
                let near = &neighbours[place];
                let sum: f64 = near.iter().map(|&other| down[other]).sum();
                wanted.push((
                    if near.is_empty() { down[place] } else { sum / near.len() as f64 },
                    place,
                ));
            }
            // Of those that want the same, as they were.
            wanted.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            column.clear();
            column.extend(wanted.into_iter().map(|(_, place)| place));
            note(column, &mut down);
        }
    }
    in_columns
}

fn note(column: &[usize], down: &mut [f64]) {
    for (row, &place) in column.iter().enumerate() {
        down[place] = (row as f64 + 0.5) / column.len() as f64;
    }
}

/// For each box, those that lead to it, and those that it leads to.
fn neighbours(drawing: &Drawing) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let (mut before, mut after) =
        (vec![Vec::new(); drawing.boxes.len()], vec![Vec::new(); drawing.boxes.len()]);
    for &Arrow { from, to, .. } in &drawing.arrows {
        before[to].push(from);
        after[from].push(to);
    }
    (before, after)
}
