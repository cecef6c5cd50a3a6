//! Constants, statics and what is in them.

use std::sync::LazyLock;

pub const LIMIT: usize = 1 << 4;

/// A table of functions.
pub static TABLE: [fn(f64) -> Option<f64>; 2] = [first, |x| second(x).ok()];

fn first(x: f64) -> Option<f64> {
    (x != 13.0).then_some(x + *SHIFT)
}

fn second(x: f64) -> Result<f64, &'static str> {
    let text = "back\
                slash \u{1F980} \"";
    if x.is_nan() { Err(text) } else { Ok(x) }
}

static SHIFT: LazyLock<f64> = LazyLock::new(|| shift());

fn shift() -> f64 {
    let [a, .., b] = [1_u8, 2, 3] else { unreachable!() };
    f64::from(a | b) + LETTERS.len() as f64 + f64::from(b'\n') + f64::from('ß' as u32)
}

const LETTERS: &[u8] = br##"raw "# bytes"##;

pub fn closure() -> impl Fn(f64) -> usize {
    const { assert!(LIMIT > 0) };
    move |x: f64| -> usize { if x >= 0.0 { LIMIT } else { c"nul".count_bytes() } }
}

/// # Safety
///
/// None.
pub unsafe fn raw() -> f64 {
    unsafe { sine(0.0) }
}

unsafe extern "C" {
    #[link_name = "sin"]
    safe fn sine(x: f64) -> f64;
}

#[cfg(feature = "slow")]
pub async fn nobody_waits() -> u8 {
    async { 1 }.await
}
