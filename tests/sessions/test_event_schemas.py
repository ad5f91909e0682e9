import copy
import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infra import event_schemas, families

SCHEMAS: dict[str, dict[str, Any]] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text())
    for path in families.FUNCTIONS.glob("*/*.schema.json")
}


EVENTS = {
    kind: [
        event["data"]
        for family in map(families.load, families.names())
        if family.recorder is not None
        for event in import_module(f"functions.{family.name}.demonstration").events()
        if event["type"] == kind
    ]
    for kind in SCHEMAS
}
FREE: dict[str, set[tuple[str | int, ...]]] = {
    "store.session.saved": {("session", "metadata"), ("session", "metadata", "events", 0, "metadata")},
    "store.customer.saved": {("customer", "metadata")},
}
"""Objects that take any member: their path by the type of their event."""


def members(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths to all objects in the value, itself included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = [path] if isinstance(value, dict) else []
    return here + [found for name, member in inner for found in members(member, (*path, name))]


def test_the_schema_files_are_fresh() -> None:
    written = {path: path.read_text() for path in families.FUNCTIONS.glob("*/*.schema.json")}

    assert written == event_schemas.schemas(), "run `make schemas`"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind])

    assert SCHEMAS[kind]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMAS[kind]["$id"] == f"urn:session-apis:{kind}"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_demonstration_follows_the_schemas(kind: str) -> None:
    validator = Draft202012Validator(SCHEMAS[kind])

    assert EVENTS[kind] or kind == "device.removed", "else its schema is held against nothing"
    for data in EVENTS[kind]:
        validator.validate(data)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_schemas_know_every_member_that_there_may_be(kind: str) -> None:
    """Of events that have the same members, of the same types, one tells what the others would."""
    validator = Draft202012Validator(SCHEMAS[kind])

    for data in {frozenset(types(data)): data for data in EVENTS[kind]}.values():
        for path in members(data):
            changed = copy.deepcopy(data)
            place: Any = changed
            for name in path:
                place = place[name]
            place["unknown"] = "x"
            expected = [] if path in FREE.get(kind, ()) else ["additionalProperties"]
            assert [error.validator for error in best(validator, changed)] == expected, path


def types(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], type]]:
    """The paths to all values in the value, and of what type they are."""
    yield path, type(value)
    for name, member in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from types(member, (*path, name))


def best(validator: Any, value: Any) -> list[Any]:
    """The errors, those inside of alternatives that are no objects left out."""
    found = []
    for error in validator.iter_errors(value):
        found += [inner for inner in error.context if inner.validator != "type"] if error.context else [error]
    return found
