//! A table that was changed by hand is never taken for the output.

use flow::prelude::*;

use crate::tasks::{in_full, prices, ran};
use crate::world::{Prices, Total, World, assert_says};

#[test]
fn each_change_by_hand_is_noticed() -> Result<()> {
    for (sql, reason) in [
        ("insert into prices values ('late', 1.0, null)", "was changed by hand"),
        ("update prices set price = 9.0 where day = 'day 1'", "was changed by hand"),
        ("delete from prices", "was changed by hand"),
        (
            "insert or replace into PRICES (rowid, day, price) values (1, 'x', 1.0)",
            "was changed by hand",
        ),
        ("alter table prices add column more text", "was changed by hand"),
        (
            "drop trigger \"typed_flow:prices:update\"; update prices set price = 9.0",
            "was changed by hand",
        ),
        ("drop table prices", "has no table `prices` of this output"),
        (
            "drop table prices; create table prices (day text, price real, venue text)",
            "was changed by hand",
        ),
        ("drop table typed_flow_tables", "has no table `prices` of this output"),
    ] {
        let world = World::new();
        let flow = world.flow();
        flow.run::<Total>()?;
        world.by_hand(sql);
        assert!(!flow.is_complete::<Prices>()?, "{sql}");
        assert_says(&flow.preview::<Prices>()?.to_string(), reason);
        assert!(flow.load::<Prices>().is_err(), "{sql}");
        if sql.ends_with("typed_flow_tables") {
            // Nothing says any more that the table is ours.
            let error = in_full(flow.run::<Prices>().unwrap_err());
            assert_says(&error, "has a table `prices` that typed-flow has not written");
            continue;
        }
        assert_eq!(ran(&flow.run::<Total>()?), ["Prices"], "{sql}");
        assert_eq!(*flow.load::<Prices>()?, prices(2), "{sql}");
        assert!(flow.is_complete::<Total>()?, "{sql}");
    }
    Ok(())
}

#[test]
fn other_tables_and_indices_are_no_change() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    flow.run::<Prices>()?;
    world.by_hand("create table notes (text); create index by_day on prices (day); create view p as select * from prices");
    assert!(flow.is_complete::<Prices>()?);
    Ok(())
}

#[test]
fn rows_that_were_changed_around_the_triggers_are_noticed_when_they_are_loaded() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    flow.run::<Prices>()?;
    world.by_hand("update prices set price = 9.0; update typed_flow_tables set changed = 0");
    let error = in_full(flow.load::<Prices>().unwrap_err());
    assert_says(&error, "table `prices` of the database was changed by hand");
    Ok(())
}
