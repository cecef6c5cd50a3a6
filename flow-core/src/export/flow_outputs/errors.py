"""Errors and warnings."""


class NotFound(LookupError):
    """No output has this task and these parameters, or it has no such part or file."""


class Ambiguous(LookupError):
    """Several outputs match, or a name refers to several parameters. The message lists them."""


class Damaged(ValueError):
    """A file is not what its record says, or is not read because it is a link or leads out of the store."""


class DamagedRecord(UserWarning):
    """A record is ignored, because it is damaged or has a newer format."""


class ProgramError(RuntimeError):
    """A program ended with an error. `code` is its exit code, and `message` what it wrote to the standard error."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.message = message
        self.code = code


class RunFailed(ProgramError):
    """Tasks failed. `result` is what the run did, as `run --json` prints it."""

    def __init__(self, message, code, result):
        super().__init__(message, code)
        self.result = result
