"""Errors and warnings."""


class NotFound(LookupError):
    """No output has this task and these parameters, or it has no such part or file."""


class Ambiguous(LookupError):
    """Several outputs match, or a name refers to several parameters. The message lists them."""


class Damaged(ValueError):
    """A file differs from its record, or is not read because it is a link or leads out of the store."""


class DamagedRecord(UserWarning):
    """A record is ignored, because it is damaged or has a newer format."""


class ProgramError(RuntimeError):
    """A program ended with an error. `code` is its exit code, and `message` its standard error."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.message = message
        self.code = code


class RunFailed(ProgramError):
    """Tasks failed. `result` is the result of the run, as `run --json` prints it."""

    def __init__(self, message, code, result):
        super().__init__(message, code)
        self.result = result
