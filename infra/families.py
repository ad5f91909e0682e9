"""Finds the families: each folder of `functions` that has a `deployment.py`."""

from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sessions.deployment import Family

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"


def names() -> list[str]:
    """The names of all families there are, in alphabetical order."""
    return sorted(found.parent.name for found in FUNCTIONS.glob("*/deployment.py"))


def load(name: str, **settings: object) -> Family:
    """What the family says of itself, with these of its settings in place of their defaults.

    `TypeError` where it has no such setting, pydantic's `ValidationError` where one cannot be what it is.
    """
    family: Family = import_module(f"functions.{name}.deployment").FAMILY
    if not settings:
        return family
    usual: Any = family.settings
    known = {} if usual is None else asdict(usual)
    if unknown := sorted(settings.keys() - known.keys()):
        raise TypeError(f"{name} has no setting {', '.join(unknown)}")
    return replace(family, settings=TypeAdapter(type(usual)).validate_python(known | settings))


def allowed_origins(family: Family) -> tuple[str, ...]:
    """The origins whose pages may call the family's API; none where it is not for browsers."""
    return tuple(getattr(family.settings, "allowed_origins", ()))
