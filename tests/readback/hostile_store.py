"""Reads a damaged and hostile store through the Python package: python hostile_store.py PACKAGE STORE EMPTY."""

import json
import os
import pathlib
import shutil
import sys
import warnings

package, folder, outside = map(pathlib.Path, sys.argv[1:])
sys.path.insert(0, str(package))

from flow_outputs import Damaged, DamagedRecord, NotFound, Store

outside.mkdir()
(outside / "secret.json").write_text("[1, 2, 4]")
store = Store(folder)
place = store.path("Powers", base=2).parent
record = place / "record.json"
good = json.loads(record.read_text())


def warned(*words):
    """Lists the store, which must warn once and lack the output; the others are there."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        listed = store.list()
    messages = [str(warning.message) for warning in caught if warning.category is DamagedRecord]
    assert len(messages) == 1, messages
    assert all(word in messages[0] for word in words), messages
    assert len(listed) == whole - 1, [output.instance for output in listed]


def refused(*words, kind=Damaged):
    try:
        value = store.load("Powers", base=2)
    except kind as error:
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError(f"{words}: {value}")


def write(**changes):
    record.write_text(json.dumps({**good, **changes}))


whole = len(store.list())

# Records that are damaged, of another instance, or of a newer format.
for text, word in [
    ("", "Expecting value"),
    ("{", "record.json"),
    ("[]", "not a record"),
    ("[" * 100_000, "record.json"),
    ("\0" * 100, "record.json"),
]:
    record.write_text(text)
    warned(word)
write(format=99)
warned("format 99")
write(key="0" * 32)
warned("another instance")
write(parameters=[])
warned("not a record")
write(output={"files": [{"file": 1}]})
warned("not a record")
for name in ("../../outside.json", "/etc/hostname", "..", ".hidden", "a/b", "a\\b", "C:x", ""):
    write(output={"files": [{"file": name, "bytes": 1}]})
    warned("outside its folder")
for name in ("../x", "a//b", "/a", ""):
    inner = [{"path": name, "bytes": 1, "digest": "0"}]
    write(output={"files": [{"file": "data", "bytes": 1, "folder": inner}]})
    warned("outside its folder")
with open(record, "wb") as file:
    file.truncate(1 << 30)
warned("larger than 256 MiB")

# Records and folders that are links, or no files.
record.unlink()
(outside / "record.json").write_text(json.dumps(good))
record.symlink_to(outside / "record.json")
warned("is a link")
record.unlink()
os.mkfifo(record)
warned("not a regular file")
record.unlink()
moved = outside / "moved"
write()
shutil.move(place, moved)
place.symlink_to(moved, target_is_directory=True)
assert len(store.list()) == whole - 1, "a link to an instance is not followed"
place.unlink()
shutil.move(moved, place)
assert len(store.list()) == whole

# Files that are missing, modified, links, or no files.
data = place / good["output"]["files"][0]["file"]
kept = data.read_bytes()
data.unlink()
refused("is missing", kind=NotFound)
data.write_bytes(kept + b" ")
refused("8 bytes instead of 7")
data.unlink()
data.symlink_to(outside / "secret.json")
refused("is a link")
data.unlink()
os.mkfifo(data)
refused("not a regular file")
data.unlink()

# A folder that is an output.
data.mkdir()
inner = [{"path": "a.txt", "bytes": 1, "digest": "0"}]
write(output={"files": [{"file": data.name, "bytes": 1, "folder": inner}]})
refused("is missing", kind=NotFound)
(data / "a.txt").write_text("1")
assert store.load("Powers", base=2) == data
(data / "a.txt").write_text("12")
refused("2 bytes instead of 1")
(data / "a.txt").write_text("1")
(data / "link").symlink_to(outside)
refused("is a link")
(data / "link").unlink()

# The folder of a task that is a link; a store in the store; the content of an output that looks like an instance.
before = len(store.list())
(folder / "Linked").symlink_to(folder / "Powers", target_is_directory=True)
(folder / "other").mkdir()
(folder / "other" / ".flow").mkdir()
shutil.copytree(folder / "Powers", folder / "other" / "Powers")
nested = folder / "Uncommitted" / "0123456789abcdef" / "data-0123456789abcdef-0123456789abcdef"
shutil.copytree(folder / "Powers", nested / "Powers")
assert len(store.list()) == before

# The folder of the store itself may be a link.
link = outside / "data"
link.symlink_to(folder, target_is_directory=True)
assert len(Store(link).list()) == before
