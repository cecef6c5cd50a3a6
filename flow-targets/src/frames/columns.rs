//! Which columns a query reads from which file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use polars::prelude::LazyFrame;
use polars_plan::prelude::{ArenaLpIter, IR, ScanSources, aexpr_to_leaf_names_iter};

#[cfg(feature = "csv")]
use super::copies::copied_from;

/// The columns that a query reads from a file: see [`columns_read`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnsRead {
    /// The file.
    pub path: PathBuf,
    /// The columns, in the order of the file. There are none if the query only counts rows.
    pub columns: Vec<String>,
}

/// Returns the columns that a query reads from each file that it scans, by its optimized plan.
///
/// A dataset is listed by its files, without those that the query does not read because of their partitions. A partition
/// column is a column of each file, except of those in which it is null. Of a CSV file, whose copy is scanned, the file
/// itself is listed.
///
/// A column is listed if its values can reach the result: it is selected, aggregated, filtered by, a key of a join,
/// and so on. A file that the query scans several times is listed once, with all its columns.
///
/// The result is `None` if it cannot be known which files are read: the query is not valid, or it scans files that it was
/// given open or in memory. Frames in memory are not listed.
///
/// A query reads no other columns as long as its files keep their schema and statistics: with those alone polars
/// may skip a file or a part of it.
pub fn columns_read(frame: &LazyFrame) -> Option<Vec<ColumnsRead>> {
    let plan = frame.clone().to_alp_optimized().ok()?;
    let mut read = Files::default();
    for (_, node) in ArenaLpIter::iter(&plan.lp_arena, plan.lp_top) {
        let IR::Scan { sources, file_info, predicate, unified_scan_args, .. } = node else {
            continue;
        };
        let filtered: Vec<&str> = predicate
            .iter()
            .flat_map(|by| aexpr_to_leaf_names_iter(by.node(), &plan.expr_arena))
            .map(|name| name.as_str())
            .collect();
        // Without a projection, the query reads all columns.
        let projection = unified_scan_args.projection.as_deref();
        let is_read = |name: &str| {
            projection.is_none_or(|names| names.iter().any(|other| other.as_str() == name))
                || filtered.contains(&name)
        };
        let of_file: Vec<&str> = file_info.schema.iter_names().map(|name| name.as_str()).collect();
        match sources {
            ScanSources::Paths(paths) => {
                paths.iter().for_each(|path| read.add(path.as_std_path(), &of_file, &is_read));
            }
            ScanSources::Files(files) => read.add(&copied_from(files)?, &of_file, &is_read),
            ScanSources::Buffers(_) => return None,
        }
    }
    Some(read.files)
}

/// The files of a query, each once.
#[derive(Default)]
struct Files {
    files: Vec<ColumnsRead>,
    /// The place of each file: a dataset may have many.
    places: HashMap<PathBuf, usize>,
}

impl Files {
    /// Adds the columns of a file that are read, in the order of the file.
    fn add(&mut self, path: &Path, of_file: &[&str], is_read: &impl Fn(&str) -> bool) {
        let place = self.places.get(path).copied().unwrap_or_else(|| {
            self.files.push(ColumnsRead { path: path.to_owned(), columns: Vec::new() });
            self.places.insert(path.to_owned(), self.files.len() - 1);
            self.files.len() - 1
        });
        let before = std::mem::take(&mut self.files[place].columns);
        self.files[place].columns = of_file
            .iter()
            .copied()
            .filter(|name| is_read(name) || before.iter().any(|other| other == name))
            .map(str::to_owned)
            .collect();
    }
}

/// Returns the file that some open files are a copy of. Without the feature `csv`, there are no copies.
#[cfg(not(feature = "csv"))]
fn copied_from<F: ?Sized>(_: &F) -> Option<PathBuf> {
    None
}
