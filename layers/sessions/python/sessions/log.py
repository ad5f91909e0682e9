"""The log: one line a fact, an event name and its data, never a credential, a personal datum, or a session id.

In Lambda the runtime writes the lines as JSON, with the request id and every `extra` member beside the message
(https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html); so nothing here formats anything.
"""

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence

_log = logging.getLogger("sessions")
_log.setLevel(logging.INFO)

Datum = str | int | float | bool | None


def info(event: str, **data: Datum) -> None:
    """Something that is as it should be."""
    _log.info(event, extra=data)


def measured(event: str, dimensions: Mapping[str, str], counts: Mapping[str, float], **data: Datum) -> None:
    """Something that is as it should be, and was counted: CloudWatch makes metrics of the `counts`.

    They stand in the namespace `SessionApis`, for each function, and for each function and these dimensions.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    function = {"function_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")}
    embedded = _embedded([[*function], [*function, *dimensions]], counts)
    _log.info(event, extra={**function, **dimensions, **counts, **data, "_aws": embedded})


def warning(event: str, **data: Datum) -> None:
    """Something a caller or sender did that we refuse; nobody needs to get up for it."""
    _log.warning(event, extra=data)


def failure(event: str, **data: Datum) -> None:
    """Something we did wrong, with the traceback of the exception being handled. In Lambda it is counted, for each
    function and each of its versions: where callers get an answer, or a queue its event back, Lambda sees no error.
    """
    counted: dict[str, object] = {}
    if "AWS_LAMBDA_FUNCTION_VERSION" in os.environ:
        version = {
            "function_name": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            "function_version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        }
        counts = {"failures": 1}
        counted = {**version, **counts, "_aws": _embedded([["function_name"], [*version]], counts)}
    _log.exception(event, extra={**data, **counted})


def _embedded(dimensions: Sequence[Sequence[str]], counts: Iterable[str]) -> dict[str, object]:
    directive = {
        "Namespace": "SessionApis",
        "Dimensions": dimensions,
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    return {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]}
