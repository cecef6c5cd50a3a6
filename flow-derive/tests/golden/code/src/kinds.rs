//! Types and traits.

use std::fmt;

pub trait Model: Send + 'static {
    const NAME: &'static str = "model";

    fn fit(&self, xs: &[f64]) -> f64 {
        average(xs) + self.offset()
    }

    fn offset(&self) -> f64 {
        0.25
    }
}

pub struct Mean;

impl Model for Mean {}

#[derive(Clone, PartialEq)]
pub struct Line {
    pub x: f64,
}

impl Model for Line {
    fn offset(&self) -> f64 {
        -self.x
    }
}

impl Drop for Mean {
    fn drop(&mut self) {
        dropped()
    }
}

fn dropped() {}

fn average(xs: &[f64]) -> f64 {
    xs.iter().sum::<f64>() / xs.len() as f64
}

pub fn fit_all(models: &[Box<dyn Model>]) -> Vec<f64> {
    models.iter().map(|model| model.fit(&[1., 2.5])).collect()
}

#[derive(Debug)]
#[non_exhaustive]
pub enum Shape {
    Circle(f64),
    Square { side: f64 },
    r#Nothing,
}

impl Shape {
    const TAU: f64 = 6.283_185;

    pub fn area(&self) -> f64 {
        match *self {
            Self::Circle(radius @ (0.0 | 1.0)) => radius,
            Self::Circle(radius) => Self::TAU / 2f64 * radius.powi(2),
            Self::Square { side } => side * side,
            Self::Nothing => 0.0,
        }
    }

    pub fn nobody_calls_it(&self) {}
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a "shape""#)
    }
}

#[repr(C)]
pub union Bits {
    float: f64,
    whole: u64,
}

impl Bits {
    pub const fn of(float: f64) -> u64 {
        let bits = Bits { float };
        unsafe { bits.whole }
    }
}
