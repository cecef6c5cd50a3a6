"""A store and its outputs."""

import datetime
import os
import pathlib
import re

from . import formats, names, records
from .errors import NotFound


class Store:
    """The outputs in the folder of a store.

        store = Store("data")
        store.list("Train")
        store.load("Train", model="gbm")

    `namespace` selects the store of a namespace in this folder, such as "prod". `as_` is the default for tables: "pandas",
    "polars" or "pyarrow".

    Each call reads the store again, so that it finds the outputs of runs in other processes. It parses only records that
    have changed.
    """

    def __init__(self, folder="data", *, namespace=None, as_="pandas"):
        self.folder = pathlib.Path(os.path.abspath(folder))
        if namespace is not None:
            self.folder = _namespace(self.folder, namespace)
        if not self.folder.is_dir():
            raise NotFound(f"the store {self.folder} does not exist")
        self.as_ = formats.checked(as_)
        self._known = {}

    def __repr__(self):
        return f"Store({str(self.folder)!r})"

    def list(self, task=None, parameters=None, /, **named):
        """Returns all outputs, or those of a task with these parameters, sorted by task and instance."""
        return names.find(self._outputs(), task, {**(parameters or {}), **named})

    def tasks(self):
        """Returns the names of all tasks with outputs."""
        return sorted({output.task for output in self._outputs()})

    def output(self, task, parameters=None, /, **named):
        """Returns the only output of a task with these parameters."""
        return names.find_one(self._outputs(), task, {**(parameters or {}), **named})

    def load(self, task, parameters=None, /, *, part=None, as_=None, **named):
        """Loads the only output of a task with these parameters: its value, one part, or a dict of all parts."""
        return self.output(task, parameters, **named).load(part=part, as_=as_)

    def path(self, task, parameters=None, /, *, part=None, **named):
        """Returns the path of the file of an output. Do not write to the file."""
        return self.output(task, parameters, **named).path(part)

    def meta(self, task, parameters=None, /, **named):
        """Returns the metadata that the task recorded for an output, by name."""
        return self.output(task, parameters, **named).meta

    def _outputs(self):
        known = {}
        for folder in records.instances(self.folder):
            stamp = records.stamp(self.folder, folder)
            output = self._known.get((folder, stamp))
            if output is None:
                record = records.read(self.folder, folder)
                output = record and Output(self, folder, record)
            # Each call reads and reports a damaged record again.
            if output:
                known[folder, stamp] = output
        self._known = known
        return sorted(known.values(), key=lambda output: (output.task, output.instance, output.key))


class Output:
    """A stored output.

    | attribute | |
    | --- | --- |
    | `task` | the name of the task |
    | `parameters` | those of the task and, as `Task.name`, those of upstream tasks that affect it |
    | `instance` | both as text, such as `Train {model: gbm}` |
    | `key` | the key of the instance, 32 digits |
    | `target` | the target as the program declared it, such as `Parquet<Vec<Row>>` |
    | `meta` | the metadata that the task recorded |
    | `started` | when its task started, as a `datetime` in UTC |
    | `seconds` | the duration of the task |
    | `host` | the machine on which it ran |
    | `bytes` | the size of its files |
    | `parts` | the names of its parts; `[""]` if it has no parts, and `[]` if it was only in memory |
    """

    def __init__(self, store, folder, record):
        made_from = record.get("made_from")
        self._store = store
        self._folder = folder
        self._files = record["output"].get("files", [])
        self.task = record["task"]
        self.parameters = record["parameters"]
        self.instance = names.label(self.task, self.parameters)
        self.key = record["key"]
        self.target = made_from.get("target", "") if isinstance(made_from, dict) else ""
        self.meta = record.get("meta", {})
        self.started = _moment(record.get("started", ""))
        self.seconds = record.get("seconds", 0.0)
        self.host = record.get("host", "")
        self.bytes = sum(file["bytes"] for file in self._files)
        self.parts = [file.get("part", "") for file in self._files]

    def __repr__(self):
        return f"<{self.instance}>"

    def load(self, part=None, as_=None, description=None):
        """Loads the output: its value, one part, or a dict of all parts.

        `description` has the description of each part, as `describe --json` of a program prints them. With it, the
        columns of CSV files and workbooks have their types.
        """
        frame = formats.checked(self._store.as_ if as_ is None else as_)
        if part is None and self.parts != [""]:
            return {file.get("part", ""): self._read(file, frame, description) for file in self._some_files()}
        return self._read(self._file(part), frame, description)

    def path(self, part=None):
        """Returns the path of its file, or of the file of a part. Do not write to the file."""
        return pathlib.Path(self._locate(self._file(part)))

    def _read(self, file, frame, description):
        path = self._locate(file)
        if file.get("folder") is not None:
            return pathlib.Path(path)
        extension = file["file"].partition(".")[2]
        described = (description or {}).get(file.get("part", ""))
        return formats.read(path, extension, frame, self.target, described)

    def _locate(self, file):
        try:
            return records.locate(self._store.folder, self._folder, file)
        except FileNotFoundError as error:
            raise NotFound(f"the file of {self.instance} is missing: {error.filename}") from error

    def _some_files(self):
        if not self._files:
            raise NotFound(f"{self.instance} was in memory, and has no file")
        return self._files

    def _file(self, part):
        for file in self._some_files():
            if file.get("part", "") == (part or ""):
                return file
        parts = ", ".join(map(names.one_line, filter(None, self.parts))) or "no parts"
        raise NotFound(f"{self.instance} has no part {part!r}: it has {parts}")


def _moment(text):
    # Parses a point in time in UTC. Python has no nanoseconds.
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z$", text)
    if found is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(found.group(1))
    except ValueError:
        return None
    micros = int((found.group(2) or "0")[:6].ljust(6, "0"))
    return moment.replace(microsecond=micros, tzinfo=datetime.timezone.utc)


def _namespace(folder, name):
    # The folder of a namespace whose name is not plain also has a hash, which is unknown here.
    if re.fullmatch(r"[a-z0-9_-]{1,39}", name):
        return folder / f"env={name}"
    there = sorted(inner.name for inner in folder.iterdir() if records.is_namespace(inner.name))
    listed = ", ".join(there) or "none"
    raise NotFound(
        f"the folder of the namespace {name!r} cannot be derived from its name: open it with Store(folder); "
        f"the namespaces in {folder} are {listed}"
    )
