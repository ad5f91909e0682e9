"""Settings of a function: environment variables, set by `infra` from one typed description per environment.

A function that lacks one must not answer as if it had another value: `KeyError` names what is missing.
"""

import os


def text(name: str) -> str:
    """The variable's value."""
    return os.environ[name]


def number(name: str) -> int:
    """The variable as an integer."""
    return int(os.environ[name])


def flag(name: str) -> bool:
    """Whether the variable is `true`."""
    return os.environ[name] == "true"


def words(name: str) -> tuple[str, ...]:
    """The variable as a list, separated by commas."""
    return tuple(os.environ[name].split(","))
