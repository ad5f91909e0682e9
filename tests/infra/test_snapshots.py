"""An update from the release before this one keeps tables, queues and APIs, or says which it means to lose."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.infra import snapshot
from tests.infra.snapshot import HOLDING, changes
from tests.infra.stacks import Stacks

Template = dict[str, Any]


def _index(name: str, by: str, *projected: str) -> Template:
    projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(projected)}
    return {"IndexName": name, "KeySchema": [{"AttributeName": by, "KeyType": "HASH"}], "Projection": projection}


USER = _index("by_user", "user", "since", "until")
ID = _index("by_id", "id", "since")
STATE = _index("by_state", "state", "since")
TABLE: Template = {
    "TableName": "sessions",
    "AttributeDefinitions": [{"AttributeName": one, "AttributeType": "S"} for one in ("id", "user", "state")],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "LocalSecondaryIndexes": [STATE],
    "GlobalSecondaryIndexes": [USER, ID],
    "DeletionProtectionEnabled": True,
}
RELEASED: Template = {
    "Table": {"Type": "AWS::DynamoDB::Table", "Properties": TABLE},
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "events.fifo", "FifoQueue": True}},
    "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "sessions"}},
    "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "prod"}},
    "Function": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "list"}},
}


def _rename(old: str, new: str) -> Callable[[Template], None]:
    def rename(resources: Template) -> None:
        resources[new] = resources.pop(old)

    return rename


def _set(resource: str, **properties: Any) -> Callable[[Template], None]:
    return lambda resources: resources[resource]["Properties"].update(properties)


def _delete(*names: str) -> Callable[[Template], None]:
    def delete(resources: Template) -> None:
        for name in names:
            del resources[name]

    return delete


def _retype(resources: Template) -> None:
    resources["Queue"]["Type"] = "AWS::SNS::Topic"


HARMFUL: dict[str, tuple[Callable[[Template], None], list[str]]] = {
    "a table is removed": (_delete("Table"), ["DynamoDB::Table Table is deleted"]),
    "a table has another logical id": (_rename("Table", "Sessions"), ["DynamoDB::Table Table is deleted"]),
    "a table has another name": (
        _set("Table", TableName="visits"),
        ["DynamoDB::Table Table is replaced, for its TableName"],
    ),
    "a table has another key": (
        _set("Table", KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}]),
        ["DynamoDB::Table Table is replaced, for its KeySchema"],
    ),
    "a key has another type": (
        _set(
            "Table",
            AttributeDefinitions=[
                {"AttributeName": n, "AttributeType": t} for n, t in (("id", "N"), ("user", "S"), ("state", "S"))
            ],
        ),
        ["DynamoDB::Table Table is replaced, for its KeySchema"],
    ),
    "a local index is removed": (
        _set("Table", LocalSecondaryIndexes=[]),
        ["DynamoDB::Table Table is replaced, for its LocalSecondaryIndexes"],
    ),
    "an index has another key": (
        _set("Table", GlobalSecondaryIndexes=[_index("by_user", "state", "since", "until"), ID]),
        ["DynamoDB::Table Table cannot change its indexes by_user"],
    ),
    "an index projects more": (
        _set("Table", GlobalSecondaryIndexes=[USER, _index("by_id", "id", "since", "until")]),
        ["DynamoDB::Table Table cannot change its indexes by_id"],
    ),
    "two indexes are added": (
        _set("Table", GlobalSecondaryIndexes=[USER, ID, STATE, _index("by_end", "state", "until")]),
        ["DynamoDB::Table Table cannot add or delete several indexes at once: by_end, by_state"],
    ),
    "two indexes are removed": (
        _set("Table", GlobalSecondaryIndexes=[]),
        ["DynamoDB::Table Table cannot add or delete several indexes at once: by_id, by_user"],
    ),
    "an index has another name": (
        _set("Table", GlobalSecondaryIndexes=[USER, _index("by_key", "id", "since")]),
        ["DynamoDB::Table Table cannot add or delete several indexes at once: by_id, by_key"],
    ),
    "a queue is removed": (_delete("Queue"), ["SQS::Queue Queue is deleted"]),
    "a queue has another name": (
        _set("Queue", QueueName="others.fifo"),
        ["SQS::Queue Queue is replaced, for its QueueName"],
    ),
    "a queue loses its order": (
        _set("Queue", QueueName=None, FifoQueue=None),
        ["SQS::Queue Queue is replaced, for its FifoQueue, QueueName"],
    ),
    "a queue becomes something else": (_retype, ["SQS::Queue Queue is deleted"]),
    "an API has another logical id": (_rename("Api", "Gateway"), ["ApiGateway::RestApi Api is deleted"]),
    "a stage has another name, and so every address": (
        _set("Stage", StageName="live"),
        ["ApiGateway::Stage Stage is replaced, for its StageName"],
    ),
    "a stage is one of another API": (
        _set("Stage", RestApiId={"Ref": "Gateway"}),
        ["ApiGateway::Stage Stage is replaced, for its RestApiId"],
    ),
    "all is removed": (
        _delete(*RELEASED),
        [
            "DynamoDB::Table Table is deleted",
            "SQS::Queue Queue is deleted",
            "ApiGateway::RestApi Api is deleted",
            "ApiGateway::Stage Stage is deleted",
        ],
    ),
}
HARMLESS: dict[str, Callable[[Template], None]] = {
    "nothing": lambda _resources: None,
    "protection": _set("Table", DeletionProtectionEnabled=False),
    "the order of indexes and of what they project": _set(
        "Table", GlobalSecondaryIndexes=[ID, _index("by_user", "user", "until", "since")]
    ),
    "one index more": _set("Table", GlobalSecondaryIndexes=[USER, ID, STATE]),
    "one index less": _set("Table", GlobalSecondaryIndexes=[USER]),
    "how long a queue keeps": _set("Queue", MessageRetentionPeriod=60),
    "an API's name": _set("Api", Name="visits"),
    "a function": _delete("Function"),
    "another table": lambda resources: resources.update(Another=RELEASED["Table"]),
}


def test_an_update_replaces_or_deletes_nothing_but_what_is_listed_as_intended(stacks: Stacks) -> None:
    now = {name: snapshot.snapshot(stack.template) for name, stack in stacks.items()}
    found = [line for name, before in snapshot.released().items() for line in changes(name, before, now.get(name, {}))]
    intended = snapshot.intended()
    unlisted = [line for line in found if line not in intended]
    assert not unlisted, "\n".join(["see docs/releasing.md:", *unlisted])
    assert [line for line in intended if line not in found] == []  # the list is of this release
    assert [line for line, reason in intended.items() if not reason.strip()] == []


@pytest.mark.parametrize("what", HARMFUL)
def test_a_change_that_loses_something_or_fails_is_found(what: str) -> None:
    change, expected = HARMFUL[what]
    assert _changes(change) == [f"stack: {line}" for line in expected]


@pytest.mark.parametrize("what", HARMLESS)
def test_a_change_in_place_is_free(what: str) -> None:
    assert _changes(HARMLESS[what]) == []


def test_of_a_release_all_tables_queues_and_apis_are_kept_in_mind(stacks: Stacks) -> None:
    for stack in stacks.values():
        holding = [name for kind in HOLDING for name in stack.resources(kind)]
        assert len(stack.resources("DynamoDB::Table")) >= 1
        assert sorted(snapshot.snapshot(stack.template)) == sorted(holding)


def test_snapshots_are_read_as_they_were_written(
    stacks: Stacks, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "FOLDER", tmp_path)
    monkeypatch.setattr(snapshot, "INTENDED", tmp_path / "intended.toml")
    (tmp_path / "SessionApis-old.json").write_text("{}")
    snapshot.write(stacks)
    assert snapshot.released() == {name: snapshot.snapshot(stack.template) for name, stack in stacks.items()}
    assert snapshot.intended() == {}


def _changes(change: Callable[[Template], Any]) -> list[str]:
    resources = deepcopy(RELEASED)
    change(resources)
    before, after = (snapshot.snapshot({"Resources": one}) for one in (RELEASED, resources))
    return changes("stack", before, after)
