"""What CDK's own validation, cdk-nag and cfn-lint find in the stacks: nothing that is not acknowledged."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from app import add_stacks, feature_flags
from infra import families
from infra.acknowledgement import acknowledge
from infra.families import ROOT
from infra.settings import ENVIRONMENTS
from tests.infra.stacks import EVERYTHING, Stacks


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's stacks with all that is optional, and of the report on them."""
    app = _checked(tmp_path_factory.mktemp("everything"), **feature_flags())
    add_stacks(app, [EVERYTHING])
    app.synth()
    return Path(app.outdir)


def test_nothing_is_found_where_the_stacks_are_synthesized_which_needs_no_credentials(tmp_path: Path) -> None:
    (own := tmp_path / "deployment.toml").write_text('[dev]\nalarm_address = "operators@example.com"\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    environment = kept | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "sessions" / "python")]),
        "CDK_OUTDIR": str(tmp_path),
        "DEPLOYMENT_SETTINGS": str(own),
        "CDK_CONTEXT_JSON": '{"aws:cdk:bundling-stacks": []}',
    }
    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, check=True)
    assert len(list(tmp_path.glob("*.template.json"))) == len(ENVIRONMENTS) * (1 + len(families.names()))
    assert _findings(tmp_path) == []
    assert _doubtful_acknowledgements(tmp_path) == []
    accounts = {name: (tmp_path / f"SessionApis-{name}-accounts.template.json").read_text() for name in ENVIRONMENTS}
    assert [name for name, text in accounts.items() if "operators@example.com" in text] == ["dev"]


def test_settings_that_make_no_sense_end_it_with_a_sentence(tmp_path: Path) -> None:
    (own := tmp_path / "deployment.toml").write_text("[prod]\nrate = 5\n")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "sessions" / "python")])
    environment = os.environ | {"PYTHONPATH": paths, "CDK_OUTDIR": str(tmp_path), "DEPLOYMENT_SETTINGS": str(own)}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"{own}: prod.rate: Unexpected keyword argument\n")


def test_nothing_is_found_in_an_environment_with_everything(everything: Path) -> None:
    assert [name for name, value in asdict(EVERYTHING).items() if not value] == []
    assert _findings(everything) == []
    assert _doubtful_acknowledgements(everything) == []


def test_cfn_lint_finds_nothing_but_what_is_wrong(stacks: Stacks, everything: Path, tmp_path: Path) -> None:
    wrong = {"Resources": {"Wrong": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": "soon"}}}}
    (tmp_path / "wrong.template.json").write_text(json.dumps(wrong))
    folders = {everything, tmp_path, *(stack.folder for stack in stacks.values())}
    assert len(folders) == 3
    templates = [str(folder / "*.template.json") for folder in folders]
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--format", "json", "--template", *templates],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [(Path(one["Filename"]).name, one["Rule"]["Id"]) for one in json.loads(done.stdout)]
    assert found == [("wrong.template.json", "E3012")]


def test_cfn_lint_ignores_nothing_everywhere(stacks: Stacks, everything: Path) -> None:
    settings = yaml.safe_load((ROOT / ".cfnlintrc").read_text())
    assert set(settings) == {"templates", "regions"}
    templates = [stack.template for stack in stacks.values()]
    templates += [json.loads(file.read_text()) for file in everything.glob("*.template.json")]
    assert [one["Metadata"] for one in templates if "cfn-lint" in one.get("Metadata", {})] == []


def test_a_finding_that_nobody_has_acknowledged_fails_the_synthesis(tmp_path: Path) -> None:
    app = _checked(tmp_path)
    stack = Stack(app, "Stack")
    acknowledge(_queue(stack, "Excused"), "SQS4", because="a test of ours")
    _queue(stack, "Forgotten")
    with pytest.raises(RuntimeError, match="ValidationFailed: ERROR"):
        app.synth()
    assert _findings(tmp_path) == ["AwsSolutions-SQS4: Stack/Forgotten/Resource"]


def test_an_acknowledgement_of_a_whole_stack_or_of_nothing_or_without_a_reason_is_doubtful(tmp_path: Path) -> None:
    app = _checked(tmp_path)
    stack = Stack(app, "Stack")
    _queue(stack, "Open")
    acknowledge(stack, "SQS4", because="a test of ours")
    acknowledge(_queue(stack, "Refusing", refuses_plain_http=True), "SQS4", because=" ")
    app.synth()
    assert _findings(tmp_path) == []
    assert _doubtful_acknowledgements(tmp_path) == [
        "Stack: AwsSolutions-SQS4 is excused in the whole stack",
        "Stack/Refusing: AwsSolutions-SQS4 has no reason",
        "Stack/Refusing: AwsSolutions-SQS4 excuses nothing",
    ]


def _checked(folder: Path, **flags: object) -> App:
    app = App(context={**flags, "aws:cdk:bundling-stacks": []}, outdir=str(folder))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def _queue(stack: Stack, name: str, *, refuses_plain_http: bool = False) -> sqs.Queue:
    elsewhere = sqs.Queue.from_queue_arn(stack, f"{name}DeadLetters", "arn:aws:sqs:eu-west-1:123456789012:dead")
    dead_letters = sqs.DeadLetterQueue(queue=elsewhere, max_receive_count=1)
    return sqs.Queue(stack, name, enforce_ssl=refuses_plain_http, dead_letter_queue=dead_letters)


def _reports(folder: Path) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = json.loads((folder / "validation-report.json").read_text())["pluginReports"]
    assert "AwsSolutions" in [report["pluginName"] for report in reports]
    return reports


def _findings(folder: Path) -> list[str]:
    """Warnings, too, which let a synthesis go on."""
    return [
        f"{violation['ruleName']}: {construct['constructPath']}"
        for report in _reports(folder)
        for violation in report["violations"]
        for construct in violation["violatingConstructs"]
    ]


def _doubtful_acknowledgements(folder: Path) -> list[str]:
    used = {
        (one["acknowledgedAt"], one["acknowledgedId"])
        for report in _reports(folder)
        for one in report.get("suppressedViolations", [])
    }
    found = []
    for file in sorted(folder.glob("*.metadata.json")):
        for path, entries in json.loads(file.read_text()).items():
            at = path.removeprefix("/")
            for entry in entries:
                given = entry["data"] if entry["type"] == Validations.ACKNOWLEDGED_RULES_METADATA_KEY else {}
                for finding, reason in given.items():
                    rule = finding.partition("::")[2]
                    if "/" not in at:
                        found.append(f"{at}: {rule} is excused in the whole stack")
                    if not reason.strip():
                        found.append(f"{at}: {rule} has no reason")
                    if (at, finding) not in used:
                        found.append(f"{at}: {rule} excuses nothing")
    return found
