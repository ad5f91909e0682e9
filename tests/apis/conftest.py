"""The APIs under test, twice: of the local platform, and of the stacks as they are deployed. The tests are the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apis.deployment import Deployment, Emulator, synthesize
from tests.platform import Target, quiet_platform

DEPLOYED = "deployed"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What differs is expected to fail on the deployed stacks, and nowhere else."""
    for item in items:
        known = item.get_closest_marker("differs")
        if known and isinstance(item, pytest.Function) and item.callspec.params.get("apis") == DEPLOYED:
            item.add_marker(known.args[0].failure())


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The templates of all environments and their assets, layers built."""
    folder = tmp_path_factory.mktemp("assembly")
    synthesize(folder)
    return folder


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory, assembly: Path) -> Iterator[Emulator]:
    """An AWS account that CDK can deploy to."""
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        running.bootstrap(assembly)
        yield running


@pytest.fixture(scope="session")
def deployment(emulator: Emulator, assembly: Path) -> Iterator[Deployment]:
    """The stacks of `dev`, with the demonstration data."""
    dev = Deployment(emulator, assembly, "dev")
    dev.deploy()
    dev.demonstrate()
    yield dev
    dev.close()


@pytest.fixture(scope="session")
def prod(emulator: Emulator, assembly: Path) -> Deployment:
    """The stacks of `prod`, with nothing in them."""
    deployment = Deployment(emulator, assembly, "prod")
    deployment.deploy()
    return deployment


@pytest.fixture(scope="session")
def everything(emulator: Emulator, assembly: Path) -> Deployment:
    """The stacks of an environment with all that is optional, with nothing in them."""
    deployment = Deployment(emulator, assembly, "everything")
    deployment.deploy()
    return deployment


@pytest.fixture(scope="session", params=["local", DEPLOYED])
def apis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    if request.param == DEPLOYED:
        yield request.getfixturevalue("deployment")
    else:
        with quiet_platform(tmp_path_factory.mktemp("local")) as running:
            yield running
