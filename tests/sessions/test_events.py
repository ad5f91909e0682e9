from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sessions import clock
from sessions.events import CloudEvent, written

EVENT = {"specversion": "1.0", "id": "1", "source": "/test", "time": "2026-01-02T03:04:05Z"}
EVENTS = TypeAdapter(CloudEvent)


def read(**members: Any) -> CloudEvent:
    """The event with these members in place of usual ones, without those that are `...`."""
    sent = {name: value for name, value in (EVENT | members).items() if value is not ...}
    from pydantic_core import to_json

    return EVENTS.validate_json(to_json(sent))


@pytest.mark.parametrize(
    ("text", "microseconds_written"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z"),
        ("2026-01-02t03:04:05z", "2026-01-02T03:04:05.000000Z"),
        ("2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.500000Z"),
        ("2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678901Z"),
        ("2026-01-02T03:04:05.678901999Z", "2026-01-02T03:04:05.678901Z"),
        ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.000000Z"),
        ("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05.000000Z"),
        ("2026-01-02T03:04:05+05:30", "2026-01-01T21:34:05.000000Z"),
        ("2026-01-02T03:04:05-23:59", "2026-01-03T03:03:05.000000Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_time_is_read_into_utc(text: str, microseconds_written: str) -> None:
    assert clock.sortable(read(time=text).time) == microseconds_written


@pytest.mark.parametrize(
    "time",
    [
        ...,
        None,
        "",
        1767323045,
        "1767323045",
        True,
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04Z",
        "2026-01-02T03:04:05+0100",
        "2026-01-02T03:04:05+01",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05,5Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:00Z",
        "2026-13-02T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "0000-01-01T00:00:00Z",
        " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z\n",
        "٢٠٢٦-01-02T03:04:05Z",
        "12026-01-02T03:04:05Z",
    ],
)
def test_what_is_no_rfc_3339_time_with_an_offset_is_refused(time: Any) -> None:
    with pytest.raises(ValidationError):
        read(time=time)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_a_time_outside_of_the_calendar_is_refused(time: str) -> None:
    with pytest.raises(ValidationError, match="outside the years 1 to 9999"):
        read(time=time)


@pytest.mark.parametrize("attribute", ["id", "source"])
@pytest.mark.parametrize(
    "value", ["", ..., None, 1, "x" * 257, "a\nb", "a\x00", "\x1f", "a\x7f", "a\x80", "\x9f", "a\n"]
)
def test_an_event_is_named_by_texts_without_control_characters(attribute: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        read(**{attribute: value})


@pytest.mark.parametrize("value", ["x", "x" * 256, "a b", "ünï \U0001f600", "\xa0", "~"])
def test_other_texts_name_an_event(value: str) -> None:
    event = read(id=value, source=value)

    assert (event.id, event.source) == (value, value)


@pytest.mark.parametrize("specversion", ["1.0.1", "0.3", "1", 1.0, None, ...])
def test_another_version_of_cloud_events_is_refused(specversion: Any) -> None:
    with pytest.raises(ValidationError):
        read(specversion=specversion)


@pytest.mark.parametrize("kind", ["text/xml", "application/json; charset=utf-8", "", None, 1])
def test_data_of_another_content_type_is_refused(kind: Any) -> None:
    with pytest.raises(ValidationError):
        read(datacontenttype=kind)


def test_the_content_type_may_be_named() -> None:
    assert read(datacontenttype="application/json") == read()


def test_attributes_that_we_do_not_know_are_left_alone() -> None:
    assert read(traceparent="00-1", subject=["odd"], dataschema=None) == read()


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"time": "2026-01-02T03:04:05Z", "id": "9"}, {"time": "2026-01-02T03:04:05.000001Z", "id": "1"}),
        ({"time": "2026-01-02T03:04:06+01:00"}, {"time": "2026-01-02T02:04:07Z"}),
        ({"time": "0999-01-01T00:00:00Z"}, {"time": "1000-01-01T00:00:00Z"}),
        ({"id": "1"}, {"id": "2"}),
        ({"id": "10"}, {"id": "9"}),
        ({"id": "a"}, {"id": "a "}),
        ({"id": "a", "source": "z"}, {"id": "ab", "source": "a"}),
        ({"source": "a"}, {"source": "b"}),
    ],
)
def test_the_later_time_is_newer_and_then_the_greater_id(older: dict[str, str], newer: dict[str, str]) -> None:
    assert read(**older).version < read(**newer).version


def test_one_event_has_one_version_however_its_time_is_written() -> None:
    assert read(time="2026-01-02T04:04:05.000+01:00").version == read(time="2026-01-02t03:04:05z").version


def test_the_sortable_text_sorts_as_time_does() -> None:
    moments = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(999, 12, 31, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ]
    written = [clock.sortable(moment) for moment in moments]

    assert sorted(written) == written
    assert {len(text) for text in written} == {27}
    assert [clock.parse(text) for text in written] == moments


def test_milliseconds_are_cut_and_not_rounded() -> None:
    assert clock.milliseconds(datetime(2026, 1, 2, 3, 4, 5, 678999, tzinfo=UTC)) == "2026-01-02T03:04:05.678Z"
    assert clock.milliseconds(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05.000Z"


def test_the_clock_is_in_utc() -> None:
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("time", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.67Z", "0001-01-01T00:00:10.000001Z"])
def test_an_event_is_written_as_short_as_its_version_was_told(time: str) -> None:
    event = read(time=time, id='é"\\\U0001f600', source="/\u2028")
    text = written("test", event.version, '{"a":1e2}')

    assert EVENTS.validate_json(text).version == event.version
    assert text.endswith(f'"type":"test","time":"{time}","data":{{"a":1e2}}}}')
    assert '"id":"é\\"\\\\\U0001f600"' in text
