//! `reuse_from`: outputs are reused from another store, and nothing is written there.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use flow::File;
use flow::prelude::*;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{assert_consistent, faulty_flow, files_below, flow, ran, reused};

/// A task with one name, in two versions of its code.
macro_rules! prices {
    ($module:ident, $n:expr) => {
        mod $module {
            use flow::prelude::*;

            #[derive(Task)]
            #[task(name = "Prices", target = Json<u64>)]
            pub(super) struct Prices {
                #[param(default = 1)]
                pub(super) plus: u64,
            }

            runs!(Prices: u64 = |self, cx| {
                cx.meta("unit", "EUR")?;
                Ok($n + self.plus)
            });
        }
    };
}

prices!(now, 1);
prices!(later, 2);

use now::Prices;

#[derive(Task)]
#[task(requires = Prices, target = File)]
struct Report;

runs!(Report: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    fs::create_dir_all(path.join("sub"))?;
    fs::write(path.join("sub/text"), cx.input().load()?.to_string())?;
    Ok(path)
});

/// Returns all files with their content and times.
fn files_with_times(folder: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let files = files_below(folder).into_iter();
    files
        .map(|file| {
            let modified = fs::metadata(&file).and_then(|of| of.modified()).expect("a time");
            (file.clone(), fs::read(&file).expect("a file"), modified)
        })
        .collect()
}

#[test]
fn outputs_are_reused_and_nothing_is_written_to_the_other_store() -> Result<()> {
    for links in [true, false] {
        let (team, _team_folder) = flow();
        team.run::<Report>()?;
        let folder = tempfile::tempdir()?;
        let fs = Faulty::new();
        fs.fail(move |_, op, _| {
            (!links && op == Op::Link).then_some(Fault::Refuse(ErrorKind::CrossesDevices))
        });
        let mine = faulty_flow(folder.path(), &fs)?.reuse_from(&team);
        let before = files_with_times(team.folder());
        // The output is read in the other store, and linked or copied by a run.
        assert!(mine.is_complete::<Report>()?);
        assert_eq!(fs::read_to_string(mine.load::<Report>()?.join("sub/text"))?, "2");
        let summary = mine.run::<Report>()?;
        assert_eq!(
            (ran(&summary), reused(&summary)),
            (vec![], vec!["Prices".into(), "Report".into()])
        );
        assert_eq!(files_with_times(team.folder()), before);
        // From then on this store has outputs of its own.
        team.store().clear()?;
        assert_eq!(fs::read_to_string(mine.load::<Report>()?.join("sub/text"))?, "2");
        assert_eq!(mine.output::<Prices>()?.meta::<String>("unit")?, "EUR");
        assert!(mine.run::<Report>()?.ran().is_empty());
        assert_consistent(mine.folder());
    }
    Ok(())
}

#[test]
fn changed_file_times_are_not_recorded_in_the_other_store() -> Result<()> {
    let (team, _team_folder) = flow();
    team.run::<Report>()?;
    for file in files_below(team.folder()) {
        let file = fs::File::options().append(true).open(file)?;
        file.set_modified(SystemTime::UNIX_EPOCH)?;
    }
    let before = files_with_times(team.folder());
    let (mine, _folder) = flow();
    let mine = mine.reuse_from(&team);
    mine.preview::<Report>()?;
    assert_eq!(reused(&mine.run::<Report>()?), ["Prices", "Report"]);
    assert_eq!(files_with_times(team.folder()), before);
    Ok(())
}

#[test]
fn other_code_or_parameters_are_not_reused() -> Result<()> {
    let (team, _team_folder) = flow();
    team.run::<Prices>()?;
    let (mine, _folder) = flow();
    let mine = mine.reuse_from(&team);
    assert_eq!(ran(&mine.with(Prices::PLUS, 5u64).run::<Prices>()?), ["Prices"]);
    let later = Flow::open(mine.folder())?.quiet().reuse_from(&team);
    assert_eq!(ran(&later.run::<later::Prices>()?), ["Prices"]);
    assert_eq!(*later.load::<later::Prices>()?, 3);
    Ok(())
}

#[test]
fn each_store_has_its_own_owners_of_task_names() -> Result<()> {
    let (team, _team_folder) = flow();
    let (mine, _folder) = flow();
    let mine = mine.reuse_from(&team);
    mine.run::<later::Prices>()?;
    // The other flow has its own task of that name.
    assert_eq!(ran(&team.run::<now::Prices>()?), ["Prices"]);
    assert_eq!(*mine.load::<later::Prices>()?, 3);
    Ok(())
}

#[test]
fn outputs_are_reused_through_a_chain_of_stores() -> Result<()> {
    let (first, _first) = flow();
    first.run::<Prices>()?;
    let (second, _second) = flow();
    let (third, _third) = flow();
    let third = third.reuse_from(second.reuse_from(&first));
    assert_eq!(reused(&third.run::<Prices>()?), ["Prices"]);
    assert_eq!(files_below(second.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_missing_or_damaged_store_offers_nothing() -> Result<()> {
    type Damage = fn(&Path);
    let damages: [Damage; 5] = [
        |team| fs::remove_dir_all(team).expect("a store"),
        |team| fs::remove_dir_all(team.join("Prices")).expect("a task"),
        |team| fs::remove_dir_all(team.join(".flow")).expect("an index"),
        |team| {
            let record = crate::support::one_file(team, "record", ".json");
            fs::write(record, "{").expect("a record");
        },
        |team| {
            let data = crate::support::one_file(team, "data-", ".json");
            fs::write(data, "9").expect("an output");
        },
    ];
    for damage in damages {
        let (team, _team_folder) = flow();
        team.run::<Prices>()?;
        damage(team.folder());
        let (mine, _folder) = flow();
        let mine = mine.reuse_from(&team);
        assert_eq!(ran(&mine.run::<Prices>()?), ["Prices"]);
        assert_eq!(*mine.load::<Prices>()?, 2);
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Memory<Vec<u64>>)]
struct InMemory;

runs!(InMemory: Vec<u64> = |self, _cx| Ok(vec![1, 2]));

#[test]
fn a_value_in_memory_is_shared() -> Result<()> {
    let (team, _team_folder) = flow();
    team.run::<InMemory>()?;
    let (mine, _folder) = flow();
    let mine = mine.reuse_from(&team);
    assert_eq!(reused(&mine.run::<InMemory>()?), ["InMemory"]);
    assert!(std::ptr::eq(&*mine.load::<InMemory>()?, &*team.load::<InMemory>()?));
    team.reset::<InMemory>()?;
    assert_eq!(*mine.load::<InMemory>()?, [1, 2]);
    // Another process has only the record of a value in memory.
    let (other, _folder) = flow();
    let other = other.reuse_from(&Flow::open(team.folder())?);
    assert_eq!(ran(&other.run::<InMemory>()?), ["InMemory"]);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<usize>)]
struct Fetched {
    token: Secret<String>,
}

runs!(Fetched: usize = |self, _cx| Ok(self.token.expose().len()));

#[test]
fn outputs_that_depend_on_a_secret_are_not_reused() -> Result<()> {
    let token = || Secret::from("hush".to_owned());
    let (team, _team_folder) = flow();
    team.with(Fetched::TOKEN, token()).run::<Fetched>()?;
    let (mine, _folder) = flow();
    let mine = mine.reuse_from(&team).with(Fetched::TOKEN, token());
    assert_eq!(ran(&mine.run::<Fetched>()?), ["Fetched"]);
    Ok(())
}

#[test]
fn an_unreadable_record_in_the_other_store_is_an_error() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let team = faulty_flow(folder.path(), &fs)?;
    team.run::<Prices>()?;
    let (mine, _folder) = flow();
    let mine = mine.reuse_from(&team);
    fs.fail(|_, op, path| {
        let record = op == Op::Read && path.ends_with("record.json");
        record.then_some(Fault::Refuse(ErrorKind::PermissionDenied))
    });
    let error = mine.run::<Prices>().expect_err("it cannot be read").to_string();
    assert!(error.contains("cannot read") && error.contains("record.json"), "{error}");
    Ok(())
}
