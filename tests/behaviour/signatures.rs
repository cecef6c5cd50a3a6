//! Signatures: what is not signed by a known key counts for nothing where a flow requires signatures, whichever way it comes in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow::prelude::*;
use flow::remote::RemoteFolder;
use flow::signature::{AnyKey, PublicKey, SignatureError, SigningKey, TrustedKeys};
use flow::store::Harm;
use flow::{Code, Error, Trust};
use serde_json::Value;

use crate::faulty::Faulty;
use crate::support::{assert_consistent, files_below, one_file, ran, reused};

#[task(target = Json<u64>)]
fn grain(cx: &Cx<grain>, #[param(default = 1)] n: u64) -> Result<u64> {
    cx.meta("origin", "field")?;
    Ok(n)
}

#[task(requires = grain, target = Json<u64>)]
fn flour(grain: &u64) -> u64 {
    10 * grain
}

/// A folder with stores, and the keys of two machines.
struct Mill {
    folder: tempfile::TempDir,
    /// The key that is known.
    known: PathBuf,
    unknown: PathBuf,
}

impl Mill {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let [known, unknown] = ["known", "unknown"].map(|name| folder.path().join(name));
        for path in [&known, &unknown] {
            SigningKey::generate()?.write(path)?;
        }
        Ok(Self { folder, known, unknown })
    }

    /// Returns a flow on the store of this name that neither signs nor requires signatures.
    fn open(&self, store: &str) -> Result<Flow> {
        // `Faulty` syncs nothing, and syncing would take most of the time.
        Ok(Flow::open_on(self.folder.path().join(store), Arc::new(Faulty::new()))?.quiet())
    }

    /// Returns a flow that signs with the key in a file.
    fn signing(&self, store: &str, key: &Path) -> Result<Flow> {
        Ok(self.open(store)?.sign(SigningKey::read(key)?))
    }

    /// Returns a flow that signs with the known key, and accepts nothing else.
    fn strict(&self, store: &str) -> Result<Flow> {
        Ok(self.signing(store, &self.known)?.require_signatures(self.trusted()?))
    }

    fn trusted(&self) -> Result<TrustedKeys> {
        Ok([SigningKey::read(&self.known)?.public_key()].into_iter().collect())
    }

    fn key(&self, path: &Path) -> Result<PublicKey> {
        Ok(SigningKey::read(path)?.public_key())
    }

    fn remote(&self) -> RemoteFolder {
        RemoteFolder::on(self.folder.path().join("shared"), Arc::new(Faulty::new()))
    }
}

/// Returns the path of the record of the only instance of a task.
fn record(flow: &Flow, task: &str) -> PathBuf {
    one_file(&flow.folder().join(task), "record.json", "record.json")
}

/// Changes the JSON in a file.
fn edit(path: &Path, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut json = serde_json::from_slice(&fs::read(path)?)?;
    change(&mut json);
    Ok(fs::write(path, serde_json::to_vec_pretty(&json)?)?)
}

/// Returns the reasons why the instances of a plan are pending.
fn reasons<R: flow::Roots>(flow: &Flow) -> Result<Vec<String>> {
    let instances = flow.graph::<R>().instances()?;
    let reasons = instances.iter().flat_map(|one| one.reasons()).map(ToString::to_string);
    Ok(reasons.collect())
}

#[test]
fn what_a_flow_signs_it_accepts_and_so_does_who_knows_its_key() -> Result<()> {
    let mill = Mill::new()?;
    let flow = mill.strict("data")?;
    assert_eq!(ran(&flow.run::<flour>()?), ["flour", "grain"]);
    assert_eq!(ran(&flow.run::<flour>()?), [""; 0]);
    assert_eq!(*flow.load::<flour>()?, 10);
    // It has no key of its own, and needs none to load.
    let reader = mill.open("data")?.require_signatures(mill.trusted()?);
    assert!(reader.is_complete::<flour>()?);
    assert_eq!(*reader.load::<flour>()?, 10);
    assert_eq!(ran(&reader.run::<flour>()?), [""; 0]);
    assert_eq!(reader.output::<grain>()?.meta::<String>("origin")?, "field");
    // Who requires nothing sees no difference, and earlier releases ignore the field.
    assert!(mill.open("data")?.is_complete::<flour>()?);
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn an_output_without_a_signature_is_pending_with_the_reason() -> Result<()> {
    let mill = Mill::new()?;
    mill.open("data")?.run::<flour>()?;
    let flow = mill.strict("data")?;
    let preview = flow.preview::<flour>()?.color(false).to_string();
    assert_eq!(preview.matches("PENDING its output is not signed").count(), 2, "{preview}");
    assert!(preview.contains("grain {n: 1} PENDING its output is not signed"), "{preview}");
    assert!(flow.why::<grain>()?.to_string().contains("its output is not signed"));
    assert!(matches!(flow.load::<grain>(), Err(Error::NotComplete { .. })));
    for trust in [Trust::Records, Trust::Content] {
        assert!(!flow.trust(trust).is_complete::<flour>()?, "{trust:?}");
    }
    assert_eq!(ran(&flow.run::<flour>()?), ["flour", "grain"]);
    assert!(flow.is_complete::<flour>()?);
    Ok(())
}

#[test]
fn an_output_of_an_unknown_key_is_pending_and_the_key_is_named() -> Result<()> {
    let mill = Mill::new()?;
    mill.signing("data", &mill.unknown)?.run::<grain>()?;
    let unknown = mill.key(&mill.unknown)?;
    assert_eq!(
        reasons::<grain>(&mill.strict("data")?)?,
        [format!("its output is not signed by a known key: `{unknown}` signed it")]
    );
    // A team adds the key.
    let both = [mill.key(&mill.known)?, unknown].into_iter().collect::<TrustedKeys>();
    assert!(mill.open("data")?.require_signatures(both).is_complete::<grain>()?);
    Ok(())
}

#[test]
fn no_claim_of_a_record_can_be_changed() -> Result<()> {
    let mill = Mill::new()?;
    let flow = mill.strict("data")?;
    flow.run::<flour>()?;
    let path = record(&flow, "flour");
    let signed = fs::read(&path)?;
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 12] = [
        ("metadata", |json| json["meta"]["origin"] = "factory".into()),
        ("another digest", |json| json["output"]["digest"] = "0".repeat(32).into()),
        ("a file's digest", |json| json["output"]["files"][0]["digest"] = "0".repeat(32).into()),
        ("a file's size", |json| json["output"]["files"][0]["bytes"] = 9.into()),
        ("a file's permission", |json| json["output"]["files"][0]["executable"] = true.into()),
        ("an input", |json| json["made_from"]["inputs"][0]["digest"] = "0".repeat(32).into()),
        ("the instance of an input", |json| json["made_from"]["inputs"][0]["of"] = Value::Null),
        ("what was read", |json| json["reads"] = serde_json::json!([{"seed": {"seed": 1}}])),
        ("a file more", |json| {
            let file = json["output"]["files"][0].clone();
            json["output"]["files"].as_array_mut().expect("files").push(file);
        }),
        ("the start", |json| json["started"] = "2026-01-01T00:00:00Z".into()),
        ("the machine", |json| json["host"] = "another".into()),
        ("the parameters", |json| json["parameters"]["n"] = 2.into()),
    ];
    for (what, change) in changes {
        edit(&path, change)?;
        let found = reasons::<flour>(&flow)?;
        let wrong = "its signature is wrong: its record was changed, or the signature is that of another output";
        assert!(found.iter().any(|reason| reason.ends_with(wrong)), "{what}: {found:?}");
        assert!(!flow.is_complete::<flour>()?, "{what}");
        fs::write(&path, &signed)?;
        assert!(flow.is_complete::<flour>()?, "{what}");
    }
    // Nothing follows from how long a task took, and a touched file gets its new time.
    edit(&path, |json| json["seconds"] = 7.5.into())?;
    assert!(flow.is_complete::<flour>()?);
    let data = flow.output::<flour>()?.path()?;
    fs::File::options().append(true).open(&data)?.set_modified(std::time::UNIX_EPOCH)?;
    assert!(flow.is_complete::<flour>()?);
    assert!(
        flow.is_complete::<flour>()?,
        "the recorded time has changed, and the signature is right"
    );
    Ok(())
}

#[test]
fn a_text_that_is_no_signature_is_refused_and_not_printed() -> Result<()> {
    let mill = Mill::new()?;
    let flow = mill.strict("data")?;
    flow.run::<grain>()?;
    let path = record(&flow, "grain");
    let bytes = fs::read(&path)?;
    let json: Value = serde_json::from_slice(&bytes)?;
    let signature = json["signature"].as_str().context("a signature")?.to_owned();
    for (text, reason) in [
        (String::new(), "it does not begin with `ed25519:`"),
        (signature[..signature.len() / 2].to_owned(), "it does not have 64 bytes in base64"),
        (signature[..signature.len() - 4].to_owned(), "it does not have 64 bytes in base64"),
        (format!("{signature}AAAA"), "it does not have 64 bytes in base64"),
        ("\u{1b}[2J\u{202e}ed25519:".to_owned(), "it does not begin with `ed25519:`"),
        ("ed25519:".repeat(10_000), "its key does not have 32 bytes in base64"),
    ] {
        edit(&path, |json| json["signature"] = text.as_str().into())?;
        let found = reasons::<grain>(&flow)?;
        assert!(
            found[0].contains("its signature cannot be read: ") && found[0].contains(reason),
            "{found:?}"
        );
        assert!(found[0].len() < 200 && !found[0].contains('\u{1b}'), "{found:?}");
    }
    // It is no text at all: the record is damaged.
    edit(&path, |json| json["signature"] = serde_json::json!({"ed25519": 1}))?;
    assert!(reasons::<grain>(&flow)?[0].contains("it is not a valid record"));
    edit(&path, |json| json["signature"] = Value::Null)?;
    assert_eq!(reasons::<grain>(&flow)?, ["its output is not signed"]);
    assert_eq!(ran(&flow.run::<grain>()?), ["grain"]);
    Ok(())
}

#[test]
fn a_signature_cannot_be_moved_to_another_instance() -> Result<()> {
    let mill = Mill::new()?;
    let (flow, other) = (mill.strict("data")?, mill.strict("other")?);
    flow.run::<grain>()?;
    let other = other.with(grain::N, 2);
    other.run::<grain>()?;
    let signed: Value = serde_json::from_slice(&fs::read(record(&other, "grain"))?)?;
    // The signature alone.
    let path = record(&flow, "grain");
    let kept = fs::read(&path)?;
    edit(&path, |json| json["signature"] = signed["signature"].clone())?;
    assert!(reasons::<grain>(&flow)?[0].contains("its signature is wrong"));
    // The whole record with its file, under the key that is expected here.
    let of_here: Value = serde_json::from_slice(&kept)?;
    let data = other.output::<grain>()?.path()?;
    fs::copy(&data, path.with_file_name(data.file_name().context("a name")?))?;
    fs::write(&path, fs::read(record(&other, "grain"))?)?;
    assert!(reasons::<grain>(&flow)?[0].contains("it is the record of another instance"));
    for fields in [&["key"][..], &["key", "fingerprint", "made_from"]] {
        fs::write(&path, fs::read(record(&other, "grain"))?)?;
        edit(&path, |json| {
            fields.iter().for_each(|field| json[*field] = of_here[*field].clone());
        })?;
        assert!(reasons::<grain>(&flow)?[0].contains("its signature is wrong"), "{fields:?}");
    }
    assert_eq!(ran(&flow.run::<grain>()?), ["grain"]);
    assert_eq!(*flow.load::<grain>()?, 1);
    Ok(())
}

/// Replaces the content of a file by another of the same size, and restores its time.
fn forge(path: &Path, content: &str) -> Result<()> {
    let time = fs::metadata(path)?.modified()?;
    assert_eq!(fs::metadata(path)?.len(), content.len() as u64);
    fs::write(path, content)?;
    Ok(fs::File::options().append(true).open(path)?.set_modified(time)?)
}

#[test]
fn a_file_that_was_edited_under_a_signed_record_is_never_loaded() -> Result<()> {
    let mill = Mill::new()?;
    let flow = mill.strict("data")?;
    flow.run::<flour>()?;
    let data = flow.output::<grain>()?.path()?;
    let content = fs::read_to_string(&data)?;
    // An edit that shows in the time: the plan finds it.
    fs::write(&data, "7")?;
    fs::File::options().append(true).open(&data)?.set_modified(std::time::UNIX_EPOCH)?;
    let found = reasons::<grain>(&flow)?;
    assert!(
        found[0].starts_with("output: data-") && found[0].ends_with("was modified"),
        "{found:?}"
    );
    fs::write(&data, &content)?;
    assert!(flow.is_complete::<flour>()?);
    // One that does not: the plan compares sizes and times, and each reader the content.
    forge(&data, "7")?;
    let forged = "it has other content than its signed record says";
    for error in [
        flow.load::<grain>().expect_err("forged").to_string(),
        flow.output::<grain>()?.path().expect_err("forged").to_string(),
        flow.graph::<grain>().instances()?[0].recorded().expect_err("forged").to_string(),
        mill.open("data")?
            .require_signatures(mill.trusted()?)
            .load::<grain>()
            .expect_err("forged")
            .to_string(),
    ] {
        assert!(error.contains(forged) && error.contains("verify --reset"), "{error}");
        assert!(error.contains(&data.display().to_string()), "{error}");
    }
    // A task that reads it fails, and its output is not computed from the forged file.
    flow.reset::<flour>()?;
    let failed = flow.allow_failures().run::<flour>()?;
    assert!(failed.to_string().contains(forged), "{failed}");
    // The fix that the message names.
    let verified = flow.store().verify()?;
    assert_eq!(verified.damage()[0].harm, Harm::Modified);
    verified.reset()?;
    assert_eq!(ran(&flow.run::<flour>()?), ["flour", "grain"]);
    assert_eq!(*flow.load::<flour>()?, 10);
    // Without requirement, the time counts, as always.
    forge(&flow.output::<grain>()?.path()?, "7")?;
    assert_eq!(*mill.open("data")?.load::<grain>()?, 7);
    Ok(())
}

/// Has enough inputs for the record cache to be written.
#[derive(Task)]
#[task(requires = [grain { n } for n in 0..80], target = Json<u64>)]
struct Sack;

runs!(Sack: u64 = |self, cx| cx.input().iter().map(|grain| Ok(*grain.load()?)).sum());

#[cfg(unix)]
#[test]
fn a_cache_in_the_store_proves_nothing() -> Result<()> {
    let mill = Mill::new()?;
    // Only records that have not changed for some seconds are cached.
    let fs = Faulty::new();
    fs.age(3600);
    let folder = mill.folder.path().join("data");
    let open = || -> Result<Flow> { Ok(Flow::open_on(&folder, Arc::new(fs.clone()))?.quiet()) };
    open()?.run::<Sack>()?;
    assert!(open()?.is_complete::<Sack>()?);
    assert!(!files_below(&folder.join(".flow/records")).is_empty(), "nothing is cached");
    let strict = open()?.sign(SigningKey::read(&mill.known)?).require_signatures(mill.trusted()?);
    assert_eq!(
        reasons::<Sack>(&strict)?.iter().filter(|reason| reason.contains("not signed")).count(),
        81
    );
    Ok(())
}

#[test]
fn a_store_that_is_reused_from_gives_signed_outputs_only() -> Result<()> {
    let mill = Mill::new()?;
    let mine = mill.strict("mine")?;
    let unsigned = mill.open("unsigned")?;
    unsigned.run::<flour>()?;
    let reusing = mine.reuse_from(&unsigned);
    assert_eq!(reasons::<grain>(&reusing)?, ["never run", "not reused: its output is not signed"]);
    assert_eq!(ran(&reusing.run::<grain>()?), ["grain"]);

    let (team, empty) = (mill.strict("team")?, mill.strict("empty")?);
    team.run::<flour>()?;
    // The order of the settings does not matter.
    let trusted = mill.trusted()?;
    let signing = mill.signing("third", &mill.known)?;
    for flow in [empty.reuse_from(&team), signing.reuse_from(&team).require_signatures(trusted)] {
        assert_eq!(reused(&flow.run::<flour>()?), ["flour", "grain"]);
        assert!(flow.is_complete::<flour>()?);
        assert_eq!(*flow.load::<flour>()?, 10);
    }
    // A file of the team that was forged is not linked.
    forge(&team.output::<grain>()?.path()?, "7")?;
    let fourth = mill.strict("fourth")?.reuse_from(&team);
    assert!(fourth.load::<grain>().is_err());
    let summary = fourth.allow_failures().run::<grain>()?;
    assert_eq!(reused(&summary), [""; 0], "{summary}");
    assert!(
        files_below(&fourth.folder().join("grain"))
            .iter()
            .all(|file| { fs::read_to_string(file).is_ok_and(|text| text.trim() != "7") })
    );
    Ok(())
}

#[task(requires = grain, target = Json<u64>)]
fn parity(grain: &u64) -> u64 {
    grain % 2
}

#[task(requires = parity, target = Json<u64>)]
fn report(parity: &u64) -> u64 {
    parity + 1
}

#[test]
fn a_reused_output_keeps_its_signature_or_is_signed_by_who_has_verified_it() -> Result<()> {
    let mill = Mill::new()?;
    let team = mill.signing("team", &mill.unknown)?;
    team.run::<report>()?;
    let (known, unknown) = (mill.key(&mill.known)?, mill.key(&mill.unknown)?);
    let both = || TrustedKeys::from_iter([known, unknown]);
    let signers = |flow: &Flow| -> Result<String> { Ok(flow.store().verify()?.to_string()) };
    // The same instances: the signature of who has computed them is still right.
    let same = mill.signing("same", &mill.known)?.require_signatures(both()).reuse_from(&team);
    assert_eq!(reused(&same.run::<report>()?), ["grain", "parity", "report"]);
    let text = signers(&same)?;
    assert!(text.contains(&format!("3 outputs are signed by {unknown}")), "{text}");
    // Another instance of `report`, with the same fingerprint.
    let mine = mill.signing("mine", &mill.known)?.require_signatures(both()).reuse_from(&team);
    let summary = mine.with(grain::N, 3).run::<report>()?;
    assert_eq!(
        (ran(&summary), reused(&summary)),
        (vec!["grain".to_owned(), "parity".to_owned()], vec!["report".to_owned()])
    );
    let text = signers(&mine)?;
    assert!(text.contains(&format!("3 outputs are signed by {known}")), "{text}");
    Ok(())
}

#[test]
fn a_key_signs_nothing_that_was_not_verified() -> Result<()> {
    let mill = Mill::new()?;
    let unsigned = mill.open("unsigned")?;
    unsigned.run::<report>()?;
    // It signs, and requires no signatures.
    let signing = mill.signing("mine", &mill.known)?.reuse_from(&unsigned);
    assert_eq!(reused(&signing.with(grain::N, 3).run::<report>()?), ["report"]);
    let strict = mill.strict("mine")?.with(grain::N, 3);
    assert_eq!(ran(&strict.run::<report>()?), ["report"]);
    Ok(())
}

#[test]
fn a_remote_gives_signed_outputs_only_and_a_pull_names_the_fix() -> Result<()> {
    let mill = Mill::new()?;
    let remote = mill.remote();
    let unsigned = mill.open("unsigned")?;
    unsigned.run::<flour>()?;
    unsigned.push::<flour>(&remote)?;

    let mine = mill.strict("mine")?;
    for error in [
        mine.pull::<flour>(&remote).expect_err("unsigned").to_string(),
        mine.pull_dry_run::<flour>(&remote).expect_err("unsigned").to_string(),
    ] {
        assert_eq!(
            error,
            "grain {n: 1} is not accepted: its output is not signed; have it computed by a machine with a known key, or add its \
             key to those that `flow.require_signatures` accepts (`trusted_keys` in flow.toml)"
        );
    }
    assert!(!mine.folder().join("grain").exists(), "nothing was committed");
    let reusing = mine.reuse_from(mill.remote());
    assert!(
        reasons::<grain>(&reusing)?.contains(&"not reused: its output is not signed".to_owned())
    );

    // A machine with the key computes the same, and puts its manifests beside the others.
    let team = mill.strict("team")?;
    team.run::<flour>()?;
    assert_eq!(team.push::<flour>(&remote)?.instances().len(), 2);
    assert_eq!(team.push::<flour>(&remote)?.instances().len(), 0);
    assert_eq!(mine.pull::<flour>(&remote)?.instances().len(), 2);
    assert_eq!(ran(&mine.run::<flour>()?), [""; 0]);
    // Who only pulls needs no key: the signature of the team is still right.
    let reader = mill.open("reader")?.require_signatures(mill.trusted()?);
    reader.pull::<flour>(&remote)?;
    assert_eq!(*reader.load::<flour>()?, 10);
    // What was pulled can be pushed on.
    let second = RemoteFolder::on(mill.folder.path().join("second"), Arc::new(Faulty::new()));
    mine.push::<flour>(&second)?;
    assert_eq!(mill.strict("last")?.pull::<flour>(&second)?.instances().len(), 2);
    // Files are fetched when they are needed.
    let lazy = mill.open("lazy")?.require_signatures(mill.trusted()?).reuse_from(mill.remote());
    assert_eq!(*lazy.load::<flour>()?, 10);
    Ok(())
}

#[test]
fn a_manifest_that_was_changed_is_refused() -> Result<()> {
    let mill = Mill::new()?;
    let remote = mill.remote();
    let team = mill.strict("team")?;
    team.run::<grain>()?;
    team.push::<grain>(&remote)?;
    let outputs = mill.folder.path().join("shared/outputs");
    let manifest = one_file(&outputs, "", ".json");
    let mut json: Value = serde_json::from_slice(&fs::read(&manifest)?)?;
    json["meta"]["origin"] = "factory".into();
    let bytes = serde_json::to_vec_pretty(&json)?;
    // A user who can write to the remote can give the manifest the name that its content needs.
    let name = manifest.file_name().context("a name")?.to_string_lossy().into_owned();
    let (beginning, _) = name.rsplit_once('-').context("a digest")?;
    let digest = &blake3::hash(&bytes).to_hex()[..32];
    fs::remove_file(&manifest)?;
    fs::write(manifest.with_file_name(format!("{beginning}-{digest}.json")), &bytes)?;
    let error = mill.strict("mine")?.pull::<grain>(&remote).expect_err("changed").to_string();
    assert!(error.starts_with("grain {n: 1} is not accepted: its signature is wrong"), "{error}");
    // A flow without requirement takes it.
    let trusting = mill.open("trusting")?;
    trusting.pull::<grain>(&remote)?;
    assert_eq!(trusting.output::<grain>()?.meta::<String>("origin")?, "factory");
    Ok(())
}

#[test]
fn an_import_takes_signed_outputs_only() -> Result<()> {
    let mill = Mill::new()?;
    let folder = mill.folder.path();
    mill.open("unsigned")?.run::<grain>()?;
    mill.open("unsigned")?.export::<grain>(folder.join("exported"))?;
    let error =
        mill.strict("mine")?.import(folder.join("exported")).expect_err("unsigned").to_string();
    assert!(error.contains("is not accepted: its output is not signed"), "{error}");
    let team = mill.strict("team")?;
    team.run::<grain>()?;
    team.export::<grain>(folder.join("signed"))?;
    let mine = mill.strict("other")?;
    mine.import(folder.join("signed"))?;
    assert!(mine.is_complete::<grain>()?);
    Ok(())
}

#[test]
fn a_run_that_could_not_accept_its_own_outputs_says_so_before_it_runs() -> Result<()> {
    let mill = Mill::new()?;
    let reader = mill.open("data")?.require_signatures(mill.trusted()?);
    let no_key = "the flow requires signatures, but it has no key to sign its own outputs";
    let preview = reader.preview::<grain>()?;
    assert!(preview.warnings()[0].to_string().starts_with(no_key), "{preview}");
    let error = reader.run::<grain>().expect_err("no key").to_string();
    assert!(error.starts_with(no_key) && error.contains("`sign_with`"), "{error}");
    let unknown = reader.sign(SigningKey::read(&mill.unknown)?);
    let error = unknown.run::<grain>().expect_err("an unknown key").to_string();
    let key = mill.key(&mill.unknown)?;
    assert!(
        error.contains(&format!("it does not trust the key of its own signer, `{key}`")),
        "{error}"
    );
    assert!(!reader.folder().join("grain").exists());
    Ok(())
}

/// A task with one name, in two versions of its code.
macro_rules! bread {
    ($module:ident, $version:expr) => {
        mod $module {
            use flow::prelude::*;

            #[derive(Task)]
            #[task(name = "Bread", target = Json<u64>)]
            pub(super) struct Bread;

            impl Run for Bread {
                const CODE: super::Code = super::Code::version($version);

                fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
                    Ok(3)
                }
            }
        }
    };
}

bread!(before, 1);
bread!(after, 2);

#[test]
fn bless_signs_anew_and_covers_signed_outputs_only() -> Result<()> {
    let mill = Mill::new()?;
    mill.strict("data")?.run::<before::Bread>()?;
    let flow = mill.strict("data")?;
    assert!(!flow.is_complete::<after::Bread>()?);
    assert_eq!(flow.store().bless::<after::Bread>().run()?.instances(), ["Bread"]);
    assert!(flow.is_complete::<after::Bread>()?);
    // Without a key, the blessed record has no signature: the old one was for another claim.
    mill.strict("other")?.run::<before::Bread>()?;
    mill.open("other")?.store().bless::<after::Bread>().run()?;
    let other = mill.strict("other")?;
    assert_eq!(reasons::<after::Bread>(&other)?, ["its output is not signed"]);
    // What is not signed is not blessed.
    mill.open("third")?.run::<before::Bread>()?;
    let third = mill.strict("third")?;
    assert_eq!(third.store().bless::<after::Bread>().run()?.instances(), [""; 0]);
    Ok(())
}

#[test]
fn verify_lists_what_is_not_signed_and_gc_leaves_it_alone() -> Result<()> {
    let mill = Mill::new()?;
    mill.open("data")?.run::<(grain, before::Bread)>()?;
    let flow = mill.strict("data")?;
    flow.run::<grain>()?;
    let verified = flow.store().verify()?;
    assert!(verified.is_whole());
    let unsigned: Vec<_> = verified.unsigned().iter().map(ToString::to_string).collect();
    assert_eq!(unsigned, ["Bread: its output is not signed"]);
    assert_eq!(verified.unsigned()[0].reason, SignatureError::Missing);
    let text = verified.to_string();
    let known = mill.key(&mill.known)?;
    assert!(text.contains(&format!("1 output is signed by {known}")), "{text}");
    assert!(text.contains("1 output is not accepted"), "{text}");
    flow.store().gc().older_than(std::time::Duration::ZERO).find()?.remove()?;
    assert!(mill.open("data")?.is_complete::<before::Bread>()?);
    assert!(flow.is_complete::<grain>()?);
    // A flow without requirement lists none.
    assert!(mill.open("data")?.store().verify()?.unsigned().is_empty());
    Ok(())
}

#[test]
fn verify_warns_of_wrong_signatures_also_where_none_is_required() -> Result<()> {
    let mill = Mill::new()?;
    let flow = mill.signing("data", &mill.known)?;
    flow.run::<flour>()?;
    let known = mill.key(&mill.known)?;
    let checking = mill.open("data")?.check_signatures(AnyKey);
    let verified = checking.store().verify()?;
    assert!(verified.wrong_signatures().is_empty());
    let text = verified.to_string();
    assert!(text.contains(&format!("2 outputs are signed by {known}")), "{text}");
    assert!(text.contains("signatures are not required") && !text.contains("warning"), "{text}");
    // Someone changes a record by hand. The output counts, because nothing requires a signature.
    edit(&record(&flow, "grain"), |json| json["meta"]["origin"] = "factory".into())?;
    assert!(flow.is_complete::<grain>()?);
    let verified = checking.store().verify()?;
    assert!(verified.is_whole() && verified.unsigned().is_empty());
    assert_eq!(verified.wrong_signatures()[0].reason, SignatureError::Wrong);
    let text = verified.to_string();
    assert!(text.contains(&format!("1 output is signed by {known}")), "{text}");
    assert!(text.contains("warning: 1 output has a wrong signature:\n  grain"), "{text}");
    assert!(text.contains(": its signature is wrong: its record was changed"), "{text}");
    // Where they are required, it is not accepted, and named once.
    let verified = mill.strict("data")?.check_signatures(AnyKey).store().verify()?;
    assert_eq!((verified.unsigned().len(), verified.wrong_signatures().len()), (1, 0));
    assert!(!verified.to_string().contains("signatures are not required"), "{verified}");
    // What nothing can compare is not reported as right, and a store without signatures has no line of them.
    let text = flow.store().verify()?.to_string();
    assert!(text.contains("signatures are not required") && !text.contains("signed by"), "{text}");
    mill.open("plain")?.run::<grain>()?;
    let text = mill.open("plain")?.check_signatures(AnyKey).store().verify()?.to_string();
    assert!(!text.contains("signature"), "{text}");
    Ok(())
}

#[test]
fn earlier_versions_count_if_they_are_signed() -> Result<()> {
    let mill = Mill::new()?;
    mill.open("data")?.run::<before::Bread>()?;
    mill.strict("data")?.run::<after::Bread>()?;
    // The version from before is not signed, so that it is not reused.
    assert_eq!(ran(&mill.strict("data")?.run::<before::Bread>()?), ["Bread"]);
    let again = mill.strict("data")?.run::<after::Bread>()?;
    assert_eq!(reused(&again), ["Bread"], "this one is signed");
    Ok(())
}

#[test]
fn a_signed_import_takes_the_place_of_an_unsigned_version() -> Result<()> {
    let mill = Mill::new()?;
    mill.open("data")?.run::<before::Bread>()?;
    // The unsigned output is a version from now on.
    mill.strict("data")?.run::<after::Bread>()?;
    let (team, exported) = (mill.strict("team")?, mill.folder.path().join("signed"));
    team.run::<before::Bread>()?;
    team.export::<before::Bread>(&exported)?;
    mill.strict("data")?.import(&exported)?;
    assert_eq!(reused(&mill.strict("data")?.run::<before::Bread>()?), ["Bread"]);
    Ok(())
}

#[test]
fn namespaces_and_other_folders_have_the_same_rules() -> Result<()> {
    let mill = Mill::new()?;
    let folder = mill.folder.path();
    let (unsigned, flow) = (mill.open("data")?, mill.strict("data")?);
    for (unsigned, flow) in [
        (unsigned.namespace("prod"), flow.namespace("prod")),
        (unsigned.in_folder(folder.join("b"))?, flow.in_folder(folder.join("b"))?),
        (unsigned.in_folder(folder.join("b"))?, flow.in_folder_to_read(folder.join("b"))?),
    ] {
        unsigned.run::<grain>()?;
        assert!(!flow.is_complete::<grain>()?);
    }
    Ok(())
}

#[test]
fn a_private_key_is_in_no_file_of_the_store_and_in_no_message() -> Result<()> {
    let mill = Mill::new()?;
    let flow = mill.strict("data")?;
    flow.run::<flour>()?;
    let text = fs::read_to_string(&mill.known)?;
    let secret = text.lines().nth(1).context("a line of base64")?;
    for file in files_below(flow.folder()) {
        let bytes = fs::read(&file)?;
        assert!(!String::from_utf8_lossy(&bytes).contains(&secret[24..]), "{}", file.display());
    }
    let key = SigningKey::read(&mill.known)?;
    assert!(!format!("{key:?} {flow:?}").contains(&secret[24..]));
    Ok(())
}
