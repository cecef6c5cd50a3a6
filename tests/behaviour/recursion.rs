//! Tasks that require themselves under a condition: recursions that end, and recursions that do
//! not.

use flow::prelude::*;

use crate::support::{flow, plan_error, ran};

#[derive(Task)]
#[task(requires = Day { n: self.n - 1 } if self.n > 0, target = Json<u64>)]
struct Day {
    n: u64,
}

runs!(Day: u64 = |self, cx| Ok(match cx.input() {
    Some(before) => *before.load()? + self.n,
    None => 0,
}));

#[test]
fn a_recursion_that_ends_runs() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Day::N, 4);
    assert_eq!(ran(&flow.run::<Day>()?), ["Day"; 5]);
    assert_eq!(*flow.load::<Day>()?, 10);
    // The outputs of the first days are complete already.
    assert_eq!(ran(&flow.with(Day::N, 6).run::<Day>()?), ["Day"; 2]);
    Ok(())
}

#[derive(Task)]
#[task(requires = Ping { n: 1 - self.n } if self.n < 9, target = Json<u64>)]
struct Ping {
    n: u64,
}

runs!(Ping: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(requires = Even if self.on, target = Json<u64>)]
struct Odd {
    #[param(default = true)]
    on: bool,
}

runs!(Odd: u64 = |self, _cx| Ok(u64::from(self.on)));

#[derive(Task)]
#[task(requires = Odd, target = Json<u64>)]
struct Even;

runs!(Even: u64 = |self, _cx| Ok(1));

#[derive(Task)]
#[task(requires(Ping { n: 1 }), target = Json<u64>)]
struct Above;

runs!(Above: u64 = |self, _cx| Ok(1));

#[test]
fn a_cycle_is_found_when_planning() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Even>(&flow),
        "`Even` requires itself: Even → Odd → Even\n  required by: Even → Odd"
    );
    assert!(flow.with(Odd::ON, false).preview::<Even>().is_ok());
    // The values of `n` are 1, 0, and 1 again.
    assert_eq!(
        plan_error::<Above>(&flow),
        "`Ping` requires itself: Ping → Ping → Ping\n  required by: Above → Ping → Ping"
    );
}

#[derive(Task)]
#[task(requires = Next { n: self.n + 1 } if true, target = Json<u64>)]
struct Next {
    #[param(default = 0)]
    n: u8,
}

runs!(Next: u64 = |self, _cx| Ok(u64::from(self.n)));

#[derive(Task)]
#[task(requires = Endless { n: self.n + 1 } if self.n < u64::MAX, target = Json<u64>)]
struct Endless {
    #[param(default = 0)]
    n: u64,
}

runs!(Endless: u64 = |self, _cx| Ok(self.n));

#[test]
fn an_endless_recursion_is_an_error() {
    let (flow, _folder) = flow();
    let error = flow.preview::<Endless>().expect_err("it does not end").to_string();
    assert_eq!(
        error,
        "`Endless` is required through a chain of 1000000 tasks: if it requires itself, write the \
         condition under which it no longer does, such as `Endless { n: self.n - 1 } if self.n > 0`\n  \
         required by: Endless → Endless → Endless → … 999995 more … → Endless → Endless → Endless"
    );
}

#[test]
fn an_overflow_during_a_recursion_is_an_error() {
    let (flow, _folder) = flow();
    let error = crate::support::without_places(&plan_error::<Next>(&flow));
    let expected = "evaluating `requires` of `Next` failed: it panicked: attempt to add with overflow\n  \
                    required by: Next → Next → Next → … 250 more … → Next → Next → Next";
    assert_eq!(error, expected);
}
