//! What cannot run in another process is an error of the plan that says what to do, and runs in threads.

use flow::prelude::*;

use super::{Place, each};
use crate::support::{plan_error, ran};

#[derive(Task)]
#[task(target = Memory<u64>)]
struct Remembered;

runs!(Remembered: u64 = |self, _cx| Ok(3));

#[derive(Task)]
#[task(requires = Remembered, target = Json<u64>)]
struct AfterRemembered;

runs!(AfterRemembered: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn values_in_memory_stay_in_this_process() -> Result<()> {
    each(|tested| {
        let flow = &tested.flow;
        let refused = match tested.executor.place {
            Place::Thread => {
                assert_eq!(ran(&flow.run::<AfterRemembered>()?), ["AfterRemembered", "Remembered"]);
                return Ok(());
            }
            Place::Child => "cannot run in a child process: its".to_owned(),
            Place::Elsewhere | Place::Apart => {
                format!("cannot run elsewhere, by the executor `{}`: its", tested.shown_name())
            }
        };
        let error = plan_error::<Remembered>(flow);
        let expected =
            format!("`Remembered` {refused} output is kept in the memory of this process");
        assert!(error.contains(&expected), "{error}");
        assert!(error.contains("give it a target that writes a file, such as `Json`"), "{error}");
        // One that is complete needs not run.
        tested.in_threads.run::<Remembered>()?;
        assert!(ran(&flow.run::<Remembered>()?).is_empty());
        let error = plan_error::<AfterRemembered>(flow);
        let expected =
            format!("`AfterRemembered` {refused} input `Remembered` is kept in the memory");
        assert!(error.contains(&expected), "{error}");
        let problems = flow.check::<AfterRemembered>().expect_err("a mistake").to_string();
        assert!(problems.contains("its input `Remembered` is kept in the memory"), "{problems}");
        if tested.submits_jobs() {
            let flow = flow.in_process::<Remembered>().in_process::<AfterRemembered>();
            assert_eq!(*flow.get::<AfterRemembered>()?, 3);
        }
        Ok(())
    })
}

struct Unregistered;

#[derive(Task)]
#[task(target = Json<u64>, uses(Unregistered))]
struct UsesUnregistered;

runs!(UsesUnregistered: u64 = |self, _cx| Ok(1));

#[test]
fn a_type_that_a_task_uses_needs_a_constructor() -> Result<()> {
    each(|tested| {
        let flow = tested.flow.provide(Unregistered);
        if tested.is_in(Place::Thread) {
            assert_eq!(*flow.get::<UsesUnregistered>()?, 1);
            return Ok(());
        }
        let error = plan_error::<UsesUnregistered>(&flow);
        assert!(error.contains("`flow::provider!(Unregistered, || ...)`"), "{error}");
        Ok(())
    })
}

#[derive(Task)]
#[task(target = Json<usize>)]
struct Login {
    #[param(default = Secret::new("token".to_owned()))]
    token: Secret<String>,
}

runs!(Login: usize = |self, _cx| Ok(self.token.expose().len()));

#[derive(Task)]
#[task(requires = Login, target = Json<usize>)]
struct Session;

runs!(Session: usize = |self, cx| Ok(cx.input().task().token.expose().len()));

#[test]
fn secrets_are_in_no_job() -> Result<()> {
    each(|tested| {
        let flow = tested.flow.with(Login::TOKEN, "a-long-token");
        if !tested.submits_jobs() {
            assert_eq!(*flow.get::<Session>()?, 12);
            return Ok(());
        }
        let error = plan_error::<Session>(&flow);
        let name = tested.shown_name();
        let expected = format!(
            "`Login` cannot run elsewhere, by the executor `{name}`: its job would be a file with the secret `Login.token`"
        );
        assert!(error.contains(&expected), "{error}");
        let flow = flow.in_process::<Login>();
        let error = plan_error::<Session>(&flow);
        assert!(error.contains("`flow.in_process::<Session>()`"), "{error}");
        assert_eq!(*flow.in_process::<Session>().get::<Session>()?, 12);
        Ok(())
    })
}
