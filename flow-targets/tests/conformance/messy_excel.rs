//! Workbooks that people edited: titles, merged cells, errors, several sheets.

use ::serde::{Deserialize, Serialize};
use arrow::array::RecordBatch;
use flow_core::Target;
use flow_targets::MessyExcel;
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet, XlsxError};

use crate::harness::value;
use crate::messy::shown;

fn one() -> MessyExcel<RecordBatch> {
    MessyExcel::default()
}

/// Returns a workbook with a sheet for each name.
/// Writes the cells of a sheet.
type Write = fn(&mut Worksheet) -> Result<(), XlsxError>;

fn book(sheets: &[(&str, Write)]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (name, write) in sheets {
        let sheet = workbook.add_worksheet();
        sheet.set_name(*name).unwrap();
        write(sheet).unwrap();
    }
    workbook.save_to_buffer().unwrap()
}

/// A title over all columns, names in two rows, and a region that spans two rows.
fn sales(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    let plain = Format::new();
    let day = Format::new().set_num_format("yyyy-mm-dd");
    sheet.merge_range(0, 0, 0, 3, "Sales of May", &plain)?;
    sheet.write_string(2, 0, "Region")?.write_string(2, 1, "Day")?;
    sheet.merge_range(2, 2, 2, 3, "Amount", &plain)?;
    sheet.write_string(3, 2, "tea")?.write_string(3, 3, "rum")?;
    sheet.merge_range(4, 0, 5, 0, "North", &plain)?;
    for (row, tea, rum) in [(4, 1.0, 2.5), (5, 3.0, 4.5)] {
        sheet.write_number_with_format(row, 1, 45_351.0, &day)?;
        sheet.write_number(row, 2, tea)?.write_number(row, 3, rum)?;
    }
    Ok(())
}

fn ratios(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    sheet.write_string(0, 0, "n")?.write_string(0, 1, "ratio")?;
    sheet.write_number(1, 0, 1)?.write_number(1, 1, 0.5)?;
    sheet.write_number(2, 0, 2)?;
    sheet.write_formula(2, 1, Formula::new("=1/0").set_result("#DIV/0!"))?;
    sheet.write_string(3, 0, "1.234")?.write_string(3, 1, "0,25")?;
    Ok(())
}

fn year(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    sheet.write_string(0, 0, "item")?.write_string(0, 1, "n")?;
    sheet.write_string(1, 0, "tea")?.write_number(1, 1, 7)?;
    Ok(())
}

fn notes(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    sheet.write_string(0, 0, "see the other sheets")?;
    Ok(())
}

#[test]
fn titles_are_skipped_and_merged_cells_are_filled() {
    let file = book(&[("May", sales)]);
    let table = value(&one().header_rows(2), &file).unwrap();
    assert_eq!(
        shown(&table),
        "Region Utf8, Day Date32, Amount tea Int64, Amount rum Float64 \
         | North, 2024-02-29, 1, 2.5 | North, 2024-02-29, 3, 4.5"
    );
    let part = &table.report().files[0];
    assert_eq!((part.sheet.as_deref(), part.header_line), (Some("May"), Some(3)));
    assert!(part.steps.contains(&"3 merged regions are filled".to_owned()), "{:?}", part.steps);
    // Without filling, the name and the region are in the first cell alone.
    let table = value(&one().header_rows(2).fill_merged(false), &file).unwrap();
    assert_eq!(
        shown(&table),
        "Region Utf8, Day Date32, Amount tea Int64, rum Float64 \
         | North, 2024-02-29, 1, 2.5 | null, 2024-02-29, 3, 4.5"
    );
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Ratio {
    n: u32,
    ratio: Option<f64>,
}

#[test]
fn errors_of_formulas_reject_their_row_or_are_null() {
    let file = book(&[("Sheet1", ratios)]);
    let target = <MessyExcel<Vec<Ratio>>>::default().decimal(',').thousands('.');
    let error = format!("{:#}", value(&target, &file).unwrap_err());
    let expected =
        "1 of 3 rows is rejected: sheet `Sheet1`, row 3: the formula in cell B3 gave #DIV/0!";
    assert!(error.contains(expected), "{error}");
    // The notation applies to text, and not to numbers.
    let ratio = |n, ratio| Ratio { n, ratio };
    let kept = value(&target.clone().max_rejected(1), &file).unwrap();
    assert_eq!(*kept, [ratio(1, Some(0.5)), ratio(1234, Some(0.25))]);
    let nulls = value(&target.errors_as_null(true), &file).unwrap();
    assert_eq!(*nulls, [ratio(1, Some(0.5)), ratio(2, None), ratio(1234, Some(0.25))]);
}

#[test]
fn sheets_are_selected_by_a_pattern_and_become_one_table() {
    let file = book(&[("Notes", notes), ("2023", year), ("2024", year)]);
    let table = value(&one().sheets("20*").sheet_column("year"), &file).unwrap();
    assert_eq!(shown(&table), "item Utf8, n Int64, year Utf8 | tea, 7, 2023 | tea, 7, 2024");
    let error = format!("{:#}", value(&one().sheets("19*"), &file).unwrap_err());
    assert!(
        error.contains("no sheet is called `19*`; it has [\"Notes\", \"2023\", \"2024\"]"),
        "{error}"
    );
    let error = format!("{:#}", value(&one().max_cells(1).sheets("2023"), &file).unwrap_err());
    assert!(error.contains("sheet `2023`: it has more than 1 cells"), "{error}");
    let error = one().check_type().unwrap_err().to_string();
    assert!(error.starts_with("`MessyExcel` only reads files of other programs"), "{error}");
}

/// A small file may have a text that merged cells repeat without end.
#[test]
fn the_texts_of_merged_cells_count() {
    fn note(sheet: &mut Worksheet) -> Result<(), XlsxError> {
        sheet.write_string(0, 0, "item")?.write_string(0, 1, "n")?;
        sheet.merge_range(1, 0, 400, 1, &"x".repeat(20_000), &Format::new())?;
        Ok(())
    }
    let file = book(&[("Sheet1", note)]);
    let target = one().max_bytes(4_000_000);
    let error = format!("{:#}", value(&target, &file).unwrap_err());
    assert!(error.contains("the texts of its cells have"), "{error}");
    value(&target.fill_merged(false), &file).unwrap();
}
