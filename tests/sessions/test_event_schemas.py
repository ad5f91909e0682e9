import copy
import json
from importlib import import_module
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infra import event_schemas, families

EVENTS = [
    event
    for family in map(families.load, families.names())
    if family.recorder is not None
    for event in import_module(f"functions.{family.name}.demonstration").events()
]
SCHEMAS: dict[str, dict[str, Any]] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text())
    for path in families.FUNCTIONS.glob("*/*.schema.json")
}


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


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["id"])
def test_the_demonstration_follows_the_schemas(event: dict[str, Any]) -> None:
    Draft202012Validator(SCHEMAS[event["type"]]).validate(event["data"])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["id"])
def test_the_schemas_know_every_member_that_there_may_be(event: dict[str, Any]) -> None:
    validator = Draft202012Validator(SCHEMAS[event["type"]])

    for path in members(event["data"]):
        changed = copy.deepcopy(event["data"])
        place: Any = changed
        for name in path:
            place = place[name]
        place["unknown"] = "x"
        assert [error.validator for error in best(validator, changed)] == ["additionalProperties"], path


def best(validator: Any, value: Any) -> list[Any]:
    """The errors, those inside of alternatives that are no objects left out."""
    found = []
    for error in validator.iter_errors(value):
        found += [inner for inner in error.context if inner.validator != "type"] if error.context else [error]
    return found
