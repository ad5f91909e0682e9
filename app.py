"""The stacks of every environment: the accounts, and one stack per family. `make synth` writes their templates.

It fails on an error that CDK or cdk-nag finds in them; what is left as it is, `infra` acknowledges where it stands.

To do without a family, delete its folder, its tests, and its line here. One environment is deployed by the names of
its stacks: `make deploy ENVIRONMENT=dev`. Operators' own settings are in `deployment.toml`: `infra/environments.py`.
"""

import json
import os
import sys
from collections.abc import Iterable

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra import environments
from infra.accounts_stack import AccountsStack
from infra.families import ROOT
from infra.family_stack import FamilyStack
from infra.settings import ENVIRONMENTS, Environment


def add_stacks(app: App, environments: Iterable[Environment] = tuple(ENVIRONMENTS.values())) -> None:
    """All of them; the command line chooses among their names."""
    for environment in environments:
        accounts = AccountsStack(app, environment=environment)
        FamilyStack(app, "device", environment=environment, accounts=accounts)
        FamilyStack(app, "knowledge", environment=environment, accounts=accounts)
        FamilyStack(app, "store", environment=environment, accounts=accounts)
        FamilyStack(app, "widget", environment=environment, accounts=accounts)


def feature_flags() -> dict[str, object]:
    """Those of `cdk.json`, which only the command line reads by itself."""
    flags: dict[str, object] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return flags


if __name__ == "__main__":
    whole = App(context=feature_flags(), outdir=os.environ.get("CDK_OUTDIR", str(ROOT / "cdk.out")))
    Validations.of(whole).add_plugins(AwsSolutionsChecks(whole))
    try:
        known = environments.load()
    except environments.SettingsError as error:
        sys.exit(str(error))
    add_stacks(whole, known.values())
    whole.synth()
