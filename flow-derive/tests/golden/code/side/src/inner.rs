//! What the library brings to its surface.

pub fn deep(x: f64) -> f64 {
    crate::WIDTH as f64 * scaled(x)
}

fn scaled(x: f64) -> f64 {
    x / 2.
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Wide {
    pub x: [f64; super::WIDTH],
}

impl std::ops::Add for Wide {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let mut sum = self;
        for (a, b) in sum.x.iter_mut().zip(other.x) {
            *a += b;
        }
        sum
    }
}
