//! Messy files, which this module writes: each is read as the right table, or refused in words.

use std::fs;
use std::sync::Arc;

use ::serde::{Deserialize, Serialize};
use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use flow_core::Target;
use flow_targets::{Cleaned, MessyCsv};
use jiff::civil::Date;

use crate::harness::value;

fn one() -> MessyCsv<RecordBatch> {
    MessyCsv::default()
}

/// Returns the names and types of the columns, and the rows, as text.
pub(crate) fn shown(batch: &RecordBatch) -> String {
    let schema = batch.schema();
    let fields = schema.fields().iter();
    let columns: Vec<_> =
        fields.map(|field| format!("{} {}", field.name(), field.data_type())).collect();
    let format = FormatOptions::new().with_null("null");
    let formats: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &format).unwrap())
        .collect();
    let row = |row: usize| -> String {
        let cells: Vec<_> = formats.iter().map(|format| format.value(row).to_string()).collect();
        format!(" | {}", cells.join(", "))
    };
    columns.join(", ") + &(0..batch.num_rows()).map(row).collect::<String>()
}

/// Returns the table of a file, or the error with its causes but without the path.
fn read<G: Target<Value = Cleaned<RecordBatch>>>(
    target: &G,
    bytes: &[u8],
) -> Result<String, String> {
    match value(target, bytes) {
        Ok(table) => Ok(shown(&table)),
        Err(error) => {
            let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
            Err(causes.join(": "))
        }
    }
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
    text.encode_utf16().flat_map(bytes).collect()
}

fn schema(fields: &[(&str, DataType)]) -> Schema {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Schema::new(fields.iter().map(field).collect::<Vec<_>>())
}

/// A file, how it is read, and the table, or a part of the error.
type Case = (&'static str, Vec<u8>, MessyCsv<RecordBatch>, Result<String, &'static str>);

fn case(
    name: &'static str,
    file: impl Into<Vec<u8>>,
    target: MessyCsv<RecordBatch>,
    expected: Result<&str, &'static str>,
) -> Case {
    (name, file.into(), target, expected.map(str::to_owned))
}

fn encodings() -> Vec<Case> {
    let table = "city Utf8, n Int64 | Zürich, 1 | Ulm, 2";
    let text = "city,n\nZürich,1\nUlm,2\n";
    let latin = || b"city;n\nM\xfcnchen;1\nUlm;2\n".to_vec();
    vec![
        case("UTF-8", text, one(), Ok(table)),
        case("UTF-8 with a mark", format!("\u{feff}{text}"), one(), Ok(table)),
        case("UTF-16LE with a mark", utf16(&format!("\u{feff}{text}"), false), one(), Ok(table)),
        case("UTF-16BE with a mark", utf16(&format!("\u{feff}{text}"), true), one(), Ok(table)),
        case("UTF-16LE without a mark", utf16(text, false), one(), Ok(table)),
        case(
            "Latin-1, given",
            latin(),
            one().encoding("latin1"),
            Ok("city Utf8, n Int64 | München, 1 | Ulm, 2"),
        ),
        case("Latin-1, not given", latin(), one(), Err("it has the word `München`")),
        case(
            "a mark that contradicts the option",
            format!("\u{feff}{text}"),
            one().encoding("latin1"),
            Err(
                "the file begins with the byte order mark of UTF-8, and `encoding` is windows-1252",
            ),
        ),
        case("an unknown encoding", text, one().encoding("x"), Err("there is no encoding \"x\"")),
        case("bytes of zero", b"a\0\0\0b\n".to_vec(), one(), Err("bytes that are zero")),
        case("a web page", "<!DOCTYPE html><p>Log in", one(), Err("a web page (HTML)")),
        case("gzip", b"\x1f\x8b\x08\0".to_vec(), one(), Err("compressed by gzip")),
        case("a workbook", b"PK\x03\x04\0".to_vec(), one(), Err("`MessyExcel` reads workbooks")),
        case("an empty file", "", one(), Err("the file is empty")),
        case("blanks alone", " \n\n \n", one(), Err("the file is empty")),
        case("a limit", text, one().max_bytes(5), Err("raise the limit by the target's option")),
    ]
}

fn lines() -> Vec<Case> {
    let table = "a Int64, b Float64 | 1, 1.5 | 2, 2.5";
    vec![
        case("semicolons", "a;b\n1;1.5\n2;2.5\n", one(), Ok(table)),
        case("tabs", "a\tb\n1\t1.5\n2\t2.5\n", one(), Ok(table)),
        case("bars", "a|b\n1|1.5\n2|2.5\n", one(), Ok(table)),
        case("sep=", "sep=;\na;b\n1;1.5\n2;2.5\n", one(), Ok(table)),
        case("mixed line ends, the last missing", "a,b\r\n1,1.5\r2,2.5", one(), Ok(table)),
        case("blank lines and blanks", "\na , b\n\n1, 1.5 \n 2,2.5\n,\n", one(), Ok(table)),
        case("trailing delimiters", "a,b,,\n1,1.5,,\n2,2.5,,\n", one(), Ok(table)),
        case("quotes everywhere", "\"a\",\"b\"\n\"1\",\"1.5\"\n\"2\",\"2.5\"\n", one(), Ok(table)),
        case(
            "two delimiters that fit",
            "a,b;c\nd,e;f\n",
            one(),
            Err("the delimiter may be ',' or ';': set `delimiter = ','` or the other one"),
        ),
        case(
            "the delimiter given",
            "a,b;c\nd,e;f\n",
            one().delimiter(';'),
            Ok("a,b Utf8, c Utf8 | d,e, f"),
        ),
        case(
            "line breaks in quotes",
            "a,b\n\"x\ny\",\"5\"\" disk\"\n",
            one(),
            Ok("a Utf8, b Utf8 | x\ny, 5\" disk"),
        ),
        case(
            "a quote that is not closed",
            "a,b\n\"x,1\ny,2\n",
            one(),
            Err("line 2: a quote opens a cell, and no quote closes it"),
        ),
        case(
            "quotes as characters",
            "a,b\n\"x,1\ny,2\n",
            one().quotes(false),
            Ok("a Utf8, b Int64 | \"x, 1 | y, 2"),
        ),
        case(
            "text after a quote",
            "a,b\n\"x\"y,1\n",
            one(),
            Err("1 of 1 rows is rejected: line 2: cell 1 has text after its closing quote"),
        ),
        case("short rows", "a,b\n1,2\n3\n", one(), Err("line 3: it has 1 cells instead of 2")),
        case(
            "short rows, filled",
            "a,b\n1,2\n3\n",
            one().fill_short(true),
            Ok("a Int64, b Int64 | 1, 2 | 3, null"),
        ),
        case("long rows", "a,b\n1,2\n3,4,5\n", one(), Err("line 3: it has 3 cells instead of 2")),
        case(
            "long rows, kept aside",
            "a,b\n1,2\n3,4,5\n",
            one().max_rejected(1),
            Ok("a Int64, b Int64 | 1, 2"),
        ),
        case("comments", "# by X\na,b\n#1\n1,1.5\n2,2.5\n", one().comment("#"), Ok(table)),
        case(
            "comments without the option",
            "a,b\n1,2\n# why\n3,4\n",
            one(),
            Err("line 3: it has 1 cells instead of 2; if it is a comment, set `comment = \"#\"`"),
        ),
    ]
}

fn names() -> Vec<Case> {
    vec![
        case(
            "titles",
            "Sales of May,,\nby Ada,,\n\nitem,n,x\ntea,1,2\nrum,3,4\n",
            one(),
            Ok("item Utf8, n Int64, x Int64 | tea, 1, 2 | rum, 3, 4"),
        ),
        case(
            "titles without delimiters",
            "Sales of May\n\nitem,n\ntea,1\nrum,3\n",
            one(),
            Ok("item Utf8, n Int64 | tea, 1 | rum, 3"),
        ),
        case(
            "skipped lines",
            "x,y\nitem,n\ntea,1\n",
            one().skip_lines(1),
            Ok("item Utf8, n Int64 | tea, 1"),
        ),
        case(
            "no names",
            "tea,1\nrum,2\n",
            one(),
            Err("set `header_rows = 0` if the file has no names"),
        ),
        case(
            "no names, given",
            "tea,1\nrum,2\n",
            one().header_rows(0),
            Ok("column_1 Utf8, column_2 Int64 | tea, 1 | rum, 2"),
        ),
        case(
            "years as names",
            "2023,2024\n1,2\n",
            one().header_rows(1),
            Ok("2023 Int64, 2024 Int64 | 1, 2"),
        ),
        case(
            "two lines of names",
            "2023,2023,2024\nQ1,Q2,Q1\n1,2,3\n",
            one().header_rows(2),
            Ok("2023 Q1 Int64, 2023 Q2 Int64, 2024 Q1 Int64 | 1, 2, 3"),
        ),
        case(
            "a column without a name",
            ",a,b\nx,1,2\ny,3,4\n",
            one(),
            Ok("column_1 Utf8, a Int64, b Int64 | x, 1, 2 | y, 3, 4"),
        ),
        case(
            "names for all columns but one",
            "a,b\nx,1,2\ny,3,4\n",
            one().delimiter(','),
            Err("line 2 should have the names of the columns"),
        ),
        case("duplicate names", "a,b,a\n1,2,3\n", one(), Err("columns 1 and 3 are called `a`")),
        case(
            "duplicate names, numbered",
            "a,b,a\n1,2,3\n",
            one().number_duplicates(true),
            Ok("a Int64, b Int64, a_2 Int64 | 1, 2, 3"),
        ),
        case(
            "names that repeat",
            "a,b\n1,2\na,b\n3,4\n",
            one(),
            Ok("a Int64, b Int64 | 1, 2 | 3, 4"),
        ),
        case(
            "names in snake case",
            "Unit price (EUR),itemNo\n1,2\n",
            one().snake_case(true).rename([("item_no", "item")]),
            Ok("unit_price_eur Int64, item Int64 | 1, 2"),
        ),
        case("names without rows", "a,b\n", one(), Ok("a Null, b Null")),
    ]
}

fn values() -> Vec<Case> {
    let floats = |name: &'static str| one().schema(schema(&[(name, DataType::Float64)]));
    let days = || one().schema(schema(&[("day", DataType::Date32)]));
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let mut cases = vec![
        case(
            "decimal commas",
            "a;b\n1,5;2\n3,25;4\n",
            one().decimal(','),
            Ok("a Float64, b Int64 | 1.5, 2 | 3.25, 4"),
        ),
        case(
            "decimal commas and points of thousands",
            "n;x\n1.234;1.234,50\n12;-0,5\n",
            one().decimal(',').thousands('.'),
            Ok("n Int64, x Float64 | 1234, 1234.5 | 12, -0.5"),
        ),
        case(
            "no-break spaces of thousands",
            "n\tx\n1\u{a0}234\ta\n5\tb\n",
            one().thousands(' '),
            Ok("n Int64, x Utf8 | 1234, a | 5, b"),
        ),
        case(
            "Swiss apostrophes",
            "n;x\n1’234.5;a\n2'000;b\n",
            one().thousands('\''),
            Ok("n Float64, x Utf8 | 1234.5, a | 2000.0, b"),
        ),
        case(
            "a notation that is not given",
            "n;x\n1.234,5;a\n2;b\n",
            floats("n"),
            Err("\"1.234,5\" is not a number; with `decimal = ',', thousands = '.'` it is 1234.5"),
        ),
        case(
            "a point where the mark is a comma",
            "n;x\n1,5;a\n2.5;b\n",
            floats("n").decimal(','),
            Err("line 3: column `n`: \"2.5\" is not a number"),
        ),
        case(
            "a number with a unit",
            "n;x\n5 kg;a\n",
            floats("n"),
            Err("line 2: column `n`: \"5 kg\" is not a number"),
        ),
        case(
            "identifiers with zeros",
            "zip,n\n01234,1\n99999,2\n",
            one(),
            Ok("zip Utf8, n Int64 | 01234, 1 | 99999, 2"),
        ),
        case(
            "dates of several formats",
            "day,n\n31.12.2024,1\n2024-12-30,2\n12/29/2024,3\n",
            one().dates(["%d.%m.%Y", "%m/%d/%Y"]),
            Ok("day Date32, n Int64 | 2024-12-31, 1 | 2024-12-30, 2 | 2024-12-29, 3"),
        ),
        case(
            "a date of two formats",
            "day,n\n03/02/2024,1\n",
            days().dates(["%d/%m/%Y", "%m/%d/%Y"]),
            Err("\"03/02/2024\" is 2024-02-03 by the format `%d/%m/%Y`, and 2024-03-02 by"),
        ),
        case(
            "a day that does not exist",
            "day,n\n31.02.2024,1\n",
            days().dates(["%d.%m.%Y"]),
            Err("line 2: column `day`: \"31.02.2024\" is no Date32"),
        ),
        case(
            "null words",
            "n,x\nNA,1\n2,-\n",
            one().nulls(["NA", "-"]),
            Ok("n Int64, x Int64 | null, 1 | 2, null"),
        ),
        case(
            "a null word that is not given",
            "n,x\nNA,a\n2,b\n",
            floats("n"),
            Err("\"NA\" is not a number; if it stands for null, set `nulls = [\"NA\"]`"),
        ),
        case(
            "words for booleans",
            "ok,n\nJa,1\nnein,2\n",
            one().booleans(("ja", "nein")),
            Ok("ok Boolean, n Int64 | true, 1 | false, 2"),
        ),
        case(
            "a column that the schema names in another way",
            "Price,n\n1,2\n",
            floats("price"),
            Err("there is no column `price`, which the schema has: did you mean `Price`?"),
        ),
    ];
    let expected = format!("at {micros}, n Int64 | 2024-02-29T12:30:00, 1");
    let target = one().dates(["%d.%m.%Y %H:%M"]);
    cases.push(("times", b"at,n\n29.02.2024 12:30,1\n".to_vec(), target, Ok(expected)));
    cases
}

#[test]
fn each_messy_file_is_the_right_table_or_refused_in_words() {
    let cases: Vec<Case> = [encodings(), lines(), names(), values()].concat();
    assert!(cases.len() >= 40, "{}", cases.len());
    for (name, bytes, target, expected) in cases {
        match (read(&target, &bytes), expected) {
            (Ok(table), Ok(expected)) => assert_eq!(table, expected, "{name}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{name}: {error}"),
            (found, expected) => panic!("{name}: {found:?} instead of {expected:?}"),
        }
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Sale {
    day: Date,
    /// A version looks like a number, and stays as it is.
    version: String,
    amount: Option<f64>,
    paid: bool,
}

const SALES: &str = "day;version;amount;paid;note\n31.12.2024;1.10;1.234,5;yes;\n\
                     2024-12-30;2;;NO;x\n30.2.2024;3;1;yes;\n1.1.2024;4;1.5;yes;\n;5;1;yes;\n";

#[test]
fn the_fields_of_rows_decide_what_is_converted() {
    let target = <MessyCsv<Vec<Sale>>>::default()
        .dates(["%d.%m.%Y"])
        .decimal(',')
        .thousands('.')
        .booleans(("yes", "no"))
        .max_rejected(3);
    let sales = value(&target, SALES.as_bytes()).unwrap();
    let sale = |day: &str, version: &str, amount, paid| Sale {
        day: day.parse().unwrap(),
        version: version.to_owned(),
        amount,
        paid,
    };
    let expected =
        [sale("2024-12-31", "1.10", Some(1234.5), true), sale("2024-12-30", "2", None, false)];
    assert_eq!(*sales, expected);
    let reasons: Vec<_> =
        sales.rejected().iter().map(|row| (row.line, row.reason.as_str())).collect();
    assert_eq!(reasons.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5, 6]);
    assert!(reasons[0].1.starts_with("column `day`: "), "{reasons:?}");
    assert!(reasons[1].1.starts_with("column `amount`: \"1.5\" is not a number"), "{reasons:?}");
    assert_eq!(reasons[2].1, "column `day`: it is empty, and the field is no `Option`");
    assert_eq!(sales.rejected()[1].text, "1.1.2024;4;1.5;yes;");
}

#[test]
fn too_many_rejected_rows_are_an_error_that_lists_the_first() {
    let target = <MessyCsv<Vec<Sale>>>::default().max_rejected(1);
    let error = format!("{:#}", value(&target, SALES.as_bytes()).unwrap_err());
    assert!(error.contains(": 5 of 5 rows are rejected: line 2: column `day`: "), "{error}");
    assert!(
        error.ends_with("; and 2 more; to keep rejected rows aside, set `max_rejected = 5`"),
        "{error}"
    );
    let target = <MessyCsv<Vec<Sale>>>::default();
    let error = format!("{:#}", value(&target, b"day;version;Amount;paid\n").unwrap_err());
    assert!(error.contains("there is no column `amount`"), "{error}");
    assert!(error.contains("did you mean `Amount`?"), "{error}");
}

#[test]
fn the_report_says_what_was_done() {
    let file = "\u{feff}Title\n\nn;x;\nNA;1;\n2;5;\nn;x;\n";
    let table = value(&one(), file.as_bytes()).unwrap();
    assert_eq!(shown(&table), "n Utf8, x Int64 | NA, 1 | 2, 5");
    let report = table.report();
    assert_eq!((report.rows, report.rejected), (2, 0));
    let part = &report.files[0];
    assert_eq!((part.encoding.as_deref(), part.delimiter), (Some("UTF-8"), Some(';')));
    assert_eq!(part.header_line, Some(3));
    assert_eq!(part.columns, ["n", "x"]);
    assert_eq!(
        part.steps,
        [
            "the byte order mark is skipped",
            "a blank line is skipped",
            "a column without a name and without values is left out",
            "a line above the table is skipped",
            "a line repeats the names of the columns, and is skipped",
        ]
    );
    assert_eq!(
        report.notes,
        [
            "column `n` is text because of \"NA\"; if that stands for null, set `nulls = [\"NA\"]`, and it \
          is Int64"
        ]
    );
    let json = serde_json::to_string(report).unwrap();
    assert_eq!(serde_json::from_str::<flow_targets::CleaningReport>(&json).unwrap(), *report);
    assert!(report.to_string().starts_with("2 rows, 0 rejected\n"), "{report}");
}

#[test]
fn files_with_other_columns_become_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let paths = [
        write("2022.csv", "item,price\ntea,1.5\n"),
        write("2023.csv", "Price;Item;Stock\n2.5;rum;7\n"),
        write("2024.csv", "item\tprice\tstock\nice\t3\tmany\n"),
    ];
    let target = one().snake_case(true).file_column("file");
    let table = target.read_all(&paths).unwrap();
    assert_eq!(
        shown(&table),
        "item Utf8, price Float64, stock Utf8, file Utf8 | tea, 1.5, null, 2022.csv \
         | rum, 2.5, 7, 2023.csv | ice, 3.0, many, 2024.csv"
    );
    let steps = &table.report().files[0].steps;
    assert_eq!(*steps, ["column `stock` is missing, and null in all rows"]);

    let fields = [("stock", DataType::Int64), ("file", DataType::Utf8)];
    let typed = target.clone().schema(schema(&fields));
    let error = format!("{:#}", typed.read_all(&paths).unwrap_err());
    let expected = "cannot read 3 files as CSV: 1 of 3 rows is rejected: 2024.csv, line 2: column `stock`: \
                    \"many\" is not a number";
    assert!(error.starts_with(expected), "{error}");
    let kept = typed.max_rejected(1).read_all(&paths).unwrap();
    assert_eq!(shown(&kept), "stock Int64, file Utf8 | null, 2022.csv | 7, 2023.csv");

    let none: [&str; 0] = [];
    let error = one().read_all(none).unwrap_err().to_string();
    assert_eq!(error, "there are no files to read");
}

#[test]
fn files_of_one_name_in_several_folders_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let write = |folder_of_file: &str, content: &str| {
        let at = folder.path().join(folder_of_file);
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("sales.csv"), content).unwrap();
        at.join("sales.csv")
    };
    let paths = [
        write("2024/may", "item,price\ntea,1.5\nrum,many\n"),
        write("2024/june", "item,price\nice,much\n"),
    ];
    let schema = schema(&[("price", DataType::Float64), ("file", DataType::Utf8)]);
    let target = one().schema(schema).file_column("file");

    let error = format!("{:#}", target.read_all(&paths).unwrap_err());
    assert!(error.contains("may/sales.csv, line 3: column `price`"), "{error}");
    assert!(error.contains("june/sales.csv, line 2: column `price`"), "{error}");

    let table = target.max_rejected(2).read_all(&paths).unwrap();
    assert_eq!(shown(&table), "price Float64, file Utf8 | 1.5, may/sales.csv");
    let files: Vec<_> = table.report().files.iter().map(|file| file.file.as_str()).collect();
    assert_eq!(files, ["may/sales.csv", "june/sales.csv"]);
    // Rejected rows are in the order of the files that were given.
    let rejected: Vec<_> =
        table.rejected().iter().map(|row| (row.file.as_str(), row.line)).collect();
    assert_eq!(rejected, [("may/sales.csv", 3), ("june/sales.csv", 2)]);
}

#[test]
fn the_target_only_reads() {
    let error = one().check_type().unwrap_err().to_string();
    assert!(error.starts_with("`MessyCsv` only reads files of other programs"), "{error}");
}

#[test]
fn a_schema_may_forbid_nulls() {
    let fields =
        vec![Field::new("a", DataType::Int64, false), Field::new("b", DataType::Utf8, true)];
    let target = one().schema(Arc::new(Schema::new(fields))).max_rejected(1);
    let table = value(&target, b"a,b\n1,\n,x\n2,y\n").unwrap();
    assert_eq!(shown(&table), "a Int64, b Utf8 | 1, null | 2, y");
    let reasons: Vec<_> = table.rejected().iter().map(ToString::to_string).collect();
    assert_eq!(reasons, ["line 3: column `a`: it is null, which the schema does not allow"]);
    assert!(!table.schema().field(0).is_nullable());
}
