//! The table of the benchmarks, which has five columns and is the same for the same rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

/// An integer, two floats, an integer with a thousand distinct values, and a short text.
pub fn schema() -> SchemaRef {
    let types = [
        ("id", DataType::Int64),
        ("price", DataType::Float64),
        ("size", DataType::Float64),
        ("group", DataType::Int64),
        ("symbol", DataType::Utf8),
    ];
    Arc::new(Schema::new(types.map(|(name, of)| Field::new(name, of, false)).to_vec()))
}

/// Returns the rows in a range.
pub fn rows(schema: &SchemaRef, from: u64, to: u64) -> RecordBatch {
    let random = || (from..to).map(scrambled);
    // Prices have two decimals, sizes any number.
    let price = random().map(|n| (n % 100_000) as f64 / 100.0);
    let size = random().map(|n| (n >> 11) as f64 / (1_u64 << 53) as f64);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(from as i64..to as i64)),
        Arc::new(Float64Array::from_iter_values(price)),
        Arc::new(Float64Array::from_iter_values(size)),
        Arc::new(Int64Array::from_iter_values(random().map(|n| (n >> 7) as i64 % 1000))),
        Arc::new(StringArray::from_iter_values(random().map(|n| format!("S{:06}", n % 500_000)))),
    ];
    RecordBatch::try_new(schema.clone(), columns).expect("columns of one length")
}

/// Returns the size of the values, in megabytes.
pub fn megabytes(rows: u64) -> f64 {
    // Four columns of 8 bytes, and texts of 7 bytes with offsets of 4.
    (rows * (4 * 8 + 7 + 4)) as f64 / 1e6
}

/// Returns a pseudo-random number (the finalizer of SplitMix64).
fn scrambled(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
