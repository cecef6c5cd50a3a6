//! A folder with a database and stores, and tasks that write a table.

use flow::prelude::*;
use flow_targets::sql::{Database, SqlTable};
use rusqlite::Connection;

use crate::tasks::{Price, prices};

/// A table of prices.
#[derive(Task)]
#[task(target = SqlTable<Vec<Price>>(name = "prices"))]
pub(crate) struct Prices {
    #[param(default = 2)]
    pub(crate) n: u32,
}

#[tracked]
impl Run for Prices {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Price>> {
        Ok(prices(self.n))
    }
}

/// The sum of the prices.
#[derive(Task)]
#[task(requires = Prices, target = Json<f64>)]
pub(crate) struct Total;

#[tracked]
impl Run for Total {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        Ok(cx.input().load()?.iter().map(|row| row.price).sum())
    }
}

pub(crate) struct World(pub(crate) tempfile::TempDir);

impl World {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn database(&self) -> Database {
        self.database_at("prices.db")
    }

    pub(crate) fn database_at(&self, name: &str) -> Database {
        Database::sqlite(self.0.path().join(name))
    }

    /// Returns a flow that provides the database.
    pub(crate) fn flow(&self) -> Flow {
        self.flow_in("data").provide(self.database())
    }

    /// Returns a flow without a database.
    pub(crate) fn flow_in(&self, store: &str) -> Flow {
        Flow::open(self.0.path().join(store)).unwrap().quiet()
    }

    /// Returns a connection to the database, as another program has.
    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.0.path().join("prices.db")).unwrap()
    }

    /// Does what another program may do with the database.
    pub(crate) fn by_hand(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }
}

pub(crate) fn assert_says(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} is not in: {text}");
}
