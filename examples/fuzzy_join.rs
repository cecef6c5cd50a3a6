//! A fuzzy join: bank transfers, whose payers are spelled in many ways, and the customers of a shop.
//!
//! ```text
//! cargo run --example fuzzy_join -- run Matches
//! cargo run --example fuzzy_join -- show Matches
//! cargo run --example fuzzy_join -- meta Matches                   # what was done to read the export
//! cargo run --example fuzzy_join -- run Matches --min-score 0.98   # only names that are nearly equal
//! ```
//!
//! The bank's export has titles, decimal commas, dates of its own format and a line with the total. `MessyCsv`
//! reads it, and keeps aside the rows that do not fit.

use std::path::PathBuf;
use std::process::ExitCode;

use flow::jiff::civil::Date;
use flow::prelude::*;
use flow::targets::RejectedRow;

/// A customer of the shop.
#[derive(Serialize, Deserialize)]
struct Customer {
    number: u32,
    name: String,
    city: String,
}

/// A transfer to the shop's account.
#[derive(Clone, Serialize, Deserialize)]
struct Transfer {
    booking_date: Date,
    payer: String,
    purpose: Option<String>,
    amount: f64,
}

/// The customers.
#[derive(Task)]
#[task(external, path = &self.customers, target = Csv<Vec<Customer>>)]
struct Customers {
    #[param(default = "examples/data/customers.csv")]
    customers: PathBuf,
}

/// The transfers, as the bank exports them.
#[derive(Task)]
#[task(
    external,
    path = &self.transfers,
    target = MessyCsv<Vec<Transfer>>(
        snake_case = true,
        dates = ["%d.%m.%Y"],
        decimal = ',',
        thousands = '.',
        max_rejected = 5
    )
)]
struct Transfers {
    #[param(default = "examples/data/transfers.csv")]
    transfers: PathBuf,
}

/// A transfer with the customer whose name is most similar to the payer.
#[derive(Serialize, Deserialize)]
struct Match {
    booking_date: Date,
    payer: String,
    amount: f64,
    customer: u32,
    name: String,
    /// 1 if the names are equal.
    score: f64,
}

/// A transfer that is similar to no customer, or similar to two.
#[derive(Serialize, Deserialize)]
struct Open {
    payer: String,
    amount: f64,
    /// The most similar name.
    nearest: String,
    score: f64,
    reason: String,
}

/// The result of the join.
#[derive(Outputs)]
struct Joined {
    #[output(Csv)]
    matches: Vec<Match>,
    #[output(Csv)]
    open: Vec<Open>,
    /// Rows of the export that are no transfers.
    #[output(Csv)]
    rejected: Vec<RejectedRow>,
}

/// Each transfer with its customer.
#[derive(Task)]
#[task(requires(customers = Customers, transfers = Transfers), outputs = Joined)]
struct Matches {
    /// The least similarity of two names, from 0 to 1.
    #[param(default = 0.85, range = 0.0..=1.0)]
    min_score: f64,
    /// How much more similar the best name must be than the second.
    #[param(default = 0.02, range = 0.0..=1.0)]
    min_lead: f64,
}

#[tracked]
impl Run for Matches {
    fn run(&self, cx: &Cx<Self>) -> Result<Joined> {
        let (customers, transfers) = (cx.input().customers.load()?, cx.input().transfers.load()?);
        ensure!(!customers.is_empty(), "there are no customers");
        cx.meta("cleaning", transfers.report())?;
        let names: Vec<String> = customers.iter().map(|customer| plain(&customer.name)).collect();
        let (mut matches, mut open) = (Vec::new(), Vec::new());
        for Transfer { booking_date, payer, amount, .. } in transfers.iter().cloned() {
            let payer_plain = plain(&payer);
            let scores = names.iter().map(|name| strsim::jaro_winkler(name, &payer_plain));
            let mut scores: Vec<(f64, &Customer)> = scores.zip(customers.iter()).collect();
            scores.sort_by(|a, b| b.0.total_cmp(&a.0));
            let (score, best) = scores[0];
            let second = scores.get(1).map_or(0.0, |(score, _)| *score);
            let reason = if score < self.min_score {
                "no similar name"
            } else if score - second < self.min_lead {
                "two similar names"
            } else {
                let (customer, name) = (best.number, best.name.clone());
                matches.push(Match { booking_date, payer, amount, customer, name, score });
                continue;
            };
            let (nearest, reason) = (best.name.clone(), reason.to_owned());
            open.push(Open { payer, amount, nearest, score, reason });
        }
        cx.meta("matched", matches.len())?;
        Ok(Joined { matches, open, rejected: transfers.rejected().to_vec() })
    }
}

/// Returns a name as it is compared: in lower case, with umlauts in two letters, without legal forms.
fn plain(name: &str) -> String {
    let mut letters = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'ä' => letters.push_str("ae"),
            'ö' => letters.push_str("oe"),
            'ü' => letters.push_str("ue"),
            'ß' => letters.push_str("ss"),
            'é' | 'è' | 'ê' => letters.push('e'),
            '&' => letters.push_str("und"),
            c if c.is_alphanumeric() => letters.push(c),
            _ => letters.push(' '),
        }
    }
    let is_kept = |word: &&str| !matches!(*word, "gmbh" | "kg" | "ohg" | "ag");
    letters.split_whitespace().filter(is_kept).collect::<Vec<_>>().join(" ")
}

fn main() -> ExitCode {
    flow::main!()
}
