"""One platform for all tests of this folder, whose authorizers remember nobody, and the command that runs it."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from pathlib import Path

import pytest

from infra.operations.main import main
from sessions import dynamodb
from tests.answers import Client
from tests.operations.commands import Ran, environment, run
from tests.platform import Platform

os.environ["DEPLOYMENT_SETTINGS"] = os.devnull  # whoever runs the tests may have settings of their own

Sessionctl = Callable[..., Ran]


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Each test process has its own."""
    with Platform(tmp_path_factory.mktemp("operations"), AUTHORIZER_CACHE_SECONDS="0") as running:
        yield running


@pytest.fixture
def http(platform: Platform) -> Iterator[Client]:
    with Client(platform.base_url) as client:
        yield client


@pytest.fixture
def local(platform: Platform) -> dict[str, str]:
    """The environment of a shell that knows where the platform is."""
    return environment(LOCAL_DIR=str(platform.folder), SESSIONCTL_LOCAL="1")


@pytest.fixture
def sessionctl(local: dict[str, str], tmp_path: Path) -> Sessionctl:
    """The command, for the running platform, typed in some folder."""
    return partial(run, env=local, cwd=tmp_path)


@pytest.fixture
def in_process(
    local: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sessionctl]:
    """The same without a process of its own, which takes longer than most commands."""

    def run_here(*arguments: str, answer: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", StringIO(answer))
        os.environ.clear()
        os.environ.update(local)
        capsys.readouterr()
        status = main([*arguments])
        return Ran(status, *capsys.readouterr())

    before = dict(os.environ)
    carry = dynamodb._transport
    yield run_here
    dynamodb.use(carry)
    os.environ.clear()
    os.environ |= before
