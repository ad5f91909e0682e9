"""Where the emulator is not as AWS is. docs/emulator.md tells of each; a test that one makes fail says which.

A test that is expected to fail and does not fails: then the emulator has learned it, and the line is to go.
"""

from dataclasses import dataclass

import pytest
from schemathesis.core.failures import FailureGroup

_GUIDE = "https://docs.aws.amazon.com/apigateway/latest/developerguide"


@dataclass(frozen=True, slots=True)
class Difference:
    """`name` is its heading in docs/emulator.md; `page` shows that AWS does as the contracts and tests say."""

    name: str
    page: str

    @property
    def mark(self) -> pytest.MarkDecorator:
        """For tests that fail by it on the deployed stacks."""
        return pytest.mark.differs(self)

    def is_expected(self, request: pytest.FixtureRequest) -> None:
        """The same from inside of a test."""
        request.applymarker(self.failure())

    def failure(self) -> pytest.MarkDecorator:
        return pytest.mark.xfail(reason=f"{self.name}: {self.page}", raises=(AssertionError, FailureGroup), strict=True)


ANSWERS = Difference("The gateway's own answers", f"{_GUIDE}/api-gateway-gatewayResponse-definition.html")
PREFLIGHTS = Difference("Preflights", f"{_GUIDE}/how-to-mock-integration.html")
PATHS = Difference("Percent-encoded paths", f"{_GUIDE}/api-gateway-known-issues.html")
HEADERS = Difference("Repeated headers", f"{_GUIDE}/set-up-lambda-proxy-integrations.html")
ADDRESSES = Difference("The caller's address", f"{_GUIDE}/api-gateway-mapping-template-reference.html")

ALL = (ANSWERS, PREFLIGHTS, PATHS, HEADERS, ADDRESSES)
