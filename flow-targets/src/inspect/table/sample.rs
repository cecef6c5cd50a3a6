//! Rows of a table as text: the first ones, or random ones, within limits.
//!
//! Random rows of a Parquet file come from row groups that a seed selects, so that those in the middle of a large file are shown, too.
//! Other formats can only be read from their beginning: a reservoir keeps each of the rows that were read with the same probability
//! (Vitter, Random Sampling with a Reservoir, 1985, algorithm R).

use std::collections::BTreeMap;

use super::bounded::Bounded;
use super::limits::ReadLimits;
use super::rows::{InspectedColumn, cells};
use super::{Batches, contained};
use crate::inspect::{InspectError, OutputFile};

/// Which rows of a table [`OutputFile::sample`] returns.
///
/// ```
/// use flow_targets::inspect::{ReadLimits, RowSample};
///
/// let limits = ReadLimits::new(100_000, 64 << 20).columns(0..50);
/// let first = RowSample::first(20, limits.clone()).longest_cell(200);
/// let random = RowSample::random(20, 7, limits).longest_cell(200);
/// # let _ = (first, random);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSample {
    count: usize,
    seed: Option<u64>,
    limits: ReadLimits,
    longest: usize,
}

impl RowSample {
    /// Returns the first `count` rows.
    pub fn first(count: usize, limits: ReadLimits) -> Self {
        Self { count, seed: None, limits, longest: usize::MAX }
    }

    /// Returns `count` rows that `seed` selects among those that may be read: always the same ones of a file.
    pub fn random(count: usize, seed: u64, limits: ReadLimits) -> Self {
        Self { count, seed: Some(seed), limits, longest: usize::MAX }
    }

    /// Returns only the first characters of each cell.
    #[must_use]
    pub fn longest_cell(mut self, characters: usize) -> Self {
        self.longest = characters;
        self
    }
}

/// Some rows of a table, returned by [`OutputFile::sample`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SampledRows {
    /// The columns that were read.
    pub columns: Vec<InspectedColumn>,
    /// The number of columns of the table.
    pub all_columns: usize,
    /// The rows, in the order of the table.
    pub rows: Vec<SampledRow>,
    /// The number of all rows, if it is known.
    pub total: Option<u64>,
    /// The number of rows among which these were selected.
    pub among: u64,
    /// Whether those are all rows of the table.
    pub is_whole: bool,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SampledRow {
    /// The number of rows before it.
    pub place: u64,
    /// The cells as text; `None` for a missing value.
    pub cells: Vec<Option<String>>,
}

impl OutputFile {
    /// Reads some rows of a table as text. All columns of a CSV file are text.
    ///
    /// # Errors
    ///
    /// The file is not a table, or cannot be read.
    pub fn sample(&self, sample: &RowSample) -> Result<SampledRows, InspectError> {
        contained(self.path(), || match sample.seed {
            Some(seed) => random(self, sample, Random(seed)),
            None => {
                let opening = sample.limits.opening(sample.count as u64, true);
                sequential(self, sample, self.open_table(&opening)?, None)
            }
        })
    }
}

fn random(
    file: &OutputFile,
    sample: &RowSample,
    random: Random,
) -> Result<SampledRows, InspectError> {
    #[cfg(feature = "parquet")]
    if file.format() == crate::inspect::Format::Parquet {
        return by_row_groups(file, sample, random);
    }
    let opening = sample.limits.opening(u64::MAX, true);
    sequential(file, sample, file.open_table(&opening)?, Some(random))
}

/// Reads a table from its beginning. Without random numbers, its first rows are selected.
fn sequential(
    file: &OutputFile,
    sample: &RowSample,
    batches: Batches,
    mut random: Option<Random>,
) -> Result<SampledRows, InspectError> {
    let mut batches = Bounded::new(batches, sample.limits.bytes());
    let mut rows: Vec<SampledRow> = Vec::new();
    let mut place = 0_u64;
    while let Some(batch) = batches.read_batch()? {
        // The last row of this batch that each place of the sample takes. The places are sorted, so new ones are added in order.
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        let before = place;
        for row in 0..batch.num_rows() {
            let slot = match &mut random {
                Some(random) if place >= sample.count as u64 => random.below(place + 1),
                _ => place,
            };
            if let Ok(slot) = usize::try_from(slot)
                && slot < sample.count
            {
                taken.insert(slot, row);
            }
            place += 1;
        }
        let texts = cells(&batch, taken.values().copied(), sample.longest);
        let texts = texts.map_err(|error| InspectError::damaged(file.path(), error))?;
        for ((slot, row), cells) in taken.into_iter().zip(texts) {
            let row = SampledRow { place: before + row as u64, cells };
            match rows.get_mut(slot) {
                Some(replaced) => *replaced = row,
                None => rows.push(row),
            }
        }
    }
    rows.sort_by_key(|row| row.place);
    let (read, is_whole) = (batches.read(), batches.is_whole());
    let total = batches.batches().total().or(is_whole.then_some(read));
    Ok(SampledRows {
        columns: columns(batches.batches()),
        all_columns: batches.batches().all_columns(),
        rows,
        total,
        among: read,
        is_whole,
    })
}

fn columns(batches: &Batches) -> Vec<InspectedColumn> {
    batches.schema().fields().iter().map(|field| InspectedColumn::of(field)).collect()
}

/// Reads random rows of a Parquet file, from row groups within the limits.
#[cfg(feature = "parquet")]
fn by_row_groups(
    file: &OutputFile,
    sample: &RowSample,
    mut random: Random,
) -> Result<SampledRows, InspectError> {
    use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};

    use super::batches::{parquet_batches, parquet_row};

    let builder = ParquetRecordBatchReaderBuilder::try_new(file.open()?);
    let builder = builder.map_err(|error| InspectError::damaged(file.path(), error))?;
    let opening = sample.limits.opening(u64::MAX, true);
    let row = parquet_row(builder.metadata());
    let limit = opening.limit(row).unwrap_or(u64::MAX);
    let groups: Vec<u64> = builder
        .metadata()
        .row_groups()
        .iter()
        .map(|group| u64::try_from(group.num_rows()).unwrap_or_default())
        .collect();
    let windows = windows(&groups, limit, &mut random);
    let among: u64 = windows.iter().map(|window| window.end - window.start).sum();
    let places = places(&windows, random.distinct(sample.count as u64, among));
    let (read, ranges, selectable) = selection(&groups, &places);
    let selection = RowSelection::from_consecutive_ranges(ranges.into_iter(), selectable);
    let builder = builder.with_batch_size(opening.batch(row, Some(sample.count as u64)));
    let builder = builder.with_row_groups(read).with_row_selection(selection);
    let mut batches = parquet_batches(file, builder, &opening, None)?;
    let mut rows = Vec::new();
    let mut left = places.into_iter();
    while let Some(batch) = batches.next().transpose()? {
        let texts = cells(&batch, 0..batch.num_rows(), sample.longest);
        let texts = texts.map_err(|error| InspectError::damaged(file.path(), error))?;
        rows.extend(
            texts.into_iter().zip(&mut left).map(|(cells, place)| SampledRow { place, cells }),
        );
    }
    let total = groups.iter().copied().fold(0, u64::saturating_add);
    Ok(SampledRows {
        columns: columns(&batches),
        all_columns: batches.all_columns(),
        rows,
        total: Some(total),
        among,
        is_whole: among == total,
    })
}

/// Selects the rows that may be read: all, or those of random row groups. Of the last group, it may be a part at a random place. The
/// windows are sorted, and numbered by rows of the table.
#[cfg(feature = "parquet")]
fn windows(groups: &[u64], limit: u64, random: &mut Random) -> Vec<std::ops::Range<u64>> {
    let mut start = 0_u64;
    let mut all = Vec::with_capacity(groups.len());
    for &rows in groups {
        let end = start.saturating_add(rows);
        all.push(start..end);
        start = end;
    }
    if start > limit {
        for place in (1..all.len()).rev() {
            // The number is at most `place`.
            all.swap(place, usize::try_from(random.below(place as u64 + 1)).unwrap_or(place));
        }
    }
    let mut left = limit;
    all.retain_mut(|window| {
        let rows = window.end - window.start;
        let taken = rows.min(left);
        if taken < rows {
            window.start += random.below(rows - taken + 1);
            window.end = window.start + taken;
        }
        left -= taken;
        taken > 0
    });
    all.sort_unstable_by_key(|window| window.start);
    all
}

/// Returns the rows of the table at sorted places in the windows.
#[cfg(feature = "parquet")]
fn places(windows: &[std::ops::Range<u64>], chosen: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut chosen = chosen.into_iter().peekable();
    let (mut places, mut before) = (Vec::new(), 0);
    for window in windows {
        let end = before + (window.end - window.start);
        while let Some(place) = chosen.next_if(|place| *place < end) {
            places.push(window.start + (place - before));
        }
        before = end;
    }
    places
}

/// Returns the row groups that have some of these rows, the ranges of the rows within those groups, and the number of rows of them.
#[cfg(feature = "parquet")]
fn selection(groups: &[u64], places: &[u64]) -> (Vec<usize>, Vec<std::ops::Range<usize>>, usize) {
    let (mut read, mut ranges) = (Vec::new(), Vec::new());
    let (mut start, mut offset, mut left) = (0_u64, 0_u64, places);
    for (group, &rows) in groups.iter().enumerate() {
        let end = start.saturating_add(rows);
        let (inside, others) = left.split_at(left.partition_point(|place| *place < end));
        if !inside.is_empty() {
            read.push(group);
            // What is too large for an address cannot be read either.
            let of =
                |place: &u64| usize::try_from(offset + (place - start)).unwrap_or(usize::MAX - 1);
            ranges.extend(inside.iter().map(|place| of(place)..of(place) + 1));
            offset = offset.saturating_add(rows);
        }
        (start, left) = (end, others);
    }
    (read, ranges, usize::try_from(offset).unwrap_or(usize::MAX))
}

/// Random numbers that depend on a seed alone: SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators,
/// 2014).
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    /// Returns a number less than `end`, or 0.
    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(end)) >> 64) as u64
    }

    /// Returns `count` distinct numbers less than `end`, or all if there are not as many. They are sorted.
    #[cfg(feature = "parquet")]
    fn distinct(&mut self, count: u64, end: u64) -> std::collections::BTreeSet<u64> {
        let mut numbers = std::collections::BTreeSet::new();
        // Bentley and Floyd, A Sample of Brilliance, 1987: each set of numbers is equally likely.
        for last in end.saturating_sub(count)..end {
            let number = self.below(last + 1);
            if !numbers.insert(number) {
                numbers.insert(last);
            }
        }
        numbers
    }
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use super::*;

    #[test]
    fn rows_are_selected_within_row_groups() {
        let groups = [100, 50, 0, 200];
        assert_eq!(windows(&groups, 350, &mut Random(1)), [0..100, 100..150, 150..350]);
        for seed in 0..100 {
            let windows = windows(&groups, 120, &mut Random(seed));
            let rows: u64 = windows.iter().map(|window| window.end - window.start).sum();
            assert_eq!(rows, 120, "{seed}");
            assert!(windows.iter().all(|window| window.end <= 350), "{seed}");
            assert!(windows.is_sorted_by(|a, b| a.end <= b.start), "{seed}");
        }
        assert_eq!(places(&[10..12, 100..110], [0, 1, 2, 11]), [10, 11, 100, 109]);
        let (read, ranges, rows) = selection(&groups, &[3, 4, 151]);
        assert_eq!((read, ranges, rows), (vec![0, 3], vec![3..4, 4..5, 101..102], 300));
    }

    #[test]
    fn random_numbers_depend_on_the_seed_alone() {
        // The first numbers of the reference implementation for the seed 0.
        let mut random = Random(0);
        let numbers = [random.number(), random.number()];
        assert_eq!(numbers, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
        let some = Random(5).distinct(10, 1_000);
        assert_eq!((some.len(), some), (10, Random(5).distinct(10, 1_000)));
        assert!(Random(6).distinct(10, 1_000).iter().all(|number| *number < 1_000));
        assert_eq!(Random(5).distinct(10, 3).into_iter().collect::<Vec<_>>(), [0, 1, 2]);
        let mut counts = [0_u32; 4];
        for seed in 0..4_000 {
            counts[usize::try_from(Random(seed).below(4)).expect("less than 4")] += 1;
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
    }
}
