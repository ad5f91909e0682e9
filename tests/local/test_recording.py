"""How the demonstration data gets in, and what becomes of the platform where it does not."""

import json
from concurrent.futures import Future
from threading import Event
from typing import Any

import pytest

from functions.store import demonstration as of_store
from functions.widget import demonstration as of_widget
from functions.widget import record_sessions
from infra.local import demonstration
from infra.local.aws import StartError
from infra.local.queues import BATCH
from infra.local.resources import Queue
from infra.local.service import _Server
from tests.sessions.watching import dead_letters


class Recorder:
    """Notes what it is given; these messages of each batch fail."""

    def __init__(self, *failing: int) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self._failing = failing

    def __call__(self, event: dict[str, Any], _context: Any) -> dict[str, Any]:
        records = event["Records"]
        self.batches.append(records)
        failures = [{"itemIdentifier": records[number]["messageId"]} for number in self._failing]
        return {"batchItemFailures": failures}


def test_all_events_are_recorded_in_batches_as_from_the_queue(aws: dict[str, Queue]) -> None:
    recorder = Recorder()
    demonstration.record("store", aws["store"], recorder, Event())
    records = [record for batch in recorder.batches for record in batch]
    assert [json.loads(record["body"]) for record in records] == of_store.events()
    assert {len(batch) for batch in recorder.batches[:-1]} == {BATCH}
    assert len({record["messageId"] for record in records}) == len(records)
    assert {record["attributes"]["ApproximateReceiveCount"] for record in records} == {"1"}


def test_nothing_waits_in_the_queue(aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch) -> None:
    demonstration.record("widget", aws["widget"], record_sessions.handler, Event())
    assert dead_letters(aws["widget"].url) == []


def test_an_event_that_cannot_be_recorded_stops_the_start(aws: dict[str, Queue]) -> None:
    recorder = Recorder(1)
    with pytest.raises(StartError, match=r"^Demonstration data of store was not recorded; the log above says why\.$"):
        demonstration.record("store", aws["store"], recorder, Event())
    assert len(recorder.batches) == 1


def test_an_event_that_is_refused_stops_the_start(aws: dict[str, Queue], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_widget, "events", lambda: [{"type": "none"}])
    with pytest.raises(StartError, match=r"^Demonstration data of widget was refused; the log above says why\.$"):
        demonstration.record("widget", aws["widget"], record_sessions.handler, Event())


def test_a_platform_that_stops_records_no_more(aws: dict[str, Queue]) -> None:
    stopping = Event()
    recorder = Recorder()

    def stops(event: dict[str, Any], context: Any) -> dict[str, Any]:
        if len(recorder.batches) == 2:
            stopping.set()
        return recorder(event, context)

    demonstration.record("store", aws["store"], stops, stopping)
    assert len(recorder.batches) == 3


def test_the_server_ends_only_where_recording_failed() -> None:
    server = object.__new__(_Server)
    server.should_exit = False
    done: Future[None] = Future()
    done.set_result(None)
    server.stop_on_failure(done)
    assert not server.should_exit
    failed: Future[None] = Future()
    failed.set_exception(StartError("no"))
    server.stop_on_failure(failed)
    assert server.should_exit
