"""What goes wrong on the way, told to the operator without a traceback; and what `sessionctl` exits with."""

from botocore.exceptions import ClientError

from infra.operations.output import Found
from sessions.endpoint import CallError

OK = 0
FAILED = 1
"""It was refused, or some of it failed; the message says what to do."""
USAGE = 2
"""The command line is wrong: as the shell's own tools have it."""
NOT_FOUND = 3
"""There is no such deployment, account, credential, or whatever was named."""
INTERRUPTED = 130
"""Ctrl-C, as shells have it."""


class OperationError(Exception):
    """The text says what is wrong and what to do, to a person. `found` is what was done all the same."""

    status = FAILED

    def __init__(self, text: str, *, found: Found | None = None) -> None:
        super().__init__(text)
        self.found = found


class NotFoundError(OperationError):
    """Something that was named is not there."""

    status = NOT_FOUND


def refusal(error: ClientError | CallError) -> str:
    """What AWS said, and to what."""
    if isinstance(error, CallError):
        return f"AWS refused {error}"
    refused = error.response["Error"]
    return f"AWS refused {error.operation_name}: {refused.get('Code')}: {refused.get('Message')}"
