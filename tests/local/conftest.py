"""One platform for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.platform import Platform, quiet_platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Each test process has its own."""
    with quiet_platform(tmp_path_factory.mktemp("local")) as running:
        yield running


@pytest.fixture(scope="session")
def apis(platform: Platform) -> Platform:
    """Those under test here."""
    return platform
