//! Tables of any format, as batches of Arrow: [`read`] opens a file, [`head`] shows its first rows, [`write`] converts it.

mod head;
mod read;
mod write;

pub(crate) use self::head::TableHead;
pub(crate) use self::read::Rows;
pub(crate) use self::write::write;
