"""All stacks of all environments, synthesized once, without building a layer and without CDK's own validation.

That takes two thirds of the time; `test_findings.py` has it done once.
"""

import os

import pytest

os.environ["CDK_VALIDATION"] = "false"  # read by the process of CDK, which starts with its import

from tests.infra.stacks import Stacks, synthesize


@pytest.fixture(scope="session")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """Every stack by its name."""
    return synthesize(tmp_path_factory.mktemp("assembly"))
