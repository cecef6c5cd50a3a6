//! The scanner finds the same cells wherever a chunk ends.

use std::io::{self, Cursor, Read};

use super::line::find_any;
use super::*;
use crate::csv::cell::CellKind;

/// A reader that returns at most `most` bytes at a time.
struct Sips {
    bytes: Cursor<Vec<u8>>,
    most: usize,
}

impl Read for Sips {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(buffer.len());
        self.bytes.read(&mut buffer[..most])
    }
}

type Lines = Vec<(usize, Vec<(String, CellKind)>)>;

struct Way {
    chunk: usize,
    sip: usize,
    lines: usize,
}

const WHOLE: Way = Way { chunk: CHUNK, sip: usize::MAX, lines: usize::MAX };

fn grammar() -> Grammar {
    Grammar {
        delimiter: b',',
        null: String::new(),
        final_newline: true,
        max_line: usize::MAX,
        max_columns: usize::MAX,
    }
}

/// Returns all lines with their numbers, and the error of the next line.
fn scanned(text: &[u8], grammar: &Grammar, way: &Way) -> (Lines, Option<String>) {
    let source = Sips { bytes: Cursor::new(text.to_vec()), most: way.sip };
    let mut scanner = Scanner::new(Box::new(source), grammar.clone(), way.chunk).unwrap();
    let mut lines = Vec::new();
    loop {
        match scanner.block(way.lines) {
            Ok(Some(block)) => {
                assert!((1..=way.lines).contains(&block.rows()));
                for row in 0..block.rows() {
                    let cells = block.row(row).map(|cell| (cell.text.into_owned(), cell.kind));
                    lines.push((block.line(row, 0), cells.collect()));
                }
            }
            Ok(None) => return (lines, None),
            Err(error) => return (lines, Some(format!("{error:#}"))),
        }
    }
}

fn ways() -> impl Iterator<Item = Way> {
    let way = |chunk| {
        [1, 3, usize::MAX]
            .into_iter()
            .flat_map(move |sip| [1, 2, usize::MAX].map(|lines| Way { chunk, sip, lines }))
    };
    (1..40).chain([64, 100, 1000]).flat_map(way)
}

const TRICKY: &str = "\u{feff}name,\"a \"\"b\"\"\"\r\n\
    Zürich 🌲,\"two\r\nlines, \"\"東京\"\"\n\"\n\
    \"\",\r\n\
    ,\"\"\"\"\n\
    a\"b,'c'\r\n\
    \"🌲,\n\n\",a much longer cell — so that it spans several chunks 🌲🌲🌲\n\
    \u{feff}x,\r\
    \"a\r\rb\",y\r\
    last,\"z\"\r";

#[test]
fn cells_are_the_same_wherever_a_chunk_ends() {
    let (lines, wrong) = scanned(TRICKY.as_bytes(), &grammar(), &WHOLE);
    assert_eq!(wrong, None);
    let numbers: Vec<usize> = lines.iter().map(|line| line.0).collect();
    assert_eq!(numbers, [1, 2, 5, 6, 7, 8, 11, 12, 15]);
    let cell = |row: usize, column: usize| {
        let (text, kind) = &lines[row].1[column];
        (text.as_str(), *kind)
    };
    assert_eq!(cell(0, 0), ("name", CellKind::Bare));
    assert_eq!(cell(0, 1), ("a \"b\"", CellKind::Quoted));
    assert_eq!(cell(1, 1), ("two\r\nlines, \"東京\"\n", CellKind::Quoted));
    assert_eq!((cell(2, 0), cell(2, 1)), (("", CellKind::Quoted), ("", CellKind::Null)));
    assert_eq!((cell(3, 0), cell(3, 1)), (("", CellKind::Null), ("\"", CellKind::Quoted)));
    assert_eq!((cell(4, 0), cell(4, 1)), (("a\"b", CellKind::Bare), ("'c'", CellKind::Bare)));
    assert_eq!((cell(6, 1), cell(7, 0)), (("", CellKind::Null), ("a\r\rb", CellKind::Quoted)));
    assert_eq!(cell(8, 1), ("z", CellKind::Quoted));
    for way in ways() {
        assert_eq!(scanned(TRICKY.as_bytes(), &grammar(), &way), (lines.clone(), None));
    }
}

#[test]
fn mistakes_are_the_same_wherever_a_chunk_ends() {
    for (text, good, expected) in [
        (&b"a,b\n1,2\n3\n4,5\n"[..], 2, "line 3 has 1 cells instead of 2"),
        (b"a\n\"x\n\ny\"z\n", 1, "line 4: text follows a closing quote"),
        (b"a\r\"x\"\ry,z\r", 2, "line 3 has 2 cells instead of 1"),
        (b"a,b\r\n1,2\r\r\n3,4\r\r\n", 1, "line 2 ends in `\\r\\r\\n`"),
        (b"a,b\n1,\"2\"\r\r\n", 1, "line 2 ends in `\\r\\r\\n`"),
        (b"a\n1\n\"x\n\n\"\"", 2, "line 3: a quote is not closed, so the file was cut off"),
        (b"a\n\"x\n\"", 1, "line 3 does not end"),
        (b"a,b\n1,2\n3,", 2, "line 3 does not end"),
    ] {
        for way in [WHOLE].into_iter().chain(ways()) {
            let (lines, wrong) = scanned(text, &grammar(), &way);
            let wrong = wrong.expect("it is malformed");
            assert!(wrong.starts_with(expected), "{wrong}");
            assert_eq!(lines.len(), good);
        }
    }
    let way = Way { lines: 1, ..WHOLE };
    let (lines, wrong) = scanned(b"a\n\"b\nc\"\n\xf0\x9f\n", &grammar(), &way);
    assert_eq!((lines.len(), wrong.as_deref()), (2, Some("line 4 is no UTF-8 text")));
}

#[test]
fn a_last_line_without_an_end_is_taken_if_that_is_wished() {
    let open = Grammar { final_newline: false, ..grammar() };
    for (text, last) in [
        ("a,b\n1,2\n3,", ["3", ""]),
        ("a,b\n1,2\n3,\"\"", ["3", ""]),
        ("a,b\r1,2\r\"3\",4", ["3", "4"]),
        ("a,b\n1,2\r\"3\",4\r", ["3", "4"]),
        ("a,b\n1,2\n3,\"4\"\r\n", ["3", "4"]),
    ] {
        for way in [WHOLE].into_iter().chain(ways()) {
            let (lines, wrong) = scanned(text.as_bytes(), &open, &way);
            assert_eq!((lines.len(), wrong), (3, None));
            let cells: Vec<&str> = lines[2].1.iter().map(|cell| cell.0.as_str()).collect();
            assert_eq!(cells, last);
        }
    }
}

#[test]
fn the_buffer_is_no_longer_than_the_longest_line_needs() {
    let line = format!("{},\"{}\"\n", "x".repeat(1000), "y\n".repeat(500));
    let source = Sips { bytes: Cursor::new(line.repeat(1000).into_bytes()), most: 77 };
    let mut scanner = Scanner::new(Box::new(source), grammar(), 64).unwrap();
    let mut rows = 0;
    while let Some(block) = scanner.block(usize::MAX).unwrap() {
        rows += block.rows();
    }
    assert_eq!(rows, 1000);
    assert!(scanner.buffer.len() <= 4 * line.len(), "{}", scanner.buffer.len());
}

#[test]
fn the_nearest_of_some_bytes_is_found() {
    let bytes: Vec<u8> =
        (0..=255).chain([b',' + 1, b',', b'\n', b'\n' + 1]).cycle().take(3000).collect();
    for start in 0..bytes.len() {
        for end in [start, start + 1, start + 7, start + 8, start + 300] {
            let part = &bytes[..end.min(bytes.len())];
            let expected = part[start..].iter().position(|byte| matches!(byte, b',' | b'\n'));
            assert_eq!(find_any(part, start, [b',', b'\n']), expected.map(|i| start + i));
            let expected = part[start..].iter().position(|byte| b",\n\r".contains(byte));
            assert_eq!(find_any(part, start, [b',', b'\n', b'\r']), expected.map(|i| start + i));
        }
    }
}

#[test]
fn lines_end_in_a_line_feed_a_carriage_return_or_both() {
    let expected = scanned(b"a,b\n1,\"x\ny\"\n,2\n", &grammar(), &WHOLE);
    assert_eq!(expected.0.len(), 3);
    for ends in [["\n"; 3], ["\r"; 3], ["\r\n"; 3], ["\r", "\n", "\r\n"], ["\n", "\r\n", "\r"]] {
        let text = format!("a,b{}1,\"x\ny\"{},2{}", ends[0], ends[1], ends[2]);
        for way in [WHOLE].into_iter().chain(ways()) {
            assert_eq!(scanned(text.as_bytes(), &grammar(), &way), expected, "{text:?}");
        }
    }
}

#[test]
fn a_line_or_its_cells_beyond_the_limit_are_an_error() {
    let short = Grammar { max_line: 20, max_columns: 3, ..grammar() };
    for (text, good, expected) in [
        (
            &b"a,b\nc,dddddddddddddddddddddddddddddddd\n"[..],
            1,
            "line 2 is longer than 20 bytes; if",
        ),
        (
            b"a,b\nc,\"d\n\n, and so on to the end of the file, wherever that is\n",
            1,
            "line 2 is longer than 20 bytes, in",
        ),
        (b"a,b,c\n1,2,3\n1,2,3,4\n", 2, "line 3 has more than 3 cells"),
        (b"a,b,c,d\n1,2,3,4\n", 0, "line 1 has more than 3 cells"),
    ] {
        // The scanner may find the error before it has read the end of the line.
        let (lines, wrong) = scanned(text, &short, &Way { chunk: 8, ..WHOLE });
        let wrong = wrong.expect("it is beyond a limit");
        assert!(wrong.starts_with(expected), "{wrong}");
        assert!(wrong.contains("the target's option `max_"), "{wrong}");
        assert_eq!(lines.len(), good);
    }
    assert_eq!(scanned(b"a,b,c\n1,2,345678901234567\n", &short, &WHOLE).1, None);
}
