"""Finds the instances of a store, and reads their records.

A store may come from anyone. Below its folder no link is followed, only regular files are opened, and the size of what is
read whole is limited. What is damaged is a warning, and is left out.
"""

import json
import os
import re
import stat
import warnings

from .errors import Damaged, DamagedRecord

# The newest format of records that this package reads.
FORMAT = 2

# The largest record, in bytes. A record of an output with a million files has about 200 MB.
LARGEST = 256 << 20

# The deepest folder of an instance: groups of tasks are folders in folders.
DEEPEST = 32

RECORD = "record.json"
INTERNAL = ".flow"
KEY = re.compile(r"(?:^|-)([0-9a-f]{16})$")
DATA = re.compile(r"^data-[0-9a-f]{16}-[0-9a-f]{16}(?:[-.]|$)")


def instances(root):
    """Returns the folders of all instances that have a record, sorted, as tuples of names below `root`."""
    found = []
    pending = [()]
    while pending:
        folder = pending.pop()
        names, has_record = _listed(root, folder)
        if has_record and folder and KEY.search(folder[-1]):
            found.append(folder)
        elif len(folder) < DEEPEST:
            pending.extend((*folder, name) for name in names)
    return sorted(found)


def _listed(root, folder):
    # Returns the names of the folders in a folder that may lead to instances, and whether it has a record. A folder that
    # has an internal folder is another store.
    path = os.path.join(root, *folder)
    names, has_record = [], False
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if name == RECORD:
                    has_record = True
                elif name == INTERNAL and folder:
                    return [], False
                elif _is_folder(entry) and not (name.startswith(".") or DATA.match(name) or is_namespace(name)):
                    names.append(name)
    except OSError as error:
        if not folder:
            raise
        warnings.warn(f"cannot list {path}: {error}", DamagedRecord, stacklevel=2)
    return names, has_record


def _is_folder(entry):
    try:
        is_junction = getattr(entry, "is_junction", lambda: False)
        return entry.is_dir(follow_symlinks=False) and not is_junction()
    except OSError:
        return False


def is_namespace(name):
    """Returns whether a folder of this name is the store of a namespace."""
    return name[:4].lower() == "env="


def stamp(root, folder):
    """Returns what changes if the record of an instance is replaced; `None` if there is no record."""
    try:
        status = os.lstat(os.path.join(root, *folder, RECORD))
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def read(root, folder):
    """Returns the record of an instance; warns and returns `None` if it cannot be used."""
    path = os.path.join(root, *folder, RECORD)
    try:
        record = json.loads(read_file(root, (*folder, RECORD), LARGEST))
        _check(record, KEY.search(folder[-1]).group(1))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        warnings.warn(f"ignoring the record {path}: {error}", DamagedRecord, stacklevel=2)
        return None
    return record


def _check(record, key):
    # Raises a ValueError if a record is not one that this package can use.
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise Damaged("it is not a record")
    if record["format"] > FORMAT:
        raise Damaged(f"it has format {record['format']}, and this package reads formats up to {FORMAT}")
    output = record.get("output")
    is_whole = (
        isinstance(record.get("task"), str)
        and isinstance(record.get("key"), str)
        and isinstance(record.get("parameters"), dict)
        and isinstance(record.get("meta", {}), dict)
        and isinstance(record.get("started", ""), str)
        and isinstance(record.get("seconds", 0), (int, float))
        and isinstance(output, dict)
        and isinstance(output.get("files", []), list)
        and all(map(_is_file, output.get("files", [])))
    )
    if not is_whole:
        raise Damaged("it is not a record")
    if not record["key"].startswith(key):
        raise Damaged(f"it is the record of another instance, {record['key']}")


def _is_file(file):
    # Returns whether a value describes a file of an output, and the file is in the folder of the instance.
    if not isinstance(file, dict) or not isinstance(file.get("part", ""), str):
        return False
    name, size, within = file.get("file"), file.get("bytes"), file.get("folder")
    if not isinstance(name, str) or not isinstance(size, int) or isinstance(size, bool):
        return False
    if not name or name.startswith(".") or any(sign in name for sign in "/\\\0:"):
        raise Damaged(f"it names the file {name!r}, which is outside its folder")
    if within is None:
        return True
    if not isinstance(within, list):
        return False
    for inner in within:
        if not isinstance(inner, dict) or not isinstance(inner.get("path"), str):
            return False
        parts = inner["path"].split("/")
        if any(part in ("", ".", "..") or any(sign in part for sign in "\\\0:") for part in parts):
            raise Damaged(f"it names the file {inner['path']!r}, which is outside its folder")
    return True


def refuse_links(root, names):
    """Raises an error if a path below `root` leads through a link. Returns the path."""
    path = os.fspath(root)
    for name in names:
        path = os.path.join(path, name)
        status = os.lstat(path)
        is_junction = getattr(os.path, "isjunction", lambda _: False)
        if stat.S_ISLNK(status.st_mode) or is_junction(path):
            raise Damaged(f"{path} is a link, which is not followed")
    return path


def read_file(root, names, largest):
    """Reads a regular file below `root`, without following links."""
    path = refuse_links(root, names)
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise Damaged(f"{path} is not a regular file")
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Damaged(f"{path} is not a regular file")
        if status.st_size > largest:
            raise Damaged(f"{path} is larger than {largest >> 20} MiB")
        return file.read(largest + 1)


def locate(root, folder, file):
    """Returns the path of a file or folder of an output, after checking that it is as recorded.

    Sizes are compared, and digests are not: the verb `verify` of a program compares those.
    """
    path = refuse_links(root, (*folder, file["file"]))
    within = file.get("folder")
    if within is None:
        _check_size(path, file["bytes"])
        return path
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        raise Damaged(f"{path} is not a folder")
    for inner in within:
        at = refuse_links(path, inner["path"].split("/"))
        if inner.get("digest") is not None:
            _check_size(at, inner.get("bytes"))
    # A link that the record does not name would be followed by whoever reads the folder.
    for at, folders, files in os.walk(path):
        for name in (*folders, *files):
            refuse_links(at, (name,))
    return path


def _check_size(path, size):
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise Damaged(f"{path} is not a regular file")
    if status.st_size != size:
        raise Damaged(f"{path} is not what its record says: it has {status.st_size} bytes instead of {size}")
