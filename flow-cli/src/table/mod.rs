//! Tables of any format, as batches of Arrow: [`read`] opens a file, [`head`] shows its first rows, [`statistics`] describes
//! its columns, [`write`] converts it.

mod head;
mod read;
mod statistics;
mod write;

pub(crate) use self::head::TableHead;
pub(crate) use self::read::Rows;
pub(crate) use self::statistics::{ColumnStatistics, TableStatistics};
pub(crate) use self::write::write;
