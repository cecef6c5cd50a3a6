//! The files of a dataset by the values of their partition columns.
//!
//! A plan asks for each consumer whether the partitions that it has read are as they were. With an index, the answer does
//! not take looking at all files of the dataset.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::ensure;

use super::partition::{
    Condition, Partition, PartitionRead, PartitionValue, Selection, Wanted, is_hidden,
};
use crate::base::key::{Digest, Hasher};

/// The files of a dataset by the values of their partition columns.
pub(crate) struct PartitionIndex {
    /// The folder of an external dataset.
    folder: PathBuf,
    /// The paths below the folder of the dataset, with `/`, and the digests of the files.
    files: Vec<(String, Digest)>,
    columns: BTreeMap<String, Values>,
}

/// The files in which a column has each value, as sorted positions.
#[derive(Default)]
struct Values {
    texts: BTreeMap<Option<String>, Vec<u32>>,
    /// The values that are numbers.
    numbers: BTreeMap<i128, Vec<u32>>,
}

impl PartitionIndex {
    /// Creates the index of these files. Hidden files are left out.
    pub(crate) fn new(files: impl IntoIterator<Item = (String, Digest)>) -> Self {
        let files: Vec<_> = files.into_iter().filter(|(path, _)| !is_hidden(path)).collect();
        let mut columns: BTreeMap<String, Values> = BTreeMap::new();
        for (place, (path, _)) in (0..).zip(&files) {
            for (column, value) in Partition::of_path(path).columns() {
                let values = columns.entry(column.to_owned()).or_default();
                values.texts.entry(value.map(str::to_owned)).or_default().push(place);
                if let Some(number) = value.and_then(|value| value.parse().ok()) {
                    values.numbers.entry(number).or_default().push(place);
                }
            }
        }
        Self { folder: PathBuf::new(), files, columns }
    }

    /// Returns the index of the files below an external folder.
    pub(crate) fn at(self, folder: PathBuf) -> Self {
        Self { folder, ..self }
    }

    /// Returns the folder of an external dataset.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self, place: u32) -> &str {
        &self.files[place as usize].0
    }

    /// Returns the paths of all files.
    pub(crate) fn paths(&self) -> impl ExactSizeIterator<Item = &str> {
        self.files.iter().map(|(path, _)| path.as_str())
    }

    /// Checks that each column of a selection is a partition column.
    ///
    /// `declared` are the columns that the target names. Without any, those of the files count.
    ///
    /// # Errors
    ///
    /// A column is no partition column.
    pub(crate) fn check(&self, selection: &Selection, declared: &[String]) -> anyhow::Result<()> {
        for Condition { column, .. } in selection.conditions() {
            // The files of a dataset without rows show no columns.
            let is_known = self.columns.contains_key(column)
                || self.columns.is_empty() && declared.contains(column);
            let names: Vec<_> = match self.columns.is_empty() {
                true => declared.iter().map(|name| format!("`{name}`")).collect(),
                false => self.columns.keys().map(|name| format!("`{name}`")).collect(),
            };
            ensure!(
                is_known || !names.is_empty(),
                "no partition column `{column}`: the dataset is not partitioned",
            );
            ensure!(is_known, "no partition column `{column}`: there are {}", names.join(", "));
        }
        Ok(())
    }

    /// Returns the positions of the files of some partitions, sorted. A column that does not exist has no values.
    pub(crate) fn select(&self, selection: &Selection) -> Vec<u32> {
        let mut matching: Vec<Vec<&[u32]>> = selection
            .conditions()
            .iter()
            .map(|Condition { column, values }| {
                self.columns.get(column).map(|of| of.matching(values)).unwrap_or_default()
            })
            .collect();
        // A condition that holds for few files comes first. Of the others, only these files are looked up, so that the cost
        // does not grow with the dataset.
        matching.sort_by_key(|lists| lists.iter().map(|list| list.len()).sum::<usize>());
        let mut matching = matching.into_iter();
        let Some(first) = matching.next() else {
            return (0..).take(self.files.len()).collect();
        };
        let mut selected = first.concat();
        selected.sort_unstable();
        selected.dedup();
        for lists in matching {
            if selected.is_empty() {
                break;
            }
            if let [list] = lists[..] {
                selected.retain(|file| list.binary_search(file).is_ok());
                continue;
            }
            let mut others = lists.concat();
            others.sort_unstable();
            selected.retain(|file| others.binary_search(file).is_ok());
        }
        selected
    }

    /// Returns some partitions, each once, in the order of their files.
    pub(crate) fn partitions(&self, selection: &Selection) -> Vec<Partition> {
        let selected = self.select(selection).into_iter();
        let mut partitions: Vec<_> =
            selected.map(|place| Partition::of_path(self.path(place))).collect();
        partitions.retain(|partition| !partition.is_empty());
        // Files of a partition may lie apart, such as `a/n=1/x.parquet` and `b/n=1/x.parquet`.
        let mut seen = HashSet::with_capacity(partitions.len());
        partitions.retain(|partition| seen.insert(partition.clone()));
        partitions
    }

    /// Returns the digest of what was read: the names of partitions, or the files in them.
    pub(crate) fn digest(&self, read: &PartitionRead) -> Digest {
        let mut hasher = Hasher::new("partitions");
        if read.names {
            let partitions = self.partitions(&read.partitions);
            hasher.number(partitions.len() as u64);
            partitions.iter().for_each(|partition| {
                hasher.text(&partition.to_string());
            });
            return hasher.digest();
        }
        let selected = self.select(&read.partitions);
        hasher.number(selected.len() as u64);
        for place in selected {
            let (path, digest) = &self.files[place as usize];
            hasher.text(path).part(*digest);
        }
        hasher.digest()
    }
}

impl Values {
    /// Returns the files whose value fulfills a condition, as a sorted list for each value.
    fn matching(&self, wanted: &Wanted) -> Vec<&[u32]> {
        let equal = |value: &PartitionValue| match value {
            PartitionValue::Null => self.texts.get(&None),
            PartitionValue::Number(number) => self.numbers.get(number),
            PartitionValue::Text(text) => self.texts.get(&Some(text.clone())),
        };
        match wanted {
            Wanted::Among(values) => values.iter().filter_map(equal).map(Vec::as_slice).collect(),
            Wanted::Between(PartitionValue::Number(first), PartitionValue::Number(last)) => {
                if first > last {
                    return Vec::new();
                }
                self.numbers.range(*first..=*last).map(|(_, files)| files.as_slice()).collect()
            }
            Wanted::Between(PartitionValue::Text(first), PartitionValue::Text(last)) => {
                if first > last {
                    return Vec::new();
                }
                let range = Some(first.clone())..=Some(last.clone());
                self.texts.range(range).map(|(_, files)| files.as_slice()).collect()
            }
            // Null lies between no values, and a number is not compared with a text.
            Wanted::Between(..) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use super::*;

    fn index(paths: &[&str]) -> PartitionIndex {
        PartitionIndex::new((1..).zip(paths).map(|(n, path)| ((*path).to_owned(), Digest(n))))
    }

    #[test]
    fn conditions_on_several_columns_hold_together() {
        let index = index(&[
            "year=2023/month=1/part-0.parquet",
            "year=2024/month=1/part-0.parquet",
            "year=2024/month=1/part-1.parquet",
            "year=2024/month=10/part-0.parquet",
            "year=2024/month=__HIVE_DEFAULT_PARTITION__/part-0.parquet",
            "_SUCCESS",
        ]);
        let selected = |selection: Selection| index.select(&selection);
        let all = Selection::all;
        assert_eq!(selected(all()), [0, 1, 2, 3, 4]);
        assert_eq!(selected(all().equals("year", 2024).equals("month", 1)), [1, 2]);
        assert_eq!(selected(all().equals("month", "1")), [0, 1, 2]);
        assert_eq!(selected(all().between("month", 2..=12)), [3]);
        assert_eq!(selected(all().between("month", "0"..="2")), [0, 1, 2, 3]);
        assert_eq!(selected(all().equals("month", None::<i32>)), [4]);
        assert_eq!(selected(all().among("month", [10, 7])), [3]);
        assert_eq!(selected(all().between("month", RangeInclusive::new(5, 1))), [0_u32; 0]);
        assert_eq!(index.partitions(&all().equals("year", 2024)).len(), 3);
        let both = all().among("month", ["1", "10", "1"]).among("year", [2024, 2023, 2024]);
        assert_eq!(selected(both.clone()), [0, 1, 2, 3]);
        assert_eq!(selected(both.equals("year", 2022)), [0_u32; 0]);
        let error = index.check(&all().equals("yaer", 1), &[]).expect_err("no such column");
        assert_eq!(error.to_string(), "no partition column `yaer`: there are `month`, `year`");
    }

    #[test]
    fn a_partition_is_listed_once_however_its_files_lie() {
        let index = index(&["a/n=1/x", "a/n=2/x", "b/n=1/x", "b/n=2/x", "c/x"]);
        let listed = index.partitions(&Selection::all());
        let texts: Vec<_> = listed.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["n=1", "n=2"]);
    }

    #[test]
    fn a_digest_covers_the_selected_files_and_no_others() {
        let january = Selection::all().equals("m", 1);
        let (content, names) = (PartitionRead::content(&january), PartitionRead::names(&january));
        let digests = |files: &[(&str, u128)]| {
            let files = files.iter().map(|(path, n)| ((*path).to_owned(), Digest(*n)));
            let index = PartitionIndex::new(files);
            (index.digest(&content), index.digest(&names))
        };
        let before = digests(&[("m=1/a", 1), ("m=2/a", 2)]);
        assert_eq!(digests(&[("m=1/a", 1), ("m=2/a", 3), ("m=3/a", 1)]), before);
        let changed = digests(&[("m=1/a", 9), ("m=2/a", 2)]);
        assert!(changed.0 != before.0 && changed.1 == before.1);
        assert_ne!(digests(&[("m=1/a", 1), ("m=1/b", 2)]).0, before.0);
        assert_ne!(digests(&[("m=2/a", 2)]).1, before.1);
    }
}
