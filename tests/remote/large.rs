//! A large output is transferred in parts.

use flow::prelude::*;
use flow::targets::Bytes;

use crate::texts::Team;

/// Two parts and a bit.
const SIZE: usize = (20 << 20) + 3;

#[derive(Task)]
#[task(target = Bytes)]
struct Noise;

#[tracked]
impl Run for Noise {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u8>> {
        let mut state = 1_u64;
        let next = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as u8
        });
        Ok(next.take(SIZE).collect())
    }
}

#[test]
fn a_large_output_is_transferred_in_parts() -> Result<()> {
    let team = Team::new()?;
    let made = team.flow("made")?;
    made.run::<Noise>()?;
    // Parts of an upload are not repeated, so a push may fail. The next one continues.
    for down in 1.. {
        team.faults().go_down(down);
        let pushed = made.push::<Noise>(&team.remote());
        if pushed.is_ok() {
            assert!(down > 5, "the upload has three parts");
            break;
        }
    }
    team.faults().reset();
    let there = team.flow("there")?;
    team.faults().fail_every(3);
    let pulled = there.pull::<Noise>(&team.remote())?;
    assert_eq!((pulled.files(), pulled.bytes()), (1, SIZE as u64));
    assert_eq!(*there.load::<Noise>()?, *made.load::<Noise>()?);
    Ok(())
}

#[test]
fn an_upload_whose_last_answer_is_lost_is_complete() -> Result<()> {
    let team = Team::new()?;
    let made = team.flow("made")?;
    made.run::<Noise>()?;
    team.faults().lose_answers();
    made.push::<Noise>(&team.remote())?;
    team.faults().reset();
    let there = team.flow("there")?;
    assert_eq!(there.pull::<Noise>(&team.remote())?.bytes(), SIZE as u64);
    assert_eq!(*there.load::<Noise>()?, *made.load::<Noise>()?);
    Ok(())
}
