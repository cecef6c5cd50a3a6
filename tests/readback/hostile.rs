//! The Python module of an export refuses a manifest that leads out of its folder, and everything
//! that is not a regular file.

use super::*;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Number;

#[tracked]
impl Run for Number {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(7)
    }
}

const SCRIPT: &str = r#"
import json
import os
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(folder))
import flow_outputs

assert flow_outputs.load("Number") == 7
manifest = folder / "manifest.json"
good = json.loads(manifest.read_text())
(folder.parent / "outside.json").write_text("1")


def refused(word):
    for call in (flow_outputs.load, flow_outputs.path):
        try:
            call("Number")
        except ValueError as error:
            assert word in str(error), error
        else:
            raise AssertionError(word)


for path in (str(folder.parent / "outside.json"), "../outside.json", "Number/../../outside.json", "", "a//b"):
    changed = json.loads(json.dumps(good))
    changed["outputs"][0]["files"][0]["path"] = path
    manifest.write_text(json.dumps(changed))
    refused("outside its folder")

# No text of the manifest is executed.
for expression in ("open('ran', 'w')", ["x"], None):
    changed = json.loads(json.dumps(good))
    changed["outputs"][0]["files"][0]["python"] = {"imports": ["evil"], "expression": expression}
    manifest.write_text(json.dumps(changed))
    assert flow_outputs.load("Number") == folder.resolve() / "Number/output.json"
assert not os.path.exists("ran")

manifest.write_text(json.dumps(good))
output = folder / "Number/output.json"
output.unlink()
output.symlink_to(folder.parent / "outside.json")
refused("is a link")
output.unlink()
os.mkfifo(output)
refused("neither a file nor a folder")
output.unlink()
output.mkdir()
(output / "inner").symlink_to(folder.parent)
refused("is a link")

(output / "inner").unlink()
output.rmdir()
(folder / "Number").rmdir()
(folder / "Number").symlink_to(folder.parent)
refused("is a link")

manifest.unlink()
os.mkfifo(manifest)
refused("is not a regular file")
manifest.unlink()
with open(manifest, "w") as file:
    file.truncate(3 << 30)
refused("is larger than")
"#;

#[test]
#[ignore = "it needs a Python: see the head of tests/readback/main.rs"]
fn a_manifest_cannot_lead_out_of_its_folder() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let flow = Flow::open(folder.path().join("data"))?.quiet();
    let to = folder.path().join("handed");
    flow.run::<Number>()?;
    flow.export::<Number>(&to)?;
    let python = std::env::var("READBACK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python).args(["-c", SCRIPT]).arg(&to).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
