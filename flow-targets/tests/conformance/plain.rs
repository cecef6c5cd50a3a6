//! The `Text` and `Bytes` targets.

use flow_targets::{Bytes, Text};

use crate::harness::{complaint, conforms};

#[test]
fn text_survives_a_round_trip() {
    for text in ["", "x", "a\0b", "größer\r\n", "😀\u{feff}", &"long ".repeat(100_000)] {
        conforms(&Text::default(), &text.to_owned());
    }
}

#[test]
fn invalid_utf8_is_an_error() {
    assert!(complaint(&Text::default(), b"\xff\xfe").contains("invalid utf-8"));
}

#[test]
fn bytes_survive_a_round_trip() {
    let all: Vec<u8> = (0..=255).collect();
    for bytes in [&[][..], &[0], &all, &all.repeat(1_000)] {
        conforms(&Bytes::default(), &bytes.to_vec());
    }
}
