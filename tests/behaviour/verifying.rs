//! `verify` finds outputs that were damaged on the disk although their size and time are unchanged,
//! and a reset lets them be computed again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use flow::File;
use flow::prelude::*;
use flow::store::Harm;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{faulty_flow, flow, one_file, ran};

#[derive(Outputs)]
struct Parts {
    #[output(Json)]
    one: String,
    #[output(File)]
    folder: PathBuf,
}

#[derive(Task)]
#[task(outputs = Parts)]
struct Made {
    #[param(file)]
    path: PathBuf,
    #[param(default = 0)]
    copy: u64,
}

runs!(Made: Parts = |self, cx| {
    let text = fs::read_to_string(&self.path)? + &"".repeat(self.copy as usize);
    let folder = cx.out_path_of(Parts::FOLDER)?;
    fs::create_dir_all(folder.join("sub"))?;
    fs::write(folder.join("sub/file"), &text)?;
    Ok(Parts { one: text, folder })
});

#[derive(Task)]
#[task(requires = Made, target = Json<usize>)]
struct Length;

runs!(Length: usize = |self, cx| Ok(cx.input().load_one(Parts::ONE)?.len()));

/// Changes the content of a file, and keeps its size and time.
fn flip_bit(path: &Path) -> Result<()> {
    let time = fs::metadata(path)?.modified()?;
    let mut bytes = fs::read(path)?;
    bytes[0] ^= 1;
    fs::write(path, bytes)?;
    Ok(fs::File::options().append(true).open(path)?.set_modified(time)?)
}

fn complete_flow() -> Result<(Flow, tempfile::TempDir)> {
    let (flow, folder) = flow();
    let path = folder.path().join("text");
    fs::write(&path, "123")?;
    let flow = flow.with(Made::PATH, path);
    flow.run::<Length>()?;
    Ok((flow, folder))
}

/// Returns the damage that both ways to verify find, which must be the same.
fn found_harms(flow: &Flow) -> Result<Vec<(String, Harm)>> {
    let found = |verified: flow::store::Verified| {
        let damage = verified.damage().iter();
        let mut harms: Vec<_> = damage
            .map(|damage| {
                (format!("{} {}", damage.instance, damage.file.display()), damage.harm.clone())
            })
            .map(|(file, harm)| (file.rsplit('/').next().unwrap_or_default().to_owned(), harm))
            .collect();
        harms.sort_by(|(a, _), (b, _)| a.cmp(b));
        harms
    };
    let harms = found(flow.graph::<Length>().verify()?);
    assert_eq!(found(flow.store().verify()?), harms);
    Ok(harms)
}

#[test]
fn undamaged_outputs_are_reported_whole() -> Result<()> {
    let (flow, _folder) = complete_flow()?;
    let verified = flow.graph::<Length>().verify()?;
    assert!(verified.is_whole() && verified.outputs() == 2);
    assert_eq!(verified.to_string(), "2 outputs verified, 9 B: every file matches its record");
    assert_eq!(verified.reset()?.to_string(), "nothing was removed");
    assert!(flow.is_complete::<Length>()?);
    assert_eq!(flow.store().verify()?.to_string(), verified.to_string());
    Ok(())
}

#[test]
fn a_flipped_bit_is_found_and_repaired() -> Result<()> {
    let (flow, _folder) = complete_flow()?;
    // A second instance shares the output of `Length` through a link.
    let other = flow.with(Made::COPY, 1);
    other.run::<Length>()?;
    let length = flow.output::<Length>()?.path()?;
    flip_bit(&length)?;
    assert!(flow.is_complete::<Length>()? && ran(&flow.run::<Length>()?).is_empty());

    let verified = flow.graph::<Length>().verify()?;
    let damage = &verified.damage()[0];
    assert_eq!((&*damage.task, &damage.file), ("Length", &length));
    assert_eq!((&damage.harm, damage.is_earlier), (&Harm::Modified, false));
    let text = verified.to_string();
    assert!(text.contains("1 file does not match its record\n  Length {Made.path: "), "{text}");
    // The output of the other instance is the same file.
    assert_eq!(flow.store().verify()?.damage().len(), 2);

    assert!(verified.reset()?.files.contains(&length));
    assert_eq!(ran(&flow.run::<Length>()?), ["Length"], "nothing damaged is reused");
    assert_eq!(*flow.load::<Length>()?, 3);
    assert!(flow.graph::<Length>().verify()?.is_whole());
    other.graph::<Length>().verify()?.reset()?;
    other.run::<Length>()?;
    assert_eq!(*other.load::<Length>()?, 3);
    assert!(flow.store().verify()?.is_whole());
    Ok(())
}

#[test]
fn every_kind_of_damage_is_reported() -> Result<()> {
    let (flow, _folder) = complete_flow()?;
    let within = one_file(&flow.folder().join("Made"), "file", "");
    fs::write(within.with_file_name("new"), "x")?;
    assert_eq!(found_harms(&flow)?, [("new".to_owned(), Harm::Extra)]);
    fs::remove_file(within.with_file_name("new"))?;
    assert_eq!(found_harms(&flow)?, []);

    flip_bit(&within)?;
    assert_eq!(found_harms(&flow)?, [("file".to_owned(), Harm::Modified)]);
    fs::remove_file(&within)?;
    assert_eq!(found_harms(&flow)?, [("file".to_owned(), Harm::Gone)]);

    fs::write(one_file(&flow.folder().join("Length"), "record.json", ""), "garbage")?;
    let damage = found_harms(&flow)?;
    assert!(matches!(&damage[1], (file, Harm::Record(_)) if file == "record.json"), "{damage:?}");
    flow.store().verify()?.reset()?;
    assert_eq!(ran(&flow.run::<Length>()?), ["Length", "Made"]);
    assert_eq!(found_harms(&flow)?, []);
    Ok(())
}

#[test]
fn a_damaged_earlier_version_is_found_and_not_reused() -> Result<()> {
    let (flow, folder) = complete_flow()?;
    let old = one_file(&flow.folder().join("Made"), "file", "");
    let text = folder.path().join("text");
    fs::write(&text, "45")?;
    flow.run::<Length>()?;
    flip_bit(&old)?;
    let verified = flow.store().verify()?;
    assert!(verified.damage()[0].is_earlier && verified.damage().len() == 1, "{verified}");
    assert!(verified.to_string().contains("an earlier version"), "{verified}");
    verified.reset()?;
    assert!(flow.is_complete::<Length>()?, "the current output stays");
    fs::write(&text, "123")?;
    assert_eq!(ran(&flow.run::<Length>()?), ["Made"]);
    assert_eq!(
        fs::read_to_string(
            flow.graph::<Length>().output::<Made>()?.load_one(Parts::FOLDER)?.join("sub/file")
        )?,
        "123"
    );
    Ok(())
}

#[test]
fn an_output_recomputed_since_is_not_reset() -> Result<()> {
    let (flow, folder) = complete_flow()?;
    flip_bit(&flow.output::<Length>()?.path()?)?;
    let verified = flow.graph::<Length>().verify()?;
    fs::write(folder.path().join("text"), "4567")?;
    flow.run::<Length>()?;
    verified.reset()?;
    assert!(flow.is_complete::<Length>()?);
    assert_eq!(*flow.load::<Length>()?, 4);
    Ok(())
}

#[test]
fn a_record_of_a_newer_version_is_left_alone() -> Result<()> {
    let (flow, _folder) = complete_flow()?;
    let record = one_file(&flow.folder().join("Length"), "record.json", "");
    let newer = fs::read_to_string(&record)?.replace("\"format\": 2", "\"format\": 9");
    fs::write(&record, &newer)?;
    let verified = flow.store().verify()?;
    assert!(verified.is_whole() && verified.to_string().contains("it has format 9"), "{verified}");
    verified.reset()?;
    assert_eq!(fs::read_to_string(&record)?, newer);
    Ok(())
}

#[test]
fn an_unreadable_file_is_reported_and_the_rest_is_verified() -> Result<()> {
    let (flow, folder) = complete_flow()?;
    let faulty = Faulty::new();
    let path = folder.path().join("text");
    let other = faulty_flow(folder.path(), &faulty)?.with(Made::PATH, path);
    faulty.fail(|_, op, path| {
        let data = path.to_string_lossy().contains("/Length/");
        (op == Op::Open && data).then_some(Fault::Refuse(ErrorKind::InvalidData))
    });
    let verified = other.graph::<Length>().verify()?;
    assert_eq!((verified.outputs(), verified.damage().len()), (2, 1), "{verified}");
    assert!(verified.to_string().contains("cannot be read: "), "{verified}");
    faulty.heal();
    assert!(flow.graph::<Length>().verify()?.is_whole());
    Ok(())
}
