//! The memory that tables take.
//!
//! Registers the sizes of tables with the core, which counts values in memory by them: those of `Memory` tasks too, which
//! no target of this crate sees. A table is measured as its buffers, each with the address of its allocation. So a buffer
//! is counted once where several columns, batches or values share it, and counts as a whole where a table is a slice.

use std::any::TypeId;

use arrow::array::{Array, ArrayData, RecordBatch};
use arrow::buffer::Buffer;
use flow_core::__private::{Footprint, Measured, footprint, inventory};

inventory::submit! {
    Measured {
        id: || TypeId::of::<RecordBatch>(),
        measure: |value, footprint| {
            if let Some(batch) = value.downcast_ref() {
                add_batch(batch, footprint);
            }
        },
    }
}

inventory::submit! {
    Measured {
        id: || TypeId::of::<Vec<RecordBatch>>(),
        measure: |value, footprint| {
            if let Some(batches) = value.downcast_ref::<Vec<RecordBatch>>() {
                let unused = batches.capacity() - batches.len();
                footprint.add((unused * size_of::<RecordBatch>()) as u64);
                batches.iter().for_each(|batch| add_batch(batch, footprint));
            }
        },
    }
}

#[cfg(feature = "polars")]
inventory::submit! {
    Measured {
        id: || TypeId::of::<polars::frame::DataFrame>(),
        measure: |value, footprint| {
            if let Some(frame) = value.downcast_ref::<polars::frame::DataFrame>() {
                footprint.add((size_of_val(frame) + frame.estimated_size()) as u64);
            }
        },
    }
}

/// Returns the memory that a table takes; `None` for rows and streams, whose file is a better estimate.
pub(crate) fn table_size<T: 'static>(table: &T) -> Option<u64> {
    footprint(table).map(|footprint| footprint.total())
}

fn add_batch(batch: &RecordBatch, footprint: &mut Footprint) {
    footprint.add(size_of::<RecordBatch>() as u64);
    batch.columns().iter().for_each(|column| add_array(&column.to_data(), footprint));
}

/// Adds what [`ArrayData::get_array_memory_size`] counts, with the buffers by address.
fn add_array(array: &ArrayData, footprint: &mut Footprint) {
    let structs = size_of::<ArrayData>() + size_of_val(array.buffers());
    footprint.add(structs as u64);
    let nulls = array.nulls().map(|nulls| nulls.buffer());
    array.buffers().iter().chain(nulls).for_each(|buffer| add_buffer(buffer, footprint));
    array.child_data().iter().for_each(|child| add_array(child, footprint));
}

fn add_buffer(buffer: &Buffer, footprint: &mut Footprint) {
    // The start of the allocation, which is the same for all slices of it.
    if buffer.capacity() > 0 {
        footprint.add_shared(buffer.data_ptr().addr().get(), buffer.capacity() as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray, StructArray};
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn numbers() -> ArrayRef {
        Arc::new(Int64Array::from_iter((0..10_000).map(|n| (n % 7 > 0).then_some(n))))
    }

    fn batch(columns: &[&ArrayRef]) -> RecordBatch {
        let named =
            columns.iter().enumerate().map(|(n, column)| (format!("{n}"), (*column).clone()));
        RecordBatch::try_from_iter(named).expect("columns of one length")
    }

    /// The size that arrow reports for the columns, which counts each shared buffer again.
    fn reported(batch: &RecordBatch) -> u64 {
        let columns = batch.columns().iter();
        columns.map(|column| column.to_data().get_array_memory_size() as u64).sum()
    }

    fn size<T: 'static>(table: &T) -> u64 {
        table_size(table).expect("a table")
    }

    #[test]
    fn a_batch_takes_what_arrow_reports() {
        let texts: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..10_000).map(|n| format!("text {n}"))));
        let field = Arc::new(Field::new("inner", DataType::Int64, true));
        let nested: ArrayRef = Arc::new(StructArray::from(vec![(field, numbers())]));
        let batch = batch(&[&numbers(), &texts, &nested]);
        assert_eq!(size(&batch), reported(&batch) + size_of::<RecordBatch>() as u64);
        assert!(size(&batch) > 2 * 80_000 + 10_000 * 8, "{}", size(&batch));
    }

    #[test]
    fn shared_buffers_count_once() {
        let numbers = numbers();
        let (one, twice) = (batch(&[&numbers]), batch(&[&numbers, &numbers]));
        let structs = 1_000;
        assert!(size(&twice) < size(&one) + structs, "{} and {}", size(&one), size(&twice));
        assert!(reported(&twice) > 2 * 80_000, "arrow counts them twice");
        let batches = vec![one.clone(), one.slice(10, 20), one.clone()];
        assert!(size(&batches) < size(&one) + 3 * structs);
    }

    #[test]
    fn a_slice_takes_the_whole_buffer_that_it_keeps_in_memory() {
        let whole = batch(&[&numbers()]);
        assert!(size(&whole.slice(0, 1)) > 80_000);
    }

    #[test]
    fn the_sizes_of_rows_are_not_known() {
        assert_eq!(table_size(&vec![("a".to_owned(), 1)]), None);
    }

    #[cfg(feature = "polars")]
    #[test]
    fn a_frame_takes_what_polars_estimates() {
        use polars::prelude::{Column, DataFrame};

        let values: Vec<i64> = (0..10_000).collect();
        let frame = DataFrame::new(10_000, vec![Column::new("n".into(), values)]).expect("a frame");
        assert_eq!(size(&frame), (size_of::<DataFrame>() + frame.estimated_size()) as u64);
        assert!(size(&frame) >= 80_000);
    }
}
