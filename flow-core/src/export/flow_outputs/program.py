"""Runs the verbs of a program that has a command line of typed-flow."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

from . import formats
from .errors import NotFound, ProgramError, RunFailed
from .values import _plain

# The maximal number of characters of the standard error in a message.
MESSAGE = 4000


class Program:
    """A program whose `main` is `flow::main!()`.

        train = Program("./train")
        train.run("Train", model="gbm")          # runs tasks that are not complete, and returns the result
        train.load("Train", model="gbm")         # the output, as `Store.load` returns it
        train.get("Train", model="gbm")          # runs tasks that are not complete, and loads the output
        train.plan("Train", model="gbm")         # what a run would do, and why

    `command` is the path of the program, or the program with its first arguments, such as
    `["cargo", "run", "--release", "--"]`. It is not run by a shell. `data`, `namespace` and `config` are the options of
    the same names, `folder` is the folder in which the program runs, and `environment` has variables to add to those of
    this process. `as_` is the default for tables: "pandas", "polars" or "pyarrow".

    Each method returns the JSON of the verb. The progress of the program is written to `sys.stderr` line by line, unless
    `quiet`. An interrupt of Python stops the program, too.

    Parameters are named as for a `Store`, except that a name without a task gives the value to all tasks that have a
    parameter of that name: see `--param` of the command line.
    """

    def __init__(
        self,
        command,
        *,
        data=None,
        namespace=None,
        config=None,
        folder=None,
        environment=None,
        quiet=False,
        as_="pandas",
    ):
        is_one = isinstance(command, (str, os.PathLike))
        self.command = [os.fspath(command)] if is_one else [os.fspath(part) for part in command]
        if not self.command:
            raise ValueError("command is empty: it is the path of a program")
        self.options = []
        for name, value in (("data", data), ("namespace", namespace), ("config", config)):
            if value is not None:
                self.options.append(f"--{name}={os.fspath(value)}")
        self.folder = folder
        self.environment = environment
        self.quiet = quiet
        self.as_ = formats.checked(as_)

    def __repr__(self):
        return f"Program({self.command!r})"

    def tasks(self):
        """Returns the tasks of the program, with their parameters."""
        return self.verb("list")

    def plan(self, *tasks, parameters=None, **named):
        """Returns what a run would do, and why."""
        return self._of_tasks("plan", tasks, parameters, named)

    def run(self, *tasks, parameters=None, options=(), **named):
        """Runs tasks that are not complete, and returns the result of the run.

        `options` are more options of the verb, such as `["--force", "--workers=2"]`. If tasks fail, the error is a
        `RunFailed`, whose `result` is the result of the run.
        """
        return self._of_tasks("run", tasks, parameters, named, options)

    def sweep(self, *tasks, parameters=None, options=(), **named):
        """Runs a task with several values of parameters, and returns the table. Each list is an axis of the grid."""
        listed = [f"--param={name}={_axis(value)}" for name, value in {**(parameters or {}), **named}.items()]
        return self._of_tasks("sweep", tasks, None, {}, [*options, *listed])

    def why(self, *tasks, parameters=None, **named):
        """Returns the root causes for which tasks are not complete."""
        return self._of_tasks("why", tasks, parameters, named)

    def status(self, *tasks):
        """Returns the stored outputs."""
        return self.verb("status", *tasks)

    def history(self, *runs):
        """Returns the runs of the store, one run, or the differences of two."""
        return self.verb("history", *runs)

    def meta(self, task, parameters=None, /, **named):
        """Returns the metadata that the task recorded for its output, by name."""
        return self._of_tasks("meta", [task], parameters, named)[0]["metadata"]

    def path(self, task, parameters=None, /, *, part=None, **named):
        """Returns the path of the file of an output. Do not write to the file."""
        return pathlib.Path(self._file(self._described(task, parameters, named), part)["path"])

    def load(self, task, parameters=None, /, *, part=None, as_=None, **named):
        """Loads the output of the current code and these parameters: its value, one part, or a dict of all parts.

        It must be complete: `get` runs what is not.
        """
        frame = formats.checked(self.as_ if as_ is None else as_)
        output = self._described(task, parameters, named)
        files = output["files"]
        if part is None and [file["part"] for file in files] != [""]:
            self._file(output, files[0]["part"] if files else None)
            return {file["part"]: self._read(output, file, frame) for file in files}
        return self._read(output, self._file(output, part), frame)

    def get(self, task, parameters=None, /, *, part=None, as_=None, **named):
        """Runs tasks that are not complete, and loads the output."""
        self.run(task, parameters=parameters, **named)
        return self.load(task, parameters, part=part, as_=as_, **named)

    def verb(self, name, *arguments):
        """Runs a verb with these arguments and `--json`, and returns the JSON that it prints."""
        code, out, err = self._call([name, *arguments])
        if code == 0:
            return _json(out, err)
        message = err.strip()[-MESSAGE:] or f"the program ended with the exit code {code}"
        if name in ("run", "sweep") and out.strip():
            result = _json(out, err)
            raise RunFailed(_failures(result) or message, code, result)
        raise ProgramError(message, code)

    def _of_tasks(self, verb, tasks, parameters, named, options=()):
        # The values go through a file: its JSON keeps their types, and other users of the machine cannot see them.
        if not tasks:
            raise ValueError(f"{verb} needs a task")
        given = {name: _plain(value) for name, value in {**(parameters or {}), **named}.items()}
        if not given:
            return self.verb(verb, *tasks, *options)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "parameters.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(given, file, allow_nan=False)
            return self.verb(verb, *tasks, f"--params={path}", *options)

    def _described(self, task, parameters, named):
        return self._of_tasks("describe", [task], parameters, named)

    def _file(self, output, part):
        for file in output["files"]:
            if file["part"] == (part or ""):
                return file
        if not output["files"]:
            raise NotFound(f"{output['instance']} was in memory, and has no file")
        parts = ", ".join(filter(None, (file["part"] for file in output["files"]))) or "no parts"
        raise NotFound(f"{output['instance']} has no part {part!r}: it has {parts}")

    def _read(self, output, file, frame):
        path = pathlib.Path(file["path"])
        if self.folder is not None:
            path = self.folder / path
        if path.is_dir():
            return path
        # An external file may have a name with dots, so its format is that of its description.
        extension = path.name.partition(".")[2]
        if not output.get("stored", True):
            extension = _extension(path, file["description"])
        return formats.read(path, extension, frame, output.get("target", ""), file["description"])

    def _call(self, arguments):
        # Returns the exit code, the standard output, and the standard error, which is also written while it is read.
        command = [*self.command, *map(str, arguments), "--json", *self.options]
        if self.quiet:
            command.append("--quiet")
        environment = {**os.environ, **self.environment} if self.environment else None
        try:
            program = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                env=environment,
                # Ctrl-C reaches the program once, through this process.
                start_new_session=os.name == "posix",
            )
        except OSError as error:
            raise ProgramError(f"cannot start {self.command[0]}: {error}") from error
        out, err = [], []
        threads = [
            threading.Thread(target=_collect, args=(program.stdout, out, None), daemon=True),
            threading.Thread(target=_collect, args=(program.stderr, err, None if self.quiet else sys.stderr), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            code = program.wait()
        except BaseException:
            _stop(program)
            raise
        finally:
            for thread, pipe in zip(threads, (program.stdout, program.stderr)):
                thread.join(timeout=10)
                # A process that the program has started may still hold the pipe.
                if not thread.is_alive():
                    pipe.close()
        return code, b"".join(out).decode("utf-8", "replace"), b"".join(err).decode("utf-8", "replace")


def _collect(pipe, lines, to):
    # Reads a pipe to its end. Lines that cannot be shown are kept all the same, so that the program never waits.
    for line in pipe:
        lines.append(line)
        if to is not None:
            try:
                to.write(line.decode("utf-8", "replace"))
                to.flush()
            except (OSError, ValueError):
                to = None


def _stop(program):
    # The first signal lets running tasks end, as Ctrl-C does. The second one ends the program at once.
    for _ in range(2):
        if os.name == "posix":
            program.send_signal(signal.SIGINT)
        else:
            program.terminate()
        try:
            program.wait(timeout=10)
            return
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            pass
    program.kill()
    program.wait()


def _json(out, err):
    try:
        return json.loads(out)
    except ValueError:
        message = (err.strip() or out.strip())[-MESSAGE:]
        raise ProgramError(f"the program printed no JSON; is it a command line of typed-flow? {message}") from None


def _failures(result):
    # Returns the errors of the tasks that failed, as text.
    failed = result.get("failed") if isinstance(result, dict) else None
    lines = [f"{one.get('instance')} failed: {one.get('error')}" for one in failed or () if isinstance(one, dict)]
    return "\n".join(lines)


def _axis(value):
    # Returns the values of a parameter of a sweep, separated by commas. Each is text or JSON.
    values = value if isinstance(value, (list, tuple, range)) else [value]
    return ",".join(map(_text, map(_plain, values)))


def _text(value):
    is_plain = isinstance(value, str) and not any(sign in value for sign in ',"[]{}') and value == value.strip()
    return value if is_plain else json.dumps(value, ensure_ascii=False)


# The readers by what the expression of a description calls, in the order in which they are looked for.
CALLS = (
    ("_csv(", "csv"),
    ("_excel(", "xlsx"),
    ("_parquet(", "parquet"),
    ("feather.read_table(", "arrow"),
    ("json.loads(", "json"),
    ("msgpack.unpackb(", "msgpack"),
    (".decode(", "txt"),
    (".read_bytes()", "bin"),
)


def _extension(path, description):
    # Returns the extension by which `formats.read` finds the reader of an external file, whose name may be any.
    expression = ((description or {}).get("python") or {}).get("expression", "")
    for call, extension in CALLS:
        if call in expression:
            return extension
    return path.suffix.lstrip(".")
