//! A workflow whose outputs have several formats, with a nested parameter and a task that fails on request.

use std::process::ExitCode;

use flow::prelude::*;

/// A day of a share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Day {
    day: u32,
    close: f64,
    note: Option<String>,
}

/// The prices of a share.
#[derive(Task)]
#[task(target = Parquet<Vec<Day>>)]
struct Prices {
    /// The number of days.
    #[param(default = 30)]
    days: u32,
}

#[tracked]
impl Run for Prices {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Day>> {
        cx.log("fetching");
        cx.meta("rows", self.days)?;
        let day = |day: u32| Day {
            day,
            close: 100.0 + f64::from(day) / 2.0,
            note: day.is_multiple_of(2).then(|| "even".to_owned()),
        };
        Ok((0..self.days).map(day).collect())
    }
}

/// The prices, for a spreadsheet.
#[derive(Task)]
#[task(requires = Prices, target = Csv<Vec<Day>>)]
struct Listed;

#[tracked]
impl Run for Listed {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Day>> {
        Ok(cx.input().load()?.into_owned())
    }
}

/// A code, which looks like a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Code {
    code: String,
    share: f64,
}

/// Codes of shares, in a file whose cells are separated by semicolons.
#[derive(Task)]
#[task(target = Csv<Vec<Code>>(delimiter = ';'))]
struct Codes;

#[tracked]
impl Run for Codes {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Code>> {
        let code = |code: &str, share| Code { code: code.to_owned(), share };
        Ok(vec![code("007", 0.5), code("010", 1.5)])
    }
}

/// How a number is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Style {
    digits: usize,
    tags: Vec<String>,
}

/// The average price, as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Averaged {
    text: String,
    tags: Vec<String>,
}

/// The average price.
#[derive(Task)]
#[task(requires = Prices, target = Json<Averaged>)]
struct Average {
    /// How it is written.
    #[param(default = Style { digits: 2, tags: Vec::new() })]
    style: Style,
    /// The least number of days.
    #[param(default = 1)]
    at_least: usize,
}

#[tracked]
impl Run for Average {
    fn run(&self, cx: &Cx<Self>) -> Result<Averaged> {
        let days = cx.input().load()?;
        cx.meta("days", days.len())?;
        cx.log("averaging");
        cx.figure("prices", curve(&days))?;
        cx.note("The mean of *all* days.\nMissing days do not count.")?;
        ensure!(days.len() >= self.at_least, "{} days are too few", days.len());
        let mean = days.iter().map(|day| day.close).sum::<f64>() / days.len() as f64;
        let text = format!("{mean:.*}", self.style.digits);
        Ok(Averaged { text, tags: self.style.tags.clone() })
    }
}

/// Returns the prices as an SVG.
fn curve(days: &[Day]) -> String {
    let points = days.iter().map(|day| format!("{},{} ", day.day, 200.0 - day.close));
    let points = points.collect::<String>();
    format!("<svg xmlns='http://www.w3.org/2000/svg'><polyline points='{points}'/></svg>")
}

/// The typical price, which is NaN if there are no prices.
#[derive(Task)]
#[task(requires = Prices, target = Text)]
struct Typical;

#[tracked]
impl Run for Typical {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        let days = cx.input().load()?;
        let typical = days.iter().map(|day| day.close).sum::<f64>() / days.len() as f64;
        cx.meta("typical", typical)?;
        Ok(typical.to_string())
    }
}

/// A page about the average.
#[derive(Task)]
#[task(requires = Average, target = Text)]
struct Page;

#[tracked]
impl Run for Page {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        Ok(format!("The average\nis {}.\n", cx.input().load()?.text))
    }
}

/// The prices in two parts.
#[derive(Outputs)]
struct Halves {
    #[output(ArrowIpc)]
    first: Vec<Day>,
    #[output(Csv)]
    second: Vec<Day>,
    #[output(Json)]
    count: usize,
}

/// Splits the prices.
#[derive(Task)]
#[task(requires = Prices, outputs = Halves)]
struct Split {
    /// A parameter whose name is that of an option with another spelling.
    #[param(default = false)]
    allow_failures: bool,
}

#[tracked]
impl Run for Split {
    fn run(&self, cx: &Cx<Self>) -> Result<Halves> {
        let mut first = cx.input().load()?.into_owned();
        let second = first.split_off(first.len() / 2);
        cx.meta("allows", self.allow_failures)?;
        Ok(Halves { count: first.len() + second.len(), first, second })
    }
}

fn main() -> ExitCode {
    flow::main!()
}
