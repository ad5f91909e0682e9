"""Loads the families' real functions, and gives them the context that Lambda would."""

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any
from uuid import uuid4


def load(family: str, module: str) -> Callable[[Any, Any], Any]:
    """The handler of `functions.<family>.<module>`."""
    handler: Callable[[Any, Any], Any] = import_module(f"functions.{family}.{module}").handler
    return handler


class Context:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    memory_limit_in_mb = 512
    function_version = "$LATEST"

    def __init__(self, name: str, seconds: float) -> None:
        self.function_name = name
        self.aws_request_id = str(uuid4())
        self.invoked_function_arn = f"arn:aws:lambda:local:000000000000:function:{name}"
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._end - time.monotonic()) * 1000))
