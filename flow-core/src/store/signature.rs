//! Signatures of records: what is signed, and which records a store accepts.
//!
//! A flow may sign the outputs that it stores, and may require signatures of known keys
//! ([`Signer`], [`Verifier`]). The signature is a field of the record.
//!
//! # What is signed
//!
//! The message is a line with the purpose and the version of the format, and then the record as
//! canonical JSON: without spaces, and with the keys of objects in order. It has everything that the
//! record claims: key, task, parameters, fingerprint with all its parts, what was read and required,
//! the digest and size of each file and of each file in a folder, metadata, start and machine. So a
//! signature cannot be moved to another instance, and no claim can be changed.
//!
//! It leaves out:
//!
//! - the signature itself;
//! - what belongs to a copy: the names of files, apart from their extensions, and their times. So the
//!   signature of an output is still right in another store;
//! - the seconds that the task took, which nothing depends on;
//! - figures and notes, which no task reads. A copy may lack them.
//!
//! A field that a later release adds to records is signed, too. An earlier release, which does not
//! know the field, finds the signature wrong then: it accepts too little, and never too much.
//!
//! # Where signatures are verified
//!
//! - [`Store::record`] verifies each record that it reads. One that is not accepted counts as
//!   damaged, with the reason, so that its instance is pending. The record cache, which anyone could
//!   write who can write a record, is not used.
//! - The planner verifies the records of all outputs that could be reused, of whatever store or
//!   remote ([`judge`](crate::plan::judge)).
//! - [`Store::stage_record`] refuses to stage a record that this store would not accept. Every commit
//!   passes through it: runs, reuse, pulls, imports, draft records of other processes.
//!
//! A record is verified each time that it is read, which takes tens of microseconds with ed25519.
//!
//! A worker signs the records of its jobs in the same way, if a known key has signed the job.
//!
//! # The content of files
//!
//! A signature covers digests, so the content is compared with them: each time before a file is read
//! or linked. A plan compares sizes and times only, as always. What was hashed is remembered in this
//! process, as long as the size, the times and the inode of the file are the same: a file is
//! hashed once for all tasks of a process that read it, unless it is younger than three seconds.
//! A user who can write the file could also write a cache on the disk.
//!
//! # What a signature does not say
//!
//! That an output is the latest one: who can write to a store can put an earlier signed output of the
//! same fingerprint back, or remove one. What is outside of the store, such as a table of a
//! database, is as trustworthy as the database. A digest has 128 bits: it withstands who looks for other content
//! with the digest of a signed output (2^128 attempts), and not who can let a known machine sign one of two
//! contents that were prepared together (2^64).

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::error::StoreError;
use crate::base::signature::{SignatureError, Signer, Verifier};
use crate::files::Contents;
use crate::store::output::{Look, Output, OutputFile};
use crate::store::record::Record;
use crate::store::trust::Trust;
use crate::store::{Folder, Store};
use crate::value::escaped_text;

/// The first line of each message, so that no signature for another purpose is one of a record.
const PURPOSE: &str = "typed-flow output record, version 1\n";

/// What is signed to find out which key a signer has.
const TEST: &[u8] = b"typed-flow test of a key";

/// The most keys that a run tells to its workers with each job.
const MOST_KEYS: usize = 100;

/// What a run requires of the signatures of its workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequiredSignature {
    /// The names of the keys that it accepts; `None` if they cannot be listed, or are too many.
    keys: Option<Vec<String>>,
}

/// Who signs the outputs of a store, and whose signatures it accepts.
#[derive(Clone, Default)]
pub(crate) struct Signatures {
    signer: Option<Arc<dyn Signer>>,
    verifier: Option<Arc<dyn Verifier>>,
    /// What `verify` compares signatures with if none are required.
    checker: Option<Arc<dyn Verifier>>,
}

impl Signatures {
    /// Returns the same with another signer.
    pub(crate) fn signed_by(&self, signer: Arc<dyn Signer>) -> Self {
        Self { signer: Some(signer), ..self.clone() }
    }

    /// Returns the same, which accepts only what this verifier accepts.
    pub(crate) fn required_by(&self, verifier: Arc<dyn Verifier>) -> Self {
        Self { verifier: Some(verifier), ..self.clone() }
    }

    /// Returns the same, whose `verify` compares signatures by this verifier if none are required.
    pub(crate) fn checked_by(&self, checker: Arc<dyn Verifier>) -> Self {
        Self { checker: Some(checker), ..self.clone() }
    }

    /// Returns whether outputs must be signed.
    pub(crate) fn are_required(&self) -> bool {
        self.verifier.is_some()
    }

    /// Returns whether outputs are signed by this process.
    pub(crate) fn can_sign(&self) -> bool {
        self.signer.is_some()
    }

    /// Returns why the outputs of this process would not be accepted, if they would not.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let verifier = self.verifier.as_ref()?;
        let Some(signer) = &self.signer else {
            return Some(
                "it has no key to sign its own outputs, so that it could not accept them: set one with \
                 `flow.sign`, or `sign_with` in flow.toml"
                    .to_owned(),
            );
        };
        match verified_test(&**signer, &**verifier) {
            Ok(Ok(_)) => None,
            Ok(Err(SignatureError::UnknownKey { key })) => Some(format!(
                "it does not trust the key of its own signer, `{}`: add it to those that \
                 `flow.require_signatures` accepts (`trusted_keys` in flow.toml)",
                key.escape_debug()
            )),
            Ok(Err(_)) => Some("it does not accept what its own signer signs".to_owned()),
            Err(error) => Some(format!("it cannot sign its own outputs: {error:#}")),
        }
    }

    /// Returns what a run with these signatures requires of its workers; `None` if it requires no signatures.
    pub(crate) fn required(&self) -> Option<RequiredSignature> {
        let keys = self.verifier.as_ref()?.keys();
        Some(RequiredSignature { keys: keys.filter(|keys| keys.len() <= MOST_KEYS) })
    }

    /// Returns what a worker with these signatures lacks to sign what its jobs compute.
    pub(crate) fn lacking(&self) -> Option<&'static str> {
        match (&self.signer, &self.verifier) {
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some(
                "it has a key to sign with, and no trusted keys, without which it does not know whose jobs it may sign: set \
                 `trusted_keys` in the flow.toml of the worker, or `flow.require_signatures` in its program",
            ),
            (None, Some(_)) => Some(
                "it has trusted keys, and no key to sign with: set `sign_with` in the flow.toml of the worker, or `flow.sign` in \
                 its program",
            ),
            (None, None) => Some(
                "it has no key to sign with, and no trusted keys: set `sign_with` and `trusted_keys` in the flow.toml of the \
                 worker, or `flow.sign` and `flow.require_signatures` in its program",
            ),
        }
    }

    /// Returns why a run would not accept what a worker with these signatures computes, if that is known.
    pub(crate) fn refused_by(&self, required: &RequiredSignature) -> Option<String> {
        if let Some(lacking) = self.lacking() {
            return Some(lacking.to_owned());
        }
        let (signer, verifier) = (self.signer.as_ref()?, self.verifier.as_ref()?);
        let name = match verified_test(&**signer, &**verifier) {
            Ok(Ok(key) | Err(SignatureError::UnknownKey { key })) => key,
            // Then the name of the key is not known, and the run decides after the job.
            Ok(Err(_)) => return None,
            Err(error) => return Some(format!("it cannot sign with its key: {error:#}")),
        };
        let is_accepted = required.keys.as_ref().is_none_or(|keys| keys.contains(&name));
        (!is_accepted).then(|| {
            format!(
                "the run does not accept the key of the worker, `{}`: add it to `trusted_keys` in the flow.toml of the run, or \
                 give the worker a key that is there",
                name.escape_debug()
            )
        })
    }
}

/// Signs a message that is no record, and returns what the verifier says of the signature.
///
/// # Errors
///
/// The signer cannot sign.
fn verified_test(
    signer: &dyn Signer,
    verifier: &dyn Verifier,
) -> anyhow::Result<Result<String, SignatureError>> {
    signer.sign(TEST).map(|signature| verifier.verify(TEST, &signature))
}

impl Store {
    /// Returns the same store, which signs and accepts records in this way.
    pub(crate) fn with_signatures(&self, signatures: &Signatures) -> Self {
        let store = self.same();
        let checked = signatures.are_required().then(|| store.new_checked());
        Self { signatures: signatures.clone(), checked, ..store }
    }

    /// Returns the same store, which compares the content of each file with its record before it is read.
    ///
    /// A child process does, for a parent that has verified the records.
    pub(crate) fn checking_content(self) -> Self {
        Self { checked: Some(self.new_checked()), ..self }
    }

    fn new_checked(&self) -> Arc<Contents> {
        Arc::new(Contents::unknown(Arc::clone(self.fs()), self.root()))
    }

    /// Returns whether the content of files is compared with records before it is read.
    pub(crate) fn checks_content(&self) -> bool {
        self.checked.is_some()
    }

    /// Returns the digests of stored files that this process has computed, if content is checked.
    pub(crate) fn checked(&self) -> Option<&Contents> {
        self.checked.as_deref()
    }

    /// Returns how files are compared with their record before they are read.
    pub(crate) fn trust_to_read(&self) -> Trust {
        if self.checks_content() { Trust::Content } else { Trust::Stamps }
    }

    /// Looks at the files of an output before they are read.
    ///
    /// # Errors
    ///
    /// A file cannot be inspected or, if content is checked, it has other content than its record says.
    pub(crate) fn look_to_read(
        &self,
        folder: &Folder,
        output: &Output,
    ) -> Result<Look, StoreError> {
        let seen = self.look_at(folder, output, self.trust_to_read())?;
        self.unless_forged(seen.look, &self.path(folder, &seen.what))
    }

    /// Returns an error if the content of an output is checked and is not as recorded: tools read the files that a record names.
    pub(crate) fn check_recorded(
        &self,
        folder: &Folder,
        output: &Output,
    ) -> Result<(), StoreError> {
        match self.checks_content() {
            true => self.look_to_read(folder, output).map(drop),
            false => Ok(()),
        }
    }

    /// Returns what was seen of an output, or an error if its content was checked and is not as recorded.
    ///
    /// The plan may have found the output complete by its size and time, and would do so again.
    pub(crate) fn unless_forged(&self, look: Look, path: &Path) -> Result<Look, StoreError> {
        match look == Look::Modified && self.checks_content() {
            true => Err(StoreError::damaged(
                path.display(),
                "it has other content than its signed record says; remove the output by \
                 `flow.store().verify()?.reset()` (`verify --reset` on the command line)",
            )),
            false => Ok(look),
        }
    }

    /// Returns who signs the outputs of this store, and whose signatures it accepts.
    pub(crate) fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// Returns the name of the key that has signed a record; `None` if signatures are not required.
    ///
    /// # Errors
    ///
    /// The record is not signed by a known key.
    pub(crate) fn verify_signature(
        &self,
        record: &Record,
    ) -> Result<Option<String>, SignatureError> {
        let Some(verifier) = &self.signatures.verifier else { return Ok(None) };
        let signature = record.signature.as_deref().ok_or(SignatureError::Missing)?;
        verifier.verify(&message(record), signature).map(Some)
    }

    /// Returns who has signed a record, or why its signature is wrong, for a store that requires no signatures; `None` if the
    /// record has none, or this store cannot compare it.
    pub(crate) fn check_signature(
        &self,
        record: &Record,
    ) -> Option<Result<String, SignatureError>> {
        if self.signatures.are_required() {
            return None;
        }
        let checker = self.signatures.checker.as_ref()?;
        Some(checker.verify(&message(record), record.signature.as_deref()?))
    }

    /// Returns an error unless this store accepts a record.
    pub(crate) fn accept(&self, record: &Record) -> Result<(), StoreError> {
        self.verify_signature(record).map(drop).map_err(|reason| unsigned(record, reason))
    }

    /// Signs the record of an output that this process has computed, if the store signs.
    ///
    /// # Errors
    ///
    /// The key cannot be used.
    pub(crate) fn sign(&self, record: &mut Record) -> Result<(), StoreError> {
        let Some(signer) = &self.signatures.signer else { return Ok(()) };
        let signature = signer.sign(&message(record)).map_err(|error| StoreError::NotSigned {
            output: label(record),
            reason: format!("{error:#}"),
        })?;
        record.signature = Some(signature);
        Ok(())
    }

    /// Returns the signature of a text for this purpose; `None` if the store does not sign.
    ///
    /// # Errors
    ///
    /// The key cannot be used.
    pub(crate) fn sign_text(
        &self,
        purpose: &str,
        text: &str,
    ) -> Result<Option<String>, StoreError> {
        let Some(signer) = &self.signatures.signer else { return Ok(None) };
        let signature = signer.sign(format!("{purpose}\n{text}").as_bytes());
        signature.map(Some).map_err(|error| StoreError::NotSigned {
            output: "a job".to_owned(),
            reason: format!("{error:#}"),
        })
    }

    /// Returns whether a known key has signed a text for this purpose; `false` if signatures are not required.
    ///
    /// # Errors
    ///
    /// They are required, and this is none of a known key.
    pub(crate) fn verify_text(
        &self,
        purpose: &str,
        text: &str,
        signature: Option<&str>,
    ) -> Result<bool, SignatureError> {
        let Some(verifier) = &self.signatures.verifier else { return Ok(false) };
        let signature = signature.ok_or(SignatureError::Missing)?;
        verifier.verify(format!("{purpose}\n{text}").as_bytes(), signature).map(|_| true)
    }

    /// Signs the record of an output that is reused, if it has lost its signature because it now belongs to another
    /// instance.
    ///
    /// That is done only if signatures are required: then the signature of the output that is reused was verified.
    /// Otherwise anyone could get a signature by an output that this flow reuses.
    ///
    /// # Errors
    ///
    /// The key cannot be used.
    pub(crate) fn sign_reused(&self, record: &mut Record) -> Result<(), StoreError> {
        match record.signature.is_none() && self.signatures.are_required() {
            true => self.sign(record),
            false => Ok(()),
        }
    }
}

/// Returns the error for an output that is not accepted.
fn unsigned(record: &Record, reason: SignatureError) -> StoreError {
    StoreError::Unsigned { output: label(record), reason }
}

/// Returns a text for the instance of a record: someone else may have written it.
fn label(record: &Record) -> String {
    let parameters = record.parameters.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        value => format!("{name}: {value}"),
    });
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let text = match parameters.is_empty() {
        true => record.task.clone(),
        false => format!("{} {{{parameters}}}", record.task),
    };
    escaped_text(text.chars())
}

/// Returns the message that the signature of a record is for.
pub(crate) fn message(record: &Record) -> Vec<u8> {
    let mut claims = serde_json::to_value(record).expect("serializable as JSON");
    if let Some(claims) = claims.as_object_mut() {
        claims.remove("signature");
        claims.remove("seconds");
    }
    if let Some(output) = claims.get_mut("output").and_then(Value::as_object_mut) {
        output.remove("figures");
        let files = output.get_mut("files").and_then(Value::as_array_mut);
        for (claim, file) in files.into_iter().flatten().zip(&record.output.files) {
            leave_copy_out(claim, file);
        }
    }
    let mut text = PURPOSE.to_owned();
    write_canonical(&claims, &mut text);
    text.into_bytes()
}

/// Removes from the claim about a file what belongs to a copy of it.
fn leave_copy_out(claim: &mut Value, file: &OutputFile) {
    let Some(claim) = claim.as_object_mut() else { return };
    claim.remove("modified");
    claim.insert("file".to_owned(), file.extension().into());
    let within = claim.get_mut("folder").and_then(Value::as_array_mut);
    for item in within.into_iter().flatten().filter_map(Value::as_object_mut) {
        item.remove("modified");
    }
}

/// Writes JSON without spaces, and with the keys of objects in order.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (place, (key, value)) in entries.into_iter().enumerate() {
                let comma = if place == 0 { "" } else { "," };
                let key = Value::String(key.clone());
                write!(text, "{comma}{key}:").expect("writing to a string");
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        scalar => write!(text, "{scalar}").expect("writing to a string"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(digit: char) -> String {
        digit.to_string().repeat(32)
    }

    /// Returns a record with every field that a copy of an output may change.
    fn record() -> Value {
        serde_json::json!({
            "format": 2,
            "task": "Fit",
            "key": digest('1'),
            "parameters": {"b": 2.5, "a": "x"},
            "fingerprint": digest('2'),
            "made_from": {"parameters": digest('3'), "code": digest('4'), "target": "File"},
            "output": {
                "digest": digest('5'),
                "files": [
                    {"file": "data-1-2.csv.gz", "digest": digest('6'), "bytes": 3, "modified": 7},
                    {
                        "part": "all", "file": "data-3-4-all", "digest": digest('7'), "bytes": 1, "modified": 0,
                        "folder": [{"path": "a", "bytes": 1, "modified": 5, "digest": digest('8')}],
                    },
                ],
                "figures": [{"file": "figure-1-2.svg", "digest": digest('9'), "bytes": 1, "modified": 3}],
            },
            "meta": {"rows": 3, "names": ["b", "a"], "nested": {"z": null, "y": true}},
            "started": "2026-01-02T03:04:05Z",
            "seconds": 1.5,
            "host": "here",
        })
    }

    fn message_of(record: &Value) -> String {
        let bytes = serde_json::to_vec(record).expect("JSON");
        let record = Record::parse(&bytes).expect("a record");
        String::from_utf8(message(&record)).expect("text")
    }

    /// A signature of an earlier release must stay right: another text needs another version in the first line.
    #[test]
    fn the_message_is_canonical() {
        let expected = format!(
            "typed-flow output record, version 1\n\
             {{\"fingerprint\":\"{}\",\"format\":2,\"host\":\"here\",\"key\":\"{}\",\
             \"made_from\":{{\"code\":\"{}\",\"parameters\":\"{}\",\"target\":\"File\"}},\
             \"meta\":{{\"names\":[\"b\",\"a\"],\"nested\":{{\"y\":true,\"z\":null}},\"rows\":3}},\
             \"output\":{{\"digest\":\"{}\",\"files\":[\
             {{\"bytes\":3,\"digest\":\"{}\",\"file\":\"csv.gz\"}},\
             {{\"bytes\":1,\"digest\":\"{}\",\"file\":\"\",\
             \"folder\":[{{\"bytes\":1,\"digest\":\"{}\",\"path\":\"a\"}}],\"part\":\"all\"}}]}},\
             \"parameters\":{{\"a\":\"x\",\"b\":2.5}},\"started\":\"2026-01-02T03:04:05Z\",\"task\":\"Fit\"}}",
            digest('2'),
            digest('1'),
            digest('4'),
            digest('3'),
            digest('5'),
            digest('6'),
            digest('7'),
            digest('8'),
        );
        assert_eq!(message_of(&record()), expected);
    }

    #[test]
    fn a_copy_has_the_same_message_and_any_other_claim_another() {
        let original = message_of(&record());
        let changed = |pointer: &str, value: Value| {
            let mut record = record();
            *record.pointer_mut(pointer).expect("a field of the record") = value;
            message_of(&record)
        };
        for (pointer, value) in [
            ("/output/files/0/file", "data-8-9.csv.gz".into()),
            ("/output/files/0/modified", 8.into()),
            ("/output/files/1/folder/0/modified", 8.into()),
            ("/output/figures", serde_json::json!([])),
            ("/seconds", 9.5.into()),
        ] {
            assert_eq!(changed(pointer, value), original, "{pointer}");
        }
        for (pointer, value) in [
            ("/format", 1.into()),
            ("/task", "Other".into()),
            ("/key", digest('a').into()),
            ("/parameters/a", "y".into()),
            ("/fingerprint", digest('a').into()),
            ("/made_from/parameters", digest('a').into()),
            ("/made_from/code", digest('a').into()),
            ("/made_from/target", "Other".into()),
            ("/output/digest", digest('a').into()),
            ("/output/files/0/file", "data-1-2.csv".into()),
            ("/output/files/0/digest", digest('a').into()),
            ("/output/files/0/bytes", 4.into()),
            ("/output/files/1/part", "some".into()),
            ("/output/files/1/folder/0/path", "b".into()),
            ("/output/files/1/folder/0/digest", digest('a').into()),
            ("/output/files/1/folder/0/bytes", 2.into()),
            ("/meta/nested/y", false.into()),
            ("/meta/names", serde_json::json!(["a", "b"])),
            ("/started", "2026-01-02T03:04:06Z".into()),
            ("/host", "there".into()),
        ] {
            assert_ne!(changed(pointer, value), original, "{pointer}");
        }
    }

    #[test]
    fn a_message_is_the_same_after_a_record_was_written_and_read() {
        let mut json = record();
        json["meta"] = serde_json::json!({
            "third": 1.0 / 3.0, "tiny": 5e-324, "huge": 1.797_693_134_862_315_7e308, "large": u64::MAX,
            "text": "\u{1b}\u{2028}\"\\é", "": {"a": {}, "b": []},
        });
        let bytes = serde_json::to_vec(&json).expect("JSON");
        let mut record = Record::parse(&bytes).expect("a record");
        let original = message(&record);
        for _ in 0..3 {
            record = Record::parse(&record.to_bytes().expect("JSON")).expect("a record");
            assert_eq!(message(&record), original);
        }
    }
}
