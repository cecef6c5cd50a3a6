//! Text and numbers that the type of a column would round, truncate or misread.

use std::sync::Arc;

use ::serde::{Deserialize, Serialize};
use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit, i256};
#[cfg(feature = "excel")]
use flow_targets::Excel;
use flow_targets::{Csv, CsvGz};

use crate::harness::{comes_back, complaint, refusal, value};
use crate::tables::column;

fn schema(data_type: &DataType) -> Schema {
    Schema::new(vec![Field::new("v", data_type.clone(), true)])
}

fn csv(data_type: &DataType) -> Csv<RecordBatch> {
    <Csv<RecordBatch>>::default().schema(schema(data_type))
}

/// Asserts that CSV refuses the second of two cells, with its line and column.
#[track_caller]
fn assert_refused(data_type: &DataType, good: &str, cell: &str) {
    let text = format!("v\n{good}\n{cell}\n");
    let error = complaint(&csv(data_type), text.as_bytes());
    let expected = format!("line 3, column `v`: {cell:?} is no {data_type}");
    assert!(error.contains(&expected), "{error}");
}

#[track_caller]
fn assert_read(data_type: &DataType, cell: &str, expected: impl Array + 'static) {
    let batch = value(&csv(data_type), format!("v\n{cell}\n").as_bytes()).unwrap();
    assert_eq!(batch.column(0), &(Arc::new(expected) as ArrayRef), "{cell}");
}

fn decimal(value: i128, precision: u8, scale: i8) -> Decimal128Array {
    Decimal128Array::from(vec![value]).with_precision_and_scale(precision, scale).unwrap()
}

#[test]
fn csv_does_not_round_decimals() {
    let cents = DataType::Decimal128(10, 2);
    assert_refused(&cents, "1.23", "1.239");
    assert_refused(&cents, "1.230", "0.001");
    assert_refused(&cents, "1e-2", "1e-3");
    assert_read(&cents, "1.230", decimal(123, 10, 2));
    assert_read(&cents, "12e1", decimal(12_000, 10, 2));
    let packed = DataType::Dictionary(Box::new(DataType::Int32), Box::new(cents));
    let error = complaint(&csv(&packed), b"v\n1.2\n1.239\n");
    assert!(error.contains("line 3, column `v`: \"1.239\" is no Decimal128(10, 2)"), "{error}");
    assert!(error.contains("more digits than the scale"), "{error}");
    let hundreds = DataType::Decimal128(10, -2);
    assert_refused(&hundreds, "100", "149");
    assert_read(&hundreds, "14900", decimal(149, 10, -2));
}

#[test]
fn csv_reads_no_large_number_as_infinity() {
    assert_refused(&DataType::Float16, "65504", "70000");
    assert_refused(&DataType::Float32, "3.4e38", "1e39");
    assert_refused(&DataType::Float64, "-1.7e308", "-1e400");
    assert_read(&DataType::Float32, "inf", Float32Array::from(vec![f32::INFINITY]));
    assert_read(&DataType::Float64, "-inf", Float64Array::from(vec![f64::NEG_INFINITY]));
    assert_read(&DataType::Float32, "3.4e38", Float32Array::from(vec![3.4e38]));

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Row {
        single: f32,
        double: f64,
    }
    let rows = <Csv<Vec<Row>>>::default();
    let error = complaint(&rows, b"single,double\n1,2\n1e39,2\n");
    assert!(error.contains("line 3") && error.contains("column `single`"), "{error}");
    assert!(error.contains("\"1e39\" is not an f32"), "{error}");
    let error = complaint(&rows, b"single,double\n1,1e400\n");
    assert!(error.contains("column `double`: \"1e400\" is not an f64"), "{error}");
    let read = value(&rows, b"single,double\ninf,-inf\n").unwrap();
    assert_eq!(read, [Row { single: f32::INFINITY, double: f64::NEG_INFINITY }]);
}

#[test]
fn csv_drops_no_part_of_a_time() {
    assert_refused(&DataType::Date64, "2024-02-29T13:45:00.123", "2024-02-29T13:45:00.123456");
    for unit in [TimeUnit::Second, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
        let plain = DataType::Timestamp(unit, None);
        assert_refused(&plain, "2024-01-01T00:00:00", "2024-01-01T00:00:00+02:00");
        assert_refused(&plain, "2024-01-01", "2024-01-01 00:00:00-05:00");
        assert_refused(&plain, "2024-01-01", "2024-01-01T00:00:00Z");
    }
    let zoned = DataType::Timestamp(TimeUnit::Second, Some("UTC".into()));
    let utc = |seconds| TimestampSecondArray::from(vec![seconds]).with_timezone("UTC");
    assert_read(&zoned, "2024-01-01T00:00:00+02:00", utc(1_704_060_000));
    assert_read(&zoned, "2024-01-01T00:00:00Z", utc(1_704_067_200));
    let plain = DataType::Timestamp(TimeUnit::Second, None);
    assert_read(&plain, "2024-01-01T00:00:00", TimestampSecondArray::from(vec![1_704_067_200]));
}

#[test]
fn truth_values_are_true_and_false_in_csv_and_excel() {
    for text in ["yes", "1", "TRUE", "t"] {
        assert_refused(&DataType::Boolean, "true", text);
    }
    assert_read(&DataType::Boolean, "false", BooleanArray::from(vec![false]));
    #[cfg(feature = "excel")]
    for text in ["yes", "1", "TRUE", "t"] {
        let target = <Excel<RecordBatch>>::default();
        let written = column(StringArray::from(vec!["true", text]));
        let written = crate::harness::bytes(&target, &written).unwrap();
        let error = complaint(&target.schema(schema_of("column", &DataType::Boolean)), &written);
        assert!(error.contains("cell A3, column `column`"), "{error}");
    }
}

#[cfg(feature = "excel")]
fn schema_of(name: &str, data_type: &DataType) -> Schema {
    Schema::new(vec![Field::new(name, data_type.clone(), true)])
}

/// An array can hold decimals with more digits than its precision, and their text could not be
/// parsed.
#[test]
fn decimals_beyond_their_precision_are_refused_when_written() {
    let beyond = Decimal256Array::from(vec![Some(i256::MAX), None]);
    let beyond = column(beyond.with_precision_and_scale(76, -5).unwrap());
    let target = <Csv<RecordBatch>>::default().schema(beyond.schema());
    let error = refusal(&target, &beyond);
    assert!(error.contains("column `column`") && error.contains("precision 76"), "{error}");
    let beyond = column(decimal(1234, 3, 1));
    let error = refusal(&<CsvGz<RecordBatch>>::default().schema(beyond.schema()), &beyond);
    assert!(error.contains("column `column`"), "{error}");

    let most = i256::from_string(&"9".repeat(76)).unwrap();
    let most = Decimal256Array::from(vec![Some(most), Some(i256::from(-1)), None]);
    let most = column(most.with_precision_and_scale(76, -5).unwrap());
    let target = <Csv<RecordBatch>>::default().schema(most.schema());
    comes_back(&target, &most, |a, b| a == b);
    #[cfg(feature = "excel")]
    {
        let target = <Excel<RecordBatch>>::default().schema(most.schema());
        comes_back(&target, &most, |a, b| a == b);
    }
}

#[cfg(feature = "excel")]
#[test]
fn excel_does_not_round_numbers() {
    use rust_xlsxwriter::Workbook;
    let book = |numbers: &[f64]| {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_string(0, 0, "v").unwrap();
        for (row, number) in (1..).zip(numbers) {
            sheet.write_number(row, 0, *number).unwrap();
        }
        workbook.save_to_buffer().unwrap()
    };
    let excel = |data_type: &DataType| <Excel<RecordBatch>>::default().schema(schema(data_type));
    let cents = DataType::Decimal128(10, 2);
    for (data_type, good, number) in [
        (&cents, 1.23, 1.239),
        (&DataType::Decimal128(10, -2), 100.0, 149.0),
        (&DataType::Float16, 65504.0, 70000.0),
        (&DataType::Float32, 3.4e38, 1e39),
    ] {
        let error = complaint(&excel(data_type), &book(&[good, number]));
        assert!(error.contains("sheet `Sheet1`: cell A3, column `v`"), "{error}");
        assert!(error.contains(&format!("is no {data_type}: ")), "{error}");
    }
    // A number that Excel computes and displays as 0.3 is read as 0.3.
    let read = value(&excel(&cents), &book(&[0.1 + 0.2])).unwrap();
    assert_eq!(read.column(0), &(Arc::new(decimal(30, 10, 2)) as ArrayRef));
}
