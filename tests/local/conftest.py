"""One platform for all tests of this folder, and what a caller needs to speak to it."""

from collections.abc import Iterator

import pytest

from tests.accounts import Headers, basic, bearer
from tests.answers import Client
from tests.platform import Platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Each test process has its own. In the end it stops as on Ctrl-C, and has complained of refused events only."""
    running = Platform(tmp_path_factory.mktemp("local"))
    with running:
        yield running
    complaints = [line for line in running.err.splitlines() if not line.startswith("WARNING event refused")]
    assert complaints == []


@pytest.fixture
def http(platform: Platform) -> Iterator[Client]:
    with Client(platform.base_url) as client:
        yield client


@pytest.fixture
def insurer(platform: Platform) -> Headers:
    """The header with the demonstration client's API key."""
    return {"x-api-key": platform.connection["widget"]["api_key"]}


@pytest.fixture
def retailer(platform: Platform) -> Headers:
    """The header with the demonstration account's token."""
    return bearer(platform.connection["store"]["token"])


@pytest.fixture
def fleet(platform: Platform) -> Headers:
    """The header with the demonstration account's user name and API key."""
    known = platform.connection["device"]
    return basic(known["username"], known["api_key"])


@pytest.fixture
def credentials(insurer: Headers, fleet: Headers, retailer: Headers) -> dict[str, Headers]:
    """By their family, those of the demonstration accounts; nothing where a family asks for none."""
    return {"device": fleet, "knowledge": {}, "store": retailer, "widget": insurer}
