"""Loads the outputs in this folder, by task and parameters.

    import flow_outputs

    flow_outputs.load("Train", model="Logistic")        # a pandas DataFrame or a Python value
    flow_outputs.load("Split", part="train")            # one part of several outputs
    flow_outputs.meta("Train", model="Logistic")        # the metadata that the task recorded
    flow_outputs.path("Report")                         # the path of the file
    flow_outputs.read("Report/model=Logistic.parquet")  # like load, by the path of the file in this folder
    flow_outputs.outputs("Train")                       # all outputs of a task, as in the manifest

A parameter may also be one of an upstream task:

    flow_outputs.load("Backtest", symbols=["AAPL", "MSFT"])  # a parameter of Prices, which Backtest requires

If the task has a parameter of that name, the name refers to this one. If several upstream tasks have one, with
different values, the name is ambiguous: pass a qualified name such as `Prices.symbols`. Pass qualified names, and
names that are not valid in Python, in a dict:

    flow_outputs.load("Train", {"class": "a", "Preprocess.scale": False})

A tuple equals a list of the same items, and numbers are equal if their values are, such as 1 and 1.0. The manifest
abbreviates values of upstream tasks that are longer than 1 KiB: find such an output by its other parameters or its
path.

A table is loaded as a pandas DataFrame with the same values and column types for every format: see `_frame`.
This needs pyarrow and pandas, and openpyxl for workbooks.

Loading a file with another size than was exported is an error. Digests are not compared: `flow.import` verifies
them.

Written by an export of typed-flow, together with the manifest. The next export replaces this file.
"""

import datetime
import decimal
import json
import math
import os
import pathlib
import stat

FOLDER = pathlib.Path(__file__).resolve().parent

# The maximal size of a manifest, in bytes.
LARGEST_MANIFEST = 256 << 20


def outputs(task=None, parameters=None, /, **named):
    """Returns all outputs, or those of a task with these parameters, as dicts of the manifest.

    Without a task, a name refers to a parameter of the task of an output, and not to one of an upstream task.
    """
    listed = [output for output in _manifest()["outputs"] if task is None or output["task"] == task]
    wanted = {**(parameters or {}), **named}
    known = [output["parameters"] for output in listed]
    wanted = [(_full_names(task, known, name, LookupError), _plain(value)) for name, value in wanted.items()]

    def has(output, names, value):
        values = output["parameters"]
        return any(name in values and _same(values[name], value) for name in names)

    return [output for output in listed if all(has(output, names, value) for names, value in wanted)]


def load(task, parameters=None, /, *, part=None, **named):
    """Loads the only output of a task with these parameters: its value, one part, or a dict of all parts."""
    output = _one(task, parameters, named)
    if part is None and [file.get("part", "") for file in output["files"]] != [""]:
        return {file["part"]: _read(output, file) for file in _files(output)}
    return _read(output, _file(output, part))


def path(task, parameters=None, /, *, part=None, **named):
    """Returns the path of the only output of a task with these parameters."""
    output = _one(task, parameters, named)
    return _locate(_file(output, part))


def read(path):
    """Loads the output in the file with this path, which is relative to this folder."""
    for output in outputs():
        for file in output["files"]:
            if file["path"] == path:
                return _read(output, file)
    raise LookupError(f"no output has the file {path}")


def meta(task, parameters=None, /, **named):
    """Returns the metadata that the task recorded for that output, by name."""
    return _one(task, parameters, named).get("meta", {})


def _one(task, parameters, named):
    found = outputs(task, parameters, **named)
    if len(found) == 1:
        return found[0]
    if found:
        listed = "\n  ".join(output["instance"] for output in found)
        raise LookupError(f"{len(found)} outputs match: give more parameters\n  {listed}")
    every = outputs(task)
    listed = "\n  ".join(output["instance"] for output in every) or "no output of that task"
    known = [output["parameters"] for output in every]
    wanted = {**(parameters or {}), **named}
    unknown = [name for name in wanted if every and not _full_names(task, known, name, LookupError)]
    unknown = f" (unknown: {', '.join(unknown)})" if unknown else ""
    raise LookupError(f"no output of {task} with these parameters{unknown}; the export has\n  {listed}")


def _manifest():
    path = FOLDER / "manifest.json"
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is not a regular file")
    if status.st_size > LARGEST_MANIFEST:
        raise ValueError(f"{path} is larger than {LARGEST_MANIFEST >> 20} MiB")
    return json.loads(path.read_bytes())


def _locate(file):
    # Returns the path of a file that the manifest names. It must be below this folder, without links.
    name = file["path"]
    path = FOLDER
    for part in name.split("/"):
        if part in ("", ".", "..") or any(sign in part for sign in ("\\", ":", "\0")):
            raise ValueError(f"manifest.json names {name!r}, which is outside its folder")
        path = path / part
        _refuse_link(path)
    if path.is_dir():
        for folder, folders, files in os.walk(path):
            for inner in (*folders, *files):
                _refuse_link(pathlib.Path(folder, inner))
    elif path.exists() and not path.is_file():
        raise ValueError(f"{path} is neither a file nor a folder")
    return path


def _refuse_link(path):
    if path.is_symlink():
        raise ValueError(f"{path} is a link, which is not followed")


def _files(output):
    if not output["files"]:
        raise LookupError(f"{output['instance']} was in memory, and has no file")
    return output["files"]


def _file(output, part):
    files = _files(output)
    for file in files:
        if file.get("part", "") == (part or ""):
            return file
    parts = ", ".join(file.get("part", "") or "no part" for file in files)
    raise LookupError(f"{output['instance']} has {parts}")


def _read(output, file):
    reader = file.get("python", {}).get("expression")
    path = _locate(file)
    if not isinstance(reader, str) or reader not in _READERS:
        # There is no reader for this format.
        return path
    size = path.stat().st_size
    if "within" not in file and size != file["bytes"]:
        raise ValueError(f"{path} is not what was exported: it has {size} bytes instead of {file['bytes']}")
    return _READERS[reader](str(path))
