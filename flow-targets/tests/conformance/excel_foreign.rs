//! Workbooks of other programs: number formats, dates, and files that are damaged or hostile.

use std::io::{Cursor, Read, Write};

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use flow_targets::Excel;
use rust_xlsxwriter::{Format, Workbook};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::harness::{bytes, comes_back, complaint, refusal, value};
use crate::tables::column;

fn one() -> Excel<RecordBatch> {
    <Excel<RecordBatch>>::default()
}

/// Returns a workbook with one column `v` of these numbers, each with a number format.
fn book(cells: &[(f64, &str)]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_string(0, 0, "v").unwrap();
    for (row, (number, format)) in (1..).zip(cells) {
        let format = Format::new().set_num_format(*format);
        sheet.write_number_with_format(row, 0, *number, &format).unwrap();
    }
    workbook.save_to_buffer().unwrap()
}

/// Returns the type of the loaded column, and its values as text.
fn shown(cells: &[(f64, &str)]) -> (DataType, Vec<String>) {
    let batch = value(&one(), &book(cells)).unwrap();
    let column = batch.column(0);
    let format = FormatOptions::new().with_null("null");
    let text = ArrayFormatter::try_new(column, &format).unwrap();
    let values = (0..column.len()).map(|row| text.value(row).to_string()).collect();
    (column.data_type().clone(), values)
}

const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
const CLOCK: DataType = DataType::Time32(TimeUnit::Millisecond);
const SPAN: DataType = DataType::Duration(TimeUnit::Millisecond);

#[test]
fn number_formats_of_excel_yield_dates_times_and_durations() {
    let (half_past, day) = (0.520_833_333_333_333_4, 45_351.0);
    for (format, number, data_type, text) in [
        ("hh:mm", half_past, CLOCK, "12:30:00"),
        ("[$-x-systime]h:mm:ss AM/PM", half_past, CLOCK, "12:30:00"),
        ("[$-de-DE]hh:mm", half_past, CLOCK, "12:30:00"),
        ("[Red]hh:mm", half_past, CLOCK, "12:30:00"),
        ("hh:mm;;\"d\"", half_past, CLOCK, "12:30:00"),
        ("[h]:mm", 1.5, SPAN, "PT129600S"),
        ("[hh]:mm:ss;@", half_past, SPAN, "PT45000S"),
        ("yyyy-mm-dd", day, DataType::Date32, "2024-02-29"),
        ("[$-en-US]d-mmm-yy;@", day, DataType::Date32, "2024-02-29"),
        ("[$-F800]dddd, mmmm dd, yyyy", day, DataType::Date32, "2024-02-29"),
        ("[$-de-DE]TT.MM.JJJJ", day, DataType::Date32, "2024-02-29"),
        ("d.m.yy \"(hh:ss)\"", day, DataType::Date32, "2024-02-29"),
        ("yyyy-mm-dd", day + 0.572_916_666_666_666_6, MICROS, "2024-02-29T13:45:00"),
        ("[$-409]m/d/yy h:mm AM/PM;@", day + 0.25, MICROS, "2024-02-29T06:00:00"),
        ("hh:mm", day + 0.25, MICROS, "2024-02-29T06:00:00"),
        ("yyyy-mm-dd", 0.25, CLOCK, "06:00:00"),
        ("#,##0.00 [$€-de-DE]", 1.5, DataType::Float64, "1.5"),
        ("0.0 \"days\"", 1.5, DataType::Float64, "1.5"),
        ("[Red]-0.00;[Blue]0.0_d", 1.5, DataType::Float64, "1.5"),
        ("0.00E+00", 1.5, DataType::Float64, "1.5"),
        ("General", 1.5, DataType::Float64, "1.5"),
        ("0", 1e15, DataType::Int64, "1000000000000000"),
    ] {
        assert_eq!(shown(&[(number, format)]), (data_type, vec![text.to_owned()]), "{format}");
    }
}

#[test]
fn a_date_with_a_time_of_day_yields_timestamps() {
    let (data_type, values) =
        shown(&[(45_351.0, "yyyy-mm-dd"), (45_351.572_916_666_664, "yyyy-mm-dd")]);
    assert_eq!(data_type, MICROS);
    assert_eq!(values, ["2024-02-29T00:00:00", "2024-02-29T13:45:00"]);
    // If the column is declared as dates, the time is not dropped silently.
    let days = one().schema(Schema::new(vec![Field::new("v", DataType::Date32, true)]));
    let error = complaint(
        &days,
        &book(&[(45_351.0, "yyyy-mm-dd"), (45_351.572_916_666_664, "yyyy-mm-dd")]),
    );
    let expected = "sheet `Sheet1`: cell A3, column `v`: \"2024-02-29T13:45:00.000\"";
    assert!(error.contains(expected) && error.contains("is no Date32"), "{error}");
}

#[test]
fn durations_survive_a_round_trip() {
    let spans = column(DurationMillisecondArray::from(vec![Some(0), Some(90_061_001), None]));
    comes_back(&one(), &spans, |a, b| a == b);
    let seconds = column(DurationSecondArray::from(vec![Some(129_600), None]));
    comes_back(&one().schema(seconds.schema()), &seconds, |a, b| a == b);
    // A sum of durations below a day may be in a cell of another format.
    let mixed = shown(&[(1.5, "[h]:mm"), (0.25, "hh:mm")]);
    assert_eq!(mixed, (SPAN, vec!["PT129600S".to_owned(), "PT21600S".to_owned()]));
    let error = refusal(&one(), &column(DurationMicrosecondArray::from(vec![1])));
    assert!(error.contains("column `column`, row 0"), "{error}");
}

#[test]
fn large_numbers_are_floats_and_not_truncated_integers() {
    let large = 1_577_134_800_018_226_901_f64;
    for cells in [[(large, "0"), (1.0, "0")], [(1.0, "0"), (1e300, "0")]] {
        let (data_type, values) = shown(&cells);
        assert_eq!(data_type, DataType::Float64);
        let values: Vec<f64> = values.iter().map(|value| value.parse().unwrap()).collect();
        assert_eq!(values, cells.map(|cell| cell.0));
    }
    let target = one().schema(Schema::new(vec![Field::new("v", DataType::Int64, true)]));
    let error = complaint(&target, &book(&[(1.0, "0"), (large, "0")]));
    assert!(error.contains("cell A3, column `v`") && error.contains("is no Int64"), "{error}");
}

#[test]
fn errors_name_the_sheet_the_cell_and_the_column() {
    let schema = |data_type| one().schema(Schema::new(vec![Field::new("v", data_type, true)]));
    let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
    for (data_type, cells) in [
        (nanos, [(45_351.0, "yyyy-mm-dd"), (2_958_465.0, "yyyy-mm-dd")]),
        (DataType::Int8, [(127.0, "0"), (128.0, "0")]),
        (DataType::Int64, [(1.0, "General"), (1.5, "General")]),
        (DataType::Boolean, [(1.0, "General"); 2]),
        (CLOCK, [(0.5, "hh:mm"), (1.5, "hh:mm")]),
    ] {
        let error = complaint(&schema(data_type.clone()), &book(&cells));
        let row = if data_type == DataType::Boolean { 2 } else { 3 };
        let place = format!("sheet `Sheet1`: cell A{row}, column `v`: ");
        assert!(error.contains(&place) && error.contains("is no "), "{data_type}: {error}");
    }
    let error = complaint(&one(), &book(&[(1.0, "yyyy"), (60.0, "yyyy")]));
    assert!(error.contains("sheet `Sheet1`: cell A3: 60 is 1900-02-29"), "{error}");
    let error = complaint(&one(), &book(&[(-1.0, "yyyy")]));
    assert!(error.contains("sheet `Sheet1`: cell A2: -1 is no date of Excel"), "{error}");
}

/// Returns the workbook with changed parts, uncompressed.
fn with_changed_parts(file: &[u8], change: impl Fn(&str, String) -> String) -> Vec<u8> {
    let mut parts = ZipArchive::new(Cursor::new(file)).unwrap();
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..parts.len() {
        let mut part = parts.by_index(index).unwrap();
        let name = String::from_utf8_lossy(part.name_raw()).into_owned();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        out.start_file(&*name, stored).unwrap();
        out.write_all(change(&name, text).as_bytes()).unwrap();
    }
    out.finish().unwrap().into_inner()
}

/// Returns the workbook with a text of its sheet replaced.
fn with_changed_sheet(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    with_changed_parts(file, |name, text| {
        let is_sheet = name.ends_with("sheet1.xml");
        assert!(!is_sheet || text.contains(from), "{text}");
        if is_sheet { text.replace(from, to) } else { text }
    })
}

#[test]
fn iso_8601_cells_are_dates_and_times() {
    let file = book(&[(1.0, "General")]);
    for (iso, data_type) in [
        ("2024-02-29", DataType::Date32),
        ("2024-02-29T13:45:00", MICROS),
        ("13:45:00", CLOCK),
        ("2024-02-29T13:45:00.0001", DataType::Utf8),
    ] {
        let cell = with_changed_sheet(&file, "><v>1</v>", &format!(" t=\"d\"><v>{iso}</v>"));
        let batch = value(&one(), &cell).unwrap();
        assert_eq!(batch.column(0).data_type(), &data_type, "{iso}");
        let text = ArrayFormatter::try_new(batch.column(0), &FormatOptions::new()).unwrap();
        assert_eq!(text.value(0).to_string(), iso);
    }
}

#[test]
fn a_distant_cell_does_not_allocate_the_sheet() {
    let file = with_changed_sheet(&book(&[(1.0, "General")]), "r=\"A2\"", "r=\"XFD1048576\"");
    let error = complaint(&one(), &file);
    let expected = "1048575 rows of 16384 columns are 17179852800 cells, more than 50000000";
    assert!(error.contains(expected) && error.contains("max_cells"), "{error}");
    for outside in ["XFE2", "A1048577", "ZZZZZZ1"] {
        let file =
            with_changed_sheet(&book(&[(1.0, "General")]), "r=\"A2\"", &format!("r=\"{outside}\""));
        assert!(complaint(&one(), &file).contains("outside of a sheet"));
    }

    let three = column(Int64Array::from(vec![1, 2, 3]));
    comes_back(&one().max_cells(3), &three, |a, b| a == b);
    let error = refusal(&one().max_cells(2), &three);
    assert!(error.contains("3 rows of 1 columns are 3 cells, more than 2"), "{error}");
}

#[test]
fn a_workbook_that_decompresses_to_too_much_is_refused() {
    let blanks = " ".repeat(2_000_000);
    let file = book(&[(1.0, "General")]);
    let large =
        with_changed_parts(
            &file,
            |name, text| {
                if name.ends_with("sheet1.xml") { text + &blanks } else { text }
            },
        );
    assert!(value(&one(), &large).is_ok());
    let error = complaint(&one().max_bytes(1_000_000), &large);
    assert!(error.contains("more than 1000000 bytes") && error.contains("max_bytes"), "{error}");

    let rows = column(StringArray::from_iter_values((0..1000).map(|i| i.to_string())));
    let error = refusal(&one().max_bytes(10_000), &rows);
    assert!(error.contains("more than 10000 bytes") && error.contains("max_bytes"), "{error}");
}

#[test]
fn shared_texts_count_for_each_cell_that_refers_to_them() {
    // The file contains the text once, and each cell refers to it.
    let texts = StringArray::from_iter_values((0..100).map(|_| "x".repeat(30_000)));
    let file = bytes(&one(), &column(texts.clone())).unwrap();
    assert!(file.len() < 50_000);
    let target = one().max_bytes(1_000_000);
    for error in [complaint(&target, &file), refusal(&target, &column(texts))] {
        let expected = "the texts of its cells have more than 1000000 bytes";
        assert!(error.contains(expected) && error.contains("max_bytes"), "{error}");
    }

    let long = with_changed_parts(&book(&[(1.0, "General")]), |name, text| match name {
        "xl/sharedStrings.xml" => text.replace(">v<", &format!(">{}<", "v".repeat(40_000))),
        _ => text,
    });
    let error = complaint(&one(), &long);
    assert!(error.contains("cell A1: a text is longer than the 32767 characters"), "{error}");
}

#[test]
fn a_false_count_of_shared_texts_is_refused() {
    for count in ["1000000000000", "99999999999999999999", "1000"] {
        let claims = with_changed_parts(&book(&[(1.0, "General")]), |name, text| match name {
            "xl/sharedStrings.xml" => {
                text.replace("uniqueCount=\"1\"", &format!("uniqueCount = '{count}'"))
            }
            _ => text,
        });
        let error = complaint(&one(), &claims);
        assert!(error.contains("`xl/sharedStrings.xml` claims"), "{error}");
    }
}

#[test]
fn a_damaged_part_is_an_error() {
    // Without compression, only the checksum detects a changed digit.
    let mut file = with_changed_parts(&book(&[(1.0, "General")]), |_, text| text);
    assert_eq!(value(&one(), &file).unwrap().num_rows(), 1);
    let at = file.windows(8).position(|bytes| bytes == b"<v>1</v>").unwrap();
    file[at + 3] = b'2';
    let error = complaint(&one(), &file);
    assert!(
        error.contains("part `xl/worksheets/sheet1.xml` of the workbook is damaged"),
        "{error}"
    );
    // Content after the last row is verified too.
    let mut file = with_changed_parts(&book(&[(1.0, "General")]), |_, text| text);
    let at = file.windows(12).position(|bytes| bytes == b"</sheetData>").unwrap();
    file[at + 14] ^= 1;
    assert!(complaint(&one(), &file).contains("is damaged"));
}

/// Returns a workbook of one number whose format has this id, with the format code that the file
/// gives for it.
fn with_format_id(id: u32, code: Option<&str>) -> Vec<u8> {
    let styles = |styles: String| {
        // The writer numbers its own formats from 164 on.
        let own = styles.find("<numFmts").map(|start| {
            start..styles.find("</numFmts>").expect("the element ends") + "</numFmts>".len()
        });
        let own = own.expect("there is a format");
        let given = code.map(|code| {
            format!(r#"<numFmts count="1"><numFmt numFmtId="{id}" formatCode="{code}"/></numFmts>"#)
        });
        let rest = styles[own.end..].replace(r#"numFmtId="164""#, &format!(r#"numFmtId="{id}""#));
        format!("{}{}{rest}", &styles[..own.start], given.unwrap_or_default())
    };
    with_changed_parts(&book(&[(45_351.0, "0.000")]), |part, text| match part {
        "xl/styles.xml" => styles(text),
        _ => text,
    })
}

#[test]
fn a_format_code_in_the_file_overrides_a_local_format() {
    let read = |id, code| {
        let batch = value(&one(), &with_format_id(id, code)).unwrap();
        batch.column(0).data_type().clone()
    };
    for code in ["#,##0&quot;x&quot;", "General", "0.0", "[&gt;1]0;0"] {
        assert_eq!(read(27, Some(code)), DataType::Float64, "{code}");
    }
    assert_eq!(read(58, Some("#,##0")), DataType::Float64);
    assert_eq!(read(27, Some("yyyy-mm-dd")), DataType::Date32);
    // Without a code, the id means a date in the language of the program.
    assert_eq!(read(27, None), DataType::Date32);
    assert_eq!(read(58, None), DataType::Date32);
}
