"""Settings of a function: environment variables, set by `infra` from one typed description per environment.

A function that lacks one must not answer as if it had another value: `KeyError` names what is missing.
"""

import os
from collections.abc import Mapping

IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
_variables: Mapping[str, str] = os.environ


def settle() -> None:
    """From here on, the variables are as they are now: to look one up in `os.environ` takes ten times as long."""
    global _variables  # noqa: PLW0603 (a process has one environment)
    _variables = dict(os.environ)


def text(name: str) -> str:
    """The variable's value."""
    return _variables[name]


def text_or_none(name: str) -> str | None:
    """The variable's value, where it has one."""
    return _variables.get(name)


def number(name: str) -> int:
    """The variable as an integer."""
    return int(_variables[name])


def flag(name: str) -> bool:
    """Whether the variable is `true`."""
    return _variables[name] == "true"


def words(name: str) -> tuple[str, ...]:
    """The variable as a list, separated by commas."""
    return tuple(_variables[name].split(","))


if IN_LAMBDA:  # where they stay as they are while a function runs
    settle()
