//! Number formats, which determine whether a number is a date, a time of day or a duration.
//!
//! The codes are those of
//! [ECMA-376, part 1, 18.8.31](https://www.ecma-international.org/publications-and-standards/standards/ecma-376/):
//! up to four sections separated by `;`. A condition such as `[<1]`, or the sign of the number,
//! selects a section. Quoted text, escaped characters, colors and locales (`[Red]`, `[$-de-DE]`) do
//! not affect the kind of the number.
//!
//! `calamine` classifies formats too, but by the first section alone, and does not distinguish
//! times from dates.

use super::cell::Form;

/// The ids of built-in formats whose codes depend on Excel's language: East Asian dates and times.
const LOCAL: [std::ops::RangeInclusive<u32>; 2] = [27..=36, 50..=58];

/// A number format of a workbook.
#[derive(Clone, Debug)]
pub(super) struct NumberFormat {
    code: String,
    sections: Vec<Section>,
    /// Whether its id is in [`LOCAL`].
    local: bool,
}

/// A section of a format's code.
#[derive(Clone, Debug, Default)]
struct Section {
    condition: Option<Condition>,
    form: Option<Form>,
    /// Whether it shows the digits of a number.
    digits: bool,
}

/// A comparison that selects a section.
#[derive(Clone, Copy, Debug)]
struct Condition {
    operator: Operator,
    limit: f64,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

impl NumberFormat {
    /// Parses a format code of the file.
    pub(super) fn new(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            sections: sections(code).into_iter().map(Section::parse).collect(),
            local: false,
        }
    }

    /// Creates a built-in format, for which the file has no code, from Excel's own code.
    pub(super) fn built_in(code: &str, id: u32) -> Self {
        Self { local: LOCAL.iter().any(|range| range.contains(&id)), ..Self::new(code) }
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Returns the part of a time that the format shows of a number, or `None` for a plain number.
    pub(super) fn form(&self, number: f64) -> Option<Form> {
        if self.local {
            // The code depends on Excel's language, so that the number itself decides.
            return Some(match number {
                n if n < 1.0 => Form::Clock,
                n if n.fract() == 0.0 => Form::Date,
                _ => Form::Moment,
            });
        }
        let section = self.section(number)?;
        match section.form {
            // Such as `[h]:mm;;"-"`, which shows zero as a text.
            None if !section.digits => self.sections.first()?.form,
            form => form,
        }
    }

    /// Returns the section for a number.
    fn section(&self, number: f64) -> Option<&Section> {
        let numeric = &self.sections[..self.sections.len().min(3)];
        if numeric.iter().any(|section| section.condition.is_some()) {
            let fits = |section: &&Section| section.condition.is_none_or(|is| is.holds(number));
            return numeric.iter().find(fits).or(numeric.first());
        }
        match numeric {
            [_, negative, ..] if number < 0.0 => Some(negative),
            [_, _, zero] if number == 0.0 => Some(zero),
            [first, ..] => Some(first),
            [] => None,
        }
    }
}

impl Default for NumberFormat {
    /// The format of cells without a format.
    fn default() -> Self {
        Self::new("General")
    }
}

impl Condition {
    /// Parses the text between brackets, if it is a condition.
    fn parse(text: &str) -> Option<Self> {
        let (operator, limit) = [
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<>", Operator::NotEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
            ("=", Operator::Equal),
        ]
        .into_iter()
        .find_map(|(sign, operator)| Some((operator, text.strip_prefix(sign)?)))?;
        Some(Self { operator, limit: limit.trim().parse().ok()? })
    }

    #[expect(clippy::float_cmp, reason = "the condition asks for exactly that number")]
    fn holds(self, number: f64) -> bool {
        match self.operator {
            Operator::Less => number < self.limit,
            Operator::LessOrEqual => number <= self.limit,
            Operator::Equal => number == self.limit,
            Operator::NotEqual => number != self.limit,
            Operator::GreaterOrEqual => number >= self.limit,
            Operator::Greater => number > self.limit,
        }
    }
}

/// Splits a code into sections, at each `;` outside of texts.
fn sections(code: &str) -> Vec<&str> {
    let (mut sections, mut start) = (Vec::new(), 0);
    let (mut quoted, mut literal, mut bracket) = (false, false, false);
    for (at, c) in code.char_indices() {
        if std::mem::take(&mut literal) {
            continue;
        }
        match c {
            '"' if !bracket => quoted = !quoted,
            _ if quoted => {}
            '[' => bracket = true,
            ']' => bracket = false,
            _ if bracket => {}
            '\\' | '_' | '*' => literal = true,
            ';' => {
                sections.push(&code[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    sections.push(&code[start..]);
    sections
}

/// A placeholder for a part of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Date,
    Hour,
    /// One or two `m`: minutes after hours or before seconds, otherwise a month.
    MonthOrMinute,
    Second,
    Noon,
    /// Hours, minutes or seconds that may exceed a day, an hour or a minute.
    Elapsed,
    Digit,
}

impl Section {
    fn parse(text: &str) -> Self {
        let mut condition = None;
        let mut tokens = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let lower = c.to_ascii_lowercase();
            match lower {
                '"' => drop(rest.by_ref().find(|c| *c == '"')),
                '\\' | '_' | '*' => drop(rest.next()),
                '[' => {
                    let inner: String = rest.by_ref().take_while(|c| *c != ']').collect();
                    condition = condition.or(Condition::parse(&inner));
                    tokens.extend(is_elapsed(&inner).then_some(Token::Elapsed));
                }
                'a' | 'g' => {
                    match [("am/pm", Token::Noon), ("a/p", Token::Noon), ("general", Token::Digit)]
                        .into_iter()
                        .find(|(word, _)| starts_with(c, rest.as_str(), word))
                    {
                        Some((word, token)) => {
                            tokens.push(token);
                            rest.nth(word.len() - 2);
                        }
                        // The era of a Japanese year.
                        None if lower == 'g' => tokens.push(Token::Date),
                        None => {}
                    }
                }
                // The exponent of a number, or the year of an era.
                'e' if rest.as_str().starts_with(['+', '-']) => tokens.push(Token::Digit),
                'y' | 'd' | 'e' | 'b' => tokens.push(Token::Date),
                'h' => tokens.push(Token::Hour),
                's' => tokens.push(Token::Second),
                'm' => {
                    let more = rest.as_str().chars().take_while(|c| matches!(c, 'm' | 'M')).count();
                    tokens.push(if more < 2 { Token::MonthOrMinute } else { Token::Date });
                    rest.by_ref().take(more).for_each(drop);
                }
                '0' | '#' | '?' => tokens.push(Token::Digit),
                _ => {}
            }
        }
        Self { condition, form: form(&tokens), digits: tokens.contains(&Token::Digit) }
    }
}

/// Returns whether `first` and `rest` begin with a word, ignoring case.
fn starts_with(first: char, rest: &str, word: &str) -> bool {
    let mut word = word.chars();
    word.next().is_some_and(|c| c.eq_ignore_ascii_case(&first))
        && rest
            .get(..word.as_str().len())
            .is_some_and(|rest| rest.eq_ignore_ascii_case(word.as_str()))
}

/// Returns whether the text between brackets is hours, minutes or seconds: `[h]`, `[mm]`.
fn is_elapsed(inner: &str) -> bool {
    let inner = inner.to_ascii_lowercase();
    let same = |unit: char| !inner.is_empty() && inner.chars().all(|c| c == unit);
    ['h', 'm', 's'].into_iter().any(same)
}

/// Returns the part of a time that these placeholders show.
fn form(tokens: &[Token]) -> Option<Form> {
    let times: Vec<Token> = tokens.iter().copied().filter(|token| *token != Token::Digit).collect();
    let is_minute = |at: usize| {
        let before = at.checked_sub(1).map(|before| times[before]);
        let after = times.get(at + 1);
        matches!(before, Some(Token::Hour | Token::Elapsed)) || after == Some(&Token::Second)
    };
    let (mut date, mut clock, mut elapsed) = (false, false, false);
    for (at, token) in times.iter().enumerate() {
        match token {
            Token::Elapsed => elapsed = true,
            Token::MonthOrMinute if !is_minute(at) => date = true,
            Token::Date => date = true,
            _ => clock = true,
        }
    }
    match (date, clock, elapsed) {
        (true, false, false) => Some(Form::Date),
        (true, _, _) => Some(Form::Moment),
        (false, _, true) => Some(Form::Span),
        (false, true, false) => Some(Form::Clock),
        (false, false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shows(form: Option<Form>, codes: &[&str]) {
        for code in codes {
            assert_eq!(NumberFormat::new(code).form(1.5), form, "{code}");
        }
    }

    #[test]
    fn codes_show_dates_times_durations_and_numbers() {
        shows(
            Some(Form::Clock),
            &[
                "hh:mm",
                "[$-x-systime]h:mm:ss AM/PM",
                "[$-F400]h:mm:ss AM/PM",
                "[$-de-DE]hh:mm",
                "[Red]hh:mm",
                "[Red][$-en-US]h:mm a/p;@",
                "mm:ss",
                "mmss.0",
                "h \"day\" m",
                "h\\dm",
                "H:MM:SS;@",
            ],
        );
        shows(
            Some(Form::Date),
            &[
                "yyyy-mm-dd",
                "[$-en-US]d-mmm-yy;@",
                "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy",
                "mm",
                "mmm-yy",
                "[$-411]ggge\"年\"m\"月\"d\"日\"",
                "d. mmmm \"um hh:ss\"",
                "[Green]dd.mm.yy_h",
                "e",
            ],
        );
        shows(
            Some(Form::Moment),
            &["yyyy-mm-dd hh:mm", "m/d/yy h:mm", "[$-409]m/d/yy\\ h:mm\\ AM/PM;@", "d hh"],
        );
        shows(
            Some(Form::Span),
            &[
                "[h]:mm",
                "[hh]:mm:ss",
                "[mm]:ss.000",
                "[s]",
                "[Red][h]:mm;-[h]:mm",
                "[h]:mm;[=0]\\-",
            ],
        );
        shows(
            None,
            &[
                "General",
                "general",
                "GENERAL;[Red]-General",
                "0",
                "0.00E+00",
                "#,##0 [$€-de-DE]",
                "#,##0.00\\ \"days\"",
                "0_d",
                "0*y",
                "\"hh:mm\"0",
                "[Red]0",
                "[Magenta]#,##0.0",
                "[DBNum1]0",
                "@",
                "",
                "\\Y000000",
                "0.0\"d\";-0.0\"h\"",
            ],
        );
    }

    #[test]
    fn the_number_selects_a_section() {
        let form = |code, number| NumberFormat::new(code).form(number);
        assert_eq!(form("[<1]hh:mm;yyyy-mm-dd", 0.5), Some(Form::Clock));
        assert_eq!(form("[<1]hh:mm;yyyy-mm-dd", 2.0), Some(Form::Date));
        assert_eq!(form("[>=100]0;[h]:mm", 100.0), None);
        assert_eq!(form("[h]:mm;0", -1.0), None);
        assert_eq!(form("[h]:mm;\"-\"", -1.0), Some(Form::Span));
        assert_eq!(form("[h]:mm;;\"none\"", 0.0), Some(Form::Span));
        assert_eq!(form("0;0;\"d;h\"", 0.0), None);
    }

    #[test]
    fn formats_of_a_language_show_what_the_number_is() {
        let form = |number| NumberFormat::built_in("General", 31).form(number);
        assert_eq!(form(45_351.0), Some(Form::Date));
        assert_eq!(form(45_351.5), Some(Form::Moment));
        assert_eq!(form(0.5), Some(Form::Clock));
    }
}
