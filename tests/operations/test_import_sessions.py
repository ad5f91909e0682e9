"""Sessions of an export, put back into the table of a family that has no queue."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.knowledge import session
from infra import families
from infra.local.resources import Queue
from infra.operations.lines import event_types, restoring
from infra.operations.main import main
from sessions import dynamodb
from sessions.endpoint import CallError
from tests.exports import empty
from tests.knowledge.calls import NOT_FOUND, get, put
from tests.operations.cloud import deploy
from tests.sessions.watching import stored

Typed = Callable[..., tuple[int, Any, str]]
FILE = "sessions.jsonl"


@pytest.fixture
def typed(
    aws: dict[str, Queue], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Runs a command about knowledge with `--json`: status, what stands on standard output, and what was told."""
    deploy("dev", aws)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)

    def run(command: str, *arguments: str) -> tuple[int, Any, str]:
        status = main([command, "knowledge", *arguments, "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else None, err

    return run


@pytest.fixture
def exported(typed: Typed) -> dict[str, Any]:
    """The answers that there were, by the ids of sessions that are exported to `FILE`, and there no more."""
    ids = [
        put({"visitId": 'ü"\\\u2028'}, {"gkc_customerId": f"c{number}"})["body"]["sessionId"] for number in range(40)
    ]
    answers = {one: get(one) for one in ids}
    assert typed("export", "--with-ids", "--output", FILE)[:1] == (0,)
    empty(session.TABLE)
    assert {str(get(one)) for one in answers} == {str(NOT_FOUND)}
    return answers


def counts(found: Any) -> dict[str, int]:
    return {name: found[name] for name in ("valid", "sent", "sent_already", "restored", "newer", "expired")}


def test_an_export_gives_the_same_answers_in_an_empty_table(typed: Typed, exported: dict[str, Any]) -> None:
    status, found, err = typed("import", FILE)
    assert (status, err) == (0, "")
    assert {name: found[name] for name in found if name not in ("seconds", "events_per_second", "checkpoint")} == {
        "family": "knowledge",
        "deployment": "dev",
        "lines": 40,
        "valid": 40,
        "rejected": 0,
        "skipped": 0,
        "sent": 40,
        "sent_already": 0,
        "restored": 40,
        "newer": 0,
        "expired": 0,
        "rejects": None,
    }
    assert {one: get(one) for one in exported} == exported
    status, found, err = typed("import", FILE)
    assert (status, found["sent"], found["restored"]) == (0, 0, 0)
    assert err.startswith("All of it was sent by 20")
    assert counts(typed("import", FILE, "--again")[1]) == {
        "valid": 40,
        "sent": 40,
        "sent_already": 0,
        "restored": 0,
        "newer": 40,
        "expired": 0,
    }


def test_a_table_that_was_made_anew_has_nothing_yet(typed: Typed, exported: dict[str, Any]) -> None:
    assert typed("import", FILE)[1]["restored"] == 40
    empty(session.TABLE)
    assert typed("import", FILE)[1]["restored"] == 40
    assert {one: get(one) for one in exported} == exported


def test_what_is_over_does_not_come_back(typed: Typed, exported: dict[str, Any]) -> None:
    lines = [json.loads(line) for line in Path(FILE).read_text().rstrip("\n").split("\n")]
    times = ("createdAt", "updatedAt", "expiresAt")
    old = lines[0] | dict.fromkeys(times, "2020-01-02T03:04:05.678Z")
    Path(FILE).write_text("\n".join(map(json.dumps, [old, *lines[1:]])))
    status, found, err = typed("import", FILE)
    assert (status, found["restored"], found["newer"], found["expired"], err) == (0, 39, 0, 1, "")
    assert get(old["sessionId"]) == NOT_FOUND


def test_nothing_is_put_back_where_a_line_is_no_session(typed: Typed, exported: dict[str, Any]) -> None:
    good, *_ = Path(FILE).read_text().split("\n")
    nameless = json.loads(good)
    del nameless["sessionId"]
    Path(FILE).write_text(f"{good}\n{json.dumps(nameless)}\n{{\n[]\n")
    for arguments in ((), ("--dry-run",)):
        status, found, err = typed("import", FILE, *arguments)
        assert (status, found["rejected"], found["sent"], found["restored"]) == (1, 3, 0, 0)
        assert err.startswith("3 of 4 lines cannot be imported; nothing was sent.")
        told = [json.loads(line) for line in Path(found["rejects"]).read_text().splitlines()]
        assert [(one["line"], one["reason"]) for one in told] == [
            (2, "sessionId: Field required"),
            (3, "session: Invalid JSON: EOF while parsing an object at line 1 column 1"),
            (4, "session: Input should be an object"),
        ]
        assert stored("knowledge-sessions") == []
    status, found, err = typed("import", FILE, "--skip-invalid")
    assert (status, found["restored"]) == (1, 1)
    assert err.startswith("3 of 4 lines cannot be imported; the others were sent.")


def test_ctrl_c_leaves_a_state_from_which_one_can_go_on(
    typed: Typed, exported: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_item, calls = dynamodb.put, []

    def interrupted(*arguments: Any, **values: Any) -> None:
        calls.append(1)
        if len(calls) == 9:
            os.kill(os.getpid(), signal.SIGINT)
        put_item(*arguments, **values)

    monkeypatch.setattr(dynamodb, "put", interrupted)
    status, found, err = typed("import", FILE)
    there = len(stored("knowledge-sessions"))
    assert (status, found) == (130, None)
    assert err.endswith(f"Interrupted: {there} of 40 sessions are sent. The same command goes on.\n")
    assert 9 <= there < 40
    status, found, err = typed("import", FILE)
    assert err == f"{there} of 40 sessions were sent before; it goes on with the others.\n"
    assert (status, found["sent_already"], found["restored"]) == (0, there, 40 - there)
    assert {one: get(one) for one in exported} == exported


def test_what_dynamodb_refuses_is_told_of_and_comes_with_the_next_import(
    typed: Typed, exported: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_item = dynamodb.put

    def refused(table: Any, item: Any, *rest: Any, **values: Any) -> None:
        if item["customerId"] == '"c7"':
            raise CallError("PutItem", "AccessDenied", "No")
        put_item(table, item, *rest, **values)

    with monkeypatch.context() as patch:
        patch.setattr(dynamodb, "put", refused)
        assert typed("import", FILE) == (1, None, "AWS refused PutItem: AccessDenied: No\n")
    there = len(stored("knowledge-sessions"))
    status, found, _ = typed("import", FILE)
    assert (status, found["sent_already"], found["restored"], found["newer"]) == (0, there, 40 - there, 0)


def test_every_family_takes_events_or_sessions() -> None:
    for family in map(families.load, families.names()):
        assert bool(event_types(family.name)) == (family.recorder is not None)
        assert family.recorder or restoring(family.name).SESSIONS
