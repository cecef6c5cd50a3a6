use flow::prelude::*;

#[derive(Row, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
}

fn main() {}
