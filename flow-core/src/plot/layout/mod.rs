//! The layout of a picture: columns of boxes from left to right, and arrows between them.
//!
//! It is a layered drawing, after Sugiyama, Tagawa and Toda, *Methods for Visual Understanding of Hierarchical
//! System Structures*, 1981:
//!
//! 1. **Columns.** A box is in the column after the last one that an arrow to it comes from. A box without such
//!    arrows is in the column before the first box that needs it.
//! 2. **Bends.** An arrow that passes columns has a bend in each of them, which takes a place in the column like a
//!    box. So arrows do not cross boxes. If there are too many bends, arrows are straight and may cross boxes.
//! 3. **Order.** Each column is sorted by the mean place of its neighbors, a few times in both directions.
//! 4. **Heights.** Each box and bend is moved to the mean height of its neighbors, as near as the others of the
//!    column allow: the least squares with minimal distances, by pooling adjacent violators.
//!
//! Each step takes time linear in boxes, arrows and bends, but for the sorting of columns.
//!
//! The layout knows the sizes of boxes and not what is in them, so that other drawings of graphs can use it, such as
//! those of the page (`flow-page`). The boxes and curves of all of them are in `shapes`.

mod shapes;

pub use self::shapes::{Area, CHARACTER, LINE, MARGIN, PADDING, Point, curve};

/// The space between two boxes of a column, and between two columns, in pixels.
const BESIDE: f64 = 24.0;
const BETWEEN: f64 = 48.0;

/// How often the columns are sorted, and how often heights are computed, in one of the directions.
const PASSES: usize = 8;

/// How many bends there may be for each box and arrow.
const BENDS: usize = 20;

/// The places of boxes and arrows, in pixels.
pub struct Layout {
    /// The boxes, in the order in which they were given.
    pub boxes: Vec<Area>,
    /// The points of each arrow, in the order in which the arrows were given.
    pub arrows: Vec<Vec<Point>>,
}

/// An arrow, from the box at one position to that at another one.
type Link = (usize, usize);

impl Layout {
    /// Returns the width and the height of the picture in pixels, with the space around it.
    pub fn size(&self) -> (f64, f64) {
        let boxes = self.boxes.iter().map(|area| (area.right(), area.bottom()));
        let points = self.arrows.iter().flatten().map(|point| (point.x, point.y));
        let ends = boxes.chain(points);
        let (width, height) =
            ends.fold((0.0_f64, 0.0_f64), |all, one| (all.0.max(one.0), all.1.max(one.1)));
        (width + MARGIN, height + MARGIN)
    }

    /// Lays out boxes of these sizes, each after those that arrows lead from to it, and arrows that are sorted by their
    /// begin. An arrow that leads to an earlier box is drawn, and moves nothing.
    pub fn of(sizes: Vec<Area>, arrows: &[(usize, usize)]) -> Self {
        let boxes = sizes.len();
        let mut grid = Grid::of(sizes, arrows);
        grid.sort();
        grid.set_heights();
        grid.layout(boxes, arrows)
    }
}

/// Boxes and bends in columns. A cell is a box or a bend, by its index: the boxes come first.
struct Grid {
    areas: Vec<Area>,
    /// The left and the right edge of the column of each cell.
    edges: Vec<(f64, f64)>,
    /// The cells of each column, from top to bottom.
    columns: Vec<Vec<usize>>,
    /// For each cell, the cells of earlier and of later columns that a piece of an arrow connects it to.
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// The bends of each arrow, from left to right.
    bends: Vec<Vec<usize>>,
}

impl Grid {
    fn of(mut areas: Vec<Area>, arrows: &[Link]) -> Self {
        let mut column_of = columns(areas.len(), arrows);
        let passed = |&(from, to): &Link| {
            let (from, to) = (column_of[from], column_of[to]);
            if from < to { to - from - 1 } else { 0 }
        };
        let count: usize = arrows.iter().map(passed).sum();
        let most = BENDS * (areas.len() + arrows.len());
        let mut bends = vec![Vec::new(); arrows.len()];
        if count <= most {
            for (bends, &(from, to)) in bends.iter_mut().zip(arrows) {
                for column in column_of[from] + 1..column_of[to] {
                    bends.push(areas.len());
                    areas.push(Area::default());
                    column_of.push(column);
                }
            }
        }
        let (mut before, mut after) =
            (vec![Vec::new(); areas.len()], vec![Vec::new(); areas.len()]);
        for (bends, (from, to)) in bends.iter().zip(arrows) {
            let mut left = *from;
            for &right in bends.iter().chain([to]) {
                // An arrow that leads back moves nothing.
                if column_of[left] < column_of[right] {
                    before[right].push(left);
                    after[left].push(right);
                }
                left = right;
            }
        }
        let mut columns = vec![Vec::new(); column_of.iter().max().map_or(0, |last| last + 1)];
        for (cell, &column) in column_of.iter().enumerate() {
            columns[column].push(cell);
        }
        let edges = vec![(0.0, 0.0); areas.len()];
        Self { areas, edges, columns, before, after, bends }
    }

    /// Sorts each column by the mean place of the neighbors, forth and back.
    fn sort(&mut self) {
        // How far down a cell is in its column, in `0.0..1.0`.
        let mut down = vec![0.0; self.areas.len()];
        let record = |column: &[usize], down: &mut [f64]| {
            for (row, &cell) in column.iter().enumerate() {
                down[cell] = (row as f64 + 0.5) / column.len() as f64;
            }
        };
        self.columns.iter().for_each(|column| record(column, &mut down));
        for pass in 0..PASSES {
            let neighbors = if pass.is_multiple_of(2) { &self.before } else { &self.after };
            for column in in_direction(&mut self.columns, pass) {
                let mean = |cell: usize| mean(&neighbors[cell], &down).unwrap_or(down[cell]);
                let mut wanted: Vec<_> = column.iter().map(|&cell| (mean(cell), cell)).collect();
                // Cells that want the same place stay in their order.
                wanted.sort_by(|(a, _), (b, _)| a.total_cmp(b));
                column.clear();
                column.extend(wanted.into_iter().map(|(_, cell)| cell));
                record(column, &mut down);
            }
        }
    }

    /// Moves each cell to the mean height of its neighbors, as near as the column allows.
    fn set_heights(&mut self) {
        let mut heights = vec![0.0; self.areas.len()];
        for column in &self.columns {
            place(column, &self.areas, &mut heights, |_, _| None);
        }
        for pass in 0..PASSES {
            let neighbors = if pass.is_multiple_of(2) { &self.before } else { &self.after };
            for column in in_direction(&mut self.columns, pass) {
                place(column, &self.areas, &mut heights, |cell, heights| {
                    mean(&neighbors[cell], heights)
                });
            }
        }
        let top = |cell: usize| heights[cell] - self.areas[cell].height / 2.0;
        let highest = (0..heights.len()).map(top).fold(f64::INFINITY, f64::min);
        for (area, height) in self.areas.iter_mut().zip(heights) {
            area.middle.y = height - highest + MARGIN;
        }
    }

    /// Sets the widths of the columns, and leads the arrows.
    fn layout(mut self, boxes: usize, arrows: &[Link]) -> Layout {
        let mut left = MARGIN;
        for column in &self.columns {
            let width = column.iter().map(|&cell| self.areas[cell].width).fold(0.0, f64::max);
            for &cell in column {
                self.areas[cell].middle.x = left + width / 2.0;
                self.edges[cell] = (left, left + width);
            }
            left += width + BETWEEN;
        }
        let arrows = arrows.iter().zip(&self.bends);
        let arrows = arrows.map(|(&arrow, bends)| self.points(arrow, bends)).collect();
        self.areas.truncate(boxes);
        Layout { boxes: self.areas, arrows }
    }

    /// The points of an arrow, which is level within each column that it touches.
    fn points(&self, (from, to): Link, bends: &[usize]) -> Vec<Point> {
        let point = |x, cell: usize| Point { x, y: self.areas[cell].middle.y };
        let before = |cell: usize| point(self.edges[cell].0 - BETWEEN / 2.0, cell);
        let after = |cell: usize| point(self.edges[cell].1 + BETWEEN / 2.0, cell);
        let mut points = vec![point(self.areas[from].right(), from), after(from)];
        bends.iter().for_each(|&bend| points.extend([before(bend), after(bend)]));
        points.extend([before(to), point(self.areas[to].left(), to)]);
        points
    }
}

/// Returns the columns from left to right or, in every other pass, from right to left.
fn in_direction(columns: &mut [Vec<usize>], pass: usize) -> impl Iterator<Item = &mut Vec<usize>> {
    let count = columns.len();
    let mut columns = columns.iter_mut();
    (0..count).filter_map(
        move |_| if pass.is_multiple_of(2) { columns.next() } else { columns.next_back() },
    )
}

/// Returns the mean of some numbers, if there are any.
fn mean(of: &[usize], numbers: &[f64]) -> Option<f64> {
    let sum: f64 = of.iter().map(|&index| numbers[index]).sum();
    (!of.is_empty()).then(|| sum / of.len() as f64)
}

/// Returns the column of each box.
fn columns(boxes: usize, arrows: &[Link]) -> Vec<usize> {
    let mut columns = vec![0; boxes];
    let mut has_before = vec![false; boxes];
    // Arrows are sorted by their begin, and a box comes after those that lead to it. Where tasks require one
    // another, some arrow leads back, and does not count.
    let forward = || arrows.iter().copied().filter(|(from, to)| from < to);
    for (from, to) in forward() {
        columns[to] = columns[to].max(columns[from] + 1);
        has_before[to] = true;
    }
    let mut nearest = vec![usize::MAX; boxes];
    for (from, to) in forward() {
        nearest[from] = nearest[from].min(columns[to]);
    }
    for (index, column) in columns.iter_mut().enumerate() {
        if !has_before[index] && nearest[index] < usize::MAX {
            *column = nearest[index] - 1;
        }
    }
    columns
}

/// Sets the heights of the cells of a column, in their order and without overlap, as near as possible to the ones that
/// `wanted` returns. A cell for which it returns none stays where it is, if it can.
fn place(
    column: &[usize],
    areas: &[Area],
    heights: &mut [f64],
    wanted: impl Fn(usize, &[f64]) -> Option<f64>,
) {
    /// Cells that touch: their number, and the sum of what each wants, less its distance from the first cell.
    struct Pool {
        cells: usize,
        sum: f64,
    }

    let mut pools: Vec<Pool> = Vec::new();
    let mut distances = Vec::with_capacity(column.len());
    let mut distance = 0.0;
    for (row, &cell) in column.iter().enumerate() {
        if let Some(&above) = row.checked_sub(1).and_then(|row| column.get(row)) {
            distance += (areas[above].height + areas[cell].height) / 2.0 + BESIDE;
        }
        distances.push(distance);
        let wanted = wanted(cell, heights).unwrap_or(heights[cell]);
        pools.push(Pool { cells: 1, sum: wanted - distance });
        while let [.., above, below] = &mut pools[..] {
            if above.sum / above.cells as f64 <= below.sum / below.cells as f64 {
                break;
            }
            above.cells += below.cells;
            above.sum += below.sum;
            pools.pop();
        }
    }
    let mut row = 0;
    for pool in pools {
        for _ in 0..pool.cells {
            heights[column[row]] = pool.sum / pool.cells as f64 + distances[row];
            row += 1;
        }
    }
}
