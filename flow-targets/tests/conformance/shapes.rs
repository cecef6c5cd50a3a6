//! Tables of unusual shapes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use crate::tables::{Tables, column};

/// Returns tables without rows or columns, slices, and tables with unusual names and metadata.
pub(crate) fn shapes() -> Tables {
    let rows = RecordBatchOptions::new().with_row_count(Some(3));
    let none = RecordBatchOptions::new().with_row_count(Some(0));
    let empty = Arc::new(Schema::empty());
    let numbers = column(Int64Array::from_iter_values(0..10));
    let field = |name: &str| Field::new(name, DataType::Int64, false);
    let twice = Arc::new(Schema::new(vec![field("a"), field("a"), field("")]));
    let one = || Arc::new(Int64Array::from(vec![1])) as ArrayRef;
    let metadata =
        |n: i32| (0..n).map(|i| (format!("key {i}"), i.to_string())).collect::<HashMap<_, _>>();
    let noted =
        Schema::new(vec![field("a").with_metadata(metadata(20))]).with_metadata(metadata(20));
    vec![
        ("no rows", RecordBatch::new_empty(numbers.schema())),
        ("no columns", RecordBatch::try_new_with_options(empty.clone(), vec![], &rows).unwrap()),
        ("nothing", RecordBatch::try_new_with_options(empty, vec![], &none).unwrap()),
        ("a slice", numbers.slice(3, 4)),
        ("columns of one name", RecordBatch::try_new(twice, vec![one(), one(), one()]).unwrap()),
        ("metadata", RecordBatch::try_new(Arc::new(noted), vec![one()]).unwrap()),
    ]
}
