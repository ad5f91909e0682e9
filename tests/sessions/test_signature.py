"""Signatures as AWS publishes them, and as botocore makes them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from sessions.signature import Credentials, Signer

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
    "hAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVX"
    "AkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
FORM = {
    "content-length": "13",
    "x-amz-content-sha256": "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
}

# Those of the test suite for Signature Version 4 that are a POST to / without a query: AWS publishes it in
# github.com/awslabs/aws-c-auth, under tests/aws-signing-test-suite/v4.
PUBLISHED = {
    "post-vanilla": ({}, b"", None, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-header-key-sort": (
        {"my-header1": "value1"},
        b"",
        None,
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-header-value-case": (
        {"my-header1": "VALUE1"},
        b"",
        None,
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-sts-header-before": (
        {},
        b"",
        TOKEN,
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
    "post-x-www-form-urlencoded": (
        FORM | {"content-type": "application/x-www-form-urlencoded"},
        b"Param1=value1",
        None,
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    ),
    "post-x-www-form-urlencoded-parameters": (
        FORM | {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
        b"Param1=value1",
        None,
        "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
    ),
}


@pytest.mark.parametrize(("headers", "body", "token", "published"), PUBLISHED.values(), ids=list(PUBLISHED))
def test_a_request_of_the_published_test_suite_has_the_published_signature(
    headers: dict[str, str], body: bytes, token: str | None, published: str
) -> None:
    given_headers = {"host": "example.amazonaws.com"} | headers

    signer = Signer(given_headers, Credentials("AKIDEXAMPLE", SECRET, token), region="us-east-1", service="service")

    names = sorted([*given_headers, "x-amz-date", *(["x-amz-security-token"] if token else [])])
    assert signer.headers == given_headers | ({"x-amz-security-token": token} if token else {})
    signature = signer.signed(body, at=AT)
    assert signature.date == "20150830T123600Z"
    assert signature.authorization == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={';'.join(names)}, Signature={published}"
    )


WORDS = st.text("abcXYZ0189-_. =/+", min_size=1).map(str.strip).filter(bool)


@given(
    headers=st.dictionaries(st.from_regex("x-[a-z0-9-]{1,9}", fullmatch=True), WORDS, max_size=4),
    body=st.binary(max_size=300),
    keys=st.tuples(WORDS, WORDS, st.none() | WORDS),
    at=st.integers(0, 4_000_000_000),
)
def test_a_signature_is_the_one_that_botocore_makes(
    headers: dict[str, str], body: bytes, keys: tuple[str, str, str | None], at: int
) -> None:
    request = AWSRequest("POST", "https://dynamodb.eu-west-1.amazonaws.com/", dict(headers), body)
    theirs: Any = SigV4Auth(BotocoreCredentials(*keys), "dynamodb", "eu-west-1")
    request.context["timestamp"] = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    theirs._modify_request_before_signing(request)
    theirs._inject_signature_to_request(
        request, theirs.signature(theirs.string_to_sign(request, theirs.canonical_request(request)), request)
    )

    given_headers = {"host": "dynamodb.eu-west-1.amazonaws.com", **headers}
    signer = Signer(given_headers, Credentials(*keys), region="eu-west-1", service="dynamodb")

    assert signer.signed(body, at=at).authorization == request.headers["Authorization"]


def test_a_signer_signs_on_another_day_as_if_it_were_new() -> None:
    used, *new = (Signer({"host": "h"}, Credentials("a", "b"), region="r", service="s") for _ in range(5))
    for signer, at in zip(new, (AT, AT + 1, AT + 86_400, AT), strict=True):
        assert used.signed(b"", at=at) == signer.signed(b"", at=at)
