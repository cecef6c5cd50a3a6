"""Finds outputs by the name of a task and values of parameters."""

import datetime
import difflib
import json
import re

from .errors import Ambiguous, NotFound
from .values import _full_names, _plain, _same

# The maximal number of outputs in a message.
LISTED = 20

# A long value in a record: its beginning, its end, and the first digits of its digest.
SHORTENED = re.compile(r"^(.*)…(.*) #[0-9a-f]+$", re.DOTALL)

# The words and numbers of a value. Rust and Python differ in what is between them.
WORD = re.compile(r'[^\s\[\](){}:,"]+')


def find(outputs, task, wanted):
    """Returns the outputs of a task with these parameters.

    Without a task, a name refers to a parameter of the task of an output, and not to one of an upstream task.
    """
    listed = [output for output in outputs if task is None or output.task == task]
    parameters = [output.parameters for output in listed]
    full = [(_full_names(task, parameters, name, Ambiguous), value) for name, value in wanted.items()]

    def has(output, names, value):
        values = output.parameters
        return any(name in values and matches(values[name], value) for name in names)

    return [output for output in listed if all(has(output, names, value) for names, value in full)]


def find_one(outputs, task, wanted):
    """Returns the only output of a task with these parameters, or raises an error that lists the candidates."""
    found = find(outputs, task, wanted)
    if len(found) == 1:
        return found[0]
    if found:
        raise Ambiguous(f"{len(found)} outputs match: give more parameters{_hint(found)}{_list(found)}")
    every = [output for output in outputs if output.task == task]
    if not every:
        tasks = sorted({output.task for output in outputs})
        raise NotFound(f"no output of {task} is stored{_nearest(task, tasks)}{_tasks(tasks)}")
    parameters = [output.parameters for output in every]
    unknown = [name for name in wanted if not _full_names(task, parameters, name, Ambiguous)]
    if unknown:
        names = sorted({name for output in every for name in output.parameters})
        short = sorted({name.rpartition(".")[2] for name in names})
        reasons = "; ".join(f"it has no parameter {name}{_nearest(name, names + short)}" for name in unknown)
        raise NotFound(f"no output of {task} with these parameters: {reasons}; stored are{_list(every)}")
    raise NotFound(f"no output of {task} with these parameters; stored are{_list(every)}")


def matches(stored, wanted):
    """Returns whether a value of a record is the wanted one, which may be any Python value."""
    if hasattr(wanted, "tolist"):  # numpy
        wanted = wanted.tolist()
    if isinstance(wanted, (datetime.date, datetime.time)) and isinstance(stored, str):
        return _moment(stored) == _moment(_text_of_moment(wanted, stored))
    wanted = _plain(wanted)
    if _same(stored, wanted):
        return True
    shortened = SHORTENED.match(stored) if isinstance(stored, str) else None
    if shortened is None:
        return False
    if not isinstance(wanted, str):
        return _has_ends(json.dumps(wanted, ensure_ascii=False), *shortened.groups())
    begin, end = (text.strip('"') for text in shortened.groups())
    return len(wanted) > len(begin) + len(end) and wanted.startswith(begin) and wanted.endswith(end)


def _has_ends(text, begin, end):
    # Returns whether the words of a list or another value begin and end as the text of a record does. The words beside the
    # gap may be cut.
    words, first, last = (list(map(_word, _words(part))) for part in (text, begin, end))
    first, last = first[:-1], last[1:]
    has_room = len(words) > len(first) + len(last)
    return has_room and words[: len(first)] == first and words[len(words) - len(last) :] == last


def _words(text):
    # `Some(1)` of Rust is `1` in Python.
    return [word for word in WORD.findall(text) if word != "Some"]


def _word(word):
    try:
        return float(word) if len(word) < 16 else word
    except ValueError:
        return "null" if word == "none" else word


def _text_of_moment(moment, stored):
    # A point in time is stored in UTC.
    if isinstance(moment, datetime.datetime) and moment.tzinfo is not None and stored.endswith("Z"):
        moment = moment.astimezone(datetime.timezone.utc)
    return moment.isoformat()


def _moment(text):
    # Returns a date or time without the differences between the texts of Rust and Python.
    text = text.partition("[")[0]
    text = re.sub(r"Z$", "+00:00", text)
    text = re.sub(r"(\.\d*?)0+(?=$|[+-])", r"\1", text)
    return re.sub(r"\.(?=$|[+-])", "", text)


def label(task, parameters):
    """Returns an instance as text, such as `Train {model: gbm, Preprocess.scale: false}`."""
    own_first = sorted(parameters, key=lambda name: ("." in name, name))
    shown = ", ".join(f"{name}: {_shown(parameters[name])}" for name in own_first)
    return one_line(f"{task} {{{shown}}}" if shown else task)


def _shown(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:40]}…{text[-19:]}"


def one_line(text):
    """Escapes characters that would control a terminal or break the line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _hint(found):
    # Names the parameters in which the outputs differ.
    names = sorted({name for output in found for name in output.parameters})
    missing = object()
    differ = [
        name
        for name in names
        if not all(_same(found[0].parameters.get(name, missing), one.parameters.get(name, missing)) for one in found)
    ]
    return f"; they differ in {', '.join(differ)}" if differ else ""


def _nearest(name, known):
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _tasks(tasks):
    if not tasks:
        return ": the store has no outputs"
    more = f" and {len(tasks) - LISTED} more" if len(tasks) > LISTED else ""
    return f"; the store has outputs of {', '.join(map(one_line, tasks[:LISTED]))}{more}"


def _list(outputs):
    lines = "".join(f"\n  {output.instance}" for output in outputs[:LISTED])
    more = f"\n  and {len(outputs) - LISTED} more" if len(outputs) > LISTED else ""
    return lines + more
