"""Where the emulator is not as AWS is. docs/emulator.md tells of each; a test that one makes fail says which.

A test that is expected to fail and does not fails: then the emulator has learned it, and the line is to go.
"""

from dataclasses import dataclass

import pytest

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

    def failure(self) -> pytest.MarkDecorator:
        return pytest.mark.xfail(reason=f"{self.name}: {self.page}", raises=AssertionError, strict=True)


SEGMENTS = Difference("Empty segments of a path", f"{_GUIDE}/supported-gateway-response-types.html")
PATHS = Difference("Percent-encoded paths", f"{_GUIDE}/api-gateway-known-issues.html")
HEADERS = Difference("Repeated headers", f"{_GUIDE}/set-up-lambda-proxy-integrations.html")

ALL = (SEGMENTS, PATHS, HEADERS)
