"""All stacks of all environments, synthesized once, without building a layer and without CDK's own validation.

That takes two thirds of the time; `test_findings.py` has it done once.
"""

import os

import pytest

os.environ["CDK_VALIDATION"] = "false"  # read by the process of CDK, which starts with its import

from aws_cdk import App

from app import add_stacks, feature_flags
from tests.infra.stacks import Stack, Stacks


@pytest.fixture(scope="session")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """Every stack by its name."""
    folder = tmp_path_factory.mktemp("assembly")
    app = App(context={**feature_flags(), "aws:cdk:bundling-stacks": []}, outdir=str(folder))
    add_stacks(app)
    return {stack.stack_name: Stack(folder, stack.template) for stack in app.synth().stacks}
