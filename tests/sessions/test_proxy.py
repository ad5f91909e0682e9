import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import families
from sessions import endpoint, proxy, settings
from tests.proxy_events import request
from tests.sessions.watching import logged


def sent(**members: Any) -> dict[str, Any]:
    return request() | members


@pytest.mark.parametrize("name", ["x-api-key", "X-API-Key", "X-Api-KEY"])
def test_a_header_is_found_whatever_its_case(name: str) -> None:
    assert proxy.header(request(headers={"Accept": "*/*", name: "value"}), "X-api-Key") == "value"


@pytest.mark.parametrize("headers", [None, {}, {"x-api-key": ""}, {"x-api-key": None}, {"x-api-keys": "value"}])
def test_a_missing_or_empty_header_is_none(headers: Any) -> None:
    assert proxy.header(sent(headers=headers), "x-api-key") is None


@pytest.mark.parametrize(
    ("in_the_url", "meant"),
    [
        ("plain", "plain"),
        ("ana%40example.com", "ana@example.com"),
        ("a%2Fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("a+b", "a+b"),
        ("%C3%BC", "ü"),
        ("%FF", "\ufffd"),
        ("100%", "100%"),
    ],
)
def test_a_path_parameter_is_decoded_once(in_the_url: str, meant: str) -> None:
    assert proxy.path_parameter(sent(pathParameters={"id": in_the_url}), "id") == meant


@pytest.mark.parametrize("parameters", [None, {}, {"other": ["x"]}, {"fields": []}, {"fields": None}])
def test_a_missing_query_parameter_has_no_values(parameters: Any) -> None:
    assert proxy.query_parameter(sent(multiValueQueryStringParameters=parameters), "fields") == []


def test_a_query_parameter_has_its_values_in_order() -> None:
    assert proxy.query_parameter(request(query={"fields": ["b", "", "a"]}), "fields") == ["b", "", "a"]


@pytest.mark.parametrize(
    ("body", "encoded", "meant"),
    [
        (None, False, b""),
        ("", False, b""),
        ("", True, b""),
        (None, True, b""),
        ("ü", False, b"\xc3\xbc"),
        (base64.b64encode(b"\x00\xff").decode(), True, b"\x00\xff"),
        ("a", True, b""),
    ],
)
def test_a_body_is_bytes(body: str | None, encoded: bool, meant: bytes) -> None:
    assert proxy.body(sent(body=body, isBase64Encoded=encoded)) == meant


def test_the_account_is_the_authorizers_alone() -> None:
    event = request(
        authorizer={"account": "fleet"},
        headers={"account": "other"},
        query={"account": ["other"]},
        path={"account": "other"},
    )

    assert proxy.account(event) == "fleet"
    with pytest.raises(KeyError):
        proxy.account(request(headers={"account": "other"}))


@proxy.endpoint(lambda event: proxy.answer(500, "{}", {"X-Request": proxy.request_id(event)}))
def answering(event: proxy.Event, context: Any) -> proxy.Answer:
    if context == "fails":
        raise RuntimeError("internals")
    return proxy.answer(201, '{"a":1}', {"Link": "<x>"})


def test_an_answer_is_json_with_its_headers() -> None:
    assert answering(request(), None) == {
        "statusCode": 201,
        "headers": {"Content-Type": "application/json", "Link": "<x>"},
        "body": '{"a":1}',
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from('a"\\/\n\u007f\u0142😀')), inner),
    )
)
def test_json_in_ascii_says_the_same(said: Any) -> None:
    text = json.dumps(said, ensure_ascii=False)

    in_ascii = proxy.in_ascii(text)

    assert in_ascii.isascii()
    assert json.loads(in_ascii) == said


def test_an_endpoints_calls_end_before_lambda_ends_the_function() -> None:
    found: list[float] = []

    def handler(_event: Any, _context: Any) -> dict[str, Any]:
        found.append(endpoint._ends.get() - time.monotonic())
        return proxy.answer(200, "{}")

    proxy.endpoint(lambda _event: {})(handler)(request(), None)

    assert proxy.LONGEST_REQUEST - 1 < found[0] <= proxy.LONGEST_REQUEST
    endpoints = [function for name in families.names() for function in families.load(name).endpoints]
    assert len(endpoints) >= 6
    assert all(function.timeout >= proxy.LONGEST_REQUEST + 2 for function in endpoints)


def test_a_failure_is_answered_without_internals() -> None:
    assert answering(request(), "fails") == {
        "statusCode": 500,
        "headers": {"Content-Type": "application/json", "X-Request": "request-1"},
        "body": "{}",
    }


def test_what_goes_well_is_left_to_the_gateways_log(caplog: pytest.LogCaptureFixture) -> None:
    answering(request(authorizer={"account": "fleet"}), None)

    assert caplog.records == []


def test_a_failure_is_in_the_log_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    answering(request(), "fails")

    (record,) = caplog.records
    line = vars(record)
    assert (line["levelname"], line["message"]) == ("ERROR", "request failed")
    assert (line["operation"], line["gateway_request_id"]) == ("test_proxy", "request-1")
    assert "RuntimeError: internals" in logged(caplog)


def test_a_failure_in_lambda_is_counted_for_its_version(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the embedded metric format: Lambda itself sees no error where the caller gets an answer."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "list-sessions")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")

    answering(request(), "fails")

    (record,) = caplog.records
    failed = vars(record)
    assert (failed["function_name"], failed["function_version"], failed["failures"]) == ("list-sessions", "7", 1)
    assert failed["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "SessionApis",
            "Dimensions": [["function_name"], ["function_name", "function_version"]],
            "Metrics": [{"Name": "failures", "Unit": "Count"}],
        }
    ]
    assert failed["_aws"]["Timestamp"] > 1_700_000_000_000


def test_settings_stay_as_they_are_once_they_are_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_variables", settings._variables)
    monkeypatch.setenv("SOME_SETTING", "before")
    settings.settle()
    monkeypatch.setenv("SOME_SETTING", "after")

    assert settings.text("SOME_SETTING") == "before"


def test_a_missing_setting_is_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_SETTING", raising=False)

    for read in (settings.text, settings.number, settings.flag, settings.words):
        with pytest.raises(KeyError, match="SOME_SETTING"):
            read("SOME_SETTING")


def test_settings_are_read_as_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SETTING", "7")
    assert (settings.text("SOME_SETTING"), settings.number("SOME_SETTING")) == ("7", 7)
    monkeypatch.setenv("SOME_SETTING", "true")
    assert settings.flag("SOME_SETTING") is True
    monkeypatch.setenv("SOME_SETTING", "false")
    assert settings.flag("SOME_SETTING") is False
    monkeypatch.setenv("SOME_SETTING", "a,b")
    assert settings.words("SOME_SETTING") == ("a", "b")
