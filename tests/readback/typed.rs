//! Rows that derive `Row`: other programs see dates, times, decimals and categories.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Time64NanosecondArray,
    TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::array::{DictionaryArray, StringArray};
use arrow::datatypes::{Field, Int32Type, Schema};
use flow::jiff::Timestamp;
use flow::jiff::civil::{Date, DateTime, Time, date, time};
use flow::prelude::*;
use rust_decimal::Decimal;

use crate::tables::Typed;

#[derive(Clone, Row, Serialize, Deserialize)]
pub(crate) struct Trade {
    day: Date,
    settled: Option<Date>,
    clock: Time,
    at: Timestamp,
    #[row(unit = "us")]
    moment: DateTime,
    #[row(precision = 12, scale = 2)]
    price: Decimal,
    side: Side,
}

#[derive(Clone, Copy, Row, Serialize, Deserialize)]
pub(crate) enum Side {
    Bid,
    Ask,
}

const DAYS: [i32; 3] = [0, 19_782, 20_000];
const MILLISECONDS: [i64; 3] = [946_684_800_000, 1_709_208_000_500, 1_728_000_000_001];

pub(crate) fn trades() -> Vec<Trade> {
    let epoch = date(1970, 1, 1);
    let trade = |(row, days): (usize, &i32)| {
        let at = Timestamp::from_millisecond(MILLISECONDS[row]).expect("an instant");
        let days = flow::jiff::SignedDuration::from_hours(24 * i64::from(*days));
        let day = epoch.checked_add(days).expect("a date");
        Trade {
            day,
            settled: (row != 1).then_some(day),
            clock: time(13, 45, row as i8, 5_000_000),
            at,
            moment: flow::jiff::tz::TimeZone::UTC.to_datetime(at),
            price: Decimal::new(12_345 * (row as i64 - 1), 2),
            side: if row == 1 { Side::Ask } else { Side::Bid },
        }
    };
    DAYS.iter().enumerate().map(trade).collect()
}

/// The columns of the first rows, with their types in pyarrow, pandas, polars and DuckDB.
pub(crate) fn expected(rows: usize) -> Typed {
    const COLUMNS: [(&str, bool, [&str; 4]); 7] = [
        ("day", false, ["date32[day]", "object", "Date", "DATE"]),
        ("settled", true, ["date32[day]", "object", "Date", "DATE"]),
        ("clock", false, ["time64[ns]", "object", "Time", "TIME_NS"]),
        (
            "at",
            false,
            [
                "timestamp[ns, tz=UTC]",
                "datetime64[ns, UTC]",
                "Datetime(time_unit='ns', time_zone='UTC')",
                "TIMESTAMPTZ_NS",
            ],
        ),
        (
            "moment",
            false,
            [
                "timestamp[us]",
                "datetime64[us]",
                "Datetime(time_unit='us', time_zone=None)",
                "TIMESTAMP",
            ],
        ),
        (
            "price",
            false,
            ["decimal128(12, 2)", "object", "Decimal(precision=12, scale=2)", "DECIMAL(12,2)"],
        ),
        (
            "side",
            false,
            [
                "dictionary<values=string, indices=int32, ordered=0>",
                "category",
                "Categorical",
                "VARCHAR",
            ],
        ),
    ];
    let dates = |values: [Option<i32>; 3]| Date32Array::from(values[..rows].to_vec());
    let clocks: Vec<i64> =
        (0..rows as i64).map(|row| (49_500 + row) * 1_000_000_000 + 5_000_000).collect();
    let nanoseconds: Vec<i64> = MILLISECONDS[..rows].iter().map(|ms| ms * 1_000_000).collect();
    let microseconds: Vec<i64> = MILLISECONDS[..rows].iter().map(|ms| ms * 1_000).collect();
    let prices = Decimal128Array::from([-12_345, 0, 12_345][..rows].to_vec());
    let names: ArrayRef = Arc::new(StringArray::from(vec!["Bid", "Ask"]));
    let sides = Int32Array::from([0, 1, 0][..rows].to_vec());
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(dates(DAYS.map(Some))),
        Arc::new(dates([Some(DAYS[0]), None, Some(DAYS[2])])),
        Arc::new(Time64NanosecondArray::from(clocks)),
        Arc::new(TimestampNanosecondArray::from(nanoseconds).with_timezone("UTC")),
        Arc::new(TimestampMicrosecondArray::from(microseconds)),
        Arc::new(prices.with_precision_and_scale(12, 2).expect("twelve digits")),
        Arc::new(DictionaryArray::<Int32Type>::try_new(sides, names).expect("a dictionary")),
    ];
    let fields = COLUMNS.iter().zip(&arrays);
    let fields = fields
        .map(|((name, nulls, _), array)| Field::new(*name, array.data_type().clone(), *nulls));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(schema, arrays).expect("a table");
    Typed { batch, types: COLUMNS.iter().map(|(_, _, types)| types.to_vec()).collect() }
}
