"""The environments there are: those of `infra/settings.py`, as an operator's own file has them.

The file is `deployment.toml` beside `app.py`, or the one that DEPLOYMENT_SETTINGS names. It is no part of the project:
a new release leaves it alone. Each of its tables is an environment, with those fields of `Environment` that differ:

    [prod]
    alarm_address = "operators@example.com"

    [staging]
    like = "prod"  # what an environment of one's own has otherwise
    keeps_data = false
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from infra import families
from infra.families import ROOT
from infra.settings import ENVIRONMENTS, Environment

_VARIABLE = "DEPLOYMENT_SETTINGS"
_LIKE = "like"
_CHECKED = TypeAdapter(Environment)


class SettingsError(Exception):
    """The file says what no environment can be. The text says where and why, to an operator."""


def load(file: Path | None = None) -> dict[str, Environment]:
    """All environments by name. Without the file, which need not be there, they are those of `infra/settings.py`."""
    file = file or Path(os.environ.get(_VARIABLE) or ROOT / "deployment.toml")
    if not file.exists() and _VARIABLE not in os.environ:
        return dict(ENVIRONMENTS)
    try:
        own = tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from None
    try:
        return ENVIRONMENTS | {name: _environment(name, given) for name, given in own.items()}
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}") from None


def _environment(name: str, given: Any) -> Environment:
    if not isinstance(given, dict):
        raise SettingsError(f"{name} stands outside of any environment; begin one by a line like [prod]")
    if (name in ENVIRONMENTS) == (_LIKE in given):
        known = ", ".join(ENVIRONMENTS)
        wanted = "is there already, and like no other" if name in ENVIRONMENTS else f"needs {_LIKE}, one of {known}"
        raise SettingsError(f"{name} {wanted}")
    usual = ENVIRONMENTS.get(given.get(_LIKE, name))
    if usual is None:
        raise SettingsError(f"{name}.{_LIKE} must be one of {', '.join(ENVIRONMENTS)}")
    changed = {setting: value for setting, value in given.items() if setting != _LIKE}
    if "name" in changed:
        raise SettingsError(f"{name}.name is what stands in brackets")
    # As JSON, and strictly: a list is a tuple there, and "50" is no number.
    whole = json.dumps(asdict(usual) | changed | {"name": name}, default=str)
    try:
        environment = _CHECKED.validate_json(whole, strict=True)
    except ValidationError as error:
        raise SettingsError(_told(name, error)) from None
    _check_families(name, environment.family_settings)
    return environment


def _check_families(name: str, settings: Mapping[str, Mapping[str, object]]) -> None:
    """Here, where it is known which file says so."""
    for family, given in settings.items():
        place = f"{name}.family_settings.{family}"
        try:
            families.load(family, **given)
        except TypeError as error:
            raise SettingsError(f"{place}: {error}") from None
        except ValidationError as error:
            raise SettingsError(_told(place, error)) from None


def _told(place: str, error: ValidationError) -> str:
    """Each mistake in a sentence; without the value, which stands in the file."""
    return "; ".join(f"{'.'.join([place, *map(str, one['loc'])])}: {one['msg']}" for one in error.errors())
