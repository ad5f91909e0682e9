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

    `TypeError` where it has no such setting, pydantic's `ValidationError` where one is of another type.
    """
    family: Family = import_module(f"functions.{name}.deployment").FAMILY
    if not settings:
        return family
    changed: Any = replace(family.settings, **settings)  # type: ignore[type-var]
    return replace(family, settings=TypeAdapter(type(changed)).validate_python(asdict(changed)))


def allowed_origins(family: Family) -> tuple[str, ...]:
    """The origins whose pages may call the family's API; none where it is not for browsers."""
    return tuple(getattr(family.settings, "allowed_origins", ()))
