//! Bands: parts of an axis of equal width, for words and for numbers in groups.

use std::collections::BTreeSet;

use super::Values;
use super::scale::Scale;
use crate::text;

/// The number of groups of numbers that have too many different values.
const GROUPS: usize = 12;

/// The bands of a variable, and the band of each value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bands {
    /// The text of each band, in order.
    pub(super) labels: Vec<String>,
    /// The band of each value; `None` for a value that is missing, is not finite, or has no band.
    pub(super) of: Vec<Option<usize>>,
}

impl Bands {
    /// Returns at most `most` bands: one for each value or, if there are too many numbers, one for each group of them. Of too
    /// many words, the first ones of the alphabet have a band.
    pub(super) fn of(values: &Values, most: usize) -> Self {
        match values {
            Values::Words(words) => {
                let distinct: BTreeSet<&str> = words.iter().flatten().map(String::as_str).collect();
                let labels: Vec<&str> = distinct.into_iter().take(most).collect();
                let band = |word: &Option<String>| labels.binary_search(&word.as_deref()?).ok();
                let of = words.iter().map(band).collect();
                Self { labels: labels.into_iter().map(str::to_owned).collect(), of }
            }
            Values::Numbers(numbers) => of_numbers(numbers, most),
        }
    }
}

fn of_numbers(numbers: &[Option<f64>], most: usize) -> Bands {
    let mut distinct: Vec<f64> =
        numbers.iter().flatten().copied().filter(|number| number.is_finite()).collect();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    if distinct.len() <= most {
        let labels = distinct.iter().copied().map(text::exact_number).collect();
        // 0 and -0 are one value.
        let band = |number: &Option<f64>| distinct.iter().position(|one| Some(*one) == *number);
        return Bands { labels, of: numbers.iter().map(band).collect() };
    }
    let groups = GROUPS.min(most).max(1);
    let Some(scale) = Scale::of(distinct.iter().copied()) else {
        return Bands { labels: Vec::new(), of: vec![None; numbers.len()] };
    };
    let edge = |group: usize| text::number(scale.value(group as f64 / groups as f64));
    let labels = (0..groups).map(|group| format!("{}–{}", edge(group), edge(group + 1))).collect();
    let band = |number: &Option<f64>| {
        let fraction = scale.fraction((*number)?)?;
        Some(((fraction * groups as f64) as usize).min(groups - 1))
    };
    Bands { labels, of: numbers.iter().map(band).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_a_band() {
        let words = ["gbm", "ols", "gbm"].map(|word| Some(word.to_owned()));
        let words = words.into_iter().chain([None]).collect();
        let bands = Bands::of(&Values::Words(words), 5);
        assert_eq!(bands.labels, ["gbm", "ols"]);
        assert_eq!(bands.of, [Some(0), Some(1), Some(0), None]);
        let numbers = vec![Some(10.0), Some(0.1), Some(-0.0), Some(0.0), Some(f64::NAN), None];
        let bands = Bands::of(&Values::Numbers(numbers), 5);
        assert_eq!(bands.labels, ["0", "0.1", "10"]);
        assert_eq!(bands.of, [Some(2), Some(1), Some(0), Some(0), None, None]);
    }

    #[test]
    fn too_many_values_are_grouped_or_left_out() {
        let numbers = (0..=120).map(|number| Some(f64::from(number))).collect();
        let bands = Bands::of(&Values::Numbers(numbers), 24);
        assert_eq!((bands.labels.len(), bands.labels[0].as_str()), (12, "0–10"));
        assert_eq!((bands.of[0], bands.of[15], bands.of[120]), (Some(0), Some(1), Some(11)));
        let words = (0..10).map(|word| Some(format!("w{word}"))).collect();
        let bands = Bands::of(&Values::Words(words), 3);
        assert_eq!((bands.labels.len(), bands.of[2], bands.of[3]), (3, Some(2), None));
    }
}
