//! Tables with columns of all types.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;

/// Batches, each with a description of its content.
pub(crate) type Tables = Vec<(&'static str, RecordBatch)>;

pub(crate) fn column(array: impl Array + 'static) -> RecordBatch {
    of(Arc::new(array))
}

pub(crate) fn of(array: ArrayRef) -> RecordBatch {
    let field = Field::new("column", array.data_type().clone(), true);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap()
}

/// Returns columns that have a text form, without nested ones.
pub(crate) fn flat() -> Tables {
    let mut tables = numbers();
    tables.extend(texts());
    tables.extend(times());
    tables
}

pub(crate) fn numbers() -> Tables {
    let decimal = |values: [Option<i128>; 3], precision, scale| {
        Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap()
    };
    vec![
        ("booleans", column(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("i8", column(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)]))),
        ("i16", column(Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX)]))),
        ("i32", column(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)]))),
        ("i64", column(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]))),
        ("u8", column(UInt8Array::from(vec![Some(0), None, Some(u8::MAX)]))),
        ("u16", column(UInt16Array::from(vec![Some(0), None, Some(u16::MAX)]))),
        ("u32", column(UInt32Array::from(vec![Some(0), None, Some(u32::MAX)]))),
        ("u64", column(UInt64Array::from(vec![Some(0), None, Some(u64::MAX)]))),
        (
            "f32",
            column(Float32Array::from(vec![
                Some(f32::MIN_POSITIVE),
                None,
                Some(0.1),
                Some(-0.0),
                Some(f32::INFINITY),
                Some(f32::NAN),
                Some(f32::MAX),
            ])),
        ),
        (
            "f64",
            column(Float64Array::from(vec![
                Some(0.1 + 0.2),
                None,
                Some(0.0),
                Some(-0.0),
                Some(f64::NAN),
                Some(f64::INFINITY),
                Some(f64::NEG_INFINITY),
                Some(f64::MAX),
                Some(5e-324),
                Some(1e23),
                Some(1.0),
            ])),
        ),
        ("decimal", column(decimal([Some(-12345), None, Some(5)], 10, 2))),
        ("long decimal", column(decimal([Some(10_i128.pow(38) - 1), None, Some(0)], 38, 10))),
        (
            "longer decimal",
            column(
                Decimal256Array::from(vec![Some(i256::from_i128(-1_234_567)), None])
                    .with_precision_and_scale(60, 5)
                    .unwrap(),
            ),
        ),
    ]
}

pub(crate) fn texts() -> Tables {
    let texts = vec![
        Some(""),
        None,
        Some("Zürich 🌲 — 東京"),
        Some("a \"quoted\", comma; semicolon\ttab"),
        Some("two\nlines\r\nand a half\r"),
        Some(" blanks "),
        Some("\u{feff}mark"),
        Some("\0"),
        Some("NA"),
        Some("null"),
        Some("NaN"),
        Some("007"),
        Some("1"),
        Some("-1.5e3"),
        Some("true"),
        Some("2024-02-29"),
        Some("2024-02-29T12:00:00Z"),
        Some("\""),
        Some("=1+1"),
    ];
    let ones = vec![Some("1"), Some("2"), None];
    let array: ArrayRef = Arc::new(StringArray::from(texts.clone()));
    let to = |data_type: &DataType| of(cast(&array, data_type).unwrap());
    let dictionary = |keys| DataType::Dictionary(Box::new(keys), Box::new(DataType::Utf8));
    vec![
        ("text", of(array.clone())),
        ("text of digits", column(StringArray::from(ones))),
        ("large text", to(&DataType::LargeUtf8)),
        ("text views", to(&DataType::Utf8View)),
        ("a dictionary of text", to(&dictionary(DataType::Int32))),
        ("a small dictionary of text", to(&dictionary(DataType::UInt8))),
    ]
}

pub(crate) fn times() -> Tables {
    let seconds = vec![Some(0), None, Some(1_709_208_000), Some(-1)];
    let nanos = vec![Some(0), None, Some(1_709_208_000_123_456_789), Some(-1)];
    let micros = vec![Some(0), None, Some(1_709_208_000_123_456), Some(-1)];
    vec![
        ("dates", column(Date32Array::from(vec![Some(0), None, Some(19_782), Some(-25_567)]))),
        ("times, s", column(Time32SecondArray::from(vec![Some(0), None, Some(86_399)]))),
        ("times, ms", column(Time32MillisecondArray::from(vec![Some(1), None]))),
        ("times, us", column(Time64MicrosecondArray::from(vec![Some(1), None]))),
        (
            "times, ns",
            column(Time64NanosecondArray::from(vec![Some(1), None, Some(86_399_999_999_999)])),
        ),
        ("timestamps, s", column(TimestampSecondArray::from(seconds.clone()))),
        ("timestamps, ms", column(TimestampMillisecondArray::from(seconds))),
        ("timestamps, us", column(TimestampMicrosecondArray::from(micros.clone()))),
        ("timestamps, ns", column(TimestampNanosecondArray::from(nanos.clone()))),
        (
            "timestamps in UTC",
            column(TimestampMicrosecondArray::from(micros.clone()).with_timezone("UTC")),
        ),
        (
            "timestamps in Berlin",
            column(TimestampNanosecondArray::from(nanos).with_timezone("Europe/Berlin")),
        ),
        (
            "timestamps at an offset",
            column(TimestampMicrosecondArray::from(micros).with_timezone("-03:30")),
        ),
    ]
}

/// Returns columns of bytes, and columns that contain other columns.
pub(crate) fn nested() -> Tables {
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(1), None, Some(3)]),
        None,
        Some(vec![]),
    ]);
    let item = Arc::new(Field::new_list_field(DataType::Int64, true));
    let list_views = cast(&list, &DataType::ListView(item)).unwrap();
    let long = ["a text that is longer than a view is", "short", ""].repeat(3);
    let words = ["x", "x", "y"].into_iter().collect::<DictionaryArray<Int8Type>>();
    let words = StructArray::from(vec![(
        Arc::new(Field::new("word", words.data_type().clone(), true)),
        Arc::new(words) as ArrayRef,
    )]);
    let fixed = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(
        vec![Some(vec![Some(f64::NAN), Some(-0.0)]), None, Some(vec![None, Some(1.0)])],
        2,
    );
    let structs = StructArray::from(vec![
        (
            Arc::new(Field::new("a", DataType::Int32, true)),
            Arc::new(Int32Array::from(vec![Some(1), None])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("b ü", DataType::Utf8, false)),
            Arc::new(StringArray::from(vec!["x", ""])) as ArrayRef,
        ),
    ]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("ü");
    map.values().append_null();
    map.append(true).unwrap();
    map.append(false).unwrap();
    let mut list_of_structs = ListBuilder::new(StructBuilder::from_fields(
        vec![Field::new("x", DataType::Float64, true)],
        2,
    ));
    list_of_structs.values().field_builder::<Float64Builder>(0).unwrap().append_value(1.5);
    list_of_structs.values().append(true);
    list_of_structs.append(true);
    list_of_structs.append(false);
    let binary: ArrayRef = Arc::new(BinaryArray::from(vec![Some(&b"\xff\0"[..]), None, Some(b"")]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(7)]));
    let of_numbers = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Int64));
    vec![
        ("lists", column(list)),
        ("views of lists", of(list_views)),
        (
            "long text in a struct",
            column(StructArray::from(vec![(
                Arc::new(Field::new("text", DataType::Utf8View, false)),
                Arc::new(StringViewArray::from_iter_values(long)) as ArrayRef,
            )])),
        ),
        ("a dictionary in a struct", column(words)),
        ("lists of two", column(fixed)),
        ("structs", column(structs)),
        ("maps", column(map.finish())),
        ("lists of structs", column(list_of_structs.finish())),
        ("bytes", of(binary.clone())),
        ("large bytes", of(cast(&binary, &DataType::LargeBinary).unwrap())),
        ("byte views", of(cast(&binary, &DataType::BinaryView).unwrap())),
        (
            "bytes of one length",
            column(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                    [Some([1, 2, 3]), None].into_iter(),
                    3,
                )
                .unwrap(),
            ),
        ),
        ("a dictionary of numbers", of(cast(&numbers, &of_numbers).unwrap())),
    ]
}

/// Returns an array of byte strings of width zero, of which some may be null.
fn no_bytes(valid: &[bool]) -> FixedSizeBinaryArray {
    let nulls = valid.contains(&false).then(|| valid.to_vec().into());
    FixedSizeBinaryArray::try_new_with_len(0, Vec::<u8>::new().into(), nulls, valid.len()).unwrap()
}

/// Returns tables of rare types, which a format may refuse but must not change.
pub(crate) fn rare() -> Tables {
    vec![
        (
            "half floats",
            of(cast(&Float32Array::from(vec![Some(0.5), None]), &DataType::Float16).unwrap()),
        ),
        ("dates, ms", column(Date64Array::from(vec![Some(86_400_000), None]))),
        ("durations", column(DurationNanosecondArray::from(vec![Some(1), None]))),
        ("durations, s", column(DurationSecondArray::from(vec![Some(1), None]))),
        ("months", column(IntervalYearMonthArray::from(vec![Some(13), None]))),
        ("days", column(IntervalDayTimeArray::from(vec![Some(IntervalDayTime::new(1, 2)), None]))),
        (
            "months, days and nanoseconds",
            column(IntervalMonthDayNanoArray::from(vec![Some(IntervalMonthDayNano::new(1, 2, 3))])),
        ),
        (
            "short decimals",
            column(
                Decimal32Array::from(vec![Some(1), None]).with_precision_and_scale(5, 2).unwrap(),
            ),
        ),
        (
            "decimals, 64 bits",
            column(
                Decimal64Array::from(vec![Some(1), None]).with_precision_and_scale(15, 2).unwrap(),
            ),
        ),
        (
            "decimals, negative scale",
            column(
                Decimal128Array::from(vec![Some(1), None]).with_precision_and_scale(5, -2).unwrap(),
            ),
        ),
        ("nulls", column(NullArray::new(3))),
        ("bytes of length zero", column(no_bytes(&[true, false, true]))),
        ("bytes of length zero without nulls", column(no_bytes(&[true; 2]))),
        ("no bytes of length zero", column(no_bytes(&[]))),
        (
            "bytes of length zero in a struct",
            column(StructArray::from(vec![(
                Arc::new(Field::new("bytes", DataType::FixedSizeBinary(0), true)),
                Arc::new(no_bytes(&[true, false])) as ArrayRef,
            )])),
        ),
        (
            "lists of bytes of length zero",
            column(FixedSizeListArray::new(
                Arc::new(Field::new_list_field(DataType::FixedSizeBinary(0), true)),
                2,
                Arc::new(no_bytes(&[true, false])),
                None,
            )),
        ),
        (
            "runs",
            column(
                RunArray::<Int32Type>::try_new(
                    &Int32Array::from(vec![2, 3]),
                    &StringArray::from(vec!["a", "b"]),
                )
                .unwrap(),
            ),
        ),
    ]
}
