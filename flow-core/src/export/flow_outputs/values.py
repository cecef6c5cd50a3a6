"""Values of parameters, in the form in which records and manifests have them.

The module of an export contains the functions of this file, too.
"""

import datetime
import json
import math
import os


def _plain(value):
    # Converts a value to its form in the manifest. Some numbers are text there, because JSON has no infinities
    # and no large integers.
    if hasattr(value, "tolist"):  # numpy
        value = value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value).replace(os.sep, "/")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, (list, tuple, range)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        name = lambda key: key if isinstance(key, str) else json.dumps(_plain(key))
        return {name(key): _plain(item) for key, item in value.items()}
    return value


def _same(value, wanted):
    # Compares two values of the manifest. In Python, True equals 1; here it does not.
    if isinstance(value, bool) != isinstance(wanted, bool):
        return False
    if isinstance(value, list) and isinstance(wanted, list):
        return len(value) == len(wanted) and all(map(_same, value, wanted))
    if isinstance(value, dict) and isinstance(wanted, dict):
        return value.keys() == wanted.keys() and all(_same(value[name], wanted[name]) for name in value)
    return value == wanted


def _full_names(task, parameters, name, ambiguous):
    # Returns the names in records that a name refers to: the name of a parameter of the task or, if the task has none
    # of this name, the qualified names of those of its upstream tasks. `parameters` are those of its outputs, and
    # `ambiguous` is the error for several upstream tasks with different values.
    if task is None or any(name in values for values in parameters):
        return [name]
    names = sorted({full for values in parameters for full in values if full.rpartition(".")[2] == name})
    for values in parameters:
        first, *others = [values[full] for full in names if full in values] or [None]
        if not all(_same(first, other) for other in others):
            raise ambiguous(
                f"cannot find an output of {task} by {name}: several upstream tasks have a parameter of this name,"
                f" with different values; pass one of these names in a dict: {', '.join(names)}"
            )
    return names
