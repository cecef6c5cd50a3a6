//! Dates as numbers of days since 1970-01-01, in the proleptic Gregorian calendar.
//!
//! The algorithms count years from March, so that a leap day is the last day of its year: see
//! [chrono-Compatible Low-Level Date Algorithms](https://howardhinnant.github.io/date_algorithms.html).

/// The days of 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;

/// The days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// Returns the days from 1970-01-01 to a date.
pub(super) fn days(year: i16, month: i8, day: i8) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA + day_of_era - EPOCH
}

/// Returns the year, the month and the day of the date so many days after 1970-01-01.
pub(super) fn date(days: i64) -> (i64, i8, i8) {
    let days = days + EPOCH;
    let era = days.div_euclid(ERA);
    let day_of_era = days.rem_euclid(ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, small(month), small(day))
}

/// Returns a month or a day, which is at most 31.
fn small(value: i64) -> i8 {
    i8::try_from(value).unwrap_or(i8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2024, 2, 29), 19_782);
        assert_eq!(days(1900, 1, 1), -25_567);
        assert_eq!(date(-25_567), (1900, 1, 1));
    }

    #[test]
    fn each_day_comes_back_and_follows_the_day_before() {
        let first = days(-9999, 1, 1);
        let last = days(9999, 12, 31);
        assert_eq!(last - first + 1, 7_304_484);
        for day in (first..=last).step_by(13) {
            let (year, month, of_month) = date(day);
            let year = i16::try_from(year).expect("a year of four digits");
            assert_eq!(days(year, month, of_month), day);
            let same = flow_core::jiff::civil::Date::new(year, month, of_month).expect("a date");
            let since = same.duration_since(flow_core::jiff::civil::date(1970, 1, 1));
            assert_eq!(since.as_hours(), day * 24);
        }
    }
}
