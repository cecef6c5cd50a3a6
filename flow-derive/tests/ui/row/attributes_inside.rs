use flow::prelude::*;

#[derive(Row, Serialize, Deserialize)]
struct Moment(#[row(unit = "us")] flow::jiff::Timestamp);

#[derive(Row, Serialize, Deserialize)]
struct Raw(#[serde(with = "serde_bytes")] Vec<u8>);

fn main() {}
