"""Loads the outputs in this folder, by task and parameters.

    import flow_outputs

    flow_outputs.load("Train", model="Logistic")        # as pandas or Python has it
    flow_outputs.load("Split", part="train")            # one of several outputs
    flow_outputs.meta("Train", model="Logistic")        # what the task has noted
    flow_outputs.path("Report")                         # the file
    flow_outputs.outputs("Train")                       # all that there are, as the manifest has them

A parameter whose name is no name in Python, and one of another task from which it was made, goes into a
dict:

    flow_outputs.load("Train", {"class": "a", "Preprocess.scale": False})

A file of another size than was exported is an error; that its content is the same, `flow.import` verifies.

Written by an export of typed-flow, with the manifest beside it: the next export replaces it.
"""

import datetime
import json
import math
import os
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent


def outputs(task=None, parameters=None, /, **named):
    """All outputs, or those of a task with these parameters, each with all that the manifest says."""
    wanted = {**(parameters or {}), **named}
    wanted = {name: _plain(value) for name, value in wanted.items()}
    with open(FOLDER / "manifest.json", encoding="utf-8") as file:
        found = json.load(file)["outputs"]
    return [
        output
        for output in found
        if (task is None or output["task"] == task)
        and all(
            name in output["parameters"] and _same(output["parameters"][name], value)
            for name, value in wanted.items()
        )
    ]


def load(task, parameters=None, /, *, part=None, **named):
    """The one output of a task with these parameters; of several, one part, or a dict of all."""
    output = _one(task, parameters, named)
    if part is None and [file.get("part", "") for file in output["files"]] != [""]:
        return {file["part"]: _read(output, file) for file in _files(output)}
    return _read(output, _file(output, part))


def path(task, parameters=None, /, *, part=None, **named):
    """Where that output lies."""
    output = _one(task, parameters, named)
    return FOLDER / _file(output, part)["path"]


def meta(task, parameters=None, /, **named):
    """What the task has noted about that output, by name."""
    return _one(task, parameters, named).get("meta", {})


def _plain(value):
    # The value as the manifest has it, in which some are text: JSON has no infinity, no large numbers.
    if hasattr(value, "tolist"):  # of numpy
        value = value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value).replace(os.sep, "/")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        name = lambda key: key if isinstance(key, str) else json.dumps(_plain(key))
        return {name(key): _plain(item) for key, item in value.items()}
    return value


def _same(value, wanted):
    # In Python, True is 1.
    if isinstance(value, bool) != isinstance(wanted, bool):
        return False
    if isinstance(value, list) and isinstance(wanted, list):
        return len(value) == len(wanted) and all(map(_same, value, wanted))
    if isinstance(value, dict) and isinstance(wanted, dict):
        return value.keys() == wanted.keys() and all(_same(value[name], wanted[name]) for name in value)
    return value == wanted


def _one(task, parameters, named):
    found = outputs(task, parameters, **named)
    if len(found) == 1:
        return found[0]
    if found:
        listed = "\n  ".join(output["instance"] for output in found)
        raise LookupError(f"{len(found)} outputs: say more parameters\n  {listed}")
    listed = "\n  ".join(output["instance"] for output in outputs(task)) or "no output of that task"
    raise LookupError(f"no output of {task} with these parameters; there is\n  {listed}")


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
    if reader not in _READERS:
        # Nobody knows what it is: the path is what there is to be had.
        return FOLDER / file["path"]
    path = FOLDER / file["path"]
    size = path.stat().st_size
    if "within" not in file and size != file["bytes"]:
        raise ValueError(f"{path} is not what was exported: it has {size} bytes instead of {file['bytes']}")
    return _READERS[reader](str(path))
