"""All stacks of all environments, synthesized once, without wheels and without CDK's own validation.

That takes two thirds of the time; `test_findings.py` has it done once.
"""

import os
from pathlib import Path

import pytest

os.environ["CDK_VALIDATION"] = "false"  # read by the process of CDK, which starts with its import

from infra.layers import Wheels
from tests.infra.stacks import Stacks, synthesize


@pytest.fixture(scope="session")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """Every stack by its name. In a layer of wheels is one file; `test_layers.py` builds the real ones."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Wheels, "try_bundle", _no_wheels)
        return synthesize(tmp_path_factory.mktemp("assembly"), builds=True)


def _no_wheels(build: Wheels, output_dir: str, *_options: object, **_named: object) -> bool:
    (Path(output_dir) / build.name).touch()
    return True
