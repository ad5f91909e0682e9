"""What each function does with DynamoDB and its queue, held against the rights that its family declares.

The real handlers run, and come by every place in their family's code that opens the door to DynamoDB. What they call
must be what they may, and what they may must be what they call: a right too few is a failure, one too many a risk.
"""

import ast
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from functions.device import authorize as device_authorize
from functions.store import authorize as store_authorize
from functions.store import demonstration, list_sessions, record_sessions
from functions.store.ordering import ORDERINGS
from functions.store.session import STORE_ORDERINGS
from functions.widget import authorize as widget_authorize
from functions.widget import list_user_sessions
from functions.widget import record_sessions as widget_recorder
from infra import families
from infra.families import FUNCTIONS
from infra.function import NOT_CARRIED
from infra.local.resources import Queue
from sessions import accounts, dynamodb, erasures
from sessions.deployment import Function
from sessions.erasures import Person
from tests.accounts import basic, bearer
from tests.conftest import Clock
from tests.device import records as device
from tests.knowledge import calls as knowledge
from tests.proxy_events import batch, request
from tests.sessions.watching import Call, aws_calls
from tests.widget import saves as widget

Use = tuple[str, str, str | None]
"""An action, and the table and index that it is about; of SQS, the queue."""

ERASED_DEVICE = "8988216716970004991"
LATER = datetime(2027, 1, 1, tzinfo=UTC)
DOOR = {"get", "batch_get", "query", "scan", "pages", "put", "update", "delete"}
OPERATORS = {"devices_of", "sessions_of", "live", "put_back", "of_client"}
"""Functions of the modules that handlers carry, which only `sessionctl` calls."""


class Watch:
    """The uses that each function makes of its rights, and the places in the families' code that they come from."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.used: dict[tuple[str, str], set[Use]] = {}
        self.places: set[str] = set()
        self._meanwhile: dict[str, Callable[[], None]] = {}
        self._calls = aws_calls(patch, self._before)
        known = [accounts.TABLE, *(table for name in families.names() for table in families.load(name).tables)]
        self._tables = {table.physical_name: table.name for table in known}
        for name in DOOR:
            patch.setattr(dynamodb, name, partial(self._through, getattr(dynamodb, name)))

    @contextmanager
    def function(self, family: str, module: str) -> Iterator[None]:
        """All calls while it is open are this function's."""
        self._calls.clear()
        yield
        self.used.setdefault((family, module), set()).update(use for call in self._calls for use in self._uses(call))
        self._calls.clear()

    def meanwhile(self, operation: str, run: Callable[[], None]) -> None:
        """Has this happen right before the next such call: another is quicker."""
        self._meanwhile[operation] = run

    def _before(self, call: Call) -> None:
        if run := self._meanwhile.pop(call[0], None):
            run()

    def _through(self, opened: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        caller = sys._getframe(1)
        file = Path(caller.f_code.co_filename)
        if file.is_relative_to(FUNCTIONS):
            self.places.add(f"{file.parent.name}.{file.stem}:{_first_line(file, caller.f_lineno)}")
        return opened(*arguments, **options)

    def _uses(self, call: Call) -> list[Use]:
        operation, parameters = call
        if operation == "SendMessage":
            return [(operation, parameters["QueueUrl"], None)]
        if operation == "BatchGetItem":
            return [(operation, self._tables[table], None) for table in parameters["RequestItems"]]
        return [(operation, self._tables[parameters["TableName"]], parameters.get("IndexName"))]


@pytest.fixture
def used(aws: dict[str, Queue], at: Clock, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """All functions of all families, at their work."""
    for name, account in (("device", "fleet"), ("store", demonstration.ACCOUNT), ("widget", widget.CLIENT)):
        accounts.create_account(name, account, now=at.now)
    for person in (Person(widget.CLIENT, "erased"), Person(None, ERASED_DEVICE), Person(demonstration.ACCOUNT, "9")):
        family = "device" if person.account is None else "widget" if person.account == widget.CLIENT else "store"
        erasures.remember(family, person, until=LATER)
    watch = Watch(monkeypatch)
    _authorizers(watch, at)
    _knowledge(watch, at)
    _widget(watch)
    _device(watch)
    _store(watch)
    return watch


def test_every_function_may_do_what_it_does_and_no_more(used: Watch, aws: dict[str, Queue]) -> None:
    expected = {
        (family.name, one.module): _declared(one)
        | ({("SendMessage", aws[family.name].dead_letter_url, None)} if one is family.recorder else set())
        for family in map(families.load, families.names())
        for one in family.functions
    }
    assert used.used == expected
    assert used.places == set(_places())


def _declared(function: Function) -> set[Use]:
    return {
        (action, right.table.name, right.index.name if right.index else None)
        for right in function.rights
        for action in right.actions
    }


def _authorizers(watch: Watch, at: Clock) -> None:
    secrets = {
        family: accounts.create_credential(family, account, now=at.now, username=name)[1]
        for family, account, name in (
            ("device", "fleet", "operator"),
            ("store", demonstration.ACCOUNT, None),
            ("widget", widget.CLIENT, None),
        )
    }
    for family, handler, headers in (
        ("device", device_authorize.handler, basic("operator", secrets["device"])),
        ("store", store_authorize.handler, bearer(secrets["store"])),
        ("widget", widget_authorize.handler, {"x-api-key": secrets["widget"]}),
    ):
        with watch.function(family, "authorize"):
            answer = handler(request(headers=headers), None)
        assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"


def _knowledge(watch: Watch, at: Clock) -> None:
    with watch.function("knowledge", "create_session"):
        assert knowledge.put()["statusCode"] == 200
    with watch.function("knowledge", "associate_session"):
        assert knowledge.post("visitor")["statusCode"] == 200
        at.advance(days=40)
        assert knowledge.post("visitor")["statusCode"] == 200, "in place of one that is over"
    with watch.function("knowledge", "get_session"):
        assert knowledge.get("visitor")["statusCode"] == 200


def _widget(watch: Watch) -> None:
    with watch.function("widget", "record_sessions"):
        widget.record(widget.saved(), widget.saved(user="erased", reference="LA-ERASED"))
        assert widget_recorder.handler(batch("no event"), None) == {"batchItemFailures": []}
    with watch.function("widget", "list_user_sessions"):
        assert widget.references() == ["LA-PE2VZ7RJD4"]
        assert widget.listed("erased")["body"] == "[]"
        other = list_user_sessions.handler(widget.asked(by="other", of=widget.CLIENT), None)
        assert other["statusCode"] == 401


def _device(watch: Watch) -> None:
    def sighted(number: int, minute: int | None = None, **members: Any) -> dict[str, Any]:
        """A record of this session; the sessions begin minute by minute."""
        time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number if minute is None else minute)
        return device.accounting("interim", time.isoformat(), session=f"s{number}", **members)

    with watch.function("device", "record_accounting"):
        device.record(device.registered(iccid=ERASED_DEVICE), "no event")
        device.record(device.registered(time="2025-01-01T00:00:00Z"))
        for number in range(1, 52):  # one more than are kept
            device.record(sighted(number))
        device.record(sighted(51, 52, sessionSeconds=52 * 60))  # began before all: the first is kept again
        for number in range(52, 64):
            device.record(sighted(number))
        device.record(sighted(1, 0))  # far beyond those that are kept
        watch.meanwhile("PutItem", lambda: device.record(sighted(63, 64)))
        device.record(sighted(63, 65))
        device.record(device.registered("other", time="2026-01-01T00:30:00Z"))
    with watch.function("device", "get_session_info"):
        assert device.get(account="other")["statusCode"] == 200
    assert device.get(ERASED_DEVICE)["statusCode"] == 404


def _store(watch: Watch) -> None:
    events = demonstration.events()
    kinds = ("store.store.saved", "store.customer.saved", "store.session.saved")
    saved = [next(one for one in events if one["type"] == kind) for kind in kinds]

    def again(minutes: int, **members: Any) -> dict[str, Any]:
        """The session, saved so much later."""
        time = datetime.fromisoformat(saved[2]["time"]) + timedelta(minutes=minutes)
        data = saved[2]["data"] | {"session": saved[2]["data"]["session"] | members}
        return saved[2] | {"id": f"again-{minutes}", "time": time.isoformat(), "data": data}

    def record(*sent: Any) -> None:
        assert record_sessions.handler(batch(*sent), None) == {"batchItemFailures": []}

    erased = saved[1] | {"data": saved[1]["data"] | {"customer": saved[1]["data"]["customer"] | {"id": 9}}}
    with watch.function("store", "record_sessions"):
        record(*saved, erased, "no event")
        record(again(2, sessionToken="second", sessionId="second"), again(1))
        watch.meanwhile("PutItem", lambda: record(again(9, sessionToken="third", sessionId="third", status="active")))
        record(again(3, sessionToken="fourth", sessionId="fourth"))
    session = saved[2]["data"]["session"]
    queries: list[dict[str, Any]] = [{"orderBy": name} for name in ORDERINGS]
    queries += [{"orderBy": name, "storeId": session["storeId"]} for name in STORE_ORDERINGS]
    queries += [{"id": session["id"]}, {"after": session["id"]}, {"sessionToken": "third"}, {"status": "active"}]
    with watch.function("store", "list_sessions"):
        for query in queries:
            wanted = {name: [str(value)] for name, value in query.items()}
            authorizer = {"account": demonstration.ACCOUNT}
            answer = list_sessions.handler(request(query=wanted, authorizer=authorizer), None)
            found = [one["id"] for one in json.loads(answer["body"])["data"]]
            assert (answer["statusCode"], found) == (200, [] if "after" in query else [str(session["id"])]), query


def _places() -> Iterator[str]:
    """Every call of the door in the modules that functions carry, but for what only operators do."""
    for file in sorted(FUNCTIONS.glob("*/*.py")):
        if file.stem not in NOT_CARRIED:
            yield from (f"{file.parent.name}.{file.stem}:{call.lineno}" for call in _calls(file))


def _first_line(file: Path, line: int) -> int:
    """Of the call that this line is a part of."""
    return next(call.lineno for call in _calls(file) if call.lineno <= line <= (call.end_lineno or 0))


@cache
def _calls(file: Path) -> tuple[ast.Call, ...]:
    functions = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
    return tuple(
        node
        for function in functions
        if function.name not in OPERATORS
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr in DOOR) == ("dynamodb", True)
    )
