"""The log: one line a fact, an event name and its data, never a credential, a personal datum, or a session id.

In Lambda the runtime writes the lines as JSON, with the request id and every `extra` member beside the message
(https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html); so nothing here formats anything.
"""

import logging

_log = logging.getLogger("sessions")
_log.setLevel(logging.INFO)

Datum = str | int | float | bool | None


def info(event: str, **data: Datum) -> None:
    """Something that is as it should be."""
    _log.info(event, extra=data)


def warning(event: str, **data: Datum) -> None:
    """Something a caller or sender did that we refuse; nobody needs to get up for it."""
    _log.warning(event, extra=data)


def failure(event: str, **data: Datum) -> None:
    """Something we did wrong, with the traceback of the exception being handled."""
    _log.exception(event, extra=data)
